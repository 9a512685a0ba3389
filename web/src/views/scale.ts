/** Time scales: the zoomable linear one of the waterfall and the piecewise one of the sequence. Pure. */

export interface Window {
  fromMs: number;
  toMs: number;
}

export function clampWindow(window: Window, lengthMs: number): Window {
  const span = Math.min(Math.max(window.toMs - window.fromMs, lengthMs * 1e-7, 1e-4), lengthMs);
  const fromMs = Math.min(Math.max(window.fromMs, 0), lengthMs - span);
  return { fromMs, toMs: fromMs + span };
}

/** Zoom by `factor` (below 1: in) and keep the moment under the pointer where it is. */
export function zoomAt(window: Window, atMs: number, factor: number, lengthMs: number): Window {
  return clampWindow({ fromMs: atMs - (atMs - window.fromMs) * factor, toMs: atMs + (window.toMs - atMs) * factor }, lengthMs);
}

const SEXAGESIMAL_MS = [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400].map((s) => s * 1000);

/** Round ticks inside a window, about `wanted` of them. */
export function ticks(window: Window, wanted: number): number[] {
  const rough = (window.toMs - window.fromMs) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const decimal = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough) ?? power * 10;
  const step = decimal < 10_000 ? decimal : (SEXAGESIMAL_MS.find((s) => s >= rough) ?? decimal);
  const list: number[] = [];
  for (let i = Math.ceil(window.fromMs / step); i * step <= window.toMs; i++) list.push(i * step);
  return list;
}

export interface Piece {
  fromMs: number;
  toMs: number;
  x0: number;
  x1: number;
  idle: boolean;
}

export interface PiecewiseScale {
  pieces: Piece[];
  width: number;
  x(ms: number): number;
}

export const IDLE_WIDTH = 68;
const LEAST_BUSY_WIDTH = 56;

/**
 * Idle stretches shrink to a fixed width; busy ones share the rest by the square root of their length,
 * so that 20 ms of work beside 3 s of it stays legible. `busy` holds [from, to] in ms, in any order.
 */
export function piecewise(busy: [number, number][], lengthMs: number, width: number): PiecewiseScale {
  const merged = merge(busy, lengthMs);
  const worked = merged.reduce((sum, [from, to]) => sum + to - from, 0);
  const leastGap = Math.max(worked * 0.12, lengthMs * 0.01, 1);
  const runs: [number, number][] = [];
  for (const [from, to] of merged) {
    const last = runs.at(-1);
    if (last && from - last[1] < leastGap) last[1] = to;
    else runs.push([from, to]);
  }
  const roots = runs.map(([from, to]) => Math.sqrt(Math.max(to - from, 0.001)));
  const sum = roots.reduce((a, b) => a + b, 0);
  const room = Math.max(width - (runs.length - 1) * IDLE_WIDTH - runs.length * LEAST_BUSY_WIDTH, 0);
  const pieces: Piece[] = [];
  let x = 0;
  runs.forEach(([from, to], i) => {
    if (i > 0) pieces.push({ fromMs: runs[i - 1][1], toMs: from, x0: x, x1: (x += IDLE_WIDTH), idle: true });
    pieces.push({ fromMs: from, toMs: to, x0: x, x1: (x += LEAST_BUSY_WIDTH + (room * roots[i]) / sum), idle: false });
  });
  return { pieces, width: x, x: (ms) => locate(pieces, ms) };
}

function merge(intervals: [number, number][], lengthMs: number): [number, number][] {
  const sorted = intervals.filter(([from, to]) => Number.isFinite(from) && Number.isFinite(to)).sort((a, b) => a[0] - b[0]);
  if (!sorted.length) return [[0, Math.max(lengthMs, 1)]];
  const merged: [number, number][] = [];
  for (const [from, to] of sorted) {
    const last = merged.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else merged.push([from, Math.max(to, from)]);
  }
  return merged;
}

function locate(pieces: Piece[], ms: number): number {
  const piece = pieces.find((p) => ms <= p.toMs) ?? pieces[pieces.length - 1];
  const share = (ms - piece.fromMs) / Math.max(piece.toMs - piece.fromMs, 1e-9);
  return piece.x0 + Math.min(Math.max(share, 0), 1) * (piece.x1 - piece.x0);
}
