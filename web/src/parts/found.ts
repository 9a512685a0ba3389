/** What a find answered, told for people. Pure. */

import type { Match } from "../api";

const KIND_WORDS: Record<string, string> = {
  trace_id: "trace id",
  span_id: "span id",
  request_id: "Lambda request id",
  message_id: "message id",
  event_id: "event id",
  sequence_number: "stream sequence number",
  execution_arn: "execution ARN",
  correlation_id: "correlation id",
  xray_trace_id: "X-Ray trace id",
};

export function kindWords(kind: string): string {
  return KIND_WORDS[kind] ?? kind.replaceAll("_", " ");
}

/** The one place to go to, where there is only one: a single match, or several in a single node or trail. */
export function only(matches: Match[]): { trail: string; node: string | undefined } | null {
  const trails = new Set(matches.map((match) => match.trail_id));
  if (trails.size !== 1) return null;
  const nodes = new Set(matches.map((match) => match.node_id));
  return { trail: matches[0].trail_id, node: nodes.size === 1 || matches.every((m) => m.key_kind !== "trace_id") ? matches[0].node_id : undefined };
}

/** Matches of one trail together, newest trail first. */
export function byTrail(matches: Match[]): Match[][] {
  const groups = new Map<string, Match[]>();
  for (const match of matches) {
    const group = groups.get(match.trail_id);
    if (group) group.push(match);
    else groups.set(match.trail_id, [match]);
  }
  return [...groups.values()].sort((a, b) => b[0].time.localeCompare(a[0].time));
}
