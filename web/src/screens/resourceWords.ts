/** How a queue, stream, table or bucket is doing, in words. Pure. */

import type { ResourceAnswer } from "../api";
import { count, duration, percent, plural } from "../format";

const KINDS: Record<string, string> = {
  kinesis: "Kinesis stream",
  sqs: "SQS queue",
  sns: "SNS topic",
  eventbridge: "EventBridge bus",
  dynamodb: "DynamoDB table",
  s3: "S3 bucket",
};

export function kindName(kind: string): string {
  return KINDS[kind] ?? kind;
}

/** Whether messages go through it, so that it is an event source too. */
export function carriesMessages(kind: string): boolean {
  return ["kinesis", "sqs", "sns", "eventbridge"].includes(kind);
}

/** Which kind of resource a message of this key was on; undefined where several are possible. */
export function kindOfKeys(keys: Record<string, string>): string | undefined {
  if (keys.sequence_number) return "kinesis";
  return keys.event_id ? "eventbridge" : undefined;
}

export interface ResourceVerdict {
  tone: "ok" | "bad" | "warn" | "dim";
  headline: string;
  details: string[];
}

const FAILING_SHARE = 0.01;

export function resourceVerdict(answer: ResourceAnswer): ResourceVerdict {
  return answer.messages ? ofMessages(answer.messages, answer.carries) : ofCalls(answer);
}

function ofCalls({ calls }: ResourceAnswer): ResourceVerdict {
  if (!calls.count) return { tone: "dim", headline: "Nothing called it in this time range", details: [] };
  const share = calls.error_count / calls.count;
  const details = [`${plural(calls.count, "call")}, half within ${duration(calls.p50_ms)}, 95 of 100 within ${duration(calls.p95_ms)}.`];
  if (share >= FAILING_SHARE) return { tone: "bad", headline: `${percent(share)} of the calls to it fail`, details };
  return { tone: "ok", headline: calls.error_count ? "Nearly all calls to it succeed" : "All calls to it succeed", details };
}

function ofMessages(messages: NonNullable<ResourceAnswer["messages"]>, carries: string): ResourceVerdict {
  if (!messages.count) return { tone: "dim", headline: "No message in this time range", details: [messages.backlog_unknown] };
  const failing = messages.consumers.filter((one) => one.failed_count / one.attempt_count >= FAILING_SHARE);
  const waits = messages.wait_p50_ms === null ? "How long they waited is not told." : `Half waited up to ${duration(messages.wait_p50_ms)}, 95 of 100 up to ${duration(messages.wait_p95_ms)}, the longest ${duration(messages.wait_max_ms)}.`;
  const again = messages.redelivered_count ? ` ${plural(messages.redelivered_count, "message was", "messages were")} delivered more than once, up to ${duration(messages.age_max_ms)} after sending.` : "";
  const details = [`${plural(messages.count, "message")}. ${waits}${again}`];
  if (messages.backlog === null) details.push(messages.backlog_unknown);
  if (failing.length) {
    const worst = failing.toSorted((a, b) => b.failed_count - a.failed_count)[0];
    const why = worst.failure_type ? `, ${worst.failure_type}` : "";
    return { tone: "bad", headline: `The ${carries} delivers, but ${worst.service} fails ${count(worst.failed_count)} of ${plural(worst.attempt_count, "attempt")}${why}`, details };
  }
  if (messages.untaken_count) return { tone: "warn", headline: `${plural(messages.untaken_count, "message was", "messages were")} sent and not seen taken`, details };
  if (messages.redelivered_count) return { tone: "warn", headline: "Every message was taken, some more than once", details };
  return { tone: "ok", headline: messages.taken_count ? "Every message was taken once" : "Messages are sent; who takes them is not told", details };
}
