import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useRef } from "react";
import { api, type ResourceAnswer } from "../api";
import { ago, count, duration, full, moment, percent, plural, rate } from "../format";
import { Answer, Empty } from "../parts/Answer";
import { useRange } from "../parts/range";
import { useRowKeys } from "../parts/rowKeys";
import { Facts, Said, type Fact } from "../parts/Said";
import { TrailTable } from "../parts/TrailTable";
import { asParameters, stepFor, type Range } from "../range";
import { carriesMessages, kindName, resourceVerdict } from "./resourceWords";

const ResourceCharts = lazy(() => import("../parts/ResourceCharts"));
const Watch = lazy(() => import("../parts/Watch"));

export default function ResourceScreen() {
  const { name } = useParams({ strict: false }) as { name: string };
  const { kind } = useSearch({ strict: false });
  const range = useRange();
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  const query = useQuery({
    queryKey: ["resource", name, kind, range.text, range.untilMs],
    queryFn: ({ signal }) => api.resource(name, kind, asParameters(range), stepFor(range), signal),
    placeholderData: (before) => (before?.name === name ? before : undefined),
  });
  return (
    <div className="screen resource" ref={box}>
      <header className="function-head">
        <h1>{name}</h1>
        {query.data && <span className="dim">{kindName(query.data.kind)}</span>}
        {query.data && (
          <Link to="/trails" search={trailsOf(query.data)}>
            its trails
          </Link>
        )}
        {query.data && (
          <Link to="/map" search={{ sel: `${query.data.kind}/${name}`, q: name }}>
            on the map
          </Link>
        )}
        {query.data && carriesMessages(query.data.kind) && (
          <Link to="/event-sources/$kind/$name" params={{ kind: query.data.kind, name }}>
            its messages
          </Link>
        )}
      </header>
      <Answer query={query} what="the resource" rows={8}>
        {(answer) => <Whole answer={answer} range={range} />}
      </Answer>
    </div>
  );
}

function trailsOf(answer: ResourceAnswer) {
  return answer.messages ? { service: answer.name } : { q: answer.name };
}

function Whole({ answer, range }: { answer: ResourceAnswer; range: Range }) {
  const said = resourceVerdict(answer);
  return (
    <>
      <Said said={said} />
      <Summary answer={answer} range={range} />
      {answer.counted_since > answer.since && <p className="dim">So much arrived that only what came since {moment(answer.counted_since)} is counted; choose a shorter range for the rest.</p>}
      {(answer.calls.count > 0 || (answer.messages?.count ?? 0) > 0) && (
        <Suspense fallback={<div className="charts" />}>
          <ResourceCharts answer={answer} range={range} />
        </Suspense>
      )}
      {answer.messages && <Consumers messages={answer.messages} />}
      <Callers answer={answer} />
      <Suspense>
        <Watch name={answer.name} kind={answer.kind} range={range} />
      </Suspense>
      <Latest answer={answer} range={range} />
    </>
  );
}

function Summary({ answer, range }: { answer: ResourceAnswer; range: Range }) {
  const seconds = (range.untilMs - Date.parse(answer.counted_since)) / 1000;
  const { messages, calls } = answer;
  const facts: Fact[] = messages
    ? [
        ["messages", count(messages.count)],
        ["rate", rate(messages.count / seconds)],
        ["waited p50", duration(messages.wait_p50_ms)],
        ["waited p95", duration(messages.wait_p95_ms)],
        ["waited longest", duration(messages.wait_max_ms)],
        ["redelivered", count(messages.redelivered_count), messages.redelivered_count ? "warn" : undefined, `${plural(messages.redelivery_count, "delivery", "deliveries")} beyond the first`],
        ["not seen taken", messages.untaken_count === null ? "unknown" : count(messages.untaken_count), messages.untaken_count ? "warn" : undefined],
        ["backlog", messages.backlog === null ? "unknown" : count(messages.backlog), messages.backlog === null ? "dim" : undefined, messages.backlog_unknown],
      ]
    : [
        ["calls", count(calls.count)],
        ["rate", rate(calls.count / seconds)],
        ["errors", percent(calls.count ? calls.error_count / calls.count : 0), calls.error_count ? "bad" : undefined],
        ["p50", duration(calls.p50_ms)],
        ["p95", duration(calls.p95_ms)],
        ["p99", duration(calls.p99_ms)],
      ];
  return <Facts facts={facts} />;
}

