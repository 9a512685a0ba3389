"""What held a message up: records that come in order wait behind one that fails again and again.

Source: AWS Lambda Developer Guide, "Using Lambda to process records from Amazon Kinesis Data Streams": a shard's batches
are processed in order, and a batch that fails is tried again, halved or not, before the next.
"""

from __future__ import annotations

from msgspec import Struct

from coldtrail.model.trails import FAILED, Edge, Node
from coldtrail.trails.nodes.of_signals import Nodes

DELIVERED = ("delivers", "redelivers")
NOTABLE_MS = 1_000.0


class HoldUp(Struct, frozen=True):
    """``message`` reached ``taker`` after ``waited_ms``, in which ``behind`` was tried ``tries`` times in vain."""

    message: str
    taker: str
    waited_ms: float
    behind: str
    behind_name: str
    tries: int


def hold_ups(nodes: Nodes, effects: dict[str, list[Edge]], trail: list[Node], edges: list[Edge]) -> list[HoldUp]:
    """Return what held the messages of a trail up; looks at the batches that they were in, also beyond the trail."""
    taken: dict[str, list[Node]] = {}
    by_id = {node.node_id: node for node in trail}
    for edge in edges:
        if edge.kind in DELIVERED:
            taken.setdefault(edge.cause, []).append(by_id[edge.effect])
    found = []
    for message, takers in sorted(taken.items()):
        if len(takers) > 1 and (one := _held_up(nodes, effects, by_id[message], takers)):
            found.append(one)
    return found


def _held_up(nodes: Nodes, effects: dict[str, list[Edge]], message: Node, takers: list[Node]) -> HoldUp | None:
    last = max(takers, key=lambda node: (node.start_ns, node.node_id))
    waited_ms = (last.start_ns - message.start_ns) / 1e6
    if waited_ms < NOTABLE_MS or last.status in FAILED:
        return None
    beside = {
        other
        for node in takers
        if node.status in FAILED
        for other in _messages_of(nodes, node.node_id)
        if other != message.node_id
    }
    worst: tuple[int, str] = (0, "")
    for other in sorted(beside):
        failures = [
            nodes.by_id[edge.effect]
            for edge in effects.get(other, ())
            if edge.kind in DELIVERED
            and nodes.by_id[edge.effect].status in FAILED
            and message.start_ns <= nodes.by_id[edge.effect].start_ns <= last.start_ns
        ]
        alone = any(_messages_of(nodes, node.node_id) == {other} for node in failures)
        if alone and len(failures) > worst[0]:
            worst = (len(failures), other)
    if not worst[0]:
        return None
    name = nodes.by_id[worst[1]].name
    return HoldUp(message.node_id, last.node_id, waited_ms, worst[1], name, worst[0])


def _messages_of(nodes: Nodes, invocation: str) -> set[str]:
    return nodes.taken_by.get(invocation, set())
