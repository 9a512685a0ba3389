/** The causal graph: columns by causal depth from left to right, a tree's rows top to bottom. Pure. */

import { certain, title, type TrailModel } from "./model";

export const BOX_WIDTH = 188;
export const BOX_HEIGHT = 38;
const COLUMN_GAP = 76;
const ROW_GAP = 12;
const MARGIN = 16;
const FAR = 500;
/** So many alike leaves of one cause are drawn as one stack. */
const LEAST_ALIKE = 4;

export interface Box {
  /** The node, or the first of a stack. */
  row: number;
  /** All nodes of a stack, in order of time; one where it is none. */
  rows: number[];
  x: number;
  y: number;
}

export interface Arrow {
  edge: number;
  from: Box;
  to: Box;
  certain: boolean;
}

export interface GraphLayout {
  boxes: Box[];
  /** Where each row is drawn; of a stack the same for all. */
  boxOf: (Box | undefined)[];
  arrows: Arrow[];
  width: number;
  height: number;
}

/** Lay out the whole trail in one walk; a cycle keeps the column that the tree gives it. */
export function layoutGraph(model: TrailModel): GraphLayout {
  const boxOf = stack(model);
  const boxes = [...new Set(boxOf)];
  const columns = columnsOf(model);
  place(model, boxOf, columns);
  const arrows: Arrow[] = [];
  const drawn = new Set<string>();
  model.edges.forEach((edge, i) => {
    const [from, to] = [boxOf[edge.from], boxOf[edge.to]];
    const key = `${from.row} ${to.row}`;
    if (from === to || drawn.has(key)) return;
    drawn.add(key);
    arrows.push({ edge: i, from, to, certain: certain(edge) });
  });
  const width = Math.max(0, ...boxes.map((box) => box.x + BOX_WIDTH)) + MARGIN;
  const height = Math.max(0, ...boxes.map((box) => box.y + BOX_HEIGHT)) + MARGIN;
  return { boxes, boxOf, arrows, width, height };
}

/** Leaves of one cause that did the same with the same outcome become one box. */
function stack(model: TrailModel): Box[] {
  const groups = new Map<string, number[]>();
  for (const row of model.order) {
    const leaf = model.below[row] === 1 && !model.effectsOf.has(row) && (model.causesOf.get(row)?.length ?? 0) <= 1;
    const key = leaf && model.parent[row] >= 0 ? `${model.parent[row]} ${model.kind[row]} ${model.status_[row]} ${certain(model.edgeInto[row])} ${title(model, row)}` : `${row}`;
    const list = groups.get(key);
    if (list) list.push(row);
    else groups.set(key, [row]);
  }
  const boxOf: Box[] = new Array(model.size);
  for (const rows of groups.values()) {
    if (rows.length >= LEAST_ALIKE) {
      const box = { row: rows[0], rows, x: 0, y: 0 };
      for (const row of rows) boxOf[row] = box;
    } else for (const row of rows) boxOf[row] = { row, rows: [row], x: 0, y: 0 };
  }
  return boxOf;
}

/** The longest way from an origin to each row, counted in edges. */
export function columnsOf(model: TrailModel): Uint16Array {
  const columns = new Uint16Array(model.size);
  const waiting = new Int32Array(model.size);
  for (const edge of model.edges) waiting[edge.to]++;
  const ready = [...model.order].filter((row) => waiting[row] === 0);
  const done = new Uint8Array(model.size);
  for (let at = 0; at < ready.length; at++) {
    const row = ready[at];
    done[row] = 1;
    for (const i of model.effectsOf.get(row) ?? []) {
      const to = model.edges[i].to;
      columns[to] = Math.max(columns[to], columns[row] + 1);
      if (--waiting[to] === 0) ready.push(to);
    }
  }
  for (let row = 0; row < model.size; row++) if (!done[row]) columns[row] = model.depth[row];
  return columns;
}

/** Leaves take the next row each; a cause stands in the middle of its effects, or beside the first of very many. */
function place(model: TrailModel, boxOf: Box[], columns: Uint16Array): void {
  let next = MARGIN;
  const first = new Float64Array(model.size).fill(NaN);
  const last = new Float64Array(model.size).fill(NaN);
  const placed: Box[] = [];
  for (let i = model.size - 1; i >= 0; i--) {
    const row = model.order[i];
    const box = boxOf[row];
    // A stack stands where its first node would.
    if (box.row !== row) continue;
    box.x = MARGIN + columns[row] * (BOX_WIDTH + COLUMN_GAP);
    placed.push(box);
    if (Number.isNaN(first[row])) {
      box.y = next;
      next += BOX_HEIGHT + ROW_GAP;
    } else box.y = first[row] - last[row] > FAR ? first[row] : (first[row] + last[row]) / 2;
    const above = model.parent[row];
    if (above < 0) continue;
    if (Number.isNaN(last[above])) last[above] = box.y;
    first[above] = box.y;
  }
  // The walk was backwards: turn it, so that what happened first is on top.
  const height = next - ROW_GAP;
  for (const box of placed) box.y = height - box.y - BOX_HEIGHT + MARGIN;
}

/** A point of an arrow's curve, `t` from 0 (cause) to 1 (effect). */
export function onArrow(arrow: Arrow, t: number): [number, number] {
  const [x0, y0] = [arrow.from.x + BOX_WIDTH, arrow.from.y + BOX_HEIGHT / 2];
  const [x1, y1] = [arrow.to.x, arrow.to.y + BOX_HEIGHT / 2];
  const bend = Math.max(Math.abs(x1 - x0) / 2, 24);
  const [a, b, c, d] = [(1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t ** 2, t ** 3];
  return [a * x0 + b * (x0 + bend) + c * (x1 - bend) + d * x1, a * y0 + b * y0 + c * y1 + d * y1];
}
