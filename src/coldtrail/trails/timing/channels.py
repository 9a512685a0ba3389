"""Channels: which causes can lead to which function, and how long that takes, as far as anybody says.

Told by certain edges (a send of this service to this queue was taken by that function), by the name of a function in a
call to it, and by the name of a resource that a call sends to and a function says it was handed events of.
"""

from __future__ import annotations

import re

from msgspec import Struct, field

from coldtrail.model.signals import Attributes
from coldtrail.model.trails import Edge, EdgeKind, Node, WaitKind
from coldtrail.services.service import CLIENT, CONSUMER, PRODUCER, SERVER
from coldtrail.trails.nodes.messages import wait_kind
from coldtrail.trails.nodes.of_signals import Nodes
from coldtrail.trails.timing.channel_facts import MOST_KNOWN, Carrier, Channel, Served, served_of

Sign = tuple[str, ...]
"""What makes causes alike: kind, service, name and target."""

MOST_SIGNS = 10_000

_FUNCTIONS = ("faas.invoked_name", "aws.lambda.invoked_arn", "aws.xray.aws.function_name", "peer.service")
_RESOURCES: tuple[tuple[str, Carrier], ...] = (
    ("aws.kinesis.stream_name", "stream"),
    ("aws.xray.aws.stream_name", "stream"),
    ("aws.sqs.queue.url", "queue"),
    ("aws.queue_url", "queue"),
    ("aws.xray.aws.queue_url", "queue"),
    ("aws.sns.topic.arn", "bus"),
    ("aws.xray.aws.topic_arn", "bus"),
    ("aws.events.bus", "bus"),
    ("aws.eventbridge.bus_name", "bus"),
)
_SYSTEMS: dict[str, Carrier] = {
    "aws_sqs": "queue",
    "AmazonSQS": "queue",
    "aws_sns": "bus",
    "aws_kinesis": "stream",
    "aws.kinesis": "stream",
    "kafka": "stream",
}
_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")
_TABLES = ("aws.dynamodb.table_names", "aws.dynamodb.table_name", "aws.xray.aws.table_name")
_MACHINE = "aws.step_functions.state_machine.arn"
_API_ORIGIN = "AWS::ApiGateway::Stage"
_TASK_FUNCTION = re.compile(r'"FunctionName": ?"([^"]{1,200})"')

_SOURCES = (
    "messaging.destination.name",
    "aws.kinesis.stream_name",
    "aws.event_source_arn",
    "eventSourceARN",
    "event_source_arn",
    "faas.source",
)
"""Where a function says which queue or stream it was handed events of."""

_SOURCE_NAMES = frozenset(_SOURCES)


class Channels(Struct):
    """By sign of the cause, and by name of the resource. ``batches``: the largest batch that a service was
    seen to take. ``served``: likewise, how often one was delivered. ``called``: functions that an API calls.
    ``machines``: state machines that ran.
    """

    by_sign: dict[Sign, dict[str, Channel]] = field(default_factory=dict)
    consumers: dict[str, set[str]] = field(default_factory=dict)
    services: set[str] = field(default_factory=set)
    batches: dict[str, int] = field(default_factory=dict)
    served: dict[str, Served] = field(default_factory=dict)
    called: set[str] = field(default_factory=set)
    machines: set[str] = field(default_factory=set)

    def add(self, other: Channels) -> None:
        """Take in what was learned elsewhere; of delays the newest are kept."""
        for sign, channels in other.by_sign.items():
            mine = self.by_sign.get(sign)
            if mine is None:
                if len(self.by_sign) >= MOST_SIGNS:
                    continue
                mine = self.by_sign.setdefault(sign, {})
            for service, channel in channels.items():
                known = mine.get(service)
                mine[service] = channel.with_older(known)
        for resource, services in other.consumers.items():
            if resource in self.consumers or len(self.consumers) < MOST_SIGNS:
                self.consumers.setdefault(resource, set()).update(services)
        self.services |= other.services
        self.called |= other.called
        self.machines |= other.machines
        for service, size in other.batches.items():
            self.batches[service] = max(size, self.batches.get(service, 0))
        for service, more in other.served.items():
            self.served[service] = more.merged(self.served.get(service, Served()))

    def of(self, nodes: Nodes, node: Node) -> list[Channel]:
        """The channels that a node can be a cause in."""
        sign = sign_of(nodes, node)
        if sign is None:
            return []
        found = dict(self.by_sign.get(sign, {}))
        for channel in self._named(nodes, node):
            found.setdefault(channel.service, channel)
        return list(found.values())

    def _named(self, nodes: Nodes, node: Node) -> list[Channel]:
        if node.kind == "message":
            return self._to(node.service, _carrier(wait_kind(nodes, node.node_id)), "delivers")
        if node.kind == "request":
            return [Channel(one, "calls", "call", True) for one in sorted(self.called)] if _is_api(nodes, node) else []
        if node.kind == "execution":
            function = task_function(nodes, node.node_id)
            return [Channel(function, "calls", "call", True)] if function in self.services else []
        spans = nodes.spans_of.get(node.node_id)
        if not spans or node.kind != "operation" or spans[0].kind not in (CLIENT, PRODUCER):
            return []
        span = spans[0]
        function = _function(span.attributes)
        if function in self.services:
            waited = span.kind == CLIENT and span.attributes.get("faas.invocation_type", "RequestResponse") != "Event"
            return [Channel(function, "calls", "call", True) if waited else Channel(function, "triggers", "bus")]
        machine = span.attributes.get(_MACHINE)
        if isinstance(machine, str) and _last(machine) in self.machines:
            return [Channel(_last(machine), "triggers", "bus")]
        name, carrier = _resource(span.attributes)
        return self._to(name, carrier, "triggers")

    def _to(self, resource: str, carrier: Carrier, kind: EdgeKind) -> list[Channel]:
        return [
            Channel(service, kind, carrier, ordered=resource.endswith(".fifo"))
            for service in sorted(self.consumers.get(resource, ()))
        ]


