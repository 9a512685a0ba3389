/** Durations over time in cells: which cell lies where, on a logarithmic axis. Pure. */

import type { DurationCells } from "../api";

export interface HeatCell {
  column: number;
  /** From the bottom. */
  row: number;
  fromMs: number;
  toMs: number;
  lowMs: number;
  highMs: number;
  count: number;
  errors: number;
}

export interface Heat {
  columns: number;
  rows: number;
  sinceMs: number;
  stepMs: number;
  lowMs: number;
  cells: HeatCell[];
  most: number;
}

/** Half octaves, as the API counts them. */
const CELLS_PER_DOUBLING = 2;
const LEAST_ROWS = 8;

export function heatOf(answer: DurationCells): Heat {
  const sinceMs = Date.parse(answer.since);
  const stepMs = answer.step_s * 1000;
  const heights = answer.cells.map((cell) => Math.round(Math.log2(cell.low_ms) * CELLS_PER_DOUBLING));
  const lowest = heights.length ? Math.min(...heights) : 0;
  const highest = heights.length ? Math.max(...heights) : LEAST_ROWS;
  const spare = Math.max(0, Math.ceil((LEAST_ROWS - (highest - lowest + 1)) / 2));
  const bottom = lowest - spare;
  return {
    columns: Math.max(1, Math.round((Date.parse(answer.until) - sinceMs) / stepMs)),
    rows: highest - bottom + 1 + spare,
    sinceMs,
    stepMs,
    lowMs: 2 ** (bottom / CELLS_PER_DOUBLING),
    most: Math.max(1, ...answer.cells.map((cell) => cell.count)),
    cells: answer.cells.map((cell, i) => {
      const fromMs = Date.parse(cell.time);
      return { column: Math.round((fromMs - sinceMs) / stepMs), row: heights[i] - bottom, fromMs, toMs: fromMs + stepMs, lowMs: cell.low_ms, highMs: cell.high_ms, count: cell.count, errors: cell.error_count };
    }),
  };
}

/** The lower bound of a row counted from the bottom, in ms. */
export function boundMs(heat: Heat, row: number): number {
  return heat.lowMs * 2 ** (row / CELLS_PER_DOUBLING);
}

/** Round durations inside the axis, with how many rows they lie above its bottom. */
export function marks(heat: Heat): { ms: number; row: number }[] {
  const found: { ms: number; row: number }[] = [];
  for (let ms = 10 ** Math.floor(Math.log10(heat.lowMs)); ms <= boundMs(heat, heat.rows); ms *= 10) {
    const row = Math.log2(ms / heat.lowMs) * CELLS_PER_DOUBLING;
    if (row >= 0 && row <= heat.rows) found.push({ ms, row });
  }
  return found;
}

export interface Chosen {
  fromMs: number;
  toMs: number;
  lowMs: number;
  highMs: number;
}

/** The stretch of time and of duration that a box of cells covers, whichever way it was drawn. */
export function chosenBox(heat: Heat, a: [number, number], b: [number, number]): Chosen {
  const column = (at: number) => Math.min(Math.max(at, 0), heat.columns - 1);
  const row = (at: number) => Math.min(Math.max(at, 0), heat.rows - 1);
  const [left, right] = [column(Math.min(a[0], b[0])), column(Math.max(a[0], b[0]))];
  const [low, high] = [row(Math.min(a[1], b[1])), row(Math.max(a[1], b[1]))];
  return { fromMs: heat.sinceMs + left * heat.stepMs, toMs: heat.sinceMs + (right + 1) * heat.stepMs, lowMs: boundMs(heat, low), highMs: boundMs(heat, high + 1) };
}
