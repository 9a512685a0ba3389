import { Button } from "@mantine/core";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { lazy, Suspense, useRef, useState } from "react";
import { clock, count, duration, full, moment, plural } from "../format";
import { Answer, Empty, Failed } from "../parts/Answer";
import { useRange } from "../parts/range";
import { useRowKeys } from "../parts/rowKeys";
import { WorkflowEditor } from "../parts/WorkflowEditor";
import { asParameters, type Range } from "../range";
import type { Search } from "../search";
import { workflowsApi, type Affected, type WorkflowAnswer, type WorkflowStep } from "../workflowsApi";
import { OUTCOME_TONES, OUTCOME_WORDS, OUTCOMES, told } from "./workflowWords";
import "./workflows.css";

const OutcomesChart = lazy(() => import("../parts/OutcomesChart"));

/** One workflow: how its trails came out, at which step they are lost, and which they are. */
export default function WorkflowScreen() {
  const { name } = useParams({ strict: false }) as { name: string };
  const range = useRange();
  const query = useQuery({
    queryKey: ["workflow", name, range.text, range.untilMs],
    queryFn: ({ signal }) => workflowsApi.one(name, asParameters(range), signal),
    placeholderData: keepPreviousData,
  });
  return (
    <div className="screen">
      <Answer query={query} what="the workflow" rows={8}>
        {(answer) => <Whole key={answer.name} answer={answer} range={range} />}
      </Answer>
    </div>
  );
}

function Whole({ answer, range }: { answer: WorkflowAnswer; range: Range }) {
  const [editing, setEditing] = useState(false);
  const said = told(answer);
  return (
    <>
      <header className="function-head">
        <h1>{answer.title}</h1>
        <span className="dim">{[answer.description, answer.owner].filter(Boolean).join(" · ")}</span>
        <span className="grow" />
        {!editing && (
          <Button size="xs" variant="default" onClick={() => setEditing(true)}>
            Edit
          </Button>
        )}
        <Remove name={answer.name} />
      </header>
      {editing && <WorkflowEditor text={answer.text} close={() => setEditing(false)} kept={() => setEditing(false)} />}
      <p className={`verdict ${said.tone}`} role="status">
        <span className="verdict-mark" aria-hidden />
        <span>
          <strong>{said.headline}</strong>
          {answer.missing[0] && (
            <small>
              {plural(answer.missing[0].count, "trail")} stopped before {answer.missing[0].step}
            </small>
          )}
          {answer.p50_ms !== null && (
            <small>
              {answer.final} is done after {duration(answer.p50_ms)} (p50), {duration(answer.p95_ms ?? answer.p50_ms)} (p95)
            </small>
          )}
          {answer.reconciled.map((rule) => (
            <small key={rule.words}>{rule.words}</small>
          ))}
        </span>
      </p>
      {answer.trail_count === 0 ? (
        <Empty title="No trail of it began in this range">
          Its origin may be another than the workflow says, or the range too short. <Link to="/trails">See what trails there are</Link>.
        </Empty>
      ) : (
        <>
          <Steps answer={answer} />
          <Suspense fallback={<div className="charts" />}>
            <OutcomesChart answer={answer} range={range} />
          </Suspense>
          <Trails answer={answer} />
        </>
      )}
    </>
  );
}

function Remove({ name }: { name: string }) {
  const [sure, setSure] = useState(false);
  const navigate = useNavigate();
  const client = useQueryClient();
  const removing = useMutation({
    mutationFn: () => workflowsApi.remove(name),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["workflows"] });
      void navigate({ to: "/workflows" });
    },
  });
  return (
    <>
      <Button size="xs" variant="default" color={sure ? "red" : undefined} loading={removing.isPending} onClick={() => (sure ? removing.mutate() : setSure(true))} onBlur={() => setSure(false)}>
        {sure ? "Remove it for good" : "Remove"}
      </Button>
      {removing.isError && <Failed error={removing.error} retry={() => removing.mutate()} what="it removed" brief />}
    </>
  );
}

