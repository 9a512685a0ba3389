import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { costsApi } from "../costsApi";
import { count, duration, moment, percent, plainName } from "../format";
import { investigationsApi, RANK, type BeforeAfter, type ContrastAnswer, type Ground, type Suspect } from "../investigationsApi";
import { between } from "../range";
import { Answer } from "./Answer";
import { FindingTable } from "./FindingTable";
import { Spark } from "./small";
import { TrailTable } from "./TrailTable";

const DEPLOYED_BEFORE_MS = 6 * 3_600_000;
const MOST_CAUSES = 8;
const MOST_TRAILS = 8;
const YOUNG_MS = 10 * 60_000;
const AGAIN_MS = 10_000;

const keyOf = (ground: Ground) => [ground.scopes, ground.workflow, ground.trail_ids, ground.bad, ground.slower_than_ms, ground.at, ground.since, ground.until];
/** While the moment is young more arrives: ask again by itself. */
export const againMs = (at: string | undefined) => (Date.now() - Date.parse(at ?? "") < YOUNG_MS ? AGAIN_MS : false);
const fresh = (ground: Ground) => ({ placeholderData: keepPreviousData, refetchInterval: () => againMs(ground.at) });
const rangeOf = (ground: Ground) => between(Date.parse(ground.since), Date.parse(ground.until));

/** What one looks at of a scope and a moment, in this order: where it goes wrong, how much, in which trails, what else is known, what they have in common. */
export function Prepared({ ground }: { ground: Ground }) {
  if (!ground.scopes.length && !ground.workflow && !ground.trail_ids.length) return null;
  return (
    <>
      <Causes ground={ground} />
      <Scope ground={ground} />
      <Trails ground={ground} />
      <FindingsAbout ground={ground} />
      <Deployments ground={ground} />
      <Suspects ground={ground} />
    </>
  );
}

export function useAffected(ground: Ground) {
  return useQuery({ queryKey: ["affected", ...keyOf(ground)], queryFn: ({ signal }) => investigationsApi.affected(ground, signal), ...fresh(ground) });
}

function Causes({ ground }: { ground: Ground }) {
  const query = useAffected(ground);
  if (query.data && !query.data.causes.length) return null;
  return (
    <section aria-labelledby="causes">
      <h2 id="causes">
        Where it goes wrong <small>the first step that fails, stops, or takes longest</small>
      </h2>
      <Answer query={query} what="where it goes wrong" rows={2}>
        {(answer) => (
          <ul className="plain">
            {answer.causes.slice(0, MOST_CAUSES).map((one) => (
              <li key={one.trail_id + one.node_id}>
                <Link to="/trail/$id" params={{ id: one.trail_id }} search={{ sel: one.node_id }}>
                  {one.name.startsWith(one.service) ? plainName(one.name) : `${plainName(one.service)} ${plainName(one.name)}`}
                </Link>{" "}
                {one.words} <span className="dim">in {count(one.count)} of {answer.trails.filter((trail) => trail.cause).length} looked at</span>
              </li>
            ))}
          </ul>
        )}
      </Answer>
    </section>
  );
}

function Scope({ ground }: { ground: Ground }) {
  const names = [...(ground.workflow ? [[ground.workflow, true] as const] : []), ...ground.scopes.map((name) => [name, false] as const)];
  const query = useQuery({
    queryKey: ["before-after", ...keyOf(ground)],
    queryFn: ({ signal }) => Promise.all(names.map(([name, workflow]) => investigationsApi.beforeAfter(name, workflow, ground, signal))),
    ...fresh(ground),
  });
  if (!names.length) return null;
  return (
    <section aria-labelledby="scope">
      <h2 id="scope">
        Scope <small>before and after {moment(ground.at)}, from {moment(ground.since)} to {moment(ground.until)}</small>
      </h2>
      <Answer query={query} what="the scope" rows={2}>
        {(rows) => (
          <div className="table-box">
            <table className="table">
              <thead>
                <tr>
                  <th scope="col">About</th>
                  <th scope="col">When</th>
                  <th scope="col" className="n">Count</th>
                  <th scope="col" className="n">Errors</th>
                  <th scope="col" className="n">p50</th>
                  <th scope="col" className="n">p95</th>
                  <th scope="col">Course</th>
                </tr>
              </thead>
              <tbody>
                {rows.flatMap((row) => [<Half key={`${row.about} before`} row={row} range={rangeOf(ground)} when="before" />, <Half key={`${row.about} after`} row={row} range={rangeOf(ground)} when="after" />])}
              </tbody>
            </table>
          </div>
        )}
      </Answer>
    </section>
  );
}

