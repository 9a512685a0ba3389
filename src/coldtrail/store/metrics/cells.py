"""From points to one figure a cell: a cell is one line's step."""

from __future__ import annotations

import numpy as np
from msgspec import Struct, field

from coldtrail.store.engine import Engine
from coldtrail.store.metrics.added import read_added
from coldtrail.store.metrics.exponential import BUCKETS_PER_POINT, Cells, merge_cells, read_cells
from coldtrail.store.metrics.merge import coarsened, common_bounds, quantile_of_buckets, quantile_of_keys
from coldtrail.store.metrics.samples import LOOKBACK_NS, Floats, Ints, Samples, read, slices
from coldtrail.store.metrics.series import CUMULATIVE, Series
from coldtrail.store.metrics.summary import quantiles_sent

QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


class Totals(Struct):
    """A figure for each cell, NaN where there is none."""

    values: Floats
    notes: list[str] = field(default_factory=list)


class _Sums(Struct):
    """What is added up over slices, by cell."""

    points: Floats
    count: Floats
    value: Floats
    least: Floats
    greatest: Floats
    untold: Floats

    def add(self, cell: Ints, samples: Samples, low: Floats, high: Floats) -> None:
        size = len(self.points)
        self.points += np.bincount(cell, minlength=size)
        self.count += np.bincount(cell, samples.count, minlength=size)
        self.value += np.bincount(cell, samples.value, minlength=size)
        np.fmin.at(self.least, cell, low)
        np.fmax.at(self.greatest, cell, high)
        self.untold += np.bincount(cell, np.isnan(high) & (samples.count > 0), minlength=size)

    def edges(self, cell: int) -> tuple[float, float]:
        """The least and greatest of a cell where every point told them, else NaN."""
        if self.untold[cell]:
            return float("nan"), float("nan")
        return float(self.least[cell]), float(self.greatest[cell])


