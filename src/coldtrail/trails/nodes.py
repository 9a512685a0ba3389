"""Signals to nodes: everything that speaks of the same thing becomes one node."""

from __future__ import annotations

from msgspec import Struct, field

from coldtrail.model.signals import Log, Span
from coldtrail.model.trails import Key, Node, NodeKind, NodeStatus
from coldtrail.services import keys_of_log, keys_of_span
from coldtrail.services.service import CONSUMER, SERVER
from coldtrail.trails.identity import node_id_of, span_node_id
from coldtrail.trails.invocations import attempts_of, failure_of_span, invocation

CARRIED_KINDS = ("message_id", "sequence_number", "event_id")
"""Keys that name a message: a unit on a queue, topic, bus or stream."""

UNKNOWN = "unknown_service"

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


class Nodes(Struct):
    """The nodes, which spans they own, and which keys they carry in which role.

    ``owner``: (trace id, span id) to node id. ``logs_of``: node id to its log records. ``context``: message node
    to the other keys that the signal which sent it carries, so that a batch's messages can be told apart.
    """

    by_id: dict[str, Node] = field(default_factory=dict)
    owner: dict[tuple[str, str], str] = field(default_factory=dict)
    keys: dict[str, set[Key]] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)
    logs_of: dict[str, list[Log]] = field(default_factory=dict)
    spans_of: dict[str, list[Span]] = field(default_factory=dict)
    attempts: dict[str, list[str]] = field(default_factory=dict)
    context: dict[str, set[tuple[str, str]]] = field(default_factory=dict)


def request_id_of(span: Span) -> str:
    """Return the Lambda request id that a span stands for, or ""."""
    if span.kind in (SERVER, CONSUMER):
        value = span.attributes.get("faas.invocation_id")
        return value if isinstance(value, str) else ""
    return ""


def distinct_spans(spans: list[Span]) -> list[Span]:
    """Return each span once: of copies the finished one, then the longest; in order of start."""
    best: dict[tuple[str, str], Span] = {}
    for span in spans:
        key = (span.trace_id, span.span_id)
        if key not in best or _rank(span) > _rank(best[key]):
            best[key] = span
    return sorted(best.values(), key=lambda span: (span.start_ns, span.trace_id, span.span_id))


def _rank(span: Span) -> tuple[bool, int, int, str]:
    return (not span.attributes.get("aws.xray.in_progress"), span.end_ns, len(span.attributes), span.name)


def build_nodes(spans: list[Span], logs: list[Log]) -> Nodes:
    """Merge signals into nodes. The result does not depend on the order in which they came."""
    nodes = Nodes(spans=distinct_spans(spans))
    spans_by_request: dict[str, list[Span]] = {}
    for span in nodes.spans:
        if request_id := request_id_of(span):
            spans_by_request.setdefault(request_id, []).append(span)
        else:
            _add_span(nodes, span)
    logs_by_request, others = _by_request(_distinct_logs(logs))
    for request_id in sorted(spans_by_request.keys() | logs_by_request.keys()):
        _add_invocation(nodes, request_id, spans_by_request.get(request_id, []), logs_by_request.get(request_id, []))
    for log in others:
        _attach(nodes, log)
    _inherit_services(nodes)
    _add_messages(nodes)
    return nodes


def _distinct_logs(logs: list[Log]) -> list[Log]:
    kept: dict[tuple[object, ...], Log] = {}
    for log in logs:
        event_id = log.attributes.get("aws.log.event.id")
        identity = (event_id,) if event_id else (log.time_ns, str(log.body), log.trace_id, log.span_id, log.event_name)
        kept.setdefault((*identity, log.resource.service), log)
    return sorted(kept.values(), key=lambda log: (log.time_ns, str(log.body)))


def _by_request(logs: list[Log]) -> tuple[dict[str, list[Log]], list[Log]]:
    by_request: dict[str, list[Log]] = {}
    others = []
    for log in logs:
        request_id = log.attributes.get("faas.invocation_id")
        if isinstance(request_id, str) and request_id:
            by_request.setdefault(request_id, []).append(log)
        else:
            others.append(log)
    return by_request, others


def _add_invocation(nodes: Nodes, request_id: str, spans: list[Span], logs: list[Log]) -> None:
    for attempt in attempts_of(spans, logs):
        node = invocation(request_id, attempt)
        nodes.by_id[node.node_id] = node
        nodes.attempts.setdefault(request_id, []).append(node.node_id)
        nodes.logs_of[node.node_id] = attempt.logs
        nodes.spans_of[node.node_id] = attempt.spans
        keys = nodes.keys.setdefault(node.node_id, set())
        for span in attempt.spans:
            nodes.owner[span.trace_id, span.span_id] = node.node_id
            keys.update(keys_of_span(span))
        for log in attempt.logs:
            keys.update(keys_of_log(log))


