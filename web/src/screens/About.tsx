import { useQueries, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useMemo, useRef } from "react";
import { api, type TrailColumns } from "../api";
import { clock, count, duration, full, moment, plural } from "../format";
import { Answer, Empty } from "../parts/Answer";
import { LatestAnswers } from "../parts/Answered";
import { NothingHere } from "../parts/NothingHere";
import { useRange } from "../parts/range";
import { useRowKeys } from "../parts/rowKeys";
import { Id, Status } from "../parts/small";
import { TrailTable } from "../parts/TrailTable";
import { asParameters } from "../range";
import { decode } from "../views/model";
import { about, findings, type About as Facts } from "./about";

const MOST_TRAILS = 25;
/** Larger trails are listed, and not read for the answers. */
const MOST_NODES = 3000;

/** Everything about one value, a user's id say: what the entry returned, what ran, what is stored, what waited. */
export default function About() {
  const { value } = useParams({ strict: false }) as { value: string };
  const range = useRange();
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  const list = useQuery({
    queryKey: ["trails", "about", value, range.text, range.untilMs],
    queryFn: ({ signal }) => api.trails({ q: value }, asParameters(range), null, MOST_TRAILS, signal),
    placeholderData: (before, query) => (query?.queryKey[2] === value ? before : undefined),
  });
  const read = list.data?.trails.filter((row) => row.node_count <= MOST_NODES) ?? [];
  const models = useQueries({
    queries: read.map((row) => ({ queryKey: ["trail", row.trail_id], queryFn: ({ signal }: { signal: AbortSignal }) => api.trail(row.trail_id, signal), staleTime: 15_000, structuralSharing: false })),
    combine: (answers) => ({ pending: answers.some((one) => one.isPending), columns: answers.flatMap((one) => (one.data ? [one.data] : [])) }),
  });
  return (
    <div className="screen about" ref={box}>
      <header className="function-head">
        <h1>About <Id value={value} /></h1>
        <Link to="/trails" search={{ q: value }}>
          all its trails
        </Link>
      </header>
      <Answer query={list} what="the trails that carry it" rows={8}>
        {(data) =>
          data.trails.length === 0 ? (
            <NothingHere what={`trails that carry ${value}`} />
          ) : (
            <>
              <Whole columns={models.columns} pending={models.pending} />
              <section aria-labelledby="its-trails">
                <h2 id="its-trails">
                  Its trails <small>{data.cursor ? `the latest ${count(data.trails.length)}` : plural(data.trails.length, "trail")}</small>
                </h2>
                <TrailTable trails={data.trails} />
              </section>
            </>
          )
        }
      </Answer>
    </div>
  );
}

function Whole({ columns, pending }: { columns: TrailColumns[]; pending: boolean }) {
  const facts = useMemo(() => about(distinct(columns).map(decode)), [columns]);
  if (pending && !columns.length) return <p className="dim">Reading its trails …</p>;
  return (
    <>
      <Findings facts={facts} />
      <Stored facts={facts} />
      <Functions facts={facts} />
      <Carried facts={facts} />
    </>
  );
}

function distinct(columns: TrailColumns[]): TrailColumns[] {
  return [...new Map(columns.map((one) => [one.trail_id, one])).values()];
}

