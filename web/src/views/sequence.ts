/** The sequence: an SVG of who did what after whom, on an axis without idle time. Knows no framework. */

import { duration } from "../format";
import { describe, evidence, failed, title, type TrailModel } from "./model";
import { layoutSequence, MOST_RICH, type Bar, type SequenceLayout, type Step } from "./sequenceLayout";
import { clampWindow, zoomAt, type Window } from "./scale";
import { place } from "./waterfall";

const SVG = "http://www.w3.org/2000/svg";
const BAR_PX = 16;
/** In a lane higher than this its name stands on top instead of in the middle. */
const TALL_PX = 240;
export const GUTTER_PX = 150;

type Fields = Record<string, string | number>;

function element(name: string, fields: Fields = {}, content?: string): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(fields)) made.setAttribute(key, String(value));
  if (content !== undefined) made.textContent = content;
  return made;
}

export class Sequence {
  /** Milliseconds that the latest drawings took to make, newest last; the budget's test reads it. */
  readonly drawTimesMs: number[] = [];
  private readonly names = document.createElement("div");
  private readonly scroller = document.createElement("div");
  private readonly tip = document.createElement("div");
  private readonly stop = new AbortController();
  private readonly watcher: ResizeObserver;
  private layout: SequenceLayout | null = null;
  private groups = new Map<number, SVGElement>();
  private selected = -1;
  private width = 0;
  private chosenMark: SVGElement | null = null;

  constructor(
    private readonly host: HTMLElement,
    private model: TrailModel,
    private window: Window,
    private readonly select_: (row: number) => void,
    private readonly zoomed: (window: Window) => void,
  ) {
    host.classList.add("sequence");
    Object.assign(host, { sequence: this });
    this.names.className = "sequence-names";
    this.names.setAttribute("aria-hidden", "true");
    this.scroller.className = "sequence-scroller";
    this.tip.className = "view-tip";
    this.tip.hidden = true;
    host.append(this.names, this.scroller, this.tip);
    this.scroller.addEventListener("keydown", (event) => this.key(event), { signal: this.stop.signal });
    this.scroller.addEventListener("wheel", (event) => this.wheel(event), { signal: this.stop.signal, passive: false });
    this.scroller.addEventListener("dblclick", () => this.zoom({ fromMs: 0, toMs: this.model.durationMs }), { signal: this.stop.signal });
    this.scroller.addEventListener("pointermove", (event) => this.hoverCrowd(event), { signal: this.stop.signal });
    this.scroller.addEventListener("click", (event) => this.clickCrowd(event), { signal: this.stop.signal });
    this.scroller.addEventListener("pointerleave", () => (this.tip.hidden = true), { signal: this.stop.signal });
    this.watcher = new ResizeObserver(() => this.resize());
    this.watcher.observe(host);
  }

  destroy(): void {
    this.stop.abort();
    this.watcher.disconnect();
    this.host.replaceChildren();
  }

  setModel(model: TrailModel): void {
    const chosen = this.model.nodeId[this.selected];
    this.model = model;
    this.selected = model.rowOf.get(chosen) ?? -1;
    this.render();
  }

  /** Show a stretch of time, asked for from outside. */
  setWindow(window: Window): void {
    if (window.fromMs === this.window.fromMs && window.toMs === this.window.toMs) return;
    this.window = window;
    this.render();
  }

  private zoom(window: Window): void {
    this.setWindow(clampWindow(window, this.model.durationMs));
    this.zoomed(this.window);
  }

  private get crowded(): boolean {
    return (this.layout?.bars.length ?? 0) > MOST_RICH;
  }

  select(row: number): void {
    if (this.crowded) return this.mark(row);
    this.groups.get(this.selected)?.classList.remove("selected");
    this.selected = row;
    const group = this.groups.get(row);
    group?.classList.add("selected");
    for (const [at, other] of this.groups) other.setAttribute("tabindex", at === row || (row < 0 && at === this.first()) ? "0" : "-1");
    group?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
  }

  private resize(): void {
    const width = Math.floor(this.host.clientWidth - GUTTER_PX);
    if (Math.abs(width - this.width) < 2) return;
    this.width = width;
    this.render();
  }

