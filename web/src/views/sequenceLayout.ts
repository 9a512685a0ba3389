/** Where the sequence draws what: lanes per service, bars on a piecewise axis, waits and steps between. Pure. */

import { certain, endOf, failed, type TrailModel } from "./model";
import { piecewise, type Piece, type Window } from "./scale";

/** Beyond it, what matters most is shown until one zooms in. */
export const MOST_NODES = 10_000;
/** Beyond it, bars are drawn in bulk: without captions, marks and elements of their own. */
export const MOST_RICH = 400;
export const LANE_PX = 26;
const LANE_GAP_PX = 10;
const TOP_PX = 30;
const LEAST_BAR_PX = 7;
const MOST_LEVELS = 40;
/** Room for the last bar's duration. */
const RIGHT_PX = 58;

export interface Bar {
  row: number;
  x: number;
  width: number;
  y: number;
  /** Width of the blue cap, 0 where warm. */
  coldWidth: number;
  /** Left end of the wait before it, or null. */
  waitX: number | null;
}

export interface Step {
  from: number;
  to: number;
  x: number;
  y0: number;
  y1: number;
  certain: boolean;
}

export interface Lane {
  service: string;
  y: number;
  height: number;
}

export interface SequenceLayout {
  lanes: Lane[];
  bars: Bar[];
  steps: Step[];
  pieces: Piece[];
  width: number;
  height: number;
  shown: number;
}

/** Lay out what a trail did in a stretch of time, in `width` pixels (it may answer a wider drawing, which then scrolls). */
export function layoutSequence(model: TrailModel, width: number, window: Window = { fromMs: 0, toMs: model.durationMs }): SequenceLayout {
  const chosen = choose(model, window);
  const inside = (ms: number) => Math.min(Math.max(ms, window.fromMs), window.toMs);
  // A message that lies in a queue keeps nobody busy.
  const busy = chosen.map((row): [number, number] => [inside(model.start[row]), inside(model.kind[row] === "message" ? model.start[row] : endOf(model, row))]);
  const scale = piecewise(busy, window.toMs - window.fromMs, width - 8 - RIGHT_PX);
  const bars = chosen.map((row) => bar(model, row, scale.x));
  const lanes = stack(model, bars);
  const byRow = new Map(bars.map((b) => [b.row, b]));
  const steps = model.edges.flatMap((edge): Step[] => {
    const [from, to] = [byRow.get(edge.from), byRow.get(edge.to)];
    if (!from || !to) return [];
    return [{ from: edge.from, to: edge.to, x: to.waitX ?? to.x, y0: from.y, y1: to.y, certain: certain(edge) }];
  });
  const last = lanes.at(-1);
  return { lanes, bars, steps, pieces: scale.pieces, width: scale.width + 8 + RIGHT_PX, height: last ? last.y + last.height + 8 : TOP_PX, shown: bars.length };
}

/** All nodes of the stretch, or of very many the critical path, the failures and then the earliest; in order of time. */
function choose(model: TrailModel, window: Window): number[] {
  const rows: number[] = [];
  for (let row = 0; row < model.size; row++) {
    const gone = endOf(model, row) < window.fromMs || model.start[row] - model.gap[row] > window.toMs;
    if (!gone) rows.push(row);
  }
  const rank = (row: number) => (model.critical.has(row) ? 0 : failed(model.status_[row]) ? 1 : 2);
  const byTime = (a: number, b: number) => model.start[a] - model.start[b] || a - b;
  if (rows.length <= MOST_NODES) return rows.sort(byTime);
  return rows.sort((a, b) => rank(a) - rank(b) || byTime(a, b)).slice(0, MOST_NODES).sort(byTime);
}

function bar(model: TrailModel, row: number, x: (ms: number) => number): Bar {
  const left = x(model.start[row]);
  const width = Math.max(x(endOf(model, row)) - left, LEAST_BAR_PX);
  const initEnd = model.init[row] > 0 ? x(model.start[row] + model.init[row]) : left;
  return {
    row,
    x: left + 8,
    width,
    y: 0,
    coldWidth: model.cold[row] ? Math.min(Math.max(initEnd - left, 3), width) : 0,
    waitX: model.gap[row] > 0 ? Math.min(x(Math.max(model.start[row] - model.gap[row], 0)), left - 2) + 8 : null,
  };
}

/** Give every service a lane, as high as its bars overlap; lanes in order of the tree. */
function stack(model: TrailModel, bars: Bar[]): Lane[] {
  // Causes above effects, also where a clock is a little off.
  const drawn = new Set(bars.map((b) => b.row));
  const services = [...new Set([...model.order].filter((row) => drawn.has(row)).map((row) => model.service[row]))];
  const mine = new Map<string, Bar[]>(services.map((service) => [service, []]));
  for (const b of bars) mine.get(model.service[b.row])!.push(b);
  let y = TOP_PX;
  return services.map((service) => {
    const ends: number[] = [];
    for (const b of mine.get(service)!) {
      const begin = b.waitX ?? b.x;
      let level = ends.findIndex((end) => end + 3 <= begin);
      // A crowd in one instant overlaps in its last row rather than filling the screen.
      if (level < 0) level = Math.min(ends.length, MOST_LEVELS - 1);
      ends[level] = b.x + b.width;
      b.y = y + level * LANE_PX + LANE_PX / 2;
    }
    const lane = { service, y, height: ends.length * LANE_PX };
    y += lane.height + LANE_GAP_PX;
    return lane;
  });
}
