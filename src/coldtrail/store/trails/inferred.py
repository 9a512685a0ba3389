"""Edges that times told: kept once found, since a single trail shows too little to find them again."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import structs

from coldtrail.model.trails import Edge, Inferred, Wait
from coldtrail.store.engine import Engine
from coldtrail.store.keys.id_sets import rows_with

_COLUMNS = ["unit", "cause", "effect", "cause_unit", "effect_unit", "kind", "confidence", "waits", "received"]


def inferred_of(engine: Engine, units: set[str]) -> list[Inferred]:
    """Return the edges into and out of the units (trace ids, or request ids); reads a granule a unit.

    Of what was told of an effect at different times the last counts, which may be that it has no such cause.
    """
    query = """SELECT cause, effect, cause_unit, effect_unit, kind, confidence, waits, toUnixTimestamp(received)
        FROM inferred_edges PREWHERE unit IN {some}"""
    rows = rows_with(engine, query, units, {"max_threads": 1})
    newest: dict[str, int] = {}
    for row in rows:
        newest[row[1]] = max(row[7], newest.get(row[1], 0))
    last = {(row[0], row[1]): row for row in rows if row[0] and row[7] == newest[row[1]]}
    return [
        Inferred(
            Edge(cause, effect, kind, "timing", confidence, msgspec.json.decode(waits, type=tuple[Wait, ...])),
            cause_unit,
            effect_unit,
        )
        for cause, effect, cause_unit, effect_unit, kind, confidence, waits, _ in last.values()
    ]


def any_inferred(engine: Engine) -> bool:
    """Whether times told of any edge; answered from what the engine keeps of each part."""
    return bool(engine.rows("SELECT count() FROM inferred_edges")[0][0])


def save_inferred(engine: Engine, found: list[Inferred], received_s: int, before: Iterable[Inferred] = ()) -> None:
    """Keep edges, each under both of its units, instead of those ``before``, which led to the same effects or to some that
    have no cause any more.
    """
    rows = [_row(unit, one, received_s) for one in found for unit in sorted({one.cause_unit, one.effect_unit})]
    told = {(unit, one.edge.effect) for one in found for unit in (one.cause_unit, one.effect_unit)}
    for one in before:
        for unit in sorted({one.cause_unit, one.effect_unit}):
            if (unit, one.edge.effect) not in told:
                told.add((unit, one.edge.effect))
                nothing = structs.replace(one, edge=structs.replace(one.edge, cause="", waits=()), cause_unit="")
                rows.append(_row(unit, nothing, received_s))
    if rows:
        engine.insert("inferred_edges", rows, _COLUMNS)


def _row(unit: str, one: Inferred, received_s: int) -> list[object]:
    edge = one.edge
    waits = msgspec.json.encode(edge.waits).decode()
    return [
        unit,
        edge.cause,
        edge.effect,
        one.cause_unit,
        one.effect_unit,
        edge.kind,
        edge.confidence,
        waits,
        received_s,
    ]


def starts_received_in(engine: Engine, seconds: list[int], step_ns: int) -> list[int]:
    """Return when the traces begin that were received in these Unix seconds, in steps; reads the newest parts only."""
    query = """SELECT DISTINCT intDiv(toUnixTimestamp64Nano(start), {step:Int64}) * {step:Int64} FROM traces
        WHERE received IN {seconds:Array(UInt32)}"""
    return [row[0] for row in engine.rows(query, {"seconds": seconds, "step": step_ns})]


def units_of_time(engine: Engine, since_ns: int, until_ns: int, limit: int) -> tuple[set[str], set[str]] | None:
    """Return the traces that began in a stretch of time, and the requests without a trace; None where there are more.

    An execution's history is found by its ARN as a request's lines are by their id.
    """
    within = {"lo": since_ns, "hi": until_ns, "limit": limit + 1}
    bounds = "{at} >= fromUnixTimestamp64Nano({{lo:Int64}}) AND {at} < fromUnixTimestamp64Nano({{hi:Int64}})"
    traces = engine.rows(
        f"""SELECT DISTINCT lower(hex(trace_id)) FROM traces
        WHERE {bounds.format(at="start")} LIMIT {{limit:UInt32}}""",
        within,
    )
    requests = engine.rows(
        f"""SELECT DISTINCT request_id FROM invocations
        WHERE {bounds.format(at="time")} AND trace_id = toFixedString('', 16) LIMIT {{limit:UInt32}}""",
        within,
    )
    requests += engine.rows(
        f"""SELECT DISTINCT request_id FROM logs
        WHERE {bounds.format(at="time")} AND event_name = 'stepfunctions.ExecutionStarted' LIMIT {{limit:UInt32}}""",
        within,
    )
    if len(traces) + len(requests) > limit:
        return None
    return {row[0] for row in traces}, {row[0] for row in requests}
