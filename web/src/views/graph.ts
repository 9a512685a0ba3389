/** The causal graph: a canvas that scrolls, zooms and selects. Knows no framework; its host gives it a box. */

import { BOX_HEIGHT, BOX_WIDTH, layoutGraph, onArrow, type Arrow, type Box, type GraphLayout } from "./graphLayout";
import { drawGraph, type GraphScene } from "./graphDraw";
import { describe, evidence, title, type TrailModel } from "./model";
import { fit } from "./paint";
import type { Palette } from "./palette";
import type { Window } from "./scale";
import { place } from "./waterfall";

const LEAST_SCALE = 0.08;
const LEAST_READABLE = 0.85;
const MOST_SCALE = 2;
const REACH_PX = 7;

export class Graph {
  /** Milliseconds of the latest draws, newest last; the budget's test reads it. */
  readonly drawTimesMs: number[] = [];
  private readonly scroller = document.createElement("div");
  private readonly canvas = document.createElement("canvas");
  private readonly sizer = document.createElement("div");
  private readonly item = document.createElement("div");
  private readonly tip = document.createElement("div");
  private readonly stop = new AbortController();
  private readonly watcher: ResizeObserver;
  private layout: GraphLayout;
  private selected = -1;
  private hovered: Box | Arrow | null = null;
  private scale = 1;
  private fitted = false;
  private frame = 0;
  private size = { width: 0, height: 0 };

  constructor(
    private readonly host: HTMLElement,
    private model: TrailModel,
    private colours: Palette,
    private window: Window,
    private readonly select_: (row: number) => void,
  ) {
    this.layout = layoutGraph(model);
    this.build();
    const options = { signal: this.stop.signal };
    this.scroller.addEventListener("scroll", () => this.schedule(), options);
    this.scroller.addEventListener("wheel", (event) => this.wheel(event), { ...options, passive: false });
    this.scroller.addEventListener("pointermove", (event) => this.hover(event), options);
    this.scroller.addEventListener("pointerleave", () => this.leave(), options);
    this.scroller.addEventListener("pointerdown", (event) => this.press(event), options);
    this.scroller.addEventListener("keydown", (event) => this.key(event), options);
    this.watcher = new ResizeObserver(() => this.resize());
    this.watcher.observe(host);
  }

  private build(): void {
    const { host, scroller, item, canvas, sizer, tip } = this;
    host.classList.add("graph");
    scroller.className = "graph-scroller";
    scroller.tabIndex = 0;
    scroller.setAttribute("role", "tree");
    scroller.setAttribute("aria-label", "Causes and effects as a graph; left leads to a cause, right to an effect");
    canvas.setAttribute("aria-hidden", "true");
    item.className = "hidden";
    item.id = "graph-item";
    item.setAttribute("role", "treeitem");
    sizer.className = "graph-sizer";
    tip.className = "view-tip";
    tip.hidden = true;
    scroller.append(canvas, item, sizer);
    host.append(scroller, tip);
    Object.assign(host, { graph: this });
    this.describeItem();
  }

  destroy(): void {
    this.stop.abort();
    this.watcher.disconnect();
    cancelAnimationFrame(this.frame);
    this.host.replaceChildren();
  }

  setModel(model: TrailModel): void {
    const chosen = this.model.nodeId[this.selected];
    this.model = model;
    this.layout = layoutGraph(model);
    this.selected = model.rowOf.get(chosen) ?? -1;
    this.hovered = null;
    this.resizeSizer();
    this.describeItem();
    this.schedule();
  }

  setColours(colours: Palette): void {
    this.colours = colours;
    this.schedule();
  }

  /** What lies outside this stretch of time is dimmed. */
  setWindow(window: Window): void {
    this.window = window;
    this.schedule();
  }

  select(row: number): void {
    if (row === this.selected) return;
    this.selected = row;
    this.describeItem();
    this.reveal();
    this.schedule();
  }

