"""Messages: each is a node of its own, made from who sent it and who took it."""

from __future__ import annotations

from msgspec import Struct

from coldtrail.model.trails import Key, Node, WaitKind
from coldtrail.trails.nodes.identity import node_id_of
from coldtrail.trails.nodes.notes import CARRIED_KINDS, Facts
from coldtrail.trails.nodes.of_signals import Nodes
from coldtrail.trails.nodes.sources import source_of

_DESTINATIONS = (
    "messaging.destination.name",
    "aws.kinesis.stream_name",
    "aws.sqs.queue.url",
    "aws.queue_url",
    "rpc.service",
)

_LOGGED_DESTINATIONS = {
    "message_id": ("queue_name", "queue", "topic_name", "topic"),
    "sequence_number": ("stream_name", "stream"),
    "event_id": ("bus_name", "event_bus_name", "bus"),
}

_WAITS: dict[str, WaitKind] = {"message_id": "queue", "sequence_number": "stream", "event_id": "bus"}
_WAITS_BY_SERVICE: dict[str, WaitKind] = {
    "sqs": "queue",
    "aws_sqs": "queue",
    "AmazonSQS": "queue",
    "sns": "bus",
    "aws_sns": "bus",
    "aws.sns": "bus",
    "aws.sqs": "queue",
    "aws_dynamodb": "stream",
    "eventbridge": "bus",
    "aws_eventbridge": "bus",
    "aws.eventbridge": "bus",
    "s3": "bus",
    "kinesis": "stream",
    "aws_kinesis": "stream",
    "aws.kinesis": "stream",
    "dynamodb": "stream",
    "kafka": "stream",
}
"""By the service that handed it over, or `messaging.system`."""


SECOND_NS = 10**9


class _Ends(Struct):
    """Who sent and who took one message."""

    key: Key
    givers: list[str]
    takers: list[str]


def add_messages(nodes: Nodes) -> None:
    """Add the messages that the keys of the nodes tell of; their times are set by `place_messages`."""
    found: dict[str, _Ends] = {}
    for node_id, keys in nodes.keys.items():
        for key in keys:
            if key.role == "mentions" or key.kind not in CARRIED_KINDS:
                continue
            message = node_id_of(key.kind, key.value)
            ends = found.get(message)
            if ends is None:
                ends = found[message] = _Ends(Key(key.kind, key.value, "mentions"), [], [])
            (ends.givers if key.role == "gives" else ends.takers).append(node_id)
    for message in sorted(found):
        _add(nodes, message, found[message])
    for unit in sorted(nodes.together, key=sorted):
        _nest(nodes, [message for message in sorted(unit) if message in nodes.givers])


def _nest(nodes: Nodes, unit: list[str]) -> None:
    """Of messages that are one unit, the one that nobody says they sent holds the others: a service passed them on.

    Where none has a sender, a queue's message holds a topic's or a bus's.
    """
    passed_on = [message for message in unit if not nodes.givers[message]]
    if len(passed_on) == len(unit):
        passed_on = [message for message in unit if not _is_published(nodes, message)]
    if len(passed_on) == 1:
        for message in unit:
            if message != passed_on[0]:
                nodes.facts[message].within.add(passed_on[0])


def _is_published(nodes: Nodes, message: str) -> bool:
    """Whether a message is a topic's or a bus's, as its key or service says."""
    return nodes.facts[message].service == "sns" or next(iter(nodes.keys[message])).kind == "event_id"


def _add(nodes: Nodes, message: str, ends: _Ends) -> None:
    key = ends.key
    nodes.givers[message], nodes.takers[message] = ends.givers, ends.takers
    nodes.keys[message] = {key}
    service = source_of(nodes, message).name or _destination(nodes, key.kind, [*ends.givers, *ends.takers])
    service = service or key.kind.removesuffix("_id").removesuffix("_number")
    nodes.by_id[message] = Node(
        node_id=message,
        kind="message",
        service=service,
        name=f"{service} {key.value[-12:]}",
        start_ns=0,
        end_ns=0,
        keys={key.kind: key.value},
        signals=len(ends.givers) + len(ends.takers),
    )


def place_message(nodes: Nodes, message: str, offsets_ns: dict[str, int]) -> None:
    """Set when a message was sent and first taken; ``offsets_ns``: what was taken out of each machine's clock."""
    node = nodes.by_id[message]
    taken = [nodes.by_id[node_id].start_ns for node_id in nodes.takers[message]]
    sent_ns = _sent_ns(nodes, message, offsets_ns)
    first = min(taken, default=None)
    if sent_ns is None:
        node.start_ns = first or 0
    elif first is None:
        node.start_ns = sent_ns[1]
    else:  # a consumer may have it before the sender has its answer
        node.start_ns = max(sent_ns[0], min(sent_ns[1], first))
    node.end_ns = node.start_ns if first is None else max(node.start_ns, first)


def _sent_ns(nodes: Nodes, message: str, offsets_ns: dict[str, int]) -> tuple[int, int] | None:
    """When sending it began and when it had been answered; None where nobody says."""
    sender = min(
        (nodes.by_id[node_id] for node_id in nodes.givers[message]),
        key=lambda node: (node.start_ns, node.node_id),
        default=None,
    )
    if sender is None:
        facts = nodes.facts[message]
        return None if facts.sent_ns is None else (facts.sent_ns, facts.sent_ns + _within(facts))
    if sender.kind != "invocation":
        return sender.start_ns, sender.end_ns or sender.start_ns
    said_ns = nodes.facts[message].logged_ns
    if said_ns is None:
        return sender.start_ns, sender.start_ns
    said_ns -= offsets_ns.get(nodes.machine.get(sender.node_id, ""), 0)
    return sender.start_ns, max(sender.start_ns, said_ns)


def _within(facts: Facts) -> int:
    """How much later it may have been: EventBridge's `time` is in whole seconds, and no wait is to be made of that."""
    whole = facts.sent_ns is not None and facts.sent_ns % SECOND_NS == 0
    return SECOND_NS - 1 if whole and facts.service == "eventbridge" else 0


def wait_kind(nodes: Nodes, message: str) -> WaitKind:
    """What a message waits in: a queue, a stream or a bus, as its sender or taker says, else by its key."""
    if (service := nodes.facts[message].service) in _WAITS_BY_SERVICE:
        return _WAITS_BY_SERVICE[service]
    others = () if nodes.facts[message].within else nodes.takers[message]
    for node_id in (*nodes.givers[message], *others):
        for span in nodes.spans_of.get(node_id, []):
            system = span.attributes.get("messaging.system")
            if isinstance(system, str) and system in _WAITS_BY_SERVICE:
                return _WAITS_BY_SERVICE[system]
    return _WAITS[next(iter(nodes.keys[message])).kind]


def _destination(nodes: Nodes, kind: str, node_ids: list[str]) -> str:
    """The queue, topic, bus or stream that a message was on, as its giver or taker names it."""
    for node_id in node_ids:
        for span in nodes.spans_of.get(node_id, []):
            for name in _DESTINATIONS:
                if value := span.attributes.get(name):
                    return str(value).rsplit("/", 1)[-1].rsplit(":", 1)[-1]
        for log in nodes.logs_of.get(node_id, []):
            for name in _LOGGED_DESTINATIONS[kind]:
                if value := log.attributes.get(name):
                    return str(value)
    return ""
