import { Button, TextInput } from "@mantine/core";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { api, type FunctionAnswer, type Invocation } from "../api";
import { clock, count, duration, full, moment, percent, plural } from "../format";
import { Answer, Empty } from "../parts/Answer";
import { DurationsPlot } from "../parts/DurationsPlot";
import { LogLines } from "../parts/LogLines";
import { NothingHere } from "../parts/NothingHere";
import { useRange } from "../parts/range";
import { useRowKeys } from "../parts/rowKeys";
import { Id, Status } from "../parts/small";
import { asParameters, type Range } from "../range";
import { failed } from "../views/model";

const Charts = lazy(() => import("../parts/Charts"));
const Watch = lazy(() => import("../parts/Watch"));

export default function FunctionScreen() {
  const { name } = useParams({ strict: false }) as { name: string };
  const range = useRange();
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  const query = useQuery({
    queryKey: ["function", name, range.text, range.untilMs],
    queryFn: ({ signal }) => api.function(name, asParameters(range), signal),
    placeholderData: (before) => (before?.name === name ? before : undefined),
  });
  return (
    <div className="screen function" ref={box}>
      <header className="function-head">
        <h1>{name}</h1>
        <Link to="/trails" search={{ service: name }}>
          its trails
        </Link>
        <Link to="/cold-starts" search={{ service: name }}>
          its cold starts
        </Link>
        <Link to="/map" search={{ sel: `service/${name}`, q: name }}>
          on the map
        </Link>
      </header>
      <Answer query={query} what="the function" rows={8}>
        {(answer) =>
          answer.summary.count === 0 ? (
            <NothingHere what={`invocations of ${name}`} />
          ) : (
            <>
              <Summary answer={answer} />
              <Suspense fallback={<div className="charts" />}>
                <Charts answer={answer} range={range} />
              </Suspense>
              <Errors answer={answer} />
              <Dots invocations={answer.invocations} range={range} />
              <Invocations list={answer.invocations} />
            </>
          )
        }
      </Answer>
      <Suspense>
        <Watch name={name} kind="lambda" range={range} />
      </Suspense>
      <Logs name={name} range={range} />
    </div>
  );
}

