"""Series as they are, point by point: for those who ask in PromQL, and do their own arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct

from coldtrail.store.engine import Engine
from coldtrail.store.metrics.added import read_added
from coldtrail.store.metrics.exponential import read_cells
from coldtrail.store.metrics.increase import increases
from coldtrail.store.metrics.merge import value_of_key
from coldtrail.store.metrics.samples import LOOKBACK_NS, Floats, Ints, Samples, differs, read
from coldtrail.store.metrics.series import CUMULATIVE, DELTA, Series
from coldtrail.store.metrics.summary import quantiles_sent

MOST_POINTS = 4_000_000
"""Points that one question may read."""
FINEST_SCALE = 4
"""Exponential buckets are shown this fine (4.4 % wide) at most, so that a histogram has some hundred series and not thousands."""
GRID_S = 60
"""Buckets of exponential histograms and quantiles of summaries are told by the minute."""


class TooMuch(ValueError):
    """More points than a question may read; the message says how many."""


class Track(Struct):
    """One series' samples. ``more``: the labels `le` or `quantile`. ``total``: a counter of which every increase is known."""

    series: Series
    times_ns: Ints
    values: Floats
    total: bool = False
    before: float = 0.0
    more: dict[str, str] = {}


_COUNT = """
SELECT count() FROM metric_points
WHERE name = {name:String} AND time >= fromUnixTimestamp64Nano({since:Int64}) AND time < fromUnixTimestamp64Nano({until:Int64})
"""

_QUANTILES = """
SELECT arraySort(groupUniqArrayArray(quantiles)) FROM metric_points
WHERE name = {name:String} AND time >= fromUnixTimestamp64Nano({since:Int64}) AND time < fromUnixTimestamp64Nano({until:Int64})
"""


def check_size(engine: Engine, name: str, since_ns: int, until_ns: int) -> None:
    """Refuse to read more points of a metric than there is memory for.

    Raises:
        TooMuch: says how many there are.
    """
    rows = engine.rows(_COUNT, {"name": name, "since": since_ns, "until": until_ns})[0][0]
    if rows > MOST_POINTS:
        raise TooMuch(f"{rows} points of {name}, at most {MOST_POINTS} can be read: take a shorter range")


def numbers(engine: Engine, series: Sequence[Series], since_ns: int, until_ns: int) -> Iterator[Track]:
    """Yield gauges and sums: counters as totals, unless nobody says when they began (Prometheus' own); those as they came."""
    states = [one for one in series if one.kind == "gauge" or (one.temporality == CUMULATIVE and not one.is_monotonic)]
    for samples in read(engine, states, since_ns, until_ns):
        yield from _as_they_came(states, samples)
    counters = [one for one in series if one not in states]
    deltas = [one for one in counters if one.temporality == DELTA]
    for samples in read(engine, deltas, since_ns, until_ns):
        yield from _totals(deltas, samples, samples.value)
    running = [one for one in counters if one.temporality != DELTA]
    begin_ns = since_ns - LOOKBACK_NS
    for samples in read(engine, running, begin_ns, until_ns, totals=True):
        yield from _as_they_came(running, samples.where((samples.start_ns == 0) & (samples.time_ns >= since_ns)))
        known = samples.where(samples.start_ns != 0)
        first = differs(known.stream) & (known.start_ns < begin_ns)
        base = np.bincount(known.series[first], known.value[first], minlength=len(running)).astype(np.float64)
        added = increases(known, begin_ns, keep_first=True)
        yield from _totals(running, added, added.value, base)


def counts(engine: Engine, series: Sequence[Series], since_ns: int, until_ns: int, *, of: str) -> Iterator[Track]:
    """Yield the `count` or `sum` of distributions as totals."""
    for samples in read_added(engine, series, since_ns, until_ns, spread=True):
        yield from _totals(series, samples, samples.count if of == "count" else samples.value)


