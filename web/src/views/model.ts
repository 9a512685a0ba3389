/** A trail as the views read it: columns decoded once, the tree in order, edges by effect. Pure. */

import type { TrailOutcome } from "../workflowsApi";
import type { NodeStatus, Sentence, Share, TrailColumns, TrailStatus, Wait } from "../api";
import { duration, oneLine, text, words } from "../format";

export interface TrailLog {
  offsetMs: number;
  severity: "error" | "warn" | "info" | "debug";
  body: string;
  /** The body in one line, the message of a JSON line first. */
  line: string;
  row: number;
}

export interface TrailEdge {
  from: number;
  to: number;
  kind: string;
  evidence: string;
  confidence: number;
}

export interface HttpRequest {
  method: string;
  route: string;
  /** 0 where no status is told. */
  code: number;
}

export interface Named {
  kind: string;
  name: string;
  operation: string;
}

export interface TrailModel {
  id: string;
  status: TrailStatus;
  outcome: string | null;
  outcomes: TrailOutcome[];
  startMs: number;
  durationMs: number;
  size: number;
  nodeId: string[];
  kind: string[];
  service: string[];
  name: string[];
  status_: NodeStatus[];
  start: Float64Array;
  /** NaN while a node is open. */
  duration: Float64Array;
  wait: Float64Array;
  /** The wait as drawn before the bar: 0 where the message above it already shows it. */
  gap: Float64Array;
  init: Float64Array;
  cold: boolean[];
  attempt: number[];
  parent: Int32Array;
  depth: Uint16Array;
  /** Rows in tree order (children after their parent, by start). */
  order: Int32Array;
  /** Rows of the subtree below and including a row; by row. */
  below: Int32Array;
  edges: TrailEdge[];
  /** The edge into each row from its parent, or undefined. */
  edgeInto: (TrailEdge | undefined)[];
  critical: Set<number>;
  story: Sentence[];
  logs: TrailLog[];
  logsOf: Map<number, number[]>;
  rowOf: Map<string, number>;
  requests: Map<number, HttpRequest>;
  resources: Map<number, Named>;
  waits: Map<number, Wait[]>;
  clockOffset: Map<number, number>;
  shares: Share[];
  /** Edges by cause and by effect, as indexes into `edges`. */
  effectsOf: Map<number, number[]>;
  causesOf: Map<number, number[]>;
}

export function decode(columns: TrailColumns): TrailModel {
  const { nodes, dictionary } = columns;
  const size = nodes.node_id.length;
  const word = (code: number | string) => (typeof code === "string" ? code : dictionary[code]);
  const numbers = (list: (number | null)[]) => Float64Array.from(list, (value) => value ?? NaN);
  const start = Float64Array.from(nodes.start_offset_ms);
  const parent = Int32Array.from(nodes.parent);
  const wait = numbers(nodes.wait_ms);
  const length = numbers(nodes.duration_ms);
  const kind = nodes.kind.map(word);
  const startMs = Date.parse(columns.start);
  const edges = columns.edges.from.map((from, i) => ({
    from,
    to: columns.edges.to[i],
    kind: word(columns.edges.kind[i]),
    evidence: word(columns.edges.evidence[i]),
    confidence: columns.edges.confidence[i] ?? 1,
  }));
  const edgeInto: (TrailEdge | undefined)[] = new Array(size);
  for (const edge of edges) if (edgeInto[edge.to] === undefined || edge.from === parent[edge.to]) edgeInto[edge.to] = edge;
  const logs = columns.logs.map((log) => ({
    offsetMs: preciseMs(log.time) - startMs,
    severity: severityOf(log.severity),
    body: text(log.body),
    line: oneLine(text(log.body)),
    row: log.node,
  }));
  const logsOf = new Map<number, number[]>();
  logs.forEach((log, i) => {
    const list = logsOf.get(log.row);
    if (list) list.push(i);
    else logsOf.set(log.row, [i]);
  });
  return {
    id: columns.trail_id,
    status: columns.status,
    outcome: columns.outcome,
    outcomes: columns.workflows ?? [],
    startMs,
    durationMs: Math.max(columns.duration_ms, 0.001),
    size,
    nodeId: nodes.node_id,
    kind,
    service: nodes.service.map(word),
    name: nodes.name.map(word),
    status_: nodes.status.map(word) as NodeStatus[],
    start,
    duration: length,
    wait,
    gap: wait.map((ms, row) => (ms > 0 && !(kind[parent[row]] === "message" && length[parent[row]] >= ms * 0.5) ? ms : 0)),
    init: numbers(nodes.init_ms),
    cold: nodes.cold_start.map((value) => value === true),
    attempt: nodes.attempt,
    parent,
    ...tree(parent, start),
    edges,
    edgeInto,
    critical: new Set(columns.critical_path),
    story: columns.story,
    logs,
    logsOf,
    rowOf: new Map(nodes.node_id.map((id, row) => [id, row])),
    requests: new Map(columns.requests?.node.map((row, i) => [row, { method: word(columns.requests!.method[i]), route: word(columns.requests!.route[i]), code: columns.requests!.status_code[i] }])),
    resources: new Map(columns.resources?.node.map((row, i) => [row, { kind: word(columns.resources!.kind[i]), name: word(columns.resources!.name[i]), operation: word(columns.resources!.operation[i]) }])),
    waits: sparse(nodes.waits, (waits) => waits.length > 0),
    clockOffset: sparse(nodes.clock_offset_ms, (ms) => ms !== 0),
    shares: columns.critical_shares ?? [],
    effectsOf: grouped(edges, (edge) => edge.from),
    causesOf: grouped(edges, (edge) => edge.to),
  };
}

