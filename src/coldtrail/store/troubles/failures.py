"""What went wrong within a range, grouped by minute, for those who look for findings; every answer is bounded."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from coldtrail.store.anyvalue import sql_text
from coldtrail.store.engine import Engine
from coldtrail.store.figures.calls import THROTTLED
from coldtrail.store.signals import TRACE_READ
from coldtrail.store.sources.listed import POISON_TRIES

MOST_GROUPS = 2_000
MOST_CALLED = 60
"""Callers and what they call, of one question: each costs the reading of one trace."""

MOST_SERIES = 50_000

MOST_UNITS = 5
"""Examples that a group keeps."""

_RANGE = """time >= fromUnixTimestamp64Nano({since:Int64}) AND time < fromUnixTimestamp64Nano({until:Int64})"""
_MINUTE = "toUnixTimestamp(toStartOfMinute(time))"
_TIMES = f"toUnixTimestamp64Nano(min(time)), toUnixTimestamp64Nano(max(time)), groupArray({MOST_UNITS})(unit)"

_SHORT = "replaceRegexpAll(substring(%s, 1, 300), '[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]+', '#')"
"""Groups what differs in ids and numbers alone, so that the engine answers with few rows; `watch` normalises further."""

_ONCE = """
SELECT argMin(i.function, i.source) AS function, request_id AS unit, min(i.time) AS time,
  multiIf(max(i.status = 'out_of_memory'), 'out_of_memory', max(i.status = 'timeout'), 'timeout',
    max(i.status = 'error'), 'error', 'ok') AS status,
  argMaxIf(i.failure_type, length(i.failure_message), i.failure_type != '') AS type,
  argMaxIf(i.failure_message, length(i.failure_message), i.failure_type != '') AS message,
  argMinIf(i.duration_ms, i.source, isNotNull(i.duration_ms)) AS duration_ms,
  max(i.memory_mb) AS memory_mb, max(i.memory_used_mb) AS memory_used_mb, max(i.cold_start) AS cold
FROM invocations AS i
WHERE i.time >= fromUnixTimestamp64Nano({since:Int64}) - INTERVAL 5 MINUTE
  AND i.time < fromUnixTimestamp64Nano({until:Int64})
