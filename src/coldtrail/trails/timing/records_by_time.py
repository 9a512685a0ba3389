"""Whose each record of a batch is, where times alone told its messages: a batch holds them in the order in which they were sent.

So the first record's span belongs to the trail of the first message, and a trail of one message contains nothing of the
others. Only where all are known: one that is missing would shift the rest.
"""

from __future__ import annotations

from coldtrail.model.trails import RAN_AND_FAILED
from coldtrail.services.service import CONSUMER
from coldtrail.trails.edges.joins import Joins
from coldtrail.trails.nodes.of_signals import Nodes


def tell_records_apart(nodes: Nodes, joins: Joins) -> None:
    """Note in ``nodes.context`` which cause each record's span of a batch is about. O(edges by timing)."""
    causes: dict[str, list[str]] = {}
    records: dict[str, list[str]] = {}
    for (cause, effect), edge in joins.found.items():
        if edge.evidence == "timing":
            causes.setdefault(effect, []).append(cause)
    batches = {node_id for node_id, some in causes.items() if len(some) > 1}
    for (cause, effect), edge in joins.found.items():
        if cause in batches and edge.evidence == "parent" and _is_record(nodes, effect):
            records.setdefault(cause, []).append(effect)
    for batch, some in records.items():
        if not _are_all_known(nodes, batch, len(some), len(causes[batch])):
            continue
        ordered = sorted(some, key=lambda one: (nodes.by_id[one].start_ns, one))
        for record, cause in zip(ordered, sorted(causes[batch], key=lambda one: _sent_ns(nodes, one)), strict=False):
            nodes.context[record] = {("node", cause)}
            nodes.told.add(record)


def _is_record(nodes: Nodes, node_id: str) -> bool:
    spans = nodes.spans_of.get(node_id, ())
    return nodes.by_id[node_id].kind == "operation" and any(span.kind == CONSUMER for span in spans)


def _are_all_known(nodes: Nodes, batch: str, records: int, causes: int) -> bool:
    """A batch that failed stopped at a record: those behind it have no span."""
    return records == causes or (records < causes and nodes.by_id[batch].status in RAN_AND_FAILED)


def _sent_ns(nodes: Nodes, node_id: str) -> tuple[int, str]:
    """Half-way through the call, as `matching.sent_at` has it."""
    node = nodes.by_id[node_id]
    return (node.start_ns + (node.end_ns or node.start_ns)) // 2, node_id
