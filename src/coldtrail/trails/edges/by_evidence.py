"""Nodes to edges, the strongest evidence first: message, parent, link, request, execution, header, correlation id,
timing.

A cause always points to its effect. What a stronger evidence has joined, a weaker one does not join again. What ids
tell is joined before any clock is believed; then clocks are put right, and only then time decides what is left: which
delivery was the first, which trace's root a header meant, in which order a correlation id went round.
"""

from __future__ import annotations

from itertools import pairwise

from msgspec import structs

from coldtrail.model.trails import Edge, EdgeKind, Key, Wait, WaitKind
from coldtrail.services.service import CONSUMER
from coldtrail.trails.clocks.right import put_clocks_right
from coldtrail.trails.edges.joins import Joins
from coldtrail.trails.edges.sent_headers import HEADER_CONFIDENCE, sent_elsewhere
from coldtrail.trails.nodes.executions import count_attempts, execution_edges, executions_started
from coldtrail.trails.nodes.identity import node_id_of
from coldtrail.trails.nodes.messages import place_message, wait_kind
from coldtrail.trails.nodes.notes import CARRIED_KINDS
from coldtrail.trails.nodes.of_signals import Nodes
from coldtrail.trails.timing.edges import Timing, join_by_time
from coldtrail.trails.timing.senders_alike import senders_alike

CORRELATION_CONFIDENCE = 0.7

_CARRIERS = ("message", "execution")


def build_edges(nodes: Nodes, timing: Timing) -> list[Edge]:
    """Join the nodes by what they say, put their clocks right, and set the attempts that the joins tell."""
    joins = Joins()
    deliveries = _messages(nodes, joins)
    started = executions_started(nodes)
    for starter, run in started.items():
        joins.add(starter, run, "triggers", "execution")
    _requests(nodes, joins)
    _parents(nodes, joins, started)
    _links(nodes, joins, started)
    _fronts(nodes, joins)
    offsets = put_clocks_right(nodes, joins)
    for edge in senders_alike(nodes, joins):
        joins.add(edge.cause, edge.effect, edge.kind, edge.evidence, edge.confidence)
        nodes.givers[edge.effect].append(edge.cause)
    for message in nodes.givers:
        place_message(nodes, message, offsets)
    for message, takers in deliveries.items():
        _deliver(nodes, joins, message, takers)
    _retries(nodes, joins)
    for edge in execution_edges(nodes, joins.caused):
        joins.add(edge.cause, edge.effect, edge.kind, edge.evidence, edge.confidence)
    _count_tries_of_states(nodes, joins)
    _headers(nodes, joins, started)
    for edge in sent_elsewhere(nodes, joins.caused):
        joins.add(edge.cause, edge.effect, edge.kind, edge.evidence, edge.confidence)
    _correlations(nodes, joins)
    join_by_time(nodes, joins, timing)
    return joins.edges()


def _messages(nodes: Nodes, joins: Joins) -> dict[str, list[str]]:
    """Join messages with who sent and who took them; return the invocations that took each."""
    deliveries: dict[str, list[str]] = {}
    # A later attempt of one request has its message from the attempt before it, not from another delivery.
    first = {later: attempts[0] for attempts in nodes.attempts.values() for later in attempts[1:]}
    holds = {outer for facts in nodes.facts.values() for outer in facts.within}
    for message, givers in nodes.givers.items():
        facts = nodes.facts[message]
        for node_id in givers:
            joins.add(node_id, message, "sends", "message_id")
        if not givers and message not in holds:
            _senders_told(nodes, joins, message)
        above = {two: _invocation_above(nodes, two) for two in nodes.takers[message]}
        for inside, node_id in above.items():
            if count := nodes.received.get((message, inside), 0):
                nodes.received[message, node_id] = max(count, nodes.received.get((message, node_id), 0))
        takers = sorted({first.get(one, one) for one in above.values()})
        for outer in sorted(facts.within & nodes.givers.keys()):
            joins.add(message, outer, "triggers", "message_id")
            takers = [node_id for node_id in takers if not _takes(nodes, first, outer, node_id)]
        for node_id in takers:
            joins.add(message, node_id, "delivers", "message_id")
            nodes.taken_by.setdefault(node_id, set()).add(message)
        deliveries[message] = takers
    return deliveries


