import { useMemo } from "react";
import type { ResourceAnswer } from "../api";
import { count, duration } from "../format";
import type { Range } from "../range";
import { Chart, withGaps, type Line } from "./Chart";
import { durationLines, failureLines, timesOf, waitLines } from "./lines";

/** Messages and their waiting, or the calls to a table, over time. */
export default function ResourceCharts({ answer, range }: { answer: ResourceAnswer; range: Range }) {
  return (
    <div className={answer.messages ? "charts" : "charts two"}>
      {answer.messages && <Messages points={answer.messages.points} range={range} />}
      <Calls points={answer.calls.points} range={range} brief={answer.messages !== null} />
    </div>
  );
}

type MessagePoint = NonNullable<ResourceAnswer["messages"]>["points"][number];

function Messages({ points: given, range }: { points: MessagePoint[]; range: Range }) {
  const points = useMemo(() => withGaps(given, (time) => ({ time, count: 0, untaken_count: 0, wait_p50_ms: null, wait_p95_ms: null, wait_max_ms: null })), [given]);
  const times = useMemo(() => timesOf(points), [points]);
  const counts = useMemo<Line[]>(
    () => [
      { name: "messages", values: points.map((p) => p.count), colour: (c) => c.bar, bars: true },
      { name: "not seen taken", values: points.map((p) => p.untaken_count), colour: (c) => c.warn, bars: true },
    ],
    [points],
  );
  const waits = useMemo(() => waitLines(points), [points]);
  return (
    <>
      <Chart title="Messages" times={times} lines={counts} range={range} unit={count} />
      <Chart title="Time waited" times={times} lines={waits} range={range} unit={duration} />
    </>
  );
}

type CallPoint = ResourceAnswer["calls"]["points"][number];

function Calls({ points: given, range, brief }: { points: CallPoint[]; range: Range; brief: boolean }) {
  const points = useMemo(() => withGaps(given, (time) => ({ time, count: 0, error_count: 0, p50_ms: null, p95_ms: null })), [given]);
  const times = useMemo(() => timesOf(points), [points]);
  const counts = useMemo(() => failureLines(points), [points]);
  const durations = useMemo(() => durationLines(points), [points]);
  return (
    <>
      {!brief && <Chart title="Calls" times={times} lines={counts} range={range} unit={count} />}
      <Chart title="Duration of the calls" times={times} lines={durations} range={range} unit={duration} />
    </>
  );
}
