"""Requests, errors and durations by the minute, as counters have them: for those who ask in PromQL."""

from __future__ import annotations

from msgspec import Struct

from coldtrail.store.engine import Engine
from coldtrail.store.red import Grouping
from coldtrail.store.sql_words import DID_FAIL

LEVELS = (0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85,
          0.875, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.9925, 0.995, 0.9975, 0.999, 1)  # fmt: skip
"""The quantiles at which a sketch of durations is read; between them it is taken for straight."""

_AT = ", ".join(map(str, LEVELS))

_ROLLUP = f"""
SELECT name, intDiv(toInt64(toUnixTimestamp(minute)), {{step:Int64}}) * {{step:Int64}} AS begins, sum(count), sum(error_count),
  quantilesTDigestMerge({_AT})(durations_ms)
FROM red
WHERE grouping = {{grouping:String}} AND minute >= fromUnixTimestamp({{since:Int64}}) AND minute < fromUnixTimestamp({{until:Int64}})
GROUP BY name, begins ORDER BY name, begins
""".replace("quantilesTDigestMerge(0, ", "quantilesTDigestMerge(0., ")

# An invocation is told of by its report, its lines and its span; the report knows best.
_ATTEMPTS = f"""
SELECT argMin(i.function, i.source) AS function, min(i.time) AS time,
  coalesce(argMinIf(i.duration_ms, i.source, isNotNull(i.duration_ms)), 0) AS duration_ms,
  max(i.status {DID_FAIL}) AS failed
FROM invocations AS i
WHERE i.time >= fromUnixTimestamp64Nano({{since:Int64}}) - INTERVAL 5 MINUTE AND i.time < fromUnixTimestamp64Nano({{until:Int64}})
GROUP BY request_id
HAVING time >= fromUnixTimestamp64Nano({{since:Int64}})
"""

_FUNCTIONS = f"""
SELECT function AS name, intDiv(toInt64(toUnixTimestamp(time)), {{step:Int64}}) * {{step:Int64}} AS begins, count(), countIf(failed),
  quantilesTDigest({_AT})(duration_ms)
FROM ({_ATTEMPTS}) GROUP BY name, begins ORDER BY name, begins
"""


class Minute(Struct):
    """A minute (or several) of one service, function or route. ``begins_s``: Unix seconds. ``durations_ms``: at `LEVELS`."""

    name: str
    begins_s: int
    count: int
    error_count: int
    durations_ms: list[float]


def red_minutes(engine: Engine, grouping: Grouping, since_s: int, until_s: int, step_s: int = 60) -> list[Minute]:
    """Return what began in ``[since_s, until_s)``, by name and then time; ``step_s`` is a number of whole minutes.

    Reads a granule a minute of the roll-up; of functions their invocations.
    """
    if grouping == "function":
        asked = {"since": since_s * 10**9, "until": until_s * 10**9, "step": step_s}
        return [Minute(*row) for row in engine.rows(_FUNCTIONS, asked)]
    asked = {"since": since_s, "until": until_s, "step": step_s}
    return [Minute(*row) for row in engine.rows(_ROLLUP, {**asked, "grouping": grouping})]
