"""What happened to a scope, a row a trace (or request that has none): how it ended, how long it took, and which were affected.

A scope is a service or function; where nothing speaks as one, any value that spans carry (a queue, a host, a route, a user);
or a workflow, whose trails are affected where their outcome is not the complete one.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from coldtrail.model.hex_ids import is_trace_id
from coldtrail.store.engine import Engine
from coldtrail.store.keys.id_sets import text_sets
from coldtrail.store.resources import number
from coldtrail.store.trails.lists import carries

Bad = Literal["error", "slow", "outcome"]

MOST_UNITS = 400
"""So many of each group are looked at: of more, those with the lowest hash of their id, so the same ones each time."""

MOST_MEMBERS = 1_000
LEAST_BEFORE = 20
"""Of fewer in the time before, their 95th percentile is no measure of slow."""


def _within(column: str) -> str:
    """SQL for a time in the range."""
    return (
        f"{column} >= fromUnixTimestamp64Nano({{since:Int64}}) AND {column} < fromUnixTimestamp64Nano({{until:Int64}})"
    )


# The time is the first order key of every table read here; of spans only narrow columns are.
_OF_SERVICE = f"""
SELECT lower(hex(trace_id)) AS id, start AS at, status_code = 2 AS failed, duration_ns / 1e6 AS ms, '' AS request FROM spans
WHERE {_within("start")} AND service = {{scope:String}} AND (kind IN (2, 5) OR parent_span_id = toFixedString('', 8))
UNION ALL
SELECT if(max(i.trace_id) = toFixedString('', 16), i.request_id, lower(hex(max(i.trace_id)))) AS id, min(i.time) AS at,
  max(i.status != '') AS failed, ifNull(argMinIf(i.duration_ms, i.source, isNotNull(i.duration_ms)), 0) AS ms,
  i.request_id AS request
FROM invocations AS i
WHERE i.time >= fromUnixTimestamp64Nano({{since:Int64}}) - INTERVAL 5 MINUTE
  AND i.time < fromUnixTimestamp64Nano({{until:Int64}})
  AND i.request_id IN (SELECT request_id FROM invocations WHERE function = {{scope:String}} AND {_within("time")})
GROUP BY i.request_id HAVING at >= fromUnixTimestamp64Nano({{since:Int64}})
"""

_OF_VALUE = f"""
SELECT lower(hex(trace_id)) AS id, start AS at, status_code = 2 AS failed, duration_ns / 1e6 AS ms, '' AS request FROM spans
WHERE {_within("start")} AND @carries
UNION ALL
SELECT if(trace_id = toFixedString('', 16), request_id, lower(hex(trace_id))) AS id, time AS at,
  severity_number >= 17 AS failed, 0. AS ms, request_id AS request FROM logs WHERE {_within("time")} AND @carries
"""

_OF_WORKFLOW = f"""
SELECT trail_id AS id, argMax(o.start, o.version) AS at, argMax(o.status, o.version) != 'complete' AS failed,
  greatest(0, argMax(o.done_ns, o.version) - toUnixTimestamp64Nano(at)) / 1e6 AS ms, '' AS request
FROM outcomes AS o WHERE workflow = {{scope:String}} AND {_within("o.start")}
GROUP BY trail_id HAVING argMax(o.status, o.version) NOT IN ('', 'open')
"""

_UNITS = """
SELECT id, toUnixTimestamp64Nano(min(at)) AS at_ns, max(failed) AS failed, max(ms) AS ms,
  arrayFilter(r -> r != '', groupUniqArray(4)(request)) AS requests
FROM (@source) WHERE id != '' GROUP BY id
"""


class Scope(Struct, frozen=True):
    """What is looked at: a name, and whether it is a workflow's, a service's or function's, or a value that spans carry."""

    name: str
    kind: Literal["service", "value", "workflow"]


class Figures(Struct, frozen=True):
    """Rate, errors and duration of a stretch of time; durations are None where nothing ran."""

    count: int
    error_count: int
    p50_ms: float | None
    p95_ms: float | None


class Course(Struct, frozen=True):
    """A scope before and after a moment, and step by step: `(start_ns, figures)` of the steps in which anything ran."""

    before: Figures
    after: Figures
    points: list[tuple[int, Figures]]


class Group(Struct, frozen=True):
    """Affected or other units: how many there are, those looked at, and which ids (trace or request) speak of which unit."""

    count: int
    ids: list[str]
    members: dict[str, str]


