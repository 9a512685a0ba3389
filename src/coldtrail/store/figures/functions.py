"""Figures of a function, or of all functions together, from invocations, callers' spans and what it took."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from coldtrail.store.anyvalue import sql_text
from coldtrail.store.engine import Engine
from coldtrail.store.figures.all_functions import most_at_once, most_by_function, together
from coldtrail.store.figures.calls import THROTTLED
from coldtrail.store.figures.steps import Figures, Steps, columns, in_range, step_of
from coldtrail.store.functions.minutes import STEP_OF_MINUTE
from coldtrail.store.minutes import parts
from coldtrail.store.resource_names import sql_has_any
from coldtrail.store.resources import RANGE
from coldtrail.store.sql_words import listed

_RAN = """
SELECT groupArray(toUnixTimestamp64Nano(began)), groupArray(toInt64(assumeNotNull(duration_ms) * 1e6)) FROM (
  SELECT min(i.time) AS began, argMinIf(i.duration_ms, i.source, isNotNull(i.duration_ms)) AS duration_ms
  FROM invocations AS i
  WHERE i.time >= fromUnixTimestamp64Nano({since:Int64}) - INTERVAL 15 MINUTE
    AND i.time < fromUnixTimestamp64Nano({until:Int64}) AND i.request_hash IN (
    SELECT request_hash FROM invocations WHERE function = {function:String}
      AND time >= fromUnixTimestamp64Nano({since:Int64}) - INTERVAL 15 MINUTE AND time < fromUnixTimestamp64Nano({until:Int64}))
  GROUP BY i.request_hash)
WHERE isNotNull(duration_ms)
"""
"""An invocation lasts up to 15 minutes, so one that began before the range may still run in it."""

_WAYS = ("count", "errors", "duration_p95", "memory_used", "memory_size", "init_p95")
_OF_ONE, _OF_ALL = (tuple(f"{whose}.{way}" for way in _WAYS) for whose in ("function", "account"))

_INVOKED = f"""multiIf(mapContains(attributes, 'faas.invoked_name'), {sql_text("attributes['faas.invoked_name']")},
  {sql_text("attributes['aws.xray.aws.function_name']")})"""

# Calls of functions that failed are few: the roll-up says when there were any, and only those spans are read.
_CALLED = f"""
SELECT {STEP_OF_MINUTE} AS step, sum(c.count), sum(c.error_count) FROM calls AS c
WHERE {RANGE} AND kind = 'lambda' AND taking = 0 AND ({{function:String}} = '' OR name = {{function:String}})
GROUP BY step ORDER BY step
"""

_THROTTLES = f"""
SELECT {step_of("start")} AS step, countIf({THROTTLED}) FROM spans
PREWHERE status_code = 2 AND kind IN (3, 4) AND {in_range("start")} AND step IN {{failing:Array(Int64)}}
WHERE {sql_has_any(("faas.invoked_name", "aws.xray.aws.function_name"))}
  AND ({{function:String}} = '' OR {_INVOKED} = {{function:String}})
GROUP BY step ORDER BY step
"""

WAITED = {"sequence_number": "function.stream_wait_max", "event_id": "function.event_wait_max"}
"""How long a function's oldest record or event waited, by what identifies them."""

_WAITS = f"""
SELECT kind, {step_of("taken")} AS step, max(dateDiff('nanosecond', sent, taken) / 1e6) FROM (
  SELECT key_hash, toString(any(k.kind)) AS kind, minIf(k.time, k.role = 'gives') AS sent, countIf(k.role = 'gives') AS givers,
    minIf(k.time, k.role = 'takes' AND k.service = {{function:String}}) AS taken
  FROM message_keys AS k
  WHERE k.time >= fromUnixTimestamp64Nano({{since:Int64}}) - INTERVAL 1 DAY
    AND k.time < fromUnixTimestamp64Nano({{until:Int64}}) + INTERVAL 1 DAY AND k.key_hash IN (
    SELECT key_hash FROM message_keys WHERE {in_range("time")} AND service = {{function:String}}
      AND kind IN ({listed(WAITED)}) AND role = 'takes')
  GROUP BY key_hash)
WHERE givers > 0 AND taken >= sent AND {in_range("taken")} GROUP BY kind, step ORDER BY step
"""


