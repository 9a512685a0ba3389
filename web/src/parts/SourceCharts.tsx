import { useMemo } from "react";
import { count, duration } from "../format";
import type { Range } from "../range";
import type { SourcePoint } from "../screens/eventSources";
import { Chart, withGaps, type Line } from "./Chart";
import { timesOf, waitLines } from "./lines";

const NONE = { message_count: 0, taken_count: 0, redelivery_count: 0, retry_count: 0, duplicate_count: 0, out_of_order_count: 0, failed_count: 0, partial_batch_count: 0, wait_p50_ms: null, wait_p95_ms: null, wait_max_ms: null };

/** Messages, what came again, and waiting over time. */
export default function SourceCharts({ points: given, range }: { points: SourcePoint[]; range: Range }) {
  const points = useMemo(() => withGaps(given, (time) => ({ time, ...NONE })), [given]);
  const times = useMemo(() => timesOf(points), [points]);
  const messages = useMemo<Line[]>(
    () => [
      { name: "messages", values: points.map((p) => p.message_count), colour: (c) => c.bar, bars: true },
      { name: "failed", values: points.map((p) => p.failed_count), colour: (c) => c.error, bars: true },
    ],
    [points],
  );
  const waits = useMemo(() => waitLines(points), [points]);
  const again = useMemo<Line[]>(
    () => [
      { name: "redelivered and retried", values: points.map((p) => p.redelivery_count + p.retry_count), colour: (c) => c.warn, bars: true },
      { name: "duplicates", values: points.map((p) => p.duplicate_count), colour: (c) => c.error, bars: true },
    ],
    [points],
  );
  return (
    <div className="charts">
      <Chart title="Messages" times={times} lines={messages} range={range} unit={count} />
      <Chart title="Time waited" times={times} lines={waits} range={range} unit={duration} />
      <Chart title="Came again" times={times} lines={again} range={range} unit={count} />
    </div>
  );
}