GROUP BY request_id
HAVING time >= fromUnixTimestamp64Nano({since:Int64})
"""


class Group(Struct, frozen=True):
    """Occurrences of one thing in one minute. ``scope`` and ``texts`` are what the question groups by."""

    minute_s: int
    scope: str
    texts: tuple[str, ...]
    count: int
    first_ns: int
    last_ns: int
    units: tuple[str, ...]
    figures: tuple[float, ...] = ()


def touched(engine: Engine, received_since_s: int) -> list[tuple[int, int]]:
    """Return the times of the events received since a Unix second, as ranges of Unix ns within an hour each, newest first.

    What arrives late, or is replayed, is of another time than now.
    """
    hours: dict[int, tuple[int, int]] = {}
    for table, column in (("invocations", "time"), ("logs", "time"), ("traces", "start"), ("deliveries", "at")):
        query = f"""SELECT toUnixTimestamp(toStartOfHour({column})) AS hour,
              toUnixTimestamp64Nano(min({column})), toUnixTimestamp64Nano(max({column})) + 1
            FROM {table} WHERE received >= toDateTime({{since:UInt32}}) GROUP BY hour"""
        for hour, first, until in engine.rows(query, {"since": max(0, received_since_s)}):
            known = hours.get(hour, (first, until))
            hours[hour] = (min(known[0], first), max(known[1], until))
    return sorted(hours.values(), reverse=True)


def failed_invocations(engine: Engine, since_ns: int, until_ns: int) -> list[Group]:
    """Failed invocations by function and (status, type, message)."""
    query = f"""SELECT {_MINUTE}, function, status, any(type), any(message), count(), {_TIMES}
        FROM ({_ONCE}) WHERE status != 'ok'
        GROUP BY {_MINUTE}, function, status, type, {_SHORT % "message"} ORDER BY count() DESC LIMIT {MOST_GROUPS}"""
    return [_group(row, 3) for row in _rows(engine, query, since_ns, until_ns)]


def invocation_counts(engine: Engine, since_ns: int, until_ns: int) -> dict[tuple[str, int], int]:
    """Return how often each function ran in each minute: `{(function, minute_s): count}`."""
    query = f"SELECT function, {_MINUTE}, count() FROM ({_ONCE}) GROUP BY function, {_MINUTE}"
    return {(function, minute): count for function, minute, count in _rows(engine, query, since_ns, until_ns)}


def nearly_full(engine: Engine, since_ns: int, until_ns: int, share: float) -> list[Group]:
    """Invocations that succeeded with more than ``share`` of their memory; figures: the most used MB, the size in MB."""
    query = f"""SELECT {_MINUTE}, function, count(), {_TIMES}, max(memory_used_mb), max(memory_mb)
        FROM ({_ONCE}) WHERE status = 'ok' AND memory_used_mb >= memory_mb * {{share:Float64}}
        GROUP BY {_MINUTE}, function LIMIT {MOST_GROUPS}"""
    return [_group(row, 0, 2) for row in _rows(engine, query, since_ns, until_ns, share=share)]


def error_lines(engine: Engine, since_ns: int, until_ns: int) -> list[Group]:
    """Log lines at error level, by service and text, of invocations that did not fail themselves."""
    text = f"coalesce(nullIf({sql_text(_at('message'))}, ''), body)"
    query = f"""SELECT {_MINUTE}, service, any(text), count(), {_TIMES}
        FROM (SELECT time, service, {text} AS text, if(request_id != '', request_id, lower(hex(trace_id))) AS unit, request_id
          FROM logs WHERE {_RANGE} AND severity_number >= 17 AND NOT startsWith(event_name, 'platform.')
            AND NOT startsWith(event_name, 'stepfunctions.') AND event_name != 'apigateway.access'
            AND NOT mapContains(attributes, 'exception.type'))
        WHERE request_id NOT IN (SELECT unit FROM ({_ONCE}) WHERE status != 'ok')
        GROUP BY {_MINUTE}, service, {_SHORT % "text"} ORDER BY count() DESC LIMIT {MOST_GROUPS}"""
    return [_group(row, 1) for row in _rows(engine, query, since_ns, until_ns)]


def failed_calls(engine: Engine, since_ns: int, until_ns: int) -> list[Group]:
    """Failed calls, the most frequent first, by caller and (what was called, error type, status message).

    They are counted by the roll-up; type and message are those of one call of each group, read from its trace.
    The one figure is 1 where a limit refused that call.
    """
    query = f"""SELECT toUnixTimestamp(minute), service, name, sum(error_count) AS failed,
          toUnixTimestamp64Nano(min(last_seen)), toUnixTimestamp64Nano(max(last_seen)), lower(hex(argMaxIfMerge(failing)))
        FROM calls WHERE minute >= fromUnixTimestamp64Nano({{since:Int64}}) AND minute < fromUnixTimestamp64Nano({{until:Int64}})
          AND NOT taking GROUP BY minute, service, name HAVING failed > 0 ORDER BY failed DESC LIMIT {MOST_CALLED}"""
    rows = engine.rows(query, {"since": since_ns, "until": until_ns})
    told = _failures_of(engine, {row[6] for row in rows}) if rows else {}
    return [
        Group(
            minute_s=minute,
            scope=service,
            texts=(name, *(known := told.get((trace_id, service), ("", "", 0)))[:2]),
            count=failed,
            first_ns=first_ns,
            last_ns=last_ns,
            units=(trace_id,),
            figures=(float(known[2]),),
        )
        for minute, service, name, failed, first_ns, last_ns, trace_id in rows
    ]


def _failures_of(engine: Engine, trace_ids: set[str]) -> dict[tuple[str, str], tuple[str, str, int]]:
    """Return error type, message and whether a limit refused it, of one failed call of each caller in each trace."""
    error = f"coalesce(nullIf({sql_text(_at('error.type'))}, ''), {sql_text(_at('exception.type'))})"
    listed = ", ".join(f"unhex('{bytes.fromhex(one).hex()}')" for one in sorted(trace_ids))
    query = f"""SELECT lower(hex(trace_id)), toString(service), {error}, status_message, {THROTTLED} FROM spans
        PREWHERE trace_id IN ({listed}) WHERE kind IN (3, 4) AND status_code = 2 LIMIT {MOST_GROUPS}"""
    rows = engine.rows(query, settings=TRACE_READ)
    return {(trace_id, service): (error, message, held) for trace_id, service, error, message, held in rows}


def failed_executions(engine: Engine, since_ns: int, until_ns: int) -> list[Group]:
    """Step Functions executions that failed, timed out or were aborted, by state machine and (how, error, cause)."""
    machine = "arrayElement(splitByChar(':', request_id), 7)"
    query = f"""SELECT {_MINUTE}, scope, any(how), any(error), any(cause), count(), {_TIMES}
        FROM (SELECT time, request_id AS unit, {machine} AS scope, substring(toString(event_name), 15) AS how,
            {sql_text(_at("error.type"))} AS error, {sql_text(_at("cause"))} AS cause
          FROM logs WHERE {_RANGE}
            AND event_name IN ('stepfunctions.ExecutionFailed', 'stepfunctions.ExecutionTimedOut', 'stepfunctions.ExecutionAborted'))
        GROUP BY {_MINUTE}, scope, how, error, {_SHORT % "cause"} LIMIT {MOST_GROUPS}"""
    return [_group(row, 3) for row in _rows(engine, query, since_ns, until_ns)]


def _at(name: str) -> str:
    return f"attributes['{name}']"


def _rows(engine: Engine, query: str, since_ns: int, until_ns: int, **more: Any) -> list[tuple[Any, ...]]:
    return engine.rows(query, {"since": since_ns, "until": until_ns, **more})


def _group(row: tuple[Any, ...], texts: int, figures: int = 0) -> Group:
    minute_s, scope = row[:2]
    count, first_ns, last_ns, units = row[2 + texts : 6 + texts]
    return Group(
        minute_s=int(minute_s),
        scope=str(scope),
        texts=tuple(str(text) for text in row[2 : 2 + texts]),
        count=count,
        first_ns=first_ns,
        last_ns=last_ns,
        units=tuple(unit for unit in units if unit.strip("0")),
        figures=tuple(float(value or 0) for value in row[6 + texts : 6 + texts + figures]),
    )


def _newest(also: str = "") -> str:
    """SQL for the newest word on each delivery of the range."""
    return f"SELECT * FROM deliveries WHERE {_RANGE.replace('time ', 'at ')}{also} ORDER BY version DESC LIMIT 1 BY message, slot"


def given_up(engine: Engine, since_ns: int, until_ns: int) -> list[Group]:
    """Messages that came out of a dead-letter queue, by where they had been and (dead-letter queue, error type, message).

    The one figure: how often each was tried, at most.
    """
    query = f"""SELECT toUnixTimestamp(toStartOfMinute(at)), dead_letter_of, any(name), any(failure_type), any(failure_message),
          uniqExact(message), toUnixTimestamp64Nano(min(at)), toUnixTimestamp64Nano(max(at)), groupArray({MOST_UNITS})(trail_id),
          max(tries)
        FROM ({_newest(" AND dead_letter_of != ''")})
        GROUP BY 1, dead_letter_of, {_SHORT % "failure_message"} ORDER BY 6 DESC LIMIT {MOST_GROUPS}"""
    return [_group(row, 3, 1) for row in _rows(engine, query, since_ns, until_ns)]


def poisoned(engine: Engine, since_ns: int, until_ns: int) -> list[Group]:
    """Messages that failed again and again and never went through, by source and (consumer, error type, message).

    The one figure: how often one of them was tried, at most.
    """
    query = f"""SELECT toUnixTimestamp(toStartOfMinute(first_at)), name, consumer, any(type), any(said), count(),
          toUnixTimestamp64Nano(min(first_at)), max(last_ns), groupArray({MOST_UNITS})(trail), max(tried)
        FROM (SELECT name, consumer, message, min(at) AS first_at, max(taken_ns) AS last_ns, any(trail_id) AS trail,
            countIf(failed) AS tried, anyIf(failure_type, failure_type != '') AS type,
            anyIf(failure_message, failure_message != '') AS said
          FROM ({_newest()}) WHERE taker != '' GROUP BY name, consumer, message
          HAVING tried >= {POISON_TRIES} AND countIf(NOT failed) = 0)
        GROUP BY 1, name, consumer, {_SHORT % "said"} ORDER BY 6 DESC LIMIT {MOST_GROUPS}"""
    return [_group(row, 3, 1) for row in _rows(engine, query, since_ns, until_ns)]


def taken_again(engine: Engine, since_ns: int, until_ns: int) -> list[Group]:
    """Messages that a consumer took again although it had been through with them, by source and (consumer,).

    Figures: how many of them return to a queue each time, and how often one was taken, at most. A queue hands out again and
    again what it was told to, by an answer that no telemetry shows (`batchItemFailures`), or what took too long.
    """
    again = f"SELECT message FROM deliveries WHERE {_RANGE.replace('time ', 'at ')} AND how = 'duplicate'"
    query = f"""SELECT toUnixTimestamp(toStartOfMinute(first_at)), name, consumer, count(), toUnixTimestamp64Nano(min(first_at)),
          max(last_ns), groupArray({MOST_UNITS})(trail), countIf(returns), max(taken)
        FROM (SELECT name, consumer, message, min(at) AS first_at, max(taken_ns) AS last_ns, any(trail_id) AS trail,
            count() AS taken,
            any(kind) = 'sqs' AND taken >= {POISON_TRIES} AND countIf(failed AND NOT partial) = 0 AS returns
          FROM ({_newest(f" AND message IN ({again})")}) WHERE taker != '' GROUP BY name, consumer, message
          HAVING countIf(how = 'duplicate') > 0 ORDER BY returns DESC)
        GROUP BY 1, name, consumer LIMIT {MOST_GROUPS}"""
    return [_group(row, 1, 2) for row in _rows(engine, query, since_ns, until_ns)]


def median_durations(
    engine: Engine, since_ns: int, until_ns: int, *, of: list[str] | None = None, above_ms: float = 0.0, least: int = 1
) -> dict[tuple[str, str], dict[int, tuple[int, float]]]:
    """Return `{(caller, called): {minute_s: (count, median ms)}}` of calls by the minute, and of functions as ("", function).

    ``of``: only of these as called. Minutes of fewer than ``least`` calls, or with a lower median than ``above_ms``, are left out.
    """
    wanted = "1" if of is None else "{column} IN {of:Array(String)}"
    calls = f"""SELECT service, name, toUnixTimestamp(minute), sum(count) AS n,
          quantilesTDigestMerge(0.5, 0.95, 0.99)(durations_ms)[1] AS median
        FROM calls WHERE minute >= fromUnixTimestamp64Nano({{since:Int64}}) AND minute < fromUnixTimestamp64Nano({{until:Int64}})
          AND NOT taking AND {wanted.replace("{column}", "name")}
        GROUP BY service, name, minute HAVING n >= {{least:UInt64}} AND median >= {{above:Float64}} LIMIT {MOST_SERIES}"""
    functions = f"""SELECT '', function, {_MINUTE}, count() AS n, quantileTDigest(0.5)(duration_ms) AS median
        FROM ({_ONCE}) WHERE isNotNull(duration_ms) AND NOT cold AND {wanted.replace("{column}", "function")}
        GROUP BY function, {_MINUTE} HAVING n >= {{least:UInt64}} AND median >= {{above:Float64}} LIMIT {MOST_SERIES}"""
    found: dict[tuple[str, str], dict[int, tuple[int, float]]] = {}
    more = {"of": of or [], "above": above_ms, "least": least}
    for query in (calls, functions):
        for caller, called, minute_s, count, median_ms in _rows(engine, query, since_ns, until_ns, **more):
            found.setdefault((caller, called), {})[minute_s] = (count, float(median_ms))
    return found
