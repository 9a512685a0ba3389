"""Lists of trails: newest first, filtered, a page at a time.

A trail of one trace without keys is summed up by the engine while it is loaded (`traces`); every other
trail has a row of its own in `trails`, kept by the reconstruction, and its traces and requests are listed
in `trail_members`. A list merges the two. Time is walked backwards in windows that grow until a page is
full, so the newest page reads the newest minutes and not the whole range.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from coldtrail.store.anyvalue import candidates
from coldtrail.store.engine import Engine

FIRST_WINDOW_S = 2
GROWTH = 6
"""Windows in seconds: 2, 12, 72, ...; each six times as long as the one before, so years take a dozen of them."""


class TrailRow(Struct):
    """One trail in a list. ``start_ns`` is Unix nanoseconds; ``trail_id`` as in ARCHITECTURE.md, 'Identity'."""

    trail_id: str
    start_ns: int
    duration_ms: float
    status: str
    outcome: str | None
    node_count: int
    error_count: int
    cold_start_count: int
    services: list[str]
    origin_service: str
    origin_name: str
    origin_kind: str
    origin_node_id: str


class Filters(Struct, frozen=True):
    """What a list is narrowed to; None and "" mean any. ``q`` is `name=value` or a bare value."""

    since_ns: int
    until_ns: int
    service: str = ""
    status: str = ""
    outcome: str = ""
    min_ms: float | None = None
    max_ms: float | None = None
    q: str = ""
    before: tuple[int, str] | None = None


_HAVING = """
HAVING start_ns >= {lo:Int64} AND start_ns < {hi:Int64}
  AND ({service:String} = '' OR has(services, {service:String}))
  AND duration_ms >= {min_ms:Float64} AND duration_ms <= {max_ms:Float64}
  AND ({status:String} = '' OR status = {status:String})
ORDER BY start_ns DESC, trail_id DESC LIMIT {limit:UInt32}
"""

_TRACES = f"""
SELECT lower(hex(trace_id)) AS trail_id, toUnixTimestamp64Nano(min(t.start)) AS start_ns,
  (toUnixTimestamp64Nano(max(t.end)) - start_ns) / 1e6 AS duration_ms,
  if(sum(t.error_count) > 0, 'error', 'ok') AS status, sum(t.span_count) AS node_count, sum(t.error_count) AS errors,
  groupUniqArrayArray(t.services) AS services, argMin(t.root_service, rank) AS origin_service,
  argMin(t.root_name, rank) AS origin_name, argMin(t.root_kind, rank) AS origin_kind,
  lower(hex(argMin(t.root_span_id, rank))) AS origin_span_id
FROM (SELECT *, (NOT has_root, start) AS rank FROM traces
  WHERE start >= fromUnixTimestamp64Nano({{lo:Int64}}) - INTERVAL 30 SECOND
    AND start < fromUnixTimestamp64Nano({{hi:Int64}}) + INTERVAL 5 MINUTE
    AND {{narrow}}) AS t
GROUP BY trace_id
{_HAVING}
"""

_TRAILS = f"""
SELECT trail_id, toUnixTimestamp64Nano(argMax(t.start, t.version)) AS start_ns,
  argMax(t.duration_ms, t.version) AS duration_ms, argMax(t.status, t.version) AS status,
  argMax(t.node_count, t.version) AS node_count, argMax(t.error_count, t.version) AS errors,
  argMax(t.services, t.version) AS services, argMax(t.origin_service, t.version) AS origin_service,
  argMax(t.origin_name, t.version) AS origin_name, argMax(t.origin_kind, t.version) AS origin_kind,
  argMax(t.origin_node_id, t.version) AS origin_node_id, argMax(t.cold_start_count, t.version) AS colds,
  argMax(t.outcome, t.version) AS outcome
