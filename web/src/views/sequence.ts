/** The sequence: an SVG of who did what after whom, on an axis without idle time. Knows no framework. */

import { duration } from "../format";
import { describe, evidence, failed, title, type TrailModel } from "./model";
import { layoutSequence, type Bar, type SequenceLayout, type Step } from "./sequenceLayout";
import { place } from "./waterfall";

const SVG = "http://www.w3.org/2000/svg";
const BAR_PX = 16;
export const GUTTER_PX = 150;

type Fields = Record<string, string | number>;

function element(name: string, fields: Fields = {}, content?: string): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(fields)) made.setAttribute(key, String(value));
  if (content !== undefined) made.textContent = content;
  return made;
}

export class Sequence {
  private readonly names = document.createElement("div");
  private readonly scroller = document.createElement("div");
  private readonly tip = document.createElement("div");
  private readonly stop = new AbortController();
  private readonly watcher: ResizeObserver;
  private layout: SequenceLayout | null = null;
  private groups = new Map<number, SVGElement>();
  private selected = -1;
  private width = 0;

  constructor(
    private readonly host: HTMLElement,
    private model: TrailModel,
    private readonly select_: (row: number) => void,
  ) {
    host.classList.add("sequence");
    this.names.className = "sequence-names";
    this.names.setAttribute("aria-hidden", "true");
    this.scroller.className = "sequence-scroller";
    this.tip.className = "view-tip";
    this.tip.hidden = true;
    host.append(this.names, this.scroller, this.tip);
    this.scroller.addEventListener("keydown", (event) => this.key(event), { signal: this.stop.signal });
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

  select(row: number): void {
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
    const layout = (this.layout = layoutSequence(this.model, this.width));
    const svg = element("svg", { width: layout.width, height: layout.height, role: "group", "aria-label": "Sequence of the trail's nodes; arrow keys move in order of time" });
    svg.append(arrowHead(), hatchPattern());
    this.axis(svg, layout);
    for (const lane of layout.lanes) svg.append(element("line", { class: "lane", x1: 0, x2: layout.width, y1: lane.y + lane.height + 5, y2: lane.y + lane.height + 5 }));
    for (const step of layout.steps) svg.append(this.step(step));
    this.groups = new Map();
    for (const one of layout.bars) svg.append(this.bar(one));
    this.scroller.replaceChildren(svg);
    this.label(layout);
    this.select(this.selected);
  }

  private label(layout: SequenceLayout): void {
    this.names.replaceChildren(
      ...layout.lanes.map((lane) => {
        const name = document.createElement("div");
        name.textContent = name.title = lane.service;
        name.style.top = `${lane.y}px`;
        name.style.height = `${lane.height}px`;
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
    const status = model.status_[one.row];
    const kind = failed(status) ? (status === "throttled" ? "throttled" : "bad") : status;
    const group = element("g", { class: `node ${kind} ${model.kind[one.row]}${model.critical.has(one.row) ? " critical" : ""}`, tabindex: -1, role: "button", "aria-label": describe(model, one.row).join(", "), "data-row": one.row });
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
    const by = { ArrowRight: 1, ArrowDown: 1, j: 1, ArrowLeft: -1, ArrowUp: -1, k: -1 }[event.key];
    if (!by || !this.layout) return;
    const at = this.layout.bars.findIndex((one) => one.row === this.selected);
    const next = this.layout.bars[Math.min(Math.max(at + by, 0), this.layout.bars.length - 1)];
    event.preventDefault();
    event.stopPropagation();
    this.choose(next.row);
    (this.groups.get(next.row) as SVGGElement | undefined)?.focus();
  }
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