function Consumers({ messages }: { messages: NonNullable<ResourceAnswer["messages"]> }) {
  return (
    <section aria-labelledby="consumers">
      <h2 id="consumers">Consumers</h2>
      {messages.consumers.length === 0 ? (
        <Empty title="Nobody was seen to take a message">A consumer is known by the message ids or sequence numbers in its spans or log lines.</Empty>
      ) : (
        <div className="table-box">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Function or service</th>
                <th scope="col" className="n">Messages</th>
                <th scope="col" className="n">Deliveries</th>
                <th scope="col" className="n">Attempts</th>
                <th scope="col" className="n">Failed</th>
                <th scope="col">Why</th>
                <th scope="col" className="n">Last</th>
              </tr>
            </thead>
            <tbody>
              {messages.consumers.map((one) => (
                <tr key={one.service}>
                  <th scope="row">
                    <Link to="/function/$name" params={{ name: one.service }}>
                      {one.service}
                    </Link>
                  </th>
                  <td className="n">{count(one.message_count)}</td>
                  <td className="n">{count(one.delivery_count)}</td>
                  <td className="n">{count(one.attempt_count)}</td>
                  <td className={one.failed_count ? "n bad strong" : "n dim"}>{one.failed_count ? `${count(one.failed_count)}, ${percent(one.failed_count / one.attempt_count)}` : "0"}</td>
                  <td className="reason">{one.failed_count ? [one.failure_type, one.failure_message].filter(Boolean).join(": ").slice(0, 200) : ""}</td>
                  <td className="n" title={full(one.last_seen)}>{ago(one.last_seen)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Callers({ answer: { calls, messages } }: { answer: ResourceAnswer }) {
  return (
    <section aria-labelledby="callers">
      <h2 id="callers">
        {messages ? "Producers and other callers" : "Callers"}{" "}
        {calls.caller_count < calls.count && <small>among the latest {count(calls.caller_count)} calls</small>}
      </h2>
      {calls.callers.length === 0 ? (
        <Empty title="No call in this time range names it" />
      ) : (
        <div className="table-box">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Function or service</th>
                <th scope="col">Operation</th>
                <th scope="col" className="n">Calls</th>
                <th scope="col" className="n">Errors</th>
                <th scope="col" className="n">p95</th>
                <th scope="col">Trails</th>
                <th scope="col" className="n">Last</th>
              </tr>
            </thead>
            <tbody>
              {calls.callers.map((one) => (
                <tr key={`${one.service} ${one.operation} ${one.taking}`}>
                  <th scope="row">
                    <Link to="/function/$name" params={{ name: one.service }}>
                      {one.service}
                    </Link>
                  </th>
                  <td>{one.operation}</td>
                  <td className="n">{count(one.count)}</td>
                  <td className={one.error_count ? "n bad strong" : "n dim"}>{count(one.error_count)}</td>
                  <td className="n">{duration(one.p95_ms)}</td>
                  <td>
                    {one.slowest_trail_id && (
                      <Link to="/trail/$id" params={{ id: one.slowest_trail_id }}>
                        slowest
                      </Link>
                    )}{" "}
                    {one.failing_trail_id && (
                      <Link to="/trail/$id" params={{ id: one.failing_trail_id }} className="bad">
                        failed
                      </Link>
                    )}
                  </td>
                  <td className="n" title={full(one.last_seen)}>{ago(one.last_seen)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Latest({ answer, range }: { answer: ResourceAnswer; range: Range }) {
  const filter = trailsOf(answer);
  const query = useQuery({
    queryKey: ["trails", "resource", filter, range.text, range.untilMs],
    queryFn: ({ signal }) => api.trails(filter, asParameters(range), null, 8, signal),
    placeholderData: keepPreviousData,
  });
  return (
    <section aria-labelledby="latest">
      <h2 id="latest">Latest trails</h2>
      <Answer query={query} what="the latest trails" rows={4}>
        {(data) => (data.trails.length ? <TrailTable trails={data.trails} /> : <Empty title="No trail in this time range" />)}
      </Answer>
    </section>
  );
}
