"""Invocations by function and step: from the minutes that are summed up, and row by row from the rest of a range."""

from __future__ import annotations

from typing import Any

from coldtrail.store.engine import Engine
from coldtrail.store.minutes import MINUTE_NS, REACH_MIN, Parts, between, moment, parts
from coldtrail.store.sql_words import DID_FAIL

EARLY_NS = 5 * MINUTE_NS
"""Before a range, rows of invocations that began before it are looked for."""

REACH_NS = REACH_MIN * MINUTE_NS
GRAIN_NS = 10 * 10**6
"""Overlaps of less do not count, and memory stays bounded."""

# Several rows tell of one invocation, the best source first. All in numbers: a state of a text for each of a million
# requests takes five times as long. A function's hash stands behind its source, a duration (ms) behind that times 1e10.
_AGGREGATES = f"""
SELECT min(bitShiftLeft(toUInt64(i.source), 60) + bitShiftRight(cityHash64(i.function), 4)) AS who, min(i.time) AS at,
  min(if(isNull(i.duration_ms), 1e12, toFloat64(i.source) * 1e10 + least(assumeNotNull(i.duration_ms), 9e9))) AS took,
  max(i.status {DID_FAIL}) AS failed, max(i.cold_start) AS cold"""

MORE = ", max(i.init_ms) AS init_ms, max(i.memory_mb) AS memory, max(i.memory_used_mb) AS used"

_ROWS = """
FROM invocations AS i
WHERE i.time >= fromUnixTimestamp64Nano({since:Int64}) - INTERVAL 5 MINUTE
  AND i.time < fromUnixTimestamp64Nano({until:Int64})
"""

INVOCATIONS = f"""{_AGGREGATES}
{_ROWS}
GROUP BY i.request_hash
HAVING at >= fromUnixTimestamp64Nano({{since:Int64}})
"""
"""A row an invocation: `who` (its lower 60 bits are the function's `cityHash64 >> 4`), `at`, `took`, `failed`, `cold`."""

TOOK_MS = "if(took >= 1e12, 0, took - floor(took / 1e10) * 1e10)"
UNION = "\nUNION ALL\n"
QUANTILES = "quantilesTDigest{}(0.5, 0.95, 0.99)"
_STATE = QUANTILES.format("State")


def invocations(
    since_ns: int, until_ns: int, low_ns: int, high_ns: int, more: str = "", *, of_one: bool = False
) -> str:
    """Return SQL for a row each of what began in ``[since, until)``, whose rows are looked for in ``[low, high)``.

    ``of_one``: only of the function that is bound as ``function``.
    """
    chosen = its = ""
    if of_one:
        chosen = f"""AND i.request_hash IN (
          SELECT request_hash FROM invocations WHERE function = {{function:String}} AND {between("time", low_ns, high_ns)})"""
        its = f"AND {HASH} = bitShiftRight(cityHash64({{function:String}}), 4)"
    elif high_ns - low_ns > 2 * (until_ns - since_ns):
        # To ask for the few that have a row of their own here is cheaper than to put all of the neighbours together.
        chosen = f"""AND i.request_hash IN (
          SELECT request_hash FROM invocations WHERE {between("time", since_ns, until_ns)})"""
    return f"""{_AGGREGATES}{more}
FROM invocations AS i WHERE {between("i.time", low_ns, high_ns)} {chosen}
GROUP BY i.request_hash HAVING at >= {moment(since_ns)} AND at < {moment(until_ns)} {its}"""


def names(low_ns: int, high_ns: int) -> str:
    """Return SQL for the names of functions behind their hashes."""
    return f"""SELECT bitShiftRight(cityHash64(function), 4) AS hash, toString(function) AS name
FROM (SELECT i.function AS function FROM invocations AS i WHERE {between("i.time", low_ns, high_ns)} GROUP BY function)"""