def buckets(engine: Engine, series: Sequence[Series], since_ns: int, until_ns: int) -> Iterator[Track]:
    """Yield the buckets of histograms as totals of what is less or equal `le`."""
    explicit = [one for one in series if one.kind == "histogram"]
    for samples in read_added(engine, explicit, since_ns, until_ns, spread=True):
        upto = np.cumsum(samples.buckets, axis=1)
        for number, rows in _by_series(samples):
            for at, bound in enumerate((*explicit[number].bounds, float("inf")) if samples.buckets.shape[1] else ()):
                values = np.cumsum(upto[rows, at])
                yield Track(explicit[number], samples.time_ns[rows], values, True, 0.0, {"le": shown(bound)})
    exponential = [one for one in series if one.kind == "exponential_histogram"]
    if exponential:
        yield from _exponential(engine, exponential, since_ns, until_ns)


def _exponential(engine: Engine, series: list[Series], since_ns: int, until_ns: int) -> Iterator[Track]:
    step_ns = GRID_S * 10**9
    origin_ns = since_ns // step_ns * step_ns
    steps = -(-(until_ns - origin_ns) // step_ns)
    cells = read_cells(
        engine, series, range(len(series)), since_ns, until_ns, step_ns, steps, origin_ns, LOOKBACK_NS, FINEST_SCALE
    )
    bounds = [value_of_key(float(key), cells.scale, 1.0) for key in cells.keys] + [float("inf")]
    owner = cells.number // steps
    for number in np.unique(owner):
        rows = owner == number
        ends = np.minimum(origin_ns + (cells.number[rows] % steps + 1) * step_ns, until_ns - 1)
        table = np.cumsum(np.cumsum(cells.counts[rows], axis=1), axis=0)
        table = np.concatenate((table, table[:, -1:]), axis=1)
        for at, bound in enumerate(bounds):
            yield Track(series[number], ends, table[:, at], True, 0.0, {"le": shown(bound)})


def quantiles(engine: Engine, series: Sequence[Series], since_ns: int, until_ns: int) -> Iterator[Track]:
    """Yield the quantiles that summaries were sent with, by the minute."""
    if not series:
        return
    asked = {"name": series[0].name, "since": since_ns, "until": until_ns}
    step_ns = GRID_S * 10**9
    steps = -(-(until_ns - since_ns) // step_ns)
    for q in engine.rows(_QUANTILES, asked)[0][0]:
        lines = np.arange(len(series), dtype=np.int64)
        number, values, _ = quantiles_sent(engine, series, lines, steps, since_ns, until_ns, step_ns, q)
        for line in np.unique(number // steps):
            rows = number // steps == line
            times = since_ns + (number[rows] % steps + 1) * step_ns
            yield Track(series[line], np.minimum(times, until_ns - 1), values[rows], more={"quantile": shown(q)})


def shown(value: float) -> str:
    """Return a bound or quantile as Prometheus writes it in a label."""
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return repr(round(value, 12)).removesuffix(".0") if abs(value) < 1e15 else repr(value)


def _by_series(samples: Samples) -> Iterator[tuple[int, Ints]]:
    """Yield each series' number and its rows in order of time."""
    if not len(samples):
        return
    order = np.lexsort((samples.time_ns, samples.series))
    numbers, firsts = np.unique(samples.series[order], return_index=True)
    for number, rows in zip(numbers, np.split(order, firsts[1:]), strict=True):
        yield int(number), rows


def _as_they_came(series: Sequence[Series], samples: Samples) -> Iterator[Track]:
    for number, rows in _by_series(samples):
        yield Track(series[number], samples.time_ns[rows], samples.value[rows])


def _totals(series: Sequence[Series], samples: Samples, added: Floats, base: Floats | None = None) -> Iterator[Track]:
    """``base``: what each series had before the first sample; without it counting begins there."""
    for number, rows in _by_series(samples):
        before = 0.0 if base is None else float(base[number])
        yield Track(series[number], samples.time_ns[rows], before + np.cumsum(added[rows]), True, before)