def figures_of_functions(engine: Engine, name: str, steps: Steps, ways: Collection[str]) -> Figures:
    """Return those of the figures of a function, and of all together, that are asked for, each from what is read least.

    Most are summed up by the minute; how many of one function ran at once is read row by row.
    """
    figures: Figures = {}
    asked = {whose: told for whose, told in ((name, _OF_ONE), ("", _OF_ALL)) if not set(ways).isdisjoint(told)}
    if asked or "account.concurrency" in ways:
        cut = parts(engine, "function", steps.since_ns, steps.until_ns, steps.step_ns)
        told = together(engine, cut, steps.since_ns, steps.until_ns, steps.step_ns, [*asked]) if asked else {}
        for whose, its in asked.items():
            figures |= columns(told.get(whose, []), its)
        if "account.concurrency" in ways and (running := most_at_once(engine, cut, steps.since_ns, steps.step_ns)):
            figures["account.concurrency"] = {step: float(most) for step, most in running.items()}
    if "function.concurrency" in ways and (most := _most_at_once(*_ran(engine, name, steps), steps)):
        figures["function.concurrency"] = most
    for way, whose in (("function.throttles", name), ("account.throttles", "")):
        figures |= _throttles(engine, way, whose, steps) if way in ways else {}
    if not set(ways).isdisjoint(WAITED.values()):
        waits = engine.rows(_WAITS, steps.parameters(function=name))
        for kind, way in WAITED.items():
            figures |= columns([row[1:] for row in waits if row[0] == kind], (way,))
    return figures


def _throttles(engine: Engine, way: str, function: str, steps: Steps) -> Figures:
    """How many calls of a function (of any, "") were refused by a limit, where it was called at all."""
    parameters = steps.parameters(function=function)
    called = engine.rows(_CALLED, parameters)
    told = dict.fromkeys((int(step) for step, count, _ in called if count), 0.0)
    if failing := [int(step) for step, _, errors in called if errors]:
        told |= {int(step): float(n) for step, n in engine.rows(_THROTTLES, {**parameters, "failing": failing})}
    return {way: told} if told else {}


def _ran(engine: Engine, name: str, steps: Steps) -> tuple[Sequence[int], Sequence[int]]:
    """When a function's invocations began, in Unix nanoseconds, and how long each took."""
    rows = engine.rows(_RAN, steps.parameters(function=name))
    return rows[0] if rows else ((), ())


def _most_at_once(starts: Sequence[int], lasted: Sequence[int], steps: Steps) -> dict[int, float]:
    """How many ran at once after each change, at most, by step.

    Who starts where another ends does not overlap it: what happens at one instant is added up before it is looked at.
    """
    import numpy as np

    began = np.asarray(starts, dtype=np.int64)
    at, place = np.unique(np.concatenate((began, began + np.asarray(lasted, dtype=np.int64))), return_inverse=True)
    running = np.cumsum(np.bincount(place, np.repeat((1, -1), len(began)), minlength=len(at)))
    step = (at - steps.since_ns) // steps.step_ns
    inside = (at >= steps.since_ns) & (at < steps.until_ns)
    most = np.full(steps.count, -1.0)
    np.maximum.at(most, step[inside], running[inside])
    return {int(one): float(most[one]) for one in np.flatnonzero(most >= 0)}


_MOST = ("function.duration_p95", "function.memory_size", "function.memory_used")


def figures_by_function(engine: Engine, steps: Steps) -> dict[str, Figures]:
    """Return durations and memory of every function, by its name; reads a row a minute and function, and what is not summed up."""
    found: dict[str, list[tuple[object, ...]]] = {}
    for name, *row in most_by_function(engine, steps.since_ns, steps.until_ns, steps.step_ns):
        found.setdefault(name, []).append(tuple(row))
    return {name: columns(rows, _MOST) for name, rows in found.items()}
