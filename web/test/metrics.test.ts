import { describe, expect, it } from "vitest";
import { figuresOf, linesOf, nameOf, statsOf, unitOf, type MetricChart } from "../src/screens/metricWords";

const chart: MetricChart = {
  name: "amazonaws.com/AWS/Lambda/Duration",
  kind: "summary",
  unit: "ms",
  description: "",
  since: "2026-11-21T08:00:00.000000000Z",
  until: "2026-11-21T08:04:00.000000000Z",
  step_s: 60,
  stat: "avg",
  labels: [],
  series: [
    {
      labels: { FunctionName: "checkout" },
      points: [
        { time: "2026-11-21T08:00:00.000000000Z", value: 4 },
        { time: "2026-11-21T08:03:00.000000000Z", value: 2 },
      ],
    },
    { labels: { FunctionName: "" }, points: [{ time: "2026-11-21T08:01:00.000000000Z", value: null }] },
  ],
  exemplars: [],
  notes: [],
};

/** Figures and units stand together: no line ends between them. */
const told = (text: string) => text.replaceAll(/\s/g, " ");

describe("a metric's chart", () => {
  it("has a place for every step, and a gap where nothing was measured", () => {
    const { times, lines } = linesOf(chart);
    expect(times.map((time) => time - times[0])).toEqual([0, 60, 120, 180]);
    expect(lines.map((line) => line.values)).toEqual([
      [4, null, null, 2],
      [null, null, null, null],
    ]);
    expect(figuresOf(chart.series[0].points)).toEqual({ last: 2, least: 2, greatest: 4 });
    expect(figuresOf(chart.series[1].points)).toBeNull();
  });

  it("names lines by what they are grouped by, or by the metric", () => {
    expect(linesOf(chart).lines.map((line) => line.name)).toEqual(["checkout", "(none)"]);
    expect(nameOf({}, chart.name)).toBe("Duration");
  });

  it("writes figures in the metric's unit", () => {
    expect(told(unitOf("s", "p99", "histogram")(0.25))).toBe("250 ms");
    expect(told(unitOf("{order}", "sum", "sum")(12))).toBe("12");
    expect(told(unitOf("{order}", "rate", "sum")(1.5))).toBe("1.5/s");
    expect(told(unitOf("ms", "rate", "histogram")(3))).toBe("3/s");
    expect(told(unitOf("ms", "count", "histogram")(3))).toBe("3");
    expect(told(unitOf("Cel", "max", "gauge")(21.5))).toBe("21.5 Cel");
    expect(told(unitOf("%", "avg", "gauge")(50))).toBe("50 %");
  });

  it("offers no rate of a gauge and no percentile of a counter", () => {
    expect(statsOf("gauge")).not.toContain("rate");
    expect(statsOf("sum")).not.toContain("p99");
    expect(statsOf("exponential_histogram")).toContain("p99");
  });
});
