"""Figures of a function, or of all functions together, from invocations, callers' spans and what it took."""

from __future__ import annotations

from coldtrail.store.anyvalue import sql_text
from coldtrail.store.engine import Engine
from coldtrail.store.figures import Figures, Steps, columns, in_range, step_of
from coldtrail.store.figures_calls import THROTTLED

_OF_FUNCTION = """AND i.request_id IN (
    SELECT request_id FROM invocations WHERE function = {function:String}
      AND time >= fromUnixTimestamp64Nano({since:Int64}) - INTERVAL 15 MINUTE AND time < fromUnixTimestamp64Nano({until:Int64}))"""

_INVOCATIONS = """
SELECT cityHash64(request_id) AS request, min(i.time) AS time, argMinIf(i.duration_ms, i.source, isNotNull(i.duration_ms)) AS duration_ms,
  max(i.status IN ('error', 'timeout', 'out_of_memory')) AS failed, max(i.init_ms) AS init_ms,
  max(i.memory_mb) AS memory_mb, max(i.memory_used_mb) AS memory_used_mb
FROM invocations AS i
WHERE i.time >= fromUnixTimestamp64Nano({since:Int64}) - INTERVAL 15 MINUTE
  AND i.time < fromUnixTimestamp64Nano({until:Int64}) OF_FUNCTION
GROUP BY request
"""
"""An invocation lasts up to 15 minutes, so one that began before the range may still run in it."""

_WAYS = ("count", "errors", "duration_p95", "memory_used", "memory_size", "init_p95")

# Who starts where another ends does not overlap it: what happens at one instant is added up before it is looked at.
_CONCURRENCY = """
SELECT intDiv(at - {since:Int64}, {step:Int64}) AS step, max(running) FROM (
  SELECT at, sum(by) OVER (ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS running FROM (
    SELECT intDiv(moment.1, {grain:Int64}) * {grain:Int64} AS at, sum(moment.2) AS by FROM (
      SELECT toUnixTimestamp64Nano(time) AS began,
        arrayJoin([(began, 1), (began + toInt64(duration_ms * 1e6), -1)]) AS moment
      FROM (INVOCATIONS) WHERE isNotNull(duration_ms))
    GROUP BY at))
WHERE at >= {since:Int64} AND at < {until:Int64} GROUP BY step ORDER BY step
"""

MOST_INSTANTS = 500_000
LEAST_GRAIN_NS = 10 * 10**6
"""Of all functions together, instants are so coarse at least: overlaps of less do not count, and memory stays bounded."""

_INVOKED = f"""multiIf(mapContains(attributes, 'faas.invoked_name'), {sql_text("attributes['faas.invoked_name']")},
  {sql_text("attributes['aws.xray.aws.function_name']")})"""

_THROTTLES = f"""
SELECT {step_of("start")} AS step, countIf(status_code = 2 AND {THROTTLED}) FROM spans
WHERE {in_range("start")} AND kind IN (3, 4)
  AND hasAny(mapKeys(attributes), ['faas.invoked_name', 'aws.xray.aws.function_name']) OF_FUNCTION
GROUP BY step ORDER BY step
"""

_WAITS = f"""
SELECT {step_of("taken")} AS step, max(dateDiff('nanosecond', sent, taken) / 1e6) FROM (
  SELECT key_hash, minIf(k.time, k.role = 'gives') AS sent, countIf(k.role = 'gives') AS givers,
    minIf(k.time, k.role = 'takes' AND k.service = {{function:String}}) AS taken
  FROM keys AS k
  WHERE k.key_hash IN (
    SELECT key_hash FROM keys WHERE {in_range("time")} AND service = {{function:String}}
      AND kind = {{kind:String}} AND role = 'takes')
  GROUP BY key_hash)
WHERE givers > 0 AND taken >= sent AND {in_range("taken")} GROUP BY step ORDER BY step
"""


def figures_of_function(engine: Engine, name: str, steps: Steps) -> Figures:
    """Return the figures of one function; reads the range's minutes of its invocations twice, and its keys."""
    parameters = steps.parameters(function=name)
    waits = {
        f"function.{way}": kind
        for way, kind in (("stream_wait_max", "sequence_number"), ("event_wait_max", "event_id"))
    }
    figures = _of_invocations(engine, "function", _OF_FUNCTION, parameters, grain_ns=1)
    throttles = _THROTTLES.replace("OF_FUNCTION", f"AND {_INVOKED} = {{function:String}}")
    figures |= columns(engine.rows(throttles, parameters), ("function.throttles",))
    for way, kind in waits.items():
        figures |= columns(engine.rows(_WAITS, {**parameters, "kind": kind}), (way,))
    return figures


def figures_of_all_functions(engine: Engine, steps: Steps) -> Figures:
    """Return the figures of all functions of the store together; reads the range's minutes of all invocations twice."""
    grain_ns = max(LEAST_GRAIN_NS, (steps.until_ns - steps.since_ns) // MOST_INSTANTS)
    figures = _of_invocations(engine, "account", "", steps.parameters(), grain_ns)
    throttles = _THROTTLES.replace("OF_FUNCTION", "")
    return figures | columns(engine.rows(throttles, steps.parameters()), ("account.throttles",))


def _of_invocations(
    engine: Engine, family: str, narrowed: str, parameters: dict[str, object], grain_ns: int
) -> Figures:
    invocations = _INVOCATIONS.replace("OF_FUNCTION", narrowed)
    rows = engine.rows(
        f"""SELECT {step_of("time")} AS step, count(), countIf(failed),
          quantileTDigestIf(0.95)(duration_ms, isNotNull(duration_ms)), max(memory_used_mb), max(memory_mb),
          quantileTDigestIf(0.95)(init_ms, isNotNull(init_ms))
        FROM ({invocations}) WHERE {in_range("time")} GROUP BY step ORDER BY step""",
        parameters,
    )
    figures = columns(rows, tuple(f"{family}.{way}" for way in _WAYS))
    running = engine.rows(_CONCURRENCY.replace("INVOCATIONS", invocations), {**parameters, "grain": grain_ns})
    return figures | columns(running, (f"{family}.concurrency",))


_BY_FUNCTION = """
SELECT function, {step} AS step, {ways} FROM (
  SELECT argMin(i.function, i.source) AS function, min(i.time) AS time,
    argMinIf(i.duration_ms, i.source, isNotNull(i.duration_ms)) AS duration_ms,
    max(i.memory_mb) AS memory_size, max(i.memory_used_mb) AS memory_used
  FROM invocations AS i WHERE {range} GROUP BY request_id)
GROUP BY function, step ORDER BY step
"""
_MOST = {
    "function.duration_p95": "quantileTDigestIf(0.95)(duration_ms, isNotNull(duration_ms))",
    "function.memory_used": "max(memory_used)",
    "function.memory_size": "max(memory_size)",
}


def figures_by_function(engine: Engine, steps: Steps) -> dict[str, Figures]:
    """Return durations and memory of every function, by its name; reads the range's minutes of all invocations once."""
    query = _BY_FUNCTION.format(step=step_of("time"), ways=", ".join(_MOST.values()), range=in_range("i.time"))
    found: dict[str, list[tuple[object, ...]]] = {}
    for name, *row in engine.rows(query, steps.parameters()):
        found.setdefault(name, []).append(tuple(row))
    return {name: columns(rows, tuple(_MOST)) for name, rows in found.items()}
