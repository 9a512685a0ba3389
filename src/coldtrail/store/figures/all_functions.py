"""Figures of functions: of one or of all together, and the most of each; from summed minutes, and row by row from the rest of a range."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coldtrail.store.engine import Engine
from coldtrail.store.functions.minutes import (
    HASH,
    MORE,
    QUANTILES,
    REACH_NS,
    STEP_OF_AT,
    STEP_OF_INSTANT,
    STEP_OF_MINUTE,
    UNION,
    WHOLE,
    instants,
    invocations,
    names,
)
from coldtrail.store.minutes import Parts, parts

_KEPT = """toUInt64(count) AS n, toUInt64(error_count) AS errors, told_ms AS told, inits_ms AS inits,
  memory_mb AS memory, memory_used_mb AS used"""
_P95 = QUANTILES.format("IfMerge") + "({})[2]"


def _around(gap: tuple[int, int], until_ns: int) -> tuple[int, int]:
    """Where rows of what began in a gap are looked for."""
    return gap[0] - REACH_NS, gap[1] if gap[1] == until_ns else gap[1] + REACH_NS


def _asked(cut: Parts, since_ns: int, step_ns: int) -> dict[str, Any]:
    return {"since": since_ns, "step": step_ns, **(cut.parameters if cut.summed else {})}


def together(
    engine: Engine, cut: Parts, since_ns: int, until_ns: int, step_ns: int, functions: Sequence[str]
) -> dict[str, list[tuple[Any, ...]]]:
    """Return step, count, errors, p95, most MB used, MB, and p95 of initialising (ms) by step.

    ``functions``: "" for all together, the name of one, or both; by these.
    """
    found = []
    for gap in cut.gaps:
        for name in functions:
            rows = invocations(*gap, *_around(gap, until_ns), MORE, of_one=bool(name))
            whose = "{function:String}" if name else "''"
            found.append(f"SELECT {whose} AS whose, {STEP_OF_AT} AS step, {WHOLE} FROM ({rows}) GROUP BY step")
    if cut.summed:
        found.append(
            f"""SELECT toString(function) AS whose, {STEP_OF_MINUTE} AS step, {_KEPT} FROM function_minutes
            WHERE function IN {{functions:Array(String)}} AND {cut.where}"""
        )
    figures: dict[str, list[tuple[Any, ...]]] = {}
    asked = {**_asked(cut, since_ns, step_ns), "functions": [*functions], "function": max(functions)}
    query = f"""SELECT whose, step, sum(n), sum(errors), {_P95.format("told")}, nullIf(max(used), 0), nullIf(max(memory), 0),
          {_P95.format("inits")} FROM ({UNION.join(found)}) GROUP BY whose, step HAVING sum(n) > 0 ORDER BY step"""
    for whose, *row in engine.rows(query, asked) if found else ():
        figures.setdefault(whose, []).append(tuple(row))
    return figures


def most_by_function(engine: Engine, since_ns: int, until_ns: int, step_ns: int) -> list[tuple[Any, ...]]:
    """Return function, step, p95 (ms), MB and most MB used."""
    cut = parts(engine, "function", since_ns, until_ns, step_ns)
    found = []
    for gap in cut.gaps:
        around = _around(gap, until_ns)
        found.append(
            f"""SELECT b.name AS name, a.step AS step, a.told AS told, a.memory AS memory, a.used AS used FROM (
  SELECT {HASH} AS hash, {STEP_OF_AT} AS step, {WHOLE} FROM ({invocations(*gap, *around, MORE)}) GROUP BY hash, step) AS a
INNER JOIN ({names(*around)}) AS b ON a.hash = b.hash"""
        )
    if cut.summed:
        found.append(
            f"""SELECT toString(function) AS name, {STEP_OF_MINUTE} AS step, told_ms AS told, memory_mb AS memory,
  memory_used_mb AS used FROM function_minutes WHERE function != '' AND {cut.where}"""
        )
    if not found:
        return []
    return engine.rows(
        f"""SELECT name, step, {_P95.format("told")}, nullIf(max(memory), 0), nullIf(max(used), 0)
        FROM ({UNION.join(found)}) GROUP BY name, step ORDER BY name, step""",
        _asked(cut, since_ns, step_ns),
    )


def most_at_once(engine: Engine, cut: Parts, since_ns: int, step_ns: int) -> dict[int, int]:
    """Return how many invocations of all functions ran at once at most, by step."""
    found = [
        f"SELECT {STEP_OF_INSTANT} AS step, max(running) FROM ({instants(*gap)}) GROUP BY step" for gap in cut.gaps
    ]
    if cut.summed:
        found.append(
            f"""SELECT {STEP_OF_MINUTE} AS step, max(most_at_once) FROM function_minutes
            WHERE function = '' AND {cut.where} GROUP BY step"""
        )
    most: dict[int, int] = {}
    for query in found:
        for step, running in engine.rows(query, _asked(cut, since_ns, step_ns)):
            most[int(step)] = max(most.get(int(step), 0), int(running))
    return most
