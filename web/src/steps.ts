/** The steps of an answer: counts that come as two rows of numbers, and points of which the empty ones are left out. Pure. */

import type { RedPoint } from "./api";

interface StepCounts {
  count: number[];
  error_count: number[];
}

const MOST_STEPS = 2000;

/** An empty point of each step, the same object for all that ask. */
function emptySteps(since: string, stepS: number): (i: number) => RedPoint {
  const sinceMs = Date.parse(since);
  const made: RedPoint[] = [];
  return (i) => (made[i] ??= { time: new Date(sinceMs + i * stepS * 1000).toISOString(), count: 0, error_count: 0, rate_per_s: 0, p50_ms: null, p95_ms: null, p99_ms: null });
}

/** Returns what gives points of an answer a point in each of its steps; the API leaves those out in which nothing was. */
export function everyStep({ since, until, step_s }: { since: string; until: string; step_s: number }): (points: RedPoint[]) => RedPoint[] {
  const sinceMs = Date.parse(since);
  const steps = Math.min(Math.max(Math.round((Date.parse(until) - sinceMs) / (step_s * 1000)), 1), MOST_STEPS);
  const empty = emptySteps(since, step_s);
  return (points) => {
    if (points.length === steps) return points;
    const grid = Array.from({ length: steps }, (_, i) => empty(i));
    for (const point of points) {
      const at = Math.floor((Date.parse(point.time) - sinceMs) / (step_s * 1000));
      if (at >= 0 && at < steps) grid[at] = { ...grid[at], ...point };
    }
    return grid;
  };
}

/** An answer of which groups or entries may have counts in place of points. */
interface Stepped {
  since: string;
  step_s: number;
  groups?: { points: RedPoint[] | StepCounts }[];
  entries?: { points: RedPoint[] | StepCounts }[];
}

/** Give what has counts its points, one a step. */
export function withPoints<T>(answer: T): T {
  const { since, step_s, groups, entries } = answer as Stepped;
  const empty = emptySteps(since, step_s);
  for (const one of groups ?? entries ?? []) {
    if (Array.isArray(one.points)) continue;
    const { count, error_count } = one.points;
    one.points = count.map((n, i) => (n ? { ...empty(i), count: n, error_count: error_count[i], rate_per_s: n / step_s } : empty(i)));
  }
  return answer;
}
