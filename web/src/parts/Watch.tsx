import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { api, type WatchAnswer, type WatchedMetric } from "../api";
import { amount } from "../amount";
import { asParameters, type Range } from "../range";
import { Answer } from "./Answer";
import { Chart, withGaps, type Line } from "./Chart";

const HEIGHT_PX = 92;

/** A chart for each metric that the service says is to be watched; what no signal tells is named below. */
export default function Watch({ name, kind, range }: { name: string; kind?: string; range: Range }) {
  const query = useQuery({
    queryKey: ["watch", name, kind, range.text, range.untilMs],
    queryFn: ({ signal }) => (kind === "lambda" ? api.functionMetrics(name, asParameters(range), signal) : api.resourceMetrics(name, kind, asParameters(range), signal)),
    placeholderData: (before) => (before?.name === name ? before : undefined),
  });
  return (
    <section aria-labelledby="watch">
      <div className="section-head">
        <h2 id="watch">
          What to watch <small>from CloudWatch where it told, otherwise derived from what was seen</small>
        </h2>
        <Link to="/limits">its limits</Link>
      </div>
      <Answer query={query} what="the metrics" rows={4}>
        {(answer) => <Charts answer={answer} range={range} />}
      </Answer>
    </section>
  );
}

function Charts({ answer, range }: { answer: WatchAnswer; range: Range }) {
  const told = answer.metrics.filter((metric) => metric.source !== "absent");
  const own = told.filter((metric) => metric.scope === "resource");
  const account = told.filter((metric) => metric.scope === "account");
  return (
    <>
      {own.length > 0 && <Grid metrics={own} range={range} />}
      {account.length > 0 && (
        <>
          <h3>Of all functions together</h3>
          <Grid metrics={account} range={range} />
        </>
      )}
      <Absent metrics={answer.metrics.filter((metric) => metric.source === "absent")} />
    </>
  );
}

function Grid({ metrics, range }: { metrics: WatchedMetric[]; range: Range }) {
  return (
    <div className="charts watch">
      {metrics.map((metric) => (
        <One key={metric.id} metric={metric} range={range} />
      ))}
    </div>
  );
}

function One({ metric, range }: { metric: WatchedMetric; range: Range }) {
  const unit = amount[metric.unit];
  const points = useMemo(() => withGaps<{ time: string; value: number | null }>(metric.points, (time) => ({ time, value: null })), [metric.points]);
  const times = useMemo(() => points.map((point) => Date.parse(point.time) / 1000), [points]);
  const lines = useMemo<Line[]>(
    () => [{ name: metric.statistic, values: points.map((point) => point.value), colour: (c) => (metric.statistic === "sum" ? c.bar : c.text), bars: metric.statistic === "sum" }],
    [points, metric.statistic],
  );
  const last = metric.points.at(-1);
  const told = metric.source === "derived" ? "derived" : "CloudWatch";
  return (
    <div className="watched" title={`High: ${metric.high}.\nLow: ${metric.low}.\n${metric.trouble}.\n\n${metric.source === "derived" ? "Derived: " : ""}${metric.how}.\n${metric.documentation}`}>
      <Chart title={metric.name.replace(/, all functions$/, "")} times={times} lines={lines} range={range} unit={unit} height={HEIGHT_PX} mark={last ? `${told}, last ${unit(last.value)}` : told} />
      <p className="dim">{metric.high === "good" ? `Low: ${metric.low}` : `High: ${metric.high}`}</p>
    </div>
  );
}

function Absent({ metrics }: { metrics: WatchedMetric[] }) {
  if (!metrics.length) return null;
  return (
    <details className="absent">
      <summary>
        Not told by any signal: {metrics.map((metric) => metric.name.toLowerCase()).join(", ")}
      </summary>
      <dl className="pairs">
        {metrics.map((metric) => (
          <div key={metric.id}>
            <dt>{metric.name}</dt>
            <dd>{metric.how}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
