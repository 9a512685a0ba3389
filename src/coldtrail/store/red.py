"""Rate, errors and duration: of services and routes from a roll-up, of functions from their invocations."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from coldtrail.store.anyvalue import sql_text
from coldtrail.store.engine import Engine
from coldtrail.store.functions.minutes import by_function, counts_by_function
from coldtrail.store.resources import number

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


def _query(
    engine: Engine, grouping: Grouping, since_ns: int, until_ns: int, step_ns: int | None
) -> list[tuple[Any, ...]]:
    if grouping == "function":
        return list(by_function(engine, since_ns, until_ns, step_ns))
    step_ns = step_ns or until_ns - since_ns
    parameters: dict[str, Any] = {"since": since_ns, "until": until_ns, "step": step_ns}
    settings = {"group_by_use_nulls": 1}
    whole_minutes = step_ns % (ROLLUP_STEP_S * 10**9) == 0 and since_ns % (ROLLUP_STEP_S * 10**9) == 0
    if whole_minutes:
        return engine.rows(_ROLLUP, {**parameters, "grouping": grouping}, settings)
    name = "toString(service)" if grouping == "service" else sql_text("attributes['http.route']")
    present = "1" if grouping == "service" else "mapContains(attributes, 'http.route')"
    query = _RAW.replace("{name}", name).replace("{present}", present).replace("{{", "{").replace("}}", "}")
    return engine.rows(query, parameters, settings)


_UNTOLD = (None, None, None)


def _counted(engine: Engine, since_ns: int, until_ns: int, step_ns: int) -> list[tuple[Any, ...]]:
    """Rows of functions as `_query` gives them, those of steps without percentiles."""
    found: list[tuple[Any, ...]] = []
    for name, count, errors, colds, quantiles, steps in counts_by_function(engine, since_ns, until_ns, step_ns):
        found.append((name, None, count, errors, colds, quantiles))
        found += [(name, step, n, failed, 0, _UNTOLD) for step, n, failed in zip(*steps, strict=True)]
    return found


def red(
    engine: Engine, grouping: Grouping, since_ns: int, until_ns: int, step_ns: int, *, percentiles: bool = True
) -> list[Group]:
    """Return every group of ``[since_ns, until_ns)``, the most troubled first.

    Reads one granule per minute of the roll-up; counts equal those of the raw spans. Without ``percentiles`` functions' points
    have none, which takes a third of the time.
    """
    span_ns = until_ns - since_ns
    before = {row[0]: row for row in _query(engine, grouping, since_ns - span_ns, since_ns, None) if row[1] is None}
    counted = grouping == "function" and not percentiles
    rows = (
        _counted(engine, since_ns, until_ns, step_ns)
        if counted
        else _query(engine, grouping, since_ns, until_ns, step_ns)
    )
    groups: dict[str, Group] = {}
    points: dict[str, list[Point]] = {}
    for name, step, count, errors, colds, quantiles in rows:
        p50, p95, p99 = (number(value) for value in quantiles)
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
            previous_p95_ms=number(previous[5][1]) if previous else None,
            points=[],
        )
    for name, series in points.items():
        groups[name].points = sorted(series, key=lambda point: point.start_ns)
    return sorted(groups.values(), key=_trouble, reverse=True)


def _trouble(group: Group) -> tuple[float, float, int]:
    """Failing groups first, by their share of errors; then the slow ones; then the busy ones."""
    share = group.error_count / group.count if group.count else 0.0
    return (round(share, 4), group.p95_ms or 0.0, group.count)
