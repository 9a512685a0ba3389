import { Link, useNavigate } from "@tanstack/react-router";
import { memo } from "react";
import type { RedGroup } from "../api";
import { count, duration, full, percent, rate } from "../format";
import { byTrouble, change, errorShare, failing, slower } from "../screens/trouble";
import { Empty } from "./Answer";
import { useFirst } from "./first";
import { Spark } from "./small";

export type RedKind = "function" | "service" | "route" | "capability";

const HEADS: Record<RedKind, [string, string]> = { function: ["Function", "functions"], service: ["Service", "services"], route: ["Route", "routes"], capability: ["Capability", "capabilities"] };

/** Where a group leads to: a function's page, the trails of a service or route, a capability's workflow or part of the map. */
function placeOf(group: RedGroup, kind: RedKind) {
  if (kind === "function") return { to: "/function/$name", params: { name: group.name } } as const;
  if (kind === "capability" && group.workflow) return { to: "/workflows/$name", params: { name: group.workflow } } as const;
  if (kind === "capability") return { to: "/map", search: { q: group.name } } as const;
  return { to: "/trails", search: kind === "route" ? { q: group.name } : { service: group.name } } as const;
}

export function GroupName({ group, kind }: { group: RedGroup; kind: RedKind }) {
  return <Link {...placeOf(group, kind)}>{group.name}</Link>;
}

/** Rate, errors and duration of each group, the most troubled first. */
export const RedTable = memo(function RedTable({ groups, seconds, kind, most }: { groups: RedGroup[]; seconds: number; kind: RedKind; most?: number }) {
  const [head, many] = HEADS[kind];
  const [shown, more] = useFirst(byTrouble(groups).slice(0, most), many);
  if (!groups.length) return <Empty title={`No ${many} ran in this time range`} />;
  return (
    <>
      <div className="table-box">
        <table className="table red">
          <thead>
            <tr>
              <th scope="col" className="name">{head}</th>
              <th scope="col" className="spark-cell">Calls and errors</th>
              <th scope="col" className="n">Rate</th>
              <th scope="col" className="n">Errors</th>
              <th scope="col" className="n">p50</th>
              <th scope="col" className="n">p95</th>
              <th scope="col" className="n">p99</th>
              {kind === "function" && <th scope="col" className="n">Cold</th>}
              <th scope="col">Against before</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((group) => (
              <Row key={group.name} group={group} seconds={seconds} kind={kind} />
            ))}
          </tbody>
        </table>
      </div>
      {more}
    </>
  );
});

function Row({ group, seconds, kind }: { group: RedGroup; seconds: number; kind: RedKind }) {
  const navigate = useNavigate();
  const open = () => void navigate(placeOf(group, kind));
  const diff = change(group, seconds);
  const summary = `${count(group.count)} calls, ${count(group.error_count)} errors`;
  return (
    <tr className="row-link" onClick={(event) => !(event.target as Element).closest("a") && open()}>
      <th scope="row" className="name">
        <GroupName group={group} kind={kind} />
      </th>
      <td className="spark-cell">
        <Spark counts={group.points.map((p) => p.count)} errors={group.points.map((p) => p.error_count)} label={summary} />
      </td>
      <td className="n" title={summary}>{rate(group.count / seconds)}</td>
      <td className={failing(group) ? "n bad strong" : "n"} title={`${count(group.error_count)} of ${count(group.count)}`}>{percent(errorShare(group))}</td>
      <td className="n">{duration(group.p50_ms)}</td>
      <td className={slower(group) ? "n warn" : "n"}>{duration(group.p95_ms)}</td>
      <td className="n">{duration(group.p99_ms)}</td>
      {kind === "function" && <td className="n" title={`${count(group.cold_start_count)} cold starts`}>{percent(group.count ? group.cold_start_count / group.count : 0)}</td>}
      <td className={`change ${diff.tone}`} title={`the equal range before: ${group.previous ? `${count(group.previous.count)} calls, ${count(group.previous.error_count)} errors, p95 ${duration(group.previous.p95_ms)}` : "nothing"}; until ${full(group.points.at(-1)?.time ?? "")}`}>
        <span aria-hidden>{diff.arrow}</span> {diff.text}
      </td>
    </tr>
  );
}
