import { describe, expect, it } from "vitest";
import type { CostsAnswer } from "../src/costsApi";
import { around, beforeOf, change, money, quantity } from "../src/money";
import { parseRange } from "../src/range";
import { costVerdict } from "../src/screens/costWords";

describe("amounts", () => {
  it("have cents where there are any, else two digits that say something", () => {
    expect(["0", "12.4", "1234.5", "0.06", "0.0032", "0.000000625", "-0.6", "0.999"].map(money)).toEqual(["$0", "$12.40", "$1,234.50", "$0.060", "$0.0032", "$0.00000063", "−$0.60", "$1.00"]);
    expect(money("0.0000000000001")).toBe("<$0.000000001");
    expect([change("0.5"), change("-0.5"), change("0")]).toEqual(["+$0.50", "−$0.50", "$0"]);
  });
  it("have quantities with their units", () => {
    expect([quantity(1, "request"), quantity(1_240_000, "request"), quantity(0.025, "GB-second"), quantity(2.5, "GB"), quantity(960, "unit"), quantity(999_999, "unit")]).toEqual([
      "1 request",
      "1.24 M requests",
      "0.025 GB-seconds",
      "2.5 GB",
      "960 units",
      "1000 k units",
    ]);
  });
});

describe("ranges to compare", () => {
  it("are as long before a deployment as has passed since, at most a day", () => {
    const at = "2026-11-21T10:00:00.000Z";
    expect(around(at, Date.parse(at) + 3_600_000)).toEqual({ t: "2026-11-21T10:00:00.000Z..2026-11-21T11:00:00.000Z", before: "2026-11-21T09:00:00.000Z..2026-11-21T10:00:00.000Z" });
    expect(around(at, Date.parse(at) + 90 * 86_400_000).before).toBe("2026-11-20T10:00:00.000Z..2026-11-21T10:00:00.000Z");
  });
  it("may be the range before, whatever that is", () => {
    const range = parseRange("2026-11-21T10:00:00Z..2026-11-21T11:00:00Z", 0);
    expect(beforeOf("previous", range)).toEqual({ since: "2026-11-21T09:00:00.000Z", until: "2026-11-21T10:00:00.000Z" });
    expect([beforeOf(undefined, range), beforeOf("nonsense", range), beforeOf("b..a", range)]).toEqual([null, null, null]);
  });
});

describe("the verdict", () => {
  const answer: CostsAnswer = { since: "", until: "", hours: 1, by: "resource", region: "eu-west-1", region_told: true, free_tier: false, trail_count: 4_000, workflow: null, total_usd: "2", groups: [], comparison: null, prices: [{ price_id: "sqs.standard", unit: "request", per: 1_000_000, usd: "0.4", region: "us-east-1", source: "Amazon SQS Pricing", as_of: "2026-06" }] };
  it("says what it comes to, and under which assumptions", () => {
    const said = costVerdict(answer, "in the last 1 hour");
    expect(said.headline).toBe("$2.00 in the last 1 hour, $0.50 per thousand of its 4,000 trails.");
    expect(said.details).toEqual(["List prices of eu-west-1; 1 price of us-east-1, where the region's own is not known; without the free tier."]);
  });
  it("leads with what the comparison found", () => {
    const comparison = { since: "", until: "", trail_count: 9, verdict: "moved" as const, words: "The cost only moved.", tolerance: 0.02, before_usd: "1", after_usd: "1", change_usd: "0", fell_usd: "1", rose_usd: "1", components: [] };
    expect(costVerdict({ ...answer, comparison }, "in the last 1 hour")).toMatchObject({ tone: "warn", headline: "The cost only moved." });
  });
});
