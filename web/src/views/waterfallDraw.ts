/** Draws what the waterfall shows of a trail into a canvas; nothing here listens or remembers. */

import { duration, words } from "../format";
import { beyondService, certain, endOf, failed, waitWords, type TrailModel } from "./model";
import { barColour, cut, glyph, hatch, MONO, SANS, type Context } from "./paint";
import type { Palette } from "./palette";
import type { Rows } from "./rows";
import { ticks, type Window } from "./scale";

export const ROW_PX = 24;
export const HEAD_PX = 22;
const INDENT_PX = 14;
const BAR_PX = 12;
const NARROW_PX = 280;

export interface Scene {
  model: TrailModel;
  rows: Rows;
  collapsed: ReadonlySet<number>;
  window: Window;
  colours: Palette;
  width: number;
  height: number;
  labelPx: number;
  scrollPx: number;
  selected: number;
  hovered: number;
  brush: [number, number] | null;
}

export function xOf(scene: Scene, ms: number): number {
  const { fromMs, toMs } = scene.window;
  return scene.labelPx + ((ms - fromMs) / (toMs - fromMs)) * plotPx(scene);
}

export function msAt(scene: Scene, x: number): number {
  const { fromMs, toMs } = scene.window;
  return fromMs + ((x - scene.labelPx) / plotPx(scene)) * (toMs - fromMs);
}

function plotPx(scene: Scene): number {
  return Math.max(scene.width - scene.labelPx - 12, 10);
}

/** Where a row's label begins: after its indentation. */
export function indent(model: TrailModel, row: number, labelPx: number): number {
  return 8 + Math.min(model.depth[row], 10) * step(labelPx);
}

function step(labelPx: number): number {
  return labelPx < NARROW_PX ? 7 : INDENT_PX;
}

export function draw(context: Context, scene: Scene): void {
  const { colours, width, height } = scene;
  context.textBaseline = "middle";
  context.fillStyle = colours.panel;
  context.fillRect(0, 0, width, height);
  const first = Math.max(0, Math.floor(scene.scrollPx / ROW_PX));
  const last = Math.min(scene.rows.list.length, Math.ceil((scene.scrollPx + height - HEAD_PX) / ROW_PX));
  grounds(context, scene, first, last);
  grid(context, scene);
  clipped(context, scene.labelPx, HEAD_PX, width - scene.labelPx, height, () => {
    for (let i = first; i < last; i++) connector(context, scene, i);
    for (let i = first; i < last; i++) timePart(context, scene, i);
  });
  clipped(context, 0, HEAD_PX, scene.labelPx - 1, height, () => {
    for (let i = first; i < last; i++) label(context, scene, i);
  });
  head(context, scene);
  if (scene.brush) brush(context, scene, scene.brush);
}

function clipped(context: Context, x: number, y: number, w: number, h: number, paint: () => void): void {
  context.save();
  context.beginPath();
  context.rect(x, y, w, h);
  context.clip();
  paint();
  context.restore();
}

function top(scene: Scene, at: number): number {
  return HEAD_PX + at * ROW_PX - scene.scrollPx;
}

function grounds(context: Context, scene: Scene, first: number, last: number): void {
  for (let i = first; i < last; i++) {
    const row = scene.rows.list[i];
    const selected = row >= 0 && row === scene.selected;
    if (!selected && i !== scene.hovered) continue;
    context.fillStyle = selected ? scene.colours.selectionSoft : scene.colours.hover;
    context.fillRect(0, top(scene, i), scene.width, ROW_PX);
    if (!selected) continue;
    context.fillStyle = scene.colours.selection;
    context.fillRect(0, top(scene, i), 2, ROW_PX);
  }
}

function grid(context: Context, scene: Scene): void {
  context.strokeStyle = scene.colours.line;
  context.lineWidth = 1;
  context.setLineDash([]);
  context.beginPath();
  for (const tick of ticks(scene.window, plotPx(scene) / 110)) {
    const x = Math.round(xOf(scene, tick)) + 0.5;
    context.moveTo(x, HEAD_PX - 5);
    context.lineTo(x, scene.height);
  }
  context.moveTo(scene.labelPx - 0.5, 0);
  context.lineTo(scene.labelPx - 0.5, scene.height);
  context.stroke();
}

function head(context: Context, scene: Scene): void {
  context.fillStyle = scene.colours.panel;
  context.fillRect(0, 0, scene.width, HEAD_PX - 5);
  context.fillStyle = scene.colours.dim;
  context.font = `11px ${SANS}`;
  context.fillText("What happened", 8, HEAD_PX / 2);
  for (const tick of ticks(scene.window, plotPx(scene) / 110)) {
    const value = tick === 0 ? "0" : `+${duration(tick)}`;
    const x = xOf(scene, tick);
    if (x >= scene.labelPx - 1 && x + 40 < scene.width) context.fillText(value, x + 4, HEAD_PX / 2);
  }
  context.fillStyle = scene.colours.line;
  context.fillRect(0, HEAD_PX - 1, scene.width, 1);
}

