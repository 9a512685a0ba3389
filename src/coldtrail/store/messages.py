"""The messages of one queue, stream, topic or bus: how many, how long they waited, who took them and with what luck.

A message is known by its key. Whoever names the resource in the same span or log record as the key says on which
one it was; the others that carry the key are found by it, so a consumer need not name its source.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from coldtrail.model.trails import KeyKind
from coldtrail.store.engine import Engine
from coldtrail.store.resource_names import Resource
from coldtrail.store.resources import NAMED_LOGS, NAMED_SPANS, number

MOST_MESSAGES = 500_000

KEY_KINDS: dict[str, KeyKind] = {
    "kinesis": "sequence_number",
    "sqs": "message_id",
    "sns": "message_id",
    "eventbridge": "event_id",
}
"""What identifies a message on each kind of resource; one log line may tell of two resources and a message of each."""

_HASHES = f"""
SELECT DISTINCT key_hash FROM keys
WHERE time >= fromUnixTimestamp64Nano({{since:Int64}}) AND time < fromUnixTimestamp64Nano({{until:Int64}})
  AND kind = {{key_kind:String}} AND role != 'mentions'
  AND ((span_id != toFixedString('', 8) AND (trace_id, span_id) IN (
      SELECT trace_id, span_id FROM ({NAMED_SPANS}) WHERE resource = ({{kind:String}}, {{name:String}})))
    OR (time, service, request_id) IN (
      SELECT time, service, request_id FROM ({NAMED_LOGS}) WHERE has(resources, ({{kind:String}}, {{name:String}}))))
LIMIT {MOST_MESSAGES}
"""

_ATTEMPT = "if(request_id != '', request_id, lower(hex(span_id)))"
_CARRIERS = f"""
SELECT key_hash, service, role, {_ATTEMPT} AS attempt, request_id, min(time) AS at FROM keys
WHERE key_hash IN ({_HASHES}) AND role != 'mentions' GROUP BY key_hash, service, role, attempt, request_id
"""

_TAKERS = f"""
SELECT key_hash, service, arrayJoin(if(empty(requests), spans, requests)) AS attempt, first, last FROM (
  SELECT key_hash, service, groupUniqArrayIf(request_id, request_id != '') AS requests,
    groupUniqArrayIf(attempt, request_id = '') AS spans, min(c.at) AS first, max(c.at) AS last
  FROM ({_CARRIERS}) AS c WHERE role = 'takes' GROUP BY key_hash, service)
"""
"""A consumer's span and its log lines are one attempt where they name the same request."""

_MESSAGES = f"""
SELECT key_hash, minIf(c.at, role = 'gives') AS sent, minIf(c.at, role = 'takes') AS taken,
  maxIf(c.at, role = 'takes') AS last_taken, countIf(role = 'gives') > 0 AS is_sent, countIf(role = 'takes') > 0 AS is_taken,
  if(is_sent, sent, taken) AS time,
  if(is_sent AND is_taken, greatest(0, toUnixTimestamp64Nano(taken) - toUnixTimestamp64Nano(sent)) / 1e6, NULL) AS wait_ms,
  if(is_sent AND is_taken, greatest(0, toUnixTimestamp64Nano(last_taken) - toUnixTimestamp64Nano(sent)) / 1e6, NULL) AS age_ms
FROM ({_CARRIERS}) AS c GROUP BY key_hash
"""

_INVOCATIONS = """
SELECT request_id AS attempt, max(i.status IN ('error', 'timeout', 'out_of_memory')) AS failed,
  argMaxIf(i.failure_type, length(i.failure_message), i.failure_type != '') AS failure_type,
  argMaxIf(i.failure_message, length(i.failure_message), i.failure_type != '') AS failure_message
FROM invocations AS i
WHERE i.time >= fromUnixTimestamp64Nano({since:Int64}) - INTERVAL 15 MINUTE
  AND i.time < fromUnixTimestamp64Nano({until:Int64}) + INTERVAL 1 DAY
GROUP BY request_id
"""


