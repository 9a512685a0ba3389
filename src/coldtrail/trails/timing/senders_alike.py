"""Who sent a message that nobody says they sent: whoever spoke before of the same things as its consumer does.

A table's stream names a change, and the writer does not learn that name; but both log the item's key and the request's
correlation id. What counts is how many values of the same field the two have in common.
"""

from __future__ import annotations

from coldtrail.model.signals import Attributes
from coldtrail.model.trails import Edge
from coldtrail.trails.edges.joins import Joins
from coldtrail.trails.nodes.identity import node_id_of
from coldtrail.trails.nodes.messages import wait_kind
from coldtrail.trails.nodes.notes import CARRIED_KINDS, Said, said_of
from coldtrail.trails.nodes.of_signals import Nodes

ALONE_CONFIDENCE = 0.9
SHARED_CONFIDENCE = 0.6
MOST_SPEAKERS = 200
"""A value that more nodes speak of than this names no unit."""


def senders_alike(nodes: Nodes, joins: Joins) -> list[Edge]:
    """Return an edge for each message without a sender of which someone spoke before. O(log records of such values)."""
    held = {outer for facts in nodes.facts.values() for outer in facts.within}
    open_ = {
        message: said
        for message in nodes.givers
        if message not in joins.caused and message not in held and (said := _said_of(nodes, message))
    }
    if not open_:
        return []
    speakers = _speakers(nodes, set().union(*open_.values()))
    return [edge for message in sorted(open_) if (edge := _likeliest(nodes, message, open_[message], speakers))]


def _said_of(nodes: Nodes, message: str) -> set[Said]:
    """What the signals that took a message say besides its names."""
    told = nodes.told_by.get(message, ())
    return {one for attributes, names in told for one in said_of(attributes) if one[1] not in names}


def _speakers(nodes: Nodes, wanted: set[Said]) -> dict[Said, set[str]]:
    found: dict[Said, set[str]] = {}
    fields = {name for name, _ in wanted}

    def listen(node_id: str, attributes: Attributes) -> None:
        for name in fields.intersection(attributes):
            one = (name, attributes[name])
            if isinstance(one[1], str) and one in wanted:
                found.setdefault(one, set()).add(node_id)

    for node_id, node in nodes.by_id.items():
        if node.kind != "invocation":
            continue
        for log in nodes.logs_of.get(node_id, ()):
            listen(node_id, log.attributes)
        for span in nodes.spans_of.get(node_id, ()):
            listen(node_id, span.attributes)
    return {one: node_ids for one, node_ids in found.items() if len(node_ids) <= MOST_SPEAKERS}


def _likeliest(nodes: Nodes, message: str, said: set[Said], speakers: dict[Said, set[str]]) -> Edge | None:
    takers = [nodes.by_id[one] for one in nodes.takers[message]]
    if not takers:
        return None
    first = min(takers, key=lambda node: (node.start_ns, node.node_id))
    shared: dict[str, int] = {}
    for one in said:
        for node_id in speakers.get(one, ()):
            node = nodes.by_id[node_id]
            if node.service != first.service and node.start_ns <= first.start_ns:
                shared[node_id] = shared.get(node_id, 0) + 1
    most = max(shared.values(), default=0)
    if 2 * most <= len(said):
        return None
    best = [nodes.by_id[one] for one, count in shared.items() if count == most]
    sending = [node for node in best if _given(nodes, node.node_id)]
    if not sending and wait_kind(nodes, message) == "queue":
        return None
    sending = sending or best
    sender = max(sending, key=lambda node: (node.start_ns, node.node_id))
    confidence = ALONE_CONFIDENCE if len(sending) == 1 and most == len(said) else SHARED_CONFIDENCE
    given = _given(nodes, sender.node_id)
    _note_whose(nodes, message, sender.node_id, said)
    return Edge(given[0] if len(given) == 1 else sender.node_id, message, "sends", "correlation_id", confidence)


def _given(nodes: Nodes, node_id: str) -> list[str]:
    """The messages that a node sent, as it says itself."""
    keys = (key for key in nodes.keys[node_id] if key.role == "gives" and key.kind in CARRIED_KINDS)
    return sorted({node_id_of(key.kind, key.value) for key in keys})


def _note_whose(nodes: Nodes, message: str, sender: str, said: set[Said]) -> None:
    """The sender's line that speaks of the same says also which record it came of, if the sender had several."""
    for log in nodes.logs_of.get(sender, ()):
        if not said.isdisjoint(said_of(log.attributes)):
            keys = (key for key in nodes.carried.keys(log) if key.role == "takes" or key.kind == "correlation_id")
            nodes.context.setdefault(message, set()).update((str(key.kind), key.value) for key in keys)
