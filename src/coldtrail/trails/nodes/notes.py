"""What one signal says, noted: its keys, whose messages are, who handed them over, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from coldtrail.model.signals import Attributes, Log, Span
from coldtrail.model.trails import Key, KeyKind
from coldtrail.services import Delivery, failed_items
from coldtrail.trails.nodes.identity import node_id_of

if TYPE_CHECKING:
    from coldtrail.trails.nodes.of_signals import Nodes

CARRIED_KINDS = ("message_id", "sequence_number", "event_id")
"""Keys that name a message: a unit on a queue, topic, bus or stream."""

_RECEIVE_COUNTS = (
    "messaging.message.delivery_count",
    "aws.sqs.message.receive_count",
    "ApproximateReceiveCount",
    "approximate_receive_count",
    "approximateReceiveCount",
    "receive_count",
)
"""Names under which a consumer logs how often a message was received, this time included."""


Said = tuple[str, str]
"""A field and its value that may name a unit of work."""

_OF_THE_EMITTER = (
    *("faas.", "aws.", "cloud.", "function_", "messaging.", "rpc.", "telemetry.", "server.", "net.", "url.", "http."),
    *("level", "timestamp", "time", "location", "service", "xray_", "trace", "span", "request"),
)


_DIGITS = frozenset("0123456789")


def said_of(attributes: Attributes) -> list[Said]:
    """Return the fields that may name a unit of work: texts with a digit, of a name's length, not about the emitter."""
    return [
        (name, value)
        for name, value in attributes.items()
        if isinstance(value, str)
        and 6 <= len(value) <= 200
        and not name.startswith(_OF_THE_EMITTER)
        and not _DIGITS.isdisjoint(value)
    ]


class Facts(Struct):
    """What the signals say of one message, besides who sent and took it.

    ``logged_ns``: when a log line of the sender tells of it (the sender's clock); ``sent_ns``: when the service got it
    (the service's clock). ``within``: the messages in which it came. ``request``: the request of whose outcome it tells. ``contexts`` and
    ``links``: the (trace id, span id) that it names as its sender.
    """

    service: str = ""
    destination: str = ""
    logged_ns: int | None = None
    sent_ns: int | None = None
    within: set[str] = field(default_factory=set)
    request: str = ""
    contexts: set[tuple[str, str]] = field(default_factory=set)
    links: set[tuple[str, str]] = field(default_factory=set)


def note(nodes: Nodes, node_id: str, signal: Span | Log) -> None:
    """Remember what one signal says: its keys, whose a message is that it sent, how often one came that it took."""
    log = signal if isinstance(signal, Log) else None
    carries = nodes.carried.by(signal)
    keys, contexts = carries.keys, carries.contexts
    if contexts:
        nodes.contexts.setdefault(node_id, set()).update((one.trace_id, one.span_id) for one in contexts)
    if reported := failed_items(signal):
        nodes.reported.setdefault(node_id, set()).update(reported)
    if not keys:
        return
    nodes.keys[node_id].update(keys)
    messages = [key for key in keys if key.kind in CARRIED_KINDS and key.role != "mentions"]
    if not messages:
        return
    taken = {(key.kind, key.value) for key in messages if key.role == "takes"}
    if log and len(taken) == 1:
        nodes.lines.setdefault(node_id, []).append((log.time_ns, next(iter(taken))))
    for key in messages:
        _note_message(nodes, node_id, key, keys, signal)
    if taken:
        for delivery in carries.deliveries:
            _note_delivery(nodes, node_id, delivery)
        _note_unit(nodes, signal, taken)


def _note_message(nodes: Nodes, node_id: str, key: Key, keys: tuple[Key, ...], signal: Span | Log) -> None:
    message = node_id_of(key.kind, key.value)
    facts = nodes.facts.setdefault(message, Facts())
    if key.role == "takes":
        if count := _receive_count(signal.attributes):
            nodes.received[message, node_id] = max(count, nodes.received.get((message, node_id), 0))
        return
    others = {(one.kind, one.value) for one in keys if one.kind == "correlation_id" or one.role == "takes"}
    if others:
        nodes.context.setdefault(message, set()).update(others)
    if isinstance(signal, Log):
        facts.logged_ns = signal.time_ns if facts.logged_ns is None else min(signal.time_ns, facts.logged_ns)


def _note_unit(nodes: Nodes, signal: Span | Log, taken: set[tuple[KeyKind, str]]) -> None:
    """What a signal says that is about one unit: in which other message it came, and by whom it was sent."""
    names = {value for _, value in taken}
    values = signal.attributes.values()
    if any(len(value) > 1 and not names.isdisjoint(map(str, value)) for value in values if isinstance(value, list)):
        return
    messages = [node_id_of(kind, value) for kind, value in taken]
    for message in messages:
        nodes.told_by.setdefault(message, []).append((signal.attributes, names))
    if len(messages) > 1:
        nodes.together.add(frozenset(messages))
        for name, told in signal.attributes.items():
            if "sns" in name.lower() and told in names:
                nodes.facts[node_id_of("message_id", str(told))].service = "sns"
    if isinstance(signal, Span) and len(signal.links) == 1:
        for message in messages:
            nodes.facts[message].links.add((signal.links[0].trace_id, signal.links[0].span_id))


def _note_delivery(nodes: Nodes, node_id: str, delivery: Delivery) -> None:
    """What the event says that handed the message over."""
    carried = delivery.carried or delivery.within
    if carried is None:
        return
    message = node_id_of(carried.kind, carried.value)
    facts = nodes.facts.setdefault(message, Facts())
    facts.request = next((key.value for key in delivery.keys if key.kind == "request_id"), facts.request)
    if delivery.carried is None:
        return
    facts.service = delivery.service
    named = {(key.kind, key.value) for key in delivery.keys if key.kind == "correlation_id"}
    if named:
        nodes.context.setdefault(message, set()).update(named)
    nodes.handed[message, node_id] = delivery
    if delivery.place and not (delivery.dead_letter_source and facts.destination):
        facts.destination = delivery.place
    facts.sent_ns = delivery.sent_ns or facts.sent_ns
    facts.contexts.update((one.trace_id, one.span_id) for one in delivery.contexts)
    if delivery.within:
        facts.within.add(node_id_of(delivery.within.kind, delivery.within.value))
    nodes.received[message, node_id] = max(delivery.receive_count, nodes.received.get((message, node_id), 0))


def _receive_count(attributes: Attributes) -> int:
    for name in _RECEIVE_COUNTS:
        value = attributes.get(name)
        if isinstance(value, int | float) or (isinstance(value, str) and value.isdecimal() and len(value) < 7):
            return int(value)
    return 0
