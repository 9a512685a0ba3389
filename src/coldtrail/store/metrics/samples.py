"""Points as arrays: read from the engine in its own binary rows, so that no Python step is made for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from coldtrail.store.engine import Engine
from coldtrail.store.metrics.series import Series

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LOOKBACK_NS = 15 * 60 * 10**9
"""How far before a range a running total is looked for; what is exported less often loses the first increase."""

MOST_ROWS = 1_000_000
"""Rows that are in memory at a time, about 50 MB; a longer range is read in slices."""

MOST_IDS = 2_000
"""Up to so many series are named in the question; more are sorted out afterwards."""


class Samples(Struct):
    """Points of one shape, ordered by series, stream and time, copies left out. Times are Unix nanoseconds.

    ``series``: index into the list that was asked for. ``stream``: a number that is the same for points of one series, one
    emitter and one start. ``value``: a number, or a distribution's sum. ``buckets``: (points, buckets) of an explicit histogram.
    """

    series: Ints
    stream: Ints
    time_ns: Ints
    start_ns: Ints
    value: Floats
    count: Floats
    min: Floats
    max: Floats
    buckets: Floats

    def __len__(self) -> int:
        """How many points."""
        return len(self.series)

    def where(self, keep: npt.NDArray[np.bool_]) -> Samples:
        """Return the points that are marked."""
        return Samples(*(getattr(self, name)[keep] for name in self.__struct_fields__))


_ROWS = """
SELECT series_id, emitter_id, toUnixTimestamp64Nano(time), toUnixTimestamp64Nano(start), value{more}
FROM metric_points
WHERE name = {{name:String}} AND time >= fromUnixTimestamp64Nano({{since:Int64}}) AND time < fromUnixTimestamp64Nano({{until:Int64}})
  AND flags = 0 AND ({{all:UInt8}} OR series_id IN {{ids:Array(UInt64)}}) {shape}
ORDER BY toStartOfHour(time), series_id, time, emitter_id, start, received
"""
"""In the order of the key, so that the engine merges sorted parts instead of sorting rows."""

_COUNT = """
SELECT count() FROM metric_points
WHERE name IN {names:Array(String)} AND time >= fromUnixTimestamp64Nano({since:Int64}) AND time < fromUnixTimestamp64Nano({until:Int64})
  AND ({all:UInt8} OR series_id IN {ids:Array(UInt64)})