function Half({ row, range, when }: { row: BeforeAfter; range: string; when: "before" | "after" }) {
  const figures = row[when];
  return (
    <tr>
      {when === "before" && (
        <th scope="row" rowSpan={2}>
          <About row={row} range={range} />
        </th>
      )}
      <td className={when === "after" ? "dim after" : "dim"}>{when}</td>
      <td className="n">{count(figures.count)}</td>
      <td className={figures.error_count ? "n bad strong" : "n dim"}>
        {count(figures.error_count)}
        {figures.error_count > 0 && ` (${percent(figures.error_count / figures.count)})`}
      </td>
      <td className="n">{duration(figures.p50_ms)}</td>
      <td className="n">{duration(figures.p95_ms)}</td>
      {when === "before" && (
        <td rowSpan={2}>
          {row.points.length > 1 && <Spark counts={row.points.map((one) => one.count)} errors={row.points.map((one) => one.error_count)} label={`how often ${row.about} ran, and failed`} />}
        </td>
      )}
    </tr>
  );
}

function About({ row, range }: { row: BeforeAfter; range: string }) {
  const [name, search] = [row.about, { t: range }];
  if (row.kind === "workflow")
    return (
      <Link to="/workflows/$name" params={{ name }} search={search}>
        {name}
      </Link>
    );
  return row.kind === "service" ? (
    <Link to="/function/$name" params={{ name }} search={search}>
      {name}
    </Link>
  ) : (
    <Link to="/about/$value" params={{ value: name }} search={search}>
      {name}
    </Link>
  );
}

function Trails({ ground }: { ground: Ground }) {
  const query = useAffected(ground);
  const all = ground.workflow ? { workflow: ground.workflow, t: rangeOf(ground) } : { service: ground.scopes[0], t: rangeOf(ground) };
  return (
    <section aria-labelledby="affected">
      <h2 id="affected">
        Affected trails <small>{moment(ground.since)} to {moment(ground.until)}</small>
      </h2>
      <Answer query={query} what="the trails">
        {(answer) =>
          answer.trails.length ? (
            <>
              <TrailTable trails={answer.trails.slice(0, MOST_TRAILS)} />
              {answer.trails.length > MOST_TRAILS && (
                <p>
                  <Link to="/trails" search={ground.bad === "error" ? { ...all, status: "error" } : all}>
                    More of that time
                  </Link>
                </p>
              )}
            </>
          ) : (
            <p className="dim">
              None that are still kept.{" "}
              <Link to="/trails" search={all}>
                All trails of that time
              </Link>
            </p>
          )
        }
      </Answer>
    </section>
  );
}

function FindingsAbout({ ground }: { ground: Ground }) {
  const query = useQuery({
    queryKey: ["findings-about", ...keyOf(ground)],
    queryFn: async ({ signal }) => {
      const lists = await Promise.all(ground.scopes.map((about) => investigationsApi.findings(about, ground, signal)));
      const found = lists.flatMap((list) => list.findings).filter((one) => one.first_seen < ground.until);
      return found.sort((a, b) => RANK[a.severity] - RANK[b.severity]);
    },
    ...fresh(ground),
  });
  if (!ground.scopes.length) return null;
  return (
    <section aria-labelledby="findings-about">
      <h2 id="findings-about">Findings about it</h2>
      <Answer query={query} what="the findings">
        {(found) => (found.length ? <FindingTable findings={found} /> : <p className="dim">None in that time.</p>)}
      </Answer>
    </section>
  );
}