FROM trails AS t
WHERE {{narrow}}
GROUP BY trail_id
{_HAVING.replace("HAVING", "HAVING status != '' AND ")}
"""


def list_trails(engine: Engine, filters: Filters, limit: int) -> list[TrailRow]:
    """Return up to ``limit`` trails, newest first; the newest page reads the newest minutes only."""
    found: list[TrailRow] = []
    for low_ns, high_ns in _windows(engine, filters):
        found += _window(engine, filters, low_ns, high_ns, limit)
        if len(found) >= limit:
            break
    return found[:limit]


def _windows(engine: Engine, filters: Filters) -> Iterator[tuple[int, int]]:
    """Yield [low, high) in nanoseconds, newest first, from the newest data on and no further than the oldest."""
    newest, oldest = _bounds(engine, filters)
    high = min(filters.until_ns, newest + 1)
    if filters.before:
        high = min(high, filters.before[0] + 1)
    length_ns = FIRST_WINDOW_S * 10**9
    while high > max(filters.since_ns, oldest):
        low = max(filters.since_ns, high - length_ns)
        yield low, high
        high = low
        length_ns *= GROWTH


def _bounds(engine: Engine, filters: Filters) -> tuple[int, int]:
    """The newest and oldest start that can matter; reads two granules by the order of the tables."""
    newest, oldest = 0, 2**63 - 1
    for table in ("traces", "trails"):
        query = f"""SELECT toUnixTimestamp64Nano(max(start)), toUnixTimestamp64Nano(min(start)), count() FROM {table}
          WHERE start >= fromUnixTimestamp64Nano({{since:Int64}}) AND start < fromUnixTimestamp64Nano({{until:Int64}})"""
        high, low, count = engine.rows(query, {"since": filters.since_ns, "until": filters.until_ns})[0]
        if count:
            newest, oldest = max(newest, high), min(oldest, low)
    return newest, oldest


def _window(engine: Engine, filters: Filters, low_ns: int, high_ns: int, limit: int) -> list[TrailRow]:
    units = _units_with_value(engine, filters.q, low_ns, high_ns) if filters.q else None
    if units is not None and not units:
        return []
    parameters: dict[str, Any] = {
        "lo": low_ns,
        "hi": high_ns,
        "service": filters.service,
        "status": filters.status,
        "min_ms": filters.min_ms if filters.min_ms is not None else -1e18,
        "max_ms": filters.max_ms if filters.max_ms is not None else 1e18,
        "limit": limit * 2 + 50,
    }
    rows = _from_traces(engine, filters, parameters, units) + _from_trails(engine, filters, parameters, units)
    rows.sort(key=lambda row: (row.start_ns, row.trail_id), reverse=True)
    if filters.before:
        rows = [row for row in rows if (row.start_ns, row.trail_id) < filters.before]
    return rows[:limit]


def _from_traces(
    engine: Engine, filters: Filters, parameters: dict[str, Any], units: list[str] | None
) -> list[TrailRow]:
    if filters.outcome or filters.status == "open":
        return []
    narrow = "1"
    if units is not None:
        traces = [unit for unit in units if len(unit) == 32]
        if not traces:
            return []
        narrow = "trace_id IN (" + ", ".join(f"unhex('{bytes.fromhex(unit).hex()}')" for unit in traces) + ")"
    rows = engine.rows(_TRACES.replace("{narrow}", narrow), parameters)
    members = _members(engine, [row[0] for row in rows])
    return [_trace_row(row) for row in rows if row[0] not in members]


def _trace_row(row: tuple[Any, ...]) -> TrailRow:
    trail_id, start_ns, duration_ms, status, nodes, errors, services, service, name, kind, span_id = row
    return TrailRow(
        trail_id=trail_id,
        start_ns=start_ns,
        duration_ms=duration_ms,
        status=status,
        outcome=None,
        node_count=nodes,
        error_count=errors,
        cold_start_count=0,
        services=sorted(services),
        origin_service=service,
        origin_name=name,
        origin_kind="request" if kind == 2 else "operation",
        origin_node_id=trail_id + span_id,
    )


def _from_trails(
    engine: Engine, filters: Filters, parameters: dict[str, Any], units: list[str] | None
) -> list[TrailRow]:
    narrow = "t.start >= fromUnixTimestamp64Nano({lo:Int64}) - INTERVAL 1 HOUR"
    more: dict[str, Any] = {}
    if units is not None:
        ids = sorted({trail for trails in _members(engine, units).values() for trail in trails})
        if not ids:
            return []
        narrow, more = "trail_id IN {ids:Array(String)}", {"ids": ids}
    if filters.outcome:
        narrow, more = f"{narrow} AND t.outcome = {{outcome:String}}", {**more, "outcome": filters.outcome}
    rows = engine.rows(_TRAILS.replace("{narrow}", narrow), {**parameters, **more})
    return [_trail_row(row) for row in rows]


def _trail_row(row: tuple[Any, ...]) -> TrailRow:
    trail_id, start_ns, duration_ms, status, nodes, errors, services, service, name, kind, node_id, colds, outcome = row
    return TrailRow(
        trail_id=trail_id,
        start_ns=start_ns,
        duration_ms=duration_ms,
        status=status,
        outcome=outcome or None,
        node_count=nodes,
        error_count=errors,
        cold_start_count=colds,
        services=sorted(services),
        origin_service=service,
        origin_name=name,
        origin_kind=kind,
        origin_node_id=node_id,
    )


def _members(engine: Engine, units: list[str]) -> dict[str, list[str]]:
    """Map each unit (a trace id or a request id) that belongs to reconstructed trails to their ids."""
    if not units:
        return {}
    found: dict[str, list[str]] = {}
    query = """
        SELECT DISTINCT unit, trail_id FROM trail_members WHERE unit IN {units:Array(String)} AND trail_id NOT IN (
          SELECT trail_id FROM trails
          WHERE trail_id IN (SELECT trail_id FROM trail_members WHERE unit IN {units:Array(String)})
          GROUP BY trail_id HAVING argMax(status, version) = '')"""
    for unit, trail_id in engine.rows(query, {"units": units}):
        found.setdefault(unit, []).append(trail_id)
    return found


def trails_of(engine: Engine, units: list[str]) -> dict[str, list[str]]:
    """Return the trail ids of each unit; a trace that was not reconstructed is its own trail."""
    members = _members(engine, units)
    return {unit: members.get(unit) or [unit] for unit in units}


def _units_with_value(engine: Engine, q: str, low_ns: int, high_ns: int) -> list[str]:
    """Return the traces and requests in which a span or log of the window carries the value."""
    name, equals, value = q.partition("=")
    named = bool(equals and name and " " not in name)
    clause = carries(value if named else q, named=named)
    # A trail of the window may carry the value a little after its own beginning.
    later = "fromUnixTimestamp64Nano({{hi:Int64}}) + INTERVAL 1 MINUTE"
    within = "{at} >= fromUnixTimestamp64Nano({{lo:Int64}}) AND {at} < " + later
    query = f"""
        SELECT DISTINCT lower(hex(trace_id)) AS unit FROM spans
        WHERE {within.format(at="start")} AND {clause} LIMIT 5000
        UNION DISTINCT
        SELECT DISTINCT if(trace_id = toFixedString('', 16), request_id, lower(hex(trace_id))) AS unit FROM logs
        WHERE {within.format(at="time")} AND ({clause} OR request_id = {{q:String}}) LIMIT 5000"""
    rows = engine.rows(query, {"lo": low_ns, "hi": high_ns, "name": name, "q": q})
    units = [row[0] for row in rows if row[0]]
    if is_trace_id(q):
        units.append(q.lower())
    return units


def is_trace_id(text: str) -> bool:
    """Say whether ``text`` is a trace id in hex."""
    return len(text) == 32 and all(digit in "0123456789abcdefABCDEF" for digit in text)


def carries(value: str, *, named: bool = False) -> str:
    """Return SQL that is true where an attribute has ``value``; ``named``: the one bound as `{name:String}`."""
    target = "attributes[{name:String}] = %s" if named else "has(mapValues(attributes), %s)"
    return "(" + " OR ".join(target % f"unhex('{raw.hex()}')" for raw in candidates(value)) + ")"