"""

_BASE = [("series", "<u8"), ("emitter", "<u8"), ("time", "<i8"), ("start", "<i8"), ("value", "<f8")]
_SPREAD = [("count", "<u8"), ("min", "<f8"), ("max", "<f8")]


def slices(
    engine: Engine, series: Sequence[Series], since_ns: int, until_ns: int, step_ns: int, weight: int = 1
) -> list[tuple[int, int]]:
    """Cut a range at steps into pieces of at most `MOST_ROWS` rows of the series, of any names, each; a row counts ``weight`` times."""
    rows = engine.rows(_COUNT, asked_of(series, since_ns, until_ns))[0][0] * weight
    steps = max(1, -(-(until_ns - since_ns) // step_ns))
    length_ns = -(-steps // min(steps, -(-rows // MOST_ROWS) or 1)) * step_ns
    return [(at, min(at + length_ns, until_ns)) for at in range(since_ns, until_ns, length_ns)]


def read(
    engine: Engine,
    series: Sequence[Series],
    since_ns: int,
    until_ns: int,
    *,
    spread: bool = False,
    totals: bool = False,
) -> Iterator[Samples]:
    """Yield the points of ``[since_ns, until_ns)`` of one metric's series, those with as many buckets together.

    ``spread``: count, least, greatest and buckets too. ``totals``: values run on from a start, so that each start is a
    stream of its own; else streams are one emitter's. Reads the metric's hours, and of them the columns asked for.
    """
    if not series:
        return
    asked = asked_of(series, since_ns, until_ns)
    for length in sorted({len(one.bounds) + 1 if one.bounds else 0 for one in series}) if spread else [0]:
        dtype = np.dtype(_row_type(length, spread=spread))
        more = (", count, min, max" if spread else "") + (", buckets" if length else "")
        shape = f"AND length(buckets) = {int(length)}" if spread else ""
        raw = engine.row_binary(_ROWS.format(more=more, shape=shape), asked)
        yield ordered(*rows_of(series, np.frombuffer(raw, dtype)), totals=totals)[0]


def _row_type(length: int, *, spread: bool) -> list[tuple[str, ...]]:
    """A row as RowBinary writes it: packed numbers, an array with its length (a varint) before it."""
    fields: list[tuple[str, ...]] = [*_BASE, *(_SPREAD if spread else [])]
    if length:
        fields.append(("length", "u1", (1 if length < 128 else 2,)))  # type: ignore[arg-type]
        fields.append(("buckets", "<u8", (length,)))  # type: ignore[arg-type]
    return fields


def asked_of(series: Sequence[Series], since_ns: int, until_ns: int) -> dict[str, Any]:
    """Return what a query of series binds, of one metric or of several; of very many all are asked for, and `rows_of` leaves the
    others out.
    """
    everything = len(series) > MOST_IDS
    return {
        "name": series[0].name,
        "names": sorted({one.name for one in series}),
        "since": since_ns,
        "until": until_ns,
        "all": int(everything),
        "ids": [] if everything else [one.series_id for one in series],
    }


def rows_of(series: Sequence[Series], rows: npt.NDArray[np.void]) -> tuple[npt.NDArray[np.void], Ints]:
    """Return the rows (with the field `series`, an id) that are of these series, and of which: places in the sequence."""
    ids = np.array([one.series_id for one in series], dtype=np.uint64)
    order = np.argsort(ids)
    at = np.minimum(np.searchsorted(ids, rows["series"], sorter=order), len(ids) - 1)
    index = order[at].astype(np.int64)
    known = ids[index] == rows["series"]
    return (rows, index) if known.all() else (rows[known], index[known])


def ordered(rows: npt.NDArray[np.void], index: Ints, *, totals: bool) -> tuple[Samples, npt.NDArray[np.void]]:
    """Return rows and the series of each as `Samples`, and the row behind each of these."""
    emitter, time = rows["emitter"].copy(), rows["time"].copy()
    start = rows["start"].copy() if totals else np.zeros(len(rows), dtype=np.int64)
    sequence = np.argsort(index, kind="stable")
    new_stream = differs(index[sequence]) | differs(start[sequence]) | differs(emitter[sequence])
    if new_stream.sum() > differs(index[sequence]).sum():
        sequence = np.lexsort((time, start, emitter, index))
        new_stream = differs(index[sequence]) | differs(start[sequence]) | differs(emitter[sequence])
    is_copy = np.zeros(len(sequence), dtype=bool)
    time = time[sequence]
    # Of copies the last received counts, which comes last.
    is_copy[:-1] = ~new_stream[1:] & (time[1:] == time[:-1])
    stream = np.cumsum(new_stream).astype(np.int64)
    keep = sequence[~is_copy]
    rows = rows[keep]
    names = rows.dtype.names or ()
    nothing = np.full(len(rows), np.nan)
    samples = Samples(
        series=index[keep],
        stream=stream[~is_copy],
        time_ns=time[~is_copy],
        start_ns=rows["start"].copy(),
        value=rows["value"].astype(np.float64),
        count=rows["count"].astype(np.float64) if "count" in names else np.ones(len(rows)),
        min=rows["min"].astype(np.float64) if "min" in names else nothing,
        max=rows["max"].astype(np.float64) if "max" in names else nothing,
        buckets=rows["buckets"].astype(np.float64) if "buckets" in names else np.empty((len(rows), 0)),
    )
    return samples, rows


def differs(values: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Mark where a value is not the one before; the first always."""
    marks = np.ones(len(values), dtype=bool)
    marks[1:] = values[1:] != values[:-1]
    return marks
