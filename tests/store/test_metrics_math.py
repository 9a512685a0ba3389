"""Merged histograms say what the values themselves say, and running totals lose nothing over resets."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from coldtrail.receivers.measurements import add_distribution
from coldtrail.store.metrics.increase import increases
from coldtrail.store.metrics.merge import (
    FINEST_SCALE,
    Sparse,
    coarsened,
    common_bounds,
    keys_of,
    quantile_of_buckets,
    quantile_of_keys,
)
from coldtrail.store.metrics.samples import Samples

values = st.lists(st.floats(0, 1000), min_size=1, max_size=60)
bounds = st.lists(st.integers(1, 999), min_size=1, max_size=8, unique=True).map(lambda some: tuple(float(one) for one in sorted(some)))
shares = st.sampled_from([0.0, 0.25, 0.5, 0.9, 0.95, 0.99, 1.0])


def counted(some: list[float], edges: tuple[float, ...]) -> np.ndarray:
    """The explicit histogram of values: a bucket holds what is at most its bound."""
    return np.bincount(np.searchsorted(edges, some, side="left"), minlength=len(edges) + 1).astype(float)


@given(first=values, second=values, left=bounds, right=bounds, shared=bounds)
def test_histograms_of_different_bounds_merge_to_that_of_all_values(first: list[float], second: list[float], left: tuple[float, ...], right: tuple[float, ...], shared: tuple[float, ...]) -> None:
    left, right = tuple(sorted({*left, *shared})), tuple(sorted({*right, *shared}))
    kept = common_bounds([left, right])
    assert set(shared) <= set(kept)
    merged = coarsened(counted(first, left), left, kept) + coarsened(counted(second, right), right, kept)
    assert merged.tolist() == counted(first + second, kept).tolist()


@given(some=values, edges=bounds, q=shares)
def test_a_quantile_lies_in_the_bucket_of_the_value_that_it_is(some: list[float], edges: tuple[float, ...], q: float) -> None:
    found = quantile_of_buckets(counted(some, edges), edges, q, min(some), max(some))
    true = sorted(some)[max(0, math.ceil(q * len(some)) - 1)]
    at = int(np.searchsorted(edges, true, side="left"))
    low, high = (edges[at - 1] if at else 0.0), (edges[at] if at < len(edges) else max(some))
    assert min(low, true) <= found <= max(high, true)
    assert min(some) <= found <= max(some)


@given(parts=st.lists(st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=30), min_size=1, max_size=4), q=shares)
def test_exponential_histograms_of_any_scales_merge_within_their_precision(parts: list[list[float]], q: float) -> None:
    rows: list[tuple[int, int, int, float]] = []
    for part in parts:
        point = add_distribution(Metric(name="m"), part, [1] * len(part), 1)
        rows += [(1, point.scale, point.positive.offset + at, count) for at, count in enumerate(point.positive.bucket_counts) if count]
    sign, scales, index, counts = (np.array(column) for column in zip(*rows, strict=True))
    sparse = Sparse(np.zeros(len(rows), dtype=np.int64), sign, scales, index, counts.astype(float))
    keys, scale = keys_of(sparse)
    assert scale <= min(scales) <= FINEST_SCALE
    distinct, where = np.unique(keys, return_inverse=True)
    everything = sorted(itertools.chain(*parts))
    found = quantile_of_keys(distinct, np.bincount(where, counts), scale, q, everything[0], everything[-1])
    true = everything[max(0, math.ceil(q * len(everything)) - 1)]
    width = 2.0 ** (2.0**-scale)
    assert true / width * (1 - 1e-9) <= found <= true * width * (1 + 1e-9)


def samples(points: list[tuple[int, int, int, float]]) -> Samples:
    """Points of one series: stream, start, time and value, in order of stream and time."""
    stream, start, time, value = (np.array(column) for column in zip(*points, strict=True))
    nothing = np.full(len(points), np.nan)
    return Samples(np.zeros(len(points), dtype=np.int64), stream, time, start, value.astype(float), np.ones(len(points)), nothing, nothing, np.empty((len(points), 0)))


lives = st.lists(st.lists(st.integers(0, 100), min_size=1, max_size=8), min_size=1, max_size=5)
"""What was added between one export and the next, of one process after the other."""


@given(lives=lives)
def test_every_increase_of_every_process_is_counted_once(lives: list[list[int]]) -> None:
    points, time = [], 1000
    for number, steps in enumerate(lives):
        start, total = time, 0
        for step in steps:
            time, total = time + 10, total + step
            points.append((number, start, time, float(total)))
    found = increases(samples(points), complete_from_ns=1000)
    assert found.value.sum() == pytest.approx(sum(map(sum, lives)))
    assert (found.value >= 0).all()


@given(lives=lives)
def test_a_total_that_falls_began_anew_though_nobody_says_so(lives: list[list[int]]) -> None:
    points, time, before, expected = [], 1000, None, 0.0
    for steps in lives:
        total = 0
        for step in steps:
            time, total = time + 10, total + step
            points.append((0, 0, time, float(total)))
            if before is not None:
                expected += total if total < before else total - before
            before = total
    # Whoever begins at a total that is not less than the last cannot be told from somebody who goes on.
    assert increases(samples(points), complete_from_ns=1000).value.sum() == pytest.approx(expected)


def test_the_first_point_of_what_began_before_only_says_where_to_count_from() -> None:
    points = [(0, 500, 1010, 70.0), (0, 500, 1020, 75.0), (1, 1015, 1030, 4.0)]
    found = increases(samples(points), complete_from_ns=1000)
    assert (found.time_ns.tolist(), found.value.tolist()) == ([1020, 1030], [5.0, 4.0])
