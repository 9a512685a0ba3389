"""Functions of a range of samples, `f(metric[5m])`: for each step those later than its time less the range, up to its time.

Source: Prometheus documentation, "Query functions"; the extrapolation of `rate`, `increase` and `delta` is that of
`promql/functions.go`, `extrapolatedRate`. A total of ours is not extrapolated: all of its increases are known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from msgspec import Struct

from coldtrail.server.promql.values import Bools, Floats, Ints, Line


class Window(Struct):
    """One series' samples by step: those from ``low`` up to, not with, ``high``. ``at``: the steps' times."""

    line: Line
    at: Ints
    range_ms: int
    low: Ints
    high: Ints

    @property
    def count(self) -> Ints:
        """Samples in each step's window."""
        return self.high - self.low

    def upto(self, summed: Floats) -> Floats:
        """Each window's sum of what ``summed`` (one longer than the samples) adds up from the beginning."""
        return summed[self.high] - summed[self.low]

    def first(self, of: Any) -> Any:
        """The first sample of each window; anything where it is empty."""
        return of[np.minimum(self.low, len(of) - 1)]

    def last(self, of: Any) -> Any:
        """The last sample of each window; anything where it is empty."""
        return of[np.maximum(self.high - 1, 0)]


def window(line: Line, at: Ints, range_ms: int) -> Window:
    """Return the windows of a series."""
    low = np.searchsorted(line.times, at - range_ms, side="right")
    return Window(line, at, range_ms, low, np.searchsorted(line.times, at, side="right"))


def sums(values: Floats) -> Floats:
    """Return 0 and the sums up to each value."""
    return np.concatenate(([0.0], np.cumsum(values)))


Answer = tuple[Floats, Bools]


def _increase(one: Window, *, counter: bool, per_second: bool) -> Answer:
    if one.line.total and counter:
        return _known_increase(one, per_second=per_second)
    times, values = one.line.times, one.line.values
    steps = np.diff(values, prepend=values[:1])
    if counter:
        steps = np.where(steps < 0, values, steps)
    grown = np.cumsum(steps)
    added = one.last(grown) - one.first(grown)
    present = one.count >= 2
    first, last = one.first(times), one.last(times)
    with np.errstate(divide="ignore", invalid="ignore"):
        sampled = (last - first).astype(float)
        average = sampled / (one.count - 1)
        to_start = (first - (one.at - one.range_ms)).astype(float)
        to_end = (one.at - last).astype(float)
        to_start = np.where(to_start >= average * 1.1, average / 2, to_start)
        if counter:
            to_zero = sampled * (one.first(values) / added)
            to_start = np.where((added > 0) & (one.first(values) >= 0), np.minimum(to_start, to_zero), to_start)
        to_end = np.where(to_end >= average * 1.1, average / 2, to_end)
        found = added * (sampled + to_start + to_end) / sampled
    return found / (one.range_ms / 1000) if per_second else found, present & (sampled > 0)


def _known_increase(one: Window, *, per_second: bool) -> Answer:
    values = np.concatenate(([one.line.before], one.line.values))
    found = values[one.high] - values[one.low]
    # A series that has not begun, or began long ago and is silent: nothing was added, and that is known.
    present = one.high > 0
    return found / (one.range_ms / 1000) if per_second else found, present


def _instant(one: Window, *, counter: bool, per_second: bool) -> Answer:
    """Of the last two samples."""
    present = one.count >= 2
    last = np.maximum(one.high - 1, 1 if len(one.line.values) > 1 else 0)
    before = np.maximum(last - 1, 0)
    values, times = one.line.values, one.line.times
    added = values[last] - values[before]
    if counter:
        added = np.where(added < 0, values[last], added)
    if per_second:
        with np.errstate(divide="ignore", invalid="ignore"):
            added = added / ((times[last] - times[before]) / 1000)
    return added, present