def scope_of(engine: Engine, name: str, since_ns: int, until_ns: int) -> Scope:
    """Return what a name is within a range: who speaks under it, else a value."""
    rows = engine.rows(
        f"""SELECT 1 FROM spans WHERE {_within("start")} AND service = {{scope:String}} LIMIT 1
        UNION ALL
        SELECT 1 FROM invocations WHERE {_within("time")} AND function = {{scope:String}} LIMIT 1""",
        {"since": since_ns, "until": until_ns, "scope": name},
    )
    return Scope(name, "service" if rows else "value")


def course(engine: Engine, scope: Scope, since_ns: int, moment_ns: int, until_ns: int, step_ns: int) -> Course:
    """Return a scope's figures around a moment; reads narrow columns of the range once."""
    rows = engine.rows(
        f"""SELECT intDiv(at_ns - {{since:Int64}}, {{step:Int64}}) AS step, at_ns >= {{moment:Int64}} AS after, count(),
          countIf(failed), quantilesTDigest(0.5, 0.95)(ms)
        FROM ({_units(scope)}) GROUP BY GROUPING SETS ((step), (after))""",
        {**_asked(scope, since_ns, until_ns), "moment": moment_ns, "step": step_ns},
        {"group_by_use_nulls": 1},
    )
    halves = {bool(after): _figures(rest) for step, after, *rest in rows if step is None}
    points = sorted((since_ns + int(step) * step_ns, _figures(rest)) for step, _, *rest in rows if step is not None)
    nothing = Figures(0, 0, None, None)
    return Course(halves.get(False, nothing), halves.get(True, nothing), points)


def slow_above_ms(engine: Engine, scope: Scope, since_ns: int, until_ns: int) -> float:
    """Return what is slow: above the 95th percentile of an equal time before, or where little ran then, above the 90th of this one."""
    query = f"SELECT count(), quantilesTDigest(0.9, 0.95)(ms) FROM ({_units(scope)})"
    count, (_, before_ms) = engine.rows(query, _asked(scope, max(0, 2 * since_ns - until_ns), since_ns))[0]
    if count >= LEAST_BEFORE:
        return number(before_ms) or 0.0
    _, (now_ms, _) = engine.rows(query, _asked(scope, since_ns, until_ns))[0]
    return number(now_ms) or 0.0


def groups(engine: Engine, scope: Scope, since_ns: int, until_ns: int, slow_ms: float | None) -> tuple[Group, Group]:
    """Return the affected and the others; ``slow_ms`` given: affected is who took longer, else who failed."""
    bad = "failed" if slow_ms is None else "ms > {slow:Float64}"
    asked = {**_asked(scope, since_ns, until_ns), "slow": slow_ms or 0.0}
    counts = engine.rows(
        f"SELECT countIf(bad), countIf(NOT bad) FROM (SELECT {bad} AS bad FROM ({_units(scope)}))", asked
    )
    rows = engine.rows(
        f"""SELECT id, {bad} AS bad, requests FROM ({_units(scope)})
        ORDER BY cityHash64(id), id LIMIT {MOST_UNITS} BY bad""",
        asked,
    )
    both = []
    for count, wanted in zip(counts[0], (True, False), strict=True):
        mine = [(unit, requests) for unit, is_bad, requests in rows if bool(is_bad) == wanted]
        members = {request: unit for unit, requests in mine for request in requests} | {unit: unit for unit, _ in mine}
        both.append(Group(int(count), [unit for unit, _ in mine], members))
    if scope.kind == "workflow":
        return _whole(engine, both[0]), _whole(engine, both[1])
    return both[0], both[1]


def _whole(engine: Engine, group: Group) -> Group:
    """A trail of a workflow has several traces and requests; reads the narrow table of them once."""
    members = dict(group.members)
    for some in text_sets(group.ids):
        rows = engine.rows(
            f"SELECT unit, trail_id FROM trail_members WHERE trail_id IN {some} LIMIT {{most:UInt32}}",
            {"most": MOST_MEMBERS},
        )
        members |= dict(rows)
    return Group(group.count, group.ids, members)


def traces_in(members: dict[str, str]) -> list[str]:
    """Return those ids that are trace ids."""
    return [one for one in members if is_trace_id(one)]


def _units(scope: Scope) -> str:
    if scope.kind == "workflow":
        source = _OF_WORKFLOW
    elif scope.kind == "service":
        source = _OF_SERVICE
    else:
        source = _OF_VALUE.replace("@carries", carries(scope.name))
    return _UNITS.replace("@source", source)


def _asked(scope: Scope, since_ns: int, until_ns: int) -> dict[str, Any]:
    return {"since": since_ns, "until": until_ns, "scope": scope.name}


def _figures(row: list[Any]) -> Figures:
    count, errors, (p50, p95) = row
    return Figures(int(count), int(errors), number(p50), number(p95))
