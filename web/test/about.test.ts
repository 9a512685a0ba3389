import { describe as suite, expect, test } from "vitest";
import type { ResourceAnswer } from "../src/api";
import { best, rank } from "../src/parts/matching";
import { about, findings, telling } from "../src/screens/about";
import { entryName, onSteps } from "../src/screens/entries";
import { kindOfKeys, resourceVerdict } from "../src/screens/resourceWords";
import { parseZoom, zoomText } from "../src/trail/zoom";
import { chosenBox, heatOf, marks } from "../src/views/heatmapLayout";
import { decode } from "../src/views/model";
import { smallTrail } from "./trail";

function asked() {
  const trail = smallTrail();
  const at = (text: string) => (trail.dictionary.includes(text) ? trail.dictionary.indexOf(text) : trail.dictionary.push(text) - 1);
  trail.requests = { node: [0], method: [at("POST")], route: [at("/activity")], status_code: [202] };
  trail.resources = { node: [1], kind: [at("dynamodb")], name: [at("activities")], operation: [at("PutItem")] };
  return trail;
}

suite("six questions", () => {
  const answers = findings(about([decode(asked())]));
  test("are all answered", () => expect(answers).toHaveLength(6));
  test("say what the endpoint returned", () => {
    expect(answers[0].answer).toBe("POST /activity returned 202 once.");
    expect(answers[0].tone).toBe("ok");
  });
  test("say which function behind it succeeded", () => expect(answers[1].answer).toBe("post succeeded once."));
  test("say what is stored, with its outcome", () => expect(answers[2].answer).toBe("activities: 1 PutItem; it succeeded."));
  test("say that the consumer failed, and lead there", () => {
    expect(answers[3].answer).toContain("notify failed 1 of 1 time");
    expect(answers[3].tone).toBe("bad");
    expect(answers[3].at?.node).toBe("n3");
  });
  test("say how long messages waited", () => expect(answers[4].answer).toMatch(/^queue: 1 message, half waited up to 60\.0.s|^queue: 1 message, half waited up to 1.min/));
  test("say that ingestion errs and lags", () => expect(answers[5].answer).toMatch(/^It errs: 1 of 1 delivery failed, and it lags/));
  test("count a node once that several trails share", () => {
    expect(about([decode(asked()), decode(asked())]).asked).toHaveLength(1);
  });
  test("show the keys of what was stored, not what a logger adds to each line", () => {
    const line = { level: "INFO", location: "ingest:66", message: "activity stored", function_name: "ingest", cold_start: false, user_id: "u-1", activity_id: "a-7" };
    expect(telling(JSON.stringify(line))).toBe("activity stored  user_id=u-1  activity_id=a-7");
    expect(telling("stored a-7")).toBe("stored a-7");
  });
  test("have an answer where nothing is known", () => {
    for (const one of findings(about([]))) expect(one.tone).toBe("dim");
  });
});

const MESSAGES: NonNullable<ResourceAnswer["messages"]> = {
  count: 10,
  sent_count: 10,
  taken_count: 10,
  untaken_count: 0,
  redelivered_count: 0,
  redelivery_count: 0,
  wait_p50_ms: 20,
  wait_p95_ms: 40,
  wait_max_ms: 50,
  age_max_ms: 50,
  backlog: null,
  backlog_unknown: "unknown",
  points: [],
  consumers: [{ service: "ingest", message_count: 10, delivery_count: 10, attempt_count: 10, failed_count: 0, failure_type: "", failure_message: "", last_seen: "" }],
};
const STREAM = { name: "s", kind: "kinesis", carries: "stream", messages: MESSAGES, calls: { count: 0, error_count: 0 } } as unknown as ResourceAnswer;

