"""Whether the figures that a server told agree with the spans themselves, read from its store once it has stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import Struct

from coldtrail.store.anyvalue import sql_text
from coldtrail.store.engine import Engine

RANGE = "start >= fromUnixTimestamp({since:Int64}) AND start < fromUnixTimestamp({until:Int64})"
WORKED = "(kind IN (2, 5) OR parent_span_id = toFixedString('', 8))"
NEIGHBOURS = "arrayMap(by -> xs[toInt64(least(greatest(floor(0.99 * {n}) + 1 + by, 1), toFloat64({n})))], [-1, 0, 1])"
"""The value of which one in a hundred is greater, between the one before and the one after: of few values they lie far apart."""

QUERIES = {
    "service": f"""SELECT name, n, failed, {NEIGHBOURS.format(n="n")} FROM (
          SELECT toString(service) AS name, count() AS n, countIf(status_code = 2) AS failed,
            arraySort(groupArray(duration_ns / 1e6)) AS xs
          FROM spans WHERE {RANGE} AND {WORKED} GROUP BY name)""",
    "route": f"""SELECT name, n, failed, {NEIGHBOURS.format(n="n")} FROM (
          SELECT {sql_text("attributes['http.route']")} AS name, count() AS n, countIf(status_code = 2) AS failed,
            arraySort(groupArray(duration_ns / 1e6)) AS xs
          FROM spans WHERE {RANGE} AND {WORKED} AND mapContains(attributes, 'http.route') GROUP BY name)""",
    "function": f"""SELECT s.name, s.n, s.failed, i.p99 FROM (
          SELECT toString(service) AS name, uniqExact(cityHash64(attributes['faas.invocation_id'])) AS n,
            uniqExactIf(cityHash64(attributes['faas.invocation_id']), status_code = 2) AS failed
          FROM spans WHERE {RANGE} AND kind IN (2, 5) AND mapContains(attributes, 'faas.invocation_id') GROUP BY name) AS s
        LEFT JOIN (
          SELECT function, arraySort(groupArray(took)) AS xs, {NEIGHBOURS.format(n="length(xs)")} AS p99 FROM (
            SELECT toString(argMin(function, source)) AS function, min(i.time) AS start,
              argMinIf(i.duration_ms, i.source, isNotNull(i.duration_ms)) AS took
            FROM invocations AS i GROUP BY cityHash64(request_id))
          WHERE {RANGE} GROUP BY function) AS i ON s.name = i.function""",
}
"""Counts, failures and p99 of the spans. Every invocation of the fleet has one span, whose service is the function; how long it took
its report says better, as everywhere."""


class Agreement(Struct):
    """How the groups told agree: of how many the count or the failures differ, and the greatest relative error of a p99.

    ``beyond``: of what is told beyond the values next to the true one.
    """

    of: str
    groups: int
    told: int
    counted: int
    differing: int
    worst_p99: float
    beyond: float


def compare(data: Path, told: dict[str, list[dict[str, Any]]], since_s: int, until_s: int) -> list[Agreement]:
    """Compare the groups of `/red` over a range with the spans of the store in ``data``, which no server uses."""
    engine = Engine(f"chdb://{data.resolve() / 'store'}", memory_bytes=4 << 30)
    try:
        return [_compared(engine, group, QUERIES[group], groups, since_s, until_s) for group, groups in told.items()]
    finally:
        engine.close()


def _compared(
    engine: Engine, of: str, query: str, groups: list[dict[str, Any]], since_s: int, until_s: int
) -> Agreement:
    counted = {
        name: (n, failed, p99) for name, n, failed, p99 in engine.rows(query, {"since": since_s, "until": until_s})
    }
    by_name = {one["name"]: one for one in groups}
    differing, worst, beyond = 0, 0.0, 0.0
    for name in counted.keys() | by_name.keys():
        one, (n, failed, p99) = by_name.get(name, {}), counted.get(name, (0, 0, []))
        differing += (one.get("count", 0), one.get("error_count", 0)) != (n, failed)
        if p99 and one.get("p99_ms"):
            low, true, high = p99
            worst = max(worst, abs(one["p99_ms"] / true - 1))
            beyond = max(beyond, low / one["p99_ms"] - 1, one["p99_ms"] / high - 1)
    return Agreement(
        of,
        len(counted),
        sum(int(one["count"]) for one in groups),
        sum(int(n) for n, _, _ in counted.values()),
        differing,
        worst,
        beyond,
    )
