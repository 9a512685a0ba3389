/** What the limits mean, in words, and which rows stand for the others. Pure. */

import type { LimitRow } from "../api";
import { amountPer } from "../amount";
import { duration, percent, plural } from "../format";

export const NEAR_SHARE = 0.8;
const SOON_MS = 7 * 86_400_000;

export type Tone = "ok" | "warn" | "bad";

/** Met, near (four fifths, or within a week as use grows), or neither. */
export function toneOf(row: LimitRow, nowMs: number): Tone {
  if (row.share !== null && row.share >= 1) return "bad";
  const soon = row.met_at !== null && Date.parse(row.met_at) - nowMs < SOON_MS;
  return soon || (row.share ?? 0) >= NEAR_SHARE ? "warn" : "ok";
}

/** A quota, with the resource that is nearest to it first. */
export interface Group {
  id: string;
  rows: LimitRow[];
}

/** Measured quotas in the order that they come in, one group each; rows that no signal tells apart. */
export function grouped(rows: LimitRow[]): { told: Group[]; untold: LimitRow[] } {
  const told = new Map<string, Group>();
  for (const row of rows) {
    if (row.share === null) continue;
    const group = told.get(row.id) ?? { id: row.id, rows: [] };
    group.rows.push(row);
    told.set(row.id, group);
  }
  return { told: [...told.values()], untold: rows.filter((row) => row.share === null) };
}

export function whose(row: LimitRow): string {
  return row.per === "resource" ? (row.resource ?? "") : row.resource ? `account ${row.resource}` : "the account";
}

/** When it is met: `met`, `in 3 d 4 h`, or nothing. */
export function metWhen(row: LimitRow, nowMs: number): string {
  if (row.share !== null && row.share >= 1) return "met";
  if (row.met_at === null) return "";
  return `in ${duration(Math.max(60_000, Date.parse(row.met_at) - nowMs))}`;
}

export function limitsVerdict(rows: LimitRow[], nowMs: number): { tone: Tone | "dim"; headline: string; details: string[] } {
  const told = rows.filter((row) => row.share !== null);
  if (!told.length) return { tone: "dim", headline: "No signal of this time range tells of a limit", details: ["Lambda's REPORT lines, spans and CloudWatch metric streams do."] };
  const met = told.filter((row) => toneOf(row, nowMs) === "bad");
  const near = told.filter((row) => toneOf(row, nowMs) === "warn");
  const nearest = told[0];
  const of = `${nearest.name.toLowerCase()} of ${whose(nearest)}: ${amountPer(nearest.unit, nearest.per_s, nearest.used!)} of ${amountPer(nearest.unit, nearest.per_s, nearest.limit)}, ${percent(nearest.share)}`;
  if (met.length) return { tone: "bad", headline: `${plural(met.length, "limit was", "limits were")} met`, details: [`The furthest is ${of}.`] };
  if (near.length) return { tone: "warn", headline: `${plural(near.length, "limit is", "limits are")} near`, details: [`The nearest is ${of}.`] };
  return { tone: "ok", headline: "No limit is near", details: [`The nearest is ${of}.`] };
}
