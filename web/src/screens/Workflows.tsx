import { Button } from "@mantine/core";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { count, duration, percent, plural } from "../format";
import { Answer, Empty, Failed } from "../parts/Answer";
import { useRange } from "../parts/range";
import { useRowKeys } from "../parts/rowKeys";
import { WorkflowEditor } from "../parts/WorkflowEditor";
import { asParameters } from "../range";
import { workflowsApi, type WorkflowProposal, type WorkflowRow } from "../workflowsApi";
import { goodShare, OUTCOME_TONES, OUTCOME_WORDS, OUTCOMES, told } from "./workflowWords";
import "./workflows.css";

const EXAMPLE = `kind: workflow
name: orders
title: An order is shipped
origin: {kind: request, service: orders-api}
key: order_id
within: 60s
steps:
  - name: placed
    match: {kind: invocation, service: orders-place}
  - name: shipped
    match: {kind: invocation, service: orders-ship}
    after: [placed]
    at_most: 1
`;

/** Every workflow, and what became of its trails; below, those that trails suggest. */
export default function WorkflowsScreen() {
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  const range = useRange();
  const navigate = useNavigate();
  const [text, setText] = useState<string | null>(null);
  const query = useQuery({
    queryKey: ["workflows", range.text, range.untilMs],
    queryFn: ({ signal }) => workflowsApi.list(asParameters(range), signal),
    placeholderData: keepPreviousData,
  });
  return (
    <div className="screen" ref={box}>
      <header className="function-head">
        <h1>Workflows</h1>
        <span className="dim">what should have happened, and what became of it</span>
        <span className="grow" />
        {text === null && (
          <Button size="xs" variant="default" onClick={() => setText(EXAMPLE)}>
            New workflow
          </Button>
        )}
      </header>
      {text !== null && <WorkflowEditor key={text} text={text} close={() => setText(null)} kept={(name) => void navigate({ to: "/workflows/$name", params: { name } })} />}
      <Answer query={query} what="the workflows" rows={6}>
        {(answer) => (
          <>
            {answer.workflows.length > 0 && <Table rows={answer.workflows} />}
            <Proposals none={answer.workflows.length === 0} edit={setText} />
          </>
        )}
      </Answer>
    </div>
  );
}

function Table({ rows }: { rows: WorkflowRow[] }) {
  const sorted = [...rows].sort((a, b) => (goodShare(a) ?? 2) - (goodShare(b) ?? 2) || a.name.localeCompare(b.name));
  return (
    <div className="table-box">
      <table className="table workflows">
        <thead>
          <tr>
            <th scope="col">Workflow</th>
            <th scope="col" className="n">Complete</th>
            {OUTCOMES.slice(1).map((one) => (
              <th key={one} scope="col" className="n">{OUTCOME_WORDS[one]}</th>
            ))}
            <th scope="col" className="n">p50</th>
            <th scope="col" className="n">p95</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((row) => (
            <Row key={row.name} row={row} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ row }: { row: WorkflowRow }) {
  const navigate = useNavigate();
  const share = goodShare(row);
  return (
    <tr className="row-link" onClick={(event) => !(event.target as Element).closest("a") && void navigate({ to: "/workflows/$name", params: { name: row.name } })}>
      <th scope="row">
        <Link to="/workflows/$name" params={{ name: row.name }}>
          {row.title}
        </Link>
        <small>
          {told(row).headline}
          {row.reconciled.map((rule) => (
            <span key={rule.words} className={rule.kept_count < rule.count ? "bad" : undefined}>
              {" · "}
              {rule.words}
            </span>
          ))}
        </small>
      </th>
      <td className="n">{share === null ? "–" : percent(share)}</td>
      {OUTCOMES.slice(1).map((one) => (
        <td key={one} className={row.outcomes[one] ? `n strong ${OUTCOME_TONES[one]}` : "n dim"}>
          {count(row.outcomes[one] ?? 0)}
        </td>
      ))}
      <td className="n">{row.p50_ms === null ? "–" : duration(row.p50_ms)}</td>
      <td className="n">{row.p95_ms === null ? "–" : duration(row.p95_ms)}</td>
    </tr>
  );
}

function Proposals({ none, edit }: { none: boolean; edit: (text: string) => void }) {
  const client = useQueryClient();
  const query = useQuery({ queryKey: ["workflow-proposals"], queryFn: ({ signal }) => workflowsApi.proposals(signal), staleTime: 60_000 });
  const accepting = useMutation({
    mutationFn: (one: WorkflowProposal) => workflowsApi.keep(one.name, one.spec),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["workflows"] });
      void client.invalidateQueries({ queryKey: ["workflow-proposals"] });
    },
  });
  return (
    <section aria-labelledby="proposed">
      {none && (
        <Empty title="There is no workflow yet">
          Say which steps a kind of trail should have and by when, and coldtrail tells which trails are late, out of order, or stop before the end, also where nothing errs.
        </Empty>
      )}
      <h2 id="proposed">Proposed, from the trails of the last day</h2>
      {accepting.isError && <Failed error={accepting.error} retry={() => accepting.mutate(accepting.variables)} what="that kept" brief />}
      <Answer query={query} what="the proposals" rows={3}>
        {({ proposals }) =>
          proposals.length === 0 ? (
            <p className="dim">None: trails with several steps of the same origin are needed, five at least, without a workflow of their own.</p>
          ) : (
            <div className="table-box">
              <table className="table workflows">
                <tbody>
                  {proposals.map((one) => (
                    <tr key={one.name}>
                      <th scope="row">
                        {one.name} <small>from {plural(one.trail_count, "trail")} that begin with {one.origin.kind} {one.origin.name || one.origin.service}</small>
                      </th>
                      <td>
                        <Usual one={one} />
                      </td>
                      <td className="n nowrap">
                        <Button size="compact-xs" variant="default" onClick={() => edit(one.text)} aria-label={`Edit ${one.name}`}>
                          Edit
                        </Button>{" "}
                        <Button size="compact-xs" variant="default" loading={accepting.isPending && accepting.variables.name === one.name} onClick={() => accepting.mutate(one)} aria-label={`Accept ${one.name}`}>
                          Accept
                        </Button>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Answer>
    </section>
  );
}

function Usual({ one }: { one: WorkflowProposal }) {
  return (
    <ol className="usual">
      {one.steps.map((step) => (
        <li key={step.name} className={step.share < 0.95 ? "dim" : undefined} title={`${step.kind} of ${step.service}: in ${percent(step.share)} of the trails, p50 ${duration(step.p50_ms)}, p99 ${duration(step.p99_ms)}`}>
          {step.name}
          {step.share < 0.95 && ` ${percent(step.share)}`}
        </li>
      ))}
    </ol>
  );
}
