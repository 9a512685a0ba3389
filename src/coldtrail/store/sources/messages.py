"""The messages of one queue, stream, topic or bus: how many, how long they waited, who took them and with what luck.

A message is known by its key. Whoever names the resource in the same span or log record as the key says on which
one it was; the others that carry the key are found by it, so a consumer need not name its source.
"""

from __future__ import annotations

from msgspec import Struct

from coldtrail.model.trails import KeyKind
from coldtrail.store.engine import Engine
from coldtrail.store.resource_names import Resource

MOST_ROWS = 200_000
"""So many deliveries of a range are looked at, the newest first."""

KEY_KINDS: dict[str, KeyKind] = {
    "kinesis": "sequence_number",
    "sqs": "message_id",
    "sns": "message_id",
    "eventbridge": "event_id",
}
"""What identifies a message on each kind of resource; one log line may tell of two resources and a message of each."""

_NAMED = """
SELECT carrier FROM named
WHERE kind = {kind:String} AND name = {name:String}
  AND time >= fromUnixTimestamp64Nano({since:Int64}) AND time < fromUnixTimestamp64Nano({until:Int64})
"""

_HASHES = f"""
SELECT DISTINCT key_hash FROM message_keys
WHERE time >= fromUnixTimestamp64Nano({{since:Int64}}) AND time < fromUnixTimestamp64Nano({{until:Int64}})
  AND kind = {{key_kind:String}} AND (span_key IN ({_NAMED}) OR line_key IN ({_NAMED}))
LIMIT {MOST_ROWS}
"""

_TAKERS = f"""
SELECT key_hash, sent, told.1 AS service, arrayJoin(if(empty(told.2), told.3, told.2)) AS attempt, told.4 AS first, told.5 AS last
FROM (
  SELECT key_hash, sent, arrayJoin(if(empty(takers), [('', [], [''], sent, sent)], takers)) AS told FROM (
    SELECT key_hash, minIf(at, role = 'gives' AND isNotNull(at)) AS sent,
      groupArrayIf((service, requests, spans, at, last), role = 'takes') AS takers
    FROM (
      SELECT key_hash, role, service, groupUniqArrayIf(request_id, request_id != '') AS requests,
        groupUniqArrayIf(lower(hex(span_id)), request_id = '') AS spans,
        toNullable(toUnixTimestamp64Nano(min(time))) AS at, toUnixTimestamp64Nano(max(time)) AS last
      FROM message_keys
      WHERE time >= fromUnixTimestamp64Nano({{since:Int64}}) - INTERVAL 1 DAY
        AND time < fromUnixTimestamp64Nano({{until:Int64}}) + INTERVAL 1 DAY AND key_hash IN ({_HASHES})
      GROUP BY key_hash, role, service)
    GROUP BY key_hash))
"""
"""One row a message and attempt, one with an empty service where nobody took it. A consumer's span and its log lines
are one attempt where they name the same request."""

_INVOCATIONS = """
SELECT request_id AS attempt, max(i.status IN ('error', 'timeout', 'out_of_memory')) AS failed,
  argMaxIf(i.failure_type, length(i.failure_message), i.failure_type != '') AS failure_type,
  argMaxIf(i.failure_message, length(i.failure_message), i.failure_type != '') AS failure_message
FROM invocations AS i
WHERE i.time >= fromUnixTimestamp64Nano({since:Int64}) - INTERVAL 15 MINUTE
  AND i.time < fromUnixTimestamp64Nano({until:Int64}) + INTERVAL 1 DAY
  AND (i.status IN ('error', 'timeout', 'out_of_memory') OR i.failure_type != '')
GROUP BY request_id
"""

_DELIVERIES = f"""
SELECT key_hash, sent, service, t.attempt, first, last, failed, failure_type, substring(failure_message, 1, 500)
FROM ({_TAKERS}) AS t LEFT JOIN ({_INVOCATIONS}) AS i ON t.attempt = i.attempt
ORDER BY coalesce(sent, first) DESC LIMIT {MOST_ROWS}
"""


