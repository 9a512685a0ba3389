import { Link, useNavigate } from "@tanstack/react-router";
import { memo } from "react";
import type { Entries, Entry, ResourceRow } from "../api";
import { ago, count, duration, full, percent, rate } from "../format";
import { Empty } from "../parts/Answer";
import { LatestAnswers, Statuses } from "../parts/Answered";
import { useFirst } from "../parts/first";
import { Spark } from "../parts/small";
import { entryName, onSteps, trailsOfEntry } from "./entries";
import { kindName } from "./resourceWords";

const LATEST = 6;

/** Requests from outside: what came, how often, what was answered; `entries` are some or all of the answer's. */
export const EntryTable = memo(function EntryTable({ answer, entries, seconds }: { answer: Entries; entries: Entry[]; seconds: number }) {
  const navigate = useNavigate();
  const [shown, more] = useFirst(entries, "entries");
  if (!entries.length) return <Empty title="No requests from outside in this time range" />;
  return (
    <>
      <div className="table-box">
        <table className="table red">
          <thead>
            <tr>
              <th scope="col" className="name">Entry</th>
              <th scope="col" className="spark-cell">Calls and errors</th>
              <th scope="col" className="n">Rate</th>
              <th scope="col" className="n">Errors</th>
              <th scope="col" className="n">p50</th>
              <th scope="col" className="n">p95</th>
              <th scope="col">Answered</th>
              <th scope="col">Latest answers</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((entry) => (
              <tr key={entryName(entry)} className="row-link" onClick={(event) => !(event.target as Element).closest("a") && void navigate({ to: "/trails", search: trailsOfEntry(entry) })}>
                <th scope="row" className="name">
                  <Link to="/trails" search={trailsOfEntry(entry)} title={entry.service}>
                    {entryName(entry)}
                  </Link>
                </th>
                <td className="spark-cell">
                  <Spark {...onSteps(answer, entry)} label={`${count(entry.count)} calls, ${count(entry.error_count)} errors`} />
                </td>
                <td className="n" title={`${count(entry.count)} calls`}>{rate(entry.count / seconds)}</td>
                <td className={entry.error_count ? "n bad strong" : "n"} title={`${count(entry.error_count)} of ${count(entry.count)}`}>{percent(entry.error_count / entry.count)}</td>
                <td className="n">{duration(entry.p50_ms)}</td>
                <td className="n">{duration(entry.p95_ms)}</td>
                <td><Statuses statuses={entry.statuses} /></td>
                <td><LatestAnswers answers={entry.latest.slice(0, LATEST).map((one) => ({ time: one.time, code: one.status_code, failed: one.failed, trail: one.trail_id }))} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {more}
    </>
  );
});

/** Queues, streams, tables and buckets behind the functions. */
export const ResourceTable = memo(function ResourceTable({ rows, seconds }: { rows: ResourceRow[]; seconds: number }) {
  const navigate = useNavigate();
  const [shown, more] = useFirst(rows, "queues, streams and tables");
  return (
    <>
      <div className="table-box">
        <table className="table red">
          <thead>
            <tr>
              <th scope="col" className="name">Name</th>
              <th scope="col">What it is</th>
              <th scope="col" className="n">Calls</th>
              <th scope="col" className="n">Rate</th>
              <th scope="col" className="n">Errors</th>
              <th scope="col" className="n">p95</th>
              <th scope="col" className="n">Last seen</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={`${row.kind} ${row.name}`} className="row-link" onClick={(event) => !(event.target as Element).closest("a") && void navigate({ to: "/resource/$name", params: { name: row.name }, search: { kind: row.kind } })}>
                <th scope="row" className="name">
                  <Link to="/resource/$name" params={{ name: row.name }} search={{ kind: row.kind }}>
                    {row.name}
                  </Link>
                </th>
                <td>{kindName(row.kind)}</td>
                <td className="n">{count(row.call_count)}</td>
                <td className="n">{rate(row.call_count / seconds)}</td>
                <td className={row.error_count ? "n bad strong" : "n"}>{percent(row.call_count ? row.error_count / row.call_count : 0)}</td>
                <td className="n">{duration(row.p95_ms)}</td>
                <td className="n" title={full(row.last_seen)}>{ago(row.last_seen)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {more}
    </>
  );
});
