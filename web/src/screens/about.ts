/** What several trails of one value (a user, an order) say together: six questions and their answers. Pure. */

import type { TrailStatus } from "../api";
import { count, duration, oneLine, plainName, plural, text, words } from "../format";
import { failed, type TrailModel } from "../views/model";

export interface AtNode {
  trail: string;
  node: string;
  timeMs: number;
}

export interface Asked extends AtNode {
  name: string;
  code: number | null;
  failed: boolean;
  durationMs: number;
}

export interface Failing extends AtNode {
  text: string;
}

export interface FunctionFacts {
  name: string;
  /** Called by an entry, or fed from a queue or stream, or both. */
  behindEntry: boolean;
  consumes: Set<string>;
  invocations: number;
  failures: number;
  cold: number;
  longestMs: number;
  lastFailure: Failing | null;
  errorLines: number;
  lastErrorLine: Failing | null;
}

export interface Stored extends AtNode {
  service: string;
  operation: string;
  resource: string;
  kind: string;
  status: string;
  /** The function's next log line after it: often it names the keys. */
  said: string;
}

export interface Carried {
  name: string;
  kind: string | undefined;
  messages: number;
  /** How long each delivery waited, in ms. */
  waits: number[];
  attempts: number;
  failures: number;
  untaken: number;
  consumers: Set<string>;
  last: AtNode | null;
}

export interface About {
  trails: { id: string; startMs: number; status: TrailStatus }[];
  asked: Asked[];
  functions: FunctionFacts[];
  stored: Stored[];
  carried: Carried[];
}

export function about(models: TrailModel[]): About {
  const found: About = { trails: [], asked: [], functions: [], stored: [], carried: [] };
  const functions = new Map<string, FunctionFacts>();
  const carried = new Map<string, Carried>();
  const seen = new Set<string>();
  for (const model of models.toSorted((a, b) => a.startMs - b.startMs)) {
    found.trails.push({ id: model.id, startMs: model.startMs, status: model.status });
    for (const row of model.order) {
      // A batch makes one invocation part of several trails.
      if (seen.has(model.nodeId[row])) continue;
      seen.add(model.nodeId[row]);
      if (model.kind[row] === "request") ask(found, model, row);
      if (model.kind[row] === "invocation") invoke(functions, model, row);
      if (model.kind[row] === "message") carry(carried, model, row);
      store(found, model, row);
    }
  }
  for (const list of [found.asked, found.stored]) list.sort((a, b) => b.timeMs - a.timeMs);
  found.functions = [...functions.values()];
  found.carried = [...carried.values()];
  return found;
}

function at(model: TrailModel, row: number): AtNode {
  return { trail: model.id, node: model.nodeId[row], timeMs: model.startMs + model.start[row] };
}

function ask(found: About, model: TrailModel, row: number): void {
  const request = model.requests.get(row);
  const name = request?.route ? `${request.method} ${request.route}` : model.name[row];
  const bad = failed(model.status_[row]) || (request?.code ?? 0) >= 500;
  found.asked.push({ ...at(model, row), name, code: request?.code || null, failed: bad, durationMs: model.duration[row] });
}

function invoke(functions: Map<string, FunctionFacts>, model: TrailModel, row: number): void {
  const name = model.service[row];
  let facts = functions.get(name);
  if (!facts) {
    facts = { name, behindEntry: false, consumes: new Set(), invocations: 0, failures: 0, cold: 0, longestMs: 0, lastFailure: null, errorLines: 0, lastErrorLine: null };
    functions.set(name, facts);
  }
  facts.invocations++;
  if (model.cold[row]) facts.cold++;
  if (model.duration[row] > facts.longestMs) facts.longestMs = model.duration[row];
  for (const i of model.causesOf.get(row) ?? []) {
    const cause = model.edges[i].from;
    if (model.kind[cause] === "request") facts.behindEntry = true;
    if (model.kind[cause] === "message") facts.consumes.add(plainName(model.service[cause]));
  }
  const errors = (model.logsOf.get(row) ?? []).filter((i) => model.logs[i].severity === "error");
  facts.errorLines += errors.length;
  if (errors.length) facts.lastErrorLine = { ...at(model, row), text: model.logs[errors.at(-1)!].line };
  if (!failed(model.status_[row])) return;
  facts.failures++;
  facts.lastFailure = { ...at(model, row), text: whyFailed(model, row) };
}

/** In the story's words where it has some. */
function whyFailed(model: TrailModel, row: number): string {
  const sentence = model.story.find((one) => one.node_id === model.nodeId[row])?.text;
  const why = sentence && / with (.*?)(?: on attempt \d+)?(?:, (?:after|on|in) [^,]*)*$/.exec(sentence)?.[1];
  return why ?? words(model.status_[row]);
}

