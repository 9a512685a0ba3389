import { describe, expect, it } from "vitest";
import type { AlertsAnswer, ListedAlert } from "../src/alertsApi";
import { holds, overall, silenceName, stateOf } from "../src/screens/alertWords";

const row = (change: Partial<ListedAlert>): ListedAlert => ({
  name: "a", group: "", title: "Orders fail", severity: "high", type: "threshold", enabled: true, phase: "firing", since: null, value: null,
  why: "", scopes: [], parts: [], muted: "", acknowledged_by: "", told: [], failing: "", runbook: "", warnings: [], ...change,
});
const answer = (alerts: ListedAlert[], change: Partial<AlertsAnswer> = {}): AlertsAnswer => ({
  counts: { firing: 0, pending: alerts.filter((one) => one.phase === "pending").length, recovered: 0, inactive: 0 },
  alerts, broken: {}, routes: { phone: true }, undelivered_count: 0, leads: true, ...change,
});

describe("alerts in words", () => {
  it("says what fires, and leaves out what is muted", () => {
    expect(overall(answer([row({}), row({ muted: "part of checkout" })]))).toEqual({
      tone: "bad", headline: "Orders fail fires", details: ["1 alert is muted: silenced, or part of another one."],
    });
    expect(overall(answer([row({}), row({})])).headline).toBe("2 alerts fire");
    expect(overall(answer([row({ phase: "pending" })])).tone).toBe("warn");
    expect(overall(answer([row({ phase: "inactive" })])).headline).toBe("Nothing fires");
  });

  it("says what keeps people from being told", () => {
    const said = overall(answer([], { routes: {}, undelivered_count: 2, broken: { "alert x": "no check" } }));
    expect(said.details).toEqual(["No route is marked as default: alerts that name none are told to nobody.", "2 messages could not be delivered.", "alert x cannot be read: no check"]);
  });

  it("names the state of one", () => {
    expect(stateOf(row({ acknowledged_by: "ada" }))).toBe("acknowledged by ada");
    expect(stateOf(row({ muted: "silence night" }))).toBe("silence night");
    expect(stateOf(row({ phase: "recovered" }))).toBe("recovered");
    expect(stateOf(row({ enabled: false }))).toBe("switched off");
  });

  it("says when a silence holds", () => {
    expect(holds({ name: "n", spec: { weekly: { begins: "02:00", ends: "04:30", days: ["mon", "tue"], zone: "Europe/Berlin" } } })).toBe("mon, tue 02:00–04:30 Europe/Berlin");
    expect(holds({ name: "n", spec: { until: "2026-11-21T20:00:00Z" } })).toBe("until 2026-11-21 20:00 UTC");
    expect(silenceName("a".repeat(60), new Date("2026-11-21T20:05:00Z"))).toMatch(/^[a-z0-9][a-z0-9-]{0,62}$/);
  });
});
