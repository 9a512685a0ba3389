"""Signals to nodes: everything that speaks of the same thing becomes one node."""

from __future__ import annotations

from msgspec import Struct, field

from coldtrail.model.copies import distinct_logs, distinct_spans
from coldtrail.model.signals import Attributes, Log, Span
from coldtrail.model.trails import Key, KeyKind, Node, NodeKind, NodeStatus
from coldtrail.services import (
    Delivery,
    contexts_of_log,
    contexts_of_span,
    deliveries_of,
    keys_of_log,
    keys_of_span,
)
from coldtrail.services.service import CONSUMER, SERVER
from coldtrail.trails.access import access
from coldtrail.trails.executions import Run, execution, mentioned_execution
from coldtrail.trails.identity import node_id_of, span_node_id
from coldtrail.trails.invocations import attempts_of, failure_of_span, invocation

CARRIED_KINDS = ("message_id", "sequence_number", "event_id")
"""Keys that name a message: a unit on a queue, topic, bus or stream."""

UNKNOWN = "unknown_service"

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


def said_of(attributes: Attributes) -> list[Said]:
    """Return the fields that may name a unit of work: texts with a digit, of a name's length, not about the emitter."""
    return [
        (name, value)
        for name, value in attributes.items()
        if isinstance(value, str)
        and 6 <= len(value) <= 200
        and not name.startswith(_OF_THE_EMITTER)
        and any(digit in value for digit in "0123456789")
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


class Nodes(Struct):
    """The nodes, which spans they own, and which keys they carry in which role.

    ``owner``: (trace id, span id) to node id. ``logs_of``: node id to its log records. ``context``: node to the other
    keys that the signals which made it carry, so that what a batch led to can be told apart. ``givers`` and ``takers``:
    message node to who sent it and who took it. ``facts``: message node to what else is told of it. ``received``:
    (message, taker) to the receive count that the taker was told. ``delivery``: (message, invocation) to which delivery
    it was. ``taken_by``: invocation to the messages delivered to it. ``lines``: node to when its log lines named which
    single record. ``machine``: whose clock a node has. ``states``: execution node to the nodes of its states.
    ``said``: message to the fields of the signals that took it alone. ``told``: steps of batches of which it is told whose
    they are. ``contexts``: node to the trace contexts that it was handed. ``together``: messages that one signal names as one unit.
    """

    by_id: dict[str, Node] = field(default_factory=dict)
    owner: dict[tuple[str, str], str] = field(default_factory=dict)
    keys: dict[str, set[Key]] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)
    logs_of: dict[str, list[Log]] = field(default_factory=dict)
    spans_of: dict[str, list[Span]] = field(default_factory=dict)
    attempts: dict[str, list[str]] = field(default_factory=dict)
    context: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    givers: dict[str, list[str]] = field(default_factory=dict)
    takers: dict[str, list[str]] = field(default_factory=dict)
    facts: dict[str, Facts] = field(default_factory=dict)
    lines: dict[str, list[tuple[int, tuple[str, str]]]] = field(default_factory=dict)
    contexts: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    said: dict[str, set[Said]] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    together: set[frozenset[str]] = field(default_factory=set)
    received: dict[tuple[str, str], int] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)
    states: dict[str, list[str]] = field(default_factory=dict)
    taken_by: dict[str, set[str]] = field(default_factory=dict)
    delivery: dict[tuple[str, str], int] = field(default_factory=dict)


def request_id_of(span: Span) -> str:
    """Return the Lambda request id that a span stands for, or ""."""
    if span.kind in (SERVER, CONSUMER):
        value = span.attributes.get("faas.invocation_id")
        return value if isinstance(value, str) else ""
    return ""


def build_nodes(spans: list[Span], logs: list[Log]) -> Nodes:
    """Merge signals into nodes. The result does not depend on the order in which they came."""
    nodes = Nodes(spans=distinct_spans(spans))
    spans_by_request: dict[str, list[Span]] = {}
    for span in nodes.spans:
        if request_id := request_id_of(span):
            spans_by_request.setdefault(request_id, []).append(span)
        else:
            _add_span(nodes, span)
    logs_by_request, others = _by_request(distinct_logs(logs))
    for request_id in sorted(spans_by_request.keys() | logs_by_request.keys()):
        _add_invocation(nodes, request_id, spans_by_request.get(request_id, []), logs_by_request.get(request_id, []))
    _inherit_services(nodes)
    requests = {value: one for one, node in nodes.by_id.items() if (value := _api_request(nodes, one, node))}
    histories: dict[str, list[Log]] = {}
    for log in others:
        arn, api_request = _history_of(log), log.attributes.get("aws.api_gateway.request_id")
        if arn:
            histories.setdefault(arn, []).append(log)
        elif isinstance(api_request, str) and api_request:
            _add_access(nodes, log, api_request, requests)
        else:
            _attach(nodes, log)
    for arn in sorted(histories):
        _add_execution(nodes, execution(arn, histories[arn]))
    _add_mentioned_executions(nodes, set(histories))
    for span in nodes.spans:
        nodes.machine.setdefault(nodes.owner[span.trace_id, span.span_id], _machine(nodes, span))
    return nodes