def cells_of(
    engine: Engine,
    series: list[Series],
    groups: list[int],
    lines: int,
    since_ns: int,
    until_ns: int,
    step_ns: int,
    stat: str,
) -> Totals:
    """Return the figure ``stat`` of each of ``lines`` times steps; ``groups``: the line of each series."""
    steps = -(-(until_ns - since_ns) // step_ns)
    kind = series[0].kind
    falls = kind == "sum" and not series[0].is_monotonic and series[0].temporality == CUMULATIVE
    is_state = kind == "gauge" or falls
    # A gauge is of its moment. What was added up was added before its time: what ends with a step belongs to that step.
    shift_ns = 0 if is_state else 1
    line_of = np.asarray(groups, dtype=np.int64)
    asked = _Asked(engine, series, line_of, lines * steps, steps, since_ns + shift_ns, until_ns + shift_ns, step_ns)
    if is_state:
        return _gauge(asked, stat)
    if stat not in QUANTILES:
        return _figure(asked, stat, _sums(asked, is_number=kind == "sum"), is_number=kind == "sum")
    if kind == "sum":
        return _points_quantile(asked, QUANTILES[stat])
    if kind == "histogram":
        return _histogram(asked, QUANTILES[stat])
    if kind == "exponential_histogram":
        return _exponential(asked, QUANTILES[stat])
    return _summary(asked, QUANTILES[stat])


class _Asked(Struct):
    engine: Engine
    series: list[Series]
    groups: Ints
    cells: int
    steps: int
    since_ns: int
    until_ns: int
    step_ns: int

    def slices(self, weight: int = 1) -> list[tuple[int, int]]:
        return slices(self.engine, self.series, self.since_ns, self.until_ns, self.step_ns, weight)

    def cell(self, samples: Samples) -> Ints:
        cell: Ints = self.groups[samples.series] * self.steps + (samples.time_ns - self.since_ns) // self.step_ns
        return cell

    def added(self, since_ns: int, until_ns: int, *, spread: bool) -> list[Samples]:
        return read_added(self.engine, self.series, since_ns, until_ns, spread=spread)


def _empty(asked: _Asked) -> _Sums:
    zeros, nothing = np.zeros, np.full(asked.cells, np.nan)
    return _Sums(
        zeros(asked.cells), zeros(asked.cells), zeros(asked.cells), nothing.copy(), nothing.copy(), zeros(asked.cells)
    )


def _sums(asked: _Asked, *, is_number: bool) -> _Sums:
    sums = _empty(asked)
    for since_ns, until_ns in asked.slices():
        for samples in asked.added(since_ns, until_ns, spread=not is_number):
            low, high = (samples.value, samples.value) if is_number else _extremes(asked, samples)
            sums.add(asked.cell(samples), samples, low, high)
    return sums


def _extremes(asked: _Asked, samples: Samples) -> tuple[Floats, Floats]:
    """The least and greatest as told, else the bounds of the outermost buckets that are not empty."""
    width = samples.buckets.shape[1] - 1
    if width < 1 or not len(samples.series):
        return samples.min, samples.max
    known, row = np.unique(samples.series, return_inverse=True)
    # Buckets that do not fit their bounds say nothing of where values lie.
    told = [asked.series[at].bounds for at in known]
    bounds = np.array([one if len(one) == width else np.full(width, np.nan) for one in told], dtype=float)
    filled = samples.buckets > 0
    last = samples.buckets.shape[1] - 1
    lowest, highest = filled.argmax(axis=1), last - filled[:, ::-1].argmax(axis=1)
    low = np.where(lowest > 0, bounds[row, np.maximum(lowest - 1, 0)], np.minimum(bounds[row, 0], 0))
    high = bounds[row, np.minimum(highest, last - 1)]
    some = filled.any(axis=1)
    return (
        np.where(np.isnan(samples.min) & some, low, samples.min),
        np.where(np.isnan(samples.max) & some, high, samples.max),
    )


def _figure(asked: _Asked, stat: str, sums: _Sums, *, is_number: bool) -> Totals:
    has = sums.points > 0
    count = sums.points if is_number else sums.count
    with np.errstate(divide="ignore", invalid="ignore"):
        values = {
            "avg": sums.value / count,
            "sum": sums.value,
            "min": sums.least,
            "max": sums.greatest,
            "count": count,
            "rate": (sums.value if is_number else count) / (asked.step_ns / 1e9),
        }[stat]
    notes = []
    if stat in ("min", "max") and asked.series[0].kind == "summary":
        return _summary(asked, 0.0 if stat == "min" else 1.0)
    if stat in ("min", "max") and asked.series[0].temporality == CUMULATIVE and not is_number:
        notes = [f"{stat} is the bound of the outermost bucket: a running total does not say more of a step"]
    return Totals(np.where(has, values, np.nan), notes)


def _gauge(asked: _Asked, stat: str) -> Totals:
    if stat in QUANTILES:
        return _points_quantile(asked, QUANTILES[stat])
    sums = _empty(asked)
    per_series = np.zeros(asked.cells)
    for since_ns, until_ns in asked.slices():
        for samples in read(asked.engine, asked.series, since_ns, until_ns):
            sums.add(asked.cell(samples), samples, samples.value, samples.value)
            if stat == "sum":
                per_series += _sum_of_means(asked, samples)
    if stat == "sum":
        return Totals(np.where(sums.points > 0, per_series, np.nan))
    return _figure(asked, stat, sums, is_number=True)


def _sum_of_means(asked: _Asked, samples: Samples) -> Floats:
    """Each series' average in a step, added up by cell; slices end at steps, so no series' step is in two."""
    key = samples.series * asked.steps + (samples.time_ns - asked.since_ns) // asked.step_ns
    distinct, at = np.unique(key, return_inverse=True)
    mean = np.bincount(at, samples.value) / np.bincount(at)
    cell = asked.groups[distinct // asked.steps] * asked.steps + distinct % asked.steps
    return np.bincount(cell, mean, minlength=asked.cells).astype(np.float64)


def _points_quantile(asked: _Asked, q: float) -> Totals:
    """Of the points' own values; a slice at a time, since slices end at steps."""
    values = np.full(asked.cells, np.nan)
    is_sum = asked.series[0].kind == "sum" and asked.series[0].is_monotonic
    for since_ns, until_ns in asked.slices():
        found = (
            asked.added(since_ns, until_ns, spread=False)
            if is_sum
            else list(read(asked.engine, asked.series, since_ns, until_ns))
        )
        cell = np.concatenate([asked.cell(samples) for samples in found])
        value = np.concatenate([samples.value for samples in found])
        order = np.lexsort((value, cell))
        cell, value = cell[order], value[order]
        numbers, first, many = np.unique(cell, return_index=True, return_counts=True)
        place = q * (many - 1)
        low = first + np.floor(place).astype(np.int64)
        high = first + np.ceil(place).astype(np.int64)
        values[numbers] = value[low] + (value[high] - value[low]) * (place - np.floor(place)) if len(numbers) else 0
    return Totals(values)


def _histogram(asked: _Asked, q: float) -> Totals:
    kept = common_bounds([one.bounds for one in asked.series])
    all_bounds = {one.bounds for one in asked.series}
    if not kept:
        said = "no two of the histograms share a bound" if len(all_bounds) > 1 else "the histograms have no buckets"
        return Totals(
            np.full(asked.cells, np.nan), [f"{said}, so there are no percentiles; avg, sum and count are right"]
        )
    buckets = np.zeros((asked.cells, len(kept) + 1))
    sums = _empty(asked)
    for since_ns, until_ns in asked.slices(weight=max(1, len(kept) // 4)):
        for samples in asked.added(since_ns, until_ns, spread=True):
            cell = asked.cell(samples)
            sums.add(cell, samples, samples.min, samples.max)
            for bounds in all_bounds:
                mine = np.array([one.bounds == bounds for one in asked.series])[samples.series]
                if mine.any() and samples.buckets.shape[1] == len(bounds) + 1:
                    np.add.at(buckets, cell[mine], coarsened(samples.buckets[mine], bounds, kept))
    values = np.full(asked.cells, np.nan)
    for at in np.flatnonzero(buckets.sum(axis=1)):
        values[at] = quantile_of_buckets(buckets[at], kept, q, *sums.edges(int(at)))
    notes = []
    if len(all_bounds) > 1:
        notes = [f"histograms of {len(all_bounds)} different bounds are merged on the {len(kept)} bounds that all have"]
    return Totals(values, notes)


def _exponential(asked: _Asked, q: float) -> Totals:
    parts: list[Cells] = [
        read_cells(
            asked.engine, asked.series, asked.groups.tolist(), since_ns, until_ns, asked.step_ns, asked.steps, asked.since_ns,
            LOOKBACK_NS,
        )
        for since_ns, until_ns in asked.slices(BUCKETS_PER_POINT)
    ]  # fmt: skip
    cells = merge_cells(parts)
    sums = _sums(asked, is_number=False)
    values = np.full(asked.cells, np.nan)
    for row, number in enumerate(cells.number):
        values[number] = quantile_of_keys(cells.keys, cells.counts[row], cells.scale, q, *sums.edges(int(number)))
    return Totals(values)


def _summary(asked: _Asked, q: float) -> Totals:
    numbers, values, clashes = quantiles_sent(
        asked.engine, asked.series, asked.groups, asked.steps, asked.since_ns, asked.until_ns, asked.step_ns, q
    )
    out = np.full(asked.cells, np.nan)
    out[numbers] = values
    notes = []
    if clashes:
        notes = [
            f"{clashes} steps are left out: percentiles of several summaries cannot be merged; take a step as long as theirs, "
            "or group by what tells them apart"
        ]
    elif not len(numbers):
        notes = [f"the summaries were sent without the percentile {q * 100:g}, and it cannot be worked out from others"]
    return Totals(out, notes)
