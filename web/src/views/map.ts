/** The service map: an SVG that pans, zooms and selects. Knows no framework; its host gives it a box. */

import { NODE_HEIGHT, NODE_WIDTH, type PlacedMap } from "./mapLayout";
import { edgeWords, figures, neighbourhood, nodeWords, troubled, widthOf, type DrawnNode, type MapModel } from "./mapModel";
import { place } from "./waterfall";

const SVG = "http://www.w3.org/2000/svg";
const [LEAST_SCALE, MOST_SCALE, READABLE] = [0.1, 2.5, 0.62];
const DRAG_PX = 4;

/** One path a kind, in a box of 14 by 14: told apart by shape, never by colour. */
const GLYPHS: Record<string, string> = {
  function: "M3 2h2.5l5 10M7.2 6L3.2 12",
  api: "M1.5 7h11M9 3.5L12.5 7L9 10.5M1.5 3v8",
  service: "M2.5 2.5h9v9h-9z",
  queue: "M1.5 4h11v6h-11zM5 4v6M8.5 4v6",
  stream: "M1.5 4.5c2-2 3.5-2 5.5 0s3.5 2 5.5 0M1.5 9.5c2-2 3.5-2 5.5 0s3.5 2 5.5 0",
  topic: "M2 7a5 5 0 0 1 5-5M2 7a5 5 0 0 0 5 5M7 4.5a2.5 2.5 0 1 1 0 5a2.5 2.5 0 0 1 0-5",
  bus: "M1.5 7h11M4 7V3M7 7v4M10 7V3",
  table: "M2 3h10v8.5H2zM2 6h10M6 6v5.5",
  bucket: "M2.5 3h9L10 12H4z",
  workflow: "M2 2.5h4v3H2zM8 8.5h4v3H8zM4 5.5v4.5h4",
  database: "M2.5 3.5c0-2 9-2 9 0v7c0 2-9 2-9 0zM2.5 3.5c0 2 9 2 9 0",
  group: "M2 4.5h8v7H2zM4 4.5v-2h8v7h-2",
};
const OUTSIDE = "M7 1.5a5.5 5.5 0 1 1 0 11a5.5 5.5 0 0 1 0-11M1.5 7h11M7 1.5c-3 3-3 8 0 11M7 1.5c3 3 3 8 0 11";

interface Options {
  select: (id: string | null) => void;
  open: (id: string) => void;
}

function element<K extends keyof SVGElementTagNameMap>(name: K, attributes: Record<string, string | number>, into?: Element): SVGElementTagNameMap[K] {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  into?.append(made);
  return made;
}

export class ServiceMapView {
  private readonly svg = element("svg", { class: "map-svg", tabindex: 0, role: "tree", "aria-label": "Service map; left leads to a cause, right to an effect, Enter opens" });
  private readonly all = element("g", {});
  private readonly tip = document.createElement("div");
  private readonly stop = new AbortController();
  private readonly watcher: ResizeObserver;
  private nodes = new Map<string, SVGGElement>();
  private lines: SVGGElement[] = [];
  private model: MapModel | null = null;
  private placed: PlacedMap | null = null;
  private selected: string | null = null;
  private found: ReadonlySet<string> = new Set();
  private scale = 1;
  private at = { x: 0, y: 0 };
  private fitted = "";
  private drag: { x: number; y: number; moved: boolean } | null = null;

