import { describe as suite, expect, test } from "vitest";
import { certain, decode, describe, evidence, severityOf, tree } from "../src/views/model";
import { visibleRows } from "../src/views/rows";
import { smallTrail } from "./trail";

const model = decode(smallTrail());
const all = { collapsed: new Set<number>(), text: "", errorsOnly: false, logs: false };

suite("a trail decoded from columns", () => {
  test("keeps the microseconds of a log's time", () => {
    expect(model.logs[0].offsetMs).toBeCloseTo(10.5, 6);
  });
  test("shows a JSON log's message first", () => {
    expect(model.logs[0].line).toBe("hello user=u-1");
  });
  test("tells an inferred edge from a certain one, in words", () => {
    expect(certain(model.edgeInto[1])).toBe(true);
    expect(certain(model.edgeInto[3])).toBe(false);
    expect(evidence(model.edgeInto[3]!)).toBe("inferred from timing alone, 70 % sure");
  });
  test("describes wait, cold start and attempt for who cannot see the canvas", () => {
    const words = describe(model, 3).join("; ");
    expect(words).toContain("waited 1\u2009min before it began");
    expect(words).toContain("cold start, init 120\u2009ms");
    expect(words).toContain("attempt 2");
  });
  test("reads severities as numbers and as words", () => {
    expect([severityOf(17), severityOf("Warning"), severityOf("FATAL"), severityOf(null), severityOf(5)]).toEqual(["error", "warn", "error", "info", "debug"]);
  });
});

suite("the tree", () => {
  test("puts children under their parent in order of start", () => {
    const { order, depth, below } = tree(Int32Array.of(-1, 0, 0, 1), Float64Array.of(0, 20, 10, 30));
    expect([...order]).toEqual([0, 2, 1, 3]);
    expect([...depth]).toEqual([0, 1, 1, 2]);
    expect([...below]).toEqual([4, 2, 1, 1]);
  });
  test("survives a cycle and loses no row", () => {
    const { order } = tree(Int32Array.of(1, 0, -1), Float64Array.of(0, 1, 2));
    expect([...order].toSorted()).toEqual([0, 1, 2]);
  });
  test("takes a parent outside the trail for none", () => {
    expect([...tree(Int32Array.of(7, 0), Float64Array.of(0, 1)).depth]).toEqual([0, 1]);
  });
});

suite("the rows of the waterfall", () => {
  test("are all nodes in tree order, and logs below their node when asked for", () => {
    expect([...visibleRows(model, all).list]).toEqual([0, 1, 2, 3]);
    expect([...visibleRows(model, { ...all, logs: true }).list]).toEqual([0, 1, -1, 2, 3, -2]);
  });
  test("leave out what lies below a closed row", () => {
    expect([...visibleRows(model, { ...all, collapsed: new Set([1]) }).list]).toEqual([0, 1]);
  });
  test("filter to what matches and the way that leads there", () => {
    const rows = visibleRows(model, { ...all, text: "QUEUE" });
    expect([...rows.list]).toEqual([0, 1, 2]);
    expect(rows.matches).toBe(1);
  });
  test("find a node by its log text", () => {
    expect(visibleRows(model, { ...all, text: "it broke" }).position[3]).toBe(3);
  });
  test("show failures alone when asked", () => {
    expect(visibleRows(model, { ...all, errorsOnly: true }).matches).toBe(1);
  });
});
