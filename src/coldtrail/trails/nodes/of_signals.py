"""Signals to nodes: everything that speaks of the same thing becomes one node."""

from __future__ import annotations

from msgspec import Struct, field

from coldtrail.model.copies import distinct_logs, distinct_spans
from coldtrail.model.signals import Attributes, Log, Span
from coldtrail.model.trails import Key, Node, NodeKind, NodeStatus
from coldtrail.services import Delivery
from coldtrail.services.service import CONSUMER, SERVER
from coldtrail.trails.nodes.access import access
from coldtrail.trails.nodes.carried import Carried
from coldtrail.trails.nodes.executions import Run, execution, mentioned_execution
from coldtrail.trails.nodes.identity import span_node_id
from coldtrail.trails.nodes.invocations import attempts_of, failure_of_span, invocation
from coldtrail.trails.nodes.notes import Facts, note

UNKNOWN = "unknown_service"


class Nodes(Struct):
    """The nodes, which spans they own, and which keys they carry in which role.

    ``owner``: (trace id, span id) to node id. ``logs_of``: node id to its log records. ``context``: node to the other
    keys that the signals which made it carry, so that what a batch led to can be told apart. ``givers`` and ``takers``:
    message node to who sent it and who took it. ``facts``: message node to what else is told of it. ``received``:
    (message, taker) to the receive count that the taker was told. ``delivery``: (message, invocation) to which delivery
    it was. ``taken_by``: invocation to the messages delivered to it. ``lines``: node to when its log lines named which
    single record. ``machine``: whose clock a node has. ``states``: execution node to the nodes of its states.
    ``told_by``: message to the attributes of signals that took it alone, and by which names. ``told``: steps of batches that are told whose
    they are. ``contexts``: node to the trace contexts that it was handed. ``together``: messages that one signal names as one unit.
    ``reported``: invocation to the items of its batch that it answered had failed. ``handed``: (message, taker) to the unit
    of the event in which the taker was handed it. ``named``: (kind, node) to the resource of that kind that it tells of.
    ``carried``: what each signal carries.
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
    told_by: dict[str, list[tuple[Attributes, set[str]]]] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    together: set[frozenset[str]] = field(default_factory=set)
    received: dict[tuple[str, str], int] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)
    states: dict[str, list[str]] = field(default_factory=dict)
    taken_by: dict[str, set[str]] = field(default_factory=dict)
    delivery: dict[tuple[str, str], int] = field(default_factory=dict)
    reported: dict[str, set[str]] = field(default_factory=dict)
    handed: dict[tuple[str, str], Delivery] = field(default_factory=dict)
    named: dict[tuple[str, str], str] = field(default_factory=dict)
    carried: Carried = field(default_factory=Carried)


def request_id_of(span: Span) -> str:
    """Return the Lambda request id that a span stands for, or ""."""
    if span.kind in (SERVER, CONSUMER):
        value = span.attributes.get("faas.invocation_id")
        return value if isinstance(value, str) else ""
    return ""


def build_nodes(spans: list[Span], logs: list[Log], carried: Carried | None = None) -> Nodes:
    """Merge signals into nodes. The result does not depend on the order in which they came."""
    nodes = Nodes(spans=distinct_spans(spans), carried=carried or Carried())
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
        arn, api_request = _history_of(nodes, log), log.attributes.get("aws.api_gateway.request_id")
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
            note(nodes, node.node_id, span)
        for log in attempt.logs:
            note(nodes, node.node_id, log)


def _add_span(nodes: Nodes, span: Span) -> None:
    node_id = span_node_id(span.trace_id, span.span_id)
    open_ = bool(span.attributes.get("aws.xray.in_progress"))
    status: NodeStatus = "open" if open_ else "error" if span.status_code == 2 else "ok"
    if span.attributes.get("aws.xray.throttle"):
        status = "throttled"
    nodes.keys[node_id] = set()
    note(nodes, node_id, span)
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
        if node.service != UNKNOWN:
            continue
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
    note(nodes, node_id, log)


def _history_of(nodes: Nodes, log: Log) -> str:
    """The ARN of the execution whose history a record is from, or ""."""
    if "execution_arn" not in log.attributes or "type" not in log.attributes:
        return ""
    return next(
        (key.value for key in nodes.carried.keys(log) if key.kind == "execution_arn" and key.role == "gives"), ""
    )


def _add_execution(nodes: Nodes, run: Run) -> None:
    for node in (run.node, *run.states):
        nodes.by_id[node.node_id] = node
        nodes.keys[node.node_id] = set()
        nodes.logs_of[node.node_id] = run.logs[node.node_id]
        nodes.machine[node.node_id] = "states.amazonaws.com"
        for log in run.logs[node.node_id]:
            note(nodes, node.node_id, log)
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
        note(nodes, node_id, log)