  constructor(
    private readonly host: HTMLElement,
    private readonly options: Options,
  ) {
    host.classList.add("map");
    const defs = element("defs", {}, this.svg);
    for (const name of ["arrow", "arrow-bad", "arrow-near"]) {
      const marker = element("marker", { id: name, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, markerUnits: "userSpaceOnUse", orient: "auto" }, defs);
      element("path", { d: "M0 0.5L8 4L0 7.5z", class: name }, marker);
    }
    this.svg.append(this.all);
    this.tip.className = "view-tip";
    this.tip.hidden = true;
    host.append(this.svg, this.tip);
    const signal = this.stop.signal;
    this.svg.addEventListener("wheel", (event) => this.wheel(event), { signal, passive: false });
    this.svg.addEventListener("pointerdown", (event) => this.press(event), { signal });
    this.svg.addEventListener("pointermove", (event) => this.move(event), { signal });
    this.svg.addEventListener("pointerup", (event) => this.release(event), { signal });
    this.svg.addEventListener("pointerleave", () => (this.tip.hidden = true), { signal });
    this.svg.addEventListener("dblclick", (event) => this.enter(this.idAt(event)), { signal });
    this.svg.addEventListener("keydown", (event) => this.key(event), { signal });
    this.watcher = new ResizeObserver(() => this.placed && this.fitted === "" && this.fit());
    this.watcher.observe(host);
    Object.assign(host, { map: this });
  }

  destroy(): void {
    this.stop.abort();
    this.watcher.disconnect();
    this.host.replaceChildren();
  }

  show(model: MapModel, placed: PlacedMap, found: ReadonlySet<string>): void {
    this.model = model;
    this.placed = placed;
    this.found = found;
    this.all.replaceChildren();
    this.nodes = new Map();
    this.lines = model.edges.map((_, i) => this.drawEdge(i));
    for (const node of model.nodes) this.nodes.set(node.id, this.drawNode(node));
    const shape = [...this.nodes.keys()].sort().join("\n");
    // New figures of the same nodes leave the view where it is.
    if (shape !== this.fitted) this.fit();
    this.fitted = shape;
    this.mark();
  }

  select(id: string | null): void {
    if (id === this.selected) return;
    this.selected = id;
    this.mark();
    if (id) this.reveal(id);
  }

  zoomBy(factor: number, at?: { x: number; y: number }): void {
    const box = this.svg.getBoundingClientRect();
    const point = at ?? { x: box.width / 2, y: box.height / 2 };
    const next = Math.min(MOST_SCALE, Math.max(LEAST_SCALE, this.scale * factor));
    this.at.x = point.x - ((point.x - this.at.x) * next) / this.scale;
    this.at.y = point.y - ((point.y - this.at.y) * next) / this.scale;
    this.scale = next;
    this.transform();
  }

  fit(): void {
    const box = this.svg.getBoundingClientRect();
    if (!this.placed || box.width < 10) return;
    this.scale = Math.max(LEAST_SCALE, Math.min(1, box.width / this.placed.width, box.height / this.placed.height));
    this.at = { x: (box.width - this.placed.width * this.scale) / 2, y: (box.height - this.placed.height * this.scale) / 2 };
    this.transform();
  }

  private transform(): void {
    this.all.setAttribute("transform", `translate(${this.at.x} ${this.at.y}) scale(${this.scale})`);
    this.svg.classList.toggle("far", this.scale < READABLE);
  }

  private drawEdge(index: number): SVGGElement {
    const edge = this.model!.edges[index];
    const points = atSides(this.placed!.edges[index], this.placed!.nodes[edge.from], this.placed!.nodes[edge.to]);
    const bad = troubled(edge);
    const group = element("g", { class: `map-edge${bad ? " bad" : ""}${edge.inferred ? " inferred" : ""}`, "data-edge": index, "aria-hidden": "true" }, this.all);
    const line = curve(points);
    element("path", { d: line, class: "map-reach" }, group);
    element("path", { d: line, class: "map-line", "stroke-width": widthOf(edge).toFixed(1), "marker-end": `url(#${bad ? "arrow-bad" : "arrow"})` }, group);
    if (edge.wait_p95_ms !== null && edge.wait_p95_ms >= 1) {
      const middle = points[Math.floor(points.length / 2)];
      const text = edgeWords(edge).find((words) => words.startsWith("waited"))!.replace(/^waited .*p95 /, "waits ");
      element("text", { x: middle.x, y: middle.y - 5, class: "map-wait", "text-anchor": "middle" }, group).textContent = text;
    }
    return group;
  }

