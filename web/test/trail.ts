/** A small trail for the tests: request -> invocation -> message -> invocation (waited, inferred, failed). */
import type { TrailColumns } from "../src/api";

export function smallTrail(): TrailColumns {
  const dictionary = ["request", "invocation", "message", "api", "post", "queue", "notify", "ok", "error", "calls", "sends", "delivers", "parent", "message_id", "timing"];
  const word = (text: string) => dictionary.indexOf(text);
  return {
    trail_id: "a".repeat(32),
    status: "error",
    outcome: null,
    start: "2026-11-21T10:00:00.000000000Z",
    duration_ms: 60_200,
    node_count: 4,
    dictionary,
    nodes: {
      node_id: ["n0", "n1", "n2", "n3"],
      kind: ["request", "invocation", "message", "invocation"].map(word),
      service: ["api", "post", "queue", "notify"].map(word),
      name: ["api", "post", "queue", "notify"].map(word),
      status: ["ok", "ok", "ok", "error"].map(word),
      start_offset_ms: [0, 5, 40, 60_000],
      duration_ms: [60, 50, 1, 200],
      wait_ms: [null, null, null, 59_959],
      init_ms: [null, null, null, 120],
      cold_start: [null, false, null, true],
      attempt: [1, 1, 1, 2],
      depth: [0, 1, 2, 3],
      parent: [-1, 0, 1, 2],
    },
    edges: { from: [0, 1, 2], to: [1, 2, 3], kind: ["calls", "sends", "delivers"].map(word), evidence: ["parent", "message_id", "timing"].map(word), confidence: [1, 1, 0.7] },
    critical_path: [0, 1, 2, 3],
    story: [{ time: "2026-11-21T10:00:00.000000000Z", text: "A client called.", node_id: "n0" }],
    logs: [
      { time: "2026-11-21T10:00:00.010500000Z", severity: "INFO", body: '{"level":"INFO","message":"hello","user":"u-1"}', node: 1 },
      { time: "2026-11-21T10:01:00.100000000Z", severity: 17, body: "it broke", node: 3 },
    ],
  };
}