function label(context: Context, scene: Scene, at: number): void {
  const { model, colours } = scene;
  const row = scene.rows.list[at];
  const y = top(scene, at) + ROW_PX / 2 + 0.5;
  if (row < 0) return logLabel(context, scene, -1 - row, y);
  const x = indent(model, row, scene.labelPx);
  guides(context, scene, row, y);
  if (model.below[row] > 1) triangle(context, x + 2, y, scene.collapsed.has(row), colours.dim);
  const bad = failed(model.status_[row]);
  glyph(context, model.kind[row], x + 16, y, bad ? barColour(model.status_[row], colours) : colours.dim);
  const right = badges(context, scene, row, y);
  names(context, scene, row, x + 27, right, y, bad);
}

function names(context: Context, scene: Scene, row: number, x: number, right: number, y: number, bad: boolean): void {
  const { model, colours } = scene;
  const { service, name } = { service: model.service[row], name: beyondService(model, row) };
  context.font = `${row === scene.selected ? 600 : 500} 12px ${SANS}`;
  context.fillStyle = bad ? barColour(model.status_[row], colours) : colours.text;
  const shown = cut(context, service, right - x);
  context.fillText(shown, x, y);
  if (!name) return;
  const next = x + context.measureText(shown).width + 6;
  if (right - next < 24) return;
  context.font = `12px ${SANS}`;
  context.fillStyle = colours.dim;
  context.fillText(cut(context, name, right - next), next, y);
}

/** Marks at the label's right end; answers where they begin. */
function badges(context: Context, scene: Scene, row: number, y: number): number {
  const { model, colours } = scene;
  const marks: [string, string][] = [];
  if (scene.collapsed.has(row)) marks.push([`+${model.below[row] - 1}`, colours.dim]);
  if (model.attempt[row] > 1) marks.push([`${scene.labelPx < NARROW_PX ? "×" : "attempt "}${model.attempt[row]}`, colours.warn]);
  if (failed(model.status_[row]) && model.status_[row] !== "error") marks.push([words(model.status_[row]), colours.error]);
  if (!certain(model.edgeInto[row])) marks.push(["inferred", colours.dim]);
  let right = scene.labelPx - 8;
  context.font = `10.5px ${SANS}`;
  for (const [value, colour] of marks) {
    right -= context.measureText(value).width;
    context.fillStyle = colour;
    context.fillText(value, right, y);
    right -= 8;
  }
  return right;
}

function guides(context: Context, scene: Scene, row: number, y: number): void {
  const { model, colours } = scene;
  const depth = Math.min(model.depth[row], 10);
  if (!depth) return;
  context.strokeStyle = colours.line;
  context.lineWidth = 1;
  context.setLineDash([]);
  context.beginPath();
  for (let level = 0; level < depth; level++) {
    const x = 10.5 + level * step(scene.labelPx);
    context.moveTo(x, y - ROW_PX / 2);
    context.lineTo(x, y + ROW_PX / 2);
  }
  context.stroke();
}

function triangle(context: Context, x: number, y: number, closed: boolean, colour: string): void {
  context.fillStyle = colour;
  context.beginPath();
  if (closed) {
    context.moveTo(x, y - 4);
    context.lineTo(x + 5, y);
    context.lineTo(x, y + 4);
  } else {
    context.moveTo(x - 1.5, y - 2.5);
    context.lineTo(x + 6.5, y - 2.5);
    context.lineTo(x + 2.5, y + 3);
  }
  context.fill();
}

function logLabel(context: Context, scene: Scene, index: number, y: number): void {
  const line = scene.model.logs[index];
  const x = indent(scene.model, line.row, scene.labelPx) + 27;
  context.font = `11px ${SANS}`;
  context.fillStyle = logColour(line.severity, scene.colours);
  context.fillText(line.severity, x, y);
}

function logColour(severity: string, colours: Palette): string {
  return severity === "error" ? colours.error : severity === "warn" ? colours.warn : colours.dim;
}

