import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { coldStarts, type ColdAnswer, type ColdGroup } from "../coldApi";
import { count, duration, full, moment, percent, plural, words } from "../format";
import { Answer } from "../parts/Answer";
import { NothingHere } from "../parts/NothingHere";
import { useRange } from "../parts/range";
import { useRowKeys } from "../parts/rowKeys";
import { asParameters } from "../range";
import "./coldStarts.css";

/** How often functions started cold, why, whom it hit, and what would help. */
export default function ColdStartsScreen() {
  const range = useRange();
  const { service } = useSearch({ strict: false });
  const [warm, setWarm] = useState("");
  const [memory, setMemory] = useState("");
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  const ask = { service, warm: numberOf(warm, 0, 1000), memory_mb: numberOf(memory, 128, 10_240) };
  const query = useQuery({
    queryKey: ["cold-starts", ask, range.text, Math.floor(range.untilMs / 20_000)],
    queryFn: ({ signal }) => coldStarts(asParameters(range), ask, signal),
    placeholderData: (before) => (before?.service === (service ?? "") ? before : undefined),
  });
  return (
    <div className="screen cold-starts" ref={box}>
      <header className="function-head">
        <h1>Cold starts</h1>
        {service && (
          <span className="dim">
            of <Link to="/function/$name" params={{ name: service }}>{service}</Link> ·{" "}
            <Link to="/cold-starts" search={{ service: undefined }}>
              all functions
            </Link>
          </span>
        )}
      </header>
      <Answer query={query} what="the cold starts" rows={8}>
        {(answer) =>
          answer.total.count === 0 ? (
            <NothingHere what="invocations" />
          ) : (
            <>
              <Verdict answer={answer} />
              <Figures answer={answer} />
              <Causes answer={answer} />
              {answer.what_if && <WhatIf answer={answer.what_if} warm={warm} setWarm={setWarm} memory={memory} setMemory={setMemory} />}
              <Groups groups={answer.groups} chosen={service} />
              <Trails answer={answer} />
              <Newest answer={answer} />
            </>
          )
        }
      </Answer>
    </div>
  );
}

function numberOf(text: string, least: number, most: number): number | undefined {
  const value = Number(text);
  return text !== "" && Number.isInteger(value) && value >= least && value <= most ? value : undefined;
}

function Verdict({ answer }: { answer: ColdAnswer }) {
  const { total, causes } = answer;
  const top = [...causes].sort((a, b) => b.count - a.count)[0];
  const bad = (total.cold_start_share ?? 0) >= 0.05;
  const user = answer.trails.origins.find((origin) => origin.is_user_facing);
  const headline = total.cold_start_count ? `${percent(total.cold_start_share)} of ${count(total.count)} invocations started cold` : `None of ${count(total.count)} invocations started cold`;
  return (
    <p className={`verdict ${bad ? "warn" : "ok"}`} role="status">
      <span className="verdict-mark" aria-hidden />
      <span>
        <strong>{headline}</strong>
        {top && top.count > 0 && (
          <small>
            Mostly {words(top.cause)}: {count(top.count)} of {count(answer.decided_count)} that were looked into
          </small>
        )}
        {user && (
          <small>
            {user.name || user.service} waited for them {percent(user.share_p50)} of its time (median of {plural(user.count, "trail")})
          </small>
        )}
      </span>
    </p>
  );
}

