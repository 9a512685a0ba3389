"""The path that made a trail as long as it was, and what each part of it was spent on.

Walked from the end: what ended last waited for its latest cause; inside a node the call that ended last held it up,
before that the call that ended before this one began, and so on. Source of the walk: Zhang et al., "CRISP: Critical
Path Analysis of Large-Scale Microservice Architectures" (USENIX ATC 2022).
"""

from __future__ import annotations

from msgspec import Struct

from coldtrail.model.trails import Edge, Node, Share, ShareCause, WaitKind

_OWN: tuple[WaitKind, ...] = ("queue", "stream", "bus", "retry", "throttle")


_PLACES: tuple[ShareCause, ...] = ("queue", "stream", "bus")


class CriticalPath(Struct):
    """Node ids in the order in which they held the trail up, and the shares of its duration, which add up to 1."""

    path: list[str]
    shares: list[Share]


class _Parts:
    """Stretches of time, latest first, as the walk finds them."""

    def __init__(self) -> None:
        self.found: list[tuple[int, int, str, ShareCause, str]] = []

    def add(self, start_ns: int, end_ns: int, node_id: str, cause: ShareCause, place: str = "") -> None:
        if end_ns > start_ns:
            self.found.append((start_ns, end_ns, node_id, cause, place))


def critical_path(nodes: list[Node], edges: list[Edge]) -> CriticalPath:
    """Return the path from the origin to the node that ended last. O(nodes + edges), a cycle is cut where it closes."""
    if not nodes:
        return CriticalPath([], [])
    by_id = {node.node_id: node for node in nodes}
    causes: dict[str, list[Edge]] = {}
    inside: dict[str, list[Node]] = {}
    for edge in edges:
        causes.setdefault(edge.effect, []).append(edge)
        if edge.kind == "calls":
            inside.setdefault(edge.cause, []).append(by_id[edge.effect])
    hops = _hops(nodes, by_id, causes)
    parts = _Parts()
    walked: set[str] = set()
    until_ns = _end(hops[0])
    for number, node in enumerate(hops):
        _within(parts, node, min(until_ns, _end(node)), inside, walked)
        until_ns = min(until_ns, node.start_ns)
        if number + 1 < len(hops):
            before = hops[number + 1]
            place = before.service if before.kind == "message" else ""
            _gap(parts, max(before.start_ns, min(_end(before), until_ns)), until_ns, node, causes[node.node_id], place)
    return CriticalPath(*_told(parts, hops, by_id))


def _end(node: Node) -> int:
    """When a node had done its part; a message does nothing after it was sent, its consumer waits."""
    return node.start_ns if node.end_ns is None or node.kind == "message" else node.end_ns


def _hops(nodes: list[Node], by_id: dict[str, Node], causes: dict[str, list[Edge]]) -> list[Node]:
    """From what ended last back to its origin, each the latest cause of the one before."""
    current = max(nodes, key=lambda node: (_end(node), node.start_ns, node.node_id))
    hops, seen = [current], {current.node_id}
    while before := [edge.cause for edge in causes.get(current.node_id, ()) if edge.cause not in seen]:
        current = max((by_id[cause] for cause in before), key=lambda node: (node.start_ns, node.node_id))
        seen.add(current.node_id)
        hops.append(current)
    return hops


def _within(parts: _Parts, top: Node, until_ns: int, inside: dict[str, list[Node]], walked: set[str]) -> None:
    """Give the time of a node up to a moment to its calls that held it up, and the rest to itself."""
    pending: list[tuple[Node, int, int]] = [(top, top.start_ns, until_ns)]
    while pending:
        node, since_ns, until_ns = pending.pop()
        if node.node_id in walked:
            parts.add(since_ns, until_ns, node.node_id, _own(node))
            continue
        walked.add(node.node_id)
        at_ns = until_ns
        for call in sorted(inside.get(node.node_id, ()), key=lambda one: (_end(one), one.node_id), reverse=True):
            start_ns, end_ns = max(call.start_ns, since_ns), _end(call)
            if call.end_ns is None or end_ns > at_ns or start_ns >= end_ns or call.node_id in walked:
                continue
            parts.add(end_ns, at_ns, node.node_id, _own(node))
            pending.append((call, start_ns, end_ns))
            at_ns = start_ns
        parts.add(since_ns, at_ns, node.node_id, _own(node))


def _own(node: Node) -> ShareCause:
    """What a node's own time is: a call out is time of what it calls."""
    return "downstream" if node.kind == "operation" and any(one.kind == "downstream" for one in node.waits) else "work"


def _gap(parts: _Parts, since_ns: int, until_ns: int, node: Node, causes: list[Edge], place: str) -> None:
    """Time between a cause and its effect: the cold start just before the effect, before that what it waited in."""
    init_ns = min(max(0, until_ns - since_ns), int((node.init_ms or 0.0) * 1e6))
    parts.add(until_ns - init_ns, until_ns, node.node_id, "init")
    waits = [wait for edge in causes for wait in edge.waits if wait.kind in _OWN]
    kind: ShareCause = max(waits, key=lambda wait: wait.ms).kind if waits else "wait"
    parts.add(since_ns, until_ns - init_ns, node.node_id, kind, place if kind in _PLACES else "")


def _told(parts: _Parts, hops: list[Node], by_id: dict[str, Node]) -> tuple[list[str], list[Share]]:
    """Merge the stretches of one node and cause, in order of time."""
    found = sorted(parts.found, key=lambda part: (part[0], part[1]))
    spent: dict[tuple[str, ShareCause, str], int] = {}
    for start_ns, end_ns, node_id, cause, place in found:
        spent[node_id, cause, place] = spent.get((node_id, cause, place), 0) + end_ns - start_ns
    total = sum(spent.values())
    shares = [Share(node_id, cause, ns / 1e6, ns / total, place) for (node_id, cause, place), ns in spent.items()]
    on_path = {node_id for node_id, _, _ in spent} | {node.node_id for node in hops}
    rank = {node.node_id: number for number, node in enumerate(reversed(hops))}
    last = len(rank)
    origin = hops[-1].node_id
    path = sorted(on_path, key=lambda one: (one != origin, by_id[one].start_ns, rank.get(one, last), one))
    return path, shares
