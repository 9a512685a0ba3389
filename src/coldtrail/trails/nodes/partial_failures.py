"""Messages that failed in a batch whose invocation succeeded: the function said so, or they alone came again.

A queue hands out again only what was reported; a stream hands out again all from the first reported record on. Sources:
`services/batch_responses`.
"""

from __future__ import annotations

from msgspec import Struct

from coldtrail.model.trails import Edge, Failure, Node
from coldtrail.trails.nodes.invocations import failure_of_log
from coldtrail.trails.nodes.messages import wait_kind
from coldtrail.trails.nodes.notes import CARRIED_KINDS
from coldtrail.trails.nodes.of_signals import Nodes
from coldtrail.trails.story.hold_ups import DELIVERED


class PartialFailure(Struct, frozen=True):
    """``message`` failed in ``taker``, an invocation that succeeded.

    ``size``: messages in its batch, ``failed`` of which did. ``again``: the invocation in which it came next, "" where none
    was seen, ``later_ms`` after this one ended. ``behind``: it did not fail itself, a record before it did, and the
    stream begins again there. ``failure``: why, where one step or line tells.
    """

    message: str
    taker: str
    size: int
    failed: int
    again: str = ""
    later_ms: float = 0.0
    behind: bool = False
    failure: Failure | None = None


def partial_failures(
    nodes: Nodes, effects: dict[str, list[Edge]], trail: list[Node], edges: list[Edge]
) -> list[PartialFailure]:
    """Return those of a trail's messages; looks at the batches that they were in, also beyond the trail."""
    by_id = {node.node_id: node for node in trail}
    found = []
    known: dict[str, set[str]] = {}
    for edge in edges:
        taker = by_id[edge.effect]
        if edge.kind not in DELIVERED or taker.kind != "invocation" or taker.status != "ok":
            continue
        batch = nodes.taken_by.get(taker.node_id, set())
        if taker.node_id not in known:
            known[taker.node_id] = _failed(nodes, effects, taker, batch)
        failed = known[taker.node_id]
        if edge.cause in failed:
            found.append(_told(nodes, effects, edge.cause, taker, batch, failed, behind=False))
        elif failed and _comes_again_behind(nodes, effects, edge.cause, taker, failed):
            found.append(_told(nodes, effects, edge.cause, taker, batch, failed, behind=True))
    return sorted(found, key=lambda one: (by_id[one.taker].start_ns, one.message))


def _failed(nodes: Nodes, effects: dict[str, list[Edge]], taker: Node, batch: set[str]) -> set[str]:
    """The messages of a batch that failed: as reported; else those of a queue that came again, where others did not."""
    reported = nodes.reported.get(taker.node_id, set())
    named = {one for one in batch if any(key.value in reported for key in nodes.keys[one] if key.kind in CARRIED_KINDS)}
    if named:
        return named
    again = {one for one in batch if _counted_again(nodes, effects, one, taker)}
    return again if len(again) < len(batch) else set()


def _counted_again(nodes: Nodes, effects: dict[str, list[Edge]], message: str, taker: Node) -> bool:
    """Whether a queue counted a later receipt of the message by the same function."""
    later = _next(nodes, effects, message, taker)
    if later is None or wait_kind(nodes, message) != "queue":
        return False
    return nodes.received.get((message, later.node_id), 0) > max(1, nodes.received.get((message, taker.node_id), 0))


def _next(nodes: Nodes, effects: dict[str, list[Edge]], message: str, taker: Node) -> Node | None:
    """The next delivery of a message to the same function."""
    later = [
        node
        for edge in effects.get(message, ())
        if edge.kind in DELIVERED
        and (node := nodes.by_id[edge.effect]).service == taker.service
        and node.start_ns > taker.start_ns
    ]
    return min(later, key=lambda node: (node.start_ns, node.node_id), default=None)


def _comes_again_behind(
    nodes: Nodes, effects: dict[str, list[Edge]], message: str, taker: Node, failed: set[str]
) -> bool:
    """Whether a record of a stream came again because one before it failed."""
    if wait_kind(nodes, message) != "stream" or _next(nodes, effects, message, taker) is None:
        return False
    return min(_place(nodes, one) for one in failed) < _place(nodes, message)


def _place(nodes: Nodes, message: str) -> tuple[int, str]:
    """Where a record lies in its shard: sequence numbers grow, and are numbers of differing lengths."""
    value = next(iter(nodes.keys[message])).value
    return len(value), value


def _told(
    nodes: Nodes,
    effects: dict[str, list[Edge]],
    message: str,
    taker: Node,
    batch: set[str],
    failed: set[str],
    *,
    behind: bool,
) -> PartialFailure:
    again = _next(nodes, effects, message, taker)
    ended_ns = taker.start_ns if taker.end_ns is None else taker.end_ns
    return PartialFailure(
        message=message,
        taker=taker.node_id,
        size=len(batch),
        failed=len(failed),
        again=again.node_id if again else "",
        later_ms=max(0.0, (again.start_ns - ended_ns) / 1e6) if again else 0.0,
        behind=behind,
        failure=None if behind else _why(nodes, effects, message, taker, alone=len(failed) == 1),
    )


def _why(nodes: Nodes, effects: dict[str, list[Edge]], message: str, taker: Node, *, alone: bool) -> Failure | None:
    """What a step says that took this message alone, or a line that names it; of one that failed alone, the only error."""
    keys = {(key.kind, key.value) for key in nodes.keys[message]}
    for edge in effects.get(taker.node_id, ()):
        step = nodes.by_id[edge.effect]
        if step.failure and any((key.kind, key.value) in keys for key in nodes.keys[step.node_id]):
            return step.failure
    told = [(log, failure) for log in nodes.logs_of.get(taker.node_id, ()) if (failure := failure_of_log(log))]
    for log, failure in told:
        if any((key.kind, key.value) in keys for key in nodes.carried.keys(log)):
            return failure
    said = {(one.type, one.message): one for _, one in told}
    return next(iter(said.values())) if alone and len(said) == 1 else None