/** The steps as a line, with what is lost between them. */
function Steps({ answer }: { answer: WorkflowAnswer }) {
  return (
    <section aria-labelledby="steps">
      <h2 id="steps">
        Steps <small>of {plural(answer.trail_count, "trail")}, and how many are lost between them</small>
      </h2>
      <ol className="step-line">
        {answer.steps.map((step) => (
          <StepBox key={step.name} step={step} lost={step.required ? (step.states.missing ?? 0) + (step.states.failed ?? 0) : 0} from={answer.trail_count} />
        ))}
      </ol>
    </section>
  );
}

const WRONG = ["late", "duplicated", "out_of_order", "wrong", "unwanted", "failed", "missing"];

function StepBox({ step, lost, from }: { step: WorkflowStep; lost: number; from: number }) {
  const wrong = WRONG.filter((state) => step.states[state]);
  const happened = step.forbidden ? (step.states.unwanted ?? 0) : step.reached_count;
  const tone = lost || step.states.unwanted || step.states.wrong || step.states.out_of_order ? "bad" : wrong.length && step.required ? "warn" : "";
  return (
    <li className={`step ${tone}`} title={`${step.match.kind ?? "any"} ${step.match.service} ${step.match.name}`.trim()}>
      {lost > 0 && <span className="lost">−{count(lost)}</span>}
      <b>{step.name}</b>
      <span className="step-count">{count(happened)}</span>
      <small className="dim">{step.forbidden ? "must not happen" : step.required ? `within ${step.within}` : "optional"}</small>
      {step.p50_ms !== null && (
        <small className="dim">
          {duration(step.p50_ms)} · p99 {duration(step.p99_ms ?? step.p50_ms)}
        </small>
      )}
      {wrong.map((state) => (
        <small key={state} className={state === "late" || state === "duplicated" ? "warn" : "bad"}>
          {count(step.states[state])} {state.replaceAll("_", " ")}
        </small>
      ))}
      <svg className="step-share" viewBox="0 0 100 3" preserveAspectRatio="none" aria-hidden>
        <rect width={from ? Math.min(100, (happened / from) * 100) : 0} height={3} />
      </svg>
    </li>
  );
}

function Trails({ answer }: { answer: WorkflowAnswer }) {
  const box = useRef<HTMLElement>(null);
  useRowKeys(box as React.RefObject<HTMLDivElement>);
  const affected = answer.trails.filter((trail) => trail.status !== "complete");
  const good = answer.trails.filter((trail) => trail.status === "complete");
  return (
    <section aria-labelledby="affected" ref={box}>
      <h2 id="affected">
        Affected trails <small>the newest of each outcome</small>
      </h2>
      <p className="links">
        {OUTCOMES.filter((one) => answer.outcomes[one]).map((one) => (
          <Link key={one} to="/trails" search={(before: Search) => ({ t: before.t, workflow: answer.name, outcome: one })}>
            all {count(answer.outcomes[one]!)} {OUTCOME_WORDS[one]}
          </Link>
        ))}
      </p>
      {affected.length === 0 ? <p className="dim">None in this range.</p> : <TrailRows trails={affected} />}
      {good.length > 0 && (
        <details>
          <summary>{plural(good.length, "trail")} that came out as they should</summary>
          <TrailRows trails={good} />
        </details>
      )}
    </section>
  );
}

function TrailRows({ trails }: { trails: Affected[] }) {
  const navigate = useNavigate();
  return (
    <div className="table-box">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Start</th>
            <th scope="col">Outcome</th>
            <th scope="col">What became of it</th>
            <th scope="col">Key</th>
            <th scope="col" className="n">Took</th>
          </tr>
        </thead>
        <tbody>
          {trails.map((trail) => (
            <tr key={trail.trail_id} className="row-link" onClick={(event) => !(event.target as Element).closest("a") && void navigate({ to: "/trail/$id", params: { id: trail.trail_id } })}>
              <td className="time" title={full(trail.start)}>
                {moment(trail.start).includes(" ") ? moment(trail.start) : clock(trail.start)}
              </td>
              <td className="nowrap">
                <span className={`status ${OUTCOME_TONES[trail.status]}`}>{OUTCOME_WORDS[trail.status]}</span>
              </td>
              <th scope="row" className="reason">
                <Link to="/trail/$id" params={{ id: trail.trail_id }}>
                  {trail.words}
                </Link>
              </th>
              <td className="mono">{trail.key}</td>
              <td className="n">{trail.took_ms === null ? "–" : duration(trail.took_ms)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
