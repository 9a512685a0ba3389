"""Nodes and edges to trails: everything that followed from one origin, and nothing else."""

from __future__ import annotations

from msgspec import Struct

from coldtrail.model.signals import Log, Span
from coldtrail.model.trails import Edge, Node, Trail, TrailStatus
from coldtrail.trails.critical_path import critical_path
from coldtrail.trails.edges import build_edges
from coldtrail.trails.nodes import CARRIED_KINDS, Nodes, build_nodes
from coldtrail.trails.story import story


class Graph(Struct):
    """All nodes and edges of some signals; trails overlap in it."""

    nodes: Nodes
    edges: list[Edge]
    effects: dict[str, list[Edge]]
    causes: dict[str, list[Edge]]


def build_graph(spans: list[Span], logs: list[Log]) -> Graph:
    """Reconstruct what the signals tell. The result does not depend on their order."""
    nodes = build_nodes(spans, logs)
    edges = build_edges(nodes)
    effects: dict[str, list[Edge]] = {}
    causes: dict[str, list[Edge]] = {}
    for edge in edges:
        effects.setdefault(edge.cause, []).append(edge)
        causes.setdefault(edge.effect, []).append(edge)
    return Graph(nodes, edges, effects, causes)


def trail_id_of(graph: Graph, origin: str) -> str:
    """Return the trace id of an origin, or its node id where it has none."""
    return graph.nodes.by_id[origin].keys.get("trace_id") or origin


def assemble(spans: list[Span], logs: list[Log], trail_id: str) -> Trail | None:
    """Return the trail with this id, or the first one that contains the trace or node; None if none does."""
    return select(build_graph(spans, logs), trail_id)


def assemble_all(spans: list[Span], logs: list[Log]) -> list[Trail]:
    """Return one trail per origin, in order of start."""
    graph = build_graph(spans, logs)
    ids = {
        trail_id_of(graph, node_id): None
        for node_id in _by_start(graph, graph.nodes.by_id)
        if not graph.causes.get(node_id)
    }
    return [trail for trail_id in ids if (trail := select(graph, trail_id))]


def select(graph: Graph, trail_id: str) -> Trail | None:
    """Return the trail of a trail id, trace id or node id."""
    seeds = _seeds(graph, trail_id)
    if not seeds:
        return None
    roots = [node_id for node_id in seeds if not graph.causes.get(node_id)]
    if not roots:
        first = _origins(graph, seeds)[0]
        wanted = trail_id_of(graph, first)
        roots = [node_id for node_id in _seeds(graph, wanted) if not graph.causes.get(node_id)] or [first]
    return _trail(graph, roots)


def _by_start(graph: Graph, node_ids: object) -> list[str]:
    by_id = graph.nodes.by_id
    return sorted(node_ids, key=lambda node_id: (by_id[node_id].start_ns, node_id))  # type: ignore[call-overload, no-any-return]


def _seeds(graph: Graph, trail_id: str) -> list[str]:
    if trail_id in graph.nodes.by_id:
        return [trail_id]
    owned = {node_id for (trace_id, _), node_id in graph.nodes.owner.items() if trace_id == trail_id}
    named = {node_id for node_id, node in graph.nodes.by_id.items() if node.keys.get("trace_id") == trail_id}
    return _by_start(graph, owned | named)


def _origins(graph: Graph, seeds: list[str]) -> list[str]:
    """Walk causes back to where nothing is before; a cycle's earliest node stands for its origin."""
    seen: set[str] = set()
    pending = list(seeds)
    while pending:
        node_id = pending.pop()
        if node_id not in seen:
            seen.add(node_id)
            pending += [edge.cause for edge in graph.causes.get(node_id, [])]
    ends = [node_id for node_id in seen if not graph.causes.get(node_id)]
    return _by_start(graph, ends or seen)


def _trail(graph: Graph, roots: list[str]) -> Trail:
    kept = _followed(graph, roots)
    nodes = [graph.nodes.by_id[node_id] for node_id in _causal_order(graph, kept)]
    edges = [edge for edge in graph.edges if edge.cause in kept and edge.effect in kept]
    start_ns = min(node.start_ns for node in nodes)
    end_ns = max(node.end_ns if node.end_ns is not None else node.start_ns for node in nodes)
    path = critical_path(nodes, edges)
    return Trail(
        trail_id=trail_id_of(graph, nodes[0].node_id),
        status=_status(nodes),
        outcome=None,
        start_ns=start_ns,
        end_ns=end_ns,
        nodes=nodes,
        edges=edges,
        critical_path=path,
        story=story(nodes, edges),
    )


def _causal_order(graph: Graph, kept: set[str]) -> list[str]:
    """In order of start; among equals a cause comes before its effect; an origin is always first."""
    ordered = _by_start(graph, kept)
    origin = next((node_id for node_id in ordered if not graph.causes.get(node_id)), ordered[0])
    ordered.remove(origin)
    return [origin, *ordered]


def _followed(graph: Graph, roots: list[str]) -> set[str]:
    """Follow effects. Behind an invocation of a batch, only what speaks of this trail's messages or correlation ids,
    where that is told.
    """
    known = {key for root in roots for key in _telling(graph, root)}
    seen: set[str] = set()
    pending = list(roots)
    while pending:
        node_id = pending.pop()
        if node_id in seen:
            continue
        seen.add(node_id)
        batch = _is_batch(graph, node_id)
        if not batch:
            known |= _telling(graph, node_id)
        for edge in graph.effects.get(node_id, []):
            theirs = graph.nodes.context.get(edge.effect) or _telling(graph, edge.effect, "correlation_id")
            if not (batch and known and theirs and known.isdisjoint(theirs)):
                pending.append(edge.effect)
    return seen


def _telling(graph: Graph, node_id: str, *kinds: str) -> set[tuple[str, str]]:
    """The keys of a node that tell whose trail it is on."""
    wanted = kinds or ("correlation_id", *CARRIED_KINDS)
    return {(key.kind, key.value) for key in graph.nodes.keys.get(node_id, set()) if key.kind in wanted}


def _is_batch(graph: Graph, node_id: str) -> bool:
    return sum(edge.kind in ("delivers", "redelivers") for edge in graph.causes.get(node_id, [])) > 1


def _status(nodes: list[Node]) -> TrailStatus:
    if any(node.status in ("error", "timeout", "out_of_memory", "throttled") for node in nodes):
        return "error"
    return "open" if any(node.status == "open" for node in nodes) else "ok"