def _takes(nodes: Nodes, first: dict[str, str], message: str, node_id: str) -> bool:
    """Whether an invocation took a message."""
    above = (_invocation_above(nodes, one) for one in nodes.takers[message])
    return any(first.get(one, one) == node_id for one in above)


def _senders_told(nodes: Nodes, joins: Joins, message: str) -> None:
    """Nobody says that they sent it: the message itself names the request of whose outcome it tells, or a context."""
    facts = nodes.facts[message]
    attempts = nodes.attempts.get(facts.request)
    if attempts:
        joins.add(attempts[-1], message, "sends", "request_id")
        nodes.givers[message].append(attempts[-1])
        return
    for told, evidence in ((facts.links, "link"), (facts.contexts, "header")):
        senders = {nodes.owner.get(one) for one in told} - {None, *nodes.takers[message]}
        for sender in sorted(one for one in senders if one):
            gave = [one for one in nodes.keys[sender] if one.role == "gives" and one.kind in CARRIED_KINDS]
            # Who sent one message, of which another came, sent that through the first.
            through = node_id_of(gave[0].kind, gave[0].value) if len(gave) == 1 else sender
            joins.add(through, message, "sends", "link" if evidence == "link" else "header")
            nodes.givers[message].append(through)
        if senders:
            return


def _requests(nodes: Nodes, joins: Joins) -> None:
    """A call or a state names the request that it caused; a function is handed the request that failed before it."""
    for node_id, keys in nodes.keys.items():
        node = nodes.by_id[node_id]
        for key in keys:
            attempts = nodes.attempts.get(key.value) if key.kind == "request_id" and key.role != "gives" else None
            if not attempts or node_id in attempts:
                continue
            if key.role == "mentions" and node.kind in ("operation", "execution", "request"):
                joins.add(node_id, attempts[0], "calls", "request_id")
            elif key.role == "takes" and node_id not in joins.caused:
                joins.add(attempts[-1], node_id, "triggers", "request_id")


def _fronts(nodes: Nodes, joins: Joins) -> None:
    """A function that nothing else is known to have called names the request that an API handed it."""
    fronts = {
        key.value: node_id
        for node_id, node in nodes.by_id.items()
        if node.kind == "request"
        for key in nodes.keys[node_id]
        if key.kind == "request_id" and key.role == "gives"
    }
    for node_id, keys in nodes.keys.items() if fronts else ():
        if nodes.by_id[node_id].kind == "invocation" and node_id not in joins.caused:
            for key in sorted(keys, key=lambda key: key.value):
                if key.kind == "request_id" and key.role == "takes" and key.value in fronts:
                    joins.add(fronts[key.value], node_id, "calls", "request_id")


def _invocation_above(nodes: Nodes, node_id: str) -> str:
    """A message is delivered to the invocation, also where a span inside it says so."""
    seen = {node_id}
    current = node_id
    while nodes.by_id[current].kind != "invocation":
        span = next(iter(nodes.spans_of.get(current, [])), None)
        above = nodes.owner.get((span.trace_id, span.parent_span_id)) if span else None
        if above is None or above in seen:
            return node_id
        seen.add(above)
        current = above
    return current


def _parents(nodes: Nodes, joins: Joins, started: dict[str, str]) -> None:
    for span in nodes.spans:
        if not span.parent_span_id:
            continue
        cause = nodes.owner.get((span.trace_id, span.parent_span_id))
        effect = nodes.owner[span.trace_id, span.span_id]
        if cause and cause != effect and not _through(nodes, joins, cause, effect, started):
            kind: EdgeKind = "triggers" if span.kind == CONSUMER else "calls"
            joins.add(cause, effect, kind, "parent")


