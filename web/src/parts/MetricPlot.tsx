import { useMemo } from "react";
import type { Range } from "../range";
import { linesOf, unitOf, type MetricChart } from "../screens/metricWords";
import { Chart } from "./Chart";

/** The chart of one metric, a line for each group. */
export default function MetricPlot({ chart, range, bare }: { chart: MetricChart; range: Range; bare?: boolean }) {
  const { times, lines } = useMemo(() => linesOf(chart), [chart]);
  const unit = useMemo(() => unitOf(chart.unit, chart.stat, chart.kind), [chart.unit, chart.stat, chart.kind]);
  return <Chart title={`${chart.stat} of ${chart.name}`} times={times} lines={lines} range={range} unit={unit} bare={bare} />;
}
