"""The messages of one queue, stream, topic or bus: how many, how long they waited, who took them and with what luck.

A message is known by its key. Whoever names the resource in the same span or log record as the key says on which
one it was; the others that carry the key are found by it, so a consumer need not name its source.
"""

from __future__ import annotations

from msgspec import Struct

from coldtrail.model.trails import KeyKind
from coldtrail.store.engine import Engine
from coldtrail.store.resource_names import Resource

KEY_KINDS: dict[str, KeyKind] = {
    "kinesis": "sequence_number",
    "sqs": "message_id",
    "sns": "message_id",
    "eventbridge": "event_id",
}
"""What identifies a message on each kind of resource; one log line may tell of two resources and a message of each."""


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
    from coldtrail.store.sources.attempts import Asked
    from coldtrail.store.sources.summed import sum_up

    return sum_up(Asked(engine, resource.kind, [resource.name], since_ns, until_ns), since_ns, until_ns, step_ns)
