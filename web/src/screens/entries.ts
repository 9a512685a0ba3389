/** Entries as names, links and groups of the overview. Pure. */

import type { Entries, Entry, RedGroup } from "../api";
import type { Search } from "../search";
import { everyStep } from "../steps";

export function entryName(entry: Pick<Entry, "method" | "route" | "service">): string {
  return [entry.method, entry.route || entry.service].filter(Boolean).join(" ");
}

export function trailsOfEntry(entry: Entry): Search {
  return entry.q ? { q: entry.q } : { service: entry.service };
}

/** An entry as the verdict reads groups; what was before is not asked for. */
export function asGroup(entry: Entry): RedGroup {
  const { count, error_count, p50_ms, p95_ms, p99_ms, points } = entry;
  return { name: entryName(entry), kind: "route", count, error_count, p50_ms, p95_ms, p99_ms, cold_start_count: 0, previous: null, points };
}

/** Calls and errors per step over the whole range, steps without a call included. */
export function onSteps(answer: Entries, entry: Entry): { counts: number[]; errors: number[] } {
  const points = everyStep(answer)(entry.points);
  return { counts: points.map((one) => one.count), errors: points.map((one) => one.error_count) };
}