def _links(nodes: Nodes, joins: Joins, started: dict[str, str]) -> None:
    for span in nodes.spans:
        if not span.links:
            continue
        effect = nodes.owner[span.trace_id, span.span_id]
        for link in span.links:
            cause = nodes.owner.get((link.trace_id, link.span_id))
            if cause and not _through(nodes, joins, cause, effect, started):
                joins.add(cause, effect, "triggers", "link")


def _through(nodes: Nodes, joins: Joins, cause: str, effect: str, started: dict[str, str]) -> bool:
    """Whether messages or an execution join the two already, which tells more than a direct edge would.

    What is called in the name of a call that started an execution was called by the execution.
    """
    node = nodes.by_id[effect]
    if cause in started and node.kind == "invocation":
        if effect not in joins.caused:
            nodes.keys[effect].add(Key("execution_arn", nodes.by_id[started[cause]].keys["execution_arn"], "takes"))
        return True
    if not nodes.keys[effect] and effect not in joins.causes:
        return False
    taken = {node_id_of(key.kind, key.value) for key in nodes.keys[effect] if key.kind in CARRIED_KINDS}
    pending = [one for one in taken if one in nodes.takers and effect in _taking(nodes, one)]
    pending += [one for one in joins.causes.get(effect, ()) if nodes.by_id[one].kind in _CARRIERS]
    seen: set[str] = set()
    while pending:
        current = pending.pop()
        if current in seen:
            continue
        seen.add(current)
        before = joins.causes.get(current, ())
        if any(one == cause or _is_within(nodes, cause, one) or _is_within(nodes, one, cause) for one in before):
            return True
        pending += [one for one in before if nodes.by_id[one].kind in _CARRIERS]
    return False


def _is_within(nodes: Nodes, node_id: str, above: str) -> bool:
    """Whether a span is part of an invocation, as its parents say."""
    if nodes.by_id[above].kind != "invocation":
        return False
    return _invocation_above(nodes, node_id) == above


def _taking(nodes: Nodes, message: str) -> set[str]:
    return {*nodes.takers[message], *(_invocation_above(nodes, node_id) for node_id in nodes.takers[message])}


def _deliver(nodes: Nodes, joins: Joins, message: str, takers: list[str]) -> None:
    """The first consumer of each function had it delivered, later ones redelivered; each waited since it was sent."""
    by_id = nodes.by_id
    wait = wait_kind(nodes, message) if takers else "queue"
    numbers: dict[str, int] = {}
    ordered = sorted(
        takers,
        key=lambda node_id: (nodes.received.get((message, node_id), 0), by_id[node_id].start_ns, node_id),
    )
    last: dict[str, str] = {}
    for node_id in ordered:
        node = by_id[node_id]
        number = numbers[node.service] = max(
            numbers.get(node.service, 0) + 1, nodes.received.get((message, node_id), 0)
        )
        node.attempt = max(node.attempt, number)
        nodes.delivery[message, node_id] = number
        waits = _waited(nodes, message, last.get(node.service), node_id, wait)
        kind: EdgeKind = "delivers" if node.service not in last else "redelivers"
        joins.found[message, node_id] = Edge(message, node_id, kind, "message_id", 1.0, waits)
        last[node.service] = node_id


def _waited(nodes: Nodes, message: str, before: str | None, taker: str, kind: WaitKind) -> tuple[Wait, ...]:
    """In the queue since it was sent; after a failed attempt, since that ended."""
    node = nodes.by_id[taker]
    ended = nodes.by_id[before].end_ns if before else None
    since_ns = nodes.by_id[message].start_ns if ended is None else ended
    ms = max(0.0, (node.start_ns - since_ns) / 1e6)
    init_ms = min(node.init_ms or 0.0, ms)
    waited = Wait("retry" if before else kind, ms - init_ms)
    return (waited, Wait("init", init_ms)) if init_ms else (waited,)


