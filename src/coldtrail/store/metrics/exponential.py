"""Exponential histograms of one metric, added up by cell (a group's step), each cell's buckets at one scale for all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from coldtrail.store.engine import Engine
from coldtrail.store.metrics.merge import FINEST_SCALE, Sparse, keys_of
from coldtrail.store.metrics.samples import Floats, Ints, asked_of, differs, rows_of
from coldtrail.store.metrics.series import Series

BUCKETS_PER_POINT = 12
"""About so many rows a point makes here, for the length of slices."""

# Buckets that are empty are not read back: most of a point's are. The last received of two copies counts.
_ROWS = """
SELECT series_id, cityHash64(emitter_id, {totals:UInt8} * toUnixTimestamp64Nano(start)), toUnixTimestamp64Nano(time),
  toUnixTimestamp64Nano(start), b.1, scale, toInt32(b.2), b.3
FROM (
  SELECT series_id, emitter_id, time, start, scale, arrayJoin(arrayConcat(
    arrayMap((c, i) -> (toInt8(1), positive_offset + i - 1, c), positive, arrayEnumerate(positive)),
    arrayMap((c, i) -> (toInt8(-1), negative_offset + i - 1, c), negative, arrayEnumerate(negative)),
    [(toInt8(0), 0, zero_count)])) AS b
  FROM (
    SELECT * FROM metric_points
    WHERE name = {name:String} AND time >= fromUnixTimestamp64Nano({since:Int64}) AND time < fromUnixTimestamp64Nano({until:Int64})
      AND flags = 0 AND ({all:UInt8} OR series_id IN {ids:Array(UInt64)})
    ORDER BY toStartOfHour(time), series_id, time, emitter_id, start, received DESC
    LIMIT 1 BY series_id, time, emitter_id, start
  )
)
WHERE b.3 > 0
"""

_ROW = np.dtype(
    [
        ("series", "<u8"),
        ("stream", "<u8"),
        ("time", "<i8"),
        ("start", "<i8"),
        ("sign", "i1"),
        ("scale", "<i4"),
        ("index", "<i4"),
        ("count", "<u8"),
    ]
)


class Cells(Struct):
    """Counts by cell and bucket: ``counts`` is (cells, len(keys)), keys ascending, all at ``scale``; ``number`` are the cells'."""

    number: Ints
    keys: Ints
    scale: int
    counts: Floats


def read_cells(
    engine: Engine, series: Sequence[Series], groups: Sequence[int], since_ns: int, until_ns: int, step_ns: int, steps: int,
    origin_ns: int, lookback_ns: int, finest: int = FINEST_SCALE,
) -> Cells:  # fmt: skip
    """Return the buckets of ``[since_ns, until_ns)``; a cell's number is its group times ``steps`` plus its step from ``origin_ns``.

    Reads ``lookback_ns`` more where totals run on, to know where to count from. ``finest``: the scale of the buckets at most.
    """
    totals = any(one.temporality == 2 for one in series)
    read_from_ns = since_ns - (lookback_ns if totals else 0)
    asked = {**asked_of(series, read_from_ns, until_ns), "totals": int(totals)}
    rows, at = rows_of(series, np.frombuffer(engine.row_binary(_ROWS, asked), _ROW))
    cell = np.asarray(groups, dtype=np.int64)[at] * steps + (rows["time"] - origin_ns) // step_ns
    sparse = Sparse(
        cell, rows["sign"].astype(np.int64), rows["scale"].astype(np.int64), rows["index"].astype(np.int64),
        rows["count"].astype(np.float64),
    )  # fmt: skip
    keys, scale = keys_of(sparse, finest)
    counts = sparse.count
    if totals:
        is_total = np.array([one.temporality == 2 for one in series])[at]
        counts = np.where(is_total, _added(rows, at, keys, counts, read_from_ns), counts)
    inside = (rows["time"] >= since_ns) & (counts > 0)
    return _summed(cell[inside], keys[inside], scale, counts[inside])


def _added(rows: npt.NDArray[np.void], at: Ints, keys: Ints, counts: Floats, complete_from_ns: int) -> Floats:
    """What each bucket gained since the point before of its stream; rows of one point and key are added up first."""
    order = np.lexsort((rows["time"], keys, rows["stream"], at))
    stream, key, time = rows["stream"][order], keys[order], rows["time"][order]
    own = differs(at[order]) | differs(stream)
    bucket = own | differs(key)
    point = bucket | differs(time)
    place = np.cumsum(point) - 1
    total = np.bincount(place, counts[order])
    firsts = np.flatnonzero(point)
    gained = total.copy()
    gained[1:] -= np.where(bucket[firsts][1:], 0.0, total[:-1])
    gained = np.where(gained < 0, total, gained)
    began = np.minimum.reduceat(time, np.flatnonzero(own)) if len(time) else time
    began_of = began[np.cumsum(own) - 1][firsts]
    start = rows["start"][order][firsts]
    is_base = (time[firsts] == began_of) & ~((start > 0) & (start >= complete_from_ns))
    gained[is_base] = 0
    out = np.zeros(len(counts))
    out[order[firsts]] = gained
    return out


def _summed(cell: Ints, keys: Ints, scale: int, counts: Floats) -> Cells:
    number, row = np.unique(cell, return_inverse=True)
    distinct, column = np.unique(keys, return_inverse=True)
    table = np.bincount(row * max(len(distinct), 1) + column, counts, minlength=len(number) * len(distinct))
    return Cells(number, distinct, scale, table.reshape(len(number), len(distinct)).astype(np.float64))


def merge_cells(parts: Sequence[Cells]) -> Cells:
    """Return the cells of several slices as one."""
    cells = [part for part in parts if len(part.number)]
    if not cells:
        nothing = np.empty(0, dtype=np.int64)
        return Cells(nothing, nothing, 0, np.empty((0, 0)))
    rows = [_sparse(part) for part in cells]
    joined = Sparse(*(np.concatenate([getattr(row, name) for row in rows]) for name in Sparse.__struct_fields__))
    keys, scale = keys_of(joined)
    return _summed(joined.cell, keys, scale, joined.count)


def _sparse(part: Cells) -> Sparse:
    row, column = np.nonzero(part.counts)
    keys = part.keys[column]
    sign = np.sign(keys)
    return Sparse(
        part.number[row], sign, np.full(len(row), part.scale), np.abs(keys) - (1 << 40), part.counts[row, column]
    )
