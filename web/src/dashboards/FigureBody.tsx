import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api } from "../api";
import { costsApi } from "../costsApi";
import { count } from "../format";
import { Failed } from "../parts/Answer";
import { asParameters, stepFor, type Range } from "../range";
import type { Panel } from "./board";
import { promql } from "./dashboardsApi";
import { figureUnit, toneOf, together } from "./figures";
import { useGroups } from "./groups";
import { titleOf } from "./kinds";
import type { Shown } from "./PanelBody";

const STEPS = 60;
const WORDS = { ok: "fine", warn: "a warning", bad: "bad", "": "" };

interface Found {
  value: number | null;
  of?: string;
}

/** One number, as large as it matters; its tone is said in words too. */
export function FigureBody(shown: Shown) {
  const measure = String(shown.panel.measure);
  return /^(requests|error_share|p\d\d_ms)$/.test(measure) ? <OfGroups {...shown} /> : <OfQuery {...shown} />;
}

function OfGroups({ panel, range, seen }: Shown) {
  const query = useGroups(panel, range, seen);
  const groups = (query.data?.groups ?? []).filter((one) => !panel.name || one.name === panel.name);
  const all = together(groups);
  const values: Record<string, number | null> = { requests: all.count, error_share: all.share, p50_ms: groups[0]?.p50_ms ?? null, p95_ms: groups[0]?.p95_ms ?? null, p99_ms: groups[0]?.p99_ms ?? null };
  const found = query.data && { value: values[String(panel.measure)] ?? null, of: panel.measure === "error_share" ? `of ${count(all.count)}` : undefined };
  return <Figure panel={panel} found={found} error={query.error} retry={query.refetch} />;
}

function OfQuery({ panel, range, seen }: Shown) {
  const query = useQuery({
    queryKey: ["dashboard", "figure", panel.measure, panel.query, range.text, range.untilMs],
    queryFn: ({ signal }) => ask(panel, range, signal),
    placeholderData: keepPreviousData,
    enabled: seen && (panel.measure !== "promql" || String(panel.query ?? "").trim() !== ""),
    retry: false,
  });
  return <Figure panel={panel} found={query.data} error={query.error} retry={query.refetch} />;
}

async function ask(panel: Panel, range: Range, signal: AbortSignal): Promise<Found> {
  if (panel.measure === "findings") {
    const { counts } = await api.findings("current", {}, null, 1, signal);
    return { value: Object.values(counts).reduce((sum, one) => sum + (one ?? 0), 0), of: counts.high ? `${count(counts.high)} high` : undefined };
  }
  if (panel.measure === "cost_usd") return { value: Number((await costsApi.costs(asParameters(range), "service", null, undefined, signal)).total_usd), of: "in the range" };
  const lines = await promql(String(panel.query), asParameters(range), stepFor(range, STEPS), signal);
  const last = lines[0]?.values.at(-1);
  return { value: last ? Number(last[1]) : null, of: lines.length > 1 ? `the first of ${count(lines.length)} series` : undefined };
}

function Figure({ panel, found, error, retry }: { panel: Panel; found?: Found; error: unknown; retry: () => unknown }) {
  if (error && !found) return <Failed error={error} retry={retry} what={titleOf(panel)} brief />;
  const tone = toneOf(found?.value ?? null, panel.warn, panel.bad);
  const shown = found ? (found.value === null ? "–" : figureUnit(panel)(found.value)) : "…";
  return (
    <p className={`figure ${tone}`} role="status" aria-busy={!found}>
      <strong>{shown}</strong>
      {tone && <span className="hidden">, {WORDS[tone]}</span>}
      {found?.of && <small> {found.of}</small>}
      {found?.value === null && <small> nothing in this time range</small>}
    </p>
  );
}
