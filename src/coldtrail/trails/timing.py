"""Edges by timing, where no key is left: the weakest evidence, weighed against everything else that could be.

Whose effect a function's invocations can be has to be told: by certain edges of the same channel, by a call that names
the function, or by a resource that the call names and the function is known to consume. Only then do times decide
which belongs to which. A node that has a cause is never joined again. See `matching` for how, and for its sources.
"""

from __future__ import annotations

from msgspec import Struct, field

from coldtrail.model.trails import Edge, EdgeKind, Node, Wait, WaitKind
from coldtrail.trails.channels import Channel, Channels, channels_of
from coldtrail.trails.joins import Joins
from coldtrail.trails.matching import Delay, Order, Question, Times, match
from coldtrail.trails.nodes import Nodes

MOST_CONFIDENCE = 0.97
LEAST_CONFIDENCE = 0.3
MOST_EFFECTS = 256
"""Effects of one question; more are asked one stretch of time after another."""

MOST_CAUSES = 1_024
BATCH = 10
"""How many messages an invocation may take where nothing tells: the default of SQS (AWS Lambda Developer Guide)."""

_USUAL: dict[str, tuple[Delay, float]] = {
    "call": (Delay(5.0, 1.2), 60_000.0),
    "bus": (Delay(60.0, 1.2), 60_000.0),
    "queue": (Delay(100.0, 1.5), 300_000.0),
    "stream": (Delay(300.0, 1.2), 300_000.0),
}
"""What delays are before any was seen, and how long at most, by what carries the cause to its effect."""


class Timing(Struct, frozen=True):
    """Which kinds of edges may be inferred from times, and what was inferred before from more signals than these."""

    kinds: frozenset[EdgeKind] = frozenset({"calls", "triggers", "delivers"})
    known: tuple[Edge, ...] = ()


class _Side(Struct):
    """What is joined in one question."""

    channel: Channel
    causes: list[Node] = field(default_factory=list)


def join_by_time(nodes: Nodes, joins: Joins, timing: Timing) -> None:
    """Add the edges that times tell. Cheap where no invocation is without a cause."""
    certain = set(joins.caused)
    for edge in timing.known:
        if edge.effect not in certain and edge.cause in nodes.by_id and edge.effect in nodes.by_id:
            joins.add(edge.cause, edge.effect, edge.kind, "timing", edge.confidence, edge.waits)
    effects = _without_cause(nodes, joins)
    if not effects or not timing.kinds:
        return
    channels = channels_of(nodes, joins)
    sides = _sides(nodes, joins, channels, set(effects))
    for (_, service), side in sorted(sides.items()):
        if side.channel.kind in timing.kinds:
            left = [node for node in effects[service] if node.node_id not in joins.caused]
            _ask(joins, side, left, channels.batches.get(service, 0))


def _without_cause(nodes: Nodes, joins: Joins) -> dict[str, list[Node]]:
    """Invocations and requests that came from somewhere, by service; first attempts only."""
    later = {node_id for attempts in nodes.attempts.values() for node_id in attempts[1:]}
    found: dict[str, list[Node]] = {}
    for node_id, node in nodes.by_id.items():
        if node.kind in ("invocation", "request") and node_id not in joins.caused and node_id not in later:
            found.setdefault(node.service, []).append(node)
    for group in found.values():
        group.sort(key=lambda node: (node.start_ns, node.node_id))
    return found


def _sides(nodes: Nodes, joins: Joins, channels: Channels, services: set[str]) -> dict[tuple[int, str], _Side]:
    """Causes that have no effect in a service to which their channel leads; calls that were waited for come first."""
    led = {(edge.cause, nodes.by_id[edge.effect].service) for edge in joins.found.values()}
    led |= {
        (giver, nodes.by_id[taker].service)
        for message, givers in nodes.givers.items()
        for taker in nodes.takers[message]
        for giver in givers
    }
    found: dict[tuple[int, str], _Side] = {}
    for node_id, node in nodes.by_id.items():
        for channel in channels.of(nodes, node):
            if channel.service in services and (node_id, channel.service) not in led:
                rank = 0 if channel.within else 1
                side = found.setdefault((rank, channel.service), _Side(channel))
                side.channel = side.channel.merged(channel)
                side.causes.append(node)
    return found


def _ask(joins: Joins, side: _Side, effects: list[Node], batch: int) -> None:
    """Ask which cause each effect has, one stretch after another."""
    usual, horizon_ms = _USUAL[side.channel.carrier]
    known = side.channel.known_ms
    if known:
        horizon_ms = max(1_000.0, 4 * max(known))
    carried = side.channel.carrier in ("queue", "stream")
    order: Order = "kept" if side.channel.ordered else "usual" if carried else "any"
    causes = sorted(side.causes, key=lambda node: (node.start_ns, node.node_id))
    for first in range(0, len(effects), MOST_EFFECTS):
        some = effects[first : first + MOST_EFFECTS]
        since_ns, until_ns = some[0].start_ns - int(horizon_ms * 1e6), some[-1].start_ns + 5_000_000
        asked = [node for node in causes if since_ns <= node.start_ns <= until_ns][-MOST_CAUSES:]
        capacity = batch or (BATCH if carried and len(asked) > 1.2 * len(some) else 1)
        question = Question(
            [_times(node, some[0].start_ns) for node in asked],
            [_times(node, some[0].start_ns) for node in some],
            usual,
            known,
            horizon_ms,
            side.channel.within,
            order,
            capacity if carried else 1,
        )
        used = set()
        for one in match(question):
            if one.confidence >= LEAST_CONFIDENCE:
                used.add(asked[one.cause].node_id)
                _join(joins, side.channel, asked[one.cause], some[one.effect], one.confidence)
        causes = [node for node in causes if node.node_id not in used]


def _times(node: Node, zero_ns: int) -> Times:
    end = None if node.end_ns is None else (node.end_ns - zero_ns) / 1e6
    return Times((node.start_ns - zero_ns) / 1e6, end)


def _join(joins: Joins, channel: Channel, cause: Node, effect: Node, confidence: float) -> None:
    kind: EdgeKind = "delivers" if cause.kind == "message" else channel.kind
    waits: tuple[Wait, ...] = ()
    if channel.carrier != "call":
        carrier: WaitKind = channel.carrier
        waits = (Wait(carrier, max(0.0, (effect.start_ns - cause.start_ns) / 1e6)),)
    joins.add(cause.node_id, effect.node_id, kind, "timing", round(min(MOST_CONFIDENCE, confidence), 3), waits)
