/** The waterfall: a canvas that scrolls, zooms and selects. Knows no framework; its host gives it a box. */

import { describe, type TrailModel } from "./model";
import { fit } from "./paint";
import type { Palette } from "./palette";
import { visibleRows, type Rows } from "./rows";
import { clampWindow, zoomAt, type Window } from "./scale";
import { draw, drawOverview, HEAD_PX, indent, msAt, ROW_PX, xOf, type Scene } from "./waterfallDraw";

export interface WaterfallFilter {
  text: string;
  errorsOnly: boolean;
  logs: boolean;
}

export interface WaterfallEvents {
  /** A node was chosen; `byUser` is false when it only follows the URL. */
  select(row: number): void;
  /** How many nodes the filter matched. */
  matches(matches: number): void;
  /** What is in view changed, by the reader's hand. */
  zoomed(window: Window): void;
}

const OVERVIEW_PX = 40;

export class Waterfall {
  /** Milliseconds of the latest draws, newest last; the budget's test reads it. */
  readonly drawTimesMs: number[] = [];
  private readonly overview = document.createElement("canvas");
  private readonly scroller = document.createElement("div");
  private readonly canvas = document.createElement("canvas");
  private readonly sizer = document.createElement("div");
  private readonly item = document.createElement("div");
  private readonly tip = document.createElement("div");
  private readonly stop = new AbortController();
  private readonly watcher: ResizeObserver;
  private overviewImage: HTMLCanvasElement | null = null;
  private collapsed = new Set<number>();
  private rows: Rows;
  private window: Window;
  private selected = -1;
  private hovered = -1;
  private brush: [number, number] | null = null;
  private frame = 0;
  private size = { width: 0, height: 0 };

  constructor(
    private readonly host: HTMLElement,
    private model: TrailModel,
    private colours: Palette,
    private filter: WaterfallFilter,
    window: Window,
    private readonly events: WaterfallEvents,
  ) {
    this.rows = visibleRows(model, { ...filter, collapsed: this.collapsed });
    this.window = clampWindow(window, model.durationMs);
    this.build();
    this.listen();
    this.watcher = new ResizeObserver(() => this.resize());
    this.watcher.observe(host);
    this.events.matches(this.rows.matches);
  }

  private build(): void {
    const { host, scroller, item, overview, canvas, sizer, tip } = this;
    host.classList.add("waterfall");
    overview.className = "waterfall-overview";
    overview.setAttribute("aria-hidden", "true");
    scroller.className = "waterfall-scroller";
    scroller.tabIndex = 0;
    scroller.setAttribute("role", "tree");
    scroller.setAttribute("aria-label", "Nodes of the trail, as a tree");
    canvas.setAttribute("aria-hidden", "true");
    item.className = "hidden";
    item.id = "waterfall-item";
    item.setAttribute("role", "treeitem");
    tip.className = "view-tip";
    tip.hidden = true;
    scroller.append(canvas, item, sizer);
    host.append(overview, scroller, tip);
    Object.assign(host, { waterfall: this });
    this.describeItem();
  }

  private listen(): void {
    const options = { signal: this.stop.signal };
    const { scroller, overview } = this;
    scroller.addEventListener("scroll", () => this.schedule(), options);
    scroller.addEventListener("wheel", (event) => this.wheel(event), { ...options, passive: false });
    scroller.addEventListener("pointerdown", (event) => this.press(event), options);
    scroller.addEventListener("pointermove", (event) => this.hover(event), options);
    scroller.addEventListener("pointerleave", () => this.leave(), options);
    scroller.addEventListener("dblclick", () => this.reset(), options);
    scroller.addEventListener("keydown", (event) => this.key(event), options);
    overview.addEventListener("wheel", (event) => this.wheel(event), { ...options, passive: false });
    overview.addEventListener("pointerdown", (event) => this.dragOverview(event), options);
  }

  destroy(): void {
    this.stop.abort();
    this.watcher.disconnect();
    cancelAnimationFrame(this.frame);
    this.host.replaceChildren();
  }

