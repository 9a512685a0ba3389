"""Where a value is going: a straight line through its last points that single outliers do not bend. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

LEAST_POINTS = 5
MOST_POINTS = 120


def foreseen(times_s: npt.NDArray[Any], values: npt.NDArray[Any], ahead_s: float) -> float | None:
    """Return the value some seconds after the last point; None where there are too few points, or all at one time.

    Source: Theil and Sen: the median of the slopes between all pairs of points.
    """
    known = np.isfinite(values)
    times_s, values = times_s[known].astype(float), values[known].astype(float)
    if len(times_s) < LEAST_POINTS:
        return None
    picked = np.unique(np.linspace(0, len(times_s) - 1, min(len(times_s), MOST_POINTS)).astype(int))
    times_s, values = times_s[picked], values[picked]
    first, second = np.triu_indices(len(times_s), 1)
    apart_s = times_s[second] - times_s[first]
    if not (apart_s > 0).any():
        return None
    slope = float(np.median((values[second] - values[first])[apart_s > 0] / apart_s[apart_s > 0]))
    level = float(np.median(values - slope * times_s))
    return level + slope * (float(times_s[-1]) + ahead_s)
