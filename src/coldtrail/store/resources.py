"""Queues, streams, topics, buses, tables and buckets, as the spans and logs that name them tell of them."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from coldtrail.store.engine import Engine
from coldtrail.store.resource_names import CARRIES, MESSAGE_KINDS, Resource
from coldtrail.store.schema.calls import CALL_SPANS_SELECT
from coldtrail.store.sql_words import listed

NEWEST_CALLS = 5_000
"""Of callers that do not say who they are, so many of the newest calls are looked into."""

UNKNOWN = "unknown_service"
MINUTE_NS = 60 * 10**9
MOST_LISTED = 500

RANGE = """minute >= toStartOfMinute(fromUnixTimestamp64Nano({since:Int64}))
  AND minute < fromUnixTimestamp64Nano({until:Int64})"""
"""Of a roll-up: whole minutes, the first one too."""

_ONE = f"FROM calls AS c WHERE {RANGE} AND kind = {{kind:String}} AND name = {{name:String}}"
_QUANTILES = "quantilesTDigestMerge(0.5, 0.95, 0.99)(durations_ms)"


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
    """What one service did to the resource. ``slowest``, ``failing``: traces of such calls, "" where there is none."""

    service: str
    operation: str
    taking: bool
    count: int
    error_count: int
    p95_ms: float | None
    last_seen_ns: int
    slowest: str = ""
    failing: str = ""


class Calls(Struct):
    """The calls that name a resource."""

    count: int
    error_count: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    points: list[CallPoint]
    callers: list[Caller]


def number(value: Any) -> float | None:
    """Return a figure of the engine, None where it has none."""
    return None if value is None or value != value else round(float(value), 3)


def list_resources(engine: Engine, since_ns: int, until_ns: int) -> list[Listed]:
    """Return what was named in the range, most calls first; reads a row a minute, resource, caller and operation."""
    rows = engine.rows(
        f"""SELECT kind, name, sum(c.count) AS n, sum(c.error_count), {_QUANTILES}[2], toUnixTimestamp64Nano(max(c.last_seen))
        FROM calls AS c WHERE {RANGE} AND kind IN ({listed(CARRIES)})
        GROUP BY kind, name ORDER BY n DESC, kind, name LIMIT {MOST_LISTED}""",
        {"since": since_ns, "until": until_ns},
    )
    return [Listed(kind, name, n, errors, number(p95), last) for kind, name, n, errors, p95, last in rows]


def kinds_of(engine: Engine, name: str, since_ns: int, until_ns: int) -> list[Resource]:
    """Return the resources of that name seen in the range; those that carry messages first."""
    rows = engine.rows(
        f"SELECT DISTINCT kind FROM calls WHERE {RANGE} AND name = {{name:String}} AND kind IN ({listed(CARRIES)})",
        {"since": since_ns, "until": until_ns, "name": name},
    )
    found = [Resource(kind, name) for (kind,) in rows]
    return sorted(found, key=lambda one: (one.kind not in MESSAGE_KINDS, one.kind))


def calls(engine: Engine, resource: Resource, since_ns: int, until_ns: int, step_ns: int) -> Calls:
    """Return the calls to one resource; ``step_ns`` is whole minutes. Reads the roll-up's rows of the range.

    Where a caller does not say who it is, its newest calls are read and looked for in their traces.
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
        f"""SELECT intDiv(toInt64(toUnixTimestamp(minute)) * 1000000000 - {{since:Int64}}, {{step:Int64}}) AS step,
          sum(c.count), sum(c.error_count), {_QUANTILES} {_ONE}
        GROUP BY GROUPING SETS ((step), ()) ORDER BY step""",
        parameters,
        {"group_by_use_nulls": 1},
    ):
        p50, p95, p99 = (number(value) for value in quantiles)
        if step is None:
            whole = (n, errors, p50, p95, p99)
        elif n:
            points.append(CallPoint(since_ns + step * step_ns, n, errors, p50, p95))
    count, error_count, p50_ms, p95_ms, p99_ms = whole
    return Calls(count, error_count, p50_ms, p95_ms, p99_ms, points, _callers(engine, parameters))