  private drawNode(node: DrawnNode): SVGGElement {
    const { x, y } = this.placed!.nodes[node.id];
    const bad = troubled(node);
    const name = shortened(node.members > 1 ? `${node.name} (${node.members})` : node.name, 22);
    const told = shortened(figures(node), 32);
    const group = element("g", { class: `map-node${bad ? " bad" : ""}`, transform: `translate(${x} ${y})`, "data-node": node.id, role: "treeitem", id: `map-${node.id}`, "aria-selected": "false" }, this.all);
    if (node.members > 1) element("rect", { x: 4, y: -4, width: NODE_WIDTH, height: NODE_HEIGHT, rx: 4, class: "map-box" }, group);
    element("rect", { width: NODE_WIDTH, height: NODE_HEIGHT, rx: 4, class: "map-box" }, group);
    if (node.is_entry) element("rect", { width: 3, height: NODE_HEIGHT, rx: 1, class: "map-entry" }, group);
    element("path", { d: GLYPHS[node.kind] ?? OUTSIDE, transform: "translate(9 6)", class: "map-glyph" }, group);
    element("text", { x: 29, y: 17, class: "map-name" }, group).textContent = name;
    element("text", { x: 10, y: 33, class: "map-figures" }, group).textContent = told;
    // What is heard says more than what is seen.
    element("text", { x: 10, y: 33, class: "map-heard" }, group).textContent = nodeWords(node);
    return group;
  }

  private mark(): void {
    if (!this.model) return;
    const chosen = this.selected && this.model.byId.has(this.selected) ? this.selected : null;
    const near = chosen ? neighbourhood(this.model, chosen) : null;
    for (const [id, group] of this.nodes) {
      group.classList.toggle("chosen", id === chosen);
      group.classList.toggle("found", this.found.has(id));
      group.classList.toggle("faded", near !== null && !near.has(id));
      group.setAttribute("aria-selected", String(id === chosen));
    }
    this.model.edges.forEach((edge, i) => {
      const beside = chosen !== null && (edge.from === chosen || edge.to === chosen);
      this.lines[i].classList.toggle("near", beside);
      this.lines[i].classList.toggle("faded", chosen !== null && !beside);
    });
    if (chosen) this.svg.setAttribute("aria-activedescendant", `map-${chosen}`);
    else this.svg.removeAttribute("aria-activedescendant");
  }

  private reveal(id: string): void {
    const at = this.placed?.nodes[id];
    if (!at) return;
    const box = this.svg.getBoundingClientRect();
    const [x, y] = [at.x * this.scale + this.at.x, at.y * this.scale + this.at.y];
    if (x > 8 && y > 8 && x + NODE_WIDTH * this.scale < box.width - 8 && y + NODE_HEIGHT * this.scale < box.height - 8) return;
    this.at.x += box.width / 2 - x - (NODE_WIDTH / 2) * this.scale;
    this.at.y += box.height / 2 - y - (NODE_HEIGHT / 2) * this.scale;
    this.transform();
  }

  private idAt(event: Event): string | null {
    return (event.target as Element).closest("[data-node]")?.getAttribute("data-node") ?? null;
  }

  private enter(id: string | null): void {
    if (id) this.options.open(id);
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    const box = this.svg.getBoundingClientRect();
    this.zoomBy(Math.exp(-event.deltaY * 0.0015), { x: event.clientX - box.left, y: event.clientY - box.top });
  }

  private press(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.drag = { x: event.clientX, y: event.clientY, moved: false };
  }

  private move(event: PointerEvent): void {
    if (!this.drag) return this.hover(event);
    const [dx, dy] = [event.clientX - this.drag.x, event.clientY - this.drag.y];
    if (!this.drag.moved && Math.hypot(dx, dy) < DRAG_PX) return;
    if (!this.drag.moved) this.svg.setPointerCapture(event.pointerId);
    this.at = { x: this.at.x + dx, y: this.at.y + dy };
    this.drag = { x: event.clientX, y: event.clientY, moved: true };
    this.tip.hidden = true;
    this.transform();
  }