suite("how a stream is doing", () => {
  test("is well where every message was taken once", () => expect(resourceVerdict(STREAM)).toMatchObject({ tone: "ok", headline: "Every message was taken once" }));
  test("is bad where a consumer fails, and says which", () => {
    const consumers = [{ ...MESSAGES.consumers[0], failed_count: 4, failure_type: "ConnectionError" }];
    expect(resourceVerdict({ ...STREAM, messages: { ...MESSAGES, consumers } }).headline).toBe("The stream delivers, but ingest fails 4 of 10 attempts, ConnectionError");
  });
  test("warns of messages that nobody was seen to take", () => expect(resourceVerdict({ ...STREAM, messages: { ...MESSAGES, untaken_count: 2 } }).tone).toBe("warn"));
  test("says that the backlog is unknown", () => expect(resourceVerdict(STREAM).details).toContain("unknown"));
  test("knows a stream's message by its sequence number", () => {
    expect(kindOfKeys({ sequence_number: "4" })).toBe("kinesis");
    expect(kindOfKeys({ message_id: "m" })).toBeUndefined();
  });
});

suite("entries", () => {
  const entry = { method: "GET", route: "/history", service: "api", q: "", count: 3, error_count: 1, p50_ms: 1, p95_ms: 1, p99_ms: 1, statuses: [], latest: [], points: [{ time: "2026-11-21T10:02:00.000Z", count: 3, error_count: 1, rate_per_s: 1, p50_ms: 1, p95_ms: 1, p99_ms: 1 }] };
  test("are named by method and route", () => expect(entryName(entry)).toBe("GET /history"));
  test("fill the steps in which nothing was asked", () => {
    const answer = { since: "2026-11-21T10:00:00.000Z", until: "2026-11-21T10:05:00.000Z", step_s: 60, counted_since: "", entries: [entry] };
    expect(onSteps(answer, entry)).toEqual({ counts: [0, 0, 3, 0, 0], errors: [0, 0, 1, 0, 0] });
  });
});

suite("the palette", () => {
  test("prefers beginnings, then words, then letters in order", () => {
    const names = ["my-activity", "activity-api", "a-c-t", "zebra"].map((name) => ({ name }));
    expect(best(names, "act", 9).map((one) => one.name)).toEqual(["activity-api", "my-activity", "a-c-t"]);
    expect(rank("zebra", "act")).toBeNull();
  });
});

suite("zoom in the URL", () => {
  test("reads what it wrote", () => {
    const window = { fromMs: 120.5, toMs: 900 };
    expect(parseZoom(zoomText(window, 1000))).toEqual(window);
  });
  test("is absent for the whole, and nonsense is the whole", () => {
    expect(zoomText({ fromMs: 0, toMs: 1000 }, 1000)).toBeUndefined();
    for (const text of [undefined, "", "x..y", "9..3", "5"]) expect(parseZoom(text)).toBeNull();
  });
});

suite("the heatmap", () => {
  const answer = { since: "2026-11-21T10:00:00.000Z", until: "2026-11-21T10:10:00.000Z", step_s: 60, cells: [{ time: "2026-11-21T10:03:00.000Z", low_ms: 64, high_ms: 64 * Math.SQRT2, count: 5, error_count: 1 }] };
  const heat = heatOf(answer);
  test("has a column a step and some rows around a lonely cell", () => {
    expect(heat.columns).toBe(10);
    expect(heat.rows).toBeGreaterThanOrEqual(8);
    expect(heat.cells[0].column).toBe(3);
  });
  test("chooses exactly the cell that was clicked", () => {
    const { column, row } = heat.cells[0];
    const chosen = chosenBox(heat, [column, row], [column, row]);
    expect(chosen.lowMs).toBeCloseTo(64, 6);
    expect(chosen.highMs).toBeCloseTo(64 * Math.SQRT2, 6);
    expect(new Date(chosen.fromMs).toISOString()).toBe("2026-11-21T10:03:00.000Z");
    expect(chosen.toMs - chosen.fromMs).toBe(60_000);
  });
  test("keeps a drawn box inside, whichever way it was drawn", () => {
    expect(chosenBox(heat, [99, 99], [-5, -5])).toEqual(chosenBox(heat, [0, 0], [9, heat.rows - 1]));
  });
  test("marks round durations only", () => {
    for (const { ms } of marks(heat)) expect(Math.log10(ms) % 1).toBe(0);
  });
});
