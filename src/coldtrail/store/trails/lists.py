"""Lists of trails: newest first, filtered, a page at a time.

A trail of one trace without keys is summed up by the engine while it is loaded (`traces`); every other
trail has a row of its own in `trails`, kept by the reconstruction, and its traces and requests are listed
in `trail_members`. A list merges the two. Time is walked backwards in windows that grow until a page is
full, so the newest page reads the newest minutes and not the whole range.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from coldtrail.model.hex_ids import is_trace_id
from coldtrail.store.anyvalue import candidates, only_element
from coldtrail.store.engine import Engine
from coldtrail.store.keys.id_sets import as_written, rows_with, trace_sets
from coldtrail.store.outcomes.kept import trails_with

FIRST_WINDOW_S = 2
FIRST_SEARCHED_WINDOW_S = 12
GROWTH = 6
"""Windows in seconds: 2, 12, 72, ...; each six times as long as the one before, so years take a dozen of them.
A search keeps few of what it reads, so it starts with a longer one."""
SHORTEST_WINDOW_NS = 10**8
LATER_NS, LATER_WINDOWS = 60 * 10**9, 5
"""A trail of a window may carry a value so much later than its own beginning, and no more of windows than these: where a
value is in nearly every trail, a short look must not read a minute of them."""
MOST_UNITS = 5_000
"""Traces and requests that one search of a window names at most."""


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
    workflow: str = ""
    outcome: str = ""
    min_ms: float | None = None
    max_ms: float | None = None
    q: str = ""
    before: tuple[int, str] | None = None

    @property
    def judged(self) -> bool:
        """Whether only trails of a workflow are wanted, or those with an outcome."""
        return bool(self.workflow or self.outcome)


_SUMMED = """toUnixTimestamp64Nano(min(t.start)) AS start_ns,
  (toUnixTimestamp64Nano(max(t.end)) - start_ns) / 1e6 AS duration_ms, if(sum(t.error_count) > 0, 'error', 'ok') AS status"""
_AROUND = """FROM traces AS t
PREWHERE t.start >= fromUnixTimestamp64Nano({lo:Int64}) - INTERVAL 30 SECOND
  AND t.start < fromUnixTimestamp64Nano({hi:Int64}) + INTERVAL 5 MINUTE"""
"""A trace that arrived in pieces has a row for each: those around the window are summed up too."""

_TRACES = f"""
SELECT lower(hex(trace_id)) AS trail_id, {_SUMMED}, sum(t.span_count) AS node_count, sum(t.error_count) AS errors,
  groupUniqArrayArray(t.services) AS services,
  argMin((t.root_service, t.root_name, t.root_kind, lower(hex(t.root_span_id))), (NOT t.has_root, t.start)) AS origin
{_AROUND}"""

_SERVED = ", if(max(has(t.services, {service:String})), [{service:String}], []) AS services"

_TRAILS = """
SELECT trail_id, toUnixTimestamp64Nano(argMax(t.start, t.version)) AS start_ns,
  argMax(t.duration_ms, t.version) AS duration_ms, argMax(t.status, t.version) AS status,
  argMax(t.node_count, t.version) AS node_count, argMax(t.error_count, t.version) AS errors,
  argMax(t.services, t.version) AS services, argMax(t.origin_service, t.version) AS origin_service,
  argMax(t.origin_name, t.version) AS origin_name, argMax(t.origin_kind, t.version) AS origin_kind,
  argMax(t.origin_node_id, t.version) AS origin_node_id, argMax(t.cold_start_count, t.version) AS colds,
  argMax(t.outcome, t.version) AS outcome
