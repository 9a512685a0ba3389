/** The fields of each kind of definition: what they are called, what they may be, and when they are asked for. Pure. */

import { valueAt, withValue, type Spec } from "./draft";

export type Kind = "alert" | "objective" | "route" | "silence";

/** Whose names are suggested; `of` takes what the definition's own `of` says. */
export type Suggests = "service" | "function" | "route" | "entry" | "metric" | "alert" | "objective" | "workflow" | "way" | "finding_kind" | "of";

export interface Field {
  /** Where in the spec; of a field of rows, within the row. */
  path: string;
  label: string;
  type: "text" | "area" | "code" | "number" | "choice" | "flag" | "list" | "many" | "time" | "rows";
  hint?: string;
  placeholder?: string;
  needed?: boolean;
  choices?: [string, string][];
  suggests?: Suggests;
  /** What it is where nothing is said; shown, not sent. */
  usual?: string | number | boolean | string[];
  only?: (spec: Spec) => boolean;
  /** For what is no value of the spec itself. */
  read?: (spec: Spec) => string;
  write?: (spec: Spec, value: string) => Spec;
  rows?: Field[];
  row?: Spec;
}

export interface Section {
  title: string;
  fields: Field[];
  /** Folded until somebody asks for it. */
  more?: boolean;
}

const is = (path: string, ...values: unknown[]) => (spec: Spec) => values.includes(valueAt(spec, path) ?? "");
const both = (...tests: ((spec: Spec) => boolean)[]) => (spec: Spec) => tests.every((test) => test(spec));

/** The same group under another type: what both types have is kept. */
function typed(group: string, fresh: Record<string, Spec>, kept: string[]) {
  return (spec: Spec, type: string): Spec => {
    const before = (spec[group] ?? {}) as Spec;
    const common = Object.fromEntries(kept.filter((name) => before[name] !== undefined && fresh[type]?.[name] !== undefined).map((name) => [name, before[name]]));
    return { ...spec, [group]: { type, ...fresh[type], ...common } };
  };
}

const FIGURES: [string, string][] = [
  ["error_share", "share of errors"], ["error_count", "errors"], ["count", "requests"], ["rate", "requests a second"],
  ["p50_ms", "p50 in ms"], ["p95_ms", "p95 in ms"], ["p99_ms", "p99 in ms"],
];
const OF: [string, string][] = [["service", "a service"], ["function", "a function"], ["route", "a route"]];
const BAD: [string, string][] = [["incomplete", "incomplete"], ["out_of_order", "out of order"], ["duplicated", "duplicated"], ["failed", "failed"], ["late", "late"]];
const SEVERITIES: [string, string][] = [["high", "high"], ["medium", "medium"], ["low", "low"]];

const CHECKS: Record<string, Spec> = {
  threshold: { figure: "error_share", of: "service", scope: "", over: "5m", least: 20, above: 0.05 },
  absence: { of: "service", scope: "", within: "10m" },
  forecast: { promql: "", above: undefined, within: "4h", look_back: "1h" },
  outcome: { outcomes: ["incomplete", "out_of_order", "duplicated"], measure: "count", over: "10m", above: 0 },
  burn_rate: { severities: ["page"] },
  finding: { severities: ["high"], seen_within: "1h" },
  capability: { components: [{ scope: "", of: "service", error_share: 0.05 }], over: "5m", least: 5 },
};

const BOUNDED = ["threshold", "forecast"];
const measured = (spec: Spec) => valueAt(spec, "check.promql") === undefined;

function measureAs(spec: Spec, value: string): Spec {
  const { promql, of, scope, over, least, ...others } = spec.check as Spec;
  const rest = Object.fromEntries(Object.entries(others).filter(([name]) => name !== "figure")) as Spec;
  if (value === "promql") return { ...spec, check: { ...rest, promql: promql ?? "" } };
  const absence = rest.type === "absence";
  return { ...spec, check: { ...rest, ...(!absence && { figure: value, over: over ?? "5m", least: least ?? 1 }), of: of ?? "service", scope: scope ?? "" } };
}

