"""Which units carry the same keys, as they were received: what a walk will come to is read at once, not round by round.

A hint and no more: the walk asks the store all the same, and finds what is not remembered here.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from coldtrail.store.trails.summaries import Received
from coldtrail.trails.walk import MOST_CARRIERS_OF_CORRELATION

MOST_REMEMBERED = 10_000
"""Units, some 15 MB."""

MOST_SHARERS = MOST_CARRIERS_OF_CORRELATION
"""A key that more units carry is not followed."""

MOST_KIN, MOST_MORE = 40, 3_000
"""For each unit that is asked for so many are given at most, and never so many more than were asked for."""


class Kin:
    """The keys of the units that were received last, as hashes."""

    def __init__(self) -> None:
        self._keys: dict[str, frozenset[int]] = {}
        self._sharers: dict[int, list[str]] = {}

    def note(self, received: Iterable[Received]) -> None:
        """Remember the keys of units; what was told of one before counts as well."""
        for one in received:
            name = one.unit.name
            known = self._keys.pop(name, frozenset())
            new = one.hashes.difference(known)
            self._keys[name] = known | new
            for key in new:
                self._sharers.setdefault(key, []).append(name)
        for name in list(islice(self._keys, max(0, len(self._keys) - MOST_REMEMBERED))):
            self._forget(name)

    def _forget(self, name: str) -> None:
        for key in self._keys.pop(name):
            sharers = self._sharers[key]
            sharers.remove(name)
            if not sharers:
                del self._sharers[key]

    def of(self, names: Iterable[str]) -> set[str]:
        """Return the units, with those to which their keys lead, those of theirs, and so on; the nearest where they are many."""
        found = dict.fromkeys(names)
        most = min(MOST_KIN * len(found), MOST_MORE + len(found))
        pending, followed = list(found), set[int]()
        while pending and len(found) < most:
            keys = {key for name in pending for key in self._keys.get(name, ())} - followed
            followed |= keys
            near = (name for key in keys if len(self._sharers[key]) <= MOST_SHARERS for name in self._sharers[key])
            pending = [name for name in dict.fromkeys(near) if name not in found]
            found |= dict.fromkeys(pending[: most - len(found)])
        return set(found)
