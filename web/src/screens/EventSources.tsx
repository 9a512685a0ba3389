import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useRef } from "react";
import { ago, count, duration, full, moment } from "../format";
import { Answer } from "../parts/Answer";
import { NothingHere } from "../parts/NothingHere";
import { useRange } from "../parts/range";
import { useRowKeys } from "../parts/rowKeys";
import { Said } from "../parts/Said";
import { Spark } from "../parts/small";
import { asParameters, stepFor } from "../range";
import { askSources, emptyIn, everyStep, some, sourcesVerdict, type SourceRow, type SourcesAnswer } from "./eventSources";

/** Every queue, stream, topic, bus and schedule in one list, the worst first. */
export default function EventSourcesScreen() {
  const range = useRange();
  const box = useRef<HTMLDivElement>(null);
  useRowKeys(box);
  const query = useQuery({
    queryKey: ["event sources", range.text, range.untilMs],
    queryFn: ({ signal }) => askSources(asParameters(range), stepFor(range, 30), signal),
    placeholderData: (before) => before,
  });
  return (
    <div className="screen" ref={box}>
      <header className="function-head">
        <h1>Event sources</h1>
        <span className="dim">queues, streams, topics, buses and schedules, by what became of their messages</span>
      </header>
      <Answer query={query} what="the event sources" rows={8}>
        {(answer) => <Whole answer={answer} />}
      </Answer>
    </div>
  );
}

function Whole({ answer }: { answer: SourcesAnswer }) {
  const rows = answer.event_sources;
  if (!rows.length) return <NothingHere what="messages" />;
  const said = sourcesVerdict(rows);
  const behind = answer.messages_named - answer.message_count;
  return (
    <>
      <Said said={said} />
      {answer.counted_since > answer.since && <p className="dim">So many messages came that only those since {moment(answer.counted_since)} are counted; choose a shorter range for the rest.</p>}
      {behind > answer.messages_named / 20 && <p className="dim">About {count(behind)} of {count(answer.messages_named)} messages are not assembled yet.</p>}
      <div className="table-box">
        <table className="table sources">
          <thead>
            <tr>
              <th scope="col">Source</th>
              <th scope="col">
                Messages <span className="dim">and failed</span>
              </th>
              <th scope="col" className="n">Messages</th>
              <th scope="col" className="n" title="95 of 100 waited no longer from sending to being taken">Waited p95</th>
              <th scope="col" className="n" title="Handed over again after a failure">Redelivered</th>
              <th scope="col" className="n" title="Handed over again although it had gone through">Duplicates</th>
              <th scope="col" className="n" title="Taken after a message that was sent later">Out of order</th>
              <th scope="col" className="n">Failed</th>
              <th scope="col" className="n" title="Batches that went through but for a part of their messages">Partial</th>
              <th scope="col" className="n" title="Failed three times or more and never went through">Poison</th>
              <th scope="col" className="n" title="Messages of this source that came out of a dead-letter queue">Given up</th>
              <th scope="col" className="n">Waiting</th>
              <th scope="col" className="n">Empty</th>
              <th scope="col" className="n">Last</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((one) => (
              <Row key={`${one.kind} ${one.name}`} one={one} answer={answer} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Row({ one, answer }: { one: SourceRow; answer: SourcesAnswer }) {
  const again = one.redelivery_count + one.retry_count;
  return (
    <tr>
      <th scope="row">
        <Link to="/event-sources/$kind/$name" params={{ kind: one.kind, name: one.name }}>
          {one.name}
        </Link>{" "}
        <span className="dim">{one.holds_dead_letters ? "dead-letter queue" : one.carries}</span>
      </th>
      <td className="spark-cell">
        <Spark counts={everyStep(answer, one.points, (point) => point.message_count)} errors={everyStep(answer, one.points, (point) => point.failed_count)} label={`${count(one.message_count)} messages of ${one.name} over time, ${count(one.failed_count)} deliveries failed`} />
      </td>
      <td className="n">{count(one.message_count)}</td>
      <td className="n" title={`half ${duration(one.wait_p50_ms)}, longest ${duration(one.wait_max_ms)}`}>{duration(one.wait_p95_ms)}</td>
      <td className={again ? "n warn" : "n"} title={`${count(one.redelivery_count)} redelivered, ${count(one.retry_count)} retried by Lambda`}>{some(again)}</td>
      <td className={one.duplicate_count ? "n warn" : "n"}>{some(one.duplicate_count)}</td>
      <td className="n">{some(one.out_of_order_count)}</td>
      <td className={one.failed_count ? "n bad strong" : "n"}>{some(one.failed_count)}</td>
      <td className={one.partial_batch_count ? "n warn" : "n"}>{some(one.partial_batch_count)}</td>
      <td className={one.poison_count ? "n bad strong" : "n"}>{some(one.poison_count)}</td>
      <td className={one.dead_letter_count ? "n bad strong" : "n"}>{some(one.dead_letter_count)}</td>
      <td className={one.backlog === null ? "n dim" : "n"} title={one.backlog_from === "metric" ? "by CloudWatch" : "sent in this time and not seen taken"}>{one.backlog === null ? "unknown" : some(one.backlog)}</td>
      <td className={one.drain.verdict === "never" ? "n warn" : "n dim"} title={one.drain.why}>{one.backlog === null ? "" : emptyIn(one)}</td>
      <td className="n" title={full(one.last_seen)}>{ago(one.last_seen)}</td>
    </tr>
  );
}