function sparse<T>(values: (T | null)[] | undefined, worth: (value: T) => boolean): Map<number, T> {
  const found = new Map<number, T>();
  values?.forEach((value, row) => {
    if (value !== null && worth(value)) found.set(row, value);
  });
  return found;
}

function grouped(edges: TrailEdge[], key: (edge: TrailEdge) => number): Map<number, number[]> {
  const found = new Map<number, number[]>();
  edges.forEach((edge, i) => {
    const list = found.get(key(edge));
    if (list) list.push(i);
    else found.set(key(edge), [i]);
  });
  return found;
}

/** RFC 3339 with more than milliseconds, as fractional milliseconds. */
export function preciseMs(time: string): number {
  const whole = Date.parse(time);
  const fraction = /\.\d{3}(\d+)/.exec(time);
  return fraction ? whole + Number(`0.${fraction[1]}`) : whole;
}

export function severityOf(severity: string | number | null | undefined): TrailLog["severity"] {
  if (typeof severity === "number") return severity >= 17 ? "error" : severity >= 13 ? "warn" : severity >= 9 || severity === 0 ? "info" : "debug";
  const name = (severity ?? "").toLowerCase();
  if (/^(err|fatal|crit|emerg|alert)/.test(name)) return "error";
  if (name.startsWith("warn")) return "warn";
  return /^(debug|trace)/.test(name) ? "debug" : "info";
}

/** Tree order, depth and subtree sizes. A row whose ancestors form a cycle becomes a root. */
export function tree(parent: Int32Array, start: Float64Array): Pick<TrailModel, "order" | "depth" | "below"> {
  const size = parent.length;
  const children: number[][] = Array.from({ length: size + 1 }, () => []);
  for (let row = 0; row < size; row++) children[parent[row] >= 0 && parent[row] < size ? parent[row] : size].push(row);
  for (const list of children) list.sort((a, b) => start[a] - start[b] || a - b);
  const order = new Int32Array(size);
  const depth = new Uint16Array(size);
  const below = new Int32Array(size).fill(1);
  const seen = new Uint8Array(size);
  let filled = 0;
  const walk = (root: number) => {
    const stack = [root];
    while (stack.length) {
      const row = stack.pop()!;
      if (seen[row]) continue;
      seen[row] = 1;
      order[filled++] = row;
      for (let i = children[row].length - 1; i >= 0; i--) {
        const child = children[row][i];
        if (seen[child]) continue;
        depth[child] = depth[row] + 1;
        stack.push(child);
      }
    }
  };
  children[size].forEach(walk);
  for (let row = 0; row < size; row++) if (!seen[row]) walk(row);
  for (let i = size - 1; i >= 0; i--) {
    const row = order[i];
    if (depth[row] > 0) below[parent[row]] += below[row];
  }
  return { order, depth, below };
}