function carry(carried: Map<string, Carried>, model: TrailModel, row: number): void {
  const name = plainName(model.service[row]);
  let facts = carried.get(name);
  if (!facts) {
    facts = { name, kind: undefined, messages: 0, waits: [], attempts: 0, failures: 0, untaken: 0, consumers: new Set(), last: null };
    carried.set(name, facts);
  }
  facts.messages++;
  facts.last = at(model, row);
  // A message that another one brings is the same on its way.
  const effects = (model.effectsOf.get(row) ?? []).map((i) => model.edges[i].to);
  const deliveries = effects.filter((to) => model.kind[to] !== "message");
  if (!effects.length) facts.untaken++;
  for (const to of deliveries) {
    facts.attempts++;
    if (failed(model.status_[to])) facts.failures++;
    facts.consumers.add(model.service[to]);
    facts.waits.push(Math.max(model.start[to] - model.start[row], 0));
  }
  for (const i of model.causesOf.get(row) ?? []) facts.kind ??= model.resources.get(model.edges[i].from)?.kind;
}

const KEPT_IN = new Set(["dynamodb", "s3"]);

function store(found: About, model: TrailModel, row: number): void {
  const resource = model.resources.get(row);
  if (!resource || !KEPT_IN.has(resource.kind)) return;
  found.stored.push({ ...at(model, row), service: model.service[row], operation: resource.operation, resource: resource.name, kind: resource.kind, status: model.status_[row], said: saidAfter(model, row) });
}

const PLATFORM = /^(START|END|REPORT|INIT_START|EXTENSION|TELEMETRY) |"type":"platform\./;

function saidAfter(model: TrailModel, row: number): string {
  let above = row;
  for (let steps = 0; steps < 20 && above >= 0 && model.kind[above] !== "invocation"; steps++) above = model.parent[above];
  if (above < 0) return "";
  const lines = (model.logsOf.get(above) ?? []).map((i) => model.logs[i]).filter((line) => !PLATFORM.test(line.body));
  const own = lines.filter((line) => !line.body.includes('"_aws"'));
  const line = own.find((one) => one.offsetMs >= model.start[row]) ?? own.at(-1);
  return line ? telling(line.body) : "";
}

/** What every line of a logger carries; the keys of what was stored are among the rest. */
const EVERY_LINE = /^(level|timestamp|time|logger|location|service|cold_start|xray_trace_id|message|msg|requestId|stream_name|sequence_number)$|^function_/;

/** A log line without what its logger adds to each. */
export function telling(body: string): string {
  try {
    const parsed = JSON.parse(body) as Record<string, unknown>;
    const message = parsed.message ?? parsed.msg;
    if (typeof message !== "string") return oneLine(body);
    const rest = Object.entries(parsed).filter(([name]) => !EVERY_LINE.test(name));
    return [message, ...rest.map(([name, value]) => `${name}=${text(value)}`)].join("  ");
  } catch {
    return oneLine(body);
  }
}

export interface Finding {
  question: string;
  answer: string;
  tone: "ok" | "bad" | "warn" | "dim";
  at: AtNode | null;
}

/** The six questions that somebody asks of one user's data, each with its answer. */
export function findings(all: About): Finding[] {
  return [endpoint(all), behind(all), kept(all), consumers(all), streams(all), ingestion(all)];
}

function endpoint({ asked }: About): Finding {
  const question = "Does the endpoint work, and what did it return?";
  if (!asked.length) return { question, answer: "No request from outside is among these trails.", tone: "dim", at: null };
  const names = [...new Set(asked.map((one) => one.name))];
  const answer = names.map((name) => {
    const mine = asked.filter((one) => one.name === name);
    const codes = new Map<string, number>();
    for (const one of mine) codes.set(String(one.code ?? (one.failed ? "a failure" : "no status told")), (codes.get(String(one.code ?? (one.failed ? "a failure" : "no status told"))) ?? 0) + 1);
    return `${name} returned ${[...codes].map(([code, n]) => `${code} ${n === 1 ? "once" : `${count(n)} times`}`).join(", ")}`;
  });
  const bad = asked.find((one) => one.failed);
  return { question, answer: `${answer.join("; ")}.`, tone: bad ? "bad" : "ok", at: bad ?? asked[0] };
}

function outcome(list: FunctionFacts[]): string {
  return list.map((one) => (one.failures ? `${one.name} failed ${count(one.failures)} of ${plural(one.invocations, "time")}${one.lastFailure ? ` (${one.lastFailure.text.slice(0, 140)})` : ""}` : `${one.name} succeeded ${one.invocations === 1 ? "once" : `${count(one.invocations)} times of ${count(one.invocations)}`}`)).join("; ");
}

