/** Draws the part of the causal graph that is in view into a canvas; nothing here listens or remembers. */

import { duration } from "../format";
import { BOX_HEIGHT, BOX_WIDTH, onArrow, type Arrow, type Box, type GraphLayout } from "./graphLayout";
import { beyondService, endOf, failed, type TrailModel } from "./model";
import { barColour, cut, glyph, SANS, type Context } from "./paint";
import type { Palette } from "./palette";
import type { Window } from "./scale";

export interface GraphScene {
  model: TrailModel;
  layout: GraphLayout;
  colours: Palette;
  window: Window;
  width: number;
  height: number;
  scale: number;
  /** What is at the canvas's left and top, in the layout's pixels. */
  left: number;
  top: number;
  selected: number;
  hovered: Box | Arrow | null;
}

/** Words are drawn from this scale on; below it boxes are only coloured. */
const READABLE_SCALE = 0.45;

export function drawGraph(context: Context, scene: GraphScene): void {
  const { colours, width, height, scale } = scene;
  context.fillStyle = colours.panel;
  context.fillRect(0, 0, width, height);
  context.save();
  context.scale(scale, scale);
  context.translate(-scene.left, -scene.top);
  context.textBaseline = "middle";
  const [right, bottom] = [scene.left + width / scale, scene.top + height / scale];
  for (const arrow of scene.layout.arrows) if (arrowInView(arrow, scene, right, bottom)) drawArrow(context, scene, arrow);
  for (const box of scene.layout.boxes)
    if (box.x < right && box.x + BOX_WIDTH > scene.left && box.y - 8 < bottom && box.y + BOX_HEIGHT > scene.top) drawBox(context, scene, box);
  context.restore();
}

function arrowInView(arrow: Arrow, scene: GraphScene, right: number, bottom: number): boolean {
  const { from, to } = arrow;
  const [low, high] = from.y < to.y ? [from.y, to.y] : [to.y, from.y];
  return low < bottom && high + BOX_HEIGHT > scene.top && Math.min(from.x, to.x) < right && Math.max(from.x, to.x) + BOX_WIDTH > scene.left;
}

function outside(scene: GraphScene, box: Box): boolean {
  const { model, window } = scene;
  return box.rows.every((row) => endOf(model, row) < window.fromMs || model.start[row] - model.gap[row] > window.toMs);
}

function drawArrow(context: Context, scene: GraphScene, arrow: Arrow): void {
  const { model, colours } = scene;
  const edge = model.edges[arrow.edge];
  const strong = scene.hovered === arrow || edge.from === scene.selected || edge.to === scene.selected;
  const critical = model.critical.has(edge.from) && model.critical.has(edge.to);
  const [x0, y0] = onArrow(arrow, 0);
  const [x1, y1] = onArrow(arrow, 1);
  const bend = Math.max(Math.abs(x1 - x0) / 2, 24);
  context.globalAlpha = outside(scene, arrow.from) && outside(scene, arrow.to) ? 0.25 : 1;
  context.strokeStyle = context.fillStyle = strong ? colours.selection : critical ? colours.dim : colours.bar;
  context.lineWidth = critical || strong ? 2 : 1.25;
  context.setLineDash(arrow.certain ? [] : [5, 4]);
  context.beginPath();
  context.moveTo(x0, y0);
  context.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1 - 4, y1);
  context.stroke();
  context.setLineDash([]);
  context.beginPath();
  context.moveTo(x1 - 7, y1 - 3.5);
  context.lineTo(x1, y1);
  context.lineTo(x1 - 7, y1 + 3.5);
  context.fill();
  waited(context, scene, arrow);
  context.globalAlpha = 1;
}

/** How long the effect waited, on the arrow that leads to it. */
function waited(context: Context, scene: GraphScene, arrow: Arrow): void {
  const { model, colours, scale } = scene;
  const ms = model.wait[arrow.to.row];
  if (!(ms >= 1) || arrow.to.rows.length > 1 || scale < READABLE_SCALE) return;
  const [x, y] = onArrow(arrow, 0.62);
  context.font = `10.5px ${SANS}`;
  const text = duration(ms);
  const w = context.measureText(text).width;
  const before = context.fillStyle;
  context.fillStyle = colours.panel;
  context.fillRect(x - w / 2 - 3, y - 7, w + 6, 14);
  context.fillStyle = colours.dim;
  context.fillText(text, x - w / 2, y + 0.5);
  context.fillStyle = before;
}

function drawBox(context: Context, scene: GraphScene, box: Box): void {
  const { model, colours, scale } = scene;
  const status = model.status_[box.row];
  const bad = failed(status);
  const selected = box.rows.includes(scene.selected);
  context.globalAlpha = outside(scene, box) ? 0.25 : 1;
  context.lineWidth = selected ? 2 : 1;
  context.strokeStyle = selected ? colours.selection : bad ? barColour(status, colours) : scene.hovered === box ? colours.dim : colours.barSoft;
  context.fillStyle = selected ? colours.selectionSoft : colours.ground;
  if (box.rows.length > 1) context.strokeRect(box.x + 3.5, box.y - 3.5, BOX_WIDTH - 1, BOX_HEIGHT - 1);
  context.fillRect(box.x, box.y, BOX_WIDTH, BOX_HEIGHT);
  context.strokeRect(box.x + 0.5, box.y + 0.5, BOX_WIDTH - 1, BOX_HEIGHT - 1);
  context.fillStyle = model.cold[box.row] && !bad ? colours.cold : barColour(status, colours);
  context.fillRect(box.x, box.y, 4, BOX_HEIGHT);
  if (scale >= READABLE_SCALE) words(context, scene, box, bad);
  context.globalAlpha = 1;
}

function words(context: Context, scene: GraphScene, box: Box, bad: boolean): void {
  const { model, colours } = scene;
  const { row } = box;
  const right = box.x + BOX_WIDTH - 8;
  const above = box.y + 12.5;
  const below = box.y + 27;
  glyph(context, model.kind[row], box.x + 15, above, bad ? barColour(model.status_[row], colours) : colours.dim);
  context.font = `11px ${SANS}`;
  const took = box.rows.length > 1 ? `×${box.rows.length}` : Number.isNaN(model.duration[row]) ? "open" : duration(model.duration[row]);
  const w = context.measureText(took).width;
  context.fillStyle = colours.dim;
  context.fillText(took, right - w, below);
  if (model.attempt[row] > 1) {
    const attempt = `attempt ${model.attempt[row]}`;
    context.fillStyle = colours.warn;
    context.fillText(attempt, right - context.measureText(attempt).width, above);
  }
  const room = BOX_WIDTH - 34 - (model.attempt[row] > 1 ? 56 : 0);
  context.font = `600 12px ${SANS}`;
  context.fillStyle = bad ? barColour(model.status_[row], colours) : colours.text;
  context.fillText(cut(context, model.service[row], room), box.x + 25, above);
  context.font = `11px ${SANS}`;
  context.fillStyle = colours.dim;
  context.fillText(cut(context, beyondService(model, row) || model.kind[row], BOX_WIDTH - 24 - w - 14), box.x + 12, below);
}
