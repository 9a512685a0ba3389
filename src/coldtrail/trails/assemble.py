"""Nodes and edges to trails: everything that followed from one origin, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, structs

from coldtrail.model.signals import Log, Span
from coldtrail.model.trails import FAILED, Edge, Node, Trail, TrailStatus
from coldtrail.trails.edges.by_evidence import build_edges
from coldtrail.trails.nodes.batches import Told, is_batch, tell_steps_apart
from coldtrail.trails.nodes.carried import Carried
from coldtrail.trails.nodes.messages import add_messages
from coldtrail.trails.nodes.notes import CARRIED_KINDS
from coldtrail.trails.nodes.of_signals import Nodes, build_nodes
from coldtrail.trails.nodes.partial_failures import partial_failures
from coldtrail.trails.nodes.sources import place_words
from coldtrail.trails.story.critical_path import CriticalPath, critical_path
from coldtrail.trails.story.hold_ups import hold_ups
from coldtrail.trails.story.sentences import Besides, story
from coldtrail.trails.story.shows_elsewhere import touches
from coldtrail.trails.story.waits import set_waits, waits_of
from coldtrail.trails.timing.edges import Timing

NOT_BY_TIME = Timing(frozenset())
_TELLING = frozenset(("correlation_id", *CARRIED_KINDS))


class Graph(Struct):
    """All nodes and edges of some signals; trails overlap in it. ``by_trace``: trace id to its nodes in order of start."""

    nodes: Nodes
    edges: list[Edge]
    effects: dict[str, list[Edge]]
    causes: dict[str, list[Edge]]
    by_trace: dict[str, list[str]]


def build_graph(
    spans: list[Span], logs: list[Log], timing: Timing = NOT_BY_TIME, carried: Carried | None = None
) -> Graph:
    """Reconstruct what the signals tell; ``timing`` says which edges times may tell. Their order does not matter."""
    nodes = build_nodes(spans, logs, carried)
    add_messages(nodes)
    edges = build_edges(nodes, timing)
    effects: dict[str, list[Edge]] = {}
    causes: dict[str, list[Edge]] = {}
    for edge in edges:
        effects.setdefault(edge.cause, []).append(edge)
        causes.setdefault(edge.effect, []).append(edge)
    set_waits(nodes, effects, causes)
    tell_steps_apart(nodes, effects, causes)
    return Graph(nodes, edges, effects, causes, _by_trace(nodes))


def _by_trace(nodes: Nodes) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for (trace_id, _), node_id in nodes.owner.items():
        found.setdefault(trace_id, set()).add(node_id)
    for node_id, node in nodes.by_id.items():
        named = node.keys.get("trace_id")
        if named:
            found.setdefault(named, set()).add(node_id)
    return {trace_id: _by_start(nodes, node_ids) for trace_id, node_ids in found.items()}


def trail_id_of(graph: Graph, origin: str) -> str:
    """Return the trace id of an origin, or its node id where it has none."""
    return graph.nodes.by_id[origin].keys.get("trace_id") or origin


def trail_ids_of(graph: Graph, node_ids: Iterable[str]) -> list[str]:
    """Return the ids of all trails that contain one of the nodes."""
    wanted = set(node_ids)
    seen, origins = set[str](), set[str]()
    pending = list(wanted)
    while pending:
        node_id = pending.pop()
        if node_id in seen:
            continue
        seen.add(node_id)
        causes = [edge.cause for edge in graph.causes.get(node_id, [])]
        pending += causes
        if not causes:
            origins.add(trail_id_of(graph, node_id))
    trails = [trail for one in sorted(origins) if (trail := select(graph, one, told=False))]
    return [trail.trail_id for trail in trails if any(node.node_id in wanted for node in trail.nodes)]


def assemble(spans: list[Span], logs: list[Log], trail_id: str) -> Trail | None:
    """Return the trail with this id, or the first one that contains the trace or node; None if none does."""
    return select(build_graph(spans, logs), trail_id)


def origins_of(graph: Graph) -> list[str]:
    """Return the ids of all trails in the graph, in order of start; a circle without a beginning is one too."""
    by_id = graph.nodes.by_id
    firsts = [node_id for node_id in by_id if not graph.causes.get(node_id)]
    reached = _reached(graph, firsts)
    for node_id in _by_start(graph.nodes, (one for one in by_id if one not in reached)):
        if node_id not in reached:
            firsts.append(node_id)
            reached |= _reached(graph, [node_id])
    return list({trail_id_of(graph, node_id): None for node_id in _by_start(graph.nodes, firsts)})


def _reached(graph: Graph, firsts: list[str]) -> set[str]:
    seen: set[str] = set()
    pending = list(firsts)
    while pending:
        node_id = pending.pop()
        if node_id not in seen:
            seen.add(node_id)
            pending += [edge.effect for edge in graph.effects.get(node_id, ())]
    return seen


def assemble_all(spans: list[Span], logs: list[Log]) -> list[Trail]:
    """Return one trail per origin, in order of start."""
    graph = build_graph(spans, logs)
    return [trail for trail_id in origins_of(graph) if (trail := select(graph, trail_id))]


def select(graph: Graph, trail_id: str, *, told: bool = True) -> Trail | None:
    """Return the trail of a trail id, trace id or node id; one that is not ``told`` has no critical path and no story."""
    seeds = _seeds(graph, trail_id)
    if not seeds:
        return None
    roots = [node_id for node_id in seeds if not graph.causes.get(node_id)]
    if not roots:
        first = _origins(graph, seeds)[0]
        wanted = trail_id_of(graph, first)
        roots = [node_id for node_id in _seeds(graph, wanted) if not graph.causes.get(node_id)] or [first]
    return _trail(graph, roots, told)


def _by_start(nodes: Nodes, node_ids: Iterable[str]) -> list[str]:
    by_id = nodes.by_id
    return sorted(node_ids, key=lambda node_id: (by_id[node_id].start_ns, node_id))


def _seeds(graph: Graph, trail_id: str) -> list[str]:
    return [trail_id] if trail_id in graph.nodes.by_id else graph.by_trace.get(trail_id, [])


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
    return _by_start(graph.nodes, ends or seen)


def _trail(graph: Graph, roots: list[str], told: bool) -> Trail:
    kept = _followed(graph, roots)
    nodes = [_as_seen(graph, node_id, kept) for node_id in _causal_order(graph, kept)]
    edges = [edge for node in nodes for edge in graph.effects.get(node.node_id, ()) if edge.effect in kept]
    edges.sort(key=lambda edge: (edge.cause, edge.effect))
    path = critical_path(nodes, edges) if told else CriticalPath([], [])
    return Trail(
        trail_id=trail_id_of(graph, nodes[0].node_id),
        status=_status(nodes),
        outcome=None,
        start_ns=min(node.start_ns for node in nodes),
        end_ns=max(node.end_ns if node.end_ns is not None else node.start_ns for node in nodes),
        nodes=nodes,
        edges=edges,
        critical_path=path.path,
        critical_shares=path.shares,
        story=story(nodes, edges, _besides(graph, nodes, edges)) if told else [],
    )


def _besides(graph: Graph, nodes: list[Node], edges: list[Edge]) -> Besides:
    """What is told of a trail by what lies beyond it."""
    return Besides(
        hold_ups(graph.nodes, graph.effects, nodes, edges),
        partial_failures(graph.nodes, graph.effects, nodes, edges),
        touches(graph.nodes, nodes),
        {node.node_id: place_words(graph.nodes, node.node_id) for node in nodes if node.kind == "message"},
    )


def _as_seen(graph: Graph, node_id: str, kept: set[str]) -> Node:
    """A node as one trail sees it: an invocation of a batch waited and was tried for each message on its own."""
    node = graph.nodes.by_id[node_id]
    causes = graph.causes.get(node_id)
    if not is_batch(causes) or causes is None:
        return node
    mine = [edge for edge in causes if edge.cause in kept]
    if len(mine) == len(causes):
        return node
    waits, wait_ms = waits_of(node, mine)
    waits += [wait for wait in node.waits if wait.kind == "downstream"]
    attempt = max((graph.nodes.delivery.get((edge.cause, node_id), 1) for edge in mine), default=node.attempt)
    return structs.replace(node, waits=waits, wait_ms=wait_ms, attempt=attempt)


def _causal_order(graph: Graph, kept: set[str]) -> list[str]:
    """In order of start; among equals a cause comes before its effect; an origin is always first."""
    ordered = _by_start(graph.nodes, kept)
    origin = next((node_id for node_id in ordered if not graph.causes.get(node_id)), ordered[0])
    if ordered[0] != origin:
        ordered.remove(origin)
        ordered.insert(0, origin)
    return ordered


def _followed(graph: Graph, roots: list[str]) -> set[str]:
    """Follow effects. Behind an invocation of a batch, only what speaks of this trail's messages or correlation ids,
    where that is told; what is not known to be this trail's yet is asked again when more of the trail is known.
    """
    known: set[Told] = set()
    seen: set[str] = set()
    pending, undecided = list(roots), list[str]()
    while pending:
        while pending:
            node_id = pending.pop()
            if node_id in seen:
                continue
            seen.add(node_id)
            effects = graph.effects.get(node_id, [])
            if is_batch(graph.causes.get(node_id)):
                undecided += [edge.effect for edge in effects]
            else:
                known |= _telling(graph, node_id)
                known.add(("node", node_id))
                for edge in effects:
                    (undecided if edge.effect in graph.nodes.told else pending).append(edge.effect)
        theirs = {node_id: _theirs(graph, node_id) for node_id in undecided if node_id not in seen}
        mine = {node_id: not told or not known.isdisjoint(told) for node_id, told in theirs.items()}
        pending = [node_id for node_id, decided in mine.items() if decided]
        undecided = [node_id for node_id, decided in mine.items() if not decided]
    return seen


def _theirs(graph: Graph, node_id: str) -> set[Told]:
    """Whose a step of a batch is: the record it came of, else the correlation id that it speaks of."""
    context = graph.nodes.context.get(node_id)
    if context:
        return {one for one in context if one[0] != "correlation_id"} or context
    return {one for one in _telling(graph, node_id) if one[0] == "correlation_id"}


def _telling(graph: Graph, node_id: str) -> set[Told]:
    """The keys of a node that tell whose trail it is on."""
    return {(str(key.kind), key.value) for key in graph.nodes.keys.get(node_id, ()) if key.kind in _TELLING}


def _status(nodes: list[Node]) -> TrailStatus:
    if any(node.status in FAILED for node in nodes):
        return "error"
    return "open" if any(node.status == "open" for node in nodes) else "ok"