  private first(): number {
    return this.layout?.bars[0]?.row ?? -1;
  }

  private render(): void {
    if (this.width < 40) return;
    const began = performance.now();
    const layout = (this.layout = layoutSequence(this.model, this.width, this.window));
    const svg = element("svg", { width: layout.width, height: layout.height, role: "group", "aria-label": "Sequence of the trail's nodes; arrow keys move in order of time" });
    svg.append(arrowHead(), hatchPattern());
    this.axis(svg, layout);
    for (const lane of layout.lanes) svg.append(element("line", { class: "lane", x1: 0, x2: layout.width, y1: lane.y + lane.height + 5, y2: lane.y + lane.height + 5 }));
    this.groups = new Map();
    this.chosenMark = null;
    if (this.crowded) this.crowd(svg, layout);
    else {
      for (const step of layout.steps) svg.append(this.step(step));
      for (const one of layout.bars) svg.append(this.bar(one));
    }
    this.scroller.replaceChildren(svg);
    this.label(layout);
    this.select(this.selected);
    this.drawTimesMs.push(performance.now() - began);
    if (this.drawTimesMs.length > 1000) this.drawTimesMs.shift();
  }

  /** Thousands of bars as a few paths, one for each way to look; the selected one gets an element of its own. */
  private crowd(svg: SVGElement, layout: SequenceLayout): void {
    const { model } = this;
    const paths = new Map<string, string>();
    const add = (name: string, d: string) => paths.set(name, (paths.get(name) ?? "") + d);
    for (const step of layout.steps) {
      if (Math.abs(step.y1 - step.y0) < 1) continue;
      const down = step.y1 >= step.y0 ? 1 : -1;
      add(step.certain ? "steps" : "steps inferred", `M${step.x.toFixed(1)} ${step.y0 + (down * BAR_PX) / 2}V${step.y1 - (down * BAR_PX) / 2}`);
    }
    for (const one of layout.bars) {
      const y = one.y - BAR_PX / 2;
      if (one.waitX !== null) add("waits", box(one.waitX, y + 4, Math.max(one.x - one.waitX, 1), BAR_PX - 8));
      add(model.kind[one.row] === "message" ? "bars message" : `bars ${looks(model, one.row)}`, box(one.x, y, one.width, BAR_PX));
      if (one.coldWidth) add("bars cold-start", box(one.x, y, one.coldWidth, BAR_PX));
    }
    for (const name of [...paths.keys()].sort((a, b) => Number(b.startsWith("steps")) - Number(a.startsWith("steps")) || a.localeCompare(b))) {
      const hatched: Fields = name === "waits" || name === "bars message" ? { fill: "url(#wait-hatch)" } : {};
      svg.append(element("path", { class: `crowd ${name}`, d: paths.get(name)!, ...hatched }));
    }
  }

  /** The selected one among a crowd. */
  private mark(row: number): void {
    this.chosenMark?.remove();
    this.chosenMark = null;
    this.selected = row;
    const one = this.layout?.bars.find((bar) => bar.row === row) ?? (row < 0 ? this.layout?.bars[0] : undefined);
    if (!one) return;
    this.chosenMark = this.bar(one);
    this.chosenMark.setAttribute("tabindex", "0");
    if (row >= 0) this.chosenMark.classList.add("selected");
    this.scroller.firstElementChild?.append(this.chosenMark);
    if (row >= 0) this.chosenMark.scrollIntoView?.({ block: "nearest", inline: "nearest" });
  }

