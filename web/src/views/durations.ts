/** Durations over time as a scatter on a canvas: a dot an invocation or trail. Knows no framework. */

import { axisTime, clock, duration } from "../format";
import { axisFor, decades, nearest, placeDot, type Dot } from "./durationsLayout";
import { fit, SANS } from "./paint";
import type { Palette } from "./palette";
import { place } from "./waterfall";

const LEFT_PX = 52;
const BOTTOM_PX = 18;

export interface DurationsData {
  dots: Dot[];
  fromMs: number;
  toMs: number;
}

export class Durations {
  private readonly canvas = document.createElement("canvas");
  private readonly tip = document.createElement("div");
  private readonly watcher: ResizeObserver;
  private readonly stop = new AbortController();
  private size = { width: 0, height: 0 };

  constructor(
    private readonly host: HTMLElement,
    private data: DurationsData,
    private colours: Palette,
    private readonly choose: (id: string) => void,
  ) {
    host.classList.add("durations");
    this.tip.className = "view-tip";
    this.tip.hidden = true;
    this.canvas.setAttribute("aria-hidden", "true");
    host.append(this.canvas, this.tip);
    this.canvas.addEventListener("pointermove", (event) => this.hover(event), { signal: this.stop.signal });
    this.canvas.addEventListener("pointerleave", () => (this.tip.hidden = true), { signal: this.stop.signal });
    this.canvas.addEventListener("click", (event) => this.click(event), { signal: this.stop.signal });
    this.watcher = new ResizeObserver(() => this.resize());
    this.watcher.observe(host);
  }

  destroy(): void {
    this.stop.abort();
    this.watcher.disconnect();
    this.host.replaceChildren();
  }

  update(data: DurationsData, colours: Palette): void {
    this.data = data;
    this.colours = colours;
    this.paint();
  }

  private resize(): void {
    this.size = { width: Math.floor(this.host.clientWidth), height: Math.floor(this.host.clientHeight) };
    this.paint();
  }

  private box() {
    return { width: this.size.width - LEFT_PX - 8, height: this.size.height - BOTTOM_PX - 8 };
  }

  private paint(): void {
    const { width, height } = this.size;
    if (width < 60 || height < 30) return;
    const context = fit(this.canvas, width, height);
    context.fillStyle = this.colours.panel;
    context.fillRect(0, 0, width, height);
    this.paintAxis(context);
    const axis = axisFor(this.data.dots, this.data.fromMs, this.data.toMs);
    const box = this.box();
    const radius = this.data.dots.length > 1500 ? 1.5 : 2.25;
    for (const bad of [false, true])
      for (const dot of this.data.dots) {
        if (dot.bad !== bad) continue;
        const [x, y] = placeDot(dot, axis);
        context.fillStyle = bad ? this.colours.error : dot.cold ? this.colours.cold : this.colours.bar;
        context.globalAlpha = bad || dot.cold ? 0.9 : 0.6;
        context.beginPath();
        context.arc(LEFT_PX + x * box.width, 4 + (1 - y) * box.height, radius, 0, 7);
        context.fill();
      }
    context.globalAlpha = 1;
  }

  private paintAxis(context: CanvasRenderingContext2D): void {
    const axis = axisFor(this.data.dots, this.data.fromMs, this.data.toMs);
    const box = this.box();
    context.font = `11px ${SANS}`;
    context.textBaseline = "middle";
    const marks = decades(axis);
    marks.forEach((ms, i) => {
      const y = Math.round(4 + (1 - i / (marks.length - 1)) * box.height) + 0.5;
      context.fillStyle = this.colours.line;
      context.fillRect(LEFT_PX, y, box.width, 1);
      context.fillStyle = this.colours.dim;
      if (box.height / (marks.length - 1) < 15 && i % 2) return;
      const value = ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
      context.fillText(value, LEFT_PX - 8 - context.measureText(value).width, Math.max(y, 7));
    });
    for (const share of [0, 0.25, 0.5, 0.75]) {
      const value = axisTime(axis.fromMs + share * (axis.toMs - axis.fromMs), axis.toMs - axis.fromMs);
      context.fillText(value, LEFT_PX + share * box.width, this.size.height - 7);
    }
  }

  private under(event: MouseEvent): Dot | null {
    const box = this.box();
    const frame = this.canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - frame.left - LEFT_PX) / box.width, 1 - (event.clientY - frame.top - 4) / box.height];
    return nearest(this.data.dots, axisFor(this.data.dots, this.data.fromMs, this.data.toMs), x, y, box.width, box.height, 10);
  }

  private hover(event: PointerEvent): void {
    const dot = this.under(event);
    this.tip.hidden = !dot;
    this.canvas.style.cursor = dot ? "pointer" : "default";
    if (!dot) return;
    this.tip.textContent = `${clock(dot.timeMs, true)}\n${duration(dot.durationMs)}${dot.bad ? ", failed" : ""}${dot.cold ? ", cold start" : ""}`;
    place(this.tip, this.host, event);
  }

  private click(event: MouseEvent): void {
    const dot = this.under(event);
    if (dot) this.choose(dot.id);
  }
}
