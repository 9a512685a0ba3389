import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { count, full, moment, percent } from "../format";
import { objectivesApi, type Contributor, type Firing, type ObjectiveAnswer } from "../objectivesApi";
import { Answer, Failed } from "../parts/Answer";
import { BudgetBar } from "../parts/BudgetBar";
import { budgetSaid, counted, fine, goneIn, minutes, over, pairName, STATES, TONES } from "./objectiveWords";
import "./objectives.css";

const ObjectiveCharts = lazy(() => import("../parts/ObjectiveCharts"));

const AGAIN_MS = 15_000;
const SOON_MS = 1_500;

/** One objective: its budget over its window, what burns, what the budget was spent by, and what is to be done. */
export default function ObjectiveScreen() {
  const { name } = useParams({ strict: false }) as { name: string };
  const query = useQuery({
    queryKey: ["objectives", name],
    queryFn: ({ signal }) => objectivesApi.one(name, signal),
    refetchInterval: (kept) => (kept.state.data?.counting ? SOON_MS : AGAIN_MS),
  });
  return (
    <div className="screen">
      <Answer query={query} what="the objective" rows={8}>
        {(answer) =>
          "state" in answer ? (
            <Whole answer={answer} nowMs={query.dataUpdatedAt} />
          ) : (
            <p className="dim" role="status">
              {name} was defined a moment ago and is being counted.
            </p>
          )
        }
      </Answer>
    </div>
  );
}

function Whole({ answer, nowMs }: { answer: ObjectiveAnswer; nowMs: number }) {
  const tone = TONES[answer.state];
  const firing = answer.burns.filter((burn) => burn.firing_since);
  return (
    <>
      <header className="function-head">
        <h1>{answer.title}</h1>
        <span className="dim">
          {fine(answer.target)} of {counted(answer.sli)}, over {over(answer.window)}
        </span>
      </header>
      <p className={`verdict ${tone}`} role="status">
        <span className="verdict-mark" aria-hidden />
        <span>
          <strong>{headline(answer)}</strong>
          {firing.map((burn) => (
            <small key={pairName(burn)}>
              {burn.severity}: {pairName(burn)}, since {moment(burn.firing_since!)}
            </small>
          ))}
          {answer.description && <small>{answer.description}</small>}
        </span>
      </p>
      <dl className="summary">
        <Fact name="good">{fine(answer.good_share)}</Fact>
        <Fact name="budget left">
          <BudgetBar share={answer.budget_left} />
        </Fact>
        <Fact name="bad events">
          {count(answer.bad_count)} of {count(answer.allowed_count)} allowed
        </Fact>
        <Fact name="events">{count(answer.valid_count)}</Fact>
        <Fact name="gone, at this pace" title={answer.spent_at ? full(answer.spent_at) : undefined}>
          {goneIn(answer, nowMs) || "–"}
        </Fact>
        {answer.owner && <Fact name="owner">{answer.owner}</Fact>}
      </dl>
      <Suspense fallback={<div className="charts" />}>
        <ObjectiveCharts answer={answer} />
      </Suspense>
      <Windows answer={answer} />
      <SpentBy answer={answer} />
      <History firings={answer.history} />
      <Policy answer={answer} />
      <Remove name={answer.name} />
    </>
  );
}

function headline(answer: ObjectiveAnswer): string {
  if (answer.state === "no_data") return answer.counting ? "Its past is being counted" : "No events have come in its window";
  if (answer.state === "spent") return `It does not burn now, but ${budgetSaid(answer.budget_left)}`;
  if (answer.state === "ok") return `It is met, and ${budgetSaid(answer.budget_left)}`;
  return `It ${STATES[answer.state]}: ${budgetSaid(answer.budget_left)}`;
}