def _callers(engine: Engine, parameters: dict[str, Any]) -> list[Caller]:
    rows = engine.rows(
        f"""SELECT service, operation, taking, sum(c.count) AS n, sum(c.error_count), {_QUANTILES}[2],
          toUnixTimestamp64Nano(max(c.last_seen)), lower(hex(argMaxMerge(slowest))), lower(hex(argMaxIfMerge(failing)))
        {_ONE} GROUP BY service, operation, taking HAVING n > 0 ORDER BY n DESC, service LIMIT 200""",
        parameters,
    )
    callers = [
        Caller(service, operation, bool(taking), n, errors, number(p95), last, _trace(slowest), _trace(failing))
        for service, operation, taking, n, errors, p95, last, slowest, failing in rows
    ]
    if any(one.service == UNKNOWN for one in callers):
        callers = [one for one in callers if one.service != UNKNOWN] + _unnamed_callers(engine, parameters)
    return sorted(callers, key=lambda one: (-one.count, one.service))


def _trace(text: str) -> str:
    return text if text.strip("0") else ""


_UNNAMED = f"""
SELECT lower(hex(trace_id)), lower(hex(parent_span_id)), operation, duration_ms, failed, taking, toUnixTimestamp64Nano(start)
FROM ({CALL_SPANS_SELECT})
WHERE start >= fromUnixTimestamp64Nano({{since:Int64}}) AND start < fromUnixTimestamp64Nano({{until:Int64}})
  AND service = '{UNKNOWN}' AND resource_kind = {{kind:String}} AND resource = {{name:String}}
ORDER BY start DESC LIMIT {NEWEST_CALLS}
"""


def _unnamed_callers(engine: Engine, parameters: dict[str, Any]) -> list[Caller]:
    """Who made the calls of nobody: a subsegment of an X-Ray SDK that came by itself does not name its function."""
    rows = engine.rows(_UNNAMED, parameters)
    above = _parents(engine, {row[0] for row in rows}, parameters)
    groups: dict[tuple[str, str, bool], list[tuple[Any, ...]]] = {}
    for trace_id, parent, operation, duration_ms, failed, taking, start_ns in rows:
        known = _inherited(above, trace_id, parent)
        groups.setdefault((known, operation, bool(taking)), []).append((duration_ms, failed, start_ns, trace_id))
    return [
        Caller(
            service,
            operation,
            taking,
            len(seen),
            sum(one[1] for one in seen),
            _p95(seen),
            seen[0][2],
            max(seen)[3],
            next((one[3] for one in seen if one[1]), ""),
        )
        for (service, operation, taking), seen in groups.items()
    ]


def _p95(seen: list[tuple[Any, ...]]) -> float:
    durations = sorted(float(one[0]) for one in seen)
    return round(durations[min(len(durations) - 1, int(len(durations) * 0.95))], 3)


def _parents(engine: Engine, trace_ids: set[str], parameters: dict[str, Any]) -> dict[tuple[str, str], tuple[str, str]]:
    """(trace, span) to (parent span, service) of whole traces; a trace lies together, so each is one granule."""
    if not trace_ids:
        return {}
    wanted = ", ".join(f"unhex('{bytes.fromhex(one).hex()}')" for one in sorted(trace_ids))
    rows = engine.rows(
        f"""SELECT lower(hex(trace_id)), lower(hex(span_id)), lower(hex(parent_span_id)), service FROM spans
        WHERE start >= fromUnixTimestamp64Nano({{since:Int64}}) - INTERVAL 15 MINUTE
          AND start < fromUnixTimestamp64Nano({{until:Int64}}) AND trace_id IN ({wanted})""",
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
