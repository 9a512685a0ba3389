"""Correlation fields that were learned, and in which traces and requests a value was ever seen."""

from __future__ import annotations

from msgspec import Struct

from coldtrail.services.correlation import LearnedField
from coldtrail.store.engine import Engine
from coldtrail.store.trails.lists import carries

_COLUMNS = ["name", "confidence", "trails", "values", "learned"]


class Kept(Struct, frozen=True):
    """A field that was learned, and when (Unix seconds)."""

    field: LearnedField
    learned_s: int


def learned_fields(engine: Engine) -> list[Kept]:
    """Return what was learned, in the order in which it was."""
    rows = engine.rows(
        "SELECT name, confidence, trails, values, toUnixTimestamp(learned) FROM learned_fields FINAL ORDER BY learned, name"
    )
    return [
        Kept(LearnedField(name, confidence, trails, values), at_s) for name, confidence, trails, values, at_s in rows
    ]


def keep_field(engine: Engine, field: LearnedField, learned_s: int) -> None:
    """Keep a field for the next start."""
    engine.insert("learned_fields", [[field.name, field.confidence, field.trails, field.values, learned_s]], _COLUMNS)


def units_with_value(engine: Engine, value: str, limit: int = 50) -> list[str]:
    """Return traces (hex ids) and requests without a trace that ever showed a value, under any name.

    The bloom filters of both tables leave a granule or two to read for a rare value.
    """
    clause = carries(value)
    rows = engine.rows(
        f"""SELECT DISTINCT lower(hex(trace_id)) AS unit FROM spans WHERE {clause} LIMIT {int(limit)}
        UNION DISTINCT
        SELECT DISTINCT if(trace_id = toFixedString('', 16), request_id, lower(hex(trace_id))) AS unit FROM logs
        WHERE {clause} LIMIT {int(limit)}"""
    )
    return [row[0] for row in rows if row[0]]
