"""Summaries of several metrics, read in one question and put into steps series by series, to be added up as one asks.

A metric stream brings a dozen metrics of one resource; asked for one by one, most of the time would go into the asking.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct

from coldtrail.store.engine import Engine
from coldtrail.store.metrics.increase import increases
from coldtrail.store.metrics.samples import (
    LOOKBACK_NS,
    MOST_ROWS,
    Floats,
    Ints,
    Samples,
    asked_of,
    ordered,
    rows_of,
    slices,
)
from coldtrail.store.metrics.series import Series

SENT = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "max": 1.0}
"""The statistics of a summary that are read as they were sent."""

_ROWS = """
SELECT series_id, emitter_id, toUnixTimestamp64Nano(time), toUnixTimestamp64Nano(start), value, count{sent}
FROM metric_points
WHERE name IN {{names:Array(String)}}
  AND time >= fromUnixTimestamp64Nano({{since:Int64}}) AND time < fromUnixTimestamp64Nano({{until:Int64}})
  AND flags = 0 AND ({{all:UInt8}} OR series_id IN {{ids:Array(UInt64)}})
ORDER BY name, toStartOfHour(time), series_id, time, emitter_id, start, received
"""
_AS_SENT = "if(has(quantiles, {q}), quantile_values[indexOf(quantiles, {q})], nan)"
_ROW = [("series", "<u8"), ("emitter", "<u8"), ("time", "<i8"), ("start", "<i8"), ("value", "<f8"), ("count", "<u8")]


class Summaries(Struct):
    """What was told, in arrays of (series, steps). ``place``: a series' row, by its id.

    ``points``: how many came, ``added``: of how many it is known what they added, to ``count`` and ``value``. ``sent``: by
    statistic the greatest that was sent, NaN where none was.
    """

    place: dict[int, int]
    points: Floats
    added: Floats
    count: Floats
    value: Floats
    sent: dict[str, Floats]

    def has(self, series: Iterable[Series]) -> bool:
        """Whether all of these were read."""
        return all(one.series_id in self.place for one in series)

    def figures(self, series: Sequence[Series], stat: str) -> dict[int, float]:
        """Return a statistic of these series together, by step; steps without it are left out.

        ``stat``: `sum`, `count`, `avg`, or one of those of `SENT` that were asked for.
        """
        rows = [self.place[one.series_id] for one in series]
        if stat in self.sent:
            values = np.fmax.reduce(self.sent[stat][rows], axis=0)
            # Percentiles of several summaries cannot be merged; the greatest can.
            known = (self.points[rows].sum(axis=0) == 1) | (stat == "max")
        else:
            count, value = self.count[rows].sum(axis=0), self.value[rows].sum(axis=0)
            with np.errstate(divide="ignore", invalid="ignore"):
                values = {"sum": value, "count": count, "avg": value / count}[stat]
            known = self.added[rows].sum(axis=0) > 0
        return {int(step): float(values[step]) for step in np.flatnonzero(known & ~np.isnan(values))}


def read_summaries(
    engine: Engine, series: Sequence[Series], since_ns: int, until_ns: int, step_ns: int, stats: Iterable[str]
) -> Summaries:
    """Return the points of ``[since_ns, until_ns)`` of summaries of any names, by series and step.

    ``stats``: those that will be asked for. Reads the metrics' hours, in one question for all of them where they are not very many.
    """
    shape = (len(series), -(-(until_ns - since_ns) // step_ns))
    found = Summaries(
        place={one.series_id: at for at, one in enumerate(series)},
        points=np.zeros(shape),
        added=np.zeros(shape),
        count=np.zeros(shape),
        value=np.zeros(shape),
        sent={stat: np.full(shape, np.nan) for stat in SENT if stat in set(stats)},
    )
    # Of one resource all points are mostly few: they are counted first only where they were too many.
    if series and not _add(found, engine, series, (since_ns, until_ns), since_ns, step_ns, most=MOST_ROWS):
        for piece in slices(engine, series, since_ns, until_ns, step_ns):
            _add(found, engine, series, piece, since_ns, step_ns)
    return found


def _add(
    found: Summaries,
    engine: Engine,
    series: Sequence[Series],
    piece: tuple[int, int],
    since_ns: int,
    step_ns: int,
    most: int = 0,
) -> bool:
    """Add a piece of the range, and return True; nothing of one that has more than ``most`` points (0: any number).

    Running totals are read from before it, to know where to count from.
    """
    begin_ns = piece[0] - LOOKBACK_NS
    query = _ROWS.format(sent="".join(f", {_AS_SENT.format(q=SENT[stat])}" for stat in found.sent))
    raw = engine.row_binary(query + (f"LIMIT {most + 1}" if most else ""), asked_of(series, begin_ns, piece[1]))
    row = np.dtype([*_ROW, *((stat, "<f8") for stat in found.sent)])
    if most and len(raw) > most * row.itemsize:
        return False
    samples, rows = ordered(*rows_of(series, np.frombuffer(raw, row)), totals=True)

    def cells(of: Samples) -> Ints:
        places: Ints = of.series * found.points.shape[1] + (of.time_ns - since_ns) // step_ns
        return places

    def by_cell(at: Ints, values: Floats | None = None) -> Floats:
        return np.bincount(at, values, minlength=found.points.size).reshape(found.points.shape).astype(np.float64)

    inside = samples.time_ns >= piece[0]
    at = cells(samples.where(inside))
    found.points += by_cell(at)
    for stat, values in found.sent.items():
        np.fmax.at(values.reshape(-1), at, rows[stat][inside])
    added = increases(samples, begin_ns)
    added = added.where(added.time_ns >= piece[0])
    at = cells(added)
    found.added += by_cell(at)
    found.count += by_cell(at, added.count)
    found.value += by_cell(at, added.value)
    return True
