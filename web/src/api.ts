/** The API as the page speaks it: types by hand, one place. Times are RFC 3339, durations `*_ms` numbers. */

import { withPoints } from "./steps";
import type { TrailOutcome } from "./workflowsApi";

export type NodeStatus = "ok" | "error" | "timeout" | "out_of_memory" | "throttled" | "open";
export type TrailStatus = "ok" | "error" | "open";
export type Attributes = Record<string, unknown>;

export interface Health {
  status: string;
  version: string;
  store: Record<string, unknown>;
  wal: { pending_bytes: number; quarantined: number };
  listeners?: Partial<Record<"page" | "otlp_http" | "otlp_grpc" | "xray", string | null>>;
  data_dir?: string;
}

export interface RedPoint {
  time: string;
  count: number;
  error_count: number;
  rate_per_s: number;
  p50_ms: number | null;
  p95_ms: number | null;
  p99_ms: number | null;
}

export interface RedGroup {
  name: string;
  kind: string;
  count: number;
  error_count: number;
  p50_ms: number | null;
  p95_ms: number | null;
  p99_ms: number | null;
  cold_start_count: number;
  /** Of a capability that is a workflow: its name. */
  workflow?: string;
  previous: { count: number; error_count: number; p95_ms: number | null } | null;
  points: RedPoint[];
}

export interface Red {
  since: string;
  until: string;
  step_s: number;
  groups: RedGroup[];
}

export interface TrailRow {
  trail_id: string;
  origin: string | { name?: string; service?: string };
  start: string;
  duration_ms: number;
  status: TrailStatus;
  outcome: string | null;
  node_count: number;
  error_count: number;
  cold_start_count?: number;
  services: string[];
}

export interface Sentence {
  time: string;
  text: string;
  node_id: string;
  /** Where the effect of what is told shows, where that is another node. */
  shows_at?: string;
}

export interface TrailColumns {
  trail_id: string;
  status: TrailStatus;
  outcome: string | null;
  start: string;
  duration_ms: number;
  node_count: number;
  dictionary: string[];
  nodes: {
    node_id: string[];
    kind: number[];
    service: number[];
    name: number[];
    status: number[];
    start_offset_ms: number[];
    duration_ms: (number | null)[];
    wait_ms: (number | null)[];
    init_ms: (number | null)[];
    cold_start: (boolean | null)[];
    attempt: number[];
    depth: number[];
    parent: number[];
    waits?: (Wait[] | null)[];
    clock_offset_ms?: (number | null)[];
  };
  edges: {
    from: number[];
    to: number[];
    kind: (number | string)[];
    evidence: (number | string)[];
    confidence: number[];
  };
  critical_path: number[];
  story: Sentence[];
  logs: { time: string; severity: string | number | null; body: unknown; node: number }[];
  requests?: { node: number[]; method: number[]; route: number[]; status_code: number[] };
  resources?: { node: number[]; kind: number[]; name: number[]; operation: number[] };
  critical_shares?: Share[];
  /** What became of it against each of its workflows. */
  workflows?: TrailOutcome[];
}

export interface Wait {
  /** `queue`, `stream`, `bus`, `retry`, `throttle`, `init`, `downstream`. */
  kind: string;
  ms: number;
}

export interface Share {
  node_id: string;
  cause: string;
  ms: number;
  share: number;
  /** The queue, stream or bus that it was waited in. */
  place?: string | null;
}

export interface Failure {
  type: string;
  message: string;
  stacktrace?: string;
}

export interface NodeFields {
  node_id: string;
  kind: string;
  service: string;
  name: string;
  start: string;
  duration_ms: number | null;
  status: NodeStatus;
  attempt: number;
  cold_start: boolean | null;
  init_ms: number | null;
  wait_ms: number | null;
  waits?: Wait[];
  clock_offset_ms?: number | null;
  billed_ms?: number | null;
  memory_mb?: number | null;
  memory_used_mb?: number | null;
  failure?: Failure | null;
  keys: Record<string, string>;
  signals: number;
}

export interface SpanEvent {
  name: string;
  time: string;
  attributes?: Attributes;
}

export interface SpanSignal {
  trace_id: string;
  span_id: string;
  parent_span_id?: string;
  name: string;
  kind?: string | number;
  start: string;
  duration_ms?: number | null;
  attributes?: Attributes;
  resource?: { attributes?: Attributes };
  events?: SpanEvent[];
  links?: { trace_id: string; span_id: string; attributes?: Attributes }[];
}

