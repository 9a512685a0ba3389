import { Button, NativeSelect, TextInput } from "@mantine/core";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { api, get } from "../api";
import { ago, clock, count, full, plural, words } from "../format";
import { Answer, Empty } from "../parts/Answer";
import { NothingHere } from "../parts/NothingHere";
import { useRange } from "../parts/range";
import { useRowKeys } from "../parts/rowKeys";
import { asParameters, stepFor, type Range } from "../range";
import type { Search } from "../search";
import { figuresOf, MOST_LINES, nameOf, statsOf, unitOf, type MetricChart, type MetricRow } from "./metricWords";

const MetricPlot = lazy(() => import("../parts/MetricPlot"));
const PAGE = 100;
type Set = (change: Partial<Search>) => void;

/** Every metric by name; the chosen one as a chart above the list. */
export default function Metrics() {
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  const query = useInfiniteQuery({
    queryKey: ["metrics", search.service, search.q],
    queryFn: ({ pageParam, signal }) => get<{ metrics: MetricRow[]; cursor: string | null }>("/metrics", { service: search.service, q: search.q, limit: PAGE, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.cursor,
    placeholderData: keepPreviousData,
    refetchInterval: 15_000,
  });
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.metrics) ?? [], [query.data]);
  const set: Set = (change) => void navigate({ to: ".", replace: true, search: (before: Search) => ({ ...before, ...change }) });
  const clear = () => set({ q: undefined, service: undefined });
  const filters = [search.service && `service ${search.service}`, search.q && `name ${search.q}`].filter((one): one is string => Boolean(one));
  return (
    <div className="screen metrics" ref={box}>
      <header className="function-head">
        <h1>Metrics</h1>
        <span className="dim">what your services and AWS measure, by any of its labels</span>
      </header>
      {search.sel && <Chosen key={search.sel} name={search.sel} search={search} set={set} />}
      <Filters search={search} set={set} />
      <Answer query={query} what="the metrics" rows={8}>
        {() =>
          rows.length ? (
            <>
              <Table rows={rows} chosen={search.sel} />
              {query.hasNextPage && (
                <Button variant="default" size="xs" className="more" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  Load {PAGE} more
                </Button>
              )}
            </>
          ) : filters.length ? (
            <NothingHere what="metrics" filters={filters} clear={clear} />
          ) : (
            <Empty title="No metric has arrived yet">
              Send OTLP metrics, a CloudWatch metric stream, EMF log lines or Prometheus remote write. <Link to="/connect">Connect something</Link>.
            </Empty>
          )
        }
      </Answer>
    </div>
  );
}

function Filters({ search, set }: { search: Search; set: Set }) {
  const services = useQuery({ queryKey: ["services"], queryFn: ({ signal }) => api.services(signal) });
  const names = services.data?.services.map((service) => service.name).toSorted() ?? [];
  if (search.service && !names.includes(search.service)) names.unshift(search.service);
  return (
    <form className="filters" role="search" aria-label="Filter metrics" onSubmit={(event) => event.preventDefault()}>
      <Text label="Part of the name" value={search.q} put={(q) => set({ q })} />
      <NativeSelect size="xs" label="Service" value={search.service ?? ""} onChange={(event) => set({ service: event.currentTarget.value || undefined })} data={[{ value: "", label: "any" }, ...names]} />
    </form>
  );
}

/** A field that waits for a pause before it asks. */
function Text({ label, value, put, placeholder }: { label: string; value?: string; put: (value?: string) => void; placeholder?: string }) {
  const [text, setText] = useState(value ?? "");
  useEffect(() => setText(value ?? ""), [value]);
  useEffect(() => {
    if (text.trim() === (value ?? "")) return;
    const timer = setTimeout(() => put(text.trim() || undefined), 300);
    return () => clearTimeout(timer);
  });
  return <TextInput size="xs" label={label} value={text} placeholder={placeholder} onChange={(event) => setText(event.currentTarget.value)} className="wide" />;
}

