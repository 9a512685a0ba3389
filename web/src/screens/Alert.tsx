import { Button, NativeSelect } from "@mantine/core";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useMemo, useState } from "react";
import { alertsApi, type AlertAnswer, type AlertPart, type AlertRow } from "../alertsApi";
import { api } from "../api";
import { costsApi } from "../costsApi";
import { ago, full, moment, plural } from "../format";
import { Answer, Failed } from "../parts/Answer";
import { FindingTable, SeverityMark } from "../parts/FindingTable";
import { useRange } from "../parts/range";
import { Said } from "../parts/Said";
import { TrailTable } from "../parts/TrailTable";
import { asParameters, between, parseRange, type Range } from "../range";
import { silenceName, stateOf, TONES } from "./alertWords";

const AlertChart = lazy(() => import("../parts/AlertChart"));

const AGAIN_MS = 5_000;
const BEFORE_MS = 30 * 60_000;
const AFTER_MS = 15 * 60_000;
const MOST = 10;

/** The range that an alert's link is about: some time around the moment that it names. */
function useMoment(): Range {
  const range = useRange();
  const { at, t } = useSearch({ strict: false });
  const atMs = Date.parse(at ?? "");
  return useMemo(() => {
    if (t || !Number.isFinite(atMs)) return range;
    return parseRange(between(atMs - BEFORE_MS, atMs + AFTER_MS), atMs);
  }, [range, t, atMs]);
}

/** One alert: why it fires, what shows it, and everything that one looks at next, for the moment that its link names. */
export default function AlertScreen() {
  const { name } = useParams({ strict: false }) as { name: string };
  const { group } = useSearch({ strict: false });
  const range = useMoment();
  const query = useQuery({
    queryKey: ["alert", name, range.text],
    queryFn: ({ signal }) => alertsApi.one(name, asParameters(range), signal),
    placeholderData: keepPreviousData,
    refetchInterval: AGAIN_MS,
  });
  return (
    <div className="screen">
      <Answer query={query} what="the alert" rows={6}>
        {(answer) => <Whole answer={answer} group={group} range={range} />}
      </Answer>
    </div>
  );
}

const ORDER = ["firing", "pending", "recovered", "inactive"];

function Whole({ answer, group, range }: { answer: AlertAnswer; group?: string; range: Range }) {
  const asked = answer.groups.find((one) => one.group === (group ?? ""));
  const one = asked ?? [...answer.groups].sort((a, b) => ORDER.indexOf(a.phase) - ORDER.indexOf(b.phase))[0];
  const told = one.why || one.failing;
  const since = one.since && one.phase !== "inactive" ? `${stateOf(one)}, since ${moment(one.since)} (${ago(one.since)})` : stateOf(one);
  // What recovered is explained by what it fired for.
  const fired = answer.history.find((event) => event.what === "fired" && event.group === one.group);
  const details = [told, ...(one.phase === "recovered" && fired ? [`It fired: ${fired.why}`] : []), answer.spec.description].filter(Boolean);
  return (
    <>
      <header className="function-head">
        <h1>{one.title}</h1>
        <SeverityMark severity={one.severity} />
        {one.runbook && (
          <a href={one.runbook} rel="noreferrer">
            Runbook
          </a>
        )}
      </header>
      <Said said={{ tone: one.muted ? "" : TONES[one.phase], headline: since[0].toUpperCase() + since.slice(1), details }} />
      <Tools answer={answer} one={one} />
      <Parts parts={one.parts} />
      {answer.points.some((point) => point.value !== null) && (
        <Suspense fallback={<div className="charts" />}>
          <AlertChart answer={answer} range={range} />
        </Suspense>
      )}
      <Investigate one={one} range={range} />
      <History answer={answer} />
      <Deliveries answer={answer} />
    </>
  );
}

const HOURS = [
  { value: "1", label: "for an hour" },
  { value: "4", label: "for 4 hours" },
  { value: "24", label: "for a day" },
  { value: "168", label: "for a week" },
];