export interface LogSignal {
  time: string;
  severity_text?: string;
  severity_number?: number;
  severity?: string;
  event_name?: string;
  body: unknown;
  service?: string;
  attributes?: Attributes;
  trace_id?: string;
  span_id?: string;
  resource?: { attributes?: Attributes };
}

export interface NodeAnswer {
  node: NodeFields;
  resource?: { kind: string; name: string; operation: string } | null;
  trail_ids?: string[];
  spans: SpanSignal[];
  logs: LogSignal[];
}

export interface ErrorGroup {
  type: string;
  message: string;
  count: number;
  first_seen: string;
  last_seen: string;
  trail_id: string | null;
  request_id: string | null;
}

export interface Invocation {
  node_id: string;
  trail_id: string | null;
  time: string;
  duration_ms: number | null;
  init_ms: number | null;
  cold_start: boolean | null;
  status: NodeStatus;
  request_id: string | null;
  memory_used_mb: number | null;
}

export interface FunctionAnswer {
  name: string;
  summary: {
    count: number;
    error_count: number;
    cold_start_count: number;
    timeout_count: number;
    p50_ms: number | null;
    p95_ms: number | null;
    p99_ms: number | null;
    init_p50_ms: number | null;
    init_p95_ms: number | null;
    memory_size_mb: number | null;
    memory_used_max_mb: number | null;
    billed_ms: number | null;
    versions: string[];
  };
  points: {
    time: string;
    count: number;
    error_count: number;
    cold_p50_ms: number | null;
    warm_p50_ms: number | null;
    p95_ms: number | null;
    memory_used_mb: number | null;
  }[];
  errors: ErrorGroup[];
  invocations: Invocation[];
}

export interface Match {
  trail_id: string;
  key_kind: string;
  node_id: string;
  service: string;
  time: string;
}

export interface Entry {
  method: string;
  route: string;
  service: string;
  /** Finds its trails as `q`, "" where only the service does. */
  q: string;
  count: number;
  error_count: number;
  p50_ms: number | null;
  p95_ms: number | null;
  p99_ms: number | null;
  statuses: { status_code: number | null; count: number }[];
  latest: { time: string; status_code: number | null; failed: boolean; trail_id: string }[];
  points: RedPoint[];
}

export interface Entries {
  since: string;
  until: string;
  step_s: number;
  counted_since: string;
  entries: Entry[];
}

export interface ResourceRow {
  kind: string;
  carries: string;
  name: string;
  call_count: number;
  error_count: number;
  p95_ms: number | null;
  last_seen: string;
}

export interface ResourceAnswer {
  name: string;
  kind: string;
  carries: string;
  kinds: string[];
  since: string;
  until: string;
  counted_since: string;
  step_s: number;
  calls: {
    count: number;
    error_count: number;
    p50_ms: number | null;
    p95_ms: number | null;
    p99_ms: number | null;
    points: { time: string; count: number; error_count: number; p50_ms: number | null; p95_ms: number | null }[];
    callers: { service: string; operation: string; taking: boolean; count: number; error_count: number; p95_ms: number; last_seen: string; slowest_trail_id: string | null; failing_trail_id: string | null }[];
    caller_count: number;
  };
  messages: {
    count: number;
    sent_count: number;
    taken_count: number;
    untaken_count: number | null;
    redelivered_count: number;
    redelivery_count: number;
    wait_p50_ms: number | null;
    wait_p95_ms: number | null;
    wait_max_ms: number | null;
    age_max_ms: number | null;
    backlog: number | null;
    backlog_unknown: string;
    points: { time: string; count: number; untaken_count: number; wait_p50_ms: number | null; wait_p95_ms: number | null; wait_max_ms: number | null }[];
    consumers: {
      service: string;
      message_count: number;
      delivery_count: number;
      attempt_count: number;
      failed_count: number;
      failure_type: string;
      failure_message: string;
      last_seen: string;
    }[];
  } | null;
}

export type Unit = "count" | "ms" | "bytes" | "MB" | "share" | "units";
export type ToldBy = "cloudwatch" | "derived" | "absent";

export interface WatchedMetric {
  id: string;
  name: string;
  unit: Unit;
  statistic: string;
  scope: "resource" | "account";
  source: ToldBy;
  how: string;
  high: string;
  low: string;
  trouble: string;
  documentation: string;
  points: { time: string; value: number }[];
}

export interface WatchAnswer {
  name: string;
  kind: string;
  service: string;
  since: string;
  until: string;
  step_s: number;
  metrics: WatchedMetric[];
}

