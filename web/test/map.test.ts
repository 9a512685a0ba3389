import { describe, expect, it } from "vitest";
import type { MapAnswer, MapEdge, MapNode } from "../src/mapApi";
import { placeMap } from "../src/views/mapLayout";
import { edgeWords, filtered, fold, MOST_NODES, neighbourhood, widthOf } from "../src/views/mapModel";

const node = (id: string, more: Partial<MapNode> = {}): MapNode => ({ id, kind: "function", source: "", name: id, group: "", is_entry: false, count: 10, error_count: 0, p95_ms: 5, cold_start_count: 0, cold_start_share: 0, wait_p50_ms: null, wait_p95_ms: null, ...more });
const edge = (from: string, to: string, more: Partial<MapEdge> = {}): MapEdge => ({ from, to, kind: "calls", count: 10, error_count: 0, p50_ms: 1, p95_ms: 2, wait_p50_ms: null, wait_p95_ms: null, evidence: "span", confidence: 1, inferred: false, estimated: false, ...more });
const answer = (nodes: MapNode[], edges: MapEdge[]): MapAnswer => ({ since: "", until: "", group: "application", nodes, edges, left_out: 0 });

describe("a service map", () => {
  const shop = answer([node("api"), node("orders", { group: "shop" }), node("queue", { kind: "queue" }), node("mail", { group: "post" })], [edge("api", "orders"), edge("orders", "queue"), edge("queue", "mail")]);

  it("shows what matches and what is beside it", () => {
    const { nodes, edges, found } = filtered(shop, "SHOP");
    expect([...found]).toEqual(["orders"]);
    expect(nodes.map((one) => one.id)).toEqual(["api", "orders", "queue"]);
    expect(edges.length).toBe(2);
  });

  it("folds applications where there are more nodes than one can read, and sums them up", () => {
    const many = Array.from({ length: MOST_NODES + 1 }, (_, i) => node(`n${i}`, { group: i % 2 ? "odd" : "even", error_count: 1 }));
    const edges = [edge("n0", "n1", { wait_p95_ms: 3 }), edge("n2", "n3", { wait_p95_ms: 7, inferred: true }), edge("n0", "n2")];
    const { nodes, edges: drawn } = fold(many, edges, false, new Set());
    expect(nodes.map((one) => [one.id, one.members, one.count, one.error_count])).toEqual([
      ["group/even", 101, 1010, 101],
      ["group/odd", 100, 1000, 100],
    ]);
    expect(drawn).toMatchObject([{ from: "group/even", to: "group/odd", count: 20, wait_p95_ms: 7, inferred: false }]);
    expect(fold(many, edges, false, new Set(["odd"])).nodes.length).toBe(101);
  });

  it("folds by the beginning of names where nobody tagged anything", () => {
    const { nodes } = fold([node("shop-a"), node("shop-b"), node("mail")], [], true, new Set());
    expect(nodes.map((one) => one.id)).toEqual(["group/shop", "mail"]);
  });

  it("knows who is beside whom", () => {
    expect(neighbourhood(fold(shop.nodes, shop.edges, false, new Set()), "orders")).toEqual(new Set(["api", "orders", "queue"]));
  });

  it("draws what more goes over wider, and says how sure a guess is", () => {
    expect(widthOf(edge("a", "b", { count: 10_000 }))).toBeGreaterThan(widthOf(edge("a", "b", { count: 10 })));
    expect(edgeWords(edge("a", "b", { inferred: true, confidence: 0.7 })).at(-1)).toContain("70");
  });

  it("places a cause left of its effect, also in a circle and with edges both ways", () => {
    const edges = [...shop.edges, edge("mail", "api")].map((one) => ({ from: one.from, to: one.to, weight: 1 }));
    const placed = placeMap({ nodes: shop.nodes, edges });
    expect(placed.nodes.api.x).toBeLessThan(placed.nodes.orders.x);
    expect(placed.nodes.orders.x).toBeLessThan(placed.nodes.queue.x);
    expect(placed.edges.length).toBe(4);
    expect(placed.edges.every((line) => line.length > 1)).toBe(true);
  });

  it("places 200 nodes and 400 edges without two on one spot", () => {
    const nodes = Array.from({ length: 200 }, (_, i) => ({ id: `n${i}`, group: `g${i % 9}` }));
    const edges = Array.from({ length: 400 }, (_, i) => ({ from: `n${i % 200}`, to: `n${(i * 7 + 3) % 200}`, weight: 1 })).filter((one) => one.from !== one.to);
    const placed = placeMap({ nodes, edges });
    expect(new Set(Object.values(placed.nodes).map((at) => `${Math.round(at.x)} ${Math.round(at.y)}`)).size).toBe(200);
  });
});
