import { Button } from "@mantine/core";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { lazy, Suspense, useMemo } from "react";
import { api, type FindingAnswer } from "../api";
import { ago, count, full, moment, percent, plural } from "../format";
import { Answer, Failed } from "../parts/Answer";
import { SeverityMark } from "../parts/FindingTable";
import { InvestigateButton } from "../parts/InvestigateButton";
import { useRange } from "../parts/range";
import { Id } from "../parts/small";
import { asParameters, type Range } from "../range";

const FindingChart = lazy(() => import("../parts/FindingChart"));

/** One trouble: what it is, what to do, when it happened, the trails that show it, and what was decided about it. */
export default function FindingScreen() {
  const { id } = useParams({ strict: false }) as { id: string };
  const range = useRange();
  const query = useQuery({
    queryKey: ["finding", id, range.text, range.untilMs],
    queryFn: ({ signal }) => api.finding(id, asParameters(range), signal),
    placeholderData: keepPreviousData,
  });
  return (
    <div className="screen finding">
      <Answer query={query} what="the finding" rows={6}>
        {(answer) => <Whole answer={answer} range={range} />}
      </Answer>
    </div>
  );
}

const TONE = { high: "bad", medium: "warn", low: "" };

function Whole({ answer, range }: { answer: FindingAnswer; range: Range }) {
  return (
    <>
      <header className="function-head">
        <h1>{answer.title}</h1>
      </header>
      <p className={`verdict ${TONE[answer.severity]}`} role="status">
        <span className="verdict-mark" aria-hidden />
        <span>
          <strong>
            Seen {plural(answer.count, "time")}, last {ago(answer.last_seen)}
          </strong>
          {answer.advice && <small>{answer.advice}</small>}
        </span>
      </p>
      <dl className="summary">
        <Fact name="severity">
          <SeverityMark severity={answer.severity} />
        </Fact>
        <Fact name="about">
          <About answer={answer} />
        </Fact>
        <Fact name="first seen" title={full(answer.first_seen)}>
          {moment(answer.first_seen)}
        </Fact>
        <Fact name="last seen" title={full(answer.last_seen)}>
          {moment(answer.last_seen)}
        </Fact>
        {answer.follows && (
          <Fact name="follows from">
            <Link to="/finding/$id" params={{ id: answer.follows }}>
              another finding
            </Link>
          </Fact>
        )}
      </dl>
      <Decide answer={answer} />
      <Suspense fallback={<div className="charts" />}>
        <FindingChart answer={answer} range={range} />
      </Suspense>
      <Trails ids={answer.trail_ids} />
      <Evidence evidence={answer.evidence} />
      <History answer={answer} />
    </>
  );
}

function Fact({ name, title, children }: { name: string; title?: string; children: React.ReactNode }) {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const OF_FUNCTIONS = new Set(["error", "timeout", "out_of_memory", "crash", "failed_init", "near_out_of_memory", "error_line"]);

function About({ answer }: { answer: FindingAnswer }) {
  if (OF_FUNCTIONS.has(answer.kind))
    return (
      <Link to="/function/$name" params={{ name: answer.scope }}>
        {answer.scope}
      </Link>
    );
  return (
    <Link to="/resource/$name" params={{ name: answer.scope }}>
      {answer.scope}
    </Link>
  );
}

const WAYS: Record<string, [string, string][]> = {
  open: [["acknowledged", "Acknowledge"], ["resolved", "Resolve"], ["muted", "Mute"]],
  acknowledged: [["resolved", "Resolve"], ["muted", "Mute"], ["open", "Open again"]],
  resolved: [["open", "Open again"]],
  muted: [["open", "Open again"], ["resolved", "Resolve"]],
};

function Decide({ answer }: { answer: FindingAnswer }) {
  const client = useQueryClient();
  const deciding = useMutation({
    mutationFn: (state: string) => api.decide(answer.finding_id, { state }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["finding"] });
      void client.invalidateQueries({ queryKey: ["findings"] });
    },
  });
  return (
    <div className="trail-tools">
      <InvestigateButton start={{ kind: "finding", id: answer.finding_id }} />
      <span className={answer.regressed ? "warn" : "dim"}>
        It is <b>{answer.state}</b>
        {answer.regressed && answer.state === "open" && ": it was resolved and came back"}
        {answer.muted_until && ` until ${moment(answer.muted_until)}`}
      </span>
      {WAYS[answer.state]!.map(([state, name]) => (
        <Button key={state} size="xs" variant="default" loading={deciding.isPending && deciding.variables === state} onClick={() => deciding.mutate(state)}>
          {name}
        </Button>
      ))}
      {deciding.isError && <Failed error={deciding.error} retry={() => deciding.mutate(deciding.variables)} what="that kept" brief />}
    </div>
  );
}

function Trails({ ids }: { ids: string[] }) {
  return (
    <section aria-labelledby="shown-by">
      <h2 id="shown-by">Trails that show it</h2>
      {ids.length === 0 ? (
        <p className="dim">Those that showed it are older than the retention.</p>
      ) : (
        <ul className="plain">
          {ids.map((id) => (
            <li key={id}>
              <Link to="/trail/$id" params={{ id }} className="mono">
                {id}
              </Link>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function shown(name: string, value: unknown): string {
  if (typeof value === "number") return name.endsWith("share") ? percent(value) : count(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}

function Evidence({ evidence }: { evidence: Record<string, unknown> }) {
  const told = useMemo(() => Object.entries(evidence).filter(([, value]) => value !== "" && value !== null), [evidence]);
  if (!told.length) return null;
  return (
    <section aria-labelledby="evidence">
      <h2 id="evidence">
        Evidence <small>of the last minute in which it was seen</small>
      </h2>
      <div className="table-box">
        <table className="table">
          <tbody>
            {told.map(([name, value]) => (
              <tr key={name}>
                <th scope="row">{name.replaceAll("_", " ")}</th>
                <td className="reason mono">{shown(name, value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function History({ answer }: { answer: FindingAnswer }) {
  return (
    <section aria-labelledby="history">
      <h2 id="history">History</h2>
      <ul className="plain">
        {answer.history.map((one) => (
          <li key={one.time + one.what}>
            <time dateTime={one.time} title={full(one.time)} className="dim">
              {moment(one.time)}
            </time>{" "}
            {one.what} by {one.by}
            {one.note && `: ${one.note}`}
          </li>
        ))}
      </ul>
      <p className="dim">
        Its id is <Id value={answer.finding_id} />: the same trouble has the same one everywhere.
      </p>
    </section>
  );
}