function Table({ rows, chosen }: { rows: MetricRow[]; chosen?: string }) {
  return (
    <div className="table-box">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Metric</th>
            <th scope="col">Kind</th>
            <th scope="col">Unit</th>
            <th scope="col" className="n">Series</th>
            <th scope="col">What it says</th>
            <th scope="col" className="n">Last</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name} aria-selected={row.name === chosen} className={row.name === chosen ? "selected" : undefined}>
              <th scope="row">
                <Link to="/metrics" search={(before: Search) => ({ ...before, sel: row.name, stat: undefined, by: undefined, where: undefined })} resetScroll>
                  {row.name}
                </Link>
              </th>
              <td>{words(row.kind)}</td>
              <td>{row.unit}</td>
              <td className="n">{count(row.series_count)}</td>
              <td className="reason">{row.description}</td>
              <td className="n" title={full(row.last_seen)}>{ago(row.last_seen)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Chosen({ name, search, set }: { name: string; search: Search; set: Set }) {
  const range = useRange();
  const { stat, by, where } = search;
  const asked = where?.includes("=") ? where : undefined;
  const query = useQuery({
    queryKey: ["metric", name, stat, by, asked, search.service, range.text, range.untilMs],
    queryFn: ({ signal }) => {
      const filter = asked ?? (search.service ? `service=${search.service}` : undefined);
      return get<MetricChart>(`/metrics/${encodeURIComponent(name)}`, { ...asParameters(range), step: stepFor(range, 90), stat, by, filter }, signal);
    },
    placeholderData: keepPreviousData,
  });
  return (
    <section aria-labelledby="chosen" className="metric">
      <h2 id="chosen">
        <code>{name}</code>{" "}
        <small>
          <Link to="/metrics" search={(before: Search) => ({ ...before, sel: undefined, stat: undefined, by: undefined, where: undefined })}>
            close
          </Link>
        </small>
      </h2>
      <Answer query={query} what={`the chart of ${name}`} rows={4}>
        {(chart) => (
          <>
            <form className="filters" aria-label="What the chart shows" onSubmit={(event) => event.preventDefault()}>
              <NativeSelect size="xs" label="Statistic" value={chart.stat} onChange={(event) => set({ stat: event.currentTarget.value })} data={statsOf(chart.kind)} />
              <NativeSelect
                size="xs"
                label="By"
                value={by ?? ""}
                onChange={(event) => set({ by: event.currentTarget.value || undefined })}
                data={[{ value: "", label: "all together" }, ...chart.labels.map((one) => ({ value: one.name, label: `${one.name} (${one.value_count})` }))]}
              />
              <Text label="Only where" value={where} placeholder="label=value" put={(value) => set({ where: value })} />
            </form>
            {chart.notes.map((note) => (
              <p key={note} className="dim" role="note">
                {note}
              </p>
            ))}
            {chart.series.length ? (
              <Suspense fallback={<div className="charts" />}>
                <MetricPlot chart={chart} range={range} />
                <Lines chart={chart} />
              </Suspense>
            ) : (
              <Empty title="No figure in this time range">Choose a longer range, another statistic, or fewer conditions.</Empty>
            )}
            <Exemplars chart={chart} range={range} />
          </>
        )}
      </Answer>
    </section>
  );
}

function Lines({ chart }: { chart: MetricChart }) {
  const unit = unitOf(chart.unit, chart.stat, chart.kind);
  if (chart.series.length < 2) return null;
  return (
    <div className="table-box">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">{Object.keys(chart.series[0].labels).join(", ")}</th>
            <th scope="col" className="n">Least</th>
            <th scope="col" className="n">Greatest</th>
            <th scope="col" className="n">Last</th>
          </tr>
        </thead>
        <tbody>
          {chart.series.slice(0, 20).map((line) => {
            const figures = figuresOf(line.points);
            const name = nameOf(line.labels, chart.name);
            return (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td className="n">{figures && unit(figures.least)}</td>
                <td className="n">{figures && unit(figures.greatest)}</td>
                <td className="n">{figures && unit(figures.last)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {chart.series.length > MOST_LINES && <p className="dim">The chart draws the first {MOST_LINES} of {plural(chart.series.length, "line")}.</p>}
    </div>
  );
}

/** Measurements that were made inside of a trace: the way from a figure to what happened. */
function Exemplars({ chart, range }: { chart: MetricChart; range: Range }) {
  const unit = unitOf(chart.unit, "avg", chart.kind);
  const greatest = chart.exemplars.toSorted((a, b) => b.value - a.value).slice(0, 8);
  if (!greatest.length) return null;
  return (
    <p className="exemplars">
      <span className="dim">Measured in these trails, the greatest first:</span>{" "}
      {greatest.map((one) => (
        <Link key={`${one.trace_id}${one.time}`} to="/trail/$id" params={{ id: one.trace_id }} search={{ t: range.text }} title={`${full(one.time)}, trace ${one.trace_id}`} className="chip">
          {unit(one.value)} at {clock(one.time)}
        </Link>
      ))}
    </p>
  );
}