function Findings({ facts }: { facts: Facts }) {
  const answers = facts.asked.slice(0, 12).map((one) => ({ time: new Date(one.timeMs).toISOString(), code: one.code, failed: one.failed, trail: one.trail, node: one.node }));
  return (
    <section aria-label="Six questions">
      <dl className="told-answers">
        {findings(facts).map((one, i) => (
          <div key={one.question} className={one.tone}>
            <dt>{one.question}</dt>
            <dd>
              {one.answer}{" "}
              {i === 0 && <LatestAnswers answers={answers} />}
              {i > 0 && one.at && (
                <Link to="/trail/$id" params={{ id: one.at.trail }} search={{ sel: one.at.node }}>
                  show it
                </Link>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Stored({ facts }: { facts: Facts }) {
  return (
    <section aria-labelledby="stored">
      <h2 id="stored">What is stored and read</h2>
      {facts.stored.length === 0 ? (
        <Empty title="No operation on a table or bucket in these trails">A function tells of one by a span with its table or bucket: an X-Ray or OpenTelemetry SDK makes it.</Empty>
      ) : (
        <div className="table-box">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Operation</th>
                <th scope="col">Table or bucket</th>
                <th scope="col">By</th>
                <th scope="col">Outcome</th>
                <th scope="col">What the function said of it</th>
              </tr>
            </thead>
            <tbody>
              {facts.stored.slice(0, 40).map((one) => (
                <tr key={one.node}>
                  <th scope="row" className="time" title={full(one.timeMs)}>
                    <Link to="/trail/$id" params={{ id: one.trail }} search={{ sel: one.node }}>
                      {clock(one.timeMs, true)}
                    </Link>
                  </th>
                  <td>{one.operation}</td>
                  <td>
                    <Link to="/resource/$name" params={{ name: one.resource }} search={{ kind: one.kind }}>
                      {one.resource}
                    </Link>
                  </td>
                  <td>{one.service}</td>
                  <td><Status status={one.status} /></td>
                  <td className="reason mono">{one.said.slice(0, 260) || "its keys are not in this telemetry"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Functions({ facts }: { facts: Facts }) {
  if (!facts.functions.length) return null;
  return (
    <section aria-labelledby="its-functions">
      <h2 id="its-functions">Functions that ran for it</h2>
      <div className="table-box">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Function</th>
              <th scope="col">Takes from</th>
              <th scope="col" className="n">Invocations</th>
              <th scope="col" className="n">Failed</th>
              <th scope="col" className="n">Cold</th>
              <th scope="col" className="n">Longest</th>
              <th scope="col">Latest failure or error line</th>
            </tr>
          </thead>
          <tbody>
            {facts.functions.toSorted((a, b) => b.failures - a.failures || b.invocations - a.invocations).map((one) => {
              const trouble = one.lastFailure ?? one.lastErrorLine;
              return (
                <tr key={one.name}>
                  <th scope="row">
                    <Link to="/function/$name" params={{ name: one.name }}>
                      {one.name}
                    </Link>
                  </th>
                  <td>{[...one.consumes].join(", ") || (one.behindEntry ? "an entry" : "")}</td>
                  <td className="n">{count(one.invocations)}</td>
                  <td className={one.failures ? "n bad strong" : "n dim"}>{count(one.failures)}</td>
                  <td className="n">{count(one.cold)}</td>
                  <td className="n">{duration(one.longestMs)}</td>
                  <td className="reason">
                    {trouble && (
                      <Link to="/trail/$id" params={{ id: trouble.trail }} search={{ sel: trouble.node }}>
                        {trouble.text.slice(0, 200)}
                      </Link>
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Carried({ facts }: { facts: Facts }) {
  if (!facts.carried.length) return null;
  return (
    <section aria-labelledby="its-messages">
      <h2 id="its-messages">
        Its messages <small>open a name for how it does for everybody</small>
      </h2>
      <div className="table-box">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Stream, queue, topic or bus</th>
              <th scope="col">Taken by</th>
              <th scope="col" className="n">Messages</th>
              <th scope="col" className="n">Deliveries</th>
              <th scope="col" className="n">Failed</th>
              <th scope="col" className="n">Waited, median</th>
              <th scope="col" className="n">Waited, longest</th>
              <th scope="col" className="n">Last</th>
            </tr>
          </thead>
          <tbody>
            {facts.carried.map((one) => (
              <tr key={one.name}>
                <th scope="row">
                  <Link to="/resource/$name" params={{ name: one.name }} search={{ kind: one.kind }}>
                    {one.name}
                  </Link>
                </th>
                <td>{[...one.consumers].join(", ") || "nobody was seen"}</td>
                <td className="n">{count(one.messages)}</td>
                <td className="n">{count(one.attempts)}</td>
                <td className={one.failures ? "n bad strong" : "n dim"}>{count(one.failures)}</td>
                <td className="n">{one.waits.length ? duration(one.waits.toSorted((a, b) => a - b)[Math.floor(one.waits.length / 2)]) : "–"}</td>
                <td className="n">{one.waits.length ? duration(Math.max(...one.waits)) : "–"}</td>
                <td className="n">{one.last ? moment(one.last.timeMs) : "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
