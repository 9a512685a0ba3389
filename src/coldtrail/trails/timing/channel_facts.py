"""What certain edges show of one channel: how long its effects take, whether they keep the order, how often they are retried."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from msgspec import Struct, field, structs

from coldtrail.model.trails import Edge, EdgeKind
from coldtrail.trails.nodes.of_signals import Nodes

Carrier = Literal["call", "queue", "stream", "bus"]

MOST_KNOWN = 500
LEAST_OVERTAKING = 20
"""Pairs that could have overtaken one another tell whether they do."""

OVERTAKING = 0.1
"""Order is kept where no more effects than this come before those of earlier causes."""

SAME_MS = 1.0
NEVER = 1_000_000
"""So many tries no message has."""


class Channel(Struct):
    """A way from causes to the invocations of ``service``. ``within``: the cause waits for its effect's end.

    ``known_ms``: how long certain effects took to come; ``known_at_ms``: when their causes were, Unix ms, likewise.
    """

    service: str
    kind: EdgeKind
    carrier: Carrier
    within: bool = False
    ordered: bool = False
    known_ms: list[float] = field(default_factory=list)
    known_at_ms: list[float] = field(default_factory=list)

    def merged(self, other: Channel) -> Channel:
        """Both as one: causes of several kinds that lead to the same function."""
        if other is self or other.known_ms is self.known_ms:
            return self
        return Channel(
            self.service,
            self.kind,
            self.carrier,
            self.within,
            self.ordered and other.ordered,
            (self.known_ms + other.known_ms)[:MOST_KNOWN],
            (self.known_at_ms + other.known_at_ms)[:MOST_KNOWN],
        )

    def with_older(self, other: Channel | None) -> Channel:
        """This, with what another knew of delays before: the newest of both, in lists of their own."""
        known_ms, known_at_ms = (other.known_ms, other.known_at_ms) if other else ([], [])
        return structs.replace(
            self,
            known_ms=(known_ms + self.known_ms)[-MOST_KNOWN:],
            known_at_ms=(known_at_ms + self.known_at_ms)[-MOST_KNOWN:],
        )

    @property
    def overtaking(self) -> float:
        """Which share of the certain effects that could have come before an earlier cause's did so; 0 where few could."""
        pairs = sorted(zip(self.known_at_ms, self.known_ms, strict=True))
        could = [(at + took, after + later) for (at, took), (after, later) in pairwise(pairs) if after < at + took]
        overtook = sum(first > second + SAME_MS for first, second in could)
        return overtook / len(could) if len(could) >= LEAST_OVERTAKING else 0.0

    @property
    def keeps_order(self) -> bool:
        """Whether effects come in the order of their causes: by its name, or as certain ones did that could have not."""
        pairs = sorted(zip(self.known_at_ms, self.known_ms, strict=True))
        could = sum(after < at + took for (at, took), (after, _) in pairwise(pairs))
        return self.ordered or (could >= LEAST_OVERTAKING and self.overtaking <= OVERTAKING)


class Served(Struct):
    """What certain deliveries to a function show: how many there were, and how many of them came again.

    ``tries``: after how many in vain a message was given up, at the least; 0 where none was.
    """

    deliveries: int = 0
    again: int = 0
    tries: int = 0

    def merged(self, other: Served) -> Served:
        """Both together."""
        tries = min(self.tries, other.tries) or max(self.tries, other.tries)
        return Served(self.deliveries + other.deliveries, self.again + other.again, tries)


def served_of(nodes: Nodes, edges: list[Edge]) -> dict[str, Served]:
    """Return how often messages were delivered to each function, and after how many tries they were given up."""
    found: dict[str, Served] = {}
    in_vain: dict[tuple[str, str], int] = {}
    for edge in edges:
        if edge.kind not in ("delivers", "redelivers") or edge.confidence < 1.0:
            continue
        taker = nodes.by_id[edge.effect]
        served = found.setdefault(taker.service, Served())
        served.deliveries += 1
        served.again += edge.kind == "redelivers"
        tries = in_vain.get((edge.cause, taker.service), 0)
        in_vain[edge.cause, taker.service] = NEVER if taker.status in ("ok", "open") else tries + 1
    for (_, service), tries in in_vain.items():
        if tries < NEVER:
            found[service].tries = min(tries, found[service].tries or NEVER)
    return found
