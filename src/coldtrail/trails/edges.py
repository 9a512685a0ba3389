"""Nodes to edges, the strongest evidence first: parent, link, message, request, header, correlation id.

A cause always points to its effect. What a stronger evidence has joined, a weaker one does not join again.
"""

from __future__ import annotations

from itertools import pairwise

from coldtrail.model.trails import Edge, EdgeKind, Evidence
from coldtrail.services.service import CONSUMER
from coldtrail.trails.identity import node_id_of
from coldtrail.trails.nodes import CARRIED_KINDS, Nodes

CORRELATION_CONFIDENCE = 0.7
HEADER_CONFIDENCE = 0.9

_EVIDENCE: dict[str, Evidence] = {
    "message_id": "message_id",
    "event_id": "message_id",
    "sequence_number": "message_id",
}


class _Edges:
    def __init__(self) -> None:
        self.found: dict[tuple[str, str], Edge] = {}
        self.caused: set[str] = set()

    def add(self, cause: str, effect: str, kind: EdgeKind, evidence: Evidence, confidence: float = 1.0) -> None:
        if cause == effect or (effect, cause) in self.found:
            return
        if (cause, effect) not in self.found:
            self.found[cause, effect] = Edge(cause, effect, kind, evidence, confidence)
            self.caused.add(effect)


def build_edges(nodes: Nodes) -> list[Edge]:
    """Join the nodes and set the waits and attempts that the joins tell."""
    edges = _Edges()
    _messages(nodes, edges)
    _parents(nodes, edges)
    _links(nodes, edges)
    _retries(nodes, edges)
    _headers(nodes, edges)
    _correlations(nodes, edges)
    return [edges.found[pair] for pair in sorted(edges.found)]


def _messages(nodes: Nodes, edges: _Edges) -> None:
    takers: dict[str, list[str]] = {}
    for node_id, keys in nodes.keys.items():
        for key in keys:
            if key.kind not in CARRIED_KINDS or key.role == "mentions":
                continue
            message = node_id_of(key.kind, key.value)
            if key.role == "gives":
                edges.add(node_id, message, "sends", _EVIDENCE[key.kind])
            else:
                takers.setdefault(message, []).append(node_id)
    for message, consumers in takers.items():
        _deliver(nodes, edges, message, consumers)


def _deliver(nodes: Nodes, edges: _Edges, message: str, consumers: list[str]) -> None:
    """The first consumer had it delivered, later ones redelivered; each waited since it was sent."""
    evidence = _EVIDENCE[next(iter(nodes.keys[message])).kind]
    tops = {_invocation_above(nodes, node_id) for node_id in consumers}
    ordered = sorted(tops, key=lambda node_id: (nodes.by_id[node_id].start_ns, node_id))
    for number, node_id in enumerate(ordered, start=1):
        node = nodes.by_id[node_id]
        edges.add(message, node_id, "delivers" if number == 1 else "redelivers", evidence)
        node.attempt = max(node.attempt, number)
        wait_ms = max(0.0, (node.start_ns - nodes.by_id[message].start_ns) / 1e6)
        node.wait_ms = wait_ms if node.wait_ms is None else max(node.wait_ms, wait_ms)


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


def _parents(nodes: Nodes, edges: _Edges) -> None:
    for span in nodes.spans:
        if not span.parent_span_id:
            continue
        cause = nodes.owner.get((span.trace_id, span.parent_span_id))
        effect = nodes.owner[span.trace_id, span.span_id]
        if cause and not _through_message(edges, cause, effect, nodes):
            kind: EdgeKind = "triggers" if span.kind == CONSUMER else "calls"
            edges.add(cause, effect, kind, "parent")


def _links(nodes: Nodes, edges: _Edges) -> None:
    for span in nodes.spans:
        effect = nodes.owner[span.trace_id, span.span_id]
        for link in span.links:
            cause = nodes.owner.get((link.trace_id, link.span_id))
            if cause and not _through_message(edges, cause, effect, nodes):
                edges.add(cause, effect, "triggers", "link")


def _through_message(edges: _Edges, cause: str, effect: str, nodes: Nodes) -> bool:
    """Whether a message already joins the two, which tells more than a direct edge would."""
    if effect not in edges.caused:
        return False
    return any(
        (cause, message) in edges.found and (message, effect) in edges.found
        for message in (node_id_of(key.kind, key.value) for key in nodes.keys[effect] if key.kind in CARRIED_KINDS)
    )


def _retries(nodes: Nodes, edges: _Edges) -> None:
    for attempts in nodes.attempts.values():
        for before, after in pairwise(attempts):
            edges.add(before, after, "retries", "request_id")
            ended = nodes.by_id[before].end_ns
            if ended is not None:
                nodes.by_id[after].wait_ms = max(0.0, (nodes.by_id[after].start_ns - ended) / 1e6)


def _headers(nodes: Nodes, edges: _Edges) -> None:
    """An invocation known from logs alone still names the trace whose header it was called with."""
    roots: dict[str, str] = {}
    for span in nodes.spans:
        node_id = nodes.owner[span.trace_id, span.span_id]
        if node_id not in edges.caused:
            roots.setdefault(span.trace_id, node_id)
    for node_id, node in nodes.by_id.items():
        if node.kind != "invocation" or node_id in edges.caused or nodes.spans_of.get(node_id):
            continue
        log = next((log for log in nodes.logs_of.get(node_id, []) if log.trace_id), None)
        if not log:
            continue
        parent = nodes.owner.get((log.trace_id, log.span_id)) or roots.get(log.trace_id)
        if parent:
            edges.add(parent, node_id, "triggers", "header", HEADER_CONFIDENCE)


def _correlations(nodes: Nodes, edges: _Edges) -> None:
    """A node without a cause follows the node before it that speaks of the same correlation id."""
    by_value: dict[str, list[str]] = {}
    for node_id, keys in nodes.keys.items():
        for key in keys:
            if key.kind == "correlation_id":
                by_value.setdefault(key.value, []).append(node_id)
    for members in by_value.values():
        ordered = sorted(members, key=lambda node_id: (nodes.by_id[node_id].start_ns, node_id))
        for before, after in pairwise(ordered):
            if after not in edges.caused and nodes.by_id[after].service != nodes.by_id[before].service:
                edges.add(before, after, "triggers", "correlation_id", CORRELATION_CONFIDENCE)