def _reduced(one: Window, reduce: Any) -> Answer:
    present = one.count > 0
    padded = np.append(one.line.values, 0.0)
    pairs = np.stack((one.low, one.high), axis=1).ravel()
    found: Floats = reduce.reduceat(padded, pairs)[::2] if len(pairs) else np.empty(0)
    return found, present


def _average(one: Window) -> Answer:
    with np.errstate(divide="ignore", invalid="ignore"):
        return one.upto(sums(one.line.values)) / one.count, one.count > 0


def _variance(one: Window) -> Answer:
    centre = one.line.values.mean() if len(one.line.values) else 0.0
    off = one.line.values - centre
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = one.upto(sums(off)) / one.count
        return np.maximum(one.upto(sums(off**2)) / one.count - mean**2, 0), one.count > 0


def _deviation(one: Window) -> Answer:
    found, present = _variance(one)
    return np.sqrt(found), present


def _changes(one: Window, *, resets: bool) -> Answer:
    steps = np.diff(one.line.values, prepend=one.line.values[:1])
    marks = np.cumsum((steps < 0) if resets else (steps != 0)).astype(float)
    return one.last(marks) - one.first(marks), one.count > 0


def _slope(one: Window) -> tuple[Floats, Floats, Bools]:
    """Slope per second and value at the step's time, by least squares."""
    origin = one.line.times[0] if len(one.line.times) else 0
    seconds = (one.line.times - origin) / 1000
    n, t = one.count, one.upto(sums(seconds))
    v, tv = one.upto(sums(one.line.values)), one.upto(sums(seconds * one.line.values))
    tt = one.upto(sums(seconds**2))
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (n * tv - t * v) / (n * tt - t * t)
        here = v / n + slope * ((one.at - origin) / 1000 - t / n)
    return slope, here, (n >= 2) & (n * tt - t * t > 0)


def _deriv(one: Window) -> Answer:
    slope, _, present = _slope(one)
    return slope, present


def predict_linear(one: Window, seconds: Floats) -> Answer:
    """Return the value that a straight line has so many seconds later."""
    slope, here, present = _slope(one)
    return here + slope * seconds, present


def quantile_over_time(one: Window, q: Floats) -> Answer:
    """Return a quantile of each window's samples."""
    found = np.zeros(len(one.at))
    for at in np.flatnonzero(one.count > 0):
        found[at] = quantile(one.line.values[one.low[at] : one.high[at]], float(q[at]))
    return found, one.count > 0


def quantile(values: Floats, q: float) -> float:
    """Return a quantile as Prometheus defines it: infinite where ``q`` is no share."""
    if not len(values) or q != q:
        return float("nan")
    if not 0 <= q <= 1:
        return float("inf") if q > 1 else float("-inf")
    return float(np.quantile(values, q))


WINDOW_FUNCTIONS: dict[str, Callable[[Window], Answer]] = {
    "rate": lambda one: _increase(one, counter=True, per_second=True),
    "increase": lambda one: _increase(one, counter=True, per_second=False),
    "delta": lambda one: _increase(one, counter=False, per_second=False),
    "irate": lambda one: _instant(one, counter=True, per_second=True),
    "idelta": lambda one: _instant(one, counter=False, per_second=False),
    "avg_over_time": _average,
    "sum_over_time": lambda one: (one.upto(sums(one.line.values)), one.count > 0),
    "count_over_time": lambda one: (one.count.astype(float), one.count > 0),
    "min_over_time": lambda one: _reduced(one, np.minimum),
    "max_over_time": lambda one: _reduced(one, np.maximum),
    "last_over_time": lambda one: (one.last(one.line.values), one.count > 0),
    "present_over_time": lambda one: (np.ones(len(one.at)), one.count > 0),
    "stddev_over_time": _deviation,
    "stdvar_over_time": _variance,
    "changes": lambda one: _changes(one, resets=False),
    "resets": lambda one: _changes(one, resets=True),
    "deriv": _deriv,
}
KEEPS_NAME = frozenset(("last_over_time",))
