import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useRef } from "react";
import { alertsApi, type AlertsAnswer, type ListedAlert, type WayOut } from "../alertsApi";
import { ago, full } from "../format";
import { Answer, Failed } from "../parts/Answer";
import { SeverityMark } from "../parts/FindingTable";
import { Said } from "../parts/Said";
import { useRowKeys } from "../parts/rowKeys";
import { holds, leadsTo, overall, stateOf, TONES } from "./alertWords";

const AGAIN_MS = 5_000;

/** Every alert, what fires first; the routes that tell of them, and what is silenced. */
export default function AlertsScreen() {
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  const query = useQuery({ queryKey: ["alerts"], queryFn: ({ signal }) => alertsApi.list(signal), refetchInterval: AGAIN_MS });
  return (
    <div className="screen" ref={box}>
      <header className="function-head">
        <h1>Alerts</h1>
        <span className="dim">what fires, and who is told</span>
        <span className="grow" />
        <New kind="alert" />
        <a href="/api/v1/definitions/file" download>
          Export
        </a>
      </header>
      <Answer query={query} what="the alerts" rows={6}>
        {(answer) => (
          <>
            <Said said={overall(answer)} />
            <Table alerts={answer.alerts} />
            <Routes answer={answer} />
            <Silences />
          </>
        )}
      </Answer>
    </div>
  );
}

/** The way to an empty form. */
function New({ kind }: { kind: string }) {
  return (
    <Button size="xs" variant="default" renderRoot={(props) => <Link to="/define/$kind" params={{ kind }} {...props} />}>
      New {kind}
    </Button>
  );
}

function Table({ alerts }: { alerts: ListedAlert[] }) {
  return (
    <div className="table-box">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Alert</th>
            <th scope="col">Severity</th>
            <th scope="col">Since</th>
            <th scope="col">Why</th>
            <th scope="col">Told</th>
          </tr>
        </thead>
        <tbody>
          {alerts.map((one) => (
            <Row key={`${one.name} ${one.group}`} one={one} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ one }: { one: ListedAlert }) {
  const navigate = useNavigate();
  const to = { to: "/alerts/$name", params: { name: one.name }, search: { at: one.since ?? undefined, group: one.group || undefined } } as const;
  return (
    <tr className="row-link" onClick={(event) => !(event.target as Element).closest("a") && void navigate(to)}>
      <td>
        <span className={`status ${one.muted || !one.enabled ? "dim" : TONES[one.phase]}`}>{stateOf(one)}</span>
      </td>
      <th scope="row">
        <Link {...to}>{one.title}</Link>
      </th>
      <td>
        <SeverityMark severity={one.severity} />
      </td>
      <td title={one.since ? full(one.since) : undefined}>{one.since ? ago(one.since) : ""}</td>
      <td className="reason">
        {one.failing ? <span className="warn">{one.failing}</span> : one.phase !== "inactive" && one.why}
        {one.warnings.map((each) => (
          <div key={each.path + each.message} className="warn">
            {each.message}
          </div>
        ))}
      </td>
      <td>{one.told.join(", ")}</td>
    </tr>
  );
}

function Routes({ answer }: { answer: AlertsAnswer }) {
  const names = Object.keys(answer.routes);
  const query = useQuery({ queryKey: ["routes"], queryFn: ({ signal }) => alertsApi.routes(signal) });
  const kept = new Map((query.data?.definitions ?? []).map((one) => [one.name, one]));
  return (
    <section aria-labelledby="routes">
      <h2 id="routes">Routes</h2>
      {names.length === 0 && <p className="dim">Nobody is told of anything yet: say where alerts go.</p>}
      <ul className="plain">
        {names.map((name) => (
          <RouteLine key={name} name={name} isDefault={answer.routes[name]} to={kept.get(name)?.spec.to} />
        ))}
        <li>
          <New kind="route" />
        </li>
      </ul>
    </section>
  );
}

function RouteLine({ name, isDefault, to }: { name: string; isDefault: boolean; to?: WayOut }) {
  const trying = useMutation({ mutationFn: () => alertsApi.tryRoute(name) });
  return (
    <li className="trail-tools">
      <Link to="/define/$kind/$name" params={{ kind: "route", name }}>
        {name}
      </Link>
      {to && <span title={to.topic_arn ?? undefined}>{leadsTo(to)}</span>}
      {isDefault && <span className="dim">default</span>}
      <Button size="compact-xs" variant="default" loading={trying.isPending} onClick={() => trying.mutate()} aria-label={`Test ${name}`}>
        Test
      </Button>
      <span role="status" className={trying.data?.told === false ? "warn" : "dim"}>
        {trying.data && (trying.data.told ? "It arrived" : trying.data.reason)}
      </span>
      {trying.isError && <Failed error={trying.error} retry={() => trying.mutate()} what="an answer" brief />}
    </li>
  );
}

function Silences() {
  const client = useQueryClient();
  const query = useQuery({ queryKey: ["silences"], queryFn: ({ signal }) => alertsApi.silences(signal) });
  const ending = useMutation({
    mutationFn: alertsApi.endSilence,
    onSuccess: () => void client.invalidateQueries({ queryKey: ["silences"] }),
  });
  const found = query.data?.definitions ?? [];
  return (
    <section aria-labelledby="silences">
      <h2 id="silences">Silences</h2>
      <ul className="plain">
        {found.map((one) => (
          <li key={one.name} className="trail-tools">
            <Link to="/define/$kind/$name" params={{ kind: "silence", name: one.name }}>
              {one.name}
            </Link>
            <span>{[...(one.spec.alerts ?? []), ...(one.spec.scopes ?? [])].join(", ") || "all alerts"}</span>
            <span className="dim">{holds(one)}</span>
            {one.spec.reason && <span className="dim">{one.spec.reason}</span>}
            <Button size="compact-xs" variant="default" loading={ending.isPending && ending.variables === one.name} onClick={() => ending.mutate(one.name)} aria-label={`End ${one.name}`}>
              End
            </Button>
          </li>
        ))}
        <li>
          <New kind="silence" />
        </li>
      </ul>
      {ending.isError && <Failed error={ending.error} retry={() => ending.mutate(ending.variables)} what="that done" brief />}
    </section>
  );
}
