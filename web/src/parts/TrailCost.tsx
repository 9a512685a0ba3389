import { useQuery } from "@tanstack/react-query";
import { costsApi } from "../costsApi";
import { money, quantity } from "../money";

/** What one trail cost, with its components under the pointer; nothing where it cost nothing that is known. */
export function TrailCost({ id, size }: { id: string; size: number }) {
  const query = useQuery({ queryKey: ["trail cost", id, size], queryFn: ({ signal }) => costsApi.trail(id, signal), staleTime: 60_000, retry: false });
  const cost = query.data;
  if (!cost || Number(cost.total_usd) === 0) return null;
  const lines = cost.components.map((one) => `${money(one.usd)}  ${one.what} of ${one.resource}, ${quantity(one.quantity, one.unit)}${one.estimated ? ", estimated" : ""}`);
  return <span title={[`US dollars, list prices of ${cost.region}`, ...lines].join("\n")}>{money(cost.total_usd)}</span>;
}
