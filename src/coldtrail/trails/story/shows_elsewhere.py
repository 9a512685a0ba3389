"""Where the effect of a failed step shows, if not where it failed: a write that is missing, a message that never left,
a step that came late.

Which resource a step touched, and how, is told by its span: the call's operation and the names of `services/naming`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from coldtrail.model.trails import Edge, Node
from coldtrail.services.naming import Resource, operation_of, resource_of
from coldtrail.services.service import PRODUCER
from coldtrail.trails.nodes.of_signals import Nodes
from coldtrail.trails.story.words import duration_words, who

NOTABLE_MS = 1_000.0

Deed = Literal["write", "read", "send"]

_READS = ("get", "query", "scan", "batchget", "transactget", "head", "list", "select", "describe")
_WRITES = ("put", "update", "delete", "batchwrite", "transactwrite", "copy", "insert", "replace", "upsert", "write")
_CARRY = ("kinesis", "sqs", "sns", "eventbridge", "firehose")
_TAKES = ("receive", "process", "getrecords", "settle", "ack", "deletemessage", "changemessage", "deliver")


class Touch(Struct, frozen=True):
    """What a step did to which resource."""

    deed: Deed
    resource: Resource


class Shown(Struct, frozen=True):
    """What to say of an effect that shows elsewhere, and the node where it does."""

    text: str
    node_id: str


def touches(nodes: Nodes, trail: list[Node]) -> dict[str, Touch]:
    """Return what the steps of a trail did to resources, as far as their spans name them. O(steps)."""
    found = {}
    for node in trail:
        span = next(iter(nodes.spans_of.get(node.node_id, ())), None) if node.kind == "operation" else None
        if span is None or (resource := resource_of(span.attributes)) is None:
            continue
        operation = (operation_of(span.attributes) or span.name).lower()
        if resource.kind in _CARRY:
            deed: Deed | None = None if operation.startswith(_TAKES) else "send"
            deed = deed if span.kind == PRODUCER or operation.startswith(("send", "publish", "put")) else None
        else:
            deed = "read" if operation.startswith(_READS) else "write" if operation.startswith(_WRITES) else None
        if deed:
            found[node.node_id] = Touch(deed, resource)
    return found


def missing(
    failed: Node, top: Node, trail: list[Node], above: dict[str, list[Edge]], touched: Mapping[str, Touch]
) -> Shown | None:
    """Where a write or a message is missing that failed for good in ``failed``; ``top`` is the outermost to fail of it.

    None where the step did neither, or where the same was done again with success.
    """
    touch = touched.get(failed.node_id)
    if touch is None or touch.deed == "read" or _on_condition(failed) or _made_good(failed, touch, trail, touched):
        return None
    name = touch.resource.name
    if touch.deed == "write" and (reader := _reader(failed, touch, trail, touched)):
        return Shown(f"{who(reader)} then read {name} without what it should have written", reader.node_id)
    lacks = (
        f"its message never left for {name}" if touch.deed == "send" else f"{name} lacks what it should have written"
    )
    by_id = {node.node_id: node for node in trail}
    callers = [by_id[edge.cause] for edge in above.get(top.node_id, ()) if edge.kind in ("calls", "triggers")]
    unharmed = min((one for one in callers if one.status == "ok"), key=lambda one: one.node_id, default=None)
    if unharmed is None:
        return Shown(lacks, top.node_id)
    return Shown(f"{lacks}, and {who(unharmed)} went on without it", unharmed.node_id)


def _end(node: Node) -> int:
    return node.start_ns if node.end_ns is None else node.end_ns


def _on_condition(failed: Node) -> bool:
    """A write that was not to happen: the item is as its condition forbids, which is how a message is done only once.

    Source: Amazon DynamoDB Developer Guide, "Condition expressions" (`ConditionalCheckFailedException`).
    """
    return failed.failure is not None and "ConditionalCheckFailed" in f"{failed.failure.type} {failed.failure.message}"


def _made_good(failed: Node, touch: Touch, trail: list[Node], touched: Mapping[str, Touch]) -> bool:
    return any(
        node.start_ns >= _end(failed)
        and node.status == "ok"
        and node.service == failed.service
        and node.name == failed.name
        and touched.get(node.node_id) == touch
        for node in trail
    )


def _reader(failed: Node, touch: Touch, trail: list[Node], touched: Mapping[str, Touch]) -> Node | None:
    """The first step that read the same resource after the write failed."""
    reads = [
        node
        for node in trail
        if node.start_ns >= _end(failed) and touched.get(node.node_id) == Touch("read", touch.resource)
    ]
    return min(reads, key=lambda node: (node.start_ns, node.node_id), default=None)


def came_late(
    attempts: list[Node], trail: list[Node], above: dict[str, list[Edge]], below: dict[str, list[Edge]]
) -> Shown | None:
    """What began late because the attempts before the last one failed: what followed from it, or came next in its caller."""
    first, last = attempts[0], attempts[-1]
    late_ms = (_end(last) - _end(first)) / 1e6
    if last.status != "ok" or late_ms < NOTABLE_MS:
        return None
    by_id = {node.node_id: node for node in trail}
    followed = [by_id[edge.effect] for edge in below.get(last.node_id, ()) if edge.kind in ("sends", "triggers")]
    callers = [edge.cause for edge in above.get(last.node_id, ()) if edge.kind == "calls"]
    followed += [by_id[edge.effect] for one in callers for edge in below.get(one, ())]
    followed = [node for node in followed if node.start_ns >= _end(last) or node.kind == "message"]
    followed = [node for node in followed if node.start_ns >= last.start_ns and node not in attempts]
    then = min(followed, key=lambda node: (node.start_ns, node.node_id), default=None)
    return Shown(f"so that {who(then)} came {duration_words(late_ms)} late", then.node_id) if then else None
