"""Distributions merged and asked for quantiles. Pure; percentiles come from merged counts, never from percentiles.

Explicit histograms merge on the bounds that all of them have: the counts between two such bounds are exact sums.
Exponential ones are brought to the coarsest scale among them, where two neighbours become one bucket.
Source: OpenTelemetry data model, "ExponentialHistogram: Exponential Scale", "Merging and Converting"; Prometheus documentation,
"histogram_quantile()".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from coldtrail.store.metrics.samples import Floats, Ints

MOST_BUCKETS = 320
"""Buckets that a merged exponential histogram may have; finer ones are halved until they fit."""

FINEST_SCALE = 20
"""The finest that any SDK makes. Source: OpenTelemetry SDK specification, "Base2 Exponential Bucket Histogram Aggregation"."""

_APART = 1 << 40
"""Added to a bucket's index, so that the keys of positive and negative values and zero do not meet."""


def common_bounds(all_bounds: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    """Return the bounds that every histogram has."""
    return tuple(sorted(set(all_bounds[0]).intersection(*all_bounds[1:]))) if all_bounds else ()


def coarsened(buckets: Floats, bounds: Sequence[float], to: Sequence[float]) -> Floats:
    """Return buckets (..., len(bounds) + 1) as those of fewer bounds (..., len(to) + 1), which are all among ``bounds``."""
    if list(bounds) == list(to):
        return buckets
    at = np.searchsorted(np.asarray(to, dtype=float), np.append(np.asarray(bounds, dtype=float), np.inf), side="left")
    out = np.zeros((*buckets.shape[:-1], len(to) + 1))
    np.add.at(np.moveaxis(out, -1, 0), at, np.moveaxis(buckets, -1, 0))
    return out


def quantile_of_buckets(
    buckets: Floats, bounds: Sequence[float], q: float, least: float = float("nan"), greatest: float = float("nan")
) -> float:
    """Return a quantile of one explicit histogram, evenly spread within a bucket; NaN where it is empty or has no bounds.

    ``least`` and ``greatest``: what is known of the values, NaN otherwise; they close the outermost buckets.
    """
    total = float(buckets.sum())
    if not total or not bounds:
        return float("nan")
    upto = np.cumsum(buckets)
    at = min(int(np.searchsorted(upto, q * total, side="left")), len(bounds))
    while buckets[at] == 0 and at < len(bounds):
        at += 1
    lowest = least if least == least else min(0.0, bounds[0])
    low = bounds[at - 1] if at else lowest
    high = bounds[at] if at < len(bounds) else (greatest if greatest == greatest else bounds[-1])
    share = (q * total - (upto[at] - buckets[at])) / buckets[at] if buckets[at] else 0.0
    value = low + (high - low) * min(max(share, 0.0), 1.0)
    return float(_clamped(value, least, greatest))


class Sparse(Struct):
    """Exponential buckets that are not empty, one row each. ``sign``: 1, -1, or 0 for the bucket of zero.

    Bucket ``index`` of a scale holds ``base ** index < |value| <= base ** (index + 1)`` with ``base = 2 ** (2 ** -scale)``.
    """

    cell: Ints
    sign: Ints
    scale: Ints
    index: Ints
    count: Floats


def keys_of(rows: Sparse, finest: int = FINEST_SCALE) -> tuple[Ints, int]:
    """Return each row's bucket at one scale for all, as a number that grows with the values in it, and that scale."""
    scale = int(rows.scale[rows.sign != 0].min(initial=finest)) if len(rows.scale) else 0
    while True:
        index = rows.index >> np.maximum(rows.scale - scale, 0)
        keys = np.where(rows.sign == 0, 0, rows.sign * (index + _APART))
        if scale <= -10 or len(np.unique(keys)) <= MOST_BUCKETS:
            return keys, scale
        scale -= 1


def value_of_key(key: float, scale: int, share: float) -> float:
    """Return the value at a share (0 to 1) of a bucket, by its key."""
    if key == 0:
        return 0.0
    index = abs(key) - _APART
    within = share if key > 0 else 1.0 - share
    return float(np.sign(key) * 2.0 ** min(max((index + within) * 2.0**-scale, -1074.0), 1023.9))


def quantile_of_keys(
    keys: Ints, counts: Floats, scale: int, q: float, least: float = float("nan"), greatest: float = float("nan")
) -> float:
    """Return a quantile of one exponential histogram: ``keys`` ascending, with their counts; NaN where it is empty."""
    total = float(counts.sum())
    if not total:
        return float("nan")
    upto = np.cumsum(counts)
    at = min(int(np.searchsorted(upto, q * total, side="left")), len(counts) - 1)
    share = (q * total - (upto[at] - counts[at])) / counts[at] if counts[at] else 0.0
    return _clamped(value_of_key(float(keys[at]), scale, min(max(share, 0.0), 1.0)), least, greatest)


def _clamped(value: float, least: float, greatest: float) -> float:
    if least == least:
        value = max(value, least)
    return min(value, greatest) if greatest == greatest else value