def sign_of(nodes: Nodes, node: Node) -> Sign | None:
    """Return what a cause has in common with others of its channel; None for what causes nothing."""
    if node.kind == "message":
        return ("message", node.service)
    if node.kind == "invocation":
        return (node.kind, node.service)
    if node.kind == "request":
        return (node.kind, node.service, _route(nodes, node.node_id))
    if node.kind == "execution":
        return ("execution", node.service, node.name)
    spans = nodes.spans_of.get(node.node_id)
    if node.kind != "operation" or not spans or spans[0].kind not in (CLIENT, PRODUCER):
        return None
    attributes = spans[0].attributes
    return ("operation", node.service, node.name, _function(attributes) or _resource(attributes)[0])


def _route(nodes: Nodes, node_id: str) -> str:
    """Method and path of a request; parts of the path that hold a digit are taken for ids."""
    for span in nodes.spans_of.get(node_id, ()):
        method = span.attributes.get("http.request.method") or span.attributes.get("http.method") or ""
        route = span.attributes.get("http.route")
        if isinstance(route, str) and route:
            return f"{method!s} {route}"
        url = span.attributes.get("url.full") or span.attributes.get("http.url") or span.attributes.get("url.path")
        if isinstance(url, str) and url:
            path = url.partition("?")[0].partition("://")[2].partition("/")[2] if "://" in url else url
            parts = [part for part in path.split("/") if not any(digit in part for digit in "0123456789")]
            return f"{method!s} /{'/'.join(parts)}"
    return ""


def channels_of(nodes: Nodes, edges: list[Edge]) -> Channels:
    """Learn the channels from the certain edges and from the names in the signals. O(nodes + edges)."""
    found = Channels(services={node.service for node in nodes.by_id.values() if node.kind in ("invocation", "request")})
    causes: dict[str, list[str]] = {}
    for edge in edges:
        causes.setdefault(edge.effect, []).append(edge.cause)
    for edge in edges:
        effect = nodes.by_id[edge.effect]
        if edge.confidence == 1.0 and (effect.kind in ("invocation", "request") or effect.node_id in nodes.states):
            _learn(found, nodes, edge, causes)
    for node_id, messages in nodes.taken_by.items():
        service = nodes.by_id[node_id].service
        found.batches[service] = max(found.batches.get(service, 0), len(messages))
    found.served = served_of(nodes, edges)
    found.machines = {nodes.by_id[run].service for run in nodes.states}
    for node_id, node in nodes.by_id.items():
        if node.kind in ("invocation", "operation"):
            for source in _sources(nodes, node_id):
                found.consumers.setdefault(source, set()).add(node.service)
        if node.kind == "invocation" and any(
            span.attributes.get("faas.trigger") == "http" for span in nodes.spans_of.get(node_id, ())
        ):
            found.called.add(node.service)
    return found


def _is_api(nodes: Nodes, node: Node) -> bool:
    spans = nodes.spans_of.get(node.node_id, ())
    return any(span.attributes.get("aws.xray.origin") == _API_ORIGIN for span in spans)