function timePart(context: Context, scene: Scene, at: number): void {
  const row = scene.rows.list[at];
  if (row < 0) return logLine(context, scene, -1 - row, top(scene, at) + ROW_PX / 2 + 0.5);
  const { model } = scene;
  const y = top(scene, at) + (ROW_PX - BAR_PX) / 2;
  const begin = model.start[row] - model.gap[row];
  const end = endOf(model, row);
  if (end < scene.window.fromMs || begin > scene.window.toMs) return edgeMark(context, scene, begin, end, y);
  if (model.gap[row] > 0) wait(context, scene, row, y);
  if (model.kind[row] === "message") message(context, scene, row, y);
  else bar(context, scene, row, y);
  logTicks(context, scene, row, y);
}

function edgeMark(context: Context, scene: Scene, begin: number, end: number, y: number): void {
  context.font = `10.5px ${SANS}`;
  context.fillStyle = scene.colours.dim;
  const middle = y + BAR_PX / 2 + 0.5;
  if (end < scene.window.fromMs) return context.fillText(`‹ ${duration(scene.window.fromMs - end)} earlier`, scene.labelPx + 6, middle);
  const value = `${duration(begin - scene.window.toMs)} later ›`;
  context.fillText(value, scene.width - 8 - context.measureText(value).width, middle);
}

/** What passes before a node begins, in this order; a cold start or another's answer lie within its own bar. */
const BEFORE = ["stream", "queue", "bus", "throttle", "retry"];

/** The wait before a bar, its kinds one after the other where they are told. */
function wait(context: Context, scene: Scene, row: number, y: number): void {
  const { model } = scene;
  const told = (model.waits.get(row) ?? []).filter((one) => BEFORE.includes(one.kind)).toSorted((a, b) => BEFORE.indexOf(a.kind) - BEFORE.indexOf(b.kind));
  const sum = told.reduce((ms, one) => ms + one.ms, 0);
  let from = model.start[row] - model.gap[row];
  if (!(sum > 0)) return hatched(context, scene, row, y, from, model.start[row], `waited ${duration(model.wait[row])}`);
  for (const one of told) {
    const to = from + (one.ms / sum) * model.gap[row];
    hatched(context, scene, row, y, from, to, `${duration(one.ms)} ${waitWords(one.kind)}`, waitColour(one.kind, scene.colours));
    from = to;
  }
}

/** A limit or a retry is worth a warning; lying in a queue is not. */
function waitColour(kind: string, colours: Palette): string {
  return kind === "retry" || kind === "throttle" ? colours.warn : kind === "init" ? colours.cold : colours.bar;
}

/** Time in which nobody worked: hatched, with a word where there is room. */
function hatched(context: Context, scene: Scene, row: number, y: number, fromMs: number, toMs: number, said: string, colour = scene.colours.bar): void {
  const { colours } = scene;
  const x0 = Math.max(xOf(scene, fromMs), scene.labelPx - 2);
  const x1 = Math.min(xOf(scene, toMs), scene.width + 2);
  if (x1 - x0 < 1) return;
  context.fillStyle = hatch(context, colour);
  context.fillRect(x0, y + 2, x1 - x0, BAR_PX - 4);
  context.font = `10.5px ${SANS}`;
  const w = context.measureText(said).width;
  if (x1 - x0 < w + 36) return;
  const x = (x0 + x1 - w) / 2;
  context.fillStyle = row === scene.selected ? colours.selectionSoft : colours.panel;
  context.fillRect(x - 4, y, w + 8, BAR_PX);
  context.fillStyle = colours.dim;
  context.fillText(said, x, y + BAR_PX / 2 + 0.5);
}

/** A message lies in a queue: two ends, and hatching between them. */
function message(context: Context, scene: Scene, row: number, y: number): void {
  const { model, colours } = scene;
  const [from, to] = [model.start[row], endOf(model, row)];
  hatched(context, scene, row, y, from, to, `waited ${duration(to - from)}`);
  context.fillStyle = barColour(model.status_[row], colours);
  for (const ms of [from, to]) context.fillRect(xOf(scene, ms) - 1, y, 2, BAR_PX);
  const wide = xOf(scene, to) - xOf(scene, from);
  if (wide < 110) barText(context, scene, row, xOf(scene, from), xOf(scene, to), y + BAR_PX / 2 + 0.5);
}

function bar(context: Context, scene: Scene, row: number, y: number): void {
  const { model, colours } = scene;
  const x0 = xOf(scene, model.start[row]);
  const x1 = Math.max(xOf(scene, endOf(model, row)), x0 + 2);
  const [left, right] = [Math.max(x0, scene.labelPx - 4), Math.min(x1, scene.width + 4)];
  context.fillStyle = barColour(model.status_[row], colours);
  context.fillRect(left, y, right - left, BAR_PX);
  if (model.cold[row]) {
    const capEnd = model.init[row] > 0 ? xOf(scene, model.start[row] + model.init[row]) : x0;
    context.fillStyle = colours.cold;
    context.fillRect(left, y, Math.max(Math.min(capEnd, x1) - left, 3), BAR_PX);
  }
  if (model.critical.has(row)) {
    context.fillStyle = colours.text;
    context.fillRect(left, y + BAR_PX + 1, right - left, 1.5);
  }
  barText(context, scene, row, left, right, y + BAR_PX / 2 + 0.5);
}

