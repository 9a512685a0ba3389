import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { lazy, Suspense, useMemo, useRef, type ReactNode } from "react";
import { ago, count, duration, full, moment, percent, plural, short } from "../format";
import { Answer } from "../parts/Answer";
import { HeatmapPlot } from "../parts/HeatmapPlot";
import { useRange } from "../parts/range";
import { useRowKeys } from "../parts/rowKeys";
import { Facts, Said, type Fact } from "../parts/Said";
import { Id } from "../parts/small";
import { asParameters, between, stepFor, type Range } from "../range";
import { heatOf } from "../views/heatmapLayout";
import { askSource, emptyIn, some, sourceVerdict, type SourceAnswer } from "./eventSources";

const SourceCharts = lazy(() => import("../parts/SourceCharts"));

/** One queue, stream, topic, bus or schedule. */
export default function EventSourceScreen() {
  const { kind, name } = useParams({ strict: false }) as { kind: string; name: string };
  const range = useRange();
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  const query = useQuery({
    queryKey: ["event source", kind, name, range.text, range.untilMs],
    queryFn: ({ signal }) => askSource(kind, name, asParameters(range), stepFor(range, 72), signal),
    placeholderData: (before) => (before?.name === name ? before : undefined),
  });
  return (
    <div className="screen resource" ref={box}>
      <header className="function-head">
        <h1>{name}</h1>
        {query.data && <span className="dim">{query.data.carries}</span>}
        {kind !== "schedule" && (
          <Link to="/resource/$name" params={{ name }} search={{ kind }}>
            its calls and metrics
          </Link>
        )}
        {kind !== "schedule" && (
          <Link to="/map" search={{ sel: `${kind}/${name}`, q: name }}>
            on the map
          </Link>
        )}
        <Link to="/event-sources">all event sources</Link>
      </header>
      <Answer query={query} what="the event source" rows={8}>
        {(answer) => <Whole answer={answer} range={range} />}
      </Answer>
    </div>
  );
}

function Whole({ answer, range }: { answer: SourceAnswer; range: Range }) {
  const said = sourceVerdict(answer);
  return (
    <>
      <Said said={said} />
      <Summary answer={answer} />
      {answer.counted_since > answer.since && <p className="dim">So many messages came that only those since {moment(answer.counted_since)} are counted; choose a shorter range for the rest.</p>}
      <Waiting answer={answer} />
      <Suspense fallback={<div className="charts two" />}>
        <SourceCharts points={answer.points} range={range} />
      </Suspense>
      <Consumers answer={answer} />
      <DeadLetters answer={answer} />
      <PoisonTable answer={answer} />
      <PartialBatches answer={answer} />
      <Attempts answer={answer} />
      <Groups answer={answer} />
    </>
  );
}

function Summary({ answer }: { answer: SourceAnswer }) {
  const facts: Fact[] = [
    ["messages", count(answer.message_count)],
    ["waited p50", duration(answer.wait_p50_ms)],
    ["waited p95", duration(answer.wait_p95_ms)],
    ["waited longest", duration(answer.wait_max_ms)],
    ["redelivered", count(answer.redelivery_count), answer.redelivery_count ? "warn" : undefined],
    ["retried", count(answer.retry_count), answer.retry_count ? "warn" : undefined],
    ["duplicates", count(answer.duplicate_count), answer.duplicate_count ? "warn" : undefined],
    ["out of order", count(answer.out_of_order_count)],
    ["waiting", answer.backlog === null ? "unknown" : count(answer.backlog), answer.backlog === null ? "dim" : undefined],
    ["empty", answer.backlog ? emptyIn(answer) : "–", answer.drain.verdict === "never" ? "warn" : undefined, answer.drain.why],
  ];
  return <Facts facts={facts} />;
}

