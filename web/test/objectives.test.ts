import { expect, test } from "vitest";
import type { ObjectiveRow } from "../src/objectivesApi";
import { budgetSaid, counted, fine, goneIn, left, over, verdict } from "../src/screens/objectiveWords";

const plain = (text: string) => text.replaceAll("\u2009", " ");

function row(more: Partial<ObjectiveRow>): ObjectiveRow {
  return {
    name: "a", title: "A", owner: "", sli: { type: "requests", of: "service", scope: "shop" }, synthetic: false, target: 0.999, window: "30d",
    since: "2026-10-22T00:00:00Z", until: "2026-11-21T00:00:00Z", state: "ok", good_count: 1, valid_count: 1, bad_count: 0, allowed_count: 1,
    good_share: 1, budget_left: 1, spent_at: null, burns: [], points: [], ...more,
  };
}

test("a share has the digits that tell it from all", () => {
  expect([1, 0.9995, 0.99951, 0.999, 0.985, 0.9, 0.5, null].map((share) => plain(fine(share)))).toEqual(["100 %", "99.95 %", "99.951 %", "99.9 %", "98.5 %", "90 %", "50 %", "–"]);
});

test("a budget is left, or overspent", () => {
  expect([plain(left(0.744)), plain(left(-1.5))]).toEqual(["74 %", "–150 %"]);
  expect([budgetSaid(0.5), budgetSaid(-0.09), budgetSaid(null)].map(plain)).toEqual(["50 % of its budget is left", "its budget is overspent by 9 %", "nothing was counted"]);
});

test("what is counted and over which time is said in words", () => {
  expect(counted({ type: "requests", of: "entry", scope: "POST /a" })).toBe("POST /a without a failure");
  expect(plain(counted({ type: "trails", service: "shop", name: "", faster_than_ms: 2000 }))).toBe("trails from shop in less than 2.00 s");
  expect([over("30d"), over("1w"), over("month")]).toEqual(["30 days", "7 days", "this month"]);
});

test("the verdict names what burns fastest", () => {
  const now = Date.parse("2026-11-21T00:00:00Z");
  const burning = row({ title: "B", state: "page", budget_left: 0.25, spent_at: "2026-11-21T06:00:00Z" });
  expect(verdict([burning, row({})], now)).toMatchObject({ tone: "bad", headline: "1 objective burns its budget fast" });
  expect(plain(verdict([burning, row({})], now).details[0])).toBe("B: 25 % of its budget is left, gone in 6 h");
  expect(verdict([row({ state: "spent", budget_left: -1 })], now).tone).toBe("bad");
  expect(verdict([row({}), row({ name: "b" })], now)).toMatchObject({ tone: "ok", headline: "All 2 objectives are met" });
  expect(verdict([row({ state: "no_data", budget_left: null })], now).tone).toBe("dim");
  expect(goneIn(row({}), now)).toBe("it lasts");
});
