import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useRef } from "react";
import { ago, count, full, moment } from "../format";
import { investigationsApi, type InvestigationRow } from "../investigationsApi";
import { Answer, Empty } from "../parts/Answer";
import { useRowKeys } from "../parts/rowKeys";

/** Every investigation, the open ones first. */
export default function InvestigationsScreen() {
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  const query = useQuery({ queryKey: ["investigations"], queryFn: ({ signal }) => investigationsApi.list(signal) });
  return (
    <div className="screen" ref={box}>
      <header className="function-head">
        <h1>Investigations</h1>
        <span className="dim">from a symptom to its cause, with what was looked at</span>
      </header>
      <Answer query={query} what="the investigations" rows={6}>
        {(answer) =>
          answer.investigations.length ? (
            <Table rows={answer.investigations} />
          ) : (
            <Empty title="Nothing is being looked into">
              Open one with <b>Investigate</b> on an <Link to="/alerts">alert</Link>, a <Link to="/findings">finding</Link>, a <Link to="/trails">trail</Link>, or whatever <Link to="/find">Find</Link> leads to.
            </Empty>
          )
        }
      </Answer>
    </div>
  );
}

function Table({ rows }: { rows: InvestigationRow[] }) {
  return (
    <div className="table-box">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Investigation</th>
            <th scope="col">Began with</th>
            <th scope="col">Moment</th>
            <th scope="col" className="n">Looked at</th>
            <th scope="col" className="n">Notes</th>
            <th scope="col">Changed</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((one) => (
            <Row key={one.id} one={one} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ one }: { one: InvestigationRow }) {
  const navigate = useNavigate();
  const to = { to: "/investigations/$id", params: { id: one.id } } as const;
  return (
    <tr className="row-link" onClick={(event) => !(event.target as Element).closest("a") && void navigate(to)}>
      <td>
        <span className={`status ${one.state === "open" ? "warn" : "dim"}`}>{one.state}</span>
      </td>
      <th scope="row" className="finding-title" title={one.symptom}>
        <Link {...to}>{one.name}</Link>
      </th>
      <td>{one.began.kind}</td>
      <td className="time" title={full(one.at)}>{moment(one.at)}</td>
      <td className="n">{count(one.look_count)}</td>
      <td className="n">{count(one.note_count)}</td>
      <td title={full(one.changed)}>{ago(one.changed)}</td>
    </tr>
  );
}
