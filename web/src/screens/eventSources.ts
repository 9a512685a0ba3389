/** Queues, streams, topics, buses and schedules: what the API says of them, and what that means in words. Pure, but for the two questions. */

import { get, type Span } from "../api";
import { count, duration, plural } from "../format";

export interface SourceFigures {
  message_count: number;
  taken_count: number;
  wait_p50_ms: number | null;
  wait_p95_ms: number | null;
  wait_max_ms: number | null;
  redelivery_count: number;
  retry_count: number;
  duplicate_count: number;
  out_of_order_count: number;
  failed_count: number;
  partial_batch_count: number;
}

export interface Drain {
  verdict: "empty" | "draining" | "never" | "unknown";
  empty_in_s: number | null;
  empty_at: string | null;
  why: string;
}

export type SourcePoint = SourceFigures & { time: string };

export interface SourceRow extends SourceFigures {
  kind: string;
  carries: string;
  name: string;
  sent_count: number;
  untaken_count: number | null;
  poison_count: number;
  dead_letter_count: number;
  holds_dead_letters: boolean;
  consumer_count: number;
  backlog: number | null;
  backlog_from: "metric" | "messages" | null;
  drain: Drain;
  last_seen: string;
  points: SourcePoint[];
}

export interface SourcesAnswer {
  since: string;
  until: string;
  step_s: number;
  counted_since: string;
  message_count: number;
  messages_named: number;
  event_sources: SourceRow[];
}

export interface Poison {
  fingerprint: string;
  consumer: string;
  failure_type: string;
  failure_message: string;
  message_count: number;
  stuck_count: number;
  try_count: number;
  first_seen: string;
  last_seen: string;
  messages: { message_id: string; node_id: string; trail_id: string; try_count: number; through: boolean; first_seen: string; last_seen: string }[];
}

export interface DeadLetter {
  message_id: string;
  node_id: string;
  trail_id: string;
  queue: string;
  origin: string;
  cause: string;
  try_count: number;
  last_try_node_id: string | null;
  sent: string | null;
  taken: string | null;
  consumer: string;
  consumer_node_id: string;
  consumer_failed: boolean;
}

export interface SourceAnswer extends SourceRow {
  since: string;
  until: string;
  step_s: number;
  counted_since: string;
  cells: { time: string; low_ms: number; high_ms: number; count: number; error_count: number }[];
  attempts: { deliveries: number; message_count: number; never_through_count: number }[];
  consumers: (SourceFigures & { service: string; failure_type: string; failure_message: string; last_seen: string })[];
  order_groups: { name: string; message_count: number; wait_p95_ms: number | null; failed_count: number }[];
  poison: Poison[];
  partial_batches: { time: string; consumer: string; node_id: string; trail_id: string; size: number; failed_count: number; failure_type: string; failure_message: string }[];
  dead_letters: DeadLetter[];
}

export function askSources(range: Span, stepS: number, signal?: AbortSignal): Promise<SourcesAnswer> {
  return get<SourcesAnswer>("/event-sources", { ...range, step: stepS }, signal);
}

export function askSource(kind: string, name: string, range: Span, stepS: number, signal?: AbortSignal): Promise<SourceAnswer> {
  return get<SourceAnswer>(`/event-sources/${encodeURIComponent(kind)}/${encodeURIComponent(name)}`, { ...range, step: stepS }, signal);
}

export interface Verdict {
  tone: "ok" | "bad" | "warn" | "dim";
  headline: string;
  details: string[];
}

/** Everything at once: what is worst, by name. */
export function sourcesVerdict(rows: SourceRow[]): Verdict {
  const named = (some: SourceRow[]) => some.slice(0, 3).map((one) => one.name).join(", ") + (some.length > 3 ? ` and ${some.length - 3} more` : "");
  const poisoned = rows.filter((one) => one.poison_count);
  const given = rows.filter((one) => one.dead_letter_count);
  const growing = rows.filter((one) => one.backlog && one.drain.verdict === "never");
  const failing = rows.filter((one) => one.failed_count);
  const details = [];
  if (given.length) details.push(`${plural(sum(given, (one) => one.dead_letter_count), "message")} of ${named(given)} came out of a dead-letter queue.`);
  if (growing.length) details.push(`What waits in ${named(growing)} does not shrink.`);
  if (poisoned.length) return { tone: "bad", headline: `${plural(sum(poisoned, (one) => one.poison_count), "message fails", "messages fail")} again and again in ${named(poisoned)}`, details };
  if (given.length) return { tone: "bad", headline: `Messages of ${named(given)} were given up`, details };
  if (growing.length) return { tone: "warn", headline: `What waits in ${named(growing)} does not shrink`, details: [] };
  if (failing.length) return { tone: "warn", headline: `${plural(sum(failing, (one) => one.failed_count), "delivery", "deliveries")} failed in ${named(failing)}; the messages went through later, or still come again`, details };
  return { tone: "ok", headline: "Every message went through", details };
}

