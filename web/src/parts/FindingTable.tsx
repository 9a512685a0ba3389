import { Link, useNavigate } from "@tanstack/react-router";
import type { Finding, Severity } from "../api";
import { ago, count, full } from "../format";

const MARKS: Record<Severity, [string, string]> = {
  high: ["bad", "high"],
  medium: ["warn", "medium"],
  low: ["dim", "low"],
};

export function SeverityMark({ severity }: { severity: Severity }) {
  const [tone, text] = MARKS[severity];
  return <span className={`status ${tone}`}>{text}</span>;
}

/** Findings as rows: how bad, what, how often, since when. */
export function FindingTable({ findings }: { findings: Finding[] }) {
  return (
    <div className="table-box">
      <table className="table findings-table">
        <thead>
          <tr>
            <th scope="col">Severity</th>
            <th scope="col">What is wrong</th>
            <th scope="col" className="n">Seen</th>
            <th scope="col">First</th>
            <th scope="col">Last</th>
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          {findings.map((one) => (
            <Row key={one.finding_id} one={one} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ one }: { one: Finding }) {
  const navigate = useNavigate();
  const open = () => void navigate({ to: "/finding/$id", params: { id: one.finding_id } });
  return (
    <tr className="row-link" onClick={(event) => !(event.target as Element).closest("a") && open()}>
      <td>
        <SeverityMark severity={one.severity} />
      </td>
      <th scope="row" className="finding-title" title={one.title}>
        <Link to="/finding/$id" params={{ id: one.finding_id }}>
          {one.title}
        </Link>
        {one.follows && (
          <small>
            {" "}
            follows from{" "}
            <Link to="/finding/$id" params={{ id: one.follows }}>
              another
            </Link>
          </small>
        )}
      </th>
      <td className="n">{count(one.count)}</td>
      <td title={full(one.first_seen)}>{ago(one.first_seen)}</td>
      <td title={full(one.last_seen)}>{ago(one.last_seen)}</td>
      <td className={one.regressed ? "warn" : "dim"}>{one.regressed && one.state === "open" ? "came back" : one.state}</td>
    </tr>
  );
}