function Tools({ answer, one }: { answer: AlertAnswer; one: AlertRow }) {
  const client = useQueryClient();
  const [hours, setHours] = useState("4");
  const again = () => {
    void client.invalidateQueries({ queryKey: ["alert"] });
    void client.invalidateQueries({ queryKey: ["alerts"] });
    void client.invalidateQueries({ queryKey: ["silences"] });
  };
  const taking = useMutation({ mutationFn: () => alertsApi.acknowledge(one.name, one.group), onSuccess: again });
  const silencing = useMutation({
    mutationFn: () => {
      const now = new Date();
      const until = new Date(now.getTime() + Number(hours) * 3_600_000).toISOString();
      return alertsApi.silence(silenceName(one.name, now), { alerts: [one.name], ...(one.group && one.scopes.length > 0 && { scopes: one.scopes }), until, reason: "silenced on the page" });
    },
    onSuccess: again,
  });
  const rehearsing = useMutation({ mutationFn: () => alertsApi.rehearse(one.name, "now-7d") });
  return (
    <div className="trail-tools">
      {one.phase === "firing" && !one.acknowledged_by && (
        <Button size="xs" loading={taking.isPending} onClick={() => taking.mutate()}>
          Acknowledge
        </Button>
      )}
      <NativeSelect size="xs" aria-label="Silence for" value={hours} onChange={(event) => setHours(event.currentTarget.value)} data={HOURS} />
      <Button size="xs" variant="default" loading={silencing.isPending} onClick={() => silencing.mutate()}>
        Silence
      </Button>
      {answer.spec.check.type !== "burn_rate" && (
        <Button size="xs" variant="default" loading={rehearsing.isPending} onClick={() => rehearsing.mutate()}>
          Would it have fired?
        </Button>
      )}
      <Button size="xs" variant="default" renderRoot={(props) => <Link to="/define/$kind/$name" params={{ kind: "alert", name: one.name }} {...props} />}>
        Change
      </Button>
      <a href={`/api/v1/definitions/file?kind=alert&name=${encodeURIComponent(one.name)}`} download hidden={answer.built_in}>
        Export
      </a>
      <span role="status" className="dim">
        {silencing.isSuccess && "Silenced. "}
        {rehearsing.data && (rehearsing.data.fired_count ? `In the last 7 days it would have fired ${plural(rehearsing.data.fired_count, "time")}, last ${lastFired(rehearsing.data.events)}.` : "In the last 7 days it would not have fired.")}
      </span>
      {[taking, silencing, rehearsing].map((one, at) => one.isError && <Failed key={at} error={one.error} retry={() => one.mutate()} what="that done" brief />)}
    </div>
  );
}

function lastFired(events: { what: string; time: string }[]): string {
  const fired = events.filter((event) => event.what === "fired").at(-1);
  return fired ? moment(fired.time) : "";
}

