import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Fragment, useRef, useState } from "react";
import { api, type LimitRow, type LimitsAnswer } from "../api";
import { amountPer } from "../amount";
import { full, percent, plural } from "../format";
import { Answer } from "../parts/Answer";
import { NothingHere } from "../parts/NothingHere";
import { useRange } from "../parts/range";
import { Said } from "../parts/Said";
import { useRowKeys } from "../parts/rowKeys";
import { asParameters } from "../range";
import { sparkArea, sparkline } from "../views/sparkline";
import { grouped, limitsVerdict, metWhen, toneOf, whose, type Group } from "./limitWords";

/** Quotas against their use: the nearest to its limit first, one line a quota. */
export default function LimitsScreen() {
  const range = useRange();
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  const query = useQuery({
    queryKey: ["limits", range.text, range.untilMs],
    queryFn: ({ signal }) => api.limits(asParameters(range), signal),
    placeholderData: (before) => before,
  });
  return (
    <div className="screen" ref={box}>
      <header className="function-head">
        <h1>Limits</h1>
        <span className="dim">what your account and resources may use, and how much they did at most</span>
      </header>
      <Answer query={query} what="the limits" rows={8}>
        {(answer) => <Whole answer={answer} nowMs={range.untilMs} />}
      </Answer>
    </div>
  );
}

function Whole({ answer, nowMs }: { answer: LimitsAnswer; nowMs: number }) {
  const { told, untold } = grouped(answer.limits);
  const said = limitsVerdict(answer.limits, nowMs);
  return (
    <>
      <Said said={said} />
      {told.length === 0 ? <NothingHere what="use of a limit" /> : <Table groups={told} nowMs={nowMs} />}
      <Untold rows={untold} />
    </>
  );
}

function Table({ groups, nowMs }: { groups: Group[]; nowMs: number }) {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const toggle = (id: string) => setOpen((before) => new Set(before.has(id) ? [...before].filter((one) => one !== id) : [...before, id]));
  return (
    <div className="table-box">
      <table className="table limits">
        <thead>
          <tr>
            <th scope="col">Limit</th>
            <th scope="col">Of</th>
            <th scope="col" className="spark-cell">Use over time</th>
            <th scope="col">Most used</th>
            <th scope="col" className="n">Share</th>
            <th scope="col">Met, as it grows</th>
            <th scope="col">Kind</th>
          </tr>
        </thead>
        <tbody>
          {groups.map(({ id, rows }) => (
            <Fragment key={id}>
              {(open.has(id) ? rows : rows.slice(0, 1)).map((row, i) => (
                <Row key={row.resource ?? ""} row={row} first={i === 0} nowMs={nowMs} />
              ))}
              {rows.length > 1 && (
                <tr className="more-row">
                  <td colSpan={7}>
                    <button type="button" className="link" aria-expanded={open.has(id)} onClick={() => toggle(id)}>
                      {open.has(id) ? "Only the nearest" : `${plural(rows.length - 1, "other")}, the next at ${percent(rows[1].share)}`}
                    </button>
                  </td>
                </tr>
              )}
            </Fragment>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ row, first, nowMs }: { row: LimitRow; first: boolean; nowMs: number }) {
  const tone = toneOf(row, nowMs);
  const shown = (value: number) => amountPer(row.unit, row.per_s, value);
  return (
    <tr>
      <th scope="row" title={row.documentation}>
        {first ? row.name : <span className="dim">{row.name}</span>}
        {first && <small>{row.explained}</small>}
      </th>
      <td>
        <Whose row={row} />
        <small className="dim"> {row.service_name.replace(/^(AWS|Amazon) /, "")}</small>
      </td>
      <td className="spark-cell">
        <Course row={row} />
      </td>
      <td className="used" title={`${row.source === "derived" ? "Derived: " : ""}${row.how}${row.used_at ? `\nat ${full(row.used_at)}` : ""}`}>
        {shown(row.used!)} of {shown(row.limit)}
        <small className="dim"> {limitFrom(row)}</small>
        <Gauge share={row.share!} tone={tone} />
      </td>
      <td className={tone === "ok" ? "n" : `n strong ${tone}`}>{percent(row.share)}</td>
      <td className={tone === "ok" ? "dim" : tone}>{metWhen(row, nowMs) || "not in sight"}</td>
      <td className="dim" title={row.soft ? "AWS raises it when asked, or it is set on the resource" : "It cannot be raised"}>{row.soft ? "soft" : "hard"}</td>
    </tr>
  );
}

function limitFrom(row: LimitRow): string {
  return row.overridden ? "from your settings" : row.configured ? "as configured" : "AWS's default";
}

function Whose({ row }: { row: LimitRow }) {
  if (row.per !== "resource" || !row.resource) return whose(row);
  return row.service === "lambda" ? (
    <Link to="/function/$name" params={{ name: row.resource }}>
      {row.resource}
    </Link>
  ) : (
    <Link to="/resource/$name" params={{ name: row.resource }} search={{ kind: row.service }}>
      {row.resource}
    </Link>
  );
}

/** The course of use; the limit is a line on top where use comes near it. */
function Course({ row }: { row: LimitRow }) {
  const [width, height] = [120, 24];
  const values = row.points.map((point) => point.value);
  const near = (row.share ?? 0) > 0.4;
  const top = near ? Math.max(row.limit, row.used!) : (row.used ?? 1);
  const limitY = height - 1 - (row.limit / top) * (height - 2);
  return (
    <svg className="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${row.name}: at most ${percent(row.share)} of the limit`}>
      <path className="spark-area" d={sparkArea(values, width, height, top)} />
      <path className="spark-line" d={sparkline(values, width, height, top)} />
      {near && <line className="spark-errors" x1={0} x2={width} y1={limitY} y2={limitY} strokeDasharray="3 3" />}
    </svg>
  );
}

function Gauge({ share, tone }: { share: number; tone: string }) {
  return (
    <svg width={140} height={4} aria-hidden>
      <rect className="gauge-track" width={140} height={4} rx={2} />
      <rect className={`gauge ${tone}`} width={Math.max(1.5, Math.min(share, 1) * 140)} height={4} rx={2} />
    </svg>
  );
}

function Untold({ rows }: { rows: LimitRow[] }) {
  if (!rows.length) return null;
  return (
    <details className="absent">
      <summary>{plural(rows.length, "quota")} without any use that a signal tells</summary>
      <div className="table-box">
        <table className="table limits">
          <thead>
            <tr>
              <th scope="col">Limit</th>
              <th scope="col">Service</th>
              <th scope="col" className="n">Value</th>
              <th scope="col">Kind</th>
              <th scope="col">What would tell its use</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.id}>
                <th scope="row" title={row.documentation}>
                  {row.name}
                  <small>{row.explained}</small>
                </th>
                <td>{row.service_name}</td>
                <td className="n">{row.limit ? amountPer(row.unit, row.per_s, row.limit) : "as configured"}</td>
                <td className="dim">{row.soft ? "soft" : "hard"}</td>
                <td className="reason">{row.how}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
