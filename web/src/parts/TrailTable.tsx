import { Link, useNavigate } from "@tanstack/react-router";
import type { TrailRow } from "../api";
import { ago, clock, count, duration, full, moment, plainName, plural } from "../format";
import { Status } from "./small";

function originOf(row: TrailRow): { name: string; service: string } {
  if (typeof row.origin === "string") return { name: row.origin, service: row.services[0] ?? "" };
  return { name: row.origin?.name ?? row.trail_id, service: row.origin?.service ?? row.services[0] ?? "" };
}

/** Trails as rows: when, what came in, who took part, how long, what failed. */
export function TrailTable({ trails }: { trails: TrailRow[] }) {
  const most = Math.max(...trails.map((row) => row.duration_ms));
  return (
    <div className="table-box">
      <table className="table trails-table">
        <thead>
          <tr>
            <th scope="col">Start</th>
            <th scope="col">Entry</th>
            <th scope="col">Services</th>
            <th scope="col" className="n">Duration</th>
            <td />
            <th scope="col" className="n">Nodes</th>
            <th scope="col" className="n">Errors</th>
            <th scope="col">Status</th>
          </tr>
        </thead>
        <tbody>
          {trails.map((row) => (
            <Row key={row.trail_id} row={row} most={most} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

const MOST_CHIPS = 3;

function Row({ row, most }: { row: TrailRow; most: number }) {
  const navigate = useNavigate();
  const { name } = originOf(row);
  const chips = row.services.slice(0, MOST_CHIPS);
  // Logarithmic: 30 ms and 3 minutes stand in one list.
  const share = Math.log1p(row.duration_ms) / Math.log1p(most);
  return (
    <tr className="row-link" onClick={(event) => !(event.target as Element).closest("a") && void navigate({ to: "/trail/$id", params: { id: row.trail_id } })}>
      <td className="time" title={`${full(row.start)}, ${ago(row.start)}`}>
        {moment(row.start).includes(" ") ? moment(row.start) : clock(row.start)}
      </td>
      <th scope="row">
        <Link to="/trail/$id" params={{ id: row.trail_id }}>
          {plainName(name)}
        </Link>
      </th>
      <td>
        <span className="chips" title={row.services.join(", ")}>
          {chips.map((service) => (
            <span key={service} className="chip service">{plainName(service)}</span>
          ))}
          {row.services.length > MOST_CHIPS && <span className="dim">+{row.services.length - MOST_CHIPS}</span>}
        </span>
      </td>
      <td className="n">{duration(row.duration_ms)}</td>
      <td className="bar-cell">
        <svg width="100%" height={8} aria-hidden>
          <rect width={`${Math.max(share * 100, 1)}%`} height={8} rx={1} className={row.status === "error" ? "mini-bar bad" : "mini-bar"} />
          {(row.cold_start_count ?? 0) > 0 && <rect width={5} height={8} className="mini-cold" />}
        </svg>
      </td>
      <td className="n">{count(row.node_count)}</td>
      <td className={row.error_count ? "n bad strong" : "n dim"}>{count(row.error_count)}</td>
      <td className="nowrap">
        <Status status={row.outcome && row.outcome !== "complete" && row.status === "ok" ? row.outcome : row.status} />
        {(row.cold_start_count ?? 0) > 0 && <span className="cold-mark" title={plural(row.cold_start_count!, "cold start")}>cold</span>}
      </td>
    </tr>
  );
}