function boundAs(spec: Spec, side: string): Spec {
  const { above, below, clear, ...rest } = spec.check as Spec;
  const kept = side === "above" ? (above ?? below) : (below ?? above);
  return { ...spec, check: { ...rest, [side]: kept ?? "", ...(clear !== undefined && { clear }) } };
}

const side = (spec: Spec) => (valueAt(spec, "check.below") !== undefined && valueAt(spec, "check.below") !== null ? "below" : "above");

const CHECK: Field[] = [
  {
    path: "check.type", label: "It looks at", type: "choice", write: typed("check", CHECKS, ["promql", "scope", "of", "over", "within", "figure", "least", "above"]),
    choices: [["threshold", "a value beyond a bound"], ["capability", "the health of a capability, from its components"], ["outcome", "how trails of a workflow end"], ["burn_rate", "an objective's budget"], ["absence", "something that does not come"], ["forecast", "a value that will cross a bound"], ["finding", "findings"]],
  },
  {
    path: "check.figure", label: "What is measured", type: "choice", choices: [...FIGURES, ["promql", "an expression of PromQL"]], only: is("check.type", ...BOUNDED),
    read: (spec) => (measured(spec) ? String(valueAt(spec, "check.figure") ?? "promql") : "promql"), write: measureAs,
  },
  {
    path: "check.absent", label: "What is awaited", type: "choice", choices: [["traffic", "traffic of a name"], ["promql", "a series of PromQL"]], only: is("check.type", "absence"),
    read: (spec) => (measured(spec) ? "traffic" : "promql"), write: measureAs,
  },
  { path: "check.promql", label: "Expression", type: "code", needed: true, hint: "PromQL", only: both(is("check.type", ...BOUNDED, "absence"), (spec) => !measured(spec)) },
  { path: "check.of", label: "Of", type: "choice", choices: OF, only: both(is("check.type", ...BOUNDED, "absence"), measured) },
  { path: "check.scope", label: "Name", type: "text", suggests: "of", hint: "left empty: of each", only: both(is("check.type", ...BOUNDED), measured) },
  { path: "check.scope", label: "Name", type: "text", suggests: "of", needed: true, only: both(is("check.type", "absence"), measured) },
  { path: "check.over", label: "Over the last", type: "text", usual: "5m", hint: "such as 5m or 1h", only: both(is("check.type", ...BOUNDED), measured) },
  { path: "check.least", label: "From so many requests on", type: "number", usual: 1, hint: "below, nothing is said", only: both(is("check.type", ...BOUNDED), measured) },
  { path: "check.bound", label: "It is wrong", type: "choice", choices: [["above", "above"], ["below", "below"]], only: is("check.type", ...BOUNDED), read: side, write: boundAs },
  { path: "check.above", label: "Bound", type: "number", needed: true, hint: "shares are 0 to 1: 0.05 is 5 %", only: both(is("check.type", ...BOUNDED), (spec) => side(spec) === "above") },
  { path: "check.below", label: "Bound", type: "number", needed: true, hint: "shares are 0 to 1: 0.05 is 5 %", only: both(is("check.type", ...BOUNDED), (spec) => side(spec) === "below") },
  { path: "check.clear", label: "Over again at", type: "number", hint: "if another than the bound", only: is("check.type", ...BOUNDED) },
  { path: "check.within", label: "Within", type: "text", usual: "10m", hint: "nothing came for so long", only: is("check.type", "absence") },
  { path: "check.within", label: "Within", type: "text", usual: "4h", hint: "it will cross the bound by then", only: is("check.type", "forecast") },
  { path: "check.look_back", label: "From the course of the last", type: "text", usual: "1h", only: is("check.type", "forecast") },
  { path: "check.objective", label: "Objective", type: "text", suggests: "objective", hint: "left empty: any", only: is("check.type", "burn_rate") },
  { path: "check.severities", label: "Burns that are told as", type: "many", usual: ["page"], choices: [["page", "page: somebody must see to it now"], ["ticket", "ticket: it has days"]], only: is("check.type", "burn_rate") },
  { path: "check.workflow", label: "Workflow", type: "text", suggests: "workflow", hint: "left empty: each", only: is("check.type", "outcome") },
  { path: "check.outcomes", label: "Trails that became", type: "many", usual: BAD.map(([name]) => name), choices: BAD, only: is("check.type", "outcome") },
  { path: "check.measure", label: "Counted as", type: "choice", choices: [["count", "how many"], ["share", "a share of all, 0 to 1"]], only: is("check.type", "outcome") },
  { path: "check.above", label: "More than", type: "number", usual: 0, only: is("check.type", "outcome") },
  { path: "check.over", label: "In the last", type: "text", usual: "10m", only: is("check.type", "outcome") },
  { path: "check.severities", label: "Of severity", type: "many", usual: ["high"], hint: "none: any", choices: SEVERITIES, only: is("check.type", "finding") },
  { path: "check.kinds", label: "Of kinds", type: "list", suggests: "finding_kind", hint: "left empty: any", only: is("check.type", "finding") },
  { path: "check.scopes", label: "About", type: "list", hint: "names, with commas; left empty: anything", only: is("check.type", "finding") },
  { path: "check.seen_within", label: "Seen within the last", type: "text", usual: "1h", only: is("check.type", "finding") },
  {
    path: "check.components", label: "Components", type: "rows", only: is("check.type", "capability"), row: { scope: "", of: "service", error_share: 0.05 },
    rows: [
      { path: "of", label: "Of", type: "choice", choices: OF },
      { path: "scope", label: "Name", type: "text", suggests: "of", needed: true },
      { path: "error_share", label: "Errors over", type: "number", usual: 0.05 },
      { path: "p95_ms", label: "p95 over, ms", type: "number" },
    ],
  },
  { path: "check.unhealthy_above", label: "Wrong where more are unhealthy than", type: "number", usual: 0, only: is("check.type", "capability") },
  { path: "check.over", label: "Over the last", type: "text", usual: "5m", only: is("check.type", "capability") },
  { path: "check.least", label: "From so many requests on", type: "number", usual: 5, only: is("check.type", "capability") },
  { path: "check.findings", label: "Severe findings about a component count as well", type: "flag", usual: true, only: is("check.type", "capability") },
];

