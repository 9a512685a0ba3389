/** Durations over time as a heatmap on a canvas; a click or a drawn box chooses cells. Knows no framework. */

import { axisTime, clock, duration, plural } from "../format";
import { chosenBox, marks, type Chosen, type Heat, type HeatCell } from "./heatmapLayout";
import { fit, SANS, type Context } from "./paint";
import type { Palette } from "./palette";
import { place } from "./waterfall";

const LEFT_PX = 52;
const BOTTOM_PX = 18;
const TOP_PX = 6;
const NEAR_PX = 5;

/** Something that happened at a time, `at` in Unix seconds: a deployment. */
export interface HeatMark {
  at: number;
  label: string;
  failed: boolean;
}

export class Heatmap {
  private readonly canvas = document.createElement("canvas");
  private readonly tip = document.createElement("div");
  private readonly watcher: ResizeObserver;
  private readonly stop = new AbortController();
  private size = { width: 0, height: 0 };
  private happened: HeatMark[] = [];
  private brush: { from: [number, number]; to: [number, number] } | null = null;

  constructor(
    private readonly host: HTMLElement,
    private heat: Heat,
    private colours: Palette,
    private readonly choose: (chosen: Chosen) => void,
  ) {
    host.classList.add("heatmap");
    this.tip.className = "view-tip";
    this.tip.hidden = true;
    this.canvas.setAttribute("aria-hidden", "true");
    host.append(this.canvas, this.tip);
    const options = { signal: this.stop.signal };
    this.canvas.addEventListener("pointermove", (event) => this.hover(event), options);
    this.canvas.addEventListener("pointerleave", () => (this.tip.hidden = true), options);
    this.canvas.addEventListener("pointerdown", (event) => this.press(event), options);
    this.watcher = new ResizeObserver(() => this.resize());
    this.watcher.observe(host);
  }

  destroy(): void {
    this.stop.abort();
    this.watcher.disconnect();
    this.host.replaceChildren();
  }

  update(heat: Heat, colours: Palette, happened: HeatMark[]): void {
    this.heat = heat;
    this.happened = happened;
    this.colours = colours;
    this.paint();
  }

  private resize(): void {
    this.size = { width: Math.floor(this.host.clientWidth), height: Math.floor(this.host.clientHeight) };
    this.paint();
  }

  private cellSize(): [number, number] {
    return [(this.size.width - LEFT_PX - 8) / this.heat.columns, (this.size.height - TOP_PX - BOTTOM_PX) / this.heat.rows];
  }

  private cellAt(event: MouseEvent): [number, number] {
    const frame = this.canvas.getBoundingClientRect();
    const [w, h] = this.cellSize();
    return [Math.floor((event.clientX - frame.left - LEFT_PX) / w), this.heat.rows - 1 - Math.floor((event.clientY - frame.top - TOP_PX) / h)];
  }

  private paint(): void {
    const { width, height } = this.size;
    if (width < 80 || height < 40) return;
    const context = fit(this.canvas, width, height);
    context.fillStyle = this.colours.panel;
    context.fillRect(0, 0, width, height);
    this.axis(context);
    for (const cell of this.heat.cells) this.cell(context, cell);
    for (const mark of this.happened) this.mark(context, mark);
    if (this.brush) this.box(context, this.brush.from, this.brush.to);
  }

  private cell(context: Context, cell: HeatCell): void {
    const [w, h] = this.cellSize();
    const [x, y] = [LEFT_PX + cell.column * w, TOP_PX + (this.heat.rows - 1 - cell.row) * h];
    const [wide, high] = [Math.max(w - 1, 1), Math.max(h - 1, 1)];
    context.globalAlpha = 0.25 + 0.75 * (Math.log1p(cell.count) / Math.log1p(this.heat.most));
    context.fillStyle = this.colours.bar;
    context.fillRect(x, y, wide, high);
    // The failed share stands in its own colour from below.
    context.globalAlpha = 1;
    context.fillStyle = this.colours.error;
    if (cell.errors) context.fillRect(x, y + high * (1 - cell.errors / cell.count), wide, Math.max(high * (cell.errors / cell.count), 1.5));
  }

