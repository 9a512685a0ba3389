/** Entries as names, links and groups of the overview. Pure. */

import type { Entries, Entry, RedGroup } from "../api";
import type { Search } from "../search";

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
  const since = Date.parse(answer.since);
  const stepMs = answer.step_s * 1000;
  const steps = Math.min(Math.max(Math.round((Date.parse(answer.until) - since) / stepMs), 1), 2000);
  if (entry.points.length === steps) return { counts: entry.points.map((one) => one.count), errors: entry.points.map((one) => one.error_count) };
  const counts: number[] = new Array(steps).fill(0);
  const errors: number[] = new Array(steps).fill(0);
  for (const point of entry.points) {
    const at = Math.floor((Date.parse(point.time) - since) / stepMs);
    if (at < 0 || at >= steps) continue;
    counts[at] = point.count;
    errors[at] = point.error_count;
  }
  return { counts, errors };
}
