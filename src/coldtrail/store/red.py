"""Rate, errors and duration: of services and routes from a roll-up, of functions from their invocations."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from coldtrail.store.anyvalue import sql_text
from coldtrail.store.engine import Engine

Grouping = Literal["service", "function", "route"]


class Point(Struct):
    """One step of a series. ``start_ns`` is its beginning; durations are None where nothing happened."""

    start_ns: int
    count: int
    error_count: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class Group(Struct):
    """One service, function or route over a range, and the equal range before it for comparison."""

    name: str
    kind: Grouping
    count: int
    error_count: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    cold_start_count: int
    previous_count: int
    previous_error_count: int
    previous_p95_ms: float | None
    points: list[Point]


_ROWS = """
FROM invocations AS i
WHERE i.time >= fromUnixTimestamp64Nano({since:Int64}) - INTERVAL 5 MINUTE
  AND i.time < fromUnixTimestamp64Nano({until:Int64})
"""

# Several rows tell of one invocation, the best source first. All in numbers: a state of a text for each of a million
# requests takes five times as long. A function's hash stands behind its source, a duration (ms) behind that times 1e10.
INVOCATIONS = f"""
SELECT min(bitShiftLeft(toUInt64(i.source), 60) + bitShiftRight(cityHash64(i.function), 4)) AS who, min(i.time) AS at,
  min(if(isNull(i.duration_ms), 1e12, toFloat64(i.source) * 1e10 + least(i.duration_ms, 9e9))) AS took,
  max(i.status IN ('error', 'timeout', 'out_of_memory')) AS failed, max(i.cold_start) AS cold
{_ROWS}
GROUP BY cityHash64(i.request_id)
HAVING at >= fromUnixTimestamp64Nano({{since:Int64}})
"""
"""A row an invocation: `who` (its lower 60 bits are the function's `cityHash64 >> 4`), `at`, `took`, `failed`, `cold`."""

_FUNCTION_FIGURES = f"""
SELECT bitAnd(who, 0xFFFFFFFFFFFFFFF) AS hash, {{step}} AS step, count() AS n, countIf(failed) AS errors,
  countIf(cold) AS colds, quantilesTDigest(0.5, 0.95, 0.99)(if(took >= 1e12, 0, took - floor(took / 1e10) * 1e10)) AS q
FROM ({INVOCATIONS}) GROUP BY {{grouping}}
"""

_NAMED_FIGURES = f"""
SELECT toString(b.name) AS name, a.step, a.n, a.errors, a.colds, a.q FROM ({_FUNCTION_FIGURES}) AS a
INNER JOIN (SELECT DISTINCT bitShiftRight(cityHash64(i.function), 4) AS hash, toString(i.function) AS name {_ROWS}) AS b
ON a.hash = b.hash
"""

_STEP_OF_AT = "intDiv(toUnixTimestamp64Nano(at) - {since:Int64}, {step:Int64})"
_FUNCTIONS = _NAMED_FIGURES.replace("{step}", _STEP_OF_AT).replace("{grouping}", "GROUPING SETS ((hash, step), (hash))")
FUNCTIONS_WHOLE = _NAMED_FIGURES.replace("{step}", "NULL").replace("{grouping}", "hash")
"""A row a function: name, NULL, count, errors, cold starts, p50, p95 and p99."""

_ROLLUP = """
SELECT name, intDiv(toInt64(toUnixTimestamp(minute)) * 1000000000 - {since:Int64}, {step:Int64}) AS step,
  sum(count) AS n, sum(error_count) AS errors, 0 AS colds,
  quantilesTDigestMerge(0.5, 0.95, 0.99)(durations_ms) AS q
FROM red
WHERE grouping = {grouping:String} AND minute >= fromUnixTimestamp(intDiv({since:Int64}, 1000000000))
  AND minute < fromUnixTimestamp(intDiv({until:Int64}, 1000000000))
GROUP BY GROUPING SETS ((name, step), (name))
"""

_RAW = """
SELECT name, intDiv(toUnixTimestamp64Nano(start) - {since:Int64}, {step:Int64}) AS step, count() AS n,
  countIf(status_code = 2) AS errors, 0 AS colds, quantilesTDigest(0.5, 0.95, 0.99)(duration_ns / 1e6) AS q
FROM (
  SELECT {name} AS name, start, status_code, duration_ns FROM spans
  WHERE start >= fromUnixTimestamp64Nano({{since:Int64}}) AND start < fromUnixTimestamp64Nano({{until:Int64}})
    AND (kind IN (2, 5) OR parent_span_id = toFixedString('', 8)) AND {present}
)
GROUP BY GROUPING SETS ((name, step), (name))
"""

ROLLUP_STEP_S = 60
"""The roll-up's grain; finer steps are read from the spans themselves."""


def _query(engine: Engine, grouping: Grouping, since_ns: int, until_ns: int, step_ns: int) -> list[tuple[Any, ...]]:
    parameters: dict[str, Any] = {"since": since_ns, "until": until_ns, "step": step_ns}
    settings = {"group_by_use_nulls": 1}
    if grouping == "function":
        return engine.rows(_FUNCTIONS, parameters, settings)
    whole_minutes = step_ns % (ROLLUP_STEP_S * 10**9) == 0 and since_ns % (ROLLUP_STEP_S * 10**9) == 0
    if whole_minutes:
        return engine.rows(_ROLLUP, {**parameters, "grouping": grouping}, settings)
    name = "toString(service)" if grouping == "service" else sql_text("attributes['http.route']")
    present = "1" if grouping == "service" else "mapContains(attributes, 'http.route')"
    query = _RAW.replace("{name}", name).replace("{present}", present).replace("{{", "{").replace("}}", "}")
    return engine.rows(query, parameters, settings)


def _quantile(values: Any, index: int) -> float | None:
    value = values[index]
    return None if value != value else round(float(value), 3)


def red(engine: Engine, grouping: Grouping, since_ns: int, until_ns: int, step_ns: int) -> list[Group]:
    """Return every group of ``[since_ns, until_ns)``, the most troubled first.

    Reads one granule per minute of the roll-up; counts equal those of the raw spans.
    """
    span_ns = until_ns - since_ns
    before = {
        row[0]: row
        for row in _query(engine, grouping, since_ns - span_ns, since_ns, max(span_ns, step_ns))
        if row[1] is None
    }
    groups: dict[str, Group] = {}
    points: dict[str, list[Point]] = {}
    for name, step, count, errors, colds, quantiles in _query(engine, grouping, since_ns, until_ns, step_ns):
        p50, p95, p99 = (_quantile(quantiles, index) for index in range(3))
        if step is not None:
            points.setdefault(name, []).append(Point(since_ns + step * step_ns, count, errors, p50, p95, p99))
            continue
        previous = before.get(name)
        groups[name] = Group(
            name=name,
            kind=grouping,
            count=count,
            error_count=errors,
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
            cold_start_count=colds,
            previous_count=previous[2] if previous else 0,
            previous_error_count=previous[3] if previous else 0,
            previous_p95_ms=_quantile(previous[5], 1) if previous else None,
            points=[],
        )
    for name, series in points.items():
        groups[name].points = sorted(series, key=lambda point: point.start_ns)
    return sorted(groups.values(), key=_trouble, reverse=True)


def _trouble(group: Group) -> tuple[float, float, int]:
    """Failing groups first, by their share of errors; then the slow ones; then the busy ones."""
    share = group.error_count / group.count if group.count else 0.0
    return (round(share, 4), group.p95_ms or 0.0, group.count)
