/** The kinds of panels: what each is called, and the fields that its form has. Data. */

import type { Panel, PanelKind } from "./board";

const LIMIT_MOST = 50;

export type FieldType = "text" | "area" | "number" | "choice" | "service" | "watched" | "resource" | "metric" | "function";

export interface Field {
  name: string;
  label: string;
  type: FieldType;
  /** Of a choice: what is kept, and how it is said; the first is the server's default. */
  choices?: [string, string][];
  hint?: string;
  required?: boolean;
  only?: (panel: Panel) => boolean;
}

export interface Kind {
  name: string;
  says: string;
  made: Partial<Panel>;
  fields: Field[];
}

const GROUPS: [string, string][] = [["function", "functions"], ["service", "services"], ["route", "routes"], ["entry", "entries, from outside"], ["capability", "capabilities"]];
const UNITS: [string, string][] = [["", "none"], ["ms", "milliseconds"], ["s", "seconds"], ["bytes", "bytes"], ["share", "share of 1, in percent"], ["per_s", "a second"]];
const LIMIT: Field = { name: "limit", label: "Rows at most", type: "number", hint: `1 to ${LIMIT_MOST}` };
const isPromql = (panel: Panel) => panel.measure === "promql";
const isRed = (panel: Panel) => /^(requests|error_share|p\d\d_ms)$/.test(String(panel.measure));

export const KINDS: Record<PanelKind, Kind> = {
  red: {
    name: "Rate, errors, duration",
    says: "of one function, service, route or entry as charts, or of all as a table, worst first",
    made: { group: "function" },
    fields: [
      { name: "group", label: "Of", type: "choice", choices: GROUPS },
      { name: "name", label: "Only this one", type: "function", hint: "empty: all of them, worst first" },
      { ...LIMIT, only: (panel) => !panel.name },
    ],
  },
  watched: {
    name: "What to watch",
    says: "a metric that a managed service declares, from CloudWatch or derived",
    made: { service: "lambda", metric: "errors" },
    fields: [
      { name: "service", label: "Service", type: "service", required: true },
      { name: "metric", label: "Metric", type: "watched", required: true },
      { name: "name", label: "Only this resource", type: "resource", hint: "empty: the busiest" },
    ],
  },
  metric: {
    name: "Received metric",
    says: "any metric by its name and labels, with a statistic",
    made: { metric: "" },
    fields: [
      { name: "metric", label: "Metric", type: "metric", required: true },
      { name: "stat", label: "Statistic", type: "choice", choices: [["", "the usual"], ...["avg", "sum", "min", "max", "count", "rate", "p50", "p90", "p95", "p99"].map((one): [string, string] => [one, one])] },
      { name: "by", label: "A line for each", type: "text", hint: "a label, or empty" },
      { name: "where", label: "Only where", type: "text", hint: "label=value, or empty" },
    ],
  },
  promql: {
    name: "PromQL",
    says: "an expression over metrics and over rate, errors and durations",
    made: { query: "sum by (function) (rate(coldtrail_requests_total{group=\"function\"}[5m]))", unit: "per_s" },
    fields: [
      { name: "query", label: "Expression", type: "area", required: true },
      { name: "unit", label: "Unit", type: "choice", choices: UNITS },
    ],
  },
  figure: {
    name: "Single figure",
    says: "one number, with thresholds from where on it is a warning or bad",
    made: { measure: "error_share", group: "entry", warn: 0.01, bad: 0.05 },
    fields: [
      { name: "measure", label: "Figure", type: "choice", choices: [["requests", "how many"], ["error_share", "share of errors"], ["p50_ms", "p50"], ["p95_ms", "p95"], ["p99_ms", "p99"], ["findings", "open findings"], ["cost_usd", "cost"], ["promql", "last value of PromQL"]] },
      { name: "group", label: "Of", type: "choice", choices: GROUPS, only: isRed },
      { name: "name", label: "Only this one", type: "function", hint: "empty: all together", only: isRed },
      { name: "query", label: "Expression", type: "area", required: true, only: isPromql },
      { name: "unit", label: "Unit", type: "choice", choices: UNITS, only: isPromql },
      { name: "warn", label: "A warning from", type: "number" },
      { name: "bad", label: "Bad from", type: "number", hint: "below the warning: less is worse" },
    ],
  },
  trails: {
    name: "Trails",
    says: "the newest that pass a filter",
    made: { status: "error" },
    fields: [
      { name: "status", label: "Status", type: "choice", choices: [["", "any"], ["ok", "ok"], ["error", "error"], ["open", "open"]] },
      { name: "service", label: "Service", type: "text" },
      { name: "q", label: "With the value", type: "text", hint: "an id or attribute value" },
      { name: "min_ms", label: "At least, ms", type: "number" },
      LIMIT,
    ],
  },
  findings: {
    name: "Findings",
    says: "what is wrong, the most severe first",
    made: {},
    fields: [
      { name: "severity", label: "Severity", type: "choice", choices: [["", "any"], ["high", "high"], ["medium", "medium"], ["low", "low"]] },
      { name: "about", label: "About", type: "text", hint: "a function, queue, ..." },
      LIMIT,
    ],
  },
  event_sources: { name: "Event sources", says: "queues, streams, buses and schedules, worst first", made: {}, fields: [LIMIT] },
  limits: { name: "Limits", says: "quotas, nearest to their limit first", made: {}, fields: [LIMIT] },
  costs: {
    name: "Costs",
    says: "what costs most in the range",
    made: { by: "service" },
    fields: [{ name: "by", label: "By", type: "choice", choices: ["resource", "function", "service", "workflow", "tenant"].map((one) => [one, one]) }, LIMIT],
  },
  text: { name: "Text", says: "words, links and lists", made: { text: "" }, fields: [{ name: "text", label: "Text", type: "area", required: true, hint: "# heading, - list, **strong**, `code`, [link](/trails)" }] },
};

/** What a panel is called where it has no title. */
export function titleOf(panel: Panel): string {
  if (panel.title) return panel.title;
  if (panel.kind === "red") return panel.name ? String(panel.name) : `${GROUPS.find(([group]) => group === (panel.group ?? "function"))![1].replace(/^./, (letter) => letter.toUpperCase())}, worst first`;
  if (panel.kind === "metric") return [panel.stat, panel.metric].filter(Boolean).join(" of ") || "A metric";
  if (panel.kind === "promql") return String(panel.query ?? "").split("\n")[0].slice(0, 80) || "PromQL";
  if (panel.kind === "figure") return KINDS.figure.fields[0].choices!.find(([measure]) => measure === panel.measure)?.[1].replace(/^./, (letter) => letter.toUpperCase()) ?? "Figure";
  if (panel.kind === "costs") return `Costs by ${panel.by ?? "service"}`;
  if (panel.kind === "watched") return [panel.metric, panel.name].filter(Boolean).join(" of ").replaceAll("_", " ");
  return KINDS[panel.kind].name;
}
