"""Find anything by an identity or an attribute value."""

from __future__ import annotations

from typing import Any, get_args

import xxhash
from msgspec import Struct

from coldtrail.model.hex_ids import is_trace_id
from coldtrail.model.trails import Key, KeyKind
from coldtrail.store.anyvalue import sql_text
from coldtrail.store.engine import Engine
from coldtrail.store.keys.id_sets import as_written
from coldtrail.store.trails.lists import carries

INVOCATION = sql_text("attributes['faas.invocation_id']")

MOST = 50
"""How many carriers one search gives."""


class Carrier(Struct, frozen=True):
    """A signal that carries a key or value; ids in hex, "" where it has none."""

    kind: str
    value: str
    role: str
    trace_id: str
    span_id: str
    request_id: str
    service: str
    time_ns: int


def key_hash(kind: str, value: str) -> int:
    """Return the hash by which `keys` is ordered: xxh64 of kind, NUL, value."""
    return xxhash.xxh64_intdigest(f"{kind}\0{value}".encode())


_CARRIERS = """
SELECT kind, value, role, lower(hex(trace_id)), lower(hex(span_id)), request_id, service, toUnixTimestamp64Nano(time)
FROM keys PREWHERE key_hash IN {hashes:Array(UInt64)} ORDER BY time DESC LIMIT {limit:UInt32}
"""


def carriers_of(engine: Engine, keys: set[Key], limit: int = 20_000) -> list[Carrier]:
    """Return who gives, takes or mentions the keys, whatever their role; reads a granule a key."""
    hashes = sorted({key_hash(key.kind, key.value) for key in keys})
    return _carriers(engine, hashes, limit) if hashes else []


def carriers_of_hash(engine: Engine, digest: int) -> list[Carrier]:
    """Return the carriers of the key with this hash, which is also the id of the node that the key names."""
    return _carriers(engine, [digest], MOST)


def _carriers(engine: Engine, hashes: list[int], limit: int) -> list[Carrier]:
    return [_carrier(row) for row in engine.rows(_CARRIERS, {"hashes": hashes, "limit": limit}, as_written())]


def _carrier(row: tuple[Any, ...]) -> Carrier:
    kind, value, role, trace_id, span_id, request_id, service, time_ns = row
    trace = trace_id if trace_id.strip("0") else ""
    return Carrier(kind, value, role, trace, span_id if trace else "", request_id, service, time_ns)


def find(engine: Engine, value: str) -> list[Carrier]:
    """Return the newest carriers of ``value``: as a trace id, as a key of any kind, then as any attribute's value."""
    found = _trace(engine, value.lower()) if is_trace_id(value) else []
    found += _carriers(engine, [key_hash(kind, value) for kind in get_args(KeyKind)], MOST)
    if len(found) < MOST:
        found += _attributes(engine, value)
    seen: set[tuple[str, str, str, str]] = set()
    distinct = []
    for carrier in found:
        identity = (carrier.kind, carrier.trace_id, carrier.span_id, carrier.request_id)
        if identity not in seen:
            seen.add(identity)
            distinct.append(carrier)
    return distinct[:MOST]


def _trace(engine: Engine, trace_id: str) -> list[Carrier]:
    rows = engine.rows(
        f"""SELECT 'trace_id', '{trace_id}', 'gives', '{trace_id}', lower(hex(span_id)), '', service,
          toUnixTimestamp64Nano(start)
        FROM spans WHERE trace_id = unhex('{trace_id}') ORDER BY parent_span_id, start LIMIT 1""",
    )
    if not rows:
        rows = engine.rows(
            f"""SELECT 'trace_id', '{trace_id}', 'mentions', '{trace_id}', lower(hex(span_id)), request_id, service,
              toUnixTimestamp64Nano(time)
            FROM logs WHERE trace_id = unhex('{trace_id}') ORDER BY time LIMIT 1""",
        )
    return [_carrier(row) for row in rows]


def _attributes(engine: Engine, value: str) -> list[Carrier]:
    """Spans and logs with the value in any attribute; the bloom filters leave a few granules to read."""
    clause = carries(value)
    name = f"arrayFirst((name, raw) -> {clause.replace('mapValues(attributes)', '[raw]')}, mapKeys(attributes), mapValues(attributes))"
    query = f"""
      SELECT {name} AS found_as, {{value:String}} AS value, 'mentions' AS role, lower(hex(trace_id)), lower(hex(span_id)),
        if(kind IN (2, 5), {INVOCATION}, '') AS request_id, service, toUnixTimestamp64Nano(start) AS time_ns
      FROM spans WHERE {clause} ORDER BY start DESC LIMIT {{limit:UInt32}}
      UNION ALL
      SELECT {name} AS kind, {{value:String}} AS value, 'mentions' AS role, lower(hex(trace_id)), lower(hex(span_id)),
        request_id, service, toUnixTimestamp64Nano(time) AS time_ns
      FROM logs WHERE {clause} ORDER BY time DESC LIMIT {{limit:UInt32}}"""
    rows = engine.rows(query, {"value": value, "limit": MOST})
    return sorted((_carrier(row) for row in rows), key=lambda carrier: carrier.time_ns, reverse=True)
