"""Quantiles of summaries: only as they were sent. The least and the greatest can be merged, percentiles cannot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coldtrail.store.engine import Engine
from coldtrail.store.metrics.samples import Floats, Ints, asked_of, rows_of
from coldtrail.store.metrics.series import Series

# The last received of two copies counts.
_ROWS = """
SELECT series_id, toUnixTimestamp64Nano(time), quantile_values[indexOf(quantiles, {q:Float64})]
FROM metric_points
WHERE name = {name:String} AND time >= fromUnixTimestamp64Nano({since:Int64}) AND time < fromUnixTimestamp64Nano({until:Int64})
  AND flags = 0 AND has(quantiles, {q:Float64}) AND ({all:UInt8} OR series_id IN {ids:Array(UInt64)})
ORDER BY toStartOfHour(time), series_id, time, received DESC
LIMIT 1 BY series_id, time, emitter_id
"""

_ROW = np.dtype([("series", "<u8"), ("time", "<i8"), ("value", "<f8")])


def quantiles_sent(
    engine: Engine,
    series: Sequence[Series],
    groups: Ints,
    steps: int,
    since_ns: int,
    until_ns: int,
    step_ns: int,
    q: float,
) -> tuple[Ints, Floats, int]:
    """Return cells and their quantile ``q``, and how many cells have none because several summaries meet in them."""
    asked = {**asked_of(series, since_ns, until_ns), "q": q}
    rows, at = rows_of(series, np.frombuffer(engine.row_binary(_ROWS, asked), _ROW))
    cell = groups[at] * steps + (rows["time"] - since_ns) // step_ns
    numbers, first, where, many = np.unique(cell, return_index=True, return_inverse=True, return_counts=True)
    values = rows["value"][first].astype(np.float64)
    if q in (0.0, 1.0):
        merge = np.minimum if q == 0.0 else np.maximum
        merge.at(values, where, rows["value"])
        return numbers, values, 0
    return numbers[many == 1], values[many == 1], int((many > 1).sum())