  setModel(model: TrailModel): void {
    const whole = this.window.fromMs === 0 && this.window.toMs === this.model.durationMs;
    const chosen = this.model.nodeId[this.selected];
    this.model = model;
    this.window = whole ? { fromMs: 0, toMs: model.durationMs } : clampWindow(this.window, model.durationMs);
    this.collapsed.clear();
    this.selected = model.rowOf.get(chosen) ?? -1;
    this.refilter();
  }

  setColours(colours: Palette): void {
    this.colours = colours;
    this.overviewImage = null;
    this.schedule();
  }

  setFilter(filter: WaterfallFilter): void {
    this.filter = filter;
    this.refilter();
  }

  /** Select a node from outside; opens what hides it and scrolls it into view. */
  select(row: number): void {
    if (row === this.selected) return;
    this.selected = row;
    for (let at = row >= 0 ? this.model.parent[row] : -1; at >= 0; at = this.model.parent[at]) this.collapsed.delete(at);
    this.refilter();
    this.reveal();
  }

  reset(): void {
    this.zoom({ fromMs: 0, toMs: this.model.durationMs });
  }

  /** Show a stretch of time, with a little air on both sides. */
  zoom(window: Window): void {
    this.window = clampWindow(window, this.model.durationMs);
    this.schedule();
    this.events.zoomed(this.window);
  }

  /** Show a stretch of time, asked for from outside. */
  setWindow(window: Window): void {
    if (window.fromMs === this.window.fromMs && window.toMs === this.window.toMs) return;
    this.window = clampWindow(window, this.model.durationMs);
    this.schedule();
  }

  private refilter(): void {
    this.rows = visibleRows(this.model, { ...this.filter, collapsed: this.collapsed });
    this.sizer.style.height = `${this.rows.list.length * ROW_PX}px`;
    this.overviewImage = null;
    this.events.matches(this.rows.matches);
    this.describeItem();
    this.schedule();
  }

  private resize(): void {
    const box = this.host.getBoundingClientRect();
    this.size = { width: Math.floor(this.scroller.clientWidth || box.width), height: Math.floor(box.height - OVERVIEW_PX) };
    this.overviewImage = null;
    this.sizer.style.height = `${this.rows.list.length * ROW_PX}px`;
    this.reveal();
    this.schedule();
  }

