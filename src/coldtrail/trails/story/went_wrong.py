"""The first thing that went wrong in a trail, and what followed from it, up to where its effect shows."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from coldtrail.model.trails import FAILED, Edge, Node, Sentence
from coldtrail.trails.story.hold_ups import DELIVERED
from coldtrail.trails.story.shows_elsewhere import Touch, came_late, missing
from coldtrail.trails.story.words import duration_words, failure_words, times_words, who

NOTHING: Mapping[str, Touch] = MappingProxyType({})


def went_wrong(nodes: list[Node], edges: list[Edge], touched: Mapping[str, Touch] = NOTHING) -> Sentence | None:
    """Return the sentence; None where nothing failed. ``shows_at`` is the last node that it had an effect on.

    ``touched``: what steps did to resources, so that a missing write and a message that never left are seen.
    """
    failed = [node for node in nodes if node.status in FAILED]
    if not failed:
        return None
    by_id = {node.node_id: node for node in nodes}
    above: dict[str, list[Edge]] = {}
    below: dict[str, list[Edge]] = {}
    for edge in edges:
        above.setdefault(edge.effect, []).append(edge)
        below.setdefault(edge.cause, []).append(edge)
    first = min(failed, key=lambda node: (_end(node), -node.start_ns, node.node_id))
    raised = _raised(first, above, by_id)
    top = raised[-1]
    attempts = _attempts(top, above, below, by_id)
    followed = [f"{who(node)} {failure_words(node)}" for node in raised[1:]]
    shows_at = top.node_id
    if len(attempts) > 1:
        followed.append(_tried_again(attempts))
        shows_at = attempts[-1].node_id
    if (elsewhere := _handed_on(top, attempts, above, below, by_id)) is not None:
        followed.append(f"it was handed to {who(elsewhere)}")
        shows_at = elsewhere.node_id
    elif attempts[-1].status in FAILED and attempts[-1].kind == "invocation" and len(attempts) > 1:
        followed.append("nothing took it after that")
    shown = missing(first, top, nodes, above, touched) or came_late(attempts, nodes, above, below)
    if shown:
        followed.append(shown.text)
        shows_at = shown.node_id
    told = f"The first thing that went wrong: {who(first)} {failure_words(first)}"
    told += f"; from that, {', '.join(followed)}" if followed else ""
    return Sentence(_end(first), told, first.node_id, "" if shows_at == first.node_id else shows_at)


def _end(node: Node) -> int:
    return node.start_ns if node.end_ns is None else node.end_ns


def _raised(first: Node, above: dict[str, list[Edge]], by_id: dict[str, Node]) -> list[Node]:
    """The failure and those who called it and failed with it, outwards."""
    found, seen = [first], {first.node_id}
    while True:
        callers = [by_id[edge.cause] for edge in above.get(found[-1].node_id, ()) if edge.kind in ("calls", "triggers")]
        failed = [node for node in callers if node.status in FAILED and node.node_id not in seen]
        if not failed:
            return found
        found.append(min(failed, key=lambda node: (node.start_ns, node.node_id)))
        seen.add(found[-1].node_id)


def _attempts(
    top: Node, above: dict[str, list[Edge]], below: dict[str, list[Edge]], by_id: dict[str, Node]
) -> list[Node]:
    """All attempts at what failed: of the same request, or of the same message by the same function; and calls alike."""
    found = {top.node_id: top}
    for edge in above.get(top.node_id, ()):
        if edge.kind in DELIVERED:
            others = [by_id[one.effect] for one in below[edge.cause] if one.kind in DELIVERED]
        elif edge.kind == "calls":
            others = [by_id[one.effect] for one in below[edge.cause] if by_id[one.effect].attempt > 1]
        else:
            continue
        found |= {node.node_id: node for node in others if (node.service, node.name) == (top.service, top.name)}
    pending = list(found)
    while pending:
        for edge in below.get(pending.pop(), ()):
            if edge.kind == "retries" and edge.effect not in found:
                found[edge.effect] = by_id[edge.effect]
                pending.append(edge.effect)
    return sorted(found.values(), key=lambda node: (node.start_ns, node.node_id))


def _tried_again(attempts: list[Node]) -> str:
    last, again = attempts[-1], len(attempts) - 1
    times = times_words(again)
    if last.status in FAILED:
        return f"it was tried again {times}, in vain"
    if last.status == "open":
        return f"it was tried again {times}, and has not ended yet"
    late = duration_words((_end(last) - _end(attempts[0])) / 1e6)
    return f"it was tried again {times} and went through {late} later"


def _handed_on(
    top: Node, attempts: list[Node], above: dict[str, list[Edge]], below: dict[str, list[Edge]], by_id: dict[str, Node]
) -> Node | None:
    """Who took the message of the failed attempts when they were over: the consumer of a dead-letter queue."""
    if attempts[-1].status not in FAILED:
        return None
    after = [
        by_id[one.effect]
        for edge in above.get(top.node_id, ())
        if edge.kind in DELIVERED
        for one in below[edge.cause]
        if by_id[one.effect].service != top.service and by_id[one.effect].start_ns >= _end(attempts[-1])
    ]
    return min(after, key=lambda node: (node.start_ns, node.node_id), default=None)