const ALERT: Section[] = [
  { title: "What is wrong", fields: [{ path: "title", label: "Title", type: "text", placeholder: "Checkout fails" }, { path: "severity", label: "Severity", type: "choice", choices: SEVERITIES }, ...CHECK] },
  {
    title: "When it is told",
    fields: [
      { path: "for", label: "Wrong for", type: "text", usual: "0s", hint: "before it fires" },
      { path: "clear_for", label: "Well for", type: "text", usual: "0s", hint: "before it is over" },
      { path: "repeat", label: "Told again after", type: "text", usual: "4h", hint: "0s: never" },
    ],
  },
  {
    title: "Who is told",
    fields: [
      { path: "routes", label: "Routes", type: "many", suggests: "way", hint: "none: those that are marked as default" },
      { path: "runbook", label: "Runbook", type: "text", placeholder: "https://" },
      { path: "description", label: "What to do", type: "area" },
    ],
  },
  {
    title: "More",
    more: true,
    fields: [
      { path: "group_by", label: "One alert of each", type: "list", hint: "labels, with commas: service, finding, scope; left empty: all is one" },
      { path: "inhibits", label: "While it fires, these are not told", type: "list", suggests: "alert", hint: "names of alerts, with commas" },
      { path: "no_data", label: "Where nothing is measured", type: "choice", choices: [["clear", "it is well"], ["keep", "it stays as it is"], ["fire", "it fires"]] },
      { path: "enabled", label: "Switched on", type: "flag", usual: true },
    ],
  },
];

