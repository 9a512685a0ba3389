"""Stretches of time in which trails begin without a cause, and whether anything there still lacks one."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec import Struct, field

from coldtrail.model.trails import Node
from coldtrail.trails.walk import When

STRETCH_NS = 30 * 10**9

LONGEST_NEWS = 2
"""What happens in a stretch may have led to something in it and in so many after it: causes are looked for a minute back."""

MOST_ASKS = 4
"""So often a stretch is asked about because of late news; each time it waits twice as long for more of it."""

LONGEST_HELD_S = 300.0
"""However much waits to be looked at, a stretch that is open for so long is asked about once nothing new was seen of it."""

MOST_ASKED = 2_000
AGAIN_S = 5.0

MOST_OPEN = 50_000
"""Origins without a cause that are remembered, waiting and asked ones alike."""

_Sight = tuple[int, int | None, int]
"""What is seen of a node: start, end, and how many signals speak of it."""


class _Open(Struct):
    """One stretch: its origins without a cause and their services, since when it is open and when the last news of it came
    (monotonic seconds), how much longer than others it waits for more, and whom it was asked about before.
    """

    services: dict[str, str] = field(default_factory=dict)
    opened_s: float = 0.0
    noted_s: float = 0.0
    longer_s: float = 0.0
    before: frozenset[str] = frozenset()

    @property
    def settles_s(self) -> float:
        """As if the last news had come so much later."""
        return self.noted_s + self.longer_s


class _Asked(Struct):
    """How often a stretch was asked about, and the services of its origins."""

    times: int = 0
    services: frozenset[str] = frozenset()


class Stretches:
    """Origins wait for a cause in the stretch in which they start. One that was asked about waits again once more is told of it,
    and so does a whole stretch that was asked about, with those in whose reach it lies.
    """

    def __init__(self) -> None:
        self._open: dict[int, _Open] = {}
        self._where: dict[str, int] = {}
        self._seen: dict[str, _Sight] = {}
        self._asked: dict[int, _Asked] = {}

    def open(self, origin: Node, now_s: float) -> None:
        """Remember an origin that lacks a cause."""
        sight = (origin.start_ns, origin.end_ns, origin.signals)
        if self._seen.get(origin.node_id) == sight or len(self._where) >= MOST_OPEN:
            return
        stretch = origin.start_ns // STRETCH_NS
        if self._where.get(origin.node_id, stretch) != stretch:
            self._forget(origin.node_id)
        self._where[origin.node_id] = stretch
        self._news_of(stretch, now_s).services[origin.node_id] = origin.service
        if len(self._seen) >= MOST_OPEN:
            self._seen.clear()
        self._seen[origin.node_id] = sight

    def _news_of(self, stretch: int, now_s: float) -> _Open:
        """Open a stretch, or have it wait longer."""
        asked = self._asked.get(stretch, _Asked())
        longer_s = AGAIN_S * (2 ** min(asked.times, MOST_ASKS - 1) - 1)
        one = self._open.setdefault(stretch, _Open(opened_s=now_s, longer_s=longer_s, before=asked.services))
        one.noted_s = now_s
        return one

    def still_told_of(self, starts_ns: Iterable[int], now_s: float) -> None:
        """Note that there is news of trails that start at these times: their stretches have not settled."""
        for stretch in {start_ns // STRETCH_NS for start_ns in starts_ns} & self._open.keys():
            self._open[stretch].noted_s = now_s

    def still_waits(self, times: Iterable[When], now_s: float) -> None:
        """Note that signals of these times wait to be looked at: the stretches that they may tell of have not settled."""
        if not self._open:
            return
        spans = {(first_ns // STRETCH_NS, last_ns // STRETCH_NS + LONGEST_NEWS) for first_ns, last_ns in times}
        for stretch, one in self._open.items():
            if now_s < one.opened_s + LONGEST_HELD_S and any(first <= stretch <= last for first, last in spans):
                one.noted_s = now_s

    def late(self, starts_ns: Iterable[int], now_s: float) -> None:
        """Note that something was received which begins at these times: what was asked with less is asked about again."""
        told = {start_ns // STRETCH_NS for start_ns in starts_ns}
        for stretch in {one + more for one in told for more in range(LONGEST_NEWS + 1)} & self._asked.keys():
            if stretch in self._open or self._asked[stretch].times < MOST_ASKS:
                self._news_of(stretch, now_s)

    @property
    def any_asked(self) -> bool:
        """Whether any was asked about yet."""
        return bool(self._asked)

    def close(self, caused: Collection[str]) -> None:
        """Forget origins that have a cause by now."""
        for node_id in self._where.keys() & caused:
            self._forget(node_id)

    def _forget(self, node_id: str) -> None:
        stretch = self._where.pop(node_id)
        one = self._open[stretch]
        del one.services[node_id]
        if not one.services and not one.before:
            del self._open[stretch]

    def oldest_s(self) -> float | None:
        """Return when the stretch that settles first was last noted, as `take` counts; None where none waits."""
        return min((one.settles_s for one in self._open.values()), default=None)

    def take(self, noted_before_s: float) -> tuple[int, set[str]] | None:
        """Return the latest stretch that was not noted since, and the services of its origins; it waits no longer."""
        settled = [stretch for stretch, one in self._open.items() if one.settles_s <= noted_before_s]
        if not settled:
            return None
        stretch = max(settled)
        one = self._open.pop(stretch)
        for node_id in one.services:
            del self._where[node_id]
        services = one.before.union(one.services.values())
        self._asked[stretch] = _Asked(self._asked.pop(stretch, _Asked()).times + 1, services)
        if len(self._asked) > MOST_ASKED:
            del self._asked[next(iter(self._asked))]
        return stretch, set(services)
