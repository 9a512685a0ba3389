/** The lines that charts of several screens draw alike. Pure. */

import type { Line } from "./Chart";

export function timesOf(points: { time: string }[]): number[] {
  return points.map((point) => Date.parse(point.time) / 1000);
}

/** All, and those of them that failed, as bars. */
export function failureLines(points: { count: number; error_count: number }[]): Line[] {
  return [
    { name: "all", values: points.map((p) => p.count), colour: (c) => c.bar, bars: true },
    { name: "errors", values: points.map((p) => p.error_count), colour: (c) => c.error, bars: true },
  ];
}

export function durationLines(points: { p50_ms: number | null; p95_ms: number | null }[]): Line[] {
  return [
    { name: "p95", values: points.map((p) => p.p95_ms), colour: (c) => c.dim, dash: [4, 3] },
    { name: "p50", values: points.map((p) => p.p50_ms), colour: (c) => c.text },
  ];
}

/** How long messages waited. */
export function waitLines(points: { wait_p50_ms: number | null; wait_p95_ms: number | null; wait_max_ms: number | null }[]): Line[] {
  return [
    { name: "longest", values: points.map((p) => p.wait_max_ms), colour: (c) => c.bar },
    { name: "p95", values: points.map((p) => p.wait_p95_ms), colour: (c) => c.dim, dash: [4, 3] },
    { name: "p50", values: points.map((p) => p.wait_p50_ms), colour: (c) => c.text },
  ];
}
