import { useMemo } from "react";
import { count, percent } from "../format";
import type { ObjectiveAnswer } from "../objectivesApi";
import { between, type Range } from "../range";
import { Chart, type Line } from "./Chart";

/** The budget as it burns down over the objective's window, and its bad events. */
export default function ObjectiveCharts({ answer }: { answer: ObjectiveAnswer }) {
  const range = useMemo<Range>(() => windowOf(answer), [answer]);
  const times = useMemo(() => answer.course.map((point) => Date.parse(point.time) / 1000), [answer.course]);
  const budget = useMemo<Line[]>(
    () => [{ name: "budget left", values: answer.course.map((point) => (point.budget_left === null ? null : Math.max(0, point.budget_left))), colour: (c) => c.text }],
    [answer.course],
  );
  const bad = useMemo<Line[]>(
    () => [{ name: "bad events", values: answer.course.map((point) => point.valid_count - point.good_count), colour: (c) => c.error, bars: true }],
    [answer.course],
  );
  return (
    <div className="charts">
      <Chart title="Budget left" times={times} lines={budget} range={range} unit={percent} />
      <Chart title="Bad events" times={times} lines={bad} range={range} unit={count} />
    </div>
  );
}

function windowOf(answer: ObjectiveAnswer): Range {
  const sinceMs = Date.parse(answer.since);
  const untilMs = Date.parse(answer.until);
  return { text: between(sinceMs, untilMs), relative: false, sinceMs, untilMs };
}