  private crowdAt(event: MouseEvent): Bar | undefined {
    const svg = this.scroller.firstElementChild;
    if (!this.crowded || !svg) return undefined;
    const frame = svg.getBoundingClientRect();
    const [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
    return this.layout!.bars.find((one) => Math.abs(one.y - y) <= BAR_PX / 2 && x >= (one.waitX ?? one.x) && x <= one.x + one.width);
  }

  private hoverCrowd(event: PointerEvent): void {
    if (!this.crowded) return;
    const one = this.crowdAt(event);
    this.tip.hidden = !one;
    if (one) this.show(event, describe(this.model, one.row));
  }

  private clickCrowd(event: MouseEvent): void {
    const one = this.crowdAt(event);
    if (one) this.choose(one.row);
  }

  private wheel(event: WheelEvent): void {
    if ((!event.ctrlKey && !event.metaKey) || !this.layout) return;
    event.preventDefault();
    const x = event.clientX - this.scroller.getBoundingClientRect().left + this.scroller.scrollLeft - 8;
    this.zoom(zoomAt(this.window, this.msAt(x), Math.exp(event.deltaY * 0.002), this.model.durationMs));
  }

  private msAt(x: number): number {
    const piece = this.layout!.pieces.find((one) => x <= one.x1) ?? this.layout!.pieces.at(-1)!;
    return piece.fromMs + (Math.max(x - piece.x0, 0) / Math.max(piece.x1 - piece.x0, 1)) * (piece.toMs - piece.fromMs);
  }

  private middle(): number {
    return this.selected >= 0 ? this.model.start[this.selected] : (this.window.fromMs + this.window.toMs) / 2;
  }

  private label(layout: SequenceLayout): void {
    this.names.replaceChildren(
      ...layout.lanes.map((lane) => {
        const name = document.createElement("div");
        name.textContent = name.title = lane.service;
        name.style.top = `${lane.y}px`;
        name.style.height = `${lane.height}px`;
        name.classList.toggle("tall", lane.height > TALL_PX);
        return name;
      }),
    );
  }

  private axis(svg: SVGElement, layout: SequenceLayout): void {
    for (const piece of layout.pieces) {
      const [x0, x1] = [piece.x0 + 8, piece.x1 + 8];
      if (piece.idle) svg.append(element("rect", { class: "idle", x: x0, y: 24, width: x1 - x0, height: layout.height, fill: "url(#idle-hatch)" }));
      else svg.append(element("line", { class: "axis", x1: x0, x2: x1, y1: 23.5, y2: 23.5 }));
      const value = piece.idle ? duration(piece.toMs - piece.fromMs) : `+${duration(piece.fromMs)}`;
      const middle = piece.idle ? { x: (x0 + x1) / 2, "text-anchor": "middle" } : { x: x0, "text-anchor": "start" };
      svg.append(element("text", { class: piece.idle ? "tick idle-tick" : "tick", y: 15, ...middle }, value));
    }
  }

  private step(step: Step): SVGElement {
    const down = step.y1 >= step.y0 ? 1 : -1;
    const related = `step${step.certain ? "" : " inferred"}`;
    const group = element("g", { class: related });
    const path = `M${step.x} ${step.y0 + (down * BAR_PX) / 2}V${step.y1 - (down * BAR_PX) / 2}`;
    const same = Math.abs(step.y1 - step.y0) < 1;
    if (!same) group.append(element("path", { d: path, "marker-end": "url(#arrow)" }), element("path", { class: "reach", d: path }));
    const edge = this.model.edges.find((one) => one.from === step.from && one.to === step.to);
    group.addEventListener("pointermove", (event) => edge && this.show(event as PointerEvent, [`${title(this.model, edge.from)} → ${title(this.model, edge.to)}`, `${edge.kind}: ${evidence(edge)}`]));
    group.addEventListener("pointerleave", () => (this.tip.hidden = true));
    return group;
  }

  private bar(one: Bar): SVGElement {
    const { model } = this;
    const group = element("g", { class: `node ${looks(model, one.row)} ${model.kind[one.row]}${model.critical.has(one.row) ? " critical" : ""}`, tabindex: -1, role: "button", "aria-label": describe(model, one.row).join(", "), "data-row": one.row });
    const y = one.y - BAR_PX / 2;
    if (one.waitX !== null) group.append(element("rect", { class: "wait", x: one.waitX, y: y + 4, width: Math.max(one.x - one.waitX, 1), height: BAR_PX - 8, fill: "url(#wait-hatch)" }));
    const lies: Fields = model.kind[one.row] === "message" ? { fill: "url(#wait-hatch)" } : {};
    group.append(element("rect", { class: "work", x: one.x, y, width: one.width, height: BAR_PX, rx: 2, ...lies }));
    if (one.coldWidth) group.append(element("rect", { class: "cold", x: one.x, y, width: one.coldWidth, height: BAR_PX, rx: 2 }));
    this.logMarks(group, one, y);
    if (model.attempt[one.row] > 1) group.append(element("text", { class: "attempt", x: one.x + one.width + 4, y: one.y + 4 }, `×${model.attempt[one.row]}`));
    else this.caption(group, one);
    group.addEventListener("click", () => this.choose(one.row));
    group.addEventListener("pointermove", (event) => this.show(event as PointerEvent, describe(model, one.row)));
    group.addEventListener("pointerleave", () => (this.tip.hidden = true));
    this.groups.set(one.row, group);
    return group;
  }

  private logMarks(group: SVGElement, one: Bar, y: number): void {
    const { model } = this;
    const length = Math.max(model.duration[one.row], 0.001);
    for (const index of (model.logsOf.get(one.row) ?? []).slice(0, 60)) {
      const line = model.logs[index];
      const share = Math.min(Math.max((line.offsetMs - model.start[one.row]) / length, 0), 1);
      group.append(element("rect", { class: `log ${line.severity}`, x: one.x + share * one.width - 0.75, y: y - 4, width: 1.5, height: 3 }));
    }
  }

  private caption(group: SVGElement, one: Bar): void {
    const next = this.layout!.bars.find((other) => other !== one && Math.abs(other.y - one.y) < 1 && (other.waitX ?? other.x) > one.x);
    const room = (next ? (next.waitX ?? next.x) : this.layout!.width) - one.x - one.width - 10;
    const text = duration(this.model.duration[one.row]);
    if (room > text.length * 6 + 4) group.append(element("text", { class: "caption", x: one.x + one.width + 4, y: one.y + 4 }, text));
  }

  private choose(row: number): void {
    this.select(row);
    this.select_(row);
  }

  private show(event: PointerEvent, lines: string[]): void {
    this.tip.textContent = lines.join("\n");
    this.tip.hidden = false;
    place(this.tip, this.host, event);
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const factor = { "+": 0.6, "-": 1.6 }[event.key];
    if (factor || event.key === "0") {
      event.preventDefault();
      event.stopPropagation();
      this.zoom(factor ? zoomAt(this.window, this.middle(), factor, this.model.durationMs) : { fromMs: 0, toMs: this.model.durationMs });
      return;
    }
    const by = { ArrowRight: 1, ArrowDown: 1, j: 1, ArrowLeft: -1, ArrowUp: -1, k: -1 }[event.key];
    if (!by || !this.layout) return;
    const at = this.layout.bars.findIndex((one) => one.row === this.selected);
    const next = this.layout.bars[Math.min(Math.max(at + by, 0), this.layout.bars.length - 1)];
    event.preventDefault();
    event.stopPropagation();
    this.choose(next.row);
    ((this.crowded ? this.chosenMark : this.groups.get(next.row)) as SVGGElement | undefined)?.focus();
  }
}

/** How a node's bar looks by its outcome. */
function looks(model: TrailModel, row: number): string {
  const status = model.status_[row];
  if (!failed(status)) return status;
  return status === "throttled" ? "throttled" : "bad";
}

function box(x: number, y: number, width: number, height: number): string {
  return `M${x.toFixed(1)} ${y}h${width.toFixed(1)}v${height}h${(-width).toFixed(1)}z`;
}

function arrowHead(): SVGElement {
  const marker = element("marker", { id: "arrow", viewBox: "0 0 6 6", refX: 5, refY: 3, markerWidth: 6, markerHeight: 6, orient: "auto" });
  marker.append(element("path", { class: "arrow", d: "M0 0.5L5.5 3L0 5.5Z" }));
  return marker;
}

function hatchPattern(): SVGElement {
  const defs = element("defs");
  for (const id of ["wait-hatch", "idle-hatch"]) {
    const pattern = element("pattern", { id, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
    pattern.append(element("line", { class: id, x1: 0, x2: 0, y1: 0, y2: 6 }));
    defs.append(pattern);
  }
  return defs;
}
