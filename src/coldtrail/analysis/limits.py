"""When a limit will be met: a trend that a few peaks do not bend, and how far it may be believed.

The slope is the median of the slopes of all pairs of points (Theil and Sen), which stays right until 29 % of the points are
wild; whether there is a trend at all is Mann and Kendall's test. Sources: P. K. Sen, "Estimates of the Regression
Coefficient Based on Kendall's Tau", 1968; H. B. Mann, "Nonparametric Tests Against Trend", 1945.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from msgspec import Struct

LEAST_POINTS = 10
"""Fewer points tell no trend."""

MOST_POINTS = 300
"""More are thinned to the greatest of each stretch: 300 points have 44,850 pairs."""

SURE_Z = 2.576
"""A course without a trend passes for one in one of a hundred cases (two-sided)."""

FURTHEST = 10
"""A trend is followed into the future no further than ten times the time over which it was seen."""


class Trend(Struct, frozen=True):
    """How use grows: units a second, and the use that the trend has at the last point."""

    per_s: float
    level: float


def trend(times_s: Sequence[float], values: Sequence[float]) -> Trend | None:
    """Return the trend of points in order of time, None where there is none that is sure."""
    if len(times_s) < LEAST_POINTS:
        return None
    at, use = _thinned(np.asarray(times_s, dtype=float), np.asarray(values, dtype=float))
    first, second = np.triu_indices(len(at), k=1)
    steps_s, rises = at[second] - at[first], use[second] - use[first]
    apart = steps_s > 0
    if not apart.any() or not _is_sure(use, float(np.sign(rises[apart]).sum())):
        return None
    per_s = float(np.median(rises[apart] / steps_s[apart]))
    level = float(np.median(use - per_s * (at - at[-1])))
    return Trend(per_s, level)


def _thinned(at: np.ndarray, use: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if len(at) <= MOST_POINTS:
        return at, use
    # Stretches of one length: the greatest of a longer one would be greater, and pass for a trend. The oldest rest is left.
    length = -(-len(at) // MOST_POINTS)
    rest = len(at) % length
    stretches = use[rest:].reshape(-1, length)
    kept = rest + np.arange(len(stretches)) * length + stretches.argmax(axis=1)
    return at[kept], use[kept]


def _is_sure(use: np.ndarray, score: float) -> bool:
    """Mann and Kendall's test; ``score``: rising pairs less falling ones. Equal values widen nothing and prove nothing."""
    n = len(use)
    _, ties = np.unique(use, return_counts=True)
    tied = float((ties * (ties - 1) * (2 * ties + 5)).sum())
    spread = sqrt(max((n * (n - 1) * (2 * n + 5) - tied) / 18, 0.0))
    return spread > 0 and (abs(score) - 1) / spread > SURE_Z


def met_at(times_s: Sequence[float], values: Sequence[float], limit: float) -> float | None:
    """Return when use meets the limit, in the seconds of ``times_s``; None without a rising trend, or too far off to say.

    Where use has met it already, that is the last time.
    """
    if len(times_s) == 0 or limit <= 0:
        return None
    last_s = float(times_s[-1])
    if values[-1] >= limit:
        return last_s
    if max(values) * (FURTHEST + 1) < limit:
        # Use that grew from nothing to this does not come so far in time.
        return None
    found = trend(times_s, values)
    if found is None or found.per_s <= 0:
        return None
    ahead_s = max(0.0, (limit - found.level) / found.per_s)
    return last_s + ahead_s if ahead_s <= FURTHEST * (last_s - float(times_s[0])) else None