const SLIS: Record<string, Spec> = {
  requests: { of: "service", scope: "" },
  trails: { service: "", name: "" },
  outcomes: { workflow: "", good: ["complete"] },
  metrics: { good: "", valid: "" },
};
const GOOD: [string, string][] = [["complete", "complete"], ...BAD];

const OBJECTIVE: Section[] = [
  {
    title: "What is good",
    fields: [
      { path: "title", label: "Title", type: "text", placeholder: "Orders answer" },
      { path: "sli.type", label: "Counted are", type: "choice", choices: [["requests", "requests"], ["trails", "trails, end to end"], ["outcomes", "outcomes of a workflow"], ["metrics", "metrics"]], write: typed("sli", SLIS, []) },
      { path: "sli.of", label: "Of", type: "choice", choices: [...OF, ["entry", "an entry, such as POST /orders"]], only: is("sli.type", "requests") },
      { path: "sli.scope", label: "Name", type: "text", suggests: "of", needed: true, only: is("sli.type", "requests") },
      { path: "sli.service", label: "Origin's service", type: "text", suggests: "service", hint: "left empty: any", only: is("sli.type", "trails") },
      { path: "sli.name", label: "Origin's name", type: "text", hint: "left empty: any", only: is("sli.type", "trails") },
      { path: "sli.faster_than_ms", label: "Faster than, in ms", type: "number", hint: "left empty: good is what did not fail", only: is("sli.type", "requests", "trails") },
      { path: "sli.workflow", label: "Workflow", type: "text", suggests: "workflow", needed: true, only: is("sli.type", "outcomes") },
      { path: "sli.good", label: "Good are those that end", type: "many", usual: ["complete"], choices: GOOD, only: is("sli.type", "outcomes") },
      { path: "sli.good", label: "Good events of a minute", type: "code", needed: true, hint: "PromQL, such as sum(increase(answers_total[1m]))", only: is("sli.type", "metrics") },
      { path: "sli.valid", label: "All events of a minute", type: "code", needed: true, hint: "PromQL", only: is("sli.type", "metrics") },
    ],
  },
  {
    title: "How much of it",
    fields: [
      { path: "target_percent", label: "Target, in %", type: "number", needed: true, hint: "99.9: one of a thousand may be bad" },
      { path: "window", label: "Over", type: "text", usual: "30d", hint: "1d to 92d, or week, month, quarter" },
      { path: "policy", label: "What is done when the budget is spent", type: "area" },
    ],
  },
  {
    title: "More",
    more: true,
    fields: [
      { path: "owner", label: "Owner", type: "text" },
      { path: "description", label: "Description", type: "area" },
      { path: "least_bad", label: "Least bad events that tell somebody", type: "number", usual: 3 },
      { path: "synthetic", label: "Tests and probes count as well", type: "flag", usual: false },
      {
        path: "windows", label: "Windows instead of the usual ones", type: "rows", row: { severity: "page", factor: 14.4, long: "1h", short: "5m" },
        rows: [
          { path: "severity", label: "Told as", type: "choice", choices: [["page", "page"], ["ticket", "ticket"]] },
          { path: "factor", label: "Burns over", type: "number", needed: true },
          { path: "long", label: "Long", type: "text", needed: true },
          { path: "short", label: "Short", type: "text", needed: true },
        ],
      },
    ],
  },
];

const WAYS: Record<string, Spec> = {
  slack: { url: "" }, pagerduty: { secret: "" }, opsgenie: { secret: "" }, email: { to: [], sender: "", host: "" },
  webhook: { url: "", secret: "" }, sns: { topic_arn: "" }, alertmanager: { url: "", secret: "" },
};
const SECRET = "env:NAME or file:/path, never the secret itself";

