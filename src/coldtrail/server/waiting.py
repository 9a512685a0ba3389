"""Units of which something new was received, and which of them to look at next."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice, takewhile

from coldtrail.store.summaries import Received, Unit

MOST_UNITS = 20_000
"""Changed units that may wait; beyond it the oldest are left to be walked when read."""

BATCH_UNITS = 400
"""Units whose trails are read and assembled together: the engine is asked as often for hundreds as for one."""

FRESH_UNITS = 100
"""Of more than one batch, so many of the newest are looked at in every pass: the first pages of a list show no others."""

SETTLED_S = 4.0
"""The others once nothing new was received of them for so long: a trail's spans, segments and lines come seconds apart,
and each look at it costs as much as the first."""


class Waiting:
    """Changed units, the newest change last. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._units: dict[str, tuple[Unit, float]] = {}
        self._told: dict[tuple[str, int], int] = {}

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._units)

    def add_received(self, newest_first: list[Received], now_s: float) -> None:
        """Let units wait of which more was received; what one second brought is told again with all that came in it."""
        new = [one for one in newest_first if self._told.get((one.unit.name, one.received_s)) != one.keys]
        self.add((one.unit for one in new), now_s)
        self._told |= {(one.unit.name, one.received_s): one.keys for one in new}
        for key in list(islice(self._told, max(0, len(self._told) - MOST_UNITS))):
            del self._told[key]

    def add(self, newest_first: Iterable[Unit], now_s: float) -> None:
        """Let units wait that changed; one that waits already changed again."""
        for unit in reversed(list(newest_first)):
            self._units.pop(unit.name, None)
            self._units[unit.name] = (unit, now_s)
        for name in list(islice(self._units, max(0, len(self._units) - MOST_UNITS))):
            del self._units[name]

    def first(self, *, loading: bool = True) -> list[Unit]:
        """Return what a pass looks at first: all, where they are few, else the newest, and few of them while more comes."""
        most = FRESH_UNITS if loading and len(self._units) > BATCH_UNITS else BATCH_UNITS
        return [unit for unit, _ in islice(reversed(self._units.values()), most)]

    def settled(self, now_s: float) -> list[Unit]:
        """Return a batch of those that did not change lately, those first that wait longest."""
        due = takewhile(lambda one: one[1] + SETTLED_S <= now_s, self._units.values())
        return [unit for unit, _ in islice(due, BATCH_UNITS)]

    def done(self, names: Iterable[str]) -> None:
        """Forget units that were looked at, by the names under which their trails list them."""
        for name in names:
            self._units.pop(name, None)