  /** Zoom around the middle of what is in view, or around a point of the canvas. */
  zoomTo(scale: number, at = { x: this.size.width / 2, y: this.size.height / 2 }): void {
    const next = Math.min(Math.max(scale, LEAST_SCALE), MOST_SCALE);
    const { left, top } = this.scene();
    const [x, y] = [left + at.x / this.scale, top + at.y / this.scale];
    this.scale = next;
    this.resizeSizer();
    this.scroller.scrollLeft = x * next - at.x;
    this.scroller.scrollTop = y * next - at.y;
    this.schedule();
  }

  /** Show all of it, or as much as stays readable, from the selected box or the origin on. */
  fitAll(): void {
    const { width, height } = this.size;
    const scale = Math.min(width / this.layout.width, height / this.layout.height, 1);
    this.zoomTo(Math.max(scale, LEAST_READABLE));
    this.scroller.scrollTo(0, 0);
    this.reveal(this.selected >= 0 ? this.selected : this.model.order[0]);
  }

  private resize(): void {
    this.size = { width: Math.floor(this.scroller.clientWidth), height: Math.floor(this.scroller.clientHeight) };
    if (this.size.width < 10) return;
    this.resizeSizer();
    if (!this.fitted) {
      this.fitted = true;
      this.fitAll();
    }
    this.schedule();
  }

  private resizeSizer(): void {
    this.sizer.style.width = `${this.layout.width * this.scale}px`;
    this.sizer.style.height = `${this.layout.height * this.scale}px`;
  }

