"""One function: its invocations, cold and warm durations, memory and grouped failures."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from coldtrail.store.engine import Engine
from coldtrail.store.resources import number
from coldtrail.store.sql_words import DID_FAIL

_INVOCATIONS = """
SELECT argMin(i.function, i.source) AS function, request_id, min(i.time) AS time,
  argMinIf(i.duration_ms, i.source, isNotNull(i.duration_ms)) AS duration_ms,
  multiIf(max(i.status = 'out_of_memory'), 'out_of_memory', max(i.status = 'timeout'), 'timeout',
    max(i.status = 'error'), 'error', 'ok') AS status,
  argMaxIf(i.failure_type, length(i.failure_message), i.failure_type != '') AS failure_type,
  argMaxIf(i.failure_message, length(i.failure_message), i.failure_type != '') AS failure_message,
  max(i.init_ms) AS init_ms, max(i.billed_ms) AS billed_ms, max(i.memory_mb) AS memory_mb,
  max(i.memory_used_mb) AS memory_used_mb, max(i.cold_start) AS cold_start, max(i.version) AS version,
  max(i.trace_id) AS trace_id
FROM invocations AS i
WHERE i.time >= fromUnixTimestamp64Nano({since:Int64}) - INTERVAL 5 MINUTE
  AND i.time < fromUnixTimestamp64Nano({until:Int64})
  AND i.request_hash IN %s
GROUP BY request_id
HAVING time >= fromUnixTimestamp64Nano({since:Int64})
"""
_OF_FUNCTION = """(
    SELECT request_hash FROM invocations WHERE function = {function:String}
      AND time >= fromUnixTimestamp64Nano({since:Int64}) AND time < fromUnixTimestamp64Nano({until:Int64}))"""
INVOCATIONS = _INVOCATIONS % _OF_FUNCTION

# Which failed is known from few rows, and only these invocations are put together; asked in one, both would be read twice.
_THAT_FAILED = f"""
SELECT DISTINCT request_hash FROM invocations PREWHERE request_hash IN {_OF_FUNCTION}
WHERE status {DID_FAIL}
  AND time >= fromUnixTimestamp64Nano({{since:Int64}}) - INTERVAL 5 MINUTE AND time < fromUnixTimestamp64Nano({{until:Int64}})
LIMIT {{most:UInt32}}
"""


class Summary(Struct):
    """A function's figures over a range; None where no signal told them."""

    count: int
    error_count: int
    cold_start_count: int
    timeout_count: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    init_p50_ms: float | None
    init_p95_ms: float | None
    memory_size_mb: int | None
    memory_used_max_mb: int | None
    billed_ms: float
    versions: list[str]


class FunctionPoint(Struct):
    """One step of a function's charts."""

    start_ns: int
    count: int
    error_count: int
    cold_p50_ms: float | None
    warm_p50_ms: float | None
    p95_ms: float | None
    memory_used_mb: int | None


class FailureGroup(Struct):
    """Failures of one type and message."""

    type: str
    message: str
    count: int
    first_seen_ns: int
    last_seen_ns: int
    request_id: str
    trace_id: str


class Invocation(Struct):
    """One invocation in a list."""

    request_id: str
    trace_id: str
    time_ns: int
    duration_ms: float | None
    init_ms: float | None
    cold_start: bool
    status: str
    memory_used_mb: int | None


class Function(Struct):
    """Everything the function page shows."""

    summary: Summary
    points: list[FunctionPoint]
    failures: list[FailureGroup]
    invocations: list[Invocation]


_STEP = "intDiv(toUnixTimestamp64Nano(time) - {since:Int64}, {step:Int64})"
_TYPE = "if(failure_type = '', status, failure_type)"
_PATTERN = "replaceRegexpAll(substring(failure_message, 1, 300), '[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]+', '#')"

_LAST = """toUnixTimestamp64Nano(min(time)), toUnixTimestamp64Nano(max(time)), argMax(request_id, time),
  lower(hex(argMax(trace_id, time))), argMax(failure_message, time)"""
"""When the first and the last was, and which the last was."""

# The invocations of one function are found among all of the range, so they are looked for once, and grouped in three ways.
_PAGE = f"""
SELECT grouping(step) AS no_step, grouping(type) AS no_type, step, type, pattern, count() AS n,
  countIf(status != 'ok'), countIf(cold_start), countIf(status = 'timeout'),
  quantilesTDigestIf(0.5, 0.95, 0.99)(duration_ms, isNotNull(duration_ms)),
  quantilesTDigestIf(0.5, 0.95)(init_ms, isNotNull(init_ms)), max(memory_mb), max(memory_used_mb), sum(billed_ms),
  groupUniqArray(version), quantileTDigestIf(0.5)(duration_ms, cold_start AND isNotNull(duration_ms)),
  quantileTDigestIf(0.5)(duration_ms, NOT cold_start AND isNotNull(duration_ms)),
  {_LAST}
FROM (SELECT *, {_STEP} AS step, if(status = 'ok', '', {_TYPE}) AS type, if(status = 'ok', '', {_PATTERN}) AS pattern
  FROM ({INVOCATIONS}))
GROUP BY GROUPING SETS ((), (step), (type, pattern)) ORDER BY no_step, step
"""