function Fact({ name, title, children }: { name: string; title?: string; children: React.ReactNode }) {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Windows({ answer }: { answer: ObjectiveAnswer }) {
  return (
    <section aria-labelledby="windows">
      <h2 id="windows">
        Windows <small>an alert fires when both burn faster than its factor, and clears when the short one has been calm</small>
      </h2>
      <div className="table-box">
        <table className="table objectives">
          <thead>
            <tr>
              <th scope="col">Told as</th>
              <th scope="col" className="n">Factor</th>
              <th scope="col" className="n">Long</th>
              <th scope="col" className="n">burns</th>
              <th scope="col" className="n">Short</th>
              <th scope="col" className="n">burns</th>
              <th scope="col" className="n">Bad in the long one</th>
              <th scope="col">Fires since</th>
            </tr>
          </thead>
          <tbody>
            {answer.burns.map((burn) => (
              <tr key={pairName(burn)}>
                <th scope="row">{burn.severity}</th>
                <td className="n">{burn.factor}×</td>
                <td className="n">{minutes(burn.long_s)}</td>
                <td className={burn.long_burn > burn.factor ? "n bad" : "n"}>{burn.long_burn.toFixed(2)}×</td>
                <td className="n">{minutes(burn.short_s)}</td>
                <td className={burn.short_burn > burn.factor ? "n bad" : "n"}>{burn.short_burn.toFixed(2)}×</td>
                <td className="n" title={burn.bad_count < answer.least_bad ? `Fewer than ${answer.least_bad} tell nobody` : undefined}>
                  {count(burn.bad_count)} of {count(burn.valid_count)}
                </td>
                <td className={burn.firing_since ? "bad" : "dim"}>{burn.firing_since ? moment(burn.firing_since) : "no"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function SpentBy({ answer }: { answer: ObjectiveAnswer }) {
  const kinds = [...new Set(answer.contributors.map((one) => one.by))];
  return (
    <section aria-labelledby="spent-by">
      <h2 id="spent-by">
        Spent by {answer.contributors.length > 0 && answer.looked_at_share < 0.995 && <small>the worst minutes, {percent(answer.looked_at_share)} of all bad events</small>}
      </h2>
      {kinds.length === 0 ? (
        <p className="dim">{answer.bad_count ? "What they were is older than the retention, or a metric does not say." : "Nothing was bad."}</p>
      ) : (
        <div className="contributors">
          {kinds.map((by) => (
            <div key={by}>
              <h3>{by}</h3>
              <ul className="plain">
                {answer.contributors
                  .filter((one) => one.by === by)
                  .map((one) => (
                    <Spender key={one.name} one={one} />
                  ))}
              </ul>
            </div>
          ))}
        </div>
      )}
    </section>
  );
}

function Spender({ one }: { one: Contributor }) {
  return (
    <li>
      <span title={`${count(one.count)} events`}>{percent(one.share)}</span>
      <span>
        {one.by === "function" ? (
          <Link to="/function/$name" params={{ name: one.name }}>
            {one.name}
          </Link>
        ) : (
          one.name
        )}
      </span>
      {one.trail_id ? (
        <Link to="/trail/$id" params={{ id: one.trail_id }} aria-label={`A trail of ${one.by} ${one.name}`}>
          a trail
        </Link>
      ) : (
        <span />
      )}
    </li>
  );
}

function History({ firings }: { firings: Firing[] }) {
  if (!firings.length) return null;
  return (
    <section aria-labelledby="fired">
      <h2 id="fired">When it fired</h2>
      <ul className="plain">
        {firings.slice(0, 20).map((one) => (
          <li key={one.fired + pairName(one)}>
            <time dateTime={one.fired} title={full(one.fired)} className="dim">
              {moment(one.fired)}
            </time>{" "}
            {one.severity}, {pairName(one)}: it burned {one.long_burn.toFixed(1)}× and {one.short_burn.toFixed(1)}×
            {one.cleared ? `, until ${moment(one.cleared)}` : ", and still does"}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Policy({ answer }: { answer: ObjectiveAnswer }) {
  return (
    <section aria-labelledby="policy">
      <h2 id="policy">What is done when the budget is spent</h2>
      {answer.policy ? <p className="policy">{answer.policy}</p> : <p className="dim">Nothing is agreed: give the objective a policy.</p>}
    </section>
  );
}

function Remove({ name }: { name: string }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [asked, setAsked] = useState(false);
  const removing = useMutation({
    mutationFn: () => objectivesApi.remove(name),
    onSuccess: () => {
      void navigate({ to: "/objectives" });
      setTimeout(() => void client.invalidateQueries({ queryKey: ["objectives"] }), 800);
    },
  });
  return (
    <div className="trail-tools">
      <Button size="xs" variant="default" renderRoot={(props) => <Link to="/define/$kind/$name" params={{ kind: "objective", name }} {...props} />}>
        Change
      </Button>
      <Button size="xs" variant="default" loading={removing.isPending} onClick={() => (asked ? removing.mutate() : setAsked(true))}>
        {asked ? "Really remove it" : "Remove"}
      </Button>
      {removing.isError && <Failed error={removing.error} retry={() => removing.mutate()} what="that done" brief />}
    </div>
  );
}