export interface LimitRow {
  id: string;
  name: string;
  service: string;
  service_name: string;
  resource: string | null;
  per: string;
  soft: boolean;
  unit: Unit;
  per_s: number | null;
  limit: number;
  default: number | null;
  overridden: boolean;
  configured: boolean;
  used: number | null;
  used_at: string | null;
  share: number | null;
  met_at: string | null;
  explained: string;
  documentation: string;
  source: ToldBy;
  how: string;
  points: { time: string; value: number }[];
}

export interface LimitsAnswer {
  since: string;
  until: string;
  step_s: number;
  limit_count: number;
  limits: LimitRow[];
}

export type Severity = "high" | "medium" | "low";

export interface Finding {
  finding_id: string;
  kind: string;
  scope: string;
  title: string;
  severity: Severity;
  state: "open" | "acknowledged" | "resolved" | "muted";
  regressed: boolean;
  muted_until: string | null;
  advice: string;
  count: number;
  first_seen: string;
  last_seen: string;
  follows: string | null;
}

export interface Findings {
  counts: Partial<Record<Severity, number>>;
  findings: Finding[];
  cursor: string | null;
}

export interface FindingAnswer extends Finding {
  detail: string;
  evidence: Record<string, unknown>;
  trail_ids: string[];
  points: { time: string; count: number }[];
  history: { time: string; what: string; by: string; note: string }[];
}

export interface DurationCell {
  time: string;
  low_ms: number;
  high_ms: number;
  count: number;
  error_count: number;
}

export interface DurationCells {
  since: string;
  until: string;
  step_s: number;
  cells: DurationCell[];
}

export interface Dropped {
  kind: string;
  accepted: number;
  refused: number;
  reasons: string[];
  trace_ids: string[];
}

export interface Received {
  protocols: {
    protocol: string;
    accepted_items: number;
    refused_items: number;
    refused_requests: number;
    last_received: string | null;
    last_reason: string | null;
  }[];
  spans: number;
  logs: number;
  metrics: number;
}

export interface Quarantine {
  segments: { name: string; signal: string; bytes: number; reason: string; time: string }[];
}

export interface Services {
  services: { name: string; kind: string; first_seen: string; last_seen: string }[];
}

/** An answer that is not 2xx, told as RFC 9457 tells it, or a server that did not answer (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    title: string,
    readonly detail: string,
    readonly requestId: string | null,
    /** Where in what was sent the fault lies, as `$.rows[0].title`. */
    readonly path: string | null = null,
  ) {
    super(title);
  }
}

type Parameter = string | number | undefined | null;

export function address(path: string, parameters: Record<string, Parameter> = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined && value !== null && value !== "") query.set(name, String(value));
  const text = query.toString();
  return `/api/v1${path}${text ? `?${text}` : ""}`;
}

const ahead = new Map<string, Promise<unknown>>();
let asksAhead = false;

/** Ask for what will be shown soon: who first asks for the same address gets that answer. */
export function askAhead(questions: () => void) {
  asksAhead = true;
  questions();
  asksAhead = false;
}

/** GET a JSON answer, or POST a file for one; `read` makes of it what is handed on. Throws ApiError; passes an abort through untouched. */
export function get<T>(path: string, parameters: Record<string, Parameter>, signal?: AbortSignal, post?: Blob, read?: (answer: T) => T): Promise<T> {
  const url = address(path, parameters);
  const known = ahead.get(url) as Promise<T> | undefined;
  if (known) {
    ahead.delete(url);
    return known;
  }
  const told = ask<T>(url, { ...(post && { method: "POST", body: post }), signal });
  const answer = read ? told.then(read) : told;
  if (asksAhead) {
    ahead.set(url, answer);
    // Whoever takes it hears of its failure.
    answer.catch(() => undefined);
  }
  return answer;
}

/** Change something: a JSON body for a JSON answer. Throws ApiError. */
export function send<T>(method: "PUT" | "POST" | "DELETE", path: string, body?: unknown): Promise<T> {
  return ask(address(path), { method, ...(body !== undefined && { body: new Blob([JSON.stringify(body)], { type: "application/json" }) }) });
}

async function ask<T>(url: string, init: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, headers: { accept: "application/json" } });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, "coldtrail does not answer", "Is `coldtrail up` still running?", null);
  }
  if (response.ok) return (await response.json()) as T;
  throw await problem(response);
}

async function problem(response: Response): Promise<ApiError> {
  let title = response.statusText || `HTTP ${response.status}`;
  let detail = "";
  let requestId = response.headers.get("x-request-id");
  let path: string | null = null;
  try {
    const body = (await response.json()) as Record<string, unknown>;
    if (typeof body.title === "string") title = body.title;
    if (typeof body.detail === "string") detail = body.detail;
    if (typeof body.request_id === "string") requestId = body.request_id;
    const errors = body.errors as { path?: unknown } | undefined;
    if (typeof errors?.path === "string") path = errors.path;
  } catch {
    detail = "The answer was not JSON.";
  }
  return new ApiError(response.status, title, detail, requestId, path);
}