  private schedule(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.paint();
    });
  }

  private scene(): GraphScene {
    const { model, layout, colours, window, scale, selected, hovered, scroller } = this;
    return { model, layout, colours, window, scale, selected, hovered, ...this.size, left: scroller.scrollLeft / scale, top: scroller.scrollTop / scale };
  }

  private paint(): void {
    if (this.size.width < 10 || this.size.height < 10) return;
    const began = performance.now();
    drawGraph(fit(this.canvas, this.size.width, this.size.height), this.scene());
    this.drawTimesMs.push(performance.now() - began);
    if (this.drawTimesMs.length > 1000) this.drawTimesMs.shift();
  }

  private point(event: MouseEvent): [number, number] {
    const box = this.scroller.getBoundingClientRect();
    const { left, top } = this.scene();
    return [left + (event.clientX - box.left) / this.scale, top + (event.clientY - box.top) / this.scale];
  }

  private boxAt(x: number, y: number): Box | null {
    return this.layout.boxes.find((box) => x >= box.x && x <= box.x + BOX_WIDTH && y >= box.y && y <= box.y + BOX_HEIGHT) ?? null;
  }

  private arrowAt(x: number, y: number): Arrow | null {
    const reach = REACH_PX / this.scale;
    for (const arrow of this.layout.arrows) {
      const [low, high] = arrow.from.y < arrow.to.y ? [arrow.from.y, arrow.to.y] : [arrow.to.y, arrow.from.y];
      if (y < low - reach || y > high + BOX_HEIGHT + reach || x < Math.min(arrow.from.x, arrow.to.x) || x > Math.max(arrow.from.x, arrow.to.x) + BOX_WIDTH) continue;
      for (let t = 0; t <= 1; t += 0.05) {
        const [ax, ay] = onArrow(arrow, t);
        if (Math.hypot(ax - x, ay - y) < reach) return arrow;
      }
    }
    return null;
  }

  private hover(event: PointerEvent): void {
    const [x, y] = this.point(event);
    const found = this.boxAt(x, y) ?? this.arrowAt(x, y);
    if (found !== this.hovered) {
      this.hovered = found;
      this.schedule();
    }
    this.tip.hidden = !found;
    this.scroller.style.cursor = found ? "pointer" : "default";
    if (!found) return;
    this.tip.textContent = "row" in found ? this.boxWords(found) : this.arrowWords(found);
    place(this.tip, this.host, event);
  }

  private boxWords(box: Box): string {
    const lines = describe(this.model, box.row);
    return (box.rows.length > 1 ? [`${box.rows.length} alike, the first of them:`, ...lines] : lines).join("\n");
  }

  private arrowWords(arrow: Arrow): string {
    const edge = this.model.edges[arrow.edge];
    return `${title(this.model, edge.from)} → ${title(this.model, edge.to)}\n${edge.kind}: ${evidence(edge)}`;
  }

  private leave(): void {
    this.hovered = null;
    this.tip.hidden = true;
    this.schedule();
  }

  /** A click selects, a drag moves what is in view. */
  private press(event: PointerEvent): void {
    if (event.button !== 0) return;
    const from = { x: event.clientX, y: event.clientY, left: this.scroller.scrollLeft, top: this.scroller.scrollTop };
    const [x, y] = this.point(event);
    let moved = false;
    const done = new AbortController();
    const move = (next: PointerEvent) => {
      moved ||= Math.hypot(next.clientX - from.x, next.clientY - from.y) > 4;
      if (moved) this.scroller.scrollTo(from.left + from.x - next.clientX, from.top + from.y - next.clientY);
    };
    const release = () => {
      done.abort();
      const found = moved ? null : (this.boxAt(x, y) ?? this.arrowAt(x, y));
      if (found) this.choose("row" in found ? found.row : this.model.edges[found.edge].to);
    };
    window.addEventListener("pointermove", move, { signal: done.signal });
    window.addEventListener("pointerup", release, { signal: done.signal });
  }

  private wheel(event: WheelEvent): void {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const box = this.scroller.getBoundingClientRect();
    this.zoomTo(this.scale * Math.exp(-event.deltaY * 0.002), { x: event.clientX - box.left, y: event.clientY - box.top });
  }

  private choose(row: number): void {
    this.select(row);
    this.select_(row);
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moves: Record<string, () => void> = {
      ArrowLeft: () => this.follow("causesOf"),
      ArrowRight: () => this.follow("effectsOf"),
      ArrowDown: () => this.beside(1),
      j: () => this.beside(1),
      ArrowUp: () => this.beside(-1),
      k: () => this.beside(-1),
      Home: () => this.choose(this.model.order[0]),
      "+": () => this.zoomTo(this.scale * 1.3),
      "-": () => this.zoomTo(this.scale / 1.3),
      "0": () => this.fitAll(),
    };
    const move = moves[event.key];
    if (!move || !this.model.size) return;
    event.preventDefault();
    event.stopPropagation();
    move();
  }

  private follow(way: "causesOf" | "effectsOf"): void {
    if (this.selected < 0) return this.choose(this.model.order[0]);
    const edges = (this.model[way].get(this.selected) ?? []).map((i) => this.model.edges[i]);
    const rows = edges.map((edge) => (way === "causesOf" ? edge.from : edge.to));
    const next = rows.find((row) => this.model.critical.has(row)) ?? rows[0];
    if (next !== undefined) this.choose(next);
  }

  /** The next box above or below in the same column. */
  private beside(by: number): void {
    const here = this.layout.boxOf[this.selected];
    if (!here) return this.choose(this.model.order[0]);
    const column = this.layout.boxes.filter((box) => Math.abs(box.x - here.x) < 1).sort((a, b) => a.y - b.y);
    const next = column[column.indexOf(here) + by];
    if (next) this.choose(next.row);
  }

  /** Scroll the selected box into view. */
  private reveal(row = this.selected): void {
    const box = this.layout.boxOf[row];
    if (!box || !this.size.width) return;
    const { scroller, scale, size } = this;
    const [x0, x1] = [box.x * scale, (box.x + BOX_WIDTH) * scale];
    const [y0, y1] = [box.y * scale, (box.y + BOX_HEIGHT) * scale];
    if (x0 < scroller.scrollLeft || x1 > scroller.scrollLeft + size.width) scroller.scrollLeft = (x0 + x1 - size.width) / 2;
    if (y0 < scroller.scrollTop || y1 > scroller.scrollTop + size.height) scroller.scrollTop = (y0 + y1 - size.height) / 2;
  }

  private describeItem(): void {
    const { item, model, selected } = this;
    const row = selected >= 0 ? selected : model.order[0];
    if (row === undefined) return;
    item.textContent = describe(model, row).join(", ");
    item.setAttribute("aria-level", String(model.depth[row] + 1));
    item.setAttribute("aria-selected", String(selected >= 0));
    this.scroller.setAttribute("aria-activedescendant", item.id);
  }
}