  /** Where a time lies, null outside of what is shown. */
  private xOf(atMs: number): number | null {
    const column = (atMs - this.heat.sinceMs) / this.heat.stepMs;
    return column < 0 || column > this.heat.columns ? null : LEFT_PX + column * this.cellSize()[0];
  }

  private mark(context: Context, mark: HeatMark): void {
    const x = this.xOf(mark.at * 1000);
    if (x === null) return;
    context.strokeStyle = mark.failed ? this.colours.error : this.colours.dim;
    context.lineWidth = 1;
    context.setLineDash([3, 3]);
    context.beginPath();
    context.moveTo(Math.round(x) + 0.5, TOP_PX);
    context.lineTo(Math.round(x) + 0.5, this.size.height - BOTTOM_PX);
    context.stroke();
    context.setLineDash([]);
  }

  private axis(context: Context): void {
    const { heat, colours } = this;
    const [w, h] = this.cellSize();
    context.font = `11px ${SANS}`;
    context.textBaseline = "middle";
    for (const { ms, row } of marks(heat)) {
      const y = Math.round(TOP_PX + (heat.rows - row) * h) + 0.5;
      context.fillStyle = colours.line;
      context.fillRect(LEFT_PX, y, heat.columns * w, 1);
      context.fillStyle = colours.dim;
      const value = ms < 1000 ? `${ms < 1 ? ms.toPrecision(1) : ms} ms` : `${(ms / 1000).toLocaleString("en-US")} s`;
      context.fillText(value, LEFT_PX - 8 - context.measureText(value).width, Math.max(y, 8));
    }
    const length = heat.columns * heat.stepMs;
    context.fillStyle = colours.dim;
    for (const share of [0, 0.25, 0.5, 0.75]) context.fillText(axisTime(heat.sinceMs + share * length, length), LEFT_PX + share * heat.columns * w, this.size.height - 7);
  }

  private box(context: Context, from: [number, number], to: [number, number]): void {
    const [w, h] = this.cellSize();
    const [left, right] = [Math.min(from[0], to[0]), Math.max(from[0], to[0]) + 1];
    const [low, high] = [Math.min(from[1], to[1]), Math.max(from[1], to[1]) + 1];
    context.strokeStyle = this.colours.selection;
    context.lineWidth = 1.5;
    context.strokeRect(LEFT_PX + left * w - 0.5, TOP_PX + (this.heat.rows - high) * h - 0.5, (right - left) * w, (high - low) * h);
  }

  private hover(event: PointerEvent): void {
    const [column, row] = this.cellAt(event);
    const cell = this.heat.cells.find((one) => one.column === column && one.row === row);
    const x = event.clientX - this.canvas.getBoundingClientRect().left;
    const near = this.happened.filter((mark) => Math.abs((this.xOf(mark.at * 1000) ?? -99) - x) <= NEAR_PX).map((mark) => `deployed ${mark.label}${mark.failed ? ", failed" : ""}`);
    this.tip.hidden = !cell && !near.length;
    this.canvas.style.cursor = cell ? "pointer" : "crosshair";
    const said = cell ? [`${plural(cell.count, "trail")}${cell.errors ? `, ${cell.errors} failed` : ""}`, `${duration(cell.lowMs)} to ${duration(cell.highMs)}`, `${clock(cell.fromMs)} to ${clock(cell.toMs)}`] : [];
    if (this.tip.hidden) return;
    this.tip.textContent = [...said, ...near].join("\n");
    place(this.tip, this.host, event);
  }

  private press(event: PointerEvent): void {
    if (event.button !== 0) return;
    const from = this.cellAt(event);
    const done = new AbortController();
    const move = (next: PointerEvent) => {
      this.brush = { from, to: this.cellAt(next) };
      this.paint();
    };
    const release = (next: PointerEvent) => {
      done.abort();
      this.brush = null;
      this.paint();
      this.choose(chosenBox(this.heat, from, this.cellAt(next)));
    };
    window.addEventListener("pointermove", move, { signal: done.signal });
    window.addEventListener("pointerup", release, { signal: done.signal });
  }
}
