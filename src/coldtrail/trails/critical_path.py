"""The path that made a trail as long as it was."""

from __future__ import annotations

from coldtrail.model.trails import Edge, Node


def critical_path(nodes: list[Node], edges: list[Edge]) -> list[str]:
    """Return node ids from the origin to the node that ended last, each the latest cause of the next.

    O(nodes + edges); a cycle is cut where it closes.
    """
    if not nodes:
        return []
    by_id = {node.node_id: node for node in nodes}
    causes: dict[str, list[str]] = {}
    for edge in edges:
        causes.setdefault(edge.effect, []).append(edge.cause)
    current = max(nodes, key=lambda node: (node.end_ns or node.start_ns, node.start_ns, node.node_id)).node_id
    path = [current]
    seen = {current}
    while before := [cause for cause in causes.get(current, []) if cause not in seen]:
        current = max(before, key=lambda node_id: (by_id[node_id].start_ns, node_id))
        seen.add(current)
        path.append(current)
    return path[::-1]
