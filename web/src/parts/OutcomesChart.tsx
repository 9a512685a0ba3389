import { useMemo } from "react";
import { count } from "../format";
import type { Range } from "../range";
import type { WorkflowAnswer } from "../workflowsApi";
import { Chart, withGaps, type Line } from "./Chart";

/** Trails by what became of them, by when they began. */
export default function OutcomesChart({ answer, range }: { answer: WorkflowAnswer; range: Range }) {
  const points = useMemo(() => withGaps(answer.points, (time): WorkflowAnswer["points"][number] => ({ time, outcomes: {} })), [answer]);
  const times = useMemo(() => points.map((point) => Date.parse(point.time) / 1000), [points]);
  const lines = useMemo<Line[]>(() => {
    const sums = (...of: (keyof WorkflowAnswer["points"][number]["outcomes"])[]) => points.map((point) => of.reduce((sum, one) => sum + (point.outcomes[one] ?? 0), 0));
    return [
      { name: "complete", values: sums("complete"), colour: (c) => c.text },
      { name: "late or duplicated", values: sums("late", "duplicated"), colour: (c) => c.warn, dash: [4, 3] },
      { name: "incomplete, failed or out of order", values: sums("incomplete", "failed", "out_of_order"), colour: (c) => c.error },
      { name: "open", values: sums("open"), colour: (c) => c.dim, dash: [2, 3] },
    ];
  }, [points]);
  return (
    <div className="charts">
      <Chart title="Trails by outcome" times={times} lines={lines} range={range} unit={count} />
    </div>
  );
}
