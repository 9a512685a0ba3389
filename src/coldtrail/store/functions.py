"""One function: its invocations, cold and warm durations, memory and grouped failures."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from coldtrail.store.engine import Engine

INVOCATIONS = """
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
  AND i.request_id IN (
    SELECT request_id FROM invocations WHERE function = {function:String}
      AND time >= fromUnixTimestamp64Nano({since:Int64}) AND time < fromUnixTimestamp64Nano({until:Int64}))
GROUP BY request_id
HAVING time >= fromUnixTimestamp64Nano({since:Int64})
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


def _number(value: Any) -> float | None:
    return None if value is None or value != value else round(float(value), 3)


def function(engine: Engine, name: str, since_ns: int, until_ns: int, step_ns: int, limit: int = 200) -> Function:
    """Return a function's page; reads the minutes of the range of one table."""
    parameters = {"function": name, "since": since_ns, "until": until_ns, "step": step_ns, "limit": limit}
    return Function(
        summary=_summary(engine, parameters),
        points=_points(engine, parameters, since_ns, step_ns),
        failures=_failures(engine, parameters),
        invocations=_invocations(engine, parameters),
    )


def _summary(engine: Engine, parameters: dict[str, Any]) -> Summary:
    row = engine.rows(
        f"""SELECT count(), countIf(status != 'ok'), countIf(cold_start), countIf(status = 'timeout'),
          quantilesTDigestIf(0.5, 0.95, 0.99)(duration_ms, isNotNull(duration_ms)),
          quantilesTDigestIf(0.5, 0.95)(init_ms, isNotNull(init_ms)), max(memory_mb), max(memory_used_mb),
          sum(billed_ms), groupUniqArray(version)
        FROM ({INVOCATIONS})""",
        parameters,
    )[0]
    count, errors, colds, timeouts, durations, inits, memory, used, billed, versions = row
    return Summary(
        count=count,
        error_count=errors,
        cold_start_count=colds,
        timeout_count=timeouts,
        p50_ms=_number(durations[0]),
        p95_ms=_number(durations[1]),
        p99_ms=_number(durations[2]),
        init_p50_ms=_number(inits[0]),
        init_p95_ms=_number(inits[1]),
        memory_size_mb=memory,
        memory_used_max_mb=used,
        billed_ms=billed or 0.0,
        versions=sorted(version for version in versions if version),
    )


def _points(engine: Engine, parameters: dict[str, Any], since_ns: int, step_ns: int) -> list[FunctionPoint]:
    rows = engine.rows(
        f"""SELECT intDiv(toUnixTimestamp64Nano(time) - {{since:Int64}}, {{step:Int64}}) AS step, count(),
          countIf(status != 'ok'), quantileTDigestIf(0.5)(duration_ms, cold_start AND isNotNull(duration_ms)),
          quantileTDigestIf(0.5)(duration_ms, NOT cold_start AND isNotNull(duration_ms)),
          quantileTDigestIf(0.95)(duration_ms, isNotNull(duration_ms)), max(memory_used_mb)
        FROM ({INVOCATIONS}) GROUP BY step ORDER BY step""",
        parameters,
    )
    return [
        FunctionPoint(since_ns + step * step_ns, count, errors, _number(cold), _number(warm), _number(p95), used)
        for step, count, errors, cold, warm, p95, used in rows
    ]


def _failures(engine: Engine, parameters: dict[str, Any]) -> list[FailureGroup]:
    rows = engine.rows(
        f"""SELECT if(failure_type = '', status, failure_type) AS type,
          replaceRegexpAll(substring(failure_message, 1, 300), '[0-9a-f]{{8}}-[0-9a-f-]{{27}}|[0-9]+', '#') AS message,
          count() AS n, toUnixTimestamp64Nano(min(time)), toUnixTimestamp64Nano(max(time)), argMax(request_id, time),
          lower(hex(argMax(trace_id, time))), argMax(failure_message, time)
        FROM ({INVOCATIONS}) WHERE status != 'ok' GROUP BY type, message ORDER BY n DESC LIMIT 50""",
        parameters,
    )
    return [
        FailureGroup(type_, last_message or pattern, count, first, last, request_id, trace_id.strip("0") and trace_id)
        for type_, pattern, count, first, last, request_id, trace_id, last_message in rows
    ]


def _invocations(engine: Engine, parameters: dict[str, Any]) -> list[Invocation]:
    rows = engine.rows(
        f"""SELECT request_id, lower(hex(trace_id)), toUnixTimestamp64Nano(time), duration_ms, init_ms, cold_start,
          status, memory_used_mb
        FROM ({INVOCATIONS}) ORDER BY time DESC LIMIT {{limit:UInt32}}""",
        parameters,
    )
    return [
        Invocation(
            request_id,
            trace_id.strip("0") and trace_id,
            time_ns,
            _number(duration),
            _number(init),
            bool(cold),
            status,
            used,
        )
        for request_id, trace_id, time_ns, duration, init, cold, status, used in rows
    ]
