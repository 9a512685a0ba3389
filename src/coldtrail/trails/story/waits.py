"""What each node waited for, by kind: before it began, for a sandbox, between attempts, for others' answers."""

from __future__ import annotations

from collections.abc import Iterable

from coldtrail.model.trails import FAILED, Edge, Node, Wait
from coldtrail.services.service import CLIENT
from coldtrail.trails.nodes.of_signals import Nodes

_TARGETS = (
    "url.full",
    "http.url",
    "server.address",
    "peer.service",
    "db.name",
    "aws.dynamodb.table_names",
    "rpc.method",
)


def set_waits(nodes: Nodes, effects: dict[str, list[Edge]], causes: dict[str, list[Edge]]) -> None:
    """Set ``waits`` and ``wait_ms`` of all nodes. O(nodes + edges), but for sorting siblings."""
    for node_id, node in nodes.by_id.items():
        node.waits, node.wait_ms = waits_of(node, causes.get(node_id, ()))
        if node.kind == "operation" and node.end_ns is not None and calls_out(nodes, node_id):
            node.waits.append(Wait("downstream", (node.end_ns - node.start_ns) / 1e6))
    for node_id, edges in effects.items():
        if len(edges) > 1 or nodes.by_id[node_id].kind in ("invocation", "request"):
            _wait_for_calls(nodes, nodes.by_id[node_id], edges)


def calls_out(nodes: Nodes, node_id: str) -> bool:
    """Whether a node is a call to something else that ends with the answer."""
    spans = nodes.spans_of.get(node_id)
    return spans is not None and len(spans) > 0 and spans[0].kind == CLIENT


def waits_of(node: Node, causes: Iterable[Edge]) -> tuple[list[Wait], float | None]:
    """Return what a node waited for before it began, by the longest of ``causes``, and how long in all.

    A cold start is part of the wait for a message; after a call it is a wait of its own, which ``wait_ms`` leaves out.
    """
    before = max((edge.waits for edge in causes if edge.waits), key=_total, default=())
    waits = list(before)
    if node.init_ms and not any(wait.kind == "init" for wait in waits):
        waits.append(Wait("init", node.init_ms))
    return waits, _total(before) if before else None


def _total(waits: Iterable[Wait]) -> float:
    return sum(wait.ms for wait in waits)


def _wait_for_calls(nodes: Nodes, above: Node, edges: list[Edge]) -> None:
    """Time in calls of one node's own, those side by side counted once; and calls that were tried again."""
    calls = [
        node
        for edge in edges
        if (node := nodes.by_id[edge.effect]).kind == "operation" and calls_out(nodes, edge.effect) and node.end_ns
    ]
    if not calls:
        return
    calls.sort(key=lambda node: (node.start_ns, node.node_id))
    total_ns, until_ns = 0, calls[0].start_ns
    last: dict[tuple[str, ...], Node] = {}
    for call in calls:
        end_ns = call.end_ns or call.start_ns
        total_ns += max(0, end_ns - max(until_ns, call.start_ns))
        until_ns = max(until_ns, end_ns)
        target = _target(nodes, call)
        before = last.get(target)
        if before is not None and before.status in FAILED and (before.end_ns or 0) <= call.start_ns:
            _tried_again(before, call)
        last[target] = call
    if above.kind in ("invocation", "request"):
        above.waits.append(Wait("downstream", total_ns / 1e6))


def _target(nodes: Nodes, call: Node) -> tuple[str, ...]:
    attributes = nodes.spans_of[call.node_id][0].attributes
    return (call.service, call.name, *(str(attributes.get(name, "")) for name in _TARGETS))


def _tried_again(before: Node, call: Node) -> None:
    """The same call after it failed: another attempt, and what lies between was back-off."""
    call.attempt = max(call.attempt, before.attempt + 1)
    ms = (call.start_ns - (before.end_ns or before.start_ns)) / 1e6
    call.waits.insert(0, Wait("throttle" if before.status == "throttled" else "retry", ms))
    call.wait_ms = ms
