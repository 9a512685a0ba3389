"""Figures of a queue, stream, topic or bus from its messages: what waits, how old it is, what is being worked on.

A message is known by its key. Messages sent before the range still wait in it, so an hour before it is read as well.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import deque

from msgspec import Struct, structs

from coldtrail.store.engine import Engine
from coldtrail.store.figures import Figures, Steps
from coldtrail.store.resource_names import Resource

KEY_KINDS = {"kinesis": "sequence_number", "sqs": "message_id", "sns": "message_id", "eventbridge": "event_id"}
MOST_MESSAGES = 200_000
"""So many messages of a range are looked at, the newest first."""

LOOK_BACK_NS = 3600 * 10**9
FOREVER_NS = 2**62

_NAMED = """
SELECT carrier FROM named
WHERE kind = {resource_kind:String} AND name = {name:String}
  AND time >= fromUnixTimestamp64Nano({early:Int64}) AND time < fromUnixTimestamp64Nano({until:Int64})
"""

_MESSAGES = f"""
SELECT minOrNullIf(first, giving) AS sent, groupArrayIf((service, requested, first, greatest(last, ended), failed), NOT giving)
FROM (
  SELECT key_hash, role = 'gives' AS giving, if(role = 'gives', '', service) AS service, request_id != '' AS requested,
    if(role = 'gives', '', if(request_id != '', request_id, lower(hex(span_id)))) AS attempt,
    toUnixTimestamp64Nano(min(k.time)) AS first, toUnixTimestamp64Nano(max(k.time)) AS last
  FROM message_keys AS k
  WHERE k.time >= fromUnixTimestamp64Nano({{early:Int64}}) - INTERVAL 1 DAY
    AND k.time < fromUnixTimestamp64Nano({{until:Int64}}) + INTERVAL 1 DAY AND key_hash IN (
    SELECT DISTINCT key_hash FROM message_keys
    WHERE time >= fromUnixTimestamp64Nano({{early:Int64}}) AND time < fromUnixTimestamp64Nano({{until:Int64}})
      AND kind = {{key_kind:String}} AND (span_key IN ({_NAMED}) OR line_key IN ({_NAMED})) LIMIT {MOST_MESSAGES})
  GROUP BY key_hash, giving, service, requested, attempt) AS told
LEFT JOIN (
  SELECT request_id AS attempt, max(i.status IN ('error', 'timeout', 'out_of_memory')) AS failed,
    max(toUnixTimestamp64Nano(i.time) + toInt64(ifNull(i.duration_ms, 0) * 1e6)) AS ended
  FROM invocations AS i
  WHERE i.time >= fromUnixTimestamp64Nano({{early:Int64}}) - INTERVAL 15 MINUTE
    AND i.time < fromUnixTimestamp64Nano({{until:Int64}}) + INTERVAL 1 DAY
  GROUP BY request_id) AS worked USING attempt
GROUP BY key_hash ORDER BY sent DESC
"""
"""One row a message; an attempt lasts as long as its invocation, or as its signals."""


class Attempt(Struct, frozen=True):
    """One attempt at one message; Unix nanoseconds."""

    start_ns: int
    end_ns: int
    failed: bool


class Message(Struct, frozen=True):
    """One message; ``sent_ns`` None where nobody was seen to send it. Attempts in order of time."""

    sent_ns: int | None
    attempts: tuple[Attempt, ...]

    @property
    def taken_ns(self) -> int | None:
        """When it was first taken."""
        return self.attempts[0].start_ns if self.attempts else None


def figures_of_messages(engine: Engine, resource: Resource, steps: Steps) -> Figures:
    """Return the figures of the messages on a resource; reads who named it, and the keys of messages a day around."""
    early_ns = steps.since_ns - max(LOOK_BACK_NS, steps.until_ns - steps.since_ns)
    parameters = steps.parameters(
        resource_kind=resource.kind, name=resource.name, early=early_ns, key_kind=KEY_KINDS[resource.kind]
    )
    messages = [Message(sent, _attempts(taken)) for sent, taken in engine.rows(_MESSAGES, parameters)]
    # The last step may end after now, until when nothing can have waited.
    return tell(messages, structs.replace(steps, until_ns=min(steps.until_ns, time.time_ns())))


def _attempts(taken: list[tuple[str, int, int, int, int]]) -> tuple[Attempt, ...]:
    """A consumer's spans that name no request are those of the requests that its lines name."""
    requesting = {service for service, requested, *_ in taken if requested}
    kept = [one for one in taken if one[1] or one[0] not in requesting]
    return tuple(
        Attempt(first, max(first + 1, end), bool(failed)) for _, _, first, end, failed in sorted(kept, key=_first)
    )


