import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useRef } from "react";
import { count, full } from "../format";
import { objectivesApi, type ObjectiveRow, type ObjectivesAnswer, type Proposal } from "../objectivesApi";
import { Answer, Empty, Failed } from "../parts/Answer";
import { BudgetBar } from "../parts/BudgetBar";
import { useRowKeys } from "../parts/rowKeys";
import { Said } from "../parts/Said";
import { sparkline } from "../views/sparkline";
import { counted, fine, goneIn, over, STATES, TONES, verdict } from "./objectiveWords";
import "./objectives.css";

const AGAIN_MS = 15_000;
const SOON_MS = 1_500;

/** Every objective, the worst first: how much of its budget is left, and when it will be gone. */
export default function ObjectivesScreen() {
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  const query = useQuery({
    queryKey: ["objectives"],
    queryFn: ({ signal }) => objectivesApi.list(signal),
    refetchInterval: (kept) => (kept.state.data?.counting ? SOON_MS : AGAIN_MS),
  });
  return (
    <div className="screen" ref={box}>
      <header className="function-head">
        <h1>Objectives</h1>
        <span className="dim">which share of events is to be good, and what is left of the rest</span>
        <span className="grow" />
        <Button size="xs" variant="default" renderRoot={(props) => <Link to="/define/$kind" params={{ kind: "objective" }} {...props} />}>
          New objective
        </Button>
      </header>
      <Answer query={query} what="the objectives" rows={6}>
        {(answer) => <Whole answer={answer} />}
      </Answer>
    </div>
  );
}

function Whole({ answer }: { answer: ObjectivesAnswer }) {
  const rows = answer.objectives;
  const nowMs = Date.parse(answer.time);
  if (!rows.length) return <Proposals first known={[]} />;
  const said = verdict(rows, nowMs);
  return (
    <>
      <Said said={said}>{answer.counting && <small>The past of a new objective is still being counted.</small>}</Said>
      <div className="table-box">
        <table className="table objectives">
          <thead>
            <tr>
              <th scope="col">Objective</th>
              <th scope="col">State</th>
              <th scope="col" className="n">Good</th>
              <th scope="col" className="n">Target</th>
              <th scope="col">Budget left</th>
              <th scope="col">Gone, at this pace</th>
              <th scope="col" className="spark-cell">Good over time</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row key={row.name} row={row} nowMs={nowMs} />
            ))}
          </tbody>
        </table>
      </div>
      <Proposals known={rows.map((row) => row.name)} />
    </>
  );
}

function Row({ row, nowMs }: { row: ObjectiveRow; nowMs: number }) {
  const tone = TONES[row.state];
  return (
    <tr>
      <th scope="row">
        <Link to="/objectives/$name" params={{ name: row.name }}>
          {row.title}
        </Link>
        <small>
          {counted(row.sli)}
          {row.synthetic && ", tests and probes included"}
          {row.owner && ` · ${row.owner}`}
        </small>
      </th>
      <td className={tone === "ok" || tone === "dim" ? "dim" : `strong ${tone}`}>{STATES[row.state]}</td>
      <td className="n" title={`${count(row.bad_count)} of ${count(row.valid_count)} were bad, ${count(row.allowed_count)} may be`}>
        {fine(row.good_share)}
      </td>
      <td className="n">
        {fine(row.target)}
        <small className="dim"> {over(row.window)}</small>
      </td>
      <td>
        <BudgetBar share={row.budget_left} />
      </td>
      <td className={row.spent_at && tone !== "ok" ? tone : "dim"} title={row.spent_at ? full(row.spent_at) : undefined}>
        {goneIn(row, nowMs)}
      </td>
      <td className="spark-cell">
        <Course row={row} />
      </td>
    </tr>
  );
}

/** The share of good events: the target is the dashed line. */
function Course({ row }: { row: ObjectiveRow }) {
  const [width, height] = [120, 24];
  const known = row.points.map((point) => point.good_share).filter((share): share is number => share !== null);
  if (!known.length) return null;
  const low = Math.min(...known, 1 - (1 - row.target) * 2);
  const scaled = row.points.map((point) => (point.good_share === null ? null : (point.good_share - low) / (1 - low || 1)));
  const targetY = height - 1 - ((row.target - low) / (1 - low || 1)) * (height - 2);
  return (
    <svg className="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${row.title}: the share of good events, now ${fine(row.good_share)}`}>
      <line className="spark-target" x1={0} x2={width} y1={targetY} y2={targetY} strokeDasharray="3 3" />
      <path className="spark-line" d={sparkline(scaled, width, height, 1)} />
    </svg>
  );
}

function Proposals({ known, first = false }: { known: string[]; first?: boolean }) {
  const client = useQueryClient();
  const query = useQuery({ queryKey: ["objective-proposals"], queryFn: ({ signal }) => objectivesApi.proposals(signal), staleTime: 60_000 });
  const accepting = useMutation({
    mutationFn: (one: Proposal) => objectivesApi.accept(one),
    onSuccess: () => setTimeout(() => void client.invalidateQueries({ queryKey: ["objectives"] }), 800),
  });
  const done = new Set(known);
  if (accepting.isSuccess) done.add(accepting.variables.name);
  const rows = (query.data?.proposals ?? []).filter((one) => !done.has(one.name));
  if (!first && !rows.length) return null;
  return (
    <section aria-labelledby="proposed">
      {first && (
        <Empty title="There is no objective yet">
          Say which share of requests is to be good, and coldtrail tells when the rest is spent too fast: long before it is gone.
          {query.isSuccess && !rows.length && !accepting.isSuccess && " Proposals appear here once requests from outside have come."}
        </Empty>
      )}
      {accepting.isError && <Failed error={accepting.error} retry={() => accepting.mutate(accepting.variables)} what="that kept" brief />}
      {rows.length > 0 && <h2 id="proposed">Proposed, from the requests of the last six hours</h2>}
      {rows.length > 0 && (
        <div className="table-box">
          <table className="table objectives">
            <tbody>
              {rows.map((one) => (
                <tr key={one.name}>
                  <th scope="row">
                    {one.spec.title}
                    <small>{one.why}</small>
                  </th>
                  <td className="n">
                    {fine(one.spec.target_percent / 100)}
                    <small className="dim"> {over(one.spec.window)}</small>
                  </td>
                  <td className="n">
                    <Button size="compact-xs" variant="default" loading={accepting.isPending && accepting.variables.name === one.name} onClick={() => accepting.mutate(one)} aria-label={`Accept ${one.spec.title}`}>
                      Accept
                    </Button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
