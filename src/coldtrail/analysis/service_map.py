"""One map from what roll-ups tell: functions, services, resources, and who called, sent to or took from whom. Pure.

A host that a client's span names is the service behind it where a server's span below says so, a queue between two services
stands between them, and what times alone told is an edge only where nothing certain is.
"""

from __future__ import annotations

from msgspec import Struct, structs

from coldtrail.services.naming import CARRIES, MESSAGE_KINDS
from coldtrail.store.service_map import Called, Carried, Guessed, Hop, Worked

MOST_NODES = 2_000
MOST_EDGES = 6_000


class MapNode(Struct):
    """A thing on the map. ``kind``: `function`, `api`, `service`, what a resource carries (`queue`, ...), `database`,
    `messaging`, `aws` or `external`. ``source``: the id of the managed service, "" for the others."""

    id: str
    kind: str
    source: str
    name: str
    group: str = ""
    is_entry: bool = False
    count: int = 0
    error_count: int = 0
    p95_ms: float | None = None
    cold_start_count: int | None = None
    wait_p50_ms: float | None = None
    wait_p95_ms: float | None = None


class MapEdge(Struct):
    """From cause to effect. ``evidence``: `span`, `message` or `timing`; ``estimated``: counted in a part that a hash picked."""

    cause: str
    effect: str
    kind: str
    count: int = 0
    error_count: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    wait_p50_ms: float | None = None
    wait_p95_ms: float | None = None
    evidence: str = "span"
    confidence: float = 1.0
    estimated: bool = False


class Told(Struct):
    """What roll-ups tell of one range. ``hop_scale``, ``carried_scale``: how many times more there were of each."""

    worked: list[Worked]
    calls: list[Called]
    hops: list[Hop]
    carried: list[Carried]
    guessed: list[Guessed]
    entry_services: dict[str, int]
    tags: dict[str, str]
    hop_scale: float = 1.0
    carried_scale: float = 1.0


class ServiceMap(Struct):
    """The map; ``left_out``: nodes beyond `MOST_NODES`, the quietest."""

    nodes: list[MapNode]
    edges: list[MapEdge]
    left_out: int


class _Drawing:
    def __init__(self, told: Told) -> None:
        self.told = told
        self.nodes: dict[str, MapNode] = {}
        self.edges: dict[tuple[str, str], MapEdge] = {}
        self.functions = {one.name for one in told.worked if one.is_function}

    def service(self, name: str) -> MapNode:
        """The node of a service or function."""
        found = self.nodes.get(f"service/{name}")
        if found is None:
            is_entry = name in self.told.entry_services
            kind = "function" if name in self.functions else "api" if is_entry else "service"
            found = MapNode(f"service/{name}", kind, "", name, self.told.tags.get(name, ""), is_entry)
            self.nodes[found.id] = found
        return found

    def resource(self, kind: str, name: str) -> MapNode:
        """The node of what was called; a function that was invoked is the function's."""
        if kind == "lambda":
            node = self.service(name)
            node.kind = "function"
            return node
        found = self.nodes.get(f"{kind}/{name}")
        if found is None:
            found = MapNode(f"{kind}/{name}", CARRIES.get(kind, kind), kind if kind in CARRIES else "", name)
            self.nodes[found.id] = found
        return found

    def edge(self, cause: MapNode, effect: MapNode, kind: str) -> MapEdge:
        """The edge between two nodes; the first kind that is told of it stays."""
        key = cause.id, effect.id
        return self.edges.setdefault(key, MapEdge(cause.id, effect.id, kind))


