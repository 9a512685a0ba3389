/** Counts by step, which come as two rows of numbers, as the points that charts and tables read. Pure. */

import type { RedPoint } from "./api";

interface StepCounts {
  count: number[];
  error_count: number[];
}

/** An answer of which groups or entries may have counts in place of points. */
interface Stepped {
  since: string;
  step_s: number;
  groups?: { points: RedPoint[] | StepCounts }[];
  entries?: { points: RedPoint[] | StepCounts }[];
}

/** Give what has counts its points, one a step; steps without anything are the same object everywhere. */
export function withPoints<T>(answer: T): T {
  const { since, step_s, groups, entries } = answer as Stepped;
  const sinceMs = Date.parse(since);
  const nothing: RedPoint[] = [];
  const emptyStep = (i: number) =>
    (nothing[i] ??= { time: new Date(sinceMs + i * step_s * 1000).toISOString(), count: 0, error_count: 0, rate_per_s: 0, p50_ms: null, p95_ms: null, p99_ms: null });
  for (const one of groups ?? entries ?? []) {
    if (Array.isArray(one.points)) continue;
    const { count, error_count } = one.points;
    one.points = count.map((n, i) => (n ? { ...emptyStep(i), count: n, error_count: error_count[i], rate_per_s: n / step_s } : emptyStep(i)));
  }
  return answer;
}
