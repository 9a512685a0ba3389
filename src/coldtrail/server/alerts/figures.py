"""Figures of requests for alerts: minutes read once a round, windows over them for any number of alerts and moments."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from coldtrail.model.alerts import Figure
from coldtrail.store.engine import Engine
from coldtrail.store.metrics.red import LEVELS, red_minutes
from coldtrail.store.red import Grouping

MINUTE_S = 60
QUANTILES = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}
_SHARES = np.diff(np.array(LEVELS))


class Course(Struct):
    """The minutes of one service, function or route, ascending; ``durations_ms``: a row a minute, at `LEVELS`."""

    begins_s: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    errors: npt.NDArray[np.int64]
    durations_ms: npt.NDArray[np.float64]


class Window(Struct):
    """What ran in a window of whole minutes; the one that runs now counts as far as it has come."""

    count: int
    errors: int
    length_s: float
    durations_ms: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]

    def figure(self, which: Figure) -> float | None:
        """Return a figure; None where it says nothing of a window without requests."""
        if which == "count":
            return float(self.count)
        if which == "rate":
            return self.count / self.length_s
        if which == "error_count":
            return float(self.errors)
        if not self.count:
            return None
        return self.errors / self.count if which == "error_share" else self._quantile(QUANTILES[which])

    def _quantile(self, share: float) -> float:
        """Each minute is a sketch, straight between its levels; together they are weighed by their requests."""
        middles = (self.durations_ms[:, 1:] + self.durations_ms[:, :-1]) / 2
        weights = self.counts[:, None] * _SHARES[None, :]
        order = np.argsort(middles, axis=None)
        upto = np.cumsum(weights.ravel()[order])
        return float(np.interp(share * upto[-1], upto, middles.ravel()[order]))


class Figures:
    """The courses of all names of each grouping, from ``since_ns`` up to ``until_ns``, read when they are first asked for."""

    def __init__(self, engine: Engine, since_ns: int, until_ns: int) -> None:
        self._engine = engine
        self._bounds_s = since_ns // 10**9 // MINUTE_S * MINUTE_S, until_ns // 10**9 + 1
        self._read: dict[Grouping, dict[str, Course]] = {}

    def courses(self, of: Grouping) -> dict[str, Course]:
        """Return the courses of a grouping by name."""
        if of not in self._read:
            rows: dict[str, list[Any]] = {}
            for minute in red_minutes(self._engine, of, *self._bounds_s):
                rows.setdefault(minute.name, []).append(minute)
            self._read[of] = {name: _course(many) for name, many in rows.items()}
        return self._read[of]

    def names(self, of: Grouping, scope: str) -> list[str]:
        """Return the names that a scope means: itself, or all that ran where it is ""."""
        return [scope] if scope else sorted(self.courses(of))

    def window(self, of: Grouping, name: str, over_ns: int, at_ns: int) -> Window:
        """Return what ran in the last ``over_ns`` before a moment."""
        at_s = at_ns // 10**9
        since_s = (at_s - over_ns // 10**9) // MINUTE_S * MINUTE_S
        length_s = max(at_ns / 1e9 - since_s, 1.0)
        course = self.courses(of).get(name)
        if course is None:
            return Window(0, 0, length_s, np.empty((0, len(LEVELS))), np.empty(0, dtype=np.int64))
        low, high = np.searchsorted(course.begins_s * 10**9, [since_s * 10**9, at_ns])
        counts = course.counts[low:high]
        errors = int(course.errors[low:high].sum())
        return Window(int(counts.sum()), errors, length_s, course.durations_ms[low:high], counts)


def _course(minutes: list[Any]) -> Course:
    return Course(
        np.array([one.begins_s for one in minutes], dtype=np.int64),
        np.array([one.count for one in minutes], dtype=np.int64),
        np.array([one.error_count for one in minutes], dtype=np.int64),
        np.array([one.durations_ms for one in minutes], dtype=np.float64),
    )