class MessagePoint(Struct):
    """One step: messages by the time they were sent (or first taken, where nobody was seen to send them)."""

    start_ns: int
    count: int
    untaken: int
    wait_p50_ms: float | None
    wait_p95_ms: float | None
    wait_max_ms: float | None


class Consumer(Struct):
    """A service that took messages. ``deliveries`` counts each attempt at each message."""

    service: str
    message_count: int
    deliveries: int
    attempts: int
    failed_attempts: int
    failure_type: str
    failure_message: str
    last_seen_ns: int


class Messages(Struct):
    """A range's messages. ``untaken``: sent, and nobody was seen to take them; None where nothing is ever taken."""

    count: int
    sent: int
    taken: int
    untaken: int | None
    redelivered: int
    redeliveries: int
    wait_p50_ms: float | None
    wait_p95_ms: float | None
    wait_max_ms: float | None
    age_max_ms: float | None
    points: list[MessagePoint]
    consumers: list[Consumer]


def messages(engine: Engine, resource: Resource, since_ns: int, until_ns: int, step_ns: int) -> Messages:
    """Return what is known of the messages of a range; reads the keys of the range once and then by their order."""
    parameters: dict[str, Any] = {
        "since": since_ns,
        "until": until_ns,
        "step": step_ns,
        "kind": resource.kind,
        "name": resource.name,
        "key_kind": KEY_KINDS[resource.kind],
    }
    points: list[MessagePoint] = []
    whole: tuple[Any, ...] = (0, 0, 0, (None, None), None, None)
    for step, count, sent, taken, waits, longest, oldest, untaken in engine.rows(
        f"""SELECT intDiv(toUnixTimestamp64Nano(time) - {{since:Int64}}, {{step:Int64}}) AS step, count(),
          countIf(is_sent), countIf(is_taken), quantilesTDigestIf(0.5, 0.95)(wait_ms, isNotNull(wait_ms)),
          max(wait_ms), max(age_ms), countIf(is_sent AND NOT is_taken)
        FROM ({_MESSAGES}) GROUP BY GROUPING SETS ((step), ()) ORDER BY step""",
        parameters,
        {"group_by_use_nulls": 1},
    ):
        if step is None:
            whole = (count, sent, taken, waits, longest, oldest)
        elif 0 <= step * step_ns < until_ns - since_ns:
            p50, p95 = (number(value) for value in waits)
            points.append(MessagePoint(since_ns + step * step_ns, count, untaken, p50, p95, number(longest)))
    count, sent, taken, waits, longest, oldest = whole
    redelivered, redeliveries = _redelivered(engine, parameters)
    return Messages(
        count=count,
        sent=sent,
        taken=taken,
        untaken=sum(point.untaken for point in points) if taken else None,
        redelivered=redelivered,
        redeliveries=redeliveries,
        wait_p50_ms=number(waits[0]),
        wait_p95_ms=number(waits[1]),
        wait_max_ms=number(longest),
        age_max_ms=number(oldest),
        points=points,
        consumers=_consumers(engine, parameters),
    )


def _redelivered(engine: Engine, parameters: dict[str, Any]) -> tuple[int, int]:
    """Messages that one consumer took more than once, and how often beyond the first."""
    rows = engine.rows(
        f"""SELECT uniqExact(key_hash), sum(times - 1) FROM (
          SELECT key_hash, service, uniqExact(attempt) AS times FROM ({_TAKERS}) GROUP BY key_hash, service HAVING times > 1)""",
        parameters,
    )
    return int(rows[0][0]), int(rows[0][1])


def _consumers(engine: Engine, parameters: dict[str, Any]) -> list[Consumer]:
    rows = engine.rows(
        f"""SELECT service, uniqExact(key_hash), count(), uniqExact(t.attempt), uniqExactIf(t.attempt, failed),
          anyIf(failure_type, failed), anyIf(failure_message, failed), toUnixTimestamp64Nano(max(last))
        FROM ({_TAKERS}) AS t LEFT JOIN ({_INVOCATIONS}) AS i ON t.attempt = i.attempt
        GROUP BY service ORDER BY count() DESC LIMIT 50""",
        parameters,
    )
    return [Consumer(*row) for row in rows]