/** How long messages waited over time; a cell leads to the trails of its time. */
function Waiting({ answer }: { answer: SourceAnswer }) {
  const navigate = useNavigate();
  const heat = useMemo(() => heatOf({ since: answer.counted_since, until: answer.until, step_s: answer.step_s, cells: answer.cells }), [answer]);
  if (!heat.cells.length) return null;
  const total = heat.cells.reduce((sum, cell) => sum + cell.count, 0);
  return (
    <section aria-labelledby="waiting">
      <h2 id="waiting">
        How long they waited <small>{plural(total, "delivery", "deliveries")}; stronger: more, red: failed; click a cell for the trails of its time</small>
      </h2>
      <HeatmapPlot heat={heat} height={150} label={`Waiting of ${total} messages over time`} choose={(one) => void navigate({ to: "/trails", search: { t: between(one.fromMs, one.toMs), service: answer.consumers[0]?.service } })} />
    </section>
  );
}

function Table({ id, title, note, heads, children }: { id: string; title: string; note?: string; heads: [string, boolean?][]; children: ReactNode }) {
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>
        {title} {note && <small>{note}</small>}
      </h2>
      <div className="table-box">
        <table className="table">
          <thead>
            <tr>
              {heads.map(([head, number]) => (
                <th key={head} scope="col" className={number ? "n" : undefined}>
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{children}</tbody>
        </table>
      </div>
    </section>
  );
}

const because = (type: string, message: string) => [type, message].filter(Boolean).join(": ").slice(0, 240);

function Consumers({ answer }: { answer: SourceAnswer }) {
  if (!answer.consumers.length) return null;
  return (
    <Table id="consumers" title="Consumers" heads={[["Function"], ["Messages", true], ["Waited p95", true], ["Redelivered", true], ["Retried", true], ["Duplicates", true], ["Out of order", true], ["Partial", true], ["Failed", true], ["Why, the last time"], ["Last", true]]}>
      {answer.consumers.map((one) => (
        <tr key={one.service}>
          <th scope="row">
            <Link to="/function/$name" params={{ name: one.service }}>
              {one.service}
            </Link>
          </th>
          <td className="n">{count(one.message_count)}</td>
          <td className="n" title={`longest ${duration(one.wait_max_ms)}`}>{duration(one.wait_p95_ms)}</td>
          <td className="n">{some(one.redelivery_count)}</td>
          <td className="n">{some(one.retry_count)}</td>
          <td className="n">{some(one.duplicate_count)}</td>
          <td className="n">{some(one.out_of_order_count)}</td>
          <td className="n">{some(one.partial_batch_count)}</td>
          <td className={one.failed_count ? "n bad strong" : "n"}>{some(one.failed_count)}</td>
          <td className="reason">{because(one.failure_type, one.failure_message)}</td>
          <td className="n" title={full(one.last_seen)}>{ago(one.last_seen)}</td>
        </tr>
      ))}
    </Table>
  );
}

function DeadLetters({ answer }: { answer: SourceAnswer }) {
  if (!answer.dead_letters.length) return null;
  return (
    <Table id="dead" title="Dead letters" note="as they were taken out of the dead-letter queue; those that nobody takes are in no telemetry" heads={[["Message"], ["Why"], ["Tried", true], ["Last try"], ["From"], ["Queue"], ["Taken by"], ["Taken", true]]}>
      {answer.dead_letters.map((one) => (
        <tr key={one.message_id}>
          <th scope="row">
            <Link to="/trail/$id" params={{ id: one.trail_id }} search={{ sel: one.node_id }} title={one.message_id}>
              {short(one.message_id, 14)}
            </Link>
          </th>
          <td className="reason">{one.cause || "not told"}</td>
          <td className="n">{one.try_count ? count(one.try_count) : "–"}</td>
          <td>
            {one.last_try_node_id && (
              <Link to="/trail/$id" params={{ id: one.trail_id }} search={{ sel: one.last_try_node_id }}>
                the failing invocation
              </Link>
            )}
          </td>
          <td>{one.origin}</td>
          <td>{one.queue}</td>
          <td className={one.consumer_failed ? "bad" : undefined}>{one.consumer}</td>
          <td className="n" title={one.taken ? full(one.taken) : undefined}>{one.taken ? ago(one.taken) : "–"}</td>
        </tr>
      ))}
    </Table>
  );
}

function PoisonTable({ answer }: { answer: SourceAnswer }) {
  if (!answer.poison.length) return null;
  return (
    <Table id="poison" title="What fails again and again" note="messages that failed twice or more, by the reason" heads={[["Reason"], ["Consumer"], ["Messages", true], ["Never through", true], ["Tries", true], ["For instance"], ["Last", true]]}>
      {answer.poison.map((one) => (
        <tr key={one.fingerprint}>
          <td className="reason">{because(one.failure_type, one.failure_message) || "not told"}</td>
          <td>{one.consumer}</td>
          <td className="n">{count(one.message_count)}</td>
          <td className={one.stuck_count ? "n bad strong" : "n"}>{some(one.stuck_count)}</td>
          <td className="n">{count(one.try_count)}</td>
          <td>
            {one.messages.slice(0, 2).map((two) => (
              <Link key={two.message_id} to="/trail/$id" params={{ id: two.trail_id }} search={{ sel: two.node_id }} title={`${two.message_id}, tried ${two.try_count} times`} data-row-link>
                {short(two.message_id, 12)}{" "}
              </Link>
            ))}
          </td>
          <td className="n" title={full(one.last_seen)}>{ago(one.last_seen)}</td>
        </tr>
      ))}
    </Table>
  );
}

function PartialBatches({ answer }: { answer: SourceAnswer }) {
  if (!answer.partial_batches.length) return null;
  return (
    <Table id="partial" title="Batches of which a part failed" note="the invocation itself succeeded" heads={[["When"], ["Function"], ["Messages", true], ["Failed", true], ["Why"]]}>
      {answer.partial_batches.map((one) => (
        <tr key={one.node_id}>
          <th scope="row" className="time">
            <Link to="/trail/$id" params={{ id: one.trail_id }} search={{ sel: one.node_id }} title={full(one.time)}>
              {moment(one.time)}
            </Link>
          </th>
          <td>{one.consumer}</td>
          <td className="n">{count(one.size)}</td>
          <td className="n bad strong">{count(one.failed_count)}</td>
          <td className="reason">{because(one.failure_type, one.failure_message)}</td>
        </tr>
      ))}
    </Table>
  );
}

function Attempts({ answer }: { answer: SourceAnswer }) {
  if (answer.attempts.length < 2) return null;
  const all = answer.attempts.reduce((sum, one) => sum + one.message_count, 0);
  return (
    <Table id="attempts" title="How many deliveries it took" heads={[["Deliveries", true], ["Messages", true], ["Share", true], ["Never through", true]]}>
      {answer.attempts.map((one) => (
        <tr key={one.deliveries}>
          <td className="n">{count(one.deliveries)}</td>
          <td className="n">{count(one.message_count)}</td>
          <td className="n">{percent(one.message_count / all)}</td>
          <td className={one.never_through_count ? "n bad strong" : "n"}>{some(one.never_through_count)}</td>
        </tr>
      ))}
    </Table>
  );
}

function Groups({ answer }: { answer: SourceAnswer }) {
  if (answer.order_groups.length < 2) return null;
  return (
    <Table id="groups" title="Shards and message groups" note="within which order is kept; the longest waiting first" heads={[["Group"], ["Messages", true], ["Waited p95", true], ["Failed", true]]}>
      {answer.order_groups.map((one) => (
        <tr key={one.name}>
          <th scope="row">
            <Id value={one.name} length={28} />
          </th>
          <td className="n">{count(one.message_count)}</td>
          <td className="n">{duration(one.wait_p95_ms)}</td>
          <td className={one.failed_count ? "n bad strong" : "n"}>{some(one.failed_count)}</td>
        </tr>
      ))}
    </Table>
  );
}