function barText(context: Context, scene: Scene, row: number, left: number, right: number, y: number): void {
  const { model, colours } = scene;
  const value = Number.isNaN(model.duration[row]) ? "open" : duration(model.duration[row]);
  context.font = `10.5px ${SANS}`;
  context.fillStyle = colours.dim;
  const w = context.measureText(value).width;
  if (right + 6 + w < scene.width) context.fillText(value, right + 6, y);
  else if (left - 6 - w > scene.labelPx && !(model.gap[row] > 0)) context.fillText(value, left - 6 - w, y);
}

function logTicks(context: Context, scene: Scene, row: number, y: number): void {
  const lines = scene.model.logsOf.get(row);
  if (!lines) return;
  for (const index of lines.length > 200 ? lines.slice(0, 200) : lines) {
    const line = scene.model.logs[index];
    const x = xOf(scene, line.offsetMs);
    if (x < scene.labelPx || x > scene.width) continue;
    context.fillStyle = line.severity === "error" || line.severity === "warn" ? logColour(line.severity, scene.colours) : scene.colours.text;
    context.fillRect(x - 0.75, y - 3, 1.5, 3);
  }
}

function logLine(context: Context, scene: Scene, index: number, y: number): void {
  const { model, colours, width, labelPx } = scene;
  const line = model.logs[index];
  const at = Math.min(Math.max(xOf(scene, line.offsetMs), labelPx + 2), width - 12);
  context.fillStyle = logColour(line.severity, colours);
  context.beginPath();
  context.arc(at, y, 2, 0, 7);
  context.fill();
  context.font = `11px ${MONO}`;
  const room = width - at - 18;
  context.fillStyle = line.severity === "error" ? colours.error : colours.dim;
  if (room > 220) return context.fillText(cut(context, line.line, room), at + 8, y);
  context.fillText(cut(context, line.line, at - labelPx - 16), labelPx + 8, y);
}

/** The line from a cause down to its effect, dashed where it is inferred. */
function connector(context: Context, scene: Scene, at: number): void {
  const { model, colours } = scene;
  const row = scene.rows.list[at];
  if (row < 0 || model.parent[row] < 0) return;
  const from = scene.rows.position[model.parent[row]];
  if (from < 0) return;
  const strong = row === scene.selected || model.parent[row] === scene.selected;
  const x = Math.round(xOf(scene, model.start[row] - model.gap[row])) + 0.5;
  if (x < scene.labelPx || x > scene.width) return;
  context.strokeStyle = strong ? colours.selection : colours.barSoft;
  context.lineWidth = 1;
  context.setLineDash(certain(model.edgeInto[row]) ? [] : [3, 3]);
  context.beginPath();
  context.moveTo(x, Math.max(top(scene, from) + ROW_PX / 2 + BAR_PX / 2, HEAD_PX));
  context.lineTo(x, top(scene, at) + ROW_PX / 2);
  context.stroke();
  context.setLineDash([]);
}

function brush(context: Context, scene: Scene, [a, b]: [number, number]): void {
  context.globalAlpha = 0.14;
  context.fillStyle = scene.colours.selection;
  context.fillRect(Math.min(a, b), HEAD_PX, Math.abs(b - a), scene.height);
  context.globalAlpha = 1;
  context.fillStyle = scene.colours.selection;
  for (const x of [a, b]) context.fillRect(x - 0.5, HEAD_PX, 1, scene.height);
}

/** The whole trail in little, errors in their colour. */
export function drawOverview(context: Context, scene: Scene, height: number): void {
  const { model, colours, width } = scene;
  context.fillStyle = colours.panel;
  context.fillRect(0, 0, width, height);
  const room = plotPx(scene);
  const scale = room / model.durationMs;
  const line = Math.max(1, Math.min(3, (height - 8) / model.size));
  for (const errors of [false, true]) {
    context.fillStyle = errors ? colours.error : colours.bar;
    for (let i = 0; i < model.size; i++) {
      const row = model.order[i];
      if (failed(model.status_[row]) !== errors) continue;
      const x = scene.labelPx + model.start[row] * scale;
      const w = Math.max((endOf(model, row) - model.start[row]) * scale, errors ? 2 : 1);
      context.fillRect(x, 4 + (i / model.size) * (height - 8), w, line);
    }
  }
}
