"""Measured values as a point that keeps their shape: an exponential histogram, of which percentiles can be merged.

Source: OpenTelemetry data model, "ExponentialHistogram": bucket i of a scale holds `base^i < value <= base^(i+1)`,
`base = 2^(2^-scale)`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

FINEST_SCALE, MOST_BUCKETS = 8, 160
"""Buckets of 0.27 %, fewer and coarser where values lie far apart; 160 is what SDKs take."""
LEAST = 2.0**-1000
"""What is smaller is counted as zero; scales could not tell it apart."""


def add_distribution(metric: Any, values: Sequence[float], counts: Sequence[int], time_ns: int) -> Any:
    """Add one delta point of so many times each value to an OTLP metric, and return it. Values are finite."""
    histogram = metric.exponential_histogram
    histogram.aggregation_temporality = 1
    point = histogram.data_points.add(
        time_unix_nano=time_ns,
        count=sum(counts),
        sum=_sum(values, counts),
        min=min(values),
        max=max(values),
    )
    pairs = list(zip(values, counts, strict=True))
    point.zero_count = sum(count for value, count in pairs if abs(value) < LEAST)
    positive, negative = _merged(pairs, 1), _merged(pairs, -1)
    point.scale = min(_scale(positive), _scale(negative))
    _fill(point.positive, positive, point.scale)
    _fill(point.negative, negative, point.scale)
    return point


def _merged(pairs: Sequence[tuple[float, int]], sign: int) -> dict[float, int]:
    found: dict[float, int] = {}
    for value, count in pairs:
        if value * sign >= LEAST and count:
            found[value * sign] = found.get(value * sign, 0) + count
    return found


def _index(value: float, scale: int) -> int:
    mantissa, exponent = math.frexp(value)
    # A power of two is the upper end of its bucket; log2 of the rest is exact enough apart from it.
    if mantissa == 0.5:
        return math.ceil(math.ldexp(exponent - 1, scale)) - 1
    return math.ceil(math.ldexp(math.log2(mantissa) + exponent, scale)) - 1


def _scale(values: dict[float, int]) -> int:
    scale = FINEST_SCALE
    while values and _index(max(values), scale) - _index(min(values), scale) >= MOST_BUCKETS:
        scale -= 1
    return scale


def _fill(buckets: Any, values: dict[float, int], scale: int) -> None:
    if not values:
        return
    indices = {value: _index(value, scale) for value in values}
    buckets.offset = min(indices.values())
    counts = [0] * (max(indices.values()) - buckets.offset + 1)
    for value, count in values.items():
        counts[indices[value] - buckets.offset] += count
    buckets.bucket_counts.extend(counts)


def _sum(values: Sequence[float], counts: Sequence[int]) -> float:
    """Return the sum, or the largest double of its sign: finite values can sum to more than a double holds."""
    exact = sum((Fraction(value) * count for value, count in zip(values, counts, strict=True)), Fraction())
    return float(max(min(exact, Fraction(sys.float_info.max)), Fraction(-sys.float_info.max)))
