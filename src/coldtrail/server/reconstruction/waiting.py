"""Units of which something new was received, and which of them to look at next."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from msgspec import Struct

from coldtrail.store.trails.summaries import Received, Unit
from coldtrail.trails.walk import When

MOST_UNITS = 20_000
"""Changed units that may wait; beyond it the oldest are left to be walked when read."""

BATCH_UNITS = 400
"""Units whose trails are read and assembled together: the engine is asked as often for hundreds as for one."""

MOST_BATCH_UNITS = 1_200
"""So many where more wait than one batch holds, if the machine is quick enough."""

FRESH_UNITS, FEWEST_UNITS = 60, 20
"""Of more than one batch, or where that costs too much, so many of the newest are looked at in every pass, and so many where
both is the case or a backlog waits: their trails, some ten times as many units, fill the first pages of a list.
"""

SETTLED_S, LONGEST_SETTLED_S = 4.0, 30.0
"""The others once nothing new was received of them for so long: a trail's spans, segments and lines come seconds apart,
and each look at it costs as much as the first. One that was looked at too early waits twice as long the next time.
"""

BACKLOG_UNITS, LONGER_S = 5 * BATCH_UNITS, 8.0
"""How much longer where so many wait while more comes: spans, lines and segments of a backlog arrive one sort after the other,
and a look between them is in vain.
"""


class _Changed(Struct):
    """A unit, since when it waits and for how long, and when its signals were as far as that is known."""

    unit: Unit
    at_s: float
    settles_s: float
    when: When | None


class Waiting:
    """Changed units, the newest change last. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._units: dict[str, _Changed] = {}
        self._told: dict[tuple[str, int], int] = {}
        self._looked: dict[str, float] = {}

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._units)

    @property
    def few(self) -> bool:
        """Whether one batch holds all that wait."""
        return len(self._units) <= BATCH_UNITS

    @property
    def backlog(self) -> bool:
        """Whether more wait than a pass gets through while they come."""
        return len(self._units) > BACKLOG_UNITS

    def add_received(self, newest_first: list[Received], now_s: float) -> list[Received]:
        """Let units wait of which more was received, and return what is news of it: a second is told again with all that came in it."""
        new = [one for one in newest_first if self._told.get((one.unit.name, one.received_s)) != one.rows]
        for one in reversed(new):
            self._add(one.unit, now_s, (one.first_ns, one.last_ns))
        _shorten(self._units)
        self._told |= {(one.unit.name, one.received_s): one.rows for one in new}
        _shorten(self._told)
        return new

    def add(self, newest_first: Iterable[Unit], now_s: float, when: When | None = None) -> None:
        """Let units wait that changed; one that waits already changed again. ``when``: when their signals were, Unix ns."""
        for unit in reversed(list(newest_first)):
            self._add(unit, now_s, when)
        _shorten(self._units)

    def _add(self, unit: Unit, now_s: float, when: When | None) -> None:
        before = self._units.pop(unit.name, None)
        if before and before.when and when:
            when = (min(before.when[0], when[0]), max(before.when[1], when[1]))
        settles_s = min(LONGEST_SETTLED_S, 2 * self._looked.get(unit.name, SETTLED_S / 2))
        self._units[unit.name] = _Changed(unit, now_s, settles_s, when)

    def first(self, *, loading: bool = True, sparing: bool = False) -> list[Unit]:
        """Return what a pass looks at first: all, where they are few and it is not ``sparing``, else the newest, and few of them
        while more comes; fewest where both hold, or where very many wait.
        """
        newest = FEWEST_UNITS if self.backlog or (sparing and not self.few) else FRESH_UNITS
        most = newest if loading and (sparing or not self.few) else BATCH_UNITS
        return [one.unit for one in islice(reversed(self._units.values()), most)]

    def settled(self, now_s: float, most: int = BATCH_UNITS, *, loading: bool = False) -> list[Unit]:
        """Return a batch of those that did not change lately, those first that wait longest.

        While very much more comes, what does not fill the first pages is looked at later.
        """
        longer_s = LONGER_S if loading and self.backlog else 0.0
        due = (one.unit for one in self._units.values() if one.at_s + one.settles_s + longer_s <= now_s)
        return list(islice(due, most))

    def times(self) -> list[When]:
        """Return when the signals of those that wait were, as far as that is known, Unix ns."""
        return [one.when for one in self._units.values() if one.when]

    def when(self, units: Iterable[Unit]) -> When | None:
        """Return the first and last time of signals of units that wait, Unix ns; None where that is not known of all."""
        told = [one.when if (one := self._units.get(unit.name)) else None for unit in units]
        known = [one for one in told if one]
        if not known or len(known) < len(told):
            return None
        return min(one[0] for one in known), max(one[1] for one in known)

    def done(self, names: Iterable[str]) -> None:
        """Forget units that were looked at, by the names under which their trails list them."""
        for name in names:
            if one := self._units.pop(name, None):
                self._looked.pop(name, None)
                self._looked[name] = one.settles_s
        _shorten(self._looked)


def _shorten(some: dict[Any, Any]) -> None:
    for name in list(islice(some, max(0, len(some) - MOST_UNITS))):
        del some[name]
