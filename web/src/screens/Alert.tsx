import { Button, NativeSelect } from "@mantine/core";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useMemo, useState } from "react";
import { alertsApi, type AlertAnswer, type AlertPart, type AlertRow } from "../alertsApi";
import { ago, full, moment, plural } from "../format";
import { investigationsApi, type Start } from "../investigationsApi";
import { Answer, Failed } from "../parts/Answer";
import { SeverityMark } from "../parts/FindingTable";
import { InvestigateButton } from "../parts/InvestigateButton";
import { againMs, Prepared } from "../parts/Prepared";
import { useRange } from "../parts/range";
import { Said } from "../parts/Said";
import { asParameters, between, parseRange, type Range } from "../range";
import { silenceName, stateOf, TONES } from "./alertWords";

const AlertChart = lazy(() => import("../parts/AlertChart"));

const AGAIN_MS = 5_000;
const BEFORE_MS = 30 * 60_000;
const AFTER_MS = 15 * 60_000;

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
  const { group, at } = useSearch({ strict: false });
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
        {(answer) => <Whole answer={answer} group={group} at={Number.isFinite(Date.parse(at ?? "")) ? at : undefined} range={range} />}
      </Answer>
    </div>
  );
}

const ORDER = ["firing", "pending", "recovered", "inactive"];

function Whole({ answer, group, at, range }: { answer: AlertAnswer; group?: string; at?: string; range: Range }) {
  const asked = answer.groups.find((one) => one.group === (group ?? ""));
  const one = asked ?? [...answer.groups].sort((a, b) => ORDER.indexOf(a.phase) - ORDER.indexOf(b.phase))[0];
  const told = one.why || one.failing;
  const since = one.since && one.phase !== "inactive" ? `${stateOf(one)}, since ${moment(one.since)} (${ago(one.since)})` : stateOf(one);
  // What recovered is explained by what it fired for.
  const fired = answer.history.find((event) => event.what === "fired" && event.group === one.group);
  const details = [told, ...(one.phase === "recovered" && fired ? [`It fired: ${fired.why}`] : []), answer.spec.description, ...answer.warnings.map((each) => each.message)].filter(Boolean);
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
      <Tools answer={answer} one={one} at={at} />
      <Parts parts={one.parts} />
      {answer.points.some((point) => point.value !== null) && (
        <Suspense fallback={<div className="charts" />}>
          <AlertChart answer={answer} range={range} />
        </Suspense>
      )}
      <Ahead one={one} at={at} />
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

function Tools({ answer, one, at }: { answer: AlertAnswer; one: AlertRow; at?: string }) {
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
      <InvestigateButton start={startOf(one, at)} />
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

/** What one looks at next, prepared for what the alert is about and its moment. */
function Ahead({ one, at }: { one: AlertRow; at?: string }) {
  const start = startOf(one, at);
  const query = useQuery({
    queryKey: ["prepared", start, one.phase],
    queryFn: ({ signal }) => investigationsApi.prepared(start, signal),
    placeholderData: keepPreviousData,
    refetchInterval: () => againMs(start.at),
  });
  return (
    <Answer query={query} what="what it is about">
      {(ground) => <Prepared ground={ground} />}
    </Answer>
  );
}

function startOf(one: AlertRow, at?: string): Start {
  return { kind: "alert", id: one.name, group: one.group, at: at ?? one.since ?? undefined };
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
