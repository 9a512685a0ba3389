/** Small things that both canvases draw. */

import type { Palette } from "./palette";

export type Context = CanvasRenderingContext2D;

export const SANS = '"Inter Variable", system-ui, sans-serif';
export const MONO = '"JetBrains Mono Variable", ui-monospace, monospace';

/** Size a canvas for the screen's pixel ratio and answer its context, scaled to CSS pixels. */
export function fit(canvas: HTMLCanvasElement, width: number, height: number): Context {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d")!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

const hatches = new Map<string, CanvasPattern>();

/** The diagonal hatch that means waiting. */
export function hatch(context: Context, colour: string): CanvasPattern {
  const known = hatches.get(colour);
  if (known) return known;
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const pen = tile.getContext("2d")!;
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.beginPath();
  for (const shift of [-6, 0, 6]) {
    pen.moveTo(shift - 1, 7);
    pen.lineTo(shift + 7, -1);
  }
  pen.stroke();
  const pattern = context.createPattern(tile, "repeat")!;
  hatches.set(colour, pattern);
  return pattern;
}

const fitted = new Map<string, string>();

/** The text, cut with an ellipsis where it is wider than `width`. */
export function cut(context: Context, value: string, width: number): string {
  const key = `${context.font}|${Math.round(width)}|${value}`;
  const known = fitted.get(key);
  if (known !== undefined) return known;
  if (fitted.size > 20_000) fitted.clear();
  const result = cutFresh(context, value.length > 400 ? value.slice(0, 400) : value, width);
  fitted.set(key, result);
  return result;
}

function cutFresh(context: Context, value: string, width: number): string {
  if (context.measureText(value).width <= width) return value;
  let [low, high] = [0, value.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(`${value.slice(0, middle)}…`).width <= width) low = middle;
    else high = middle - 1;
  }
  return low ? `${value.slice(0, low)}…` : "";
}

/** The sign of a kind of node, 10 pixels wide, around (x, y). */
export function glyph(context: Context, kind: string, x: number, y: number, colour: string): void {
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = 1.25;
  context.setLineDash([]);
  context.beginPath();
  if (kind === "request") {
    context.moveTo(x - 4, y);
    context.lineTo(x + 4, y);
    context.moveTo(x + 1, y - 3);
    context.lineTo(x + 4, y);
    context.lineTo(x + 1, y + 3);
  } else if (kind === "invocation") {
    context.moveTo(x - 2.5, y - 4);
    context.lineTo(x - 0.5, y - 4);
    context.lineTo(x + 3.5, y + 4);
    context.moveTo(x + 0.4, y - 1.2);
    context.lineTo(x - 3.5, y + 4);
  } else if (kind === "message") {
    context.rect(x - 4.5, y - 3.5, 9, 7);
    context.moveTo(x - 4.5, y - 3.5);
    context.lineTo(x, y + 0.5);
    context.lineTo(x + 4.5, y - 3.5);
  } else if (kind === "schedule") {
    context.arc(x, y, 4, 0, 7);
    context.moveTo(x, y - 2.5);
    context.lineTo(x, y);
    context.lineTo(x + 2, y + 1);
  } else if (kind === "execution") {
    context.moveTo(x, y - 4);
    context.lineTo(x + 4, y);
    context.lineTo(x, y + 4);
    context.lineTo(x - 4, y);
    context.closePath();
  } else {
    context.rect(x - 2.5, y - 2.5, 5, 5);
  }
  context.stroke();
}

export function barColour(status: string, colours: Palette): string {
  if (status === "ok") return colours.bar;
  if (status === "open") return colours.barSoft;
  return status === "throttled" ? colours.warn : colours.error;
}
