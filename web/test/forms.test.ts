import { describe, expect, it } from "vitest";
import { byField, cleaned, fieldOf, listOf, same, valueAt, withValue, type Spec } from "../src/forms/draft";
import { FORMS, missing, opened, shownFields, type Field, type Kind } from "../src/forms/fields";
import { leadsTo } from "../src/screens/alertWords";

const paths = (kind: Kind, spec: Spec) => shownFields(kind, spec).map((field) => field.path);
const field = (kind: Kind, spec: Spec, path: string): Field => shownFields(kind, spec).find((one) => one.path === path)!;
const choose = (kind: Kind, spec: Spec, path: string, value: string) => field(kind, spec, path).write!(spec, value);

describe("a draft", () => {
  it("reads and writes values by their path and leaves the rest as it is", () => {
    const spec = { check: { type: "threshold", above: 1 } };
    const next = withValue(spec, "check.above", 2);
    expect([valueAt(next, "check.above"), valueAt(spec, "check.above"), valueAt(next, "check.type")]).toEqual([2, 1, "threshold"]);
    expect(withValue(next, "check.above", undefined)).toEqual({ check: { type: "threshold" } });
    expect(valueAt({}, "a.b.c")).toBeUndefined();
  });

  it("sends what was filled in, and what is said to be nothing", () => {
    expect(cleaned({ title: "", for: "2m", severities: [], enabled: false, check: { scope: "", above: 0, error_share: null } })).toEqual({ for: "2m", severities: [], enabled: false, check: { above: 0, error_share: null } });
    expect(same({ a: 1, b: "" }, { a: 1 })).toBe(true);
    expect(same({ a: 1 }, { a: 2 })).toBe(false);
    expect(listOf(" a, b ,,c\n")).toEqual(["a", "b", "c"]);
  });
});

describe("what is wrong", () => {
  const shown = ["title", "check.type", "check.figure", "check.above", "check.clear", "check.components", "routes"];
  it("is shown at its field", () => {
    expect(fieldOf({ path: "$.check.above", message: "Expected `float`" }, shown)).toBe("check.above");
    expect(fieldOf({ path: "$.routes[0]", message: 'there is no route "x"' }, shown)).toBe("routes");
    expect(fieldOf({ path: "$.check", message: "clear must not be over above: it is the value at which the alert is over" }, shown)).toBe("check.clear");
    expect(fieldOf({ path: "$.check", message: "give either above or below" }, shown)).toBe("check.above");
    expect(fieldOf({ path: "$", message: "Object contains unknown field `colour`" }, shown)).toBe("");
    expect(byField([{ path: "$.check.components[1].scope", message: "was not seen" }], [...shown, "check.components.1.scope"])).toEqual({ "check.components.1.scope": ["was not seen"] });
  });
});

describe("the fields of a definition", () => {
  it("follow what is chosen, and keep what both have", () => {
    let spec = FORMS.alert.fresh();
    expect(paths("alert", spec)).toContain("check.scope");
    spec = withValue(spec, "check.scope", "shop");
    spec = choose("alert", spec, "check.type", "absence");
    expect([valueAt(spec, "check.scope"), valueAt(spec, "check.figure")]).toEqual(["shop", undefined]);
    spec = choose("alert", spec, "check.type", "threshold");
    expect(valueAt(spec, "check.figure")).toBe("error_share");
    spec = choose("alert", spec, "check.figure", "promql");
    expect(paths("alert", spec)).toContain("check.promql");
    expect(paths("alert", spec)).not.toContain("check.scope");
    expect([valueAt(spec, "check.figure"), valueAt(spec, "check.least")]).toEqual([undefined, undefined]);
    spec = choose("alert", spec, "check.figure", "p95_ms");
    expect([valueAt(spec, "check.promql"), valueAt(spec, "check.figure")]).toEqual([undefined, "p95_ms"]);
    spec = choose("alert", spec, "check.bound", "below");
    expect([valueAt(spec, "check.above"), valueAt(spec, "check.below")]).toEqual([undefined, 0.05]);
  });

  it("say what is still missing", () => {
    expect(missing("objective", FORMS.objective.fresh())).toEqual(["sli.scope"]);
    expect(missing("route", FORMS.route.fresh())).toEqual(["to.url"]);
    expect(missing("silence", FORMS.silence.fresh())).toEqual([]);
    const capability = choose("alert", FORMS.alert.fresh(), "check.type", "capability");
    expect(missing("alert", capability)).toEqual(["check.components.0.scope"]);
    expect(missing("alert", withValue(capability, "check.components", [{ scope: "pdf" }]))).toEqual([]);
  });

  it("are those that a definition says, without defaults that the API wrote out", () => {
    const spec = opened("alert", { check: { type: "threshold", promql: "", figure: "rate", below: null, above: 3 } });
    expect(spec.check).toEqual({ type: "threshold", figure: "rate", above: 3 });
    expect(paths("alert", spec)).toContain("check.above");
  });

  it("have choices for whatever they are made of", () => {
    for (const [kind, path] of [["alert", "check.type"], ["objective", "sli.type"], ["route", "to.type"], ["silence", "weekly.kind"]] as [Kind, string][])
      for (const [value] of field(kind, FORMS[kind].fresh(), path).choices!) {
        const spec = choose(kind, FORMS[kind].fresh(), path, value);
        expect(new Set(paths(kind, spec)).size, `${kind} ${value}`).toBe(paths(kind, spec).length);
        for (const one of shownFields(kind, spec)) if (one.type === "choice" && !one.read) expect(one.choices!.map(([name]) => name), one.path).toContain(String(valueAt(spec, one.path) ?? one.choices![0][0]));
      }
  });
});

describe("where a route leads", () => {
  it("is said without what is secret", () => {
    expect(leadsTo({ type: "webhook", url: "https://ada:hush@hooks.example/T0/hush" })).toBe("webhook at hooks.example");
    expect(leadsTo({ type: "sns", topic_arn: "arn:aws:sns:eu-central-1:123456789012:alerts" })).toBe("SNS topic alerts in eu-central-1");
    expect(leadsTo({ type: "email", to: ["a@b.example"] })).toBe("e-mail to a@b.example");
  });
});
