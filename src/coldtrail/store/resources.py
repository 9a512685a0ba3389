"""Queues, streams, topics, buses, tables and buckets, as the spans and logs that name them tell of them."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from coldtrail.store.engine import Engine
from coldtrail.store.resource_names import (
    LOG_NAMINGS,
    MESSAGE_KINDS,
    SPAN_NAMINGS,
    Resource,
    sql_names_any,
    sql_operation,
    sql_resource,
    sql_resources,
)

NEWEST_CALLS = 5_000
"""So many of the newest calls are told apart by caller; counts and series are of all."""

UNKNOWN = "unknown_service"

_RANGE = "{at} >= fromUnixTimestamp64Nano({{since:Int64}}) AND {at} < fromUnixTimestamp64Nano({{until:Int64}})"

NAMED_SPANS = f"""
SELECT {sql_resource(SPAN_NAMINGS)} AS resource, {sql_operation()} AS operation, trace_id, span_id, parent_span_id,
  service, start, duration_ns / 1e6 AS duration_ms, status_code = 2 AS failed, kind IN (2, 5) AS taking
FROM spans WHERE {_RANGE.format(at="start")} AND {sql_names_any(SPAN_NAMINGS)}
"""

NAMED_LOGS = f"""
SELECT {sql_resources(LOG_NAMINGS)} AS resources, time, service, request_id
FROM logs WHERE {_RANGE.format(at="time")} AND {sql_names_any(LOG_NAMINGS)}
"""


class Listed(Struct):
    """One resource in the list."""

    kind: str
    name: str
    count: int
    error_count: int
    p95_ms: float | None
    last_seen_ns: int


class CallPoint(Struct):
    """One step of the calls to a resource; durations are None where there were none."""

    start_ns: int
    count: int
    error_count: int
    p50_ms: float | None
    p95_ms: float | None


class Caller(Struct):
    """What one service did to the resource, among the newest calls."""

    service: str
    operation: str
    taking: bool
    count: int
    error_count: int
    p95_ms: float
    last_seen_ns: int


class Calls(Struct):
    """The calls that name a resource. ``caller_count`` calls were told apart by caller."""

    count: int
    error_count: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    points: list[CallPoint]
    callers: list[Caller]
    caller_count: int


def number(value: Any) -> float | None:
    """Return a figure of the engine, None where it has none."""
    return None if value is None or value != value else round(float(value), 3)


def list_resources(engine: Engine, since_ns: int, until_ns: int) -> list[Listed]:
    """Return what was named in the range, most calls first; reads the attributes of the range's spans and logs."""
    rows = engine.rows(
        f"""SELECT resource.1, resource.2, sum(n), sum(errors), max(p95), max(last) FROM (
          SELECT resource, count() AS n, countIf(failed) AS errors, quantileTDigest(0.95)(duration_ms) AS p95,
            toUnixTimestamp64Nano(max(start)) AS last
          FROM ({NAMED_SPANS}) GROUP BY resource
          UNION ALL
          SELECT arrayJoin(resources) AS resource, 0, 0, 0, toUnixTimestamp64Nano(max(time)) FROM ({NAMED_LOGS}) GROUP BY resource)
        WHERE resource.2 != '' GROUP BY resource ORDER BY sum(n) DESC, resource LIMIT 200""",
        {"since": since_ns, "until": until_ns},
    )
    return [Listed(kind, name, n, errors, number(p95), last) for kind, name, n, errors, p95, last in rows]


def kinds_of(engine: Engine, name: str, since_ns: int, until_ns: int) -> list[Resource]:
    """Return the resources of that name seen in the range; those that carry messages first."""
    found = [Resource(one.kind, one.name) for one in list_resources(engine, since_ns, until_ns) if one.name == name]
    return sorted(found, key=lambda one: (one.kind not in MESSAGE_KINDS, one.kind))