export function failed(status: NodeStatus): boolean {
  return status !== "ok" && status !== "open";
}

export function endOf(model: TrailModel, row: number): number {
  const length = model.duration[row];
  return Number.isNaN(length) ? model.durationMs : model.start[row] + length;
}

/** What a node is called in one line. */
export function title(model: TrailModel, row: number): string {
  const rest = beyondService(model, row);
  return rest ? `${model.service[row]} ${rest}` : model.service[row];
}

/** A node's name without its service's in front: what was asked, or what was done to which resource, where that is told. */
export function beyondService(model: TrailModel, row: number): string {
  const request = model.requests.get(row);
  if (request?.route) return `${request.method} ${request.route}`;
  const resource = model.resources.get(row);
  if (resource && model.kind[row] === "operation") return `${resource.operation} ${resource.name}`;
  const { service, name } = { service: model.service[row], name: model.name[row] };
  return name.startsWith(service) ? name.slice(service.length).trim() : name;
}

/** A node in words: for tooltips and for whoever cannot see the canvas. */
export function describe(model: TrailModel, row: number): string[] {
  const lines = [`${title(model, row)}: ${model.kind[row]}, ${words(model.status_[row])}`];
  const took = Number.isNaN(model.duration[row]) ? "still open" : `took ${duration(model.duration[row])}`;
  lines.push(`${took}, began ${duration(model.start[row])} after the start`);
  const code = model.requests.get(row)?.code;
  if (code) lines.push(`answered ${code}`);
  const waits = model.waits.get(row);
  if (waits) lines.push(`waited: ${waits.map((one) => `${duration(one.ms)} ${waitWords(one.kind)}`).join(", ")}`);
  else if (model.wait[row] > 0) lines.push(`waited ${duration(model.wait[row])} before it began`);
  if (model.cold[row]) lines.push(model.init[row] > 0 ? `cold start, init ${duration(model.init[row])}` : "cold start");
  if (model.attempt[row] > 1) lines.push(`attempt ${model.attempt[row]}`);
  const offset = model.clockOffset.get(row);
  if (offset) lines.push(clockWords(offset));
  const edge = model.edgeInto[row];
  if (edge) lines.push(`${edge.kind} by ${title(model, edge.from)}: ${evidence(edge)}`);
  return lines;
}

const WAIT_WORDS: Record<string, string> = {
  queue: "in the queue",
  stream: "in the stream",
  bus: "in the bus",
  retry: "for the next attempt",
  throttle: "held back by a limit",
  init: "for a cold start",
  downstream: "for another's answer",
};

/** What a wait of this kind was for. */
export function waitWords(kind: string): string {
  return WAIT_WORDS[kind] ?? words(kind);
}

/** That a clock was found to be wrong, and that the times shown are put right. */
export function clockWords(offsetMs: number): string {
  return `its clock was ${duration(Math.abs(offsetMs))} ${offsetMs > 0 ? "ahead" : "behind"}; the times shown are put right`;
}

const EVIDENCE: Record<string, string> = {
  parent: "its parent span",
  link: "a span link",
  header: "a propagated header",
  message_id: "the same message id",
  request_id: "the same request id",
  execution: "the same execution",
  correlation_id: "the same correlation id",
  payload: "an equal payload",
  timing: "timing alone",
};

export function certain(edge: TrailEdge | undefined): boolean {
  return edge === undefined || edge.confidence >= 0.995;
}

/** Why we believe an edge. */
export function evidence(edge: TrailEdge): string {
  const by = EVIDENCE[edge.evidence] ?? words(edge.evidence);
  return certain(edge) ? `known from ${by}` : `inferred from ${by}, ${Math.round(edge.confidence * 100)} % sure`;
}
