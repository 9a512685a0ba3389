"""Stretches of time in which trails begin without a cause, and whether anything there still lacks one."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec import Struct, field

from coldtrail.model.trails import Node

STRETCH_NS = 30 * 10**9

MOST_OPEN = 50_000
"""Origins without a cause that are remembered, waiting and asked ones alike."""

_Sight = tuple[int, int | None, int]
"""What is seen of a node: start, end, and how many signals speak of it."""


class _Open(Struct):
    """One stretch: its origins without a cause and their services, and when the last was noted (monotonic seconds)."""

    services: dict[str, str] = field(default_factory=dict)
    noted_s: float = 0.0


class Stretches:
    """Origins wait for a cause in the stretch in which they start. One that was asked about waits again once more is told of it."""

    def __init__(self) -> None:
        self._open: dict[int, _Open] = {}
        self._where: dict[str, int] = {}
        self._asked: dict[str, _Sight] = {}

    def open(self, origin: Node, now_s: float) -> None:
        """Remember an origin that lacks a cause."""
        sight = (origin.start_ns, origin.end_ns, origin.signals)
        if self._asked.get(origin.node_id) == sight or len(self._where) >= MOST_OPEN:
            return
        stretch = origin.start_ns // STRETCH_NS
        if self._where.get(origin.node_id, stretch) != stretch:
            self._forget(origin.node_id)
        self._where[origin.node_id] = stretch
        one = self._open.setdefault(stretch, _Open())
        one.services[origin.node_id] = origin.service
        one.noted_s = now_s
        if len(self._asked) >= MOST_OPEN:
            self._asked.clear()
        self._asked[origin.node_id] = sight

    def still_told_of(self, starts_ns: Iterable[int], now_s: float) -> None:
        """Note that there is news of trails that start at these times: their stretches have not settled."""
        for stretch in {start_ns // STRETCH_NS for start_ns in starts_ns} & self._open.keys():
            self._open[stretch].noted_s = now_s

    def close(self, caused: Collection[str]) -> None:
        """Forget origins that have a cause by now."""
        for node_id in self._where.keys() & caused:
            self._forget(node_id)

    def _forget(self, node_id: str) -> None:
        stretch = self._where.pop(node_id)
        one = self._open[stretch]
        del one.services[node_id]
        if not one.services:
            del self._open[stretch]

    def oldest_s(self) -> float | None:
        """Return when the stretch that waits longest was last noted; None where none waits."""
        return min((one.noted_s for one in self._open.values()), default=None)

    def take(self, noted_before_s: float) -> tuple[int, set[str]] | None:
        """Return the latest stretch that was not noted since, and the services of its origins; it waits no longer."""
        settled = [stretch for stretch, one in self._open.items() if one.noted_s <= noted_before_s]
        if not settled:
            return None
        stretch = max(settled)
        services = self._open.pop(stretch).services
        for node_id in services:
            del self._where[node_id]
        return stretch, set(services.values())