FROM trails AS t
WHERE t.start >= fromUnixTimestamp64Nano({lo:Int64}) - INTERVAL 1 HOUR AND trail_id IN (
  SELECT trail_id FROM (SELECT trail_id, status, services, duration_ms, toUnixTimestamp64Nano(start) AS start_ns FROM trails)
  WHERE status != '' AND %s)"""
"""What counts of a trail is its newest row, so only trails of which some row fits are put together."""


def list_trails(engine: Engine, filters: Filters, limit: int) -> list[TrailRow]:
    """Return up to ``limit`` trails, newest first; the newest page reads the newest minutes only."""
    newest, oldest = _bounds(engine)
    end_ns, high_ns = max(filters.since_ns, oldest), min(filters.until_ns, newest + 1)
    if filters.before:
        high_ns = min(high_ns, filters.before[0] + 1)
    length_ns = (FIRST_SEARCHED_WINDOW_S if filters.q or filters.judged else FIRST_WINDOW_S) * 10**9
    found: list[TrailRow] = []
    while high_ns > end_ns and len(found) < limit:
        low_ns = max(end_ns, high_ns - length_ns)
        units = _units_with_value(engine, filters.q, low_ns, high_ns) if filters.q else None
        judged = _judged(engine, filters, low_ns, high_ns) if filters.judged else None
        if max(len(units or ()), len(judged or ())) >= MOST_UNITS and length_ns > SHORTEST_WINDOW_NS:
            # More of them than one look can name: a shorter window, so that none of the newest is left out.
            length_ns //= GROWTH
            continue
        found += _window(engine, filters, low_ns, high_ns, limit, units, judged)
        high_ns = low_ns
        length_ns *= GROWTH
    return found[:limit]


def _bounds(engine: Engine) -> tuple[int, int]:
    """The newest and oldest start there is; without a condition the engine answers from what it keeps of each part."""
    found = [(high, low) for high, low, count in engine.rows(_BOUNDS) if count]
    return max((high for high, _ in found), default=0), min((low for _, low in found), default=2**63 - 1)


_BOUNDS = " UNION ALL ".join(
    f"SELECT toUnixTimestamp64Nano(max(start)), toUnixTimestamp64Nano(min(start)), count() FROM {table}"
    for table in ("traces", "trails")
)


def _window(
    engine: Engine,
    filters: Filters,
    low_ns: int,
    high_ns: int,
    limit: int,
    units: list[str] | None,
    judged: list[str] | None,
) -> list[TrailRow]:
    parameters = {"lo": low_ns, "hi": high_ns, "limit": limit * 2 + 50}
    if units is not None or judged is not None:
        traces, trails = _named(engine, units, judged)
        rows = _from_traces(engine, filters, parameters, traces) + _from_trails(engine, filters, parameters, trails)
    else:
        alone = _from_traces(engine, filters, parameters, None)
        members = trails_of(engine, [row.trail_id for row in alone])
        rows = [row for row in alone if row.trail_id not in members]
        rows += _from_trails(engine, filters, parameters, None)
    rows.sort(key=lambda row: (row.start_ns, row.trail_id), reverse=True)
    if filters.before:
        rows = [row for row in rows if (row.start_ns, row.trail_id) < filters.before]
    return rows[:limit]


def _judged(engine: Engine, filters: Filters, low_ns: int, high_ns: int) -> list[str]:
    return trails_with(engine, filters.workflow, filters.outcome, low_ns, high_ns, MOST_UNITS)


def _named(engine: Engine, units: list[str] | None, judged: list[str] | None) -> tuple[list[str], list[str]]:
    """The traces that are a trail of their own, and the reconstructed trails, that a window is narrowed to."""
    units = units if units is not None else judged or []
    members = trails_of(engine, units)
    traces = [unit for unit in units if is_trace_id(unit) and unit not in members]
    trails = {trail for found in members.values() for trail in found} | set(judged or ())
    if judged is not None:
        return [one for one in traces if one in set(judged)], sorted(trails & set(judged))
    return traces, sorted(trails)


def _having(filters: Filters) -> tuple[str, dict[str, Any]]:
    """The conditions on a whole trail; only those asked for, since planning them costs more than running them."""
    asked: list[tuple[str, str, Any]] = [
        ("has(services, {service:String})", "service", filters.service or None),
        ("status = {status:String}", "status", filters.status or None),
        ("duration_ms >= {min_ms:Float64}", "min_ms", filters.min_ms),
        ("duration_ms <= {max_ms:Float64}", "max_ms", filters.max_ms),
    ]
    given = [(clause, name, value) for clause, name, value in asked if value is not None]
    clauses = ["start_ns >= {lo:Int64} AND start_ns < {hi:Int64}", *(clause for clause, _, _ in given)]
    return " AND ".join(clauses), {name: value for _, name, value in given}


_NEWEST = "\nORDER BY start_ns DESC, trail_id DESC LIMIT {limit:UInt32}"


def _from_traces(
    engine: Engine, filters: Filters, parameters: dict[str, Any], traces: list[str] | None
) -> list[TrailRow]:
    named = " OR ".join(f"trace_id IN {some}" for some in trace_sets(traces or ()))
    if filters.status == "open" or (traces is not None and not named):
        return []
    having, values = _having(filters)
    if named:
        query = f"{_TRACES} AND ({named})\nGROUP BY trace_id HAVING {having}{_NEWEST}"
    else:
        # The newest that fit, by what is cheap to sum up; what else a list says is then put together for those alone.
        fitting = f"""SELECT trail_id FROM (
  SELECT trace_id AS trail_id, {_SUMMED}{_SERVED if filters.service else ""} {_AROUND}
  GROUP BY trace_id HAVING {having}{_NEWEST})"""
        query = f"{_TRACES} AND trace_id IN ({fitting})\nGROUP BY trace_id{_NEWEST}"
    rows = engine.rows(query, {**parameters, **values}, as_written(query))
    return [_trace_row(row) for row in rows]


def _trace_row(row: tuple[Any, ...]) -> TrailRow:
    trail_id, start_ns, duration_ms, status, nodes, errors, services, (service, name, kind, span_id) = row
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
    engine: Engine, filters: Filters, parameters: dict[str, Any], trails: list[str] | None
) -> list[TrailRow]:
    if trails == []:
        return []
    having, values = _having(filters)
    narrow = "" if trails is None else " AND trail_id IN {trails:Array(String)}"
    query = f"{_TRAILS % having}{narrow}\nGROUP BY trail_id HAVING status != '' AND {having}{_NEWEST}"
    rows = engine.rows(query, {**parameters, **values, "trails": trails or []})
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


def trails_of(engine: Engine, units: list[str]) -> dict[str, dict[str, int]]:
    """Map each unit (a trace id or a request id) of reconstructed trails to their ids, and when it joined (Unix seconds)."""
    if not units:
        return {}
    query = """SELECT unit, trail_id, toUnixTimestamp(max(received)) FROM trail_members
        PREWHERE unit IN {some} GROUP BY unit, trail_id"""
    rows = rows_with(engine, query, units)
    gone = _gone(engine, sorted({trail_id for _, trail_id, _ in rows}))
    found: dict[str, dict[str, int]] = {}
    for unit, trail_id, joined_s in rows:
        if trail_id not in gone:
            found.setdefault(unit, {})[trail_id] = joined_s
    return found


def _gone(engine: Engine, trail_ids: list[str]) -> set[str]:
    """Those that became part of another trail since."""
    if not trail_ids:
        return set()
    query = """SELECT trail_id FROM trails PREWHERE trail_id IN {some}
        GROUP BY trail_id HAVING argMax(status, version) = ''"""
    return {row[0] for row in rows_with(engine, query, trail_ids)}


def _units_with_value(engine: Engine, q: str, low_ns: int, high_ns: int) -> list[str]:
    """Return the traces and requests in which a span or log of the window carries the value."""
    name, equals, value = q.partition("=")
    named = bool(equals and name and " " not in name)
    clause = carries(value if named else q, named=named)
    later_ns = min(LATER_NS, LATER_WINDOWS * (high_ns - low_ns))
    within = "{at} >= fromUnixTimestamp64Nano({{lo:Int64}}) AND {at} < fromUnixTimestamp64Nano({{later:Int64}})"
    query = f"""
        SELECT DISTINCT lower(hex(trace_id)) AS unit FROM spans
        WHERE {within.format(at="start")} AND {clause} LIMIT {MOST_UNITS}
        UNION DISTINCT
        SELECT DISTINCT if(trace_id = toFixedString('', 16), request_id, lower(hex(trace_id))) AS unit FROM logs
        WHERE {within.format(at="time")} AND ({clause} OR request_id = {{q:String}}) LIMIT {MOST_UNITS}"""
    rows = engine.rows(query, {"lo": low_ns, "later": high_ns + later_ns, "name": name, "q": q})
    units = [row[0] for row in rows if row[0]]
    if is_trace_id(q):
        units.append(q.lower())
    return units


def carries(value: str, *, named: bool = False) -> str:
    """Return SQL that is true where an attribute has ``value``, alone or as a list; ``named``: the one bound as `{name:String}`."""
    target = "attributes[{name:String}] = %s" if named else "has(mapValues(attributes), %s)"
    raws = [*candidates(value), only_element(value)]
    return "(" + " OR ".join(target % f"unhex('{raw.hex()}')" for raw in raws) + ")"