def task_function(nodes: Nodes, node_id: str) -> str:
    """The function that a state invokes, as its history says."""
    for log in nodes.logs_of.get(node_id, ()):
        parameters = log.attributes.get("details.parameters")
        if isinstance(parameters, str) and (named := _TASK_FUNCTION.search(parameters)):
            return named[1].split(":function:")[-1].split(":")[0]
        resource = log.attributes.get("details.resource")
        if isinstance(resource, str) and ":function:" in resource:
            return resource.split(":function:")[-1].split(":")[0]
    return ""


def _learn(found: Channels, nodes: Nodes, edge: Edge, causes: dict[str, list[str]]) -> None:
    cause, effect = nodes.by_id[edge.cause], nodes.by_id[edge.effect]
    if edge.kind not in ("calls", "triggers", "delivers"):
        return
    if cause.kind in ("operation", "request", "execution"):
        waited = edge.kind == "calls" and cause.end_ns is not None and effect.end_ns is not None
        waited = waited and (effect.end_ns or 0) <= (cause.end_ns or 0) + 5_000_000
        channel = Channel(effect.service, "calls" if waited else "triggers", "call" if waited else "bus", waited)
        _note(found, nodes, cause, effect, channel)
    if cause.kind != "message":
        return
    found.consumers.setdefault(cause.service, set()).add(effect.service)
    by = _carrier(wait_kind(nodes, edge.cause))
    ordered = cause.service.endswith(".fifo")
    _note(found, nodes, cause, effect, Channel(effect.service, "delivers", by, ordered=ordered))
    for sender in _senders(nodes, cause.node_id, causes):
        _note(found, nodes, nodes.by_id[sender], effect, Channel(effect.service, "triggers", by, ordered=ordered))


def _senders(nodes: Nodes, message: str, causes: dict[str, list[str]]) -> list[str]:
    """Who sent a message, also through the messages that it holds."""
    found, seen, pending = dict.fromkeys(nodes.givers.get(message, ())), {message}, [message]
    while pending:
        for cause in causes.get(pending.pop(), ()):
            if cause in nodes.givers and cause not in seen:
                seen.add(cause)
                pending.append(cause)
                found |= dict.fromkeys(nodes.givers[cause])
    return [one for one in found if one not in nodes.givers]


def _note(found: Channels, nodes: Nodes, cause: Node, effect: Node, channel: Channel) -> None:
    sign = sign_of(nodes, cause)
    if sign is None:
        return
    known = found.by_sign.setdefault(sign, {}).setdefault(channel.service, channel)
    if len(known.known_ms) < MOST_KNOWN:
        known.known_ms.append((effect.start_ns - cause.start_ns) / 1e6)
        known.known_at_ms.append(cause.start_ns / 1e6)


def _carrier(wait: WaitKind) -> Carrier:
    """What a message goes by, by what it waits in."""
    return "queue" if wait == "queue" else "stream" if wait == "stream" else "bus"


def _function(attributes: Attributes) -> str:
    """The function that a call names: a name, or an ARN's last part without its version."""
    for name in _FUNCTIONS:
        value = attributes.get(name)
        if isinstance(value, str) and value:
            return value.split(":function:")[-1].split(":")[0]
    return ""


def _resource(attributes: Attributes) -> tuple[str, Carrier]:
    """The queue, stream, topic or bus that a call names, and which of them it is."""
    for name, carrier in _RESOURCES:
        value = attributes.get(name)
        if isinstance(value, str) and value:
            return _last(value), carrier
    if attributes.get("rpc.method") in _WRITES:
        for name in _TABLES:
            value = attributes.get(name)
            table = value[0] if isinstance(value, list) and value else value
            if isinstance(table, str) and table:
                return table, "stream"
    value = attributes.get("messaging.destination.name")
    if isinstance(value, str) and value:
        return _last(value), _SYSTEMS.get(str(attributes.get("messaging.system", "")), "bus")
    return "", "bus"


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1].rsplit(":", 1)[-1]


def _sources(nodes: Nodes, node_id: str) -> set[str]:
    """What an invocation, or a span inside it, says it was handed events of."""
    found: set[str] = set()
    for span in nodes.spans_of.get(node_id, ()):
        if span.kind in (SERVER, CONSUMER) and not _SOURCE_NAMES.isdisjoint(span.attributes):
            found.update(value for name in _SOURCES if isinstance(value := span.attributes.get(name), str))
    for log in nodes.logs_of.get(node_id, ()):
        if not _SOURCE_NAMES.isdisjoint(log.attributes):
            found.update(value for name in _SOURCES[1:] if isinstance(value := log.attributes.get(name), str))
    return {_last(value) for value in found if value} if found else found
