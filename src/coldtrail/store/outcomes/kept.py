"""Outcomes as they are kept: written when a trail or the time changes them, read by trail and by what is due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from coldtrail.model.outcomes import Outcome, StepOutcome, Stop
from coldtrail.store.engine import Engine
from coldtrail.store.keys.id_sets import rows_with, text_sets

MOST_WORDS = 1_000

_COLUMNS = [
    *("workflow", "trail_id", "start", "status", "step", "stopped_node_id", "stopped_service", "stopped_name"),
    *("stopped_edge", "stopped_words", "done_ns", "deadline_ns", "key", "words", "steps", "states", "counts", "fails"),
    *("dones_ns", "deadlines_ns", "required", "step_words", "version", "received"),
]


class Told(Struct, frozen=True):
    """What lists tell of a trail: the workflow, what became of it, and the step that makes it so."""

    workflow: str
    status: str
    step: str


class Open(Struct, frozen=True, order=True):
    """An outcome that changes by time alone, and when (Unix nanoseconds)."""

    deadline_ns: int
    workflow: str
    trail_id: str


def save_outcomes(engine: Engine, outcomes: Iterable[Outcome], version: int) -> None:
    """Write outcomes; ``version`` is Unix nanoseconds, and the newest of a workflow and trail counts."""
    rows = [_values(one, version) for one in outcomes]
    if rows:
        engine.insert("outcomes", rows, _COLUMNS)


def _values(one: Outcome, version: int) -> list[Any]:
    stopped = one.stopped
    steps = one.steps
    return [
        one.workflow,
        one.trail_id,
        _time(one.start_ns),
        one.status,
        one.step,
        *((stopped.node_id, stopped.service, stopped.name[:500], stopped.edge) if stopped else ("", "", "", "")),
        stopped.words[:MOST_WORDS] if stopped else "",
        one.done_ns or 0,
        one.deadline_ns or 0,
        one.key,
        one.words[:MOST_WORDS],
        [step.name for step in steps],
        [step.state for step in steps],
        [step.count for step in steps],
        [step.failed_count for step in steps],
        [step.done_ns or 0 for step in steps],
        [step.deadline_ns for step in steps],
        [int(step.required) for step in steps],
        [step.words[:MOST_WORDS] for step in steps],
        version,
        version // 10**9,
    ]


def _time(at_ns: int) -> str:
    """Unix nanoseconds as the engine reads them from text."""
    seconds, ns = divmod(max(0, at_ns), 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{ns:09d}"


def open_outcomes(engine: Engine, limit: int) -> list[Open]:
    """Return outcomes that change by time alone, the most urgent first; reads two columns of all that are kept."""
    rows = engine.rows(
        """SELECT argMax(o.deadline_ns, o.version) AS due, workflow, trail_id FROM outcomes AS o
        GROUP BY workflow, trail_id HAVING due > 0 AND argMax(o.status, o.version) != ''
        ORDER BY due, workflow, trail_id LIMIT {limit:UInt32}""",
        {"limit": limit},
    )
    return [Open(int(due), workflow, trail_id) for due, workflow, trail_id in rows]


_LATEST = ", ".join(
    f"argMax(o.{name}, o.version)"
    for name in _COLUMNS
    if name not in ("workflow", "trail_id", "version", "received", "start")
)


def read_outcomes(engine: Engine, which: Sequence[Open]) -> list[Outcome]:
    """Return outcomes as they were kept last, without the nodes of their steps."""
    found: list[Outcome] = []
    for some in text_sets({one.trail_id for one in which}):
        rows = engine.rows(
            f"""SELECT workflow, trail_id, toUnixTimestamp64Nano(argMax(o.start, o.version)), {_LATEST} FROM outcomes AS o
            WHERE workflow IN {{workflows:Array(String)}} AND trail_id IN {some}
            GROUP BY workflow, trail_id HAVING argMax(o.status, o.version) != ''""",
            {"workflows": sorted({one.workflow for one in which})},
        )
        found += [_outcome(row) for row in rows]
    wanted = {(one.workflow, one.trail_id) for one in which}
    return [one for one in found if (one.workflow, one.trail_id) in wanted]


def _outcome(row: tuple[Any, ...]) -> Outcome:
    workflow, trail_id, start_ns, status, step, node_id, service, name, edge, stop_words, done, due, key, words = row[
        :14
    ]
    steps = [
        StepOutcome(
            name=one,
            state=state,
            required=bool(required),
            node_ids=(),
            count=count,
            failed_count=fails,
            started_ns=None,
            done_ns=done_ns or None,
            deadline_ns=deadline_ns,
            words=said,
        )
        for one, state, count, fails, done_ns, deadline_ns, required, said in zip(*row[14:], strict=True)
    ]
    return Outcome(
        workflow=workflow,
        trail_id=trail_id,
        status=status,
        start_ns=start_ns,
        steps=tuple(steps),
        step=step,
        stopped=Stop(node_id, service, name, edge, stop_words) if node_id else None,
        done_ns=done or None,
        deadline_ns=due or None,
        key=key,
        words=words,
    )


def outcomes_of(engine: Engine, trail_ids: Iterable[str]) -> dict[str, list[Told]]:
    """Map trails to what is told of them, one for each of their workflows; found by a filter of ids."""
    query = """SELECT trail_id, workflow, argMax(o.status, o.version) AS state, argMax(o.step, o.version) FROM outcomes AS o
        PREWHERE trail_id IN {some} GROUP BY trail_id, workflow HAVING state != '' ORDER BY workflow"""
    found: dict[str, list[Told]] = {}
    for trail_id, workflow, status, step in rows_with(engine, query, set(trail_ids)):
        found.setdefault(trail_id, []).append(Told(workflow, status, step))
    return found


def trails_with(engine: Engine, workflow: str, status: str, low_ns: int, high_ns: int, limit: int) -> list[str]:
    """Return the trails of a window that have an outcome; "" = of any workflow, with any."""
    rows = engine.rows(
        """SELECT DISTINCT trail_id FROM (
          SELECT workflow, trail_id, argMax(o.status, o.version) AS state, toUnixTimestamp64Nano(argMax(o.start, o.version)) AS at
          FROM outcomes AS o WHERE start >= fromUnixTimestamp64Nano({low:Int64}) - INTERVAL 1 HOUR
            AND start < fromUnixTimestamp64Nano({high:Int64}) + INTERVAL 1 HOUR
            AND ({workflow:String} = '' OR workflow = {workflow:String})
          GROUP BY workflow, trail_id)
        WHERE state != '' AND ({status:String} = '' OR state = {status:String}) AND at >= {low:Int64} AND at < {high:Int64}
        LIMIT {limit:UInt32}""",
        {"workflow": workflow, "status": status, "low": low_ns, "high": high_ns, "limit": limit},
    )
    return [row[0] for row in rows]


_CHANGED = """
SELECT trail_id FROM trails WHERE received >= toDateTime({since:UInt32})
UNION DISTINCT SELECT unit FROM trail_members WHERE received >= toDateTime({since:UInt32}) AND unit != trail_id"""


def forget_gone(engine: Engine, since_s: int, version: int) -> None:
    """Mark outcomes of trails that became part of others since a Unix second."""
    rows = engine.rows(
        f"""SELECT workflow, trail_id, toUnixTimestamp64Nano(argMax(o.start, o.version)) FROM outcomes AS o
        WHERE trail_id IN ({_CHANGED}) AND trail_id NOT IN (SELECT trail_id FROM trails WHERE trail_id IN ({_CHANGED})
          GROUP BY trail_id HAVING argMax(status, version) != '')
        GROUP BY workflow, trail_id HAVING argMax(o.status, o.version) != '' LIMIT 100000""",
        {"since": max(0, since_s)},
    )
    values = [[workflow, trail_id, _time(at), "", version, version // 10**9] for workflow, trail_id, at in rows]
    if values:
        engine.insert("outcomes", values, ["workflow", "trail_id", "start", "status", "version", "received"])