function sum(rows: SourceRow[], of: (one: SourceRow) => number): number {
  return rows.reduce((total, one) => total + of(one), 0);
}

/** One source: what is worst about it. */
export function sourceVerdict(one: SourceRow): Verdict {
  const waits = one.wait_p50_ms === null ? "How long messages waited is not told." : `Half waited up to ${duration(one.wait_p50_ms)}, 95 of 100 up to ${duration(one.wait_p95_ms)}, the longest ${duration(one.wait_max_ms)}.`;
  const details = [`${plural(one.message_count, "message")}. ${waits}`, drainWords(one)];
  if (one.holds_dead_letters) return { tone: "bad", headline: `This is a dead-letter queue, and ${plural(one.message_count, "message")} came out of it`, details };
  if (one.poison_count) return { tone: "bad", headline: `${plural(one.poison_count, "message fails", "messages fail")} again and again and never ${one.poison_count === 1 ? "goes" : "go"} through`, details };
  if (one.dead_letter_count) return { tone: "bad", headline: `${plural(one.dead_letter_count, "message was", "messages were")} given up`, details };
  if (one.backlog && one.drain.verdict === "never") return { tone: "warn", headline: "What waits does not shrink", details };
  if (one.failed_count) return { tone: "warn", headline: `${plural(one.failed_count, "delivery", "deliveries")} failed`, details };
  if (one.duplicate_count) return { tone: "warn", headline: `${plural(one.duplicate_count, "message was", "messages were")} handed over again although it had gone through`, details };
  if (!one.taken_count) return { tone: "dim", headline: "Messages are sent; who takes them is not told", details };
  return { tone: "ok", headline: "Every message that was taken went through", details };
}

/** What waits, and when it is gone. */
export function drainWords(one: SourceRow): string {
  if (one.backlog === null) return "How many wait now is not told.";
  if (!one.backlog) return "Nothing waits.";
  const from = one.backlog_from === "metric" ? "by CloudWatch" : "sent in this time and not seen taken";
  const when = one.drain.verdict === "draining" && one.drain.empty_in_s !== null ? `at the present rate it is empty in ${duration(one.drain.empty_in_s * 1000)}` : `when it is empty cannot be told: ${one.drain.why}`;
  return `${plural(one.backlog, "message waits", "messages wait")} (${from}); ${one.drain.verdict === "never" ? `at the present rate it never is empty: ${one.drain.why}` : when}.`;
}

/** The same, as short as a cell of a table. */
export function emptyIn(one: SourceRow): string {
  if (one.backlog === null || one.drain.verdict === "unknown") return "unknown";
  if (one.drain.verdict === "draining" && one.drain.empty_in_s !== null) return `in ${duration(one.drain.empty_in_s * 1000)}`;
  return one.drain.verdict === "never" ? "never" : "";
}

/** A figure of every step of the range; the API leaves steps out in which nothing was sent. */
export function everyStep(answer: Pick<SourcesAnswer, "counted_since" | "until" | "step_s">, points: SourcePoint[], of: (point: SourcePoint) => number): number[] {
  const sinceMs = Date.parse(answer.counted_since);
  const steps = Math.max(1, Math.round((Date.parse(answer.until) - sinceMs) / (answer.step_s * 1000)));
  const values = Array.from({ length: steps }, () => 0);
  for (const point of points) {
    const at = Math.round((Date.parse(point.time) - sinceMs) / (answer.step_s * 1000));
    if (at >= 0 && at < steps) values[at] = of(point);
  }
  return values;
}

/** What makes a figure worth looking at: nothing is printed for none. */
export function some(value: number): string {
  return value ? count(value) : "";
}