def _retries(nodes: Nodes, joins: Joins) -> None:
    for attempts in nodes.attempts.values():
        for before, after in pairwise(attempts):
            ended = nodes.by_id[before].end_ns
            waits: tuple[Wait, ...] = ()
            if ended is not None:
                waits = (Wait("retry", max(0.0, (nodes.by_id[after].start_ns - ended) / 1e6)),)
            joins.add(before, after, "retries", "request_id", 1.0, waits)


def _count_tries_of_states(nodes: Nodes, joins: Joins) -> None:
    """A state that called one function several times tried again."""
    called: dict[str, list[str]] = {}
    for cause, effect in joins.found:
        if nodes.by_id[cause].kind == "execution" and nodes.by_id[effect].kind == "invocation":
            called.setdefault(cause, []).append(effect)
    for effect, waits in count_attempts(nodes, called).items():
        for cause in joins.causes[effect]:
            if nodes.by_id[cause].kind == "execution":
                joins.found[cause, effect] = structs.replace(joins.found[cause, effect], waits=waits)


def _headers(nodes: Nodes, joins: Joins, started: dict[str, str]) -> None:
    """A node without a cause still names the span, or the trace, whose header it was called with."""
    without = [
        one for one in nodes.by_id if one not in joins.caused and nodes.by_id[one].kind in ("invocation", "request")
    ]
    handed = {node_id: _handed(nodes, node_id) for node_id in without}
    if not any(handed.values()):
        return
    roots: dict[str, str] = {}
    for span in sorted(nodes.spans, key=lambda span: (bool(span.parent_span_id), span.start_ns, span.span_id)):
        node_id = nodes.owner[span.trace_id, span.span_id]
        if node_id not in joins.caused:
            roots.setdefault(span.trace_id, node_id)
    for node_id in sorted(without, key=lambda one: (nodes.by_id[one].start_ns, one)):
        for trace_id, span_id in handed[node_id]:
            sender, root = nodes.owner.get((trace_id, span_id)), roots.get(trace_id)
            if sender and not _through(nodes, joins, sender, node_id, started):
                joins.add(sender, node_id, "triggers", "header")
            elif root and node_id not in joins.caused:
                joins.add(root, node_id, "triggers", "header", HEADER_CONFIDENCE)


def _handed(nodes: Nodes, node_id: str) -> list[tuple[str, str]]:
    """The contexts of a node's event and headers; an invocation known from logs has them as its logs' trace ids."""
    found = set(nodes.contexts.get(node_id, ()))
    if nodes.by_id[node_id].kind == "invocation" and not nodes.spans_of.get(node_id):
        log = next((log for log in nodes.logs_of.get(node_id, []) if log.trace_id), None)
        if log:
            found.add((log.trace_id, log.span_id))
    return sorted(found, key=lambda one: (not one[1], one))


def _correlations(nodes: Nodes, joins: Joins) -> None:
    """A node without a cause follows the node before it that speaks of the same correlation id."""
    by_value: dict[str, list[str]] = {}
    for node_id, keys in nodes.keys.items():
        for key in keys:
            if key.kind == "correlation_id":
                by_value.setdefault(key.value, []).append(node_id)
    for message, givers in nodes.givers.items():
        for kind, value in nodes.context.get(message, ()) if not givers else ():
            if kind == "correlation_id":
                by_value.setdefault(value, []).append(message)
    for value in sorted(by_value):
        ordered = sorted(by_value[value], key=lambda node_id: (nodes.by_id[node_id].start_ns, node_id))
        for before, after in pairwise(ordered):
            if after not in joins.caused and nodes.by_id[after].service != nodes.by_id[before].service:
                joins.add(before, after, "triggers", "correlation_id", CORRELATION_CONFIDENCE)