_LIST = f"""
SELECT request_id, lower(hex(trace_id)), toUnixTimestamp64Nano(time), duration_ms, init_ms, cold_start, status, memory_used_mb
FROM ({INVOCATIONS}) ORDER BY time DESC, request_id LIMIT {{limit:UInt32}}
"""
_NEWEST_ROWS = """
SELECT toUnixTimestamp64Nano(min(time)) FROM (
  SELECT time FROM invocations WHERE function = {function:String}
    AND time >= fromUnixTimestamp64Nano({since:Int64}) AND time < fromUnixTimestamp64Nano({until:Int64})
  ORDER BY time DESC LIMIT {rows:UInt32})
"""
ROWS_OF_ONE = 4
"""So many rows tell of an invocation, at most as a rule: its span, its first line, its report, a second attempt."""

MOST_FAILURES = 50

_FAILURES = f"""
SELECT {_TYPE} AS type, {_PATTERN} AS pattern, count(), {_LAST}
FROM ({_INVOCATIONS}) WHERE status != 'ok' GROUP BY type, pattern
"""


def function(engine: Engine, name: str, since_ns: int, until_ns: int, step_ns: int, limit: int = 200) -> Function:
    """Return a function's page; reads the request ids of the range's invocations of all functions, once."""
    parameters = {"function": name, "since": since_ns, "until": until_ns, "step": step_ns}
    page = Function(Summary(0, 0, 0, 0, None, None, None, None, None, None, None, 0.0, []), [], [], [])
    for row in engine.rows(_PAGE, parameters):
        no_step, no_type, step, type_, pattern, *figures = row
        if not no_step:
            page.points.append(_point(since_ns + step * step_ns, figures))
        elif not no_type:
            page.failures += [_failure(type_, pattern, figures)] if figures[1] else []
        elif figures[0]:
            page.summary = _summary(figures)
            page.invocations = _newest(engine, parameters, min(limit, page.summary.count))
    page.failures = sorted(page.failures, key=lambda one: -one.count)[:MOST_FAILURES]
    return page


def _newest(engine: Engine, parameters: dict[str, Any], limit: int) -> list[Invocation]:
    """Put the newest invocations together, of the last part of the range where they all began there."""
    bound = {"limit": limit, "rows": limit * ROWS_OF_ONE}
    ((begins_ns,),) = engine.rows(_NEWEST_ROWS, parameters | bound)
    rows = engine.rows(_LIST, parameters | bound | {"since": begins_ns})
    if len(rows) < limit:
        rows = engine.rows(_LIST, parameters | bound)
    return [_invocation(row) for row in rows]


def failures(engine: Engine, name: str, since_ns: int, until_ns: int) -> list[FailureGroup]:
    """Return how a function's invocations failed, the most frequent first, as its page tells it; a fraction of what that reads."""
    parameters = {"function": name, "since": since_ns, "until": until_ns}
    failed = [row[0] for row in engine.rows(_THAT_FAILED, {**parameters, "most": engine.most_bound + 1})]
    if not failed:
        return []
    if len(failed) > engine.most_bound:
        rows = engine.rows(_FAILURES % _OF_FUNCTION, parameters)
    else:
        rows = engine.rows(_FAILURES % "{failed:Array(UInt64)}", {**parameters, "failed": failed})
    found = [_failure(type_, pattern, told) for type_, pattern, *told in rows]
    return sorted(found, key=lambda one: -one.count)[:MOST_FAILURES]


def _summary(figures: list[Any]) -> Summary:
    count, errors, colds, timeouts, durations, inits, memory, used, billed, versions, *_ = figures
    return Summary(
        count=count,
        error_count=errors,
        cold_start_count=colds,
        timeout_count=timeouts,
        p50_ms=number(durations[0]),
        p95_ms=number(durations[1]),
        p99_ms=number(durations[2]),
        init_p50_ms=number(inits[0]),
        init_p95_ms=number(inits[1]),
        memory_size_mb=memory,
        memory_used_max_mb=used,
        billed_ms=billed or 0.0,
        versions=sorted(version for version in versions if version),
    )


def _point(start_ns: int, figures: list[Any]) -> FunctionPoint:
    count, errors, _, _, durations, _, _, used, _, _, cold, warm, *_ = figures
    return FunctionPoint(start_ns, count, errors, number(cold), number(warm), number(durations[1]), used)


def _failure(type_: str, pattern: str, figures: list[Any]) -> FailureGroup:
    count, *_, first, last, request_id, trace_id, message = figures
    return FailureGroup(type_, message or pattern, count, first, last, request_id, trace_id.strip("0") and trace_id)


def _invocation(row: tuple[Any, ...]) -> Invocation:
    request_id, trace_id, time_ns, duration, init, cold, status, used = row
    return Invocation(
        request_id,
        trace_id.strip("0") and trace_id,
        time_ns,
        number(duration),
        number(init),
        bool(cold),
        status,
        used,
    )
