import { describe as suite, expect, test } from "vitest";
import type { TrailColumns } from "../src/api";
import { columnsOf, layoutGraph, onArrow } from "../src/views/graphLayout";
import { decode } from "../src/views/model";
import { layoutSequence } from "../src/views/sequenceLayout";
import { smallTrail } from "./trail";

/** A request with `leaves` alike operations below it. */
function fan(leaves: number): TrailColumns {
  const trail = smallTrail();
  const size = leaves + 1;
  const all = <T>(first: T, rest: T) => [first, ...Array.from({ length: leaves }, () => rest)];
  return {
    ...trail,
    node_count: size,
    nodes: {
      ...trail.nodes,
      node_id: Array.from({ length: size }, (_, i) => `n${i}`),
      kind: all(0, 1),
      service: all(3, 4),
      name: all(3, 4),
      status: all(7, 7),
      start_offset_ms: Array.from({ length: size }, (_, i) => i),
      duration_ms: all(1000, 5),
      wait_ms: all(null, null),
      init_ms: all(null, null),
      cold_start: all(null, null),
      attempt: all(1, 1),
      depth: all(0, 1),
      parent: all(-1, 0),
    },
    edges: { from: all(0, 0).slice(1), to: Array.from({ length: leaves }, (_, i) => i + 1), kind: all(9, 9).slice(1), evidence: all(12, 12).slice(1), confidence: all(1, 1).slice(1) },
    logs: [],
    critical_path: [0],
  };
}

suite("the causal graph", () => {
  test("puts every effect right of its cause", () => {
    const model = decode(smallTrail());
    const { boxOf } = layoutGraph(model);
    for (const edge of model.edges) expect(boxOf[edge.to]!.x).toBeGreaterThan(boxOf[edge.from]!.x);
  });
  test("stacks what is alike and failed alike, from four on", () => {
    expect(layoutGraph(decode(fan(3))).boxes).toHaveLength(4);
    const stacked = layoutGraph(decode(fan(50)));
    expect(stacked.boxes).toHaveLength(2);
    expect(stacked.boxes[1].rows).toHaveLength(50);
    expect(stacked.arrows).toHaveLength(1);
  });
  test("never lays two boxes over each other", () => {
    const { boxes } = layoutGraph(decode(smallTrail()));
    const places = new Set(boxes.map((box) => `${box.x} ${box.y}`));
    expect(places.size).toBe(boxes.length);
  });
  test("takes the longest way to a node that several causes lead to", () => {
    const trail = smallTrail();
    trail.edges.from.push(0);
    trail.edges.to.push(3);
    trail.edges.kind.push(9);
    trail.edges.evidence.push(12);
    trail.edges.confidence.push(1);
    expect([...columnsOf(decode(trail))]).toEqual([0, 1, 2, 3]);
  });
  test("gives a cycle the column of the tree instead of going round", () => {
    const trail = smallTrail();
    trail.edges.from.push(3);
    trail.edges.to.push(1);
    trail.edges.kind.push(9);
    trail.edges.evidence.push(12);
    trail.edges.confidence.push(0.7);
    expect([...columnsOf(decode(trail))]).toEqual([0, 1, 2, 3]);
  });
  test("draws an inferred edge as such, from the cause's side to the effect's", () => {
    const { arrows } = layoutGraph(decode(smallTrail()));
    expect(arrows.map((arrow) => arrow.certain)).toEqual([true, true, false]);
    expect(onArrow(arrows[0], 0)[0]).toBeLessThan(onArrow(arrows[0], 1)[0]);
  });
  test("lays 5,000 nodes out in a moment", () => {
    const model = decode(fan(5000));
    const began = performance.now();
    layoutGraph(model);
    expect(performance.now() - began).toBeLessThan(1000);
  });
});

suite("the sequence of a stretch of time", () => {
  const model = decode(smallTrail());
  test("holds what overlaps it and nothing else", () => {
    expect(layoutSequence(model, 900, { fromMs: 0, toMs: 100 }).bars.map((bar) => bar.row).sort()).toEqual([0, 1, 2, 3].filter((row) => model.start[row] - model.gap[row] <= 100));
    expect(layoutSequence(model, 900, { fromMs: 60_100, toMs: 60_150 }).bars.map((bar) => bar.row)).toEqual([3]);
  });
  test("is the whole trail without one", () => {
    expect(layoutSequence(model, 900).bars).toHaveLength(4);
  });
});
