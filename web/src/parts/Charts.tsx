import { useMemo } from "react";
import type { FunctionAnswer } from "../api";
import { count, duration } from "../format";
import type { Range } from "../range";
import { Chart, withGaps, type Line } from "./Chart";
import { failureLines, timesOf } from "./lines";

/** Invocations, durations and memory of one function over time. */
export default function Charts({ answer, range }: { answer: FunctionAnswer; range: Range }) {
  const { summary } = answer;
  const points = useMemo(() => withGaps(answer.points, nothing), [answer.points]);
  const times = useMemo(() => timesOf(points), [points]);
  const calls = useMemo(() => failureLines(points), [points]);
  const durations = useMemo<Line[]>(
    () => [
      { name: "p95", values: points.map((p) => p.p95_ms), colour: (c) => c.dim, dash: [4, 3] },
      { name: "warm p50", values: points.map((p) => p.warm_p50_ms), colour: (c) => c.text },
      { name: "cold p50", values: points.map((p) => p.cold_p50_ms), colour: (c) => c.cold },
    ],
    [points],
  );
  const memory = useMemo<Line[]>(
    () => [
      { name: "used", values: points.map((p) => p.memory_used_mb), colour: (c) => c.text },
      { name: "size", values: points.map(() => summary.memory_size_mb), colour: (c) => c.dim, dash: [4, 3] },
    ],
    [points, summary.memory_size_mb],
  );
  return (
    <div className="charts">
      <Chart title="Invocations" times={times} lines={calls} range={range} unit={count} />
      <Chart title="Duration" times={times} lines={durations} range={range} unit={duration} />
      <Chart title="Memory, MB" times={times} lines={memory} range={range} unit={count} />
    </div>
  );
}

function nothing(time: string): FunctionAnswer["points"][number] {
  return { time, count: 0, error_count: 0, cold_p50_ms: null, warm_p50_ms: null, p95_ms: null, memory_used_mb: null };
}
