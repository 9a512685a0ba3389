"""Calls whose header names another trace than their own: what began that trace was called by them.

A function traced by OpenTelemetry hands on the X-Ray header that it was given, or the other way round; only the sender's
span shows the header that it sent. What the receiver was handed itself is joined before (`edges`).
"""

from __future__ import annotations

from coldtrail.model.signals import Span
from coldtrail.model.trails import Edge
from coldtrail.trails.nodes.of_signals import Nodes

HEADER_CONFIDENCE = 0.9
"""Of an edge that a header tells which names the trace alone, and not the span."""

Sent = dict[str, set[str]]
"""Calls by the span id that they sent along."""


def sent_elsewhere(nodes: Nodes, caused: set[str]) -> list[Edge]:
    """Join the beginnings of other traces, as far as nothing caused them yet, with the calls whose headers name them.

    A header names the span that sent it: what has that for a parent was called so. Where no parent says, only one call may
    have sent a header of the trace, and before it began. O(spans).
    """
    senders: dict[str, Sent] = {}
    for span in nodes.spans:
        for context in nodes.carried.by(span).sent:
            sent = senders.setdefault(context.trace_id, {})
            sent.setdefault(context.span_id, set()).add(nodes.owner[span.trace_id, span.span_id])
    if not senders:
        return []
    beginnings = [
        span
        for span in nodes.spans
        if span.trace_id in senders
        and nodes.owner[span.trace_id, span.span_id] not in caused
        and (span.trace_id, span.parent_span_id) not in nodes.owner
    ]
    return [edge for span in beginnings if (edge := _begun(nodes, senders[span.trace_id], span))]


def _begun(nodes: Nodes, senders: Sent, span: Span) -> Edge | None:
    effect = nodes.by_id[nodes.owner[span.trace_id, span.span_id]]
    exact = senders.get(span.parent_span_id, set()) if span.parent_span_id else set()
    everyone = set().union(*senders.values())
    before = [
        one for one in exact or everyone if nodes.by_id[one].start_ns <= effect.start_ns and one != effect.node_id
    ]
    if not before or (not exact and len(everyone) > 1):
        return None
    cause = max(before, key=lambda one: (nodes.by_id[one].start_ns, one))
    return Edge(cause, effect.node_id, "calls", "header", 1.0 if exact else HEADER_CONFIDENCE)
