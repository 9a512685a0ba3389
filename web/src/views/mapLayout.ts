/** Where the nodes of a service map stand: cause left, effect right. Pure; runs in a worker. */

import { graphlib, layout } from "@dagrejs/dagre";

export const NODE_WIDTH = 176;
export const NODE_HEIGHT = 42;

export interface MapToPlace {
  nodes: { id: string; group: string }[];
  edges: { from: string; to: string; weight: number }[];
}

export interface PlacedMap {
  width: number;
  height: number;
  /** By node id: the left upper corner. */
  nodes: Record<string, { x: number; y: number }>;
  /** In the order of the edges: points of the line. */
  edges: { x: number; y: number }[][];
}

const MARGIN = 24;

export function placeMap({ nodes, edges }: MapToPlace): PlacedMap {
  const graph = new graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 16, ranksep: 88, edgesep: 10, marginx: MARGIN, marginy: MARGIN, ranker: nodes.length > 120 ? "longest-path" : "network-simplex" });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of inGroups(nodes)) graph.setNode(node.id, { width: NODE_WIDTH, height: NODE_HEIGHT });
  edges.forEach((edge, i) => graph.setEdge(edge.from, edge.to, { weight: edge.weight }, String(i)));
  layout(graph);
  const placed: PlacedMap["nodes"] = {};
  for (const { id } of nodes) {
    const at = graph.node(id) as unknown as { x: number; y: number };
    placed[id] = { x: at.x - NODE_WIDTH / 2, y: at.y - NODE_HEIGHT / 2 };
  }
  const size = graph.graph() as { width?: number; height?: number };
  const lines = edges.map((edge, i) => (graph.edge(edge.from, edge.to, String(i)) as { points: { x: number; y: number }[] }).points);
  return { width: size.width ?? 0, height: size.height ?? 0, nodes: placed, edges: lines };
}

/** Nodes of a group are set one after the other, so that they begin beside each other. */
function inGroups<T extends { id: string; group: string }>(nodes: T[]): T[] {
  return [...nodes].sort((a, b) => a.group.localeCompare(b.group) || a.id.localeCompare(b.id));
}
