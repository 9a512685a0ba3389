"""Figures of workflows over a range: how many trails had which outcome, how long they took, what is missing where."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from coldtrail.store.engine import Engine

MOST_MINUTES = 1_500


class Figures(Struct, frozen=True):
    """A workflow in a range: trails by outcome, and how long after its origin what a user notices was done."""

    counts: dict[str, int]
    p50_ms: float | None
    p95_ms: float | None


class Reconciled(Struct, frozen=True):
    """Trails with the first step; of them those with the second in time, and those that still have time."""

    every_count: int
    kept_count: int
    waiting_count: int


class StepCount(Struct, frozen=True):
    """One step: how many trails had it in which state, and how long after the origin it was done."""

    step: str
    states: dict[str, int]
    p50_ms: float | None
    p99_ms: float | None


class Affected(Struct, frozen=True):
    """A trail as a workflow's page lists it."""

    trail_id: str
    start_ns: int
    status: str
    step: str
    stopped_service: str
    key: str
    words: str
    took_ms: float | None


_LATEST = """
SELECT workflow, trail_id, argMax(o.status, o.version) AS state, argMax(o.start, o.version) AS begun {more}
FROM outcomes AS o
WHERE start >= fromUnixTimestamp64Nano({{since:Int64}}) - INTERVAL 1 HOUR
  AND start < fromUnixTimestamp64Nano({{until:Int64}}) + INTERVAL 1 HOUR AND {only}
GROUP BY workflow, trail_id
HAVING state != '' AND begun >= fromUnixTimestamp64Nano({{since:Int64}}) AND begun < fromUnixTimestamp64Nano({{until:Int64}})"""

_ONE = "workflow = {workflow:String}"


def _latest(only: str, *columns: str) -> str:
    more = "".join(f", argMax(o.{name}, o.version) AS {name}_now" for name in columns)
    return _LATEST.format(more=more, only=only)


def _bound(since_ns: int, until_ns: int, **more: Any) -> dict[str, Any]:
    return {"since": since_ns, "until": until_ns, **more}


def figures(engine: Engine, since_ns: int, until_ns: int) -> dict[str, Figures]:
    """Return the figures of every workflow that has trails in a range."""
    rows = engine.rows(
        f"""SELECT workflow, sumMap([toString(state)], [toUInt64(1)]) AS states,
          quantilesTDigestIf(0.5, 0.95)((done_ns_now - toUnixTimestamp64Nano(begun)) / 1e6, done_ns_now > 0) AS took,
          countIf(done_ns_now > 0) AS done
        FROM ({_latest("1", "done_ns")}) GROUP BY workflow""",
        _bound(since_ns, until_ns),
    )
    return {
        workflow: Figures(dict(zip(*states, strict=True)), *(took if done else (None, None)))
        for workflow, states, took, done in rows
    }


def by_minute(
    engine: Engine, workflow: str, since_ns: int, until_ns: int, step_ns: int = 60 * 10**9
) -> dict[int, dict[str, int]]:
    """Return how many trails that began in each step (Unix nanoseconds of its beginning) have which outcome."""
    rows = engine.rows(
        f"""SELECT intDiv(toUnixTimestamp64Nano(begun), {{step:Int64}}) * {{step:Int64}} AS at, state, count()
        FROM ({_latest(_ONE)}) GROUP BY at, state ORDER BY at, state""",
        _bound(since_ns, until_ns, workflow=workflow, step=step_ns),
    )
    found: dict[int, dict[str, int]] = {}
    for at, state, count in rows:
        found.setdefault(at, {})[state] = count
    return found


def step_counts(engine: Engine, workflow: str, since_ns: int, until_ns: int) -> dict[str, StepCount]:
    """Return each step's states over a range, as the outcomes knew the workflow's steps."""
    rows = engine.rows(
        f"""SELECT one.1 AS step, sumMap([toString(one.2)], [toUInt64(1)]) AS states,
          quantilesTDigestIf(0.5, 0.99)((one.3 - toUnixTimestamp64Nano(begun)) / 1e6, one.3 > 0) AS took, countIf(one.3 > 0) AS done
        FROM ({_latest(_ONE, "steps", "states", "dones_ns")}) ARRAY JOIN arrayZip(steps_now, states_now, dones_ns_now) AS one
        GROUP BY step""",
        _bound(since_ns, until_ns, workflow=workflow),
    )
    return {
        step: StepCount(step, dict(zip(*states, strict=True)), *(took if done else (None, None)))
        for step, states, took, done in rows
    }


def reconciled(
    engine: Engine, workflow: str, every: str, has: str, within_ns: int, since_ns: int, until_ns: int, now_ns: int
) -> Reconciled:
    """Return how many trails of a range that had one step had the other so soon after."""
    rows = engine.rows(
        f"""SELECT count(), countIf(second > 0 AND second - first <= {{within:Int64}}),
          countIf(second = 0 AND {{now:Int64}} - first < {{within:Int64}})
        FROM (SELECT dones_ns_now[indexOf(steps_now, {{every:String}})] AS first, dones_ns_now[indexOf(steps_now, {{has:String}})] AS second
          FROM ({_latest(_ONE, "steps", "dones_ns")})) WHERE first > 0""",
        _bound(since_ns, until_ns, workflow=workflow, every=every, has=has, within=within_ns, now=now_ns),
    )
    every_count, kept_count, waiting_count = rows[0]
    return Reconciled(every_count, kept_count, waiting_count)


def affected(engine: Engine, workflow: str, since_ns: int, until_ns: int, limit: int) -> list[Affected]:
    """Return the newest trails of each outcome, so many of each, newest first."""
    columns = ("step", "stopped_service", "key", "words", "done_ns")
    rows = engine.rows(
        f"""SELECT trail_id, toUnixTimestamp64Nano(begun) AS at, state, step_now, stopped_service_now, key_now, words_now,
          if(done_ns_now > 0, (done_ns_now - at) / 1e6, NULL)
        FROM ({_latest(_ONE, *columns)}) ORDER BY begun DESC, trail_id LIMIT {{limit:UInt32}} BY state""",
        _bound(since_ns, until_ns, workflow=workflow, limit=limit),
    )
    return [Affected(*row) for row in rows]
