"""Clocks put right by what the certain edges say of how far two machines' clocks can differ."""

from __future__ import annotations

from coldtrail.services.service import CLIENT
from coldtrail.trails.clocks.wrong import Bound, offsets_of
from coldtrail.trails.edges.joins import Joins
from coldtrail.trails.nodes.of_signals import Nodes


def put_clocks_right(nodes: Nodes, joins: Joins) -> dict[str, int]:
    """Take out what clocks are wrong by, and return it."""
    if len(set(nodes.machine.values())) < 2:
        return {}
    offsets = offsets_of(_bounds(nodes, joins))
    if not offsets:
        return {}
    for node_id, machine in nodes.machine.items():
        if offset_ns := offsets.get(machine):
            node = nodes.by_id[node_id]
            node.start_ns -= offset_ns
            node.end_ns = None if node.end_ns is None else node.end_ns - offset_ns
            node.clock_offset_ms = offset_ns / 1e6
    return offsets


def _bounds(nodes: Nodes, joins: Joins) -> list[Bound]:
    """What the certain edges say of how far two machines' clocks can differ: the tightest bound of each pair and kind."""
    tightest: dict[tuple[str, str, bool], int] = {}

    def note(earlier: str, later: str, most_ns: int, firm: bool) -> None:
        pair = (earlier, later, firm)
        if most_ns < tightest.get(pair, most_ns + 1):
            tightest[pair] = most_ns

    for (cause_id, effect_id), edge in joins.found.items():
        later = nodes.machine.get(effect_id)
        if later is None:
            continue
        for giver in _senders(nodes, joins, cause_id):
            earlier = nodes.machine.get(giver)
            if earlier is None or earlier == later:
                continue
            cause, effect = nodes.by_id[giver], nodes.by_id[effect_id]
            note(earlier, later, effect.start_ns - cause.start_ns, edge.evidence != "link")
            if edge.evidence == "parent" and _waits_for(nodes, giver) and cause.end_ns and effect.end_ns:
                note(later, earlier, cause.end_ns - effect.end_ns, False)
    return [Bound(earlier, later, most_ns, firm) for (earlier, later, firm), most_ns in tightest.items()]


def _senders(nodes: Nodes, joins: Joins, node_id: str) -> list[str]:
    """A node itself, or who sent a message, also through the messages that it holds."""
    if node_id not in nodes.givers:
        return [node_id]
    found, seen, pending = [], set[str](), [node_id]
    while pending:
        current = pending.pop()
        for cause in joins.causes.get(current, ()):
            if cause in nodes.givers and cause not in seen:
                seen.add(cause)
                pending.append(cause)
            elif cause not in nodes.givers:
                found.append(cause)
    return found


def _waits_for(nodes: Nodes, node_id: str) -> bool:
    """Whether a node is a call that ends with its answer."""
    return any(span.kind == CLIENT for span in nodes.spans_of.get(node_id, ())[:1])