function Summary({ answer: { summary: s } }: { answer: FunctionAnswer }) {
  const share = s.count ? s.error_count / s.count : 0;
  const facts: [string, ReactNode, string?][] = [
    ["invocations", count(s.count)],
    ["errors", percent(share), s.error_count ? "bad" : undefined],
    ["timeouts", count(s.timeout_count), s.timeout_count ? "bad" : undefined],
    ["p50", duration(s.p50_ms)],
    ["p95", duration(s.p95_ms)],
    ["p99", duration(s.p99_ms)],
    ["cold starts", percent(s.count ? s.cold_start_count / s.count : 0)],
    ["init p50", duration(s.init_p50_ms)],
    ["memory", s.memory_used_max_mb ? `${count(s.memory_used_max_mb)}${s.memory_size_mb ? ` of ${count(s.memory_size_mb)}` : ""} MB` : "–"],
    ["billed", duration(s.billed_ms)],
    [s.versions.length > 1 ? "versions" : "version", s.versions.join(", ") || "–"],
  ];
  return (
    <dl className="summary">
      {facts.map(([name, value, tone]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className={tone}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Errors({ answer }: { answer: FunctionAnswer }) {
  const errors = answer.errors.toSorted((a, b) => b.count - a.count);
  return (
    <section aria-labelledby="errors">
      <h2 id="errors">Errors</h2>
      {errors.length === 0 ? (
        <Empty title="No errors in this time range" />
      ) : (
        <div className="table-box">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Type and message</th>
                <th scope="col" className="n">Count</th>
                <th scope="col" className="n">First</th>
                <th scope="col" className="n">Last</th>
                <th scope="col">Example</th>
              </tr>
            </thead>
            <tbody>
              {errors.map((error) => (
                <tr key={`${error.type}${error.message}`}>
                  <th scope="row" className="error-cell">
                    {error.trail_id ? (
                      <Link to="/trail/$id" params={{ id: error.trail_id }}>
                        {error.type || "error"}
                      </Link>
                    ) : (
                      error.type || "error"
                    )}
                    <small title={error.message}>{error.message}</small>
                  </th>
                  <td className="n">{count(error.count)}</td>
                  <td className="n" title={full(error.first_seen)}>{moment(error.first_seen)}</td>
                  <td className="n" title={full(error.last_seen)}>{moment(error.last_seen)}</td>
                  <td>{error.request_id ? <Id value={error.request_id} length={13} /> : "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function useOpen(): (one: Invocation) => void {
  const navigate = useNavigate();
  return (one) => one.trail_id && void navigate({ to: "/trail/$id", params: { id: one.trail_id }, search: { sel: one.node_id } });
}

function Dots({ invocations, range }: { invocations: Invocation[]; range: Range }) {
  const open = useOpen();
  const dots = useMemo(
    () => invocations.filter((one) => one.duration_ms !== null).map((one) => ({ timeMs: Date.parse(one.time), durationMs: one.duration_ms!, bad: failed(one.status), cold: one.cold_start === true, id: one.node_id })),
    [invocations],
  );
  return (
    <section aria-labelledby="dots">
      <h2 id="dots">
        Every invocation <small>grey: warm, blue: cold, red: failed; the latest {count(invocations.length)}</small>
      </h2>
      <div className="box">
        <DurationsPlot dots={dots} fromMs={range.sinceMs} toMs={range.untilMs} height={150} label={`Durations of ${invocations.length} invocations over time; the table below lists them`} choose={(id) => open(invocations.find((one) => one.node_id === id)!)} />
      </div>
    </section>
  );
}

const FIRST = 15;

function Invocations({ list }: { list: Invocation[] }) {
  const open = useOpen();
  const [shown, setShown] = useState(FIRST);
  return (
    <section aria-labelledby="invocations">
      <h2 id="invocations">Invocations</h2>
      <div className="table-box">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Start</th>
              <th scope="col">Request id</th>
              <th scope="col" className="n">Duration</th>
              <th scope="col" className="n">Init</th>
              <th scope="col" className="n">Memory</th>
              <th scope="col">Status</th>
            </tr>
          </thead>
          <tbody>
            {list.slice(0, shown).map((one) => (
              <tr key={`${one.node_id}${one.time}`} className="row-link" onClick={(event) => !(event.target as Element).closest("a,button") && open(one)}>
                <th scope="row" className="time" title={full(one.time)}>
                  {one.trail_id ? (
                    <Link to="/trail/$id" params={{ id: one.trail_id }} search={{ sel: one.node_id }}>
                      {clock(one.time, true)}
                    </Link>
                  ) : (
                    clock(one.time, true)
                  )}
                </th>
                <td>{one.request_id ? <Id value={one.request_id} /> : "–"}</td>
                <td className="n">{duration(one.duration_ms)}</td>
                <td className="n cold">{one.cold_start ? duration(one.init_ms) : ""}</td>
                <td className="n">{one.memory_used_mb ? `${count(one.memory_used_mb)} MB` : "–"}</td>
                <td><Status status={one.status} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {list.length > shown && (
        <Button variant="default" size="xs" className="more" onClick={() => setShown(shown + 50)}>
          {plural(Math.min(50, list.length - shown), "more", "more")}
        </Button>
      )}
    </section>
  );
}

function Logs({ name, range }: { name: string; range: Range }) {
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const [text, setText] = useState(search.q ?? "");
  useEffect(() => {
    if (text === (search.q ?? "")) return;
    const timer = setTimeout(() => void navigate({ to: ".", replace: true, search: (before: object) => ({ ...before, q: text || undefined }) }), 300);
    return () => clearTimeout(timer);
  }, [text, search.q, navigate]);
  const query = useInfiniteQuery({
    queryKey: ["logs", name, search.q, range.text, range.untilMs],
    queryFn: ({ pageParam, signal }) => api.logs({ service: name, q: search.q, ...asParameters(range), limit: 50, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.cursor,
    placeholderData: keepPreviousData,
  });
  const lines = query.data?.pages.flatMap((page) => page.logs) ?? [];
  return (
    <section aria-labelledby="logs">
      <div className="section-head">
        <h2 id="logs">Logs</h2>
        <TextInput size="xs" className="wide" aria-label="Search the logs" placeholder="Search the logs" value={text} onChange={(event) => setText(event.currentTarget.value)} />
      </div>
      <Answer query={query} what="the logs" rows={5}>
        {() =>
          lines.length ? (
            <div className="box">
              <LogLines logs={lines} linked />
            </div>
          ) : (
            <Empty title={search.q ? `No line contains "${search.q}"` : "No log lines in this time range"} />
          )
        }
      </Answer>
      {query.hasNextPage && (
        <Button variant="default" size="xs" className="more" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          Older lines
        </Button>
      )}
    </section>
  );
}