function Deployments({ ground }: { ground: Ground }) {
  const since = new Date(Date.parse(ground.since) - DEPLOYED_BEFORE_MS).toISOString();
  const query = useQuery({ queryKey: ["deployments-before", since, ground.until], queryFn: ({ signal }) => costsApi.deployments({ since, until: ground.until }, signal) });
  return (
    <section aria-labelledby="deployments-before">
      <h2 id="deployments-before">Deployments around it</h2>
      <Answer query={query} what="the deployments" rows={1}>
        {(answer) =>
          answer.deployments.length + answer.seen.length === 0 ? (
            <p className="dim">None, from six hours before.</p>
          ) : (
            <ul className="plain">
              {answer.deployments.map((one) => (
                <li key={one.id}>
                  <time dateTime={one.time} className="dim">{moment(one.time)}</time> {one.application} {one.version}, {one.status} <Link to="/deployments">Compare</Link>
                </li>
              ))}
              {answer.seen.map((one) => (
                <li key={one.time + one.version}>
                  <time dateTime={one.time} className="dim">{moment(one.time)}</time> version {one.version} of {one.services.join(", ")} was seen
                </li>
              ))}
            </ul>
          )
        }
      </Answer>
    </section>
  );
}

function Suspects({ ground }: { ground: Ground }) {
  const names = ground.bad === "outcome" ? [ground.workflow] : ground.scopes;
  const query = useQuery({
    queryKey: ["contrast", ...keyOf(ground)],
    queryFn: ({ signal }) => Promise.all(names.map((name) => investigationsApi.contrast(name, ground, signal))),
    ...fresh(ground),
  });
  if (!names.length) return null;
  return (
    <section aria-labelledby="suspects">
      <h2 id="suspects">
        Suspects <small>what the affected have, and the others have not</small>
      </h2>
      <Answer query={query} what="the suspects" rows={2}>
        {(answers) => (
          <>
            {answers.map((one) => (
              <Contrast key={one.about} answer={one} several={answers.length > 1} />
            ))}
          </>
        )}
      </Answer>
    </section>
  );
}

function looked(answer: ContrastAnswer): string {
  const groups = `${count(answer.bad_count)} affected and ${count(answer.other_count)} others`;
  return answer.sampled ? `${groups}, of which ${count(answer.bad_looked_at)} and ${count(answer.other_looked_at)} were looked at` : groups;
}

function Contrast({ answer, several }: { answer: ContrastAnswer; several: boolean }) {
  const rows = answer.suspects.length ? answer.suspects : answer.symptoms;
  return (
    <>
      <p className="dim">
        {several && `${answer.about}: `}
        {looked(answer)}.{" "}
        {answer.bad_count < 3
          ? "So few have nothing in common that could not be chance."
          : !answer.other_count
            ? "There is nobody to compare with: all are affected."
            : answer.suspects.length
              ? ""
              : "No attribute tells them apart" + (rows.length ? ", but for how they failed:" : ".")}
      </p>
      {rows.length > 0 && (
        <div className="table-box">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">What</th>
                <th scope="col">Value</th>
                <th scope="col" className="n">Affected</th>
                <th scope="col" className="n">Others</th>
                <th scope="col" className="n" title="The lower end of an interval for the difference of the two shares: it grows with the difference and with how much it rests on">Score</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((one) => (
                <Row key={one.name + one.value} one={one} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Row({ one }: { one: Suspect }) {
  return (
    <tr>
      <th scope="row" title={one.services.join(", ")}>
        {one.name}
      </th>
      <td className="reason mono">{one.value}</td>
      <td className="n">
        {percent(one.bad_share)} <span className="dim">({count(one.bad_count)})</span>
      </td>
      <td className="n">
        {percent(one.other_share)} <span className="dim">({count(one.other_count)})</span>
      </td>
      <td className="n">{one.score.toFixed(2)}</td>
    </tr>
  );
}