def _machine(nodes: Nodes, span: Span) -> str:
    """Whose clock stamped a span: its host's where it names one, else its service's; AWS keeps those of functions alike."""
    resource = span.resource.attributes
    service = nodes.by_id[nodes.owner[span.trace_id, span.span_id]].service
    host = resource.get("host.name") or resource.get("host.id")
    return service if not host or "faas.name" in resource else f"{service} on {host!s}"


def _note(nodes: Nodes, node_id: str, signal: Span | Log) -> None:
    """Remember what one signal says: its keys, whose a message is that it sent, how often one came that it took."""
    log = signal if isinstance(signal, Log) else None
    keys = keys_of_log(signal) if isinstance(signal, Log) else keys_of_span(signal)
    contexts = contexts_of_log(signal) if isinstance(signal, Log) else contexts_of_span(signal)
    if contexts:
        nodes.contexts.setdefault(node_id, set()).update((one.trace_id, one.span_id) for one in contexts)
    if not keys:
        return
    nodes.keys[node_id].update(keys)
    taken = {(key.kind, key.value) for key in keys if key.role == "takes" and key.kind in CARRIED_KINDS}
    if log and len(taken) == 1:
        nodes.lines.setdefault(node_id, []).append((log.time_ns, next(iter(taken))))
    for key in keys:
        if key.kind in CARRIED_KINDS and key.role != "mentions":
            _note_message(nodes, node_id, key, keys, signal)
    if taken:
        for delivery in deliveries_of(signal):
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
        nodes.said.setdefault(message, set()).update(one for one in said_of(signal.attributes) if one[1] not in names)
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
    facts.destination = delivery.place or facts.destination
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
        nodes.keys[node.node_id] = set()
        nodes.machine[node.node_id] = node.service
        for span in attempt.spans:
            nodes.owner[span.trace_id, span.span_id] = node.node_id
            _note(nodes, node.node_id, span)
        for log in attempt.logs:
            _note(nodes, node.node_id, log)


def _add_span(nodes: Nodes, span: Span) -> None:
    node_id = span_node_id(span.trace_id, span.span_id)
    open_ = bool(span.attributes.get("aws.xray.in_progress"))
    status: NodeStatus = "open" if open_ else "error" if span.status_code == 2 else "ok"
    if span.attributes.get("aws.xray.throttle"):
        status = "throttled"
    nodes.keys[node_id] = set()
    _note(nodes, node_id, span)
    names = {"trace_id": span.trace_id, "span_id": span.span_id}
    if nodes.keys[node_id]:
        ordered = sorted(nodes.keys[node_id], key=lambda key: (key.kind, key.value))
        names |= {key.kind: key.value for key in ordered if key.kind != "object"}
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


def _api_request(nodes: Nodes, node_id: str, node: Node) -> str:
    """The id that an API gave a request, or ""."""
    if node.kind != "request":
        return ""
    return next((key.value for key in nodes.keys[node_id] if key.kind == "request_id" and key.role == "gives"), "")


def _add_access(nodes: Nodes, log: Log, api_request: str, requests: dict[str, str]) -> None:
    """A line of an API's access log: of a request that a span tells of too, or of one that is known from it alone."""
    node_id = requests.get(api_request)
    if node_id is None:
        node = access(log, api_request)
        node_id = requests[api_request] = node.node_id
        nodes.by_id[node_id] = node
        nodes.keys[node_id] = set()
        nodes.machine[node_id] = node.service
        nodes.logs_of[node_id] = []
    else:
        nodes.by_id[node_id].signals += 1
    nodes.logs_of.setdefault(node_id, []).append(log)
    _note(nodes, node_id, log)


def _history_of(log: Log) -> str:
    """The ARN of the execution whose history a record is from, or ""."""
    if "execution_arn" not in log.attributes or "type" not in log.attributes:
        return ""
    return next((key.value for key in keys_of_log(log) if key.kind == "execution_arn" and key.role == "gives"), "")


def _add_execution(nodes: Nodes, run: Run) -> None:
    for node in (run.node, *run.states):
        nodes.by_id[node.node_id] = node
        nodes.keys[node.node_id] = set()
        nodes.logs_of[node.node_id] = run.logs[node.node_id]
        nodes.machine[node.node_id] = "states.amazonaws.com"
        for log in run.logs[node.node_id]:
            _note(nodes, node.node_id, log)
        nodes.keys[node.node_id].discard(Key("execution_arn", run.node.keys["execution_arn"], "gives"))
    nodes.states[run.node.node_id] = [state.node_id for state in run.states]


def _add_mentioned_executions(nodes: Nodes, told: set[str]) -> None:
    """An execution that logs no history is known from those who name it."""
    by_arn: dict[str, list[Node]] = {}
    for node_id, keys in nodes.keys.items():
        for key in keys:
            if key.kind == "execution_arn" and key.value not in told:
                by_arn.setdefault(key.value, []).append(nodes.by_id[node_id])
    for arn in sorted(by_arn):
        _add_execution(nodes, mentioned_execution(arn, by_arn[arn]))


def _attach(nodes: Nodes, log: Log) -> None:
    node_id = nodes.owner.get((log.trace_id, log.span_id))
    if node_id:
        nodes.by_id[node_id].signals += 1
        nodes.logs_of.setdefault(node_id, []).append(log)
        _note(nodes, node_id, log)