HASH = "bitAnd(who, 0xFFFFFFFFFFFFFFF)"
STEP_OF_MINUTE = "intDiv(toInt64(toUnixTimestamp(minute)) * 1000000000 - {since:Int64}, {step:Int64})"
STEP_OF_AT = "intDiv(toUnixTimestamp64Nano(at) - {since:Int64}, {step:Int64})"


def _of_gap(gap: tuple[int, int], since_ns: int, until_ns: int) -> str:
    """SQL for figures by function and step of a stretch; beside what is summed up nothing may be counted twice."""
    low_ns = gap[0] - (EARLY_NS if gap[0] == since_ns else REACH_NS)
    high_ns = gap[1] if gap[1] == until_ns else gap[1] + REACH_NS
    rows = invocations(*gap, low_ns, high_ns) if gap != (since_ns, until_ns) else INVOCATIONS
    return f"""SELECT b.name AS name, a.step AS step, a.n AS n, a.errors AS errors, a.colds AS colds, a.q AS q FROM (
  SELECT {HASH} AS hash, {STEP_OF_AT} AS step, count() AS n, countIf(failed) AS errors, countIf(cold) AS colds,
    {_STATE}({TOOK_MS}) AS q FROM ({rows}) GROUP BY hash, step) AS a
INNER JOIN ({names(low_ns, high_ns)}) AS b ON a.hash = b.hash"""


def _by_step(cut: Parts, since_ns: int, until_ns: int) -> str:
    """SQL for rows of a range: `name`, `step`, `n`, `errors`, `colds`, and `q`, the state of its durations."""
    found = [_of_gap(gap, since_ns, until_ns) for gap in cut.gaps]
    if cut.summed:
        found.append(
            f"""SELECT toString(function) AS name, {STEP_OF_MINUTE} AS step, toUInt64(count) AS n,
  toUInt64(error_count) AS errors, toUInt64(cold_start_count) AS colds, durations_ms AS q
FROM function_minutes WHERE function != '' AND {cut.where}"""
        )
    return UNION.join(found)


def by_function(
    engine: Engine, since_ns: int, until_ns: int, step_ns: int | None = None
) -> list[tuple[str, int | None, int, int, int, list[float]]]:
    """Return name, step, count, errors, cold starts and p50, p95, p99 (ms) by function and step, and by function (step None).

    Without ``step_ns`` by function alone. Reads a row a minute and function, and each row of invocations of what is not
    summed up yet.
    """
    whole = step_ns is None
    columns = f"name, {'NULL' if whole else 'step'}, sum(n), sum(errors), sum(colds), {QUANTILES.format('Merge')}(q)"
    sets = "(name)" if whole else "GROUPING SETS ((name, step), (name))"
    return _rows(engine, f"SELECT {columns} FROM (ROWS) GROUP BY {sets}", since_ns, until_ns, step_ns)


def counts_by_function(
    engine: Engine, since_ns: int, until_ns: int, step_ns: int
) -> list[tuple[str, int, int, int, list[float], tuple[list[int], list[int], list[int]]]]:
    """Return name, count, errors, cold starts, p50, p95 and p99 (ms), and (steps, counts, errors) by function.

    A third of what `by_function` costs: percentiles of each step are not worked out.
    """
    columns = f"name, sum(n), sum(errors), sum(colds), {QUANTILES.format('Merge')}(q), sumMap([step], [n], [errors])"
    return _rows(engine, f"SELECT {columns} FROM (ROWS) GROUP BY name", since_ns, until_ns, step_ns)


def _rows(engine: Engine, query: str, since_ns: int, until_ns: int, step_ns: int | None) -> list[Any]:
    step = step_ns or until_ns - since_ns
    cut = parts(engine, "function", since_ns, until_ns, step_ns or MINUTE_NS)
    if not cut.summed and not cut.gaps:
        return []
    parameters: dict[str, Any] = {"since": since_ns, "until": until_ns, "step": step}
    bound = {**parameters, **(cut.parameters if cut.summed else {})}
    return engine.rows(query.replace("ROWS", _by_step(cut, since_ns, until_ns)), bound, {"group_by_use_nulls": 1})


