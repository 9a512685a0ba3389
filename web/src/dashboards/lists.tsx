import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api } from "../api";
import { amountPer } from "../amount";
import { costsApi, type Grouping } from "../costsApi";
import { count, duration, percent } from "../format";
import { money } from "../money";
import { Answer } from "../parts/Answer";
import { asParameters, stepFor } from "../range";
import { askSources, some } from "../screens/eventSources";
import { grouped, metWhen, toneOf, whose } from "../screens/limitWords";
import { titleOf } from "./kinds";
import type { Shown } from "./PanelBody";

/** Event sources as short rows; the screen of that name tells more. */
export function SourceRows({ panel, range, seen }: Shown) {
  const query = useQuery({
    queryKey: ["dashboard", "sources", range.text, range.untilMs],
    queryFn: ({ signal }) => askSources(asParameters(range), stepFor(range, 30), signal),
    placeholderData: keepPreviousData,
    enabled: seen,
  });
  return (
    <Answer query={query} what={titleOf(panel)} rows={4}>
      {(data) =>
        data.event_sources.length ? (
          <div className="table-box">
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">Source</th>
                  <th scope="col" className="n">Messages</th>
                  <th scope="col" className="n">Waited p95</th>
                  <th scope="col" className="n">Came again</th>
                  <th scope="col" className="n">Failed</th>
                  <th scope="col" className="n">Given up</th>
                  <th scope="col" className="n">Waiting</th>
                </tr>
              </thead>
              <tbody>
                {data.event_sources.slice(0, Number(panel.limit ?? 8)).map((one) => (
                  <tr key={`${one.kind} ${one.name}`}>
                    <th scope="row">
                      <Link to="/event-sources/$kind/$name" params={{ kind: one.kind, name: one.name }}>
                        {one.name}
                      </Link>{" "}
                      <span className="dim">{one.holds_dead_letters ? "dead-letter queue" : one.carries}</span>
                    </th>
                    <td className="n">{count(one.message_count)}</td>
                    <td className="n">{duration(one.wait_p95_ms)}</td>
                    <td className={one.redelivery_count + one.retry_count ? "n warn" : "n"}>{some(one.redelivery_count + one.retry_count)}</td>
                    <td className={one.failed_count ? "n bad strong" : "n"}>{some(one.failed_count)}</td>
                    <td className={one.dead_letter_count ? "n bad strong" : "n"}>{some(one.dead_letter_count)}</td>
                    <td className={one.backlog === null ? "n dim" : "n"}>{one.backlog === null ? "unknown" : some(one.backlog)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ) : (
          <p className="panel-none">No message was seen in this time range.</p>
        )
      }
    </Answer>
  );
}

/** The quotas that are nearest to their limit. */
export function LimitRows({ panel, range, seen }: Shown) {
  const query = useQuery({
    queryKey: ["dashboard", "limits", range.text, range.untilMs],
    queryFn: ({ signal }) => api.limits(asParameters(range), signal),
    placeholderData: keepPreviousData,
    enabled: seen,
  });
  return (
    <Answer query={query} what={titleOf(panel)} rows={4}>
      {(data) => {
        const rows = grouped(data.limits).told.map((group) => group.rows[0]).slice(0, Number(panel.limit ?? 6));
        if (!rows.length) return <p className="panel-none">No signal of this time range tells of a limit.</p>;
        return (
          <div className="table-box">
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">Limit</th>
                  <th scope="col">Of</th>
                  <th scope="col" className="n">Most used</th>
                  <th scope="col" className="n">Share</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => {
                  const tone = toneOf(row, range.untilMs);
                  return (
                    <tr key={row.id}>
                      <th scope="row" title={row.explained}>{row.name}</th>
                      <td className="cut" title={whose(row)}>{whose(row)}</td>
                      <td className="n" title={metWhen(row, range.untilMs)}>
                        {amountPer(row.unit, row.per_s, row.used!)} of {amountPer(row.unit, row.per_s, row.limit)}
                      </td>
                      <td className={tone === "ok" ? "n" : `n strong ${tone}`}>{percent(row.share)}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
        );
      }}
    </Answer>
  );
}

/** What costs most. */
export function CostRows({ panel, range, seen }: Shown) {
  const by = String(panel.by ?? "service") as Grouping;
  const query = useQuery({
    queryKey: ["dashboard", "costs", by, range.text, range.untilMs],
    queryFn: ({ signal }) => costsApi.costs(asParameters(range), by, null, undefined, signal),
    placeholderData: keepPreviousData,
    enabled: seen,
  });
  return (
    <Answer query={query} what={titleOf(panel)} rows={4}>
      {(data) =>
        data.groups.length ? (
          <div className="table-box">
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">{by.replace(/^./, (letter) => letter.toUpperCase())}</th>
                  <th scope="col" className="n">Cost</th>
                  <th scope="col" className="n">Share</th>
                </tr>
              </thead>
              <tbody>
                {data.groups.slice(0, Number(panel.limit ?? 8)).map((group) => (
                  <tr key={group.name ?? ""}>
                    <th scope="row" className="cut">{group.name ?? <span className="dim">nobody known</span>}</th>
                    <td className="n">{money(group.usd)}</td>
                    <td className="n">{percent(group.share)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        ) : (
          <p className="panel-none">No usage was seen in this time range.</p>
        )
      }
    </Answer>
  );
}
