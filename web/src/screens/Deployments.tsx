import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { costsApi, type Deployment, type DeploymentsAnswer, type Dora, type Rollout } from "../costsApi";
import { ago, duration, full, moment, percent, short, words } from "../format";
import { around } from "../money";
import { Answer, Empty } from "../parts/Answer";
import { useRange } from "../parts/range";
import { useRowKeys } from "../parts/rowKeys";
import { CopyBlock } from "../parts/small";
import { asParameters, describe } from "../range";
import "./costs.css";

const MONTH_MS = 30 * 86_400_000;

/** What was deployed when, what became of it, and DORA's figures. A month, or the range where that is longer. */
export default function DeploymentsScreen() {
  const range = useRange();
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  const longer = { ...range, sinceMs: Math.min(range.sinceMs, range.untilMs - MONTH_MS) };
  const query = useQuery({
    queryKey: ["deployments", range.text, range.untilMs],
    queryFn: ({ signal }) => costsApi.deployments(asParameters(longer), signal),
    placeholderData: (before) => before,
  });
  return (
    <div className="screen" ref={box}>
      <header className="function-head">
        <h1>Deployments</h1>
        <span className="dim">{longer.sinceMs < range.sinceMs ? "of the last 30 days" : describe(range)}; a mark on every chart</span>
      </header>
      <Answer query={query} what="the deployments" rows={6}>
        {(answer) => <Whole answer={answer} />}
      </Answer>
    </div>
  );
}

function Whole({ answer }: { answer: DeploymentsAnswer }) {
  if (!answer.deployments.length && !answer.seen.length)
    return (
      <Empty title="No deployment was announced, and no new version was seen">
        <p>A pipeline announces one as its last step; versions in telemetry (service.version, faas.version) are seen by themselves.</p>
        <CopyBlock label="the command of a pipeline" text={'coldtrail deployment create --application shop --version "$VERSION" --commit "$COMMIT" --committed-at "$(git show -s --format=%cI)"'} />
      </Empty>
    );
  return (
    <>
      {answer.dora.length > 0 && <Figures answer={answer} />}
      {answer.deployments.length > 0 && <Announced deployments={answer.deployments} />}
      {answer.seen.length > 0 && <Seen seen={answer.seen} />}
    </>
  );
}

const COLUMNS: [string, string, (one: Dora) => string, ((one: Dora) => string)?][] = [
  ["deployment_frequency", "Deployment frequency", (one) => frequency(one.deployments_per_day), (one) => `${one.deployment_count}`],
  ["change_lead_time", "Change lead time", (one) => duration(one.lead_time_ms), (one) => `of ${one.lead_time_count}`],
  ["change_fail_rate", "Change fail rate", (one) => percent(one.change_fail_rate), (one) => `${one.failed_count} of ${one.deployment_count}`],
  ["failed_deployment_recovery_time", "Time to restore", (one) => duration(one.recovery_time_ms), (one) => `of ${one.recovered_count}`],
  ["deployment_rework_rate", "Rework rate", (one) => percent(one.rework_rate)],
];

function frequency(perDay: number): string {
  if (perDay >= 1) return `${perDay.toFixed(1)} a day`;
  return perDay * 7 >= 1 ? `${(perDay * 7).toFixed(1)} a week` : `${(perDay * 30).toFixed(1)} a month`;
}

function Figures({ answer }: { answer: DeploymentsAnswer }) {
  return (
    <section aria-labelledby="dora">
      <h2 id="dora">
        DORA's figures <small>{answer.definitions_source}</small>
      </h2>
      <div className="table-box">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Application</th>
              <th scope="col">Environment</th>
              {COLUMNS.map(([id, name]) => (
                <th key={id} scope="col" className="n" title={answer.definitions[id]}>{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {answer.dora.map((one) => (
              <tr key={`${one.application} ${one.environment}`}>
                <th scope="row">{one.application}</th>
                <td>{one.environment}</td>
                {COLUMNS.map(([id, , value, of]) => (
                  <td key={id} className={id === "change_fail_rate" && one.failed_count ? "n bad" : "n"}>
                    {value(one)} {of && <small className="dim">{of(one)}</small>}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <details className="prices">
        <summary>What they mean</summary>
        <dl className="dora-definitions">
          {COLUMNS.map(([id, name]) => (
            <div key={id} style={{ display: "contents" }}>
              <dt>{name}</dt>
              <dd>{answer.definitions[id]}</dd>
            </div>
          ))}
        </dl>
      </details>
    </section>
  );
}

function Announced({ deployments }: { deployments: Deployment[] }) {
  return (
    <section aria-labelledby="announced">
      <h2 id="announced">Announced</h2>
      <div className="table-box">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Application</th>
              <th scope="col">Version</th>
              <th scope="col">Environment</th>
              <th scope="col">What became of it</th>
              <th scope="col">Commit</th>
              <th scope="col">Before and after</th>
            </tr>
          </thead>
          <tbody>
            {deployments.map((one) => (
              <tr key={one.id}>
                <td title={full(one.time)}>{moment(one.time)} <span className="dim">{ago(one.time)}</span></td>
                <th scope="row">{one.application}</th>
                <td>{one.version}</td>
                <td>{one.environment}</td>
                <td className={one.failed ? "bad" : ""} title={one.failed ?? undefined}>{one.failed && one.status === "succeeded" ? one.failed : words(one.status)}</td>
                <td className="mono" title={one.commit ?? undefined}>{one.commit ? short(one.commit) : ""}</td>
                <td>
                  <Compare time={one.time} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Compare({ time }: { time: string }) {
  const [openedMs] = useState(() => Date.now());
  return (
    <Link to="/costs" search={around(time, openedMs)} data-row-link>
      compare costs
    </Link>
  );
}

function Seen({ seen }: { seen: Rollout[] }) {
  return (
    <section aria-labelledby="seen">
      <h2 id="seen">
        Seen in telemetry <small>a version that a service had not had before</small>
      </h2>
      <div className="table-box">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Services</th>
              <th scope="col">Version</th>
              <th scope="col">Before</th>
              <th scope="col">Told by</th>
              <th scope="col">Before and after</th>
            </tr>
          </thead>
          <tbody>
            {seen.map((one) => (
              <tr key={`${one.time} ${one.attribute} ${one.version}`}>
                <td title={full(one.time)}>{moment(one.time)} <span className="dim">{ago(one.time)}</span></td>
                <th scope="row">{one.services.slice(0, 3).join(", ")}{one.services.length > 3 ? ` and ${one.services.length - 3} more` : ""}</th>
                <td>{short(one.version, 24)}</td>
                <td className="dim">{short(one.previous, 24)}</td>
                <td className="mono">{one.attribute}</td>
                <td><Compare time={one.time} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