def _longer(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else max(one, other)


def draw(told: Told) -> ServiceMap:
    """Return the map of a range."""
    drawing = _Drawing(told)
    for work in told.worked:
        node = drawing.service(work.name)
        node.count, node.error_count, node.p95_ms = work.count, work.error_count, work.p95_ms
        node.cold_start_count = work.cold_start_count if work.is_function else None
    behind = _add_hops(drawing)
    for call in told.calls:
        _add_call(drawing, call, behind)
    for one in told.carried:
        _add_carried(drawing, one)
    for guess in told.guessed:
        _add_guess(drawing, guess)
    _take_groups(drawing)
    return _bounded(drawing)


def _add_hops(drawing: _Drawing) -> dict[tuple[str, str, str], int]:
    """Draw the direct calls; return how many calls of a (caller, kind, peer) are known by who answered them."""
    scale = drawing.told.hop_scale
    behind: dict[tuple[str, str, str], int] = {}
    for hop in drawing.told.hops:
        count = round(hop.count * scale)
        key = hop.caller, hop.peer_kind, hop.peer
        behind[key] = behind.get(key, 0) + count
        if hop.peer_kind == "lambda":
            continue  # the call itself names its function
        edge = drawing.edge(drawing.service(hop.caller), drawing.service(hop.callee), "calls")
        edge.count += count
        edge.error_count += round(hop.error_count * scale)
        edge.p50_ms, edge.p95_ms = _longer(edge.p50_ms, hop.p50_ms), _longer(edge.p95_ms, hop.p95_ms)
        edge.estimated = scale > 1
    return behind


def _add_call(drawing: _Drawing, call: Called, behind: dict[tuple[str, str, str], int]) -> None:
    known = behind.get((call.service, call.kind, call.name), 0) if call.kind == "external" else 0
    count = max(0, call.count - known)
    # A host whose calls are mostly known by who answered them is that service, though a few answers were not seen.
    if call.kind == "external" and count <= call.count // 2:
        return
    caller, node = drawing.service(call.service), drawing.resource(call.kind, call.name)
    if caller.id == node.id:
        return
    if not node.id.startswith("service/") and not call.taking:
        node.count += count
        node.error_count += call.error_count
        node.p95_ms = _longer(node.p95_ms, call.p95_ms)
    if not call.count:  # only log lines name it
        return
    kind = "delivers" if call.taking else "sends" if call.kind in MESSAGE_KINDS else "calls"
    edge = drawing.edge(node, caller, kind) if call.taking else drawing.edge(caller, node, kind)
    edge.count += count
    edge.error_count += call.error_count
    edge.p50_ms, edge.p95_ms = _longer(edge.p50_ms, call.p50_ms), _longer(edge.p95_ms, call.p95_ms)


def _add_carried(drawing: _Drawing, one: Carried) -> None:
    count = round(one.count * drawing.told.carried_scale)
    sent_on = drawing.resource(*one.sent_on) if one.sent_on[1] else None
    taken_from = drawing.resource(*one.taken_from) if one.taken_from[1] else None
    sender = drawing.service(one.sender) if one.sender else None
    taker = drawing.service(one.taker) if one.taker else None
    if sender and sent_on and (sender.id, sent_on.id) not in drawing.edges:
        _add_messages(drawing, sender, sent_on, "sends", count)
    if sent_on and taken_from and sent_on.id != taken_from.id:
        _add_messages(drawing, sent_on, taken_from, "delivers", count)
    if taker and taken_from:
        edge = drawing.edges.get((taken_from.id, taker.id))
        if edge is None or edge.evidence == "message":
            edge = _add_messages(drawing, taken_from, taker, "delivers", count)
        _add_waits(edge, taken_from, one)
    elif taker and sender and sender.id != taker.id:
        _add_waits(_add_messages(drawing, sender, taker, "sends", count), None, one)


def _add_messages(drawing: _Drawing, cause: MapNode, effect: MapNode, kind: str, count: int) -> MapEdge:
    edge = drawing.edge(cause, effect, kind)
    if not edge.count:
        edge.evidence = "message"
    edge.count += count
    edge.estimated = edge.estimated or drawing.told.carried_scale > 1
    return edge


def _add_waits(edge: MapEdge, node: MapNode | None, one: Carried) -> None:
    for at in (edge, node):
        if at is not None:
            at.wait_p50_ms = _longer(at.wait_p50_ms, one.wait_p50_ms)
            at.wait_p95_ms = _longer(at.wait_p95_ms, one.wait_p95_ms)


def _add_guess(drawing: _Drawing, guess: Guessed) -> None:
    cause, effect = drawing.service(guess.cause), drawing.service(guess.effect)
    if (cause.id, effect.id) in drawing.edges or _through(drawing, cause.id, effect.id):
        return
    edge = drawing.edge(cause, effect, guess.kind)
    edge.count, edge.evidence, edge.confidence = guess.count, "timing", guess.confidence


def _through(drawing: _Drawing, cause: str, effect: str) -> bool:
    """Whether something stands between the two that is certain."""
    return any((middle, effect) in drawing.edges for start, middle in drawing.edges if start == cause)


def _take_groups(drawing: _Drawing) -> None:
    """A resource belongs to the application that uses it most."""
    used: dict[str, dict[str, int]] = {}
    for edge in drawing.edges.values():
        for mine, other in ((edge.cause, edge.effect), (edge.effect, edge.cause)):
            if (group := drawing.nodes[other].group) and other.startswith("service/"):
                counts = used.setdefault(mine, {})
                counts[group] = counts.get(group, 0) + edge.count + 1
    for node_id, counts in used.items():
        node = drawing.nodes[node_id]
        if not node.group and not node_id.startswith("service/"):
            node.group = max(sorted(counts), key=lambda group: counts[group])


def _bounded(drawing: _Drawing) -> ServiceMap:
    busiest = sorted(drawing.nodes.values(), key=lambda node: (-node.count, node.id))
    kept = {node.id for node in busiest[:MOST_NODES]}
    edges = sorted(drawing.edges.values(), key=lambda edge: (-edge.count, edge.cause, edge.effect))
    inside = [edge for edge in edges if edge.cause in kept and edge.effect in kept][:MOST_EDGES]
    nodes = [structs.replace(node) for node in busiest if node.id in kept]
    return ServiceMap(nodes, inside, len(busiest) - len(nodes))