function Figures({ answer }: { answer: ColdAnswer }) {
  const { total } = answer;
  const facts: [string, string][] = [
    ["cold starts", count(total.cold_start_count)],
    ["rate", percent(total.cold_start_share)],
    ["init p50", duration(total.init_p50_ms)],
    ["init p95", duration(total.init_p95_ms)],
    ["init p99", duration(total.init_p99_ms)],
  ];
  if (total.restore_p50_ms !== null) facts.push(["SnapStart restore p50", duration(total.restore_p50_ms)], ["restore p95", duration(total.restore_p95_ms)]);
  if (answer.provisioned_count) facts.push(["made ready ahead", count(answer.provisioned_count)]);
  if (answer.failed_init_count) facts.push(["failed inits", count(answer.failed_init_count)]);
  return (
    <dl className="summary">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className={name === "failed inits" ? "bad" : undefined}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Causes({ answer }: { answer: ColdAnswer }) {
  const seen = answer.causes.filter((one) => one.count > 0);
  if (!seen.length) return null;
  return (
    <section aria-labelledby="causes">
      <h2 id="causes">Why</h2>
      <div className="table-box">
        <table className="table causes">
          <caption>Decided for {plural(answer.decided_count, "cold start")} from what ran on each instance before and after</caption>
          <thead>
            <tr>
              <th scope="col">cause</th>
              <th scope="col" className="n">starts</th>
              <th scope="col" className="n">share</th>
              <th scope="col">the rule</th>
            </tr>
          </thead>
          <tbody>
            {[...seen].sort((a, b) => b.count - a.count).map((one) => (
              <tr key={one.cause}>
                <th scope="row">{words(one.cause)}</th>
                <td className="n">{count(one.count)}</td>
                <td className="n">{percent(one.share)}</td>
                <td className="reason">{one.rule}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function usd(value: number): string {
  const size = Math.abs(value);
  if (size > 0 && size < 0.0001) return "<$0.0001";
  return `${value < 0 ? "−" : ""}$${size.toFixed(size < 0.1 ? 4 : 2)}`;
}

interface Ask {
  answer: NonNullable<ColdAnswer["what_if"]>;
  warm: string;
  setWarm: (text: string) => void;
  memory: string;
  setMemory: (text: string) => void;
}

function WhatIf({ answer, warm, setWarm, memory, setMemory }: Ask) {
  return (
    <section aria-labelledby="what-if">
      <h2 id="what-if">What if</h2>
      <div className="filters">
        <label>
          warm instances <input className="cold-input" inputMode="numeric" value={warm} placeholder="1, 2, 5" onChange={(event) => setWarm(event.target.value)} />
        </label>
        <label>
          memory, MB <input className="cold-input" inputMode="numeric" value={memory} placeholder={answer.memory_mb ? String(answer.memory_mb * 2) : "unknown"} onChange={(event) => setMemory(event.target.value)} />
        </label>
      </div>
      <div className="table-box">
        <table className="table">
          <caption>
            The {count(answer.run_count)} invocations of {duration(answer.covered_s * 1000)} run again, an idle instance kept for 5 minutes; prices of {answer.region}, {answer.architecture}
          </caption>
          <thead>
            <tr>
              <th scope="col">with</th>
              <th scope="col" className="n">cold starts</th>
              <th scope="col" className="n">waiting saved</th>
              <th scope="col" className="n">costs more</th>
            </tr>
          </thead>
          <tbody>
            {answer.warm.map((one) => (
              <tr key={`warm ${one.warm}`}>
                <th scope="row">{plural(one.warm, "warm instance")}</th>
                <td className="n">
                  {count(one.cold_starts)} → {count(one.cold_starts_with)}
                </td>
                <td className="n">{duration(one.saved_init_ms)}</td>
                <td className="n">{usd(one.cost_usd)}</td>
              </tr>
            ))}
            {answer.memory.map((one) => (
              <tr key={`memory ${one.memory_mb}`}>
                <th scope="row">{count(one.memory_mb)} MB</th>
                <td className="n">
                  {duration(one.init_ms)} → {duration(one.init_ms_with)} each
                </td>
                <td className="n">{duration(one.saved_init_ms)}</td>
                <td className="n" title="less where handlers compute, more where they wait">
                  {usd(one.cost_usd_low)} to {usd(one.cost_usd_high)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Groups({ groups, chosen }: { groups: ColdGroup[]; chosen?: string }) {
  const navigate = useNavigate();
  return (
    <section aria-labelledby="by-function">
      <h2 id="by-function">By function, version and size</h2>
      <div className="table-box">
        <table className="table">
          <thead>
            <tr>
              {["function", "version", "runtime", "made ready"].map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
              {["memory", "invocations", "cold", "p50", "p95", "p99"].map((name) => (
                <th key={name} scope="col" className="n">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {groups.slice(0, 100).map((one) => {
              const restored = one.restore_p50_ms !== null;
              return (
                <tr key={[one.function, one.version, one.runtime_version, one.memory_mb, one.initialization_type].join(" ")} className="row-link" onClick={() => void navigate({ to: "/cold-starts", search: { service: one.function } })}>
                  <th scope="row">
                    {chosen ? (
                      <Link to="/function/$name" params={{ name: one.function }}>
                        {one.function}
                      </Link>
                    ) : (
                      <Link to="/cold-starts" search={{ service: one.function }}>
                        {one.function}
                      </Link>
                    )}
                  </th>
                  <td>{one.version || "–"}</td>
                  <td>{one.runtime_version || "–"}</td>
                  <td>{one.initialization_type || "–"}</td>
                  <td className="n">{one.memory_mb ? `${count(one.memory_mb)} MB` : "–"}</td>
                  <td className="n">{count(one.count)}</td>
                  <td className="n">{percent(one.cold_start_share)}</td>
                  <td className="n" title={restored ? "restoring a snapshot" : "initialising"}>{duration(restored ? one.restore_p50_ms : one.init_p50_ms)}</td>
                  <td className="n">{duration(restored ? one.restore_p95_ms : one.init_p95_ms)}</td>
                  <td className="n">{duration(restored ? one.restore_p99_ms : one.init_p99_ms)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Trails({ answer }: { answer: ColdAnswer }) {
  const { origins, walked_count } = answer.trails;
  if (!origins.length) return null;
  return (
    <section aria-labelledby="hit">
      <h2 id="hit">Whom they hit</h2>
      <div className="table-box">
        <table className="table">
          <caption>The trails of the newest {plural(walked_count, "cold start")}</caption>
          <thead>
            <tr>
              <th scope="col">began with</th>
              <th scope="col">for a user</th>
              <th scope="col" className="n">trails</th>
              <th scope="col" className="n">waited p50</th>
              <th scope="col" className="n">share p50</th>
              <th scope="col" className="n">share at most</th>
            </tr>
          </thead>
          <tbody>
            {origins.map((one) => (
              <tr key={`${one.service} ${one.name}`} className="row-link">
                <th scope="row">
                  <Link to="/trail/$id" params={{ id: one.trail_id }}>
                    {one.name || one.service}
                  </Link>
                </th>
                <td>{one.is_user_facing ? "yes" : "no"}</td>
                <td className="n">{count(one.count)}</td>
                <td className="n">{duration(one.init_p50_ms)}</td>
                <td className="n">{percent(one.share_p50)}</td>
                <td className="n">{percent(one.share_max)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Newest({ answer }: { answer: ColdAnswer }) {
  if (!answer.cold_starts.length) return null;
  return (
    <section aria-labelledby="newest">
      <h2 id="newest">The newest</h2>
      <div className="table-box">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">time</th>
              <th scope="col">function</th>
              <th scope="col">cause</th>
              <th scope="col">version</th>
              <th scope="col" className="n">made ready in</th>
            </tr>
          </thead>
          <tbody>
            {answer.cold_starts.map((one) => (
              <tr key={`${one.time} ${one.request_id}`} className="row-link">
                <th scope="row" className="time">
                  {one.trail_id ? (
                    <Link to="/trail/$id" params={{ id: one.trail_id }} title={full(one.time)}>
                      {moment(one.time)}
                    </Link>
                  ) : (
                    moment(one.time)
                  )}
                </th>
                <td>{one.function}</td>
                <td>{words(one.cause)}</td>
                <td>{one.version || "–"}</td>
                <td className="n">{duration(one.init_ms)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