  private release(event: PointerEvent): void {
    const moved = this.drag?.moved;
    this.drag = null;
    if (!moved && event.button === 0) this.choose(this.idAt(event));
  }

  private choose(id: string | null): void {
    this.select(id);
    this.options.select(id);
  }

  private hover(event: PointerEvent): void {
    const target = event.target as Element;
    const node = this.model?.byId.get(this.idAt(event) ?? "");
    const edge = this.model?.edges[Number(target.closest("[data-edge]")?.getAttribute("data-edge") ?? -1)];
    this.tip.hidden = !node && !edge;
    if (node) this.tip.textContent = nodeWords(node);
    else if (edge) this.tip.textContent = [`${this.nameOf(edge.from)} → ${this.nameOf(edge.to)}`, ...edgeWords(edge)].join("\n");
    if (!this.tip.hidden) place(this.tip, this.host, event);
  }

  private nameOf(id: string): string {
    return this.model?.byId.get(id)?.name ?? id;
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.model?.nodes.length) return;
    const moves: Record<string, () => void> = {
      ArrowLeft: () => this.follow("to", "from"),
      ArrowRight: () => this.follow("from", "to"),
      ArrowDown: () => this.beside(1),
      ArrowUp: () => this.beside(-1),
      Enter: () => this.enter(this.selected),
      Escape: () => this.choose(null),
      "+": () => this.zoomBy(1.3),
      "-": () => this.zoomBy(1 / 1.3),
      "0": () => this.fit(),
    };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    move();
  }

  /** To the busiest cause or effect of what is selected. */
  private follow(mine: "from" | "to", other: "from" | "to"): void {
    const next = this.selected ? this.model!.edges.filter((edge) => edge[mine] === this.selected).sort((a, b) => b.count - a.count)[0]?.[other] : this.first();
    if (next) this.choose(next);
  }

  private first(): string {
    const { nodes } = this.placed!;
    return Object.keys(nodes).sort((a, b) => nodes[a].x - nodes[b].x || nodes[a].y - nodes[b].y)[0];
  }

  /** The next one above or below in the same column. */
  private beside(by: number): void {
    const nodes = this.placed!.nodes;
    const here = this.selected ? nodes[this.selected] : undefined;
    if (!here) return this.choose(this.first());
    const column = Object.keys(nodes).filter((id) => Math.abs(nodes[id].x - here.x) < 1).sort((a, b) => nodes[a].y - nodes[b].y);
    const next = column[column.indexOf(this.selected!) + by];
    if (next) this.choose(next);
  }
}

/** A line that goes on leaves its cause at the right and reaches its effect at the left. */
function atSides(points: { x: number; y: number }[], from: { x: number; y: number }, to: { x: number; y: number }): { x: number; y: number }[] {
  if (to.x < from.x + NODE_WIDTH) return points;
  const middle = NODE_HEIGHT / 2;
  return [{ x: from.x + NODE_WIDTH, y: from.y + middle }, ...points.slice(1, -1), { x: to.x - 1, y: to.y + middle }];
}

function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** A smooth line through the points that the layout gives an edge. */
export function curve(points: { x: number; y: number }[]): string {
  const [first, ...rest] = points;
  let line = `M${first.x.toFixed(1)} ${first.y.toFixed(1)}`;
  for (let i = 0; i < rest.length; i++) {
    const [from, to] = [points[i], rest[i]];
    const middle = (from.x + to.x) / 2;
    line += `C${middle.toFixed(1)} ${from.y.toFixed(1)} ${middle.toFixed(1)} ${to.y.toFixed(1)} ${to.x.toFixed(1)} ${to.y.toFixed(1)}`;
  }
  return line;
}
