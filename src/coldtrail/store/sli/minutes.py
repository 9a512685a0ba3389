"""What objectives have counted, as it is kept: good and valid events of a series by minute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from coldtrail.store.engine import Engine

ROWS_AT_ONCE = 50_000


def save_minutes(engine: Engine, rows: Sequence[tuple[int, int, float, float]], version: int) -> None:
    """Write (series, minute in Unix seconds, good, valid); ``version``: Unix nanoseconds, the newest word counts."""
    for first in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[first : first + ROWS_AT_ONCE]
        values: list[list[Any]] = [[one, minute_s, good, valid, version] for one, minute_s, good, valid in some]
        engine.insert("sli_minutes", values, ["series", "minute", "good", "valid", "version"])


def last_saved_s(engine: Engine) -> int:
    """Return the Unix second of the newest word there is, 0 where there is none."""
    return int(engine.rows("SELECT max(version) FROM sli_minutes")[0][0]) // 10**9


_ROWS = """
SELECT series, toUnixTimestamp({at}) AS at_s, sum(good), sum(valid) FROM sli_minutes FINAL
WHERE series IN {{series:Array(UInt64)}} AND minute >= fromUnixTimestamp({{since:Int64}})
  AND minute < fromUnixTimestamp({{until:Int64}}) GROUP BY series, at_s
"""


def _read(engine: Engine, at: str, series: Sequence[int], since_s: int, until_s: int) -> bytes:
    parameters = {"series": list(series), "since": since_s, "until": until_s}
    return engine.row_binary(_ROWS.format(at=at), parameters)


_ROW = np.dtype([("series", "<u8"), ("at_s", "<u4"), ("good", "<f8"), ("valid", "<f8")])
Kept = np.ndarray[Any, np.dtype[np.void]]
"""Rows with `series`, `at_s`, `good` and `valid`."""


def minutes_of(engine: Engine, series: Sequence[int], since_s: int, until_s: int) -> Kept:
    """Return the minutes of some series that had events; a granule a day and series."""
    return np.frombuffer(_read(engine, "minute", series, since_s, until_s), dtype=_ROW)


def hours_of(engine: Engine, series: Sequence[int], since_s: int, until_s: int) -> Kept:
    """Return the hours of some series that had events."""
    return np.frombuffer(_read(engine, "toStartOfHour(minute)", series, since_s, until_s), dtype=_ROW)