export interface Span {
  since: string;
  until: string;
}

export interface TrailFilter {
  service?: string;
  status?: string;
  min_ms?: string;
  max_ms?: string;
  q?: string;
  workflow?: string;
  outcome?: string;
}

export const api = {
  health: (signal?: AbortSignal) => get<Health>("/health", {}, signal),
  /** With `points` "counts" the steps come without percentiles, which takes a third of the time. */
  red: (group: "service" | "function" | "route", range: Span, stepS: number, signal?: AbortSignal, points?: "counts") =>
    get<Red>("/red", { group, ...range, step: stepS, points }, signal, undefined, withPoints),
  capabilities: (range: Span, stepS: number, signal?: AbortSignal, points?: "counts") => get<Red>("/capabilities", { ...range, step: stepS, points }, signal, undefined, withPoints),
  entries: (range: Span, stepS: number, signal?: AbortSignal, points?: "counts") => get<Entries>("/entries", { ...range, step: stepS, points }, signal, undefined, withPoints),
  durations: (filter: Pick<TrailFilter, "service" | "status">, range: Span, stepS: number, signal?: AbortSignal) =>
    get<DurationCells>("/durations", { ...filter, ...range, step: stepS }, signal),
  resources: (range: Span, signal?: AbortSignal) => get<{ counted_since: string; resources: ResourceRow[] }>("/resources", { ...range }, signal),
  resource: (name: string, kind: string | undefined, range: Span, stepS: number, signal?: AbortSignal) =>
    get<ResourceAnswer>(`/resources/${encodeURIComponent(name)}`, { kind, ...range, step: stepS }, signal),
  resourceMetrics: (name: string, kind: string | undefined, range: Span, signal?: AbortSignal) =>
    get<WatchAnswer>(`/resources/${encodeURIComponent(name)}/metrics`, { kind, ...range }, signal),
  functionMetrics: (name: string, range: Span, signal?: AbortSignal) =>
    get<WatchAnswer>(`/functions/${encodeURIComponent(name)}/metrics`, { ...range }, signal),
  limits: (range: Span, signal?: AbortSignal) => get<LimitsAnswer>("/limits", { ...range }, signal),
  findings: (which: string, filter: { severity?: string; kind?: string; about?: string }, cursor: string | null, limit: number, signal?: AbortSignal) =>
    get<Findings>("/findings", { which, ...filter, cursor, limit }, signal),
  finding: (id: string, range: Span, signal?: AbortSignal) => get<FindingAnswer>(`/findings/${encodeURIComponent(id)}`, { ...range }, signal),
  decide: (id: string, decision: { state: string; note?: string; until?: string }) =>
    get<Finding>(`/findings/${encodeURIComponent(id)}`, {}, undefined, new Blob([JSON.stringify(decision)], { type: "application/json" })),
  drop: (file: Blob) => get<Dropped>("/drop", {}, undefined, file),
  errors: (name: string, range: Span, signal?: AbortSignal) => get<{ name: string; errors: ErrorGroup[] }>(`/functions/${encodeURIComponent(name)}/errors`, { ...range }, signal),
  function: (name: string, range: Span, signal?: AbortSignal) =>
    get<FunctionAnswer>(`/functions/${encodeURIComponent(name)}`, { ...range }, signal),
  trails: (filter: TrailFilter, range: Span, cursor: string | null, limit: number, signal?: AbortSignal) =>
    get<{ trails: TrailRow[]; cursor: string | null }>("/trails", { ...filter, ...range, cursor, limit }, signal),
  trail: (id: string, signal?: AbortSignal) =>
    get<TrailColumns>(`/trails/${encodeURIComponent(id)}/columns`, {}, signal),
  node: (id: string, trail: string, signal?: AbortSignal) => get<NodeAnswer>(`/nodes/${encodeURIComponent(id)}`, { trail }, signal),
  find: (q: string, signal?: AbortSignal) => get<{ matches: Match[] }>("/find", { q }, signal),
  logs: (parameters: Record<string, Parameter>, signal?: AbortSignal) =>
    get<{ logs: LogSignal[]; cursor: string | null }>("/logs", parameters, signal),
  services: (signal?: AbortSignal) => get<Services>("/services", {}, signal),
  received: (signal?: AbortSignal) => get<Received>("/received", {}, signal),
  quarantine: (signal?: AbortSignal) => get<Quarantine>("/quarantine", {}, signal),
};