def _first(attempt: tuple[str, int, int, int, int]) -> int:
    return attempt[2]


def tell(messages: list[Message], steps: Steps) -> Figures:
    """Return the figures of messages. Pure. What waits is told only where anybody is ever seen to take."""
    sent = [one for one in messages if one.sent_ns is not None]
    taken = [one for one in messages if one.attempts]
    figures: Figures = {}
    if sent:
        figures["messages.sent"] = _counts([one.sent_ns for one in sent if one.sent_ns is not None], steps)
    if taken:
        attempts = [attempt for one in taken for attempt in one.attempts]
        figures["messages.received"] = _counts([one.start_ns for one in attempts], steps)
        done = [one.attempts[-1].end_ns for one in taken if not one.attempts[-1].failed]
        figures["messages.done"] = _counts(done, steps)
        figures["messages.in_flight"] = _most_at_once([(one.start_ns, one.end_ns) for one in attempts], steps)
    if sent and taken:
        figures["messages.waiting"], figures["messages.age_max"] = _waiting(sent, steps)
        figures["messages.wait_max"] = _longest_waits(sent, steps)
    return figures


def _counts(times_ns: list[int], steps: Steps) -> dict[int, float]:
    counts: dict[int, float] = dict.fromkeys(range(steps.count), 0.0)
    for at in times_ns:
        if (step := steps.of(at)) in counts:
            counts[step] += 1
    return counts


def _longest_waits(sent: list[Message], steps: Steps) -> dict[int, float]:
    """The longest wait, in milliseconds, of what was first taken in each step."""
    waits: dict[int, float] = {}
    for one in sent:
        if one.taken_ns is not None and one.sent_ns is not None and 0 <= (step := steps.of(one.taken_ns)) < steps.count:
            waits[step] = max(waits.get(step, 0.0), (one.taken_ns - one.sent_ns) / 1e6)
    return waits


def _most_at_once(stretches_ns: list[tuple[int, int]], steps: Steps) -> dict[int, float]:
    """How many stretches overlap at most in each step; at one instant, ends come before beginnings."""
    changes = deque(sorted([(start, 1) for start, _ in stretches_ns] + [(end, -1) for _, end in stretches_ns]))
    most: dict[int, float] = {}
    level = 0
    for step in range(steps.count):
        start_ns = steps.since_ns + step * steps.step_ns
        while changes and changes[0] <= (start_ns, -1):
            level += changes.popleft()[1]
        most[step] = float(level)
        while changes and changes[0][0] < start_ns + steps.step_ns:
            level += changes.popleft()[1]
            most[step] = max(most[step], float(level))
    return most


def _waiting(sent: list[Message], steps: Steps) -> tuple[dict[int, float], dict[int, float]]:
    """How many messages wait at the end of each step, and how old, in milliseconds, one got while it waited in it."""
    by_sending = sorted((one.sent_ns or 0, FOREVER_NS if one.taken_ns is None else one.taken_ns) for one in sent)
    takings = sorted(taken_ns for _, taken_ns in by_sending)
    waits = _longest_waits(sent, steps)
    waiting: dict[int, float] = {}
    ages: dict[int, float] = {}
    held: deque[tuple[int, int]] = deque()
    at = 0
    for step in range(steps.count):
        end_ns = min(steps.since_ns + (step + 1) * steps.step_ns, steps.until_ns)
        while at < len(by_sending) and by_sending[at][0] < end_ns:
            held.append(by_sending[at])
            at += 1
        # Whoever was sent first is the oldest, once those before it are taken.
        while held and held[0][1] < end_ns:
            held.popleft()
        waiting[step] = float(max(0, at - bisect_left(takings, end_ns)))
        ages[step] = max(waits.get(step, 0.0), (end_ns - held[0][0]) / 1e6 if held else 0.0)
    return waiting, ages
