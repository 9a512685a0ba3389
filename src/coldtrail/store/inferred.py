"""Edges that times told: kept once found, since a single trail shows too little to find them again."""

from __future__ import annotations

import msgspec

from coldtrail.model.trails import Edge, Inferred, Wait
from coldtrail.store.engine import Engine
from coldtrail.store.id_sets import text_sets

_COLUMNS = ["unit", "cause", "effect", "cause_unit", "effect_unit", "kind", "confidence", "waits", "received"]


def inferred_of(engine: Engine, units: set[str]) -> list[Inferred]:
    """Return the edges into and out of the units (trace ids, or request ids); reads a granule a unit."""
    query = """SELECT cause, effect, cause_unit, effect_unit, kind, confidence, waits FROM inferred_edges
        WHERE unit IN {some} LIMIT 1 BY cause, effect"""
    rows = [
        row
        for some in text_sets(units)
        for row in engine.rows(query.replace("{some}", some), settings={"max_threads": 1})
    ]
    return [
        Inferred(
            Edge(cause, effect, kind, "timing", confidence, msgspec.json.decode(waits, type=tuple[Wait, ...])),
            cause_unit,
            effect_unit,
        )
        for cause, effect, cause_unit, effect_unit, kind, confidence, waits in rows
    ]


def any_inferred(engine: Engine) -> bool:
    """Whether times told of any edge; answered from what the engine keeps of each part."""
    return bool(engine.rows("SELECT count() FROM inferred_edges")[0][0])


def save_inferred(engine: Engine, found: list[Inferred], received_s: int) -> None:
    """Keep edges, each under both of its units."""
    rows = [
        [
            unit,
            one.edge.cause,
            one.edge.effect,
            one.cause_unit,
            one.effect_unit,
            one.edge.kind,
            one.edge.confidence,
            msgspec.json.encode(one.edge.waits).decode(),
            received_s,
        ]
        for one in found
        for unit in sorted({one.cause_unit, one.effect_unit})
    ]
    if rows:
        engine.insert("inferred_edges", rows, _COLUMNS)


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