def _add_span(nodes: Nodes, span: Span) -> None:
    node_id = span_node_id(span.trace_id, span.span_id)
    open_ = bool(span.attributes.get("aws.xray.in_progress"))
    status: NodeStatus = "open" if open_ else "error" if span.status_code == 2 else "ok"
    if span.attributes.get("aws.xray.throttle"):
        status = "throttled"
    keys = set(keys_of_span(span))
    names = {"trace_id": span.trace_id, "span_id": span.span_id}
    names |= {key.kind: key.value for key in sorted(keys, key=lambda key: (key.kind, key.value))}
    cold = span.attributes.get("faas.coldstart")
    nodes.by_id[node_id] = Node(
        node_id=node_id,
        kind=_kind(span),
        service=span.resource.service,
        name=span.name,
        start_ns=span.start_ns,
        end_ns=None if open_ else max(span.start_ns, span.end_ns),
        status=status,
        cold_start=cold if isinstance(cold, bool) else None,
        failure=failure_of_span(span),
        keys=names,
    )
    nodes.owner[span.trace_id, span.span_id] = node_id
    nodes.spans_of[node_id] = [span]
    nodes.keys[node_id] = keys


def _inherit_services(nodes: Nodes) -> None:
    """A span whose emitter has no name (an X-Ray SDK's subsegment in Lambda) belongs to the service of its parent."""
    for span in nodes.spans:
        node = nodes.by_id[nodes.owner[span.trace_id, span.span_id]]
        seen: set[tuple[str, str]] = set()
        above = (span.trace_id, span.parent_span_id)
        while node.service == UNKNOWN and above in nodes.owner and above not in seen:
            seen.add(above)
            parent = nodes.by_id[nodes.owner[above]]
            node.service = parent.service
            first = nodes.spans_of.get(parent.node_id, [])
            above = (span.trace_id, first[0].parent_span_id) if first else ("", "")


def _kind(span: Span) -> NodeKind:
    if span.kind == CONSUMER:
        return "invocation" if "faas.trigger" in span.attributes else "operation"
    return "request" if span.kind == SERVER else "operation"


def _attach(nodes: Nodes, log: Log) -> None:
    node_id = nodes.owner.get((log.trace_id, log.span_id))
    if node_id:
        nodes.by_id[node_id].signals += 1
        nodes.logs_of.setdefault(node_id, []).append(log)
        nodes.keys[node_id].update(keys_of_log(log))


def _add_messages(nodes: Nodes) -> None:
    """A message is a node of its own, made from who gave it and who took it."""
    givers: dict[Key, list[str]] = {}
    takers: dict[Key, list[str]] = {}
    for node_id, keys in list(nodes.keys.items()):
        for key in keys:
            if key.kind in CARRIED_KINDS and key.role != "mentions":
                side = givers if key.role == "gives" else takers
                side.setdefault(Key(key.kind, key.value, "mentions"), []).append(node_id)
    for key in sorted(givers.keys() | takers.keys(), key=lambda key: (key.kind, key.value)):
        _add_message(nodes, key, givers.get(key, []), takers.get(key, []))
    for logs in nodes.logs_of.values():
        for log in logs:
            _note_context(nodes, keys_of_log(log))


def _note_context(nodes: Nodes, keys: tuple[Key, ...]) -> None:
    """Remember what one log line says of a message that it sent: which record it came of, whose request it was."""
    others = {(key.kind, key.value) for key in keys if key.kind == "correlation_id" or key.role == "takes"}
    for key in keys:
        if key.role == "gives" and key.kind in CARRIED_KINDS:
            nodes.context.setdefault(node_id_of(key.kind, key.value), set()).update(others)


def _add_message(nodes: Nodes, key: Key, givers: list[str], takers: list[str]) -> None:
    taken = [nodes.by_id[node_id].start_ns for node_id in takers]
    sender = min((nodes.by_id[node_id] for node_id in givers), key=lambda node: node.start_ns, default=None)
    sent_ns = (sender.start_ns if sender.kind == "invocation" else sender.end_ns) if sender else None
    start_ns = sent_ns if sent_ns is not None else min(taken)
    end_ns = max(start_ns, min(taken)) if taken else start_ns
    node_id = node_id_of(key.kind, key.value)
    service = _destination(nodes, key.kind, [*givers, *takers]) or key.kind.removesuffix("_id").removesuffix("_number")
    nodes.by_id[node_id] = Node(
        node_id=node_id,
        kind="message",
        service=service,
        name=f"{service} {key.value[-12:]}",
        start_ns=start_ns,
        end_ns=end_ns,
        keys={key.kind: key.value},
        signals=len(givers) + len(takers),
    )
    nodes.keys[node_id] = {key}


def _destination(nodes: Nodes, kind: str, node_ids: list[str]) -> str:
    """The queue, topic, bus or stream that a message was on, as its giver or taker names it."""
    for node_id in node_ids:
        for span in nodes.spans_of.get(node_id, []):
            for name in _DESTINATIONS:
                if value := span.attributes.get(name):
                    return str(value).rsplit("/", 1)[-1]
        for log in nodes.logs_of.get(node_id, []):
            for name in _LOGGED_DESTINATIONS[kind]:
                if value := log.attributes.get(name):
                    return str(value)
    return ""