function Parts({ parts }: { parts: AlertPart[] }) {
  if (!parts.length) return null;
  return (
    <section aria-labelledby="parts">
      <h2 id="parts">What is wrong</h2>
      <ul className="plain">
        {parts.map((part) => (
          <li key={part.name + (part.finding_id ?? "")}>
            {part.why}{" "}
            {part.finding_id && (
              <Link to="/finding/$id" params={{ id: part.finding_id }}>
                The finding
              </Link>
            )}{" "}
            {part.trail_id && (
              <Link to="/trail/$id" params={{ id: part.trail_id }}>
                A trail that shows it
              </Link>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What one looks at next, of what the alert is about and around its moment: trails that failed, findings, deployments. */
function Investigate({ one, range }: { one: AlertRow; range: Range }) {
  const scopes = one.scopes.slice(0, 5);
  const known = one.parts.flatMap((part) => (part.finding_id ? [part.finding_id] : []));
  const span = asParameters(range);
  const trails = useQuery({
    queryKey: ["alert-trails", scopes, known, range.text],
    queryFn: async ({ signal }) => {
      const lists = await Promise.all(scopes.map((service) => api.trails({ service, status: "error" }, span, null, MOST, signal)));
      const rows = new Map(lists.flatMap((list) => list.trails.map((row) => [row.trail_id, row] as const)));
      return [...rows.values()].sort((a, b) => (a.start < b.start ? 1 : -1)).slice(0, MOST);
    },
    enabled: scopes.length > 0,
  });
  const findings = useQuery({
    queryKey: ["alert-findings", scopes],
    queryFn: async ({ signal }) => (await Promise.all(scopes.map((about) => api.findings("current", { about }, null, MOST, signal)))).flatMap((list) => list.findings),
    enabled: scopes.length > 0,
  });
  const deployments = useQuery({ queryKey: ["alert-deployments", range.text], queryFn: ({ signal }) => costsApi.deployments({ since: new Date(range.sinceMs - 6 * 3_600_000).toISOString(), until: span.until }, signal) });
  if (!scopes.length) return null;
  return (
    <>
      <section aria-labelledby="affected">
        <h2 id="affected">
          Trails that failed <small>{moment(range.sinceMs)} to {moment(range.untilMs)}, with {scopes.join(", ")}</small>
        </h2>
        <Answer query={trails} what="the trails">
          {(rows) => (rows.length ? <TrailTable trails={rows} /> : <p className="dim">None that failed. <Link to="/trails" search={{ service: scopes[0], t: range.text }}>All trails of that time</Link>.</p>)}
        </Answer>
      </section>
      <section aria-labelledby="alert-findings">
        <h2 id="alert-findings">Findings about it</h2>
        <Answer query={findings} what="the findings">
          {(found) => (found.length ? <FindingTable findings={found} /> : <p className="dim">None is open.</p>)}
        </Answer>
      </section>
      <section aria-labelledby="alert-deployments">
        <h2 id="alert-deployments">Deployments before it</h2>
        <Answer query={deployments} what="the deployments" rows={1}>
          {(answer) =>
            answer.deployments.length + answer.seen.length === 0 ? (
              <p className="dim">None in the six hours before.</p>
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
    </>
  );
}

function History({ answer }: { answer: AlertAnswer }) {
  if (!answer.history.length) return null;
  return (
    <section aria-labelledby="history">
      <h2 id="history">History</h2>
      <div className="table-box">
        <table className="table">
          <tbody>
            {answer.history.slice(0, 50).map((event, at) => (
              <tr key={at}>
                <td className="time" title={full(event.time)}>{moment(event.time)}</td>
                <th scope="row">{event.what}{event.by !== "coldtrail" && ` by ${event.by}`}</th>
                <td className="reason">{event.note || event.why}</td>
                <td className="dim">{event.routes.join(", ")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const DELIVERY: Record<string, string> = { sent: "ok", waiting: "dim", dead: "bad" };
const SAID: Record<string, string> = { sent: "delivered", waiting: "on its way", dead: "given up" };

function Deliveries({ answer }: { answer: AlertAnswer }) {
  return (
    <section aria-labelledby="told">
      <h2 id="told">
        Who was told <small>{answer.routes.map((one) => (one.after_s ? `${one.route} after ${plural(Math.round(one.after_s / 60), "minute")}` : one.route)).join(", then ") || "no route"}</small>
      </h2>
      {answer.notifications.length > 0 && (
        <div className="table-box">
          <table className="table">
            <tbody>
              {answer.notifications.slice(0, 50).map((one) => (
                <tr key={one.id}>
                  <td className="time" title={full(one.created)}>{moment(one.created)}</td>
                  <th scope="row">{one.route}</th>
                  <td>{one.what}</td>
                  <td><span className={`status ${DELIVERY[one.status]}`}>{SAID[one.status]}</span></td>
                  <td className="reason">{one.error && `${one.error} (${plural(one.tries, "try", "tries")})`}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
