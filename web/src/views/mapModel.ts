/** What of a service map is drawn: filtered, folded into groups, with who is beside whom. Pure. */

import { count, duration, percent } from "../format";
import type { MapAnswer, MapEdge, MapNode } from "../mapApi";

/** More nodes than this are not legible: they are folded into groups. */
export const MOST_NODES = 200;

export interface DrawnNode extends MapNode {
  /** How many nodes are folded into this one; 1 for one that is itself. */
  members: number;
}

export interface MapModel {
  nodes: DrawnNode[];
  edges: MapEdge[];
  byId: Map<string, DrawnNode>;
  /** Groups that are folded. */
  folded: string[];
}

const OTHERS = "without a group";

/** The group of a node where nobody tagged it: what its name begins with. */
export function groupOf(node: MapNode, tagged: boolean): string {
  if (tagged) return node.group || OTHERS;
  return /^[^-_/. ]+/.exec(node.name)?.[0] ?? OTHERS;
}

/** What a node is found by. */
function matches(node: MapNode, text: string): boolean {
  return [node.name, node.kind, node.group].some((part) => part.toLowerCase().includes(text));
}

/** The nodes that match, and those beside them; all of them without a text. */
export function filtered(answer: MapAnswer, text: string): { nodes: MapNode[]; edges: MapEdge[]; found: Set<string> } {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return { nodes: answer.nodes, edges: answer.edges, found: new Set() };
  const found = new Set(answer.nodes.filter((node) => matches(node, wanted)).map((node) => node.id));
  const edges = answer.edges.filter((edge) => found.has(edge.from) || found.has(edge.to));
  const kept = new Set([...found, ...edges.flatMap((edge) => [edge.from, edge.to])]);
  return { nodes: answer.nodes.filter((node) => kept.has(node.id)), edges, found };
}

/** Fold groups where there are too many nodes, or where it was asked for; `open` stay as they are. */
export function fold(nodes: MapNode[], edges: MapEdge[], wanted: boolean, open: ReadonlySet<string>): MapModel {
  const tagged = nodes.some((node) => node.group);
  const folding = wanted || nodes.length > MOST_NODES;
  const drawn = new Map<string, DrawnNode>();
  const place = new Map<string, string>();
  const sizes = new Map<string, number>();
  for (const node of nodes) sizes.set(groupOf(node, tagged), (sizes.get(groupOf(node, tagged)) ?? 0) + 1);
  for (const node of nodes) {
    const group = groupOf(node, tagged);
    if (!folding || open.has(group) || sizes.get(group) === 1) {
      drawn.set(node.id, { ...node, members: 1 });
      place.set(node.id, node.id);
      continue;
    }
    const id = `group/${group}`;
    const whole = drawn.get(id) ?? emptyGroup(id, group);
    whole.members++;
    whole.count += node.count;
    whole.error_count += node.error_count;
    whole.p95_ms = longer(whole.p95_ms, node.p95_ms);
    whole.wait_p50_ms = longer(whole.wait_p50_ms, node.wait_p50_ms);
    whole.wait_p95_ms = longer(whole.wait_p95_ms, node.wait_p95_ms);
    whole.is_entry ||= node.is_entry;
    drawn.set(id, whole);
    place.set(node.id, id);
  }
  const list = [...drawn.values()];
  return { nodes: list, edges: joined(edges, place), byId: drawn, folded: list.filter((node) => node.kind === "group").map((node) => node.name) };
}

function emptyGroup(id: string, name: string): DrawnNode {
  const none = { p95_ms: null, cold_start_count: null, cold_start_share: null, wait_p50_ms: null, wait_p95_ms: null };
  return { id, kind: "group", source: "", name, group: name, is_entry: false, count: 0, error_count: 0, ...none, members: 0 };
}

function longer(one: number | null, other: number | null): number | null {
  return one === null ? other : other === null ? one : Math.max(one, other);
}

/** Edges between what is drawn; several between the same two become one. */
function joined(edges: MapEdge[], place: Map<string, string>): MapEdge[] {
  const found = new Map<string, MapEdge>();
  for (const edge of edges) {
    const [from, to] = [place.get(edge.from), place.get(edge.to)];
    if (!from || !to || from === to) continue;
    const known = found.get(`${from} ${to}`);
    if (!known) {
      found.set(`${from} ${to}`, { ...edge, from, to });
      continue;
    }
    known.count += edge.count;
    known.error_count += edge.error_count;
    known.p95_ms = longer(known.p95_ms, edge.p95_ms);
    known.wait_p95_ms = longer(known.wait_p95_ms, edge.wait_p95_ms);
    known.wait_p50_ms = longer(known.wait_p50_ms, edge.wait_p50_ms);
    known.inferred &&= edge.inferred;
    known.estimated ||= edge.estimated;
  }
  return [...found.values()];
}

/** A node and all that are beside it. */
export function neighbourhood(model: MapModel, id: string): Set<string> {
  const near = new Set([id]);
  for (const edge of model.edges) {
    if (edge.from === id) near.add(edge.to);
    if (edge.to === id) near.add(edge.from);
  }
  return near;
}

/** A node or edge in which something went wrong often enough to say so. */
export function troubled(one: { count: number; error_count: number }): boolean {
  return one.error_count > 0 && one.error_count / Math.max(one.count, 1) >= 0.005;
}

/** A count that is short: `9,500`, `25k`, `1.2M`. */
export function short(value: number): string {
  if (value < 10_000) return count(value);
  return value < 999_500 ? `${Math.round(value / 1000)}k` : `${(value / 1e6).toFixed(1)}M`;
}

/** The figures of a node in one line. */
export function figures(node: DrawnNode): string {
  const parts = [short(node.count)];
  if (node.error_count) parts.push(`${percent(node.error_count / Math.max(node.count, 1))} fail`);
  if (node.wait_p95_ms !== null) parts.push(`waits ${duration(node.wait_p95_ms)}`);
  else if (node.p95_ms !== null) parts.push(duration(node.p95_ms));
  return parts.join(" · ");
}

/** A node in words, for those who hear the map. */
export function nodeWords(node: DrawnNode): string {
  const what = node.kind === "group" ? `group of ${node.members}` : node.kind;
  const parts = [`${node.name}, ${what}`, `${count(node.count)} in all`];
  if (node.error_count) parts.push(`${percent(node.error_count / Math.max(node.count, 1))} failed`);
  if (node.p95_ms !== null) parts.push(`p95 ${duration(node.p95_ms)}`);
  if (node.wait_p95_ms !== null) parts.push(`waited p95 ${duration(node.wait_p95_ms)}`);
  return parts.join(", ");
}

/** What went over an edge, in words. */
export function edgeWords(edge: MapEdge): string[] {
  const lines = [`${edge.kind} ${edge.estimated ? "about " : ""}${count(edge.count)} times`];
  if (edge.error_count) lines.push(`${count(edge.error_count)} failed`);
  if (edge.p95_ms !== null) lines.push(`took p50 ${duration(edge.p50_ms)}, p95 ${duration(edge.p95_ms)}`);
  if (edge.wait_p95_ms !== null) lines.push(`waited p50 ${duration(edge.wait_p50_ms)}, p95 ${duration(edge.wait_p95_ms)}`);
  if (edge.inferred) lines.push(`inferred from times, ${percent(edge.confidence)} sure`);
  else if (edge.evidence === "message") lines.push("known by the ids of messages");
  return lines;
}

/** How wide an edge is drawn: by the magnitude of what goes over it. */
export function widthOf(edge: MapEdge): number {
  return Math.min(7, 1 + Math.log10(Math.max(edge.count, 1)) * 1.1);
}