const ROUTE: Section[] = [
  {
    title: "Where to",
    fields: [
      { path: "title", label: "Title", type: "text", placeholder: "On call" },
      { path: "to.type", label: "It is told by", type: "choice", choices: [["slack", "Slack"], ["pagerduty", "PagerDuty"], ["opsgenie", "Opsgenie"], ["email", "e-mail"], ["webhook", "a webhook"], ["sns", "Amazon SNS"], ["alertmanager", "Alertmanager"]], write: typed("to", WAYS, []) },
      { path: "to.url", label: "Where its address is kept", type: "text", needed: true, placeholder: "env:SLACK_WEBHOOK", hint: SECRET, only: is("to.type", "slack") },
      { path: "to.url", label: "Address", type: "text", needed: true, placeholder: "https://", only: is("to.type", "webhook", "alertmanager") },
      { path: "to.topic_arn", label: "Topic", type: "text", needed: true, placeholder: "arn:aws:sns:eu-central-1:123456789012:alerts", only: is("to.type", "sns") },
      { path: "to.to", label: "To", type: "list", needed: true, hint: "addresses, with commas", only: is("to.type", "email") },
      { path: "to.sender", label: "From", type: "text", needed: true, only: is("to.type", "email") },
      { path: "to.host", label: "SMTP server", type: "text", needed: true, only: is("to.type", "email") },
      { path: "to.port", label: "Port", type: "number", usual: 587, only: is("to.type", "email") },
      { path: "to.tls", label: "TLS", type: "choice", choices: [["starttls", "STARTTLS"], ["tls", "from the beginning"], ["none", "none"]], only: is("to.type", "email") },
      { path: "to.user", label: "User", type: "text", only: is("to.type", "email") },
      { path: "to.access_key_id", label: "Access key id", type: "text", hint: "left empty: what coldtrail runs as", only: is("to.type", "sns") },
      { path: "to.secret", label: "Secret", type: "text", needed: true, placeholder: "env:PAGERDUTY_KEY", hint: SECRET, only: is("to.type", "pagerduty", "opsgenie") },
      { path: "to.secret", label: "Secret", type: "text", hint: SECRET, only: is("to.type", "email", "webhook", "sns", "alertmanager") },
      { path: "to.endpoint", label: "Endpoint", type: "text", placeholder: "https://", hint: "left empty: the usual one", only: is("to.type", "pagerduty", "opsgenie", "sns") },
    ],
  },
  {
    title: "What it hears",
    fields: [
      { path: "default", label: "Also alerts that name no route", type: "flag", usual: false },
      { path: "recovered", label: "Also that something is over", type: "flag", usual: true },
      { path: "escalate_to", label: "Who is told where nobody acknowledges", type: "text", suggests: "way", hint: "another route" },
      { path: "escalate_after", label: "After", type: "text", usual: "15m", only: (spec) => Boolean(spec.escalate_to) },
    ],
  },
  { title: "More", more: true, fields: [{ path: "description", label: "Description", type: "area" }, { path: "enabled", label: "Switched on", type: "flag", usual: true }] },
];

const DAYS: [string, string][] = [["mon", "Mon"], ["tue", "Tue"], ["wed", "Wed"], ["thu", "Thu"], ["fri", "Fri"], ["sat", "Sat"], ["sun", "Sun"]];
const weekly = (spec: Spec) => Boolean(spec.weekly);