  private schedule(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.paint();
    });
  }

  private scene(): Scene {
    const { model, rows, collapsed, window, colours, selected, hovered, brush } = this;
    const labelPx = Math.round(Math.min(360, Math.max(180, this.size.width * 0.36)));
    return { model, rows, collapsed, window, colours, selected, hovered, brush, ...this.size, labelPx, scrollPx: this.scroller.scrollTop };
  }

  private paint(): void {
    if (this.size.width < 10 || this.size.height < 10) return;
    const began = performance.now();
    const scene = this.scene();
    draw(fit(this.canvas, scene.width, scene.height), scene);
    this.paintOverview(scene);
    this.drawTimesMs.push(performance.now() - began);
    if (this.drawTimesMs.length > 1000) this.drawTimesMs.shift();
  }

  private paintOverview(scene: Scene): void {
    if (!this.overviewImage) {
      this.overviewImage = document.createElement("canvas");
      drawOverview(fit(this.overviewImage, scene.width, OVERVIEW_PX), scene, OVERVIEW_PX);
    }
    const context = fit(this.overview, scene.width, OVERVIEW_PX);
    context.drawImage(this.overviewImage, 0, 0, scene.width, OVERVIEW_PX);
    const whole = { ...scene, window: { fromMs: 0, toMs: this.model.durationMs } };
    const [x0, x1] = [xOf(whole, this.window.fromMs), xOf(whole, this.window.toMs)];
    context.globalAlpha = 0.75;
    context.fillStyle = this.colours.ground;
    context.fillRect(scene.labelPx, 0, x0 - scene.labelPx, OVERVIEW_PX);
    context.fillRect(x1, 0, scene.width - x1, OVERVIEW_PX);
    context.globalAlpha = 1;
    if (x1 - x0 > scene.width - scene.labelPx - 20) return;
    context.strokeStyle = this.colours.selection;
    context.strokeRect(x0 + 0.5, 0.5, Math.max(x1 - x0 - 1, 2), OVERVIEW_PX - 1);
  }

  private rowAt(event: MouseEvent): number {
    const y = event.clientY - this.scroller.getBoundingClientRect().top - HEAD_PX;
    const at = Math.floor((y + this.scroller.scrollTop) / ROW_PX);
    return y >= 0 && at < this.rows.list.length ? at : -1;
  }

  private xAt(event: MouseEvent): number {
    return event.clientX - this.scroller.getBoundingClientRect().left;
  }

  private wheel(event: WheelEvent): void {
    const scene = this.scene();
    const span = this.window.toMs - this.window.fromMs;
    const zooming = event.ctrlKey || event.metaKey || event.currentTarget === this.overview;
    const across = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (zooming) this.zoom(zoomAt(this.window, msAt(scene, this.xAt(event)), Math.exp(event.deltaY * 0.002), this.model.durationMs));
    else if (Math.abs(across) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
      const shift = (across / scene.width) * span;
      this.zoom({ fromMs: this.window.fromMs + shift, toMs: this.window.toMs + shift });
    } else return;
    event.preventDefault();
  }

  private press(event: PointerEvent): void {
    if (event.button !== 0) return;
    const from = this.xAt(event);
    const at = this.rowAt(event);
    const { labelPx } = this.scene();
    const move = (next: PointerEvent) => {
      const to = Math.max(this.xAt(next), labelPx);
      if (from >= labelPx && Math.abs(to - from) > 4) this.brush = [from, to];
      this.schedule();
    };
    const release = () => {
      this.scroller.removeEventListener("pointermove", move);
      if (this.brush) this.zoomToBrush();
      else if (at >= 0) this.click(at, from);
    };
    this.scroller.addEventListener("pointermove", move, { signal: this.stop.signal });
    window.addEventListener("pointerup", release, { once: true, signal: this.stop.signal });
  }

  private zoomToBrush(): void {
    const scene = this.scene();
    const [a, b] = this.brush!.map((x) => msAt(scene, x)).sort((x, y) => x - y);
    this.brush = null;
    this.zoom({ fromMs: a, toMs: b });
  }

  private click(at: number, x: number): void {
    const row = this.nodeAt(at);
    const begin = indent(this.model, row, this.scene().labelPx);
    const onTriangle = this.rows.list[at] >= 0 && x >= begin - 6 && x <= begin + 10 && this.model.below[row] > 1;
    if (onTriangle) this.toggle(row);
    else this.choose(row);
  }

  private nodeAt(at: number): number {
    const row = this.rows.list[at];
    return row >= 0 ? row : this.model.logs[-1 - row].row;
  }

  private toggle(row: number): void {
    if (!this.collapsed.delete(row)) this.collapsed.add(row);
    this.refilter();
  }

  private choose(row: number): void {
    this.selected = row;
    this.describeItem();
    this.schedule();
    this.events.select(row);
  }

  private dragOverview(event: PointerEvent): void {
    const scene = { ...this.scene(), window: { fromMs: 0, toMs: this.model.durationMs } };
    const from = msAt(scene, this.xAt(event));
    const move = (next: PointerEvent) => {
      const to = msAt(scene, this.xAt(next));
      if (Math.abs(to - from) > this.model.durationMs * 0.004) this.zoom({ fromMs: Math.min(from, to), toMs: Math.max(from, to) });
    };
    const stop = new AbortController();
    window.addEventListener("pointermove", move, { signal: stop.signal });
    window.addEventListener("pointerup", () => stop.abort(), { once: true });
  }

  private hover(event: PointerEvent): void {
    const at = this.rowAt(event);
    if (at !== this.hovered) {
      this.hovered = at;
      this.schedule();
    }
    this.tip.hidden = at < 0 || this.brush !== null;
    if (this.tip.hidden) return;
    const row = this.rows.list[at];
    this.tip.textContent = row >= 0 ? describe(this.model, row).join("\n") : this.model.logs[-1 - row].body.slice(0, 1500);
    place(this.tip, this.host, event);
  }

  private leave(): void {
    this.hovered = -1;
    this.tip.hidden = true;
    this.schedule();
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moves: Record<string, () => void> = {
      ArrowDown: () => this.step(1),
      j: () => this.step(1),
      ArrowUp: () => this.step(-1),
      k: () => this.step(-1),
      ArrowLeft: () => this.fold(true),
      ArrowRight: () => this.fold(false),
      Home: () => this.choose(this.nodeAt(0)),
      End: () => this.choose(this.nodeAt(this.rows.list.length - 1)),
      "+": () => this.zoom(zoomAt(this.window, this.middle(), 0.6, this.model.durationMs)),
      "-": () => this.zoom(zoomAt(this.window, this.middle(), 1.6, this.model.durationMs)),
      "0": () => this.reset(),
    };
    const move = moves[event.key];
    if (!move || !this.rows.list.length) return;
    event.preventDefault();
    event.stopPropagation();
    move();
    this.reveal();
  }

  private middle(): number {
    return this.selected >= 0 ? this.model.start[this.selected] : (this.window.fromMs + this.window.toMs) / 2;
  }

  private step(by: number): void {
    let at = this.selected >= 0 ? this.rows.position[this.selected] + by : 0;
    while (at > 0 && at < this.rows.list.length - 1 && this.rows.list[at] < 0) at += by;
    if (at >= 0 && at < this.rows.list.length && this.rows.list[at] >= 0) this.choose(this.rows.list[at]);
  }

  private fold(close: boolean): void {
    const row = this.selected;
    if (row < 0) return;
    if (close !== this.collapsed.has(row) && this.model.below[row] > 1) this.toggle(row);
    else if (close && this.model.parent[row] >= 0) this.choose(this.model.parent[row]);
    else if (!close && this.model.below[row] > 1) this.step(1);
  }

  /** Scroll the selected row into view. */
  private reveal(): void {
    const at = this.selected >= 0 ? this.rows.position[this.selected] : -1;
    if (at < 0 || !this.size.height) return;
    const [y, room] = [at * ROW_PX, this.size.height - HEAD_PX - ROW_PX];
    const { scrollTop } = this.scroller;
    if (y < scrollTop) this.scroller.scrollTop = y;
    else if (y > scrollTop + room) this.scroller.scrollTop = y - room / 2;
  }

  private describeItem(): void {
    const { item, model, selected } = this;
    const row = selected >= 0 ? selected : model.order[0];
    if (row === undefined) return;
    item.textContent = describe(model, row).join(", ");
    item.setAttribute("aria-level", String(model.depth[row] + 1));
    item.setAttribute("aria-selected", String(selected >= 0));
    item.setAttribute("aria-posinset", String(this.rows.position[row] + 1));
    item.setAttribute("aria-setsize", String(this.rows.list.length));
    if (model.below[row] > 1) item.setAttribute("aria-expanded", String(!this.collapsed.has(row)));
    else item.removeAttribute("aria-expanded");
    this.scroller.setAttribute("aria-activedescendant", item.id);
  }
}

/** Put a tip beside the pointer, inside its host. */
export function place(tip: HTMLElement, host: HTMLElement, event: MouseEvent): void {
  const box = host.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  tip.style.left = `${Math.max(4, Math.min(x + 14, box.width - tip.offsetWidth - 6))}px`;
  tip.style.top = `${y + 18 + tip.offsetHeight > box.height ? Math.max(y - tip.offsetHeight - 10, 4) : y + 18}px`;
}
