import { useMemo } from "react";
import type { FindingAnswer } from "../api";
import { count } from "../format";
import type { Range } from "../range";
import { Chart, withGaps, type Line } from "./Chart";

const MINUTE_MS = 60_000;
const MOST_BARS = 120;

/** How often it was seen, by minute or by as many as the range asks for. */
export default function FindingChart({ answer, range }: { answer: FindingAnswer; range: Range }) {
  const points = useMemo(() => withGaps(bars(answer, range), (time) => ({ time, count: 0 })), [answer, range]);
  const times = useMemo(() => points.map((point) => Date.parse(point.time) / 1000), [points]);
  const lines = useMemo<Line[]>(() => [{ name: "seen", values: points.map((point) => point.count), colour: (c) => c.error, bars: true }], [points]);
  return (
    <div className="charts">
      <Chart title="Seen" times={times} lines={lines} range={range} unit={count} />
    </div>
  );
}

function bars(answer: FindingAnswer, range: Range): { time: string; count: number }[] {
  const step = Math.max(1, Math.ceil((range.untilMs - range.sinceMs) / MINUTE_MS / MOST_BARS)) * MINUTE_MS;
  const sums = new Map<number, number>();
  for (const point of answer.points) {
    const at = Math.floor(Date.parse(point.time) / step) * step;
    sums.set(at, (sums.get(at) ?? 0) + point.count);
  }
  return [...sums].map(([at, seen]) => ({ time: new Date(at).toISOString(), count: seen }));
}
