import { describe as suite, expect, test } from "vitest";
import type { Match, RedGroup } from "../src/api";
import { bytes, count, duration, percent, rate, spoken } from "../src/format";
import { byTrail, only } from "../src/parts/found";
import { asParameters, parseRange, pinned, stepFor } from "../src/range";
import { byTrouble, change, failingSince, onGrid, verdict } from "../src/screens/trouble";
import { parseSearch, stringifySearch } from "../src/search";

const plain = (text: string) => text.replaceAll("\u2009", " ");

suite("figures", () => {
  test("durations carry their unit and three figures", () => {
    const given = [0, 0.0042, 0.42, 12.44, 999.7, 59_949, 125_000, 7_260_000, null, NaN];
    expect(given.map((ms) => plain(duration(ms)))).toEqual(["0 ms", "4.20 µs", "0.42 ms", "12.4 ms", "1.00 s", "59.9 s", "2 min 5 s", "2 h 1 min", "–", "–"]);
  });
  test("shares, rates, counts and sizes are written as people read them", () => {
    expect([0, 0.0004, 0.014, 0.14, 1].map((share) => plain(percent(share)))).toEqual(["0 %", "<0.1 %", "1.4 %", "14 %", "100 %"]);
    expect([0, 12.44, 0.5, 0.001].map(rate)).toEqual(["0", "12.4/s", "30.0/min", "3.60/h"]);
    expect([count(12345), plain(bytes(18_233)), plain(bytes(12))]).toEqual(["12,345", "18.2 kB", "12 B"]);
  });
  test("a JSON log line that came cut still says its message", () => {
    expect(spoken('{"level":"ERROR","message":"it \\"broke\\"","stack":"at x')?.message).toBe('it "broke"');
  });
  test("a log line that only looks like JSON stays as it is", () => {
    expect(spoken("{not json")).toBeNull();
    expect(spoken('{"a":1}')).toBeNull();
  });
});

suite("the time range", () => {
  const now = Date.parse("2026-11-21T10:00:00Z");
  test("is relative or fixed, and a relative one is pinned for a link", () => {
    const range = parseRange("now-15m", now);
    expect(asParameters(range)).toEqual({ since: "2026-11-21T09:45:00.000Z", until: "2026-11-21T10:00:00.000Z" });
    expect(parseRange(pinned(range), now + 9e9)).toMatchObject({ relative: false, sinceMs: range.sinceMs, untilMs: range.untilMs });
  });
  test("falls back to an hour where the text is no range", () => {
    for (const text of [undefined, "", "yesterday", "now-1y", "2026-11-21T10:00:00Z..2026-11-20T10:00:00Z"]) expect(parseRange(text, now).text).toBe("now-1h");
  });
  test("is cut into about sixty steps", () => {
    expect(stepFor(parseRange("now-1h", now))).toBe(60);
    expect(stepFor(parseRange("now-7d", now))).toBe(21_600);
  });
});

test("the URL keeps plain text, and gives it back", () => {
  const search = { t: "2026-11-21T09:45:00.000Z..2026-11-21T10:00:00.000Z", q: "a&b=c d/ü", sel: "00ff" };
  expect(stringifySearch(search)).toContain("?t=2026-11-21T09:45:00.000Z..2026-11-21T10:00:00.000Z&q=a%26b%3D");
  expect(parseSearch(stringifySearch(search))).toEqual(search);
  expect(parseSearch("?q=123")).toEqual({ q: "123" });
});

function group(name: string, more: Partial<RedGroup> = {}): RedGroup {
  return { name, kind: "function", count: 100, error_count: 0, p50_ms: 10, p95_ms: 50, p99_ms: 80, cold_start_count: 0, previous: { count: 100, error_count: 0, p95_ms: 50 }, points: [], ...more };
}

const point = (minute: number, errors: number) => ({ time: `2026-11-21T10:${String(minute).padStart(2, "0")}:00Z`, count: 5, error_count: errors, rate_per_s: 1, p50_ms: 1, p95_ms: 1, p99_ms: 1 });

suite("the verdict", () => {
  test("names how many fail, and the worst of them", () => {
    const said = verdict([group("a"), group("b", { error_count: 14 }), group("c")], "function");
    expect(said).toMatchObject({ tone: "bad", headline: "1 of 3 functions is failing", worst: { name: "b" } });
  });
  test("does not cry over one error in a thousand calls", () => {
    expect(verdict([group("a", { count: 1000, error_count: 1 })], "function").tone).toBe("ok");
  });
  test("tells of what became slower", () => {
    expect(verdict([group("a", { p95_ms: 200 }), group("b")], "route").headline).toBe("Nothing fails, but a is slower than before");
  });
  test("sorts by trouble: errors, then slowness, then calls", () => {
    const names = byTrouble([group("calm"), group("slow", { p95_ms: 400 }), group("busy", { count: 9000 }), group("broken", { error_count: 30 })]).map((one) => one.name);
    expect(names).toEqual(["broken", "slow", "busy", "calm"]);
  });
  test("dates the present run of errors, not a lone one before it", () => {
    const points = Array.from({ length: 60 }, (_, i) => point(i, i === 2 || i >= 42 ? 1 : 0));
    expect(failingSince(group("a", { points }))).toBe("2026-11-21T10:42:00Z");
    expect(failingSince(group("a", { points: points.slice(42) }))).toBeNull();
  });
  test("fills the steps in which nothing ran", () => {
    const red = { since: "2026-11-21T10:00:00Z", until: "2026-11-21T10:05:00Z", step_s: 60, groups: [group("a", { points: [point(1, 0), point(4, 2)] })] };
    expect(onGrid(red).groups[0].points.map((one) => one.error_count)).toEqual([0, 0, 0, 0, 2]);
    expect(onGrid(red).groups[0].points.map((one) => one.count)).toEqual([0, 5, 0, 0, 5]);
  });
  test("says what changed against the range before", () => {
    expect(plain(change(group("a", { error_count: 14 }), 3600).text)).toBe("errors from 0 %");
    expect(plain(change(group("a", { p95_ms: 150 }), 3600).text)).toBe("p95 from 50.0 ms");
    expect(change(group("a", { previous: { count: 0, error_count: 0, p95_ms: null } }), 3600).text).toBe("nothing before");
    expect(change(group("a"), 3600).text).toBe("steady");
  });
});

suite("find", () => {
  const match = (trail_id: string, node_id: string, key_kind = "request_id"): Match => ({ trail_id, node_id, key_kind, service: "s", time: "2026-11-21T10:00:00Z" });
  test("jumps where there is one place to go to", () => {
    expect(only([match("t", "n")])).toEqual({ trail: "t", node: "n" });
    expect(only([match("t", "n"), match("t", "m")])).toEqual({ trail: "t", node: "n" });
    expect(only([match("t", "n"), match("u", "n")])).toBeNull();
    expect(only([])).toBeNull();
  });
  test("keeps a trail's matches together", () => {
    expect(byTrail([match("t", "n"), match("u", "n"), match("t", "m")]).map((one) => one.length)).toEqual([2, 1]);
  });
});