function behind({ functions }: About): Finding {
  const question = "Did the function behind it succeed?";
  const list = functions.filter((one) => one.behindEntry);
  if (!list.length) return { question, answer: "No invocation is joined to a request here.", tone: "dim", at: null };
  const bad = list.find((one) => one.failures);
  return { question, answer: `${outcome(list)}.`, tone: bad ? "bad" : "ok", at: bad?.lastFailure ?? null };
}

const READS = /^(Get|Query|Scan|Head|List|BatchGet|TransactGet|Select)/i;

function kept({ stored, carried }: About): Finding {
  const question = "What is stored?";
  const writes = stored.filter((one) => !READS.test(one.operation));
  const sent = carried.reduce((n, one) => n + one.messages, 0);
  if (!stored.length) return { question, answer: sent ? "Nothing was seen written to a table or bucket." : "No table or bucket is named by these trails.", tone: sent ? "warn" : "dim", at: null };
  const bad = stored.filter((one) => one.status !== "ok");
  const places = [...new Set(stored.map((one) => one.resource))];
  const words_ = places.map((place) => {
    const operations = new Map<string, number>();
    for (const one of stored) if (one.resource === place) operations.set(one.operation, (operations.get(one.operation) ?? 0) + 1);
    return `${place}: ${[...operations].map(([name, n]) => `${count(n)} ${name}`).join(", ")}`;
  });
  const outcomeWords = bad.length ? `${count(bad.length)} of ${count(stored.length)} failed` : stored.length === 1 ? "it succeeded" : "all succeeded";
  const first = sent && !writes.length ? "Nothing was seen written; " : "";
  return { question, answer: `${first}${words_.join("; ")}; ${outcomeWords}.`, tone: bad.length ? "bad" : writes.length || !sent ? "ok" : "warn", at: bad[0] ?? stored[0] };
}

function consumers({ functions }: About): Finding {
  const question = "Is the function that takes and checks it failing?";
  // Also what a workflow runs, or a schedule: whatever no entry waits for.
  const list = functions.filter((one) => one.consumes.size || !one.behindEntry);
  if (!list.length) return { question, answer: "No function ran after the entry answered.", tone: "dim", at: null };
  const bad = list.find((one) => one.failures);
  const noisy = list.find((one) => !one.failures && one.errorLines);
  const said = noisy?.lastErrorLine ? ` ${noisy.name} logged ${plural(noisy.errorLines, "error")}: ${noisy.lastErrorLine.text.slice(0, 140)}` : "";
  return { question, answer: `${outcome(list)}.${said}`, tone: bad ? "bad" : noisy ? "warn" : "ok", at: bad?.lastFailure ?? noisy?.lastErrorLine ?? null };
}

function middle(list: number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
}

function streams({ carried }: About): Finding {
  const question = "How is the stream or queue doing?";
  if (!carried.length) return { question, answer: "No message was sent here.", tone: "dim", at: null };
  const untaken = carried.find((one) => one.untaken);
  const said = carried.map((one) => {
    const waited = one.waits.length ? `half waited up to ${duration(middle(one.waits))}, the longest ${duration(Math.max(...one.waits))}` : "nobody was seen to take them";
    const again = one.attempts > one.messages ? `, ${plural(one.attempts, "delivery", "deliveries")}` : "";
    return `${one.name}: ${plural(one.messages, "message")}, ${waited}${again}${one.untaken && one.waits.length ? `, ${count(one.untaken)} not seen taken` : ""}`;
  });
  return { question, answer: `${said.join("; ")}.`, tone: untaken ? "warn" : "ok", at: (untaken ?? carried[0]).last };
}

function ingestion({ carried, functions }: About): Finding {
  const question = "Does ingestion err or lag?";
  const attempts = carried.reduce((n, one) => n + one.attempts, 0);
  if (!attempts) return { question, answer: "No delivery was seen.", tone: "dim", at: null };
  const failures = carried.reduce((n, one) => n + one.failures, 0);
  const lag = Math.max(...carried.flatMap((one) => one.waits));
  const last = functions.find((one) => one.consumes.size && one.lastFailure)?.lastFailure ?? null;
  const errs = failures ? `It errs: ${count(failures)} of ${plural(attempts, "delivery", "deliveries")} failed` : `It does not err: all ${plural(attempts, "delivery", "deliveries")} succeeded`;
  const lags = lag > LAG_MS ? `and it lags: up to ${duration(lag)} behind` : `and does not lag: at most ${duration(lag)} behind`;
  return { question, answer: `${errs}, ${lags}.`, tone: failures ? "bad" : lag > LAG_MS ? "warn" : "ok", at: last };
}

/** A delivery later than this is worth a word. */
const LAG_MS = 10_000;
