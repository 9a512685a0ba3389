import { useMemo } from "react";
import type { AlertAnswer } from "../alertsApi";
import { count, duration, percent } from "../format";
import type { Range } from "../range";
import { Chart, type Line } from "./Chart";

/** What the alert looked at, its bound, and when it would have fired. */
export default function AlertChart({ answer, range }: { answer: AlertAnswer; range: Range }) {
  const { check } = answer.spec;
  const bound = check.above ?? check.below ?? null;
  const times = useMemo(() => answer.points.map((point) => Date.parse(point.time) / 1000), [answer]);
  const lines = useMemo<Line[]>(() => {
    const drawn: Line[] = [{ name: check.figure ?? "value", values: answer.points.map((point) => point.value), colour: (c) => c.bar }];
    if (bound !== null) drawn.push({ name: "bound", values: answer.points.map(() => bound), colour: (c) => c.error, dash: [4, 4] });
    return drawn;
  }, [answer, check.figure, bound]);
  const unit = check.figure === "error_share" ? percent : check.figure?.endsWith("_ms") ? duration : count;
  return (
    <div className="charts">
      <Chart title="What it looked at" times={times} lines={lines} range={range} unit={unit} />
    </div>
  );
}
