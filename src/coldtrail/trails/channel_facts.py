"""What certain edges show of one channel: how long its effects take, whether they keep the order, how often they are retried."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from msgspec import Struct, field, structs

from coldtrail.model.trails import Edge, EdgeKind
from coldtrail.trails.nodes import Nodes

Carrier = Literal["call", "queue", "stream", "bus"]

MOST_KNOWN = 500
LEAST_OVERTAKING = 20
"""Pairs that could have overtaken one another tell whether they do."""

OVERTAKING = 0.1
"""Order is kept where no more effects than this come before those of earlier causes."""

SAME_MS = 1.0
MOST_MESSAGES = 2_000
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
        return structs.replace(
            self,
            ordered=self.ordered and other.ordered,
            known_ms=(self.known_ms + other.known_ms)[:MOST_KNOWN],
            known_at_ms=(self.known_at_ms + other.known_at_ms)[:MOST_KNOWN],
        )

    def with_older(self, other: Channel | None) -> Channel:
        """This, with what another knew of delays before: the newest of both, each once, in lists of their own.

        A trail is told again as more of it comes; what is counted twice would say that nothing overtakes.
        """
        known = set(zip(self.known_at_ms, self.known_ms, strict=True))
        if other:
            known.update(zip(other.known_at_ms, other.known_ms, strict=True))
        newest = sorted(known)[-MOST_KNOWN:]
        return structs.replace(self, known_ms=[took for _, took in newest], known_at_ms=[at for at, _ in newest])

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


class Told(Struct, frozen=True):
    """The certain deliveries of one message to one function: how many, how many of them again, whether none went through,
    and when the first began and the last ended, Unix ns.
    """

    deliveries: int
    again: int
    in_vain: bool
    first_ns: int
    last_ns: int


class Served(Struct):
    """What certain deliveries to a function show, by message, so that one that is told again is counted once."""

    by_message: dict[str, Told] = field(default_factory=dict)

    def add(self, other: Served) -> None:
        """Take in what was learned elsewhere: of a message, that which knows of more deliveries."""
        for message, told in other.by_message.items():
            known = self.by_message.pop(message, told)
            self.by_message[message] = told if told.deliveries >= known.deliveries else known
        for message in list(self.by_message)[: max(0, len(self.by_message) - MOST_MESSAGES)]:
            del self.by_message[message]

    @property
    def again(self) -> float:
        """Which share of the deliveries were not the first."""
        told = self.by_message.values()
        return sum(one.again for one in told) / max(1, sum(one.deliveries for one in told))

    @property
    def tries(self) -> int:
        """After how many in vain a message was given up, at the least; 0 where none was.

        One after which no other was taken yet may be tried again.
        """
        newest_ns = max((one.first_ns for one in self.by_message.values()), default=0)
        given_up = (one.deliveries for one in self.by_message.values() if one.in_vain and one.last_ns <= newest_ns)
        return min(given_up, default=0)


def served_of(nodes: Nodes, edges: list[Edge]) -> dict[str, Served]:
    """Return how often each message was delivered to each function, and how that went."""
    found: dict[str, Served] = {}
    for edge in edges:
        if edge.kind not in ("delivers", "redelivers") or edge.confidence < 1.0:
            continue
        taker = nodes.by_id[edge.effect]
        by_message = found.setdefault(taker.service, Served()).by_message
        known = by_message.get(edge.cause, _NOT_YET)
        by_message[edge.cause] = Told(
            known.deliveries + 1,
            known.again + (edge.kind == "redelivers"),
            known.in_vain and taker.status not in ("ok", "open"),
            min(known.first_ns or taker.start_ns, taker.start_ns),
            max(known.last_ns, taker.end_ns or taker.start_ns),
        )
    return found


_NOT_YET = Told(0, 0, True, 0, 0)
