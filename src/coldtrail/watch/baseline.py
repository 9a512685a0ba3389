"""What is usual at an hour of the week: a median and a band that single wild weeks do not move. Pure.

Of each quantity there are quarters of an hour about the same time in earlier weeks. The band is so many median absolute deviations
(scaled to a normal's standard deviation, 1.4826) wide, and never narrower than what chance alone makes of counts, and than a
share of the median. Source: F. R. Hampel, "The Influence Curve and Its Role in Robust Estimation", 1974 (MAD).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import median

from msgspec import Struct

SCALE = 1.4826
SPREADS = 6.0
LEAST_WEEKS = 2
LEAST_QUARTERS = 6
"""Of fewer weeks or quarters nobody knows what is usual."""

LEAST_SHARE = 0.5
"""The band reaches at least this share of the median to either side, for rates and durations."""

LEAST_COUNT = 20
LEAST_MS = 50.0
LEAST_ERROR_SHARE = 0.05
LEAST_ERRORS = 10


class Band(Struct, frozen=True):
    """What is usual: ``middle``, and the edges beyond which something is not."""

    middle: float
    lower: float
    upper: float


def band(values: Sequence[float], least: float) -> Band | None:
    """Return the band of values, at least ``least`` wide to either side; None of too few."""
    if len(values) < LEAST_QUARTERS:
        return None
    middle = median(values)
    spread = SPREADS * SCALE * median(abs(value - middle) for value in values)
    width = max(spread, least)
    return Band(middle, middle - width, middle + width)


def unusual_rate(values: Sequence[float], now: float) -> Band | None:
    """Return the band that a count left, None where it did not."""
    found = band(values, 0.0)
    if found is None or found.middle < LEAST_COUNT:
        return None
    # Counts that come by chance spread by the root of their mean.
    least = max(LEAST_SHARE * found.middle, SPREADS * sqrt(found.middle))
    return _left(band(values, least), now)


def unusual_p95(values: Sequence[float], now_ms: float) -> Band | None:
    """Return the band above which a 95th percentile (ms) rose, None where it did not; quick is never wrong."""
    found = band(values, 0.0)
    if found is None:
        return None
    left = _left(band(values, max(found.middle, LEAST_MS)), now_ms)
    return left if left and now_ms > left.upper else None


def unusual_errors(shares: Sequence[float], now_errors: int, now_count: int) -> Band | None:
    """Return the band above which the share of errors rose, None where it did not."""
    found = band(shares, 0.0)
    if found is None or now_errors < LEAST_ERRORS or now_count <= 0:
        return None
    chance = SPREADS * sqrt(max(found.middle, 1 / now_count) / now_count)
    left = _left(band(shares, max(LEAST_ERROR_SHARE, chance)), now_errors / now_count)
    return left if left and now_errors / now_count > left.upper else None


def _left(found: Band | None, now: float) -> Band | None:
    return found if found and not found.lower <= now <= found.upper else None
