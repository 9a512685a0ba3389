import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api } from "../api";
import { ago } from "../format";
import { between, describe } from "../range";
import { Empty, Loading } from "./Answer";
import { useRange, useSetRange } from "./range";

/** Why a list is empty: no data ever, none in the range (and where the nearest lies), or all filtered out. */
export function NothingHere({ what, filters, clear }: { what: string; filters?: string[]; clear?: () => void }) {
  const range = useRange();
  const setRange = useSetRange();
  const services = useQuery({ queryKey: ["services"], queryFn: ({ signal }) => api.services(signal) });
  if (services.isPending) return <Loading what="what there is" rows={2} />;
  const last = Math.max(0, ...(services.data?.services ?? []).map((service) => Date.parse(service.last_seen) || 0));
  if (filters?.length)
    return (
      <Empty title={`No ${what} pass the filter`}>
        The filter asks for {filters.join(", ")} in the {describe(range)}.{" "}
        <button type="button" className="link" onClick={clear}>
          Clear the filter
        </button>
      </Empty>
    );
  if (!last)
    return (
      <Empty title="Nothing has arrived yet">
        coldtrail is waiting for its first span or log line. <Link to="/connect">Connect something</Link>.
      </Empty>
    );
  const inside = last >= range.sinceMs && last <= range.untilMs;
  return (
    <Empty title={`No ${what} in the ${describe(range)}`}>
      {inside ? (
        "Something else arrived, though: look into another screen or a longer range."
      ) : (
        <>
          The nearest data is {ago(last)}.{" "}
          <button type="button" className="link" onClick={() => setRange(between(last - (range.untilMs - range.sinceMs), last + 1000))}>
            Jump there
          </button>
        </>
      )}
    </Empty>
  );
}
