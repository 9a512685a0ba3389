import { Link } from "@tanstack/react-router";
import { duration } from "../format";
import type { TrailOutcome } from "../workflowsApi";
import "./outcomes.css";

const TONES: Record<string, string> = { complete: "ok", open: "", late: "warn", duplicated: "warn" };
const STATES: Record<string, string> = { done: "ok", late: "warn", duplicated: "warn", waiting: "dim", absent: "dim" };

/** What became of the trail against its workflows: the sentence, and its steps; a step selects its node. */
export function Outcomes({ outcomes, select }: { outcomes: TrailOutcome[]; select: (node: string) => void }) {
  if (!outcomes.length) return null;
  return (
    <section className="outcomes" aria-label="Outcome">
      {outcomes.map((one) => (
        <div key={one.name}>
          <p className={`verdict ${TONES[one.status] ?? "bad"}`}>
            <span className="verdict-mark" aria-hidden />
            <span>
              <strong>
                <Link to="/workflows/$name" params={{ name: one.name }}>
                  {one.name}
                </Link>{" "}
                {one.words}
              </strong>
            </span>
          </p>
          <ol className="steps">
            {one.steps.map((step) => {
              const at = step.node_ids[0] ?? (step.name === one.step ? one.stopped?.node_id : undefined);
              return (
                <li key={step.name} className={STATES[step.state] ?? "bad"} title={step.words || step.state}>
                  <button type="button" disabled={!at} onClick={() => at && select(at)}>
                    {step.name}
                  </button>{" "}
                  <small>{step.took_ms === null ? step.state.replaceAll("_", " ") : duration(step.took_ms)}</small>
                </li>
              );
            })}
          </ol>
        </div>
      ))}
    </section>
  );
}