def calls(engine: Engine, resource: Resource, since_ns: int, until_ns: int, step_ns: int) -> Calls:
    """Return the calls to one resource: figures and series of all, callers of the newest.

    Reads the attributes of the range's spans three times at most.
    """
    parameters: dict[str, Any] = {
        "since": since_ns,
        "until": until_ns,
        "step": step_ns,
        "kind": resource.kind,
        "name": resource.name,
    }
    points: list[CallPoint] = []
    whole: tuple[Any, ...] = (0, 0, None, None, None)
    for step, n, errors, quantiles in engine.rows(
        f"""SELECT intDiv(toUnixTimestamp64Nano(start) - {{since:Int64}}, {{step:Int64}}) AS step, count(),
          countIf(failed), quantilesTDigest(0.5, 0.95, 0.99)(duration_ms)
        FROM ({NAMED_SPANS}) WHERE resource = ({{kind:String}}, {{name:String}})
        GROUP BY GROUPING SETS ((step), ()) ORDER BY step""",
        parameters,
        {"group_by_use_nulls": 1},
    ):
        p50, p95, p99 = (number(value) for value in quantiles)
        if step is None:
            whole = (n, errors, p50, p95, p99)
        else:
            points.append(CallPoint(since_ns + step * step_ns, n, errors, p50, p95))
    callers, told = _callers(engine, parameters)
    count, error_count, p50_ms, p95_ms, p99_ms = whole
    return Calls(count, error_count, p50_ms, p95_ms, p99_ms, points, callers, told)


def _callers(engine: Engine, parameters: dict[str, Any]) -> tuple[list[Caller], int]:
    rows = engine.rows(
        f"""SELECT lower(hex(trace_id)), lower(hex(parent_span_id)), service, operation, taking, duration_ms, failed,
          toUnixTimestamp64Nano(start)
        FROM ({NAMED_SPANS}) WHERE resource = ({{kind:String}}, {{name:String}}) ORDER BY start DESC LIMIT {NEWEST_CALLS}""",
        parameters,
    )
    nameless = {row[0] for row in rows if row[2] == UNKNOWN}
    above = _parents(engine, nameless, parameters) if nameless else {}
    groups: dict[tuple[str, str, bool], list[tuple[Any, ...]]] = {}
    for trace_id, parent, service, operation, taking, *figures in rows:
        known = _inherited(above, trace_id, parent) if service == UNKNOWN else service
        groups.setdefault((known, operation, bool(taking)), []).append(tuple(figures))
    callers = [
        Caller(service, operation, taking, len(seen), sum(one[1] for one in seen), _p95(seen), seen[0][2])
        for (service, operation, taking), seen in groups.items()
    ]
    return sorted(callers, key=lambda one: (-one.count, one.service)), len(rows)


def _p95(seen: list[tuple[Any, ...]]) -> float:
    durations = sorted(float(one[0]) for one in seen)
    return round(durations[min(len(durations) - 1, int(len(durations) * 0.95))], 3)


def _parents(engine: Engine, trace_ids: set[str], parameters: dict[str, Any]) -> dict[tuple[str, str], tuple[str, str]]:
    """(trace, span) to (parent span, service) of whole traces; a trace lies together, so each is one granule."""
    listed = ", ".join(f"unhex('{bytes.fromhex(one).hex()}')" for one in sorted(trace_ids))
    rows = engine.rows(
        f"""SELECT lower(hex(trace_id)), lower(hex(span_id)), lower(hex(parent_span_id)), service FROM spans
        WHERE start >= fromUnixTimestamp64Nano({{since:Int64}}) - INTERVAL 15 MINUTE
          AND start < fromUnixTimestamp64Nano({{until:Int64}}) AND trace_id IN ({listed})""",
        parameters,
    )
    return {(trace_id, span_id): (parent, service) for trace_id, span_id, parent, service in rows}


def _inherited(above: dict[tuple[str, str], tuple[str, str]], trace_id: str, span_id: str) -> str:
    """The service of the nearest ancestor that has one: an X-Ray SDK's subsegment does not name its function."""
    for _ in range(64):
        found = above.get((trace_id, span_id))
        if found is None:
            break
        span_id, service = found
        if service != UNKNOWN:
            return service
    return UNKNOWN