TOLD = "took < 1e12"

WHOLE = f"""count() AS n, countIf(failed) AS errors, {QUANTILES.format("IfState")}({TOOK_MS}, {TOLD}) AS told,
    {QUANTILES.format("IfState")}(ifNull(init_ms, 0), isNotNull(init_ms)) AS inits, ifNull(max(memory), 0) AS memory,
    ifNull(max(used), 0) AS used"""
"""What is told of some `invocations`, read with `MORE`: counts, most MB, and states."""

STEP_OF_INSTANT = "intDiv(at - {since:Int64}, {step:Int64})"


def instants(since_ns: int, until_ns: int) -> str:
    """Return SQL for `at` (Unix nanoseconds) and `running`: how many invocations ran at once then.

    Who starts where another ends does not overlap it: what happens at one instant is added up before it is looked at.
    """
    return f"""SELECT at, running FROM (
  SELECT at, sum(by) OVER (ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS running FROM (
    SELECT intDiv(change.1, {GRAIN_NS}) * {GRAIN_NS} AS at, sum(change.2) AS by FROM (
      SELECT toUnixTimestamp64Nano(at) AS began,
        arrayJoin([(began, 1), (began + toInt64({TOOK_MS} * 1e6), -1)]) AS change
      FROM ({_running(since_ns, until_ns)}) WHERE {TOLD})
    GROUP BY at))
WHERE at >= {int(since_ns)} AND at < {int(until_ns)}"""


def _running(since_ns: int, until_ns: int) -> str:
    """SQL for a row each of what ran in ``[since, until)``."""
    ended = "toUnixTimestamp64Nano(i.time) + toInt64(ifNull(i.duration_ms, 0) * 1e6)"
    return f"""{_AGGREGATES}
FROM invocations AS i WHERE {between("i.time", since_ns - REACH_NS, until_ns)}
  AND (i.time >= {moment(since_ns)} OR {ended} >= {int(since_ns)}) GROUP BY i.request_hash"""


_COLUMNS = (
    "minute, function, count, error_count, cold_start_count, durations_ms, told_ms, inits_ms, memory_mb, memory_used_mb"
)


def sum_up(engine: Engine, since_s: int, until_s: int, version: int) -> None:
    """Sum up the minutes of ``[since_s, until_s)``, for each function and all together."""
    since_ns, until_ns = since_s * 10**9, until_s * 10**9
    low_ns, high_ns = since_ns - REACH_NS, until_ns + REACH_NS
    told = f"toUInt64({int(version)}) AS version, now() AS received"
    engine.command(
        f"""INSERT INTO function_minutes ({_COLUMNS}, version, received)
SELECT a.minute, b.name, a.n, a.errors, a.colds, a.q, a.told, a.inits, a.memory, a.used, {told} FROM (
  SELECT {HASH} AS hash, toStartOfMinute(at) AS minute, countIf(cold) AS colds, {_STATE}({TOOK_MS}) AS q, {WHOLE}
  FROM ({invocations(since_ns, until_ns, low_ns, high_ns, MORE)}) GROUP BY GROUPING SETS ((hash, minute), (minute))) AS a
LEFT JOIN ({names(low_ns, high_ns)}) AS b ON a.hash = b.hash""",
        SUM_SETTINGS,
    )
    running = f"""SELECT toStartOfMinute(fromUnixTimestamp64Nano(at, 'UTC')) AS minute, max(running) AS most
FROM ({instants(since_ns, until_ns)}) GROUP BY minute"""
    engine.command(
        f"""INSERT INTO function_minutes (minute, function, most_at_once, version, received)
SELECT minute, '' AS function, toUInt32(greatest(most, 0)), {told} FROM ({running})""",
        SUM_SETTINGS,
    )


SUM_SETTINGS: dict[str, Any] = {"max_threads": 1, "join_use_nulls": 0, "group_by_use_nulls": 0}
