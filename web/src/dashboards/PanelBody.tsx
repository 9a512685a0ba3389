import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, get } from "../api";
import { amount } from "../amount";
import { count, duration, percent } from "../format";
import { Answer, Empty } from "../parts/Answer";
import { Chart } from "../parts/Chart";
import { durationLines, failureLines, timesOf } from "../parts/lines";
import MetricPlot from "../parts/MetricPlot";
import { RedTable, type RedKind } from "../parts/RedTable";
import { FindingTable } from "../parts/FindingTable";
import { TrailTable } from "../parts/TrailTable";
import { asParameters, stepFor, type Range } from "../range";
import type { MetricChart } from "../screens/metricWords";
import { EntryTable } from "../screens/OverviewTables";
import type { RedGroup } from "../api";
import type { Panel } from "./board";
import { dashboardsApi, promql } from "./dashboardsApi";
import { drawPromql, drawWatched, unitOf, type Drawing } from "./figures";
import { FigureBody } from "./FigureBody";
import { useGroups } from "./groups";
import { CostRows, LimitRows, SourceRows } from "./lists";
import { Markdown } from "./Markdown";
import { titleOf } from "./kinds";

export interface Shown {
  panel: Panel;
  range: Range;
  /** Whether it is to be asked for: it is, or was, in sight. */
  seen: boolean;
}

const STEPS = 60;
export const HEIGHT_PX = 150;

/** What a panel shows; each asks by itself, and fails alone. */
export function PanelBody(shown: Shown) {
  switch (shown.panel.kind) {
    case "red":
      return <RedBody {...shown} />;
    case "watched":
      return <WatchedBody {...shown} />;
    case "metric":
      return <MetricBody {...shown} />;
    case "promql":
      return <PromqlBody {...shown} />;
    case "figure":
      return <FigureBody {...shown} />;
    case "trails":
      return <TrailsBody {...shown} />;
    case "findings":
      return <FindingsBody {...shown} />;
    case "event_sources":
      return <SourceRows {...shown} />;
    case "limits":
      return <LimitRows {...shown} />;
    case "costs":
      return <CostRows {...shown} />;
    case "text":
      return shown.panel.text ? <Markdown text={String(shown.panel.text)} /> : <p className="dim">Nothing written yet.</p>;
    default:
      return <Empty title="This page does not know this kind of panel">Reload it: coldtrail may be newer than what you see.</Empty>;
  }
}

function RedBody({ panel, range, seen }: Shown) {
  const query = useGroups(panel, range, seen);
  const most = Number(panel.limit ?? 8);
  const kind = String(panel.group ?? "function");
  return (
    <Answer query={query} what={titleOf(panel)} rows={4}>
      {(data) => {
        if (panel.name) {
          const group = data.groups.find((one) => one.name === panel.name);
          return group ? <RedCharts group={group} range={range} title={titleOf(panel)} /> : <Empty title={`${panel.name} was not seen in this time range`} />;
        }
        const seconds = (Date.parse(data.until) - Date.parse(data.entries?.counted_since ?? data.since)) / 1000;
        if (data.entries) return <EntryTable answer={data.entries} entries={data.entries.entries.toSorted(worst).slice(0, most)} seconds={seconds} />;
        return <RedTable groups={data.groups} seconds={seconds} kind={kind as RedKind} most={most} />;
      }}
    </Answer>
  );
}

function worst(one: { count: number; error_count: number }, other: { count: number; error_count: number }): number {
  return other.error_count / Math.max(other.count, 1) - one.error_count / Math.max(one.count, 1) || other.count - one.count;
}

function RedCharts({ group, range, title }: { group: RedGroup; range: Range; title: string }) {
  const times = useMemo(() => timesOf(group.points), [group.points]);
  const [calls, durations] = useMemo(() => [failureLines(group.points), durationLines(group.points)], [group.points]);
  return (
    <>
      <p className="panel-facts">
        {count(group.count)} calls, <span className={group.error_count ? "bad" : undefined}>{percent(group.count ? group.error_count / group.count : 0)} errors</span>, p95 {duration(group.p95_ms)}
      </p>
      <div className="panel-charts">
        <Chart title={`Calls of ${title}`} times={times} lines={calls} range={range} unit={count} height={HEIGHT_PX} bare />
        <Chart title={`Duration of ${title}`} times={times} lines={durations} range={range} unit={duration} height={HEIGHT_PX} bare />
      </div>
    </>
  );
}

function Lines({ drawing, title, unit, range }: { drawing: Drawing; title: string; unit: (value: number) => string; range: Range }) {
  return <Chart title={title} times={drawing.times} lines={drawing.lines} range={range} unit={unit} height={HEIGHT_PX} bare />;
}

