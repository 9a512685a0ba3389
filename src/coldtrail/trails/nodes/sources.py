"""On which queue, stream, topic, bus or schedule a message was: as those tell who sent it, took it or logged it.

An event does not say on which bus it came, only who sent it: its bus is told by the sender. Where the sender does not tell
either, the event's `source` stands for the bus.
"""

from __future__ import annotations

from collections.abc import Iterable

from coldtrail.model.trails import KeyKind
from coldtrail.services.envelopes import Delivery
from coldtrail.services.naming import Resource, resource_of
from coldtrail.trails.nodes.of_signals import Nodes

CARRIERS = {
    "sqs": "queue",
    "sns": "topic",
    "eventbridge": "bus",
    "kinesis": "stream",
    "firehose": "stream",
    "dynamodb": "table",
    "s3": "bucket",
    "schedule": "schedule",
}
"""What each kind of source is called."""

_BY_KEY: dict[KeyKind, str] = {"message_id": "sqs", "sequence_number": "kinesis", "event_id": "eventbridge"}
_LOGGED: dict[str, tuple[str, ...]] = {
    "sqs": ("queue_name", "queue"),
    "sns": ("topic_name", "topic"),
    "kinesis": ("stream_name", "stream"),
    "eventbridge": ("bus_name", "event_bus_name", "bus"),
}
_SCHEDULE = ":scheduler:"


def source_of(nodes: Nodes, message: str, taker: str = "") -> Resource:
    """Return where a message was; with ``taker``, where that one took it from. An unknown name is ""."""
    own = nodes.handed.get((message, taker))
    handed = [own] if own else _handed(nodes, message)
    kind = _kind(nodes, message, handed)
    if kind == "schedule":
        return Resource(kind, handed[0].place)
    if kind == "eventbridge":
        given = _named(nodes, kind, nodes.givers[message]) or _named(nodes, kind, nodes.takers[message])
        return Resource(kind, given or next((one.place for one in handed if one.place), ""))
    places = (one.place for one in handed if one.place)
    ends = [taker] if taker else []
    ends += [*nodes.givers[message], *nodes.takers[message]]
    return Resource(kind, next(places, "") or _named(nodes, kind, ends))


def _handed(nodes: Nodes, message: str) -> list[Delivery]:
    """The units in which a message was handed over, those of dead-letter queues last."""
    found = [one for taker in nodes.takers[message] if (one := nodes.handed.get((message, taker)))]
    return sorted(found, key=lambda one: (bool(one.dead_letter_source), one.destination))


def _kind(nodes: Nodes, message: str, handed: list[Delivery]) -> str:
    if handed:
        return "schedule" if _SCHEDULE in handed[0].destination else handed[0].service
    facts = nodes.facts[message]
    if facts.service in CARRIERS:
        return facts.service
    key = next(iter(nodes.keys[message]))
    told = (one.kind for one in _resources(nodes, (*nodes.givers[message], *nodes.takers[message])))
    return next((kind for kind in told if _fits(kind, key.kind)), _BY_KEY.get(key.kind, "sqs"))


def _fits(kind: str, key: KeyKind) -> bool:
    """Whether a message with such a key can be on such a resource."""
    if key == "message_id":
        return kind in ("sqs", "sns", "firehose")
    return kind in (("kinesis",) if key == "sequence_number" else ("eventbridge", "dynamodb", "s3"))


def _resources(nodes: Nodes, node_ids: Iterable[str]) -> Iterable[Resource]:
    for node_id in node_ids:
        for span in nodes.spans_of.get(node_id, ()):
            if resource := resource_of(span.attributes):
                yield resource


def _named(nodes: Nodes, kind: str, node_ids: list[str]) -> str:
    """The name of a resource of a kind that the first of the nodes tells of."""
    for node_id in node_ids:
        if (kind, node_id) not in nodes.named:
            nodes.named[kind, node_id] = _named_by(nodes, kind, node_id)
        if name := nodes.named[kind, node_id]:
            return name
    return ""


def _named_by(nodes: Nodes, kind: str, node_id: str) -> str:
    """The name of a resource of a kind that a node's spans tell, else its log lines."""
    for resource in _resources(nodes, (node_id,)):
        if resource.kind == kind:
            return resource.name
    for log in nodes.logs_of.get(node_id, ()):
        for name in _LOGGED.get(kind, ()):
            if isinstance(value := log.attributes.get(name), str) and value:
                return value
    return ""


def place_words(nodes: Nodes, message: str) -> str:
    """Return what a sentence calls the place where a message was: `the bus orders`, `a queue`."""
    source = source_of(nodes, message)
    carrier = CARRIERS.get(source.kind, "queue")
    return f"the {carrier} {source.name}" if source.name else f"a {carrier}"
