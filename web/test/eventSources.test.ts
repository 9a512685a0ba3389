import { describe, expect, it } from "vitest";
import { drainWords, emptyIn, everyStep, sourcesVerdict, sourceVerdict, type SourceRow } from "../src/screens/eventSources";

const QUIET: SourceRow = {
  kind: "sqs", carries: "queue", name: "orders", message_count: 10, sent_count: 10, taken_count: 10, untaken_count: 0, wait_p50_ms: 100, wait_p95_ms: 900, wait_max_ms: 1000,
  redelivery_count: 0, retry_count: 0, duplicate_count: 0, out_of_order_count: 0, failed_count: 0, partial_batch_count: 0, poison_count: 0, dead_letter_count: 0, holds_dead_letters: false, consumer_count: 1,
  backlog: 0, backlog_from: "messages", drain: { verdict: "empty", empty_in_s: 0, empty_at: null, why: "nothing waits" }, last_seen: "2026-11-21T10:00:00Z", points: [],
};
const told = (more: Partial<SourceRow>): SourceRow => ({ ...QUIET, ...more });

describe("event sources in words", () => {
  it("says what is worst first", () => {
    expect(sourcesVerdict([QUIET])).toMatchObject({ tone: "ok" });
    expect(sourcesVerdict([told({ failed_count: 2 })]).tone).toBe("warn");
    const worst = sourcesVerdict([told({ poison_count: 1, name: "payments" }), told({ dead_letter_count: 3 })]);
    expect(worst).toMatchObject({ tone: "bad", headline: "1 message fails again and again in payments" });
    expect(worst.details[0]).toContain("3 messages of orders came out of a dead-letter queue");
    expect(sourceVerdict(told({ holds_dead_letters: true, message_count: 1 })).headline).toContain("This is a dead-letter queue");
  });

  it("does not promise what nobody knows", () => {
    const unknown = told({ backlog: null, backlog_from: null, drain: { verdict: "unknown", empty_in_s: null, empty_at: null, why: "" } });
    expect([drainWords(unknown), emptyIn(unknown)]).toEqual(["How many wait now is not told.", "unknown"]);
    const never = told({ backlog: 5, drain: { verdict: "never", empty_in_s: null, empty_at: null, why: "nothing is taken" } });
    expect([drainWords(never), emptyIn(never)]).toEqual(["5 messages wait (sent in this time and not seen taken); at the present rate it never is empty: nothing is taken.", "never"]);
    const draining = told({ backlog: 50, backlog_from: "metric", drain: { verdict: "draining", empty_in_s: 10, empty_at: null, why: "" } });
    expect(drainWords(draining)).toMatch(/^50 messages wait \(by CloudWatch\); at the present rate it is empty in 10/);
  });

  it("draws steps in which nothing was sent as none", () => {
    const point = { ...QUIET, time: "2026-11-21T10:02:00Z" };
    expect(everyStep({ counted_since: "2026-11-21T10:00:00Z", until: "2026-11-21T10:04:00Z", step_s: 60 }, [point], (one) => one.message_count)).toEqual([0, 0, 10, 0]);
  });
});