function WatchedBody({ panel, range, seen }: Shown) {
  const [service, metric, name] = [text(panel.service) ?? "", text(panel.metric) ?? "", text(panel.name)];
  const query = useQuery({
    queryKey: ["dashboard", "watched", service, metric, name, range.text, range.untilMs],
    queryFn: ({ signal }) => dashboardsApi.watched(service, metric, name, asParameters(range), stepFor(range, STEPS), signal),
    placeholderData: keepPreviousData,
    enabled: seen && Boolean(service && metric),
  });
  const drawing = useMemo(() => query.data && drawWatched(query.data), [query.data]);
  return (
    <Answer query={query} what={titleOf(panel)} rows={3}>
      {(data) =>
        data.series.length && drawing ? (
          <>
            <Lines drawing={drawing} title={data.metric.name} unit={amount[data.metric.unit]} range={range} />
            <p className="panel-says" title={data.metric.trouble}>
              {data.series.some((one) => one.source === "derived") ? "Derived. " : ""}
              {data.metric.high === "good" ? `Low: ${data.metric.low}` : `High: ${data.metric.high}`}
            </p>
          </>
        ) : (
          <p className="panel-none">
            <strong>{data.metric.name}: not told in this time range.</strong> {data.absent}
          </p>
        )
      }
    </Answer>
  );
}

function MetricBody({ panel, range, seen }: Shown) {
  const [metric, stat, by, where] = [text(panel.metric) ?? "", text(panel.stat), text(panel.by), text(panel.where)];
  const query = useQuery({
    queryKey: ["dashboard", "metric", metric, stat, by, where, range.text, range.untilMs],
    queryFn: ({ signal }) => get<MetricChart>(`/metrics/${encodeURIComponent(metric)}`, { ...asParameters(range), step: stepFor(range, STEPS), stat, by, filter: where?.includes("=") ? where : undefined }, signal),
    placeholderData: keepPreviousData,
    enabled: seen && Boolean(metric),
  });
  if (!metric) return <p className="panel-none">Choose a metric.</p>;
  return (
    <Answer query={query} what={titleOf(panel)} rows={3}>
      {(chart) => (chart.series.length ? <MetricPlot chart={chart} range={range} bare /> : <p className="panel-none">No figure in this time range.</p>)}
    </Answer>
  );
}

function PromqlBody({ panel, range, seen }: Shown) {
  const text = String(panel.query ?? "");
  const step = stepFor(range, STEPS);
  const query = useQuery({
    queryKey: ["dashboard", "promql", text, range.text, range.untilMs],
    queryFn: ({ signal }) => promql(text, asParameters(range), step, signal),
    placeholderData: keepPreviousData,
    enabled: seen && text.trim() !== "",
    retry: false,
  });
  const drawing = useMemo(() => query.data && drawPromql(query.data, range.sinceMs / 1000, range.untilMs / 1000, step), [query.data, range, step]);
  if (!text.trim()) return <p className="panel-none">Write an expression.</p>;
  return (
    <Answer query={query} what={titleOf(panel)} rows={3}>
      {(lines) => (lines.length && drawing ? <Lines drawing={drawing} title={titleOf(panel)} unit={unitOf(panel.unit)} range={range} /> : <p className="panel-none">The expression has no series in this time range.</p>)}
    </Answer>
  );
}

function TrailsBody({ panel, range, seen }: Shown) {
  const filter = { status: text(panel.status), service: text(panel.service), q: text(panel.q), min_ms: text(panel.min_ms) };
  const query = useQuery({
    queryKey: ["dashboard", "trails", filter, panel.limit, range.text, range.untilMs],
    queryFn: ({ signal }) => api.trails(filter, asParameters(range), null, Number(panel.limit ?? 8), signal),
    placeholderData: keepPreviousData,
    enabled: seen,
  });
  return (
    <Answer query={query} what={titleOf(panel)} rows={4}>
      {(data) => (data.trails.length ? <TrailTable trails={data.trails} /> : <p className="panel-none">No such trail in this time range.</p>)}
    </Answer>
  );
}

function FindingsBody({ panel, range, seen }: Shown) {
  const query = useQuery({
    queryKey: ["dashboard", "findings", panel.severity, panel.about, panel.limit, range.untilMs],
    queryFn: ({ signal }) => api.findings("current", { severity: text(panel.severity), about: text(panel.about) }, null, Number(panel.limit ?? 8), signal),
    placeholderData: keepPreviousData,
    enabled: seen,
  });
  return (
    <Answer query={query} what={titleOf(panel)} rows={4}>
      {(data) => (data.findings.length ? <FindingTable findings={data.findings} /> : <p className="panel-none">Nothing of that kind is wrong.</p>)}
    </Answer>
  );
}

function text(value: unknown): string | undefined {
  return value === undefined || value === null || value === "" ? undefined : String(value);
}