class Delivery(Struct, frozen=True):
    """One attempt at one message; times in Unix nanoseconds. ``sent_ns`` None: nobody was seen to send it.

    ``service`` "": nobody was seen to take it.
    """

    message: int
    sent_ns: int | None
    service: str
    attempt: str
    first_ns: int | None
    last_ns: int | None
    failed: bool
    failure_type: str
    failure_message: str


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
    """Return what is known of the messages of a range; reads who named it, and the keys of messages a day around."""
    rows = engine.rows(
        _DELIVERIES,
        {
            "since": since_ns,
            "until": until_ns,
            "kind": resource.kind,
            "name": resource.name,
            "key_kind": KEY_KINDS[resource.kind],
        },
    )
    deliveries = []
    for message, sent_ns, service, attempt, first_ns, last_ns, failed, failure_type, failure_message in rows:
        deliveries.append(
            Delivery(
                message,
                sent_ns,
                service,
                attempt,
                first_ns,
                last_ns,
                bool(failed),
                failure_type or "",
                failure_message or "",
            )
        )
    return tell(deliveries, since_ns, until_ns, step_ns)


class _Message:
    """What the deliveries of one message say together."""

    def __init__(self, sent_ns: int | None) -> None:
        self.sent_ns = sent_ns
        self.first_ns: int | None = None
        self.last_ns: int | None = None
        self.attempts: dict[str, set[str]] = {}

    def take(self, one: Delivery) -> None:
        if one.service and one.first_ns is not None and one.last_ns is not None:
            self.first_ns = one.first_ns if self.first_ns is None else min(self.first_ns, one.first_ns)
            self.last_ns = one.last_ns if self.last_ns is None else max(self.last_ns, one.last_ns)
            self.attempts.setdefault(one.service, set()).add(one.attempt)

    @property
    def time_ns(self) -> int:
        return self.sent_ns if self.sent_ns is not None else self.first_ns or 0

    def since_sent_ms(self, at_ns: int | None) -> float | None:
        return None if self.sent_ns is None or at_ns is None else max(0.0, (at_ns - self.sent_ns) / 1e6)

    @property
    def again(self) -> int:
        """Deliveries beyond the first of each consumer."""
        return sum(len(attempts) - 1 for attempts in self.attempts.values())


def tell(deliveries: list[Delivery], since_ns: int, until_ns: int, step_ns: int) -> Messages:
    """Sum deliveries up. Pure."""
    found: dict[int, _Message] = {}
    for one in deliveries:
        found.setdefault(one.message, _Message(one.sent_ns)).take(one)
    all_ = list(found.values())
    waits = sorted(wait for one in all_ if (wait := one.since_sent_ms(one.first_ns)) is not None)
    taken = sum(one.first_ns is not None for one in all_)
    return Messages(
        count=len(all_),
        sent=sum(one.sent_ns is not None for one in all_),
        taken=taken,
        untaken=len(all_) - taken if taken else None,
        redelivered=sum(one.again > 0 for one in all_),
        redeliveries=sum(one.again for one in all_),
        wait_p50_ms=_quantile(waits, 0.5),
        wait_p95_ms=_quantile(waits, 0.95),
        wait_max_ms=waits[-1] if waits else None,
        age_max_ms=max((age for one in all_ if (age := one.since_sent_ms(one.last_ns)) is not None), default=None),
        points=_points(all_, since_ns, until_ns, step_ns),
        consumers=_consumers(deliveries),
    )


def _quantile(ordered: list[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


def _points(all_: list[_Message], since_ns: int, until_ns: int, step_ns: int) -> list[MessagePoint]:
    steps: dict[int, list[_Message]] = {}
    for one in all_:
        if since_ns <= one.time_ns < until_ns:
            steps.setdefault((one.time_ns - since_ns) // step_ns, []).append(one)
    points = []
    for step, mine in sorted(steps.items()):
        waits = sorted(wait for one in mine if (wait := one.since_sent_ms(one.first_ns)) is not None)
        untaken = sum(one.first_ns is None for one in mine)
        longest = waits[-1] if waits else None
        points.append(
            MessagePoint(
                since_ns + step * step_ns, len(mine), untaken, _quantile(waits, 0.5), _quantile(waits, 0.95), longest
            )
        )
    return points


def _consumers(deliveries: list[Delivery]) -> list[Consumer]:
    by_service: dict[str, list[Delivery]] = {}
    for one in deliveries:
        if one.service:
            by_service.setdefault(one.service, []).append(one)
    consumers = []
    for service, mine in by_service.items():
        failed = {one.attempt: one for one in mine if one.failed}
        example = next(iter(failed.values()), None)
        consumers.append(
            Consumer(
                service=service,
                message_count=len({one.message for one in mine}),
                deliveries=len(mine),
                attempts=len({one.attempt for one in mine}),
                failed_attempts=len(failed),
                failure_type=example.failure_type if example else "",
                failure_message=example.failure_message if example else "",
                last_seen_ns=max(one.last_ns or 0 for one in mine),
            )
        )
    return sorted(consumers, key=lambda one: (-one.deliveries, one.service))[:50]