const SILENCE: Section[] = [
  {
    title: "What is silent",
    fields: [
      { path: "title", label: "Title", type: "text", placeholder: "The nightly import" },
      { path: "alerts", label: "Alerts", type: "list", suggests: "alert", hint: "names, * for any letters; left empty: all" },
      { path: "scopes", label: "About", type: "list", suggests: "service", hint: "services, functions; left empty: anything" },
      { path: "reason", label: "Why", type: "text" },
    ],
  },
  {
    title: "When",
    fields: [
      {
        path: "weekly.kind", label: "It holds", type: "choice", choices: [["once", "once, until a time"], ["weekly", "every week"]], read: (spec) => (weekly(spec) ? "weekly" : "once"),
        write: (spec, value) => (value === "weekly" ? { ...spec, weekly: { begins: "02:00", ends: "04:00", zone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC" } } : withValue(spec, "weekly", undefined)),
      },
      { path: "weekly.begins", label: "From", type: "text", needed: true, hint: "02:00", only: weekly },
      { path: "weekly.ends", label: "To", type: "text", needed: true, hint: "04:30", only: weekly },
      { path: "weekly.days", label: "On", type: "many", usual: DAYS.map(([name]) => name), choices: DAYS, only: weekly },
      { path: "weekly.zone", label: "In the clock of", type: "text", usual: "UTC", hint: "Europe/Berlin", only: weekly },
      { path: "since", label: "Not before", type: "time", hint: "UTC" },
      { path: "until", label: "Until", type: "time", hint: "UTC" },
    ],
  },
];

export interface Form {
  /** `an alert` */
  what: string;
  sections: Section[];
  fresh: () => Spec;
}

export const FORMS: Record<Kind, Form> = {
  alert: { what: "alert", sections: ALERT, fresh: () => ({ title: "", severity: "high", check: { type: "threshold", ...CHECKS.threshold }, for: "2m", clear_for: "5m" }) },
  objective: { what: "objective", sections: OBJECTIVE, fresh: () => ({ title: "", sli: { type: "requests", ...SLIS.requests }, target_percent: 99.9, window: "30d" }) },
  route: { what: "route", sections: ROUTE, fresh: () => ({ title: "", to: { type: "slack", ...WAYS.slack }, default: true }) },
  silence: { what: "silence", sections: SILENCE, fresh: () => ({ title: "", until: new Date(Math.ceil((Date.now() + 4 * 3_600_000) / 60_000) * 60_000).toISOString() }) },
};

export const isKind = (text: string): text is Kind => text in FORMS;

/** The fields that a draft asks for. */
export function shownFields(kind: Kind, spec: Spec): Field[] {
  return FORMS[kind].sections.flatMap((section) => section.fields.filter((field) => !field.only || field.only(spec)));
}

/** Their paths, those of each row among them. */
export function shownPaths(kind: Kind, spec: Spec): string[] {
  return shownFields(kind, spec).flatMap((field) => [field.path, ...(field.rows ? ((valueAt(spec, field.path) ?? []) as Spec[]).flatMap((_, at) => field.rows!.map((one) => `${field.path}.${at}.${one.path}`)) : [])]);
}

/** What is needed and still empty: it is not worth asking the server before. */
export function missing(kind: Kind, spec: Spec): string[] {
  const empty = (field: Field, at: Spec) => field.needed && (valueAt(at, field.path) === undefined || valueAt(at, field.path) === null || String(valueAt(at, field.path)).trim() === "");
  return shownFields(kind, spec).flatMap((field) => {
    if (field.type !== "rows") return empty(field, spec) ? [field.path] : [];
    const rows = (valueAt(spec, field.path) ?? []) as Spec[];
    return rows.flatMap((row, at) => field.rows!.filter((one) => empty(one, row)).map((one) => `${field.path}.${at}.${one.path}`));
  });
}

/** What was defined elsewhere, with what the form reads. */
export function opened(kind: Kind, spec: Spec): Spec {
  if (kind !== "alert") return spec;
  const check = (spec.check ?? {}) as Spec;
  // Defaults that the API writes out stand for what was not said.
  const said = Object.fromEntries(Object.entries(check).filter(([name, value]) => value !== null && !(name === "promql" && value === "")));
  return { ...spec, check: said };
}
