"""Trails by their origin, for those who look at all of a kind: reconstructed ones, and traces that are a trail of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from coldtrail.store.engine import Engine


class OriginLike(Struct, frozen=True):
    """Patterns of the service and the name of an origin: `*` is any number of characters, "" = any."""

    service: str
    name: str


_ALONE = """
SELECT lower(hex(trace_id)) FROM (SELECT trace_id, max(start) AS at FROM traces
  WHERE has_root AND start >= fromUnixTimestamp64Nano({{start:Int64}}) AND {received} AND {like}
    AND trace_id NOT IN (SELECT trace_id FROM keys WHERE {keys})
  GROUP BY trace_id ORDER BY at DESC LIMIT {{limit:UInt32}})
WHERE lower(hex(trace_id)) NOT IN (SELECT unit FROM trail_members) """


def traces_alone_received(engine: Engine, like: Sequence[OriginLike], since_s: int, limit: int) -> list[str]:
    """Return traces with such a root that something came of since a Unix second, newest first, and that no other trail has.

    A trace comes in pieces; the root is looked for in those of the last hour. Reads the newest parts only.
    """
    received = """received >= toDateTime({since:UInt32}) - INTERVAL 1 HOUR
      AND trace_id IN (SELECT trace_id FROM traces WHERE received >= toDateTime({since:UInt32}))"""
    keys = "received >= toDateTime({since:UInt32}) - INTERVAL 1 HOUR"
    return _alone(engine, like, received, keys, {"since": max(0, since_s), "start": 0, "limit": limit})


def traces_alone_since(engine: Engine, like: Sequence[OriginLike], start_ns: int, limit: int) -> list[str]:
    """Return traces with such a root that began since a time, newest first, and that no other trail has."""
    keys = "time >= fromUnixTimestamp64Nano({start:Int64}) - INTERVAL 1 HOUR"
    return _alone(engine, like, "1", keys, {"start": max(0, start_ns), "limit": limit})


def _alone(engine: Engine, like: Sequence[OriginLike], received: str, keys: str, values: dict[str, Any]) -> list[str]:
    fits, patterns = _like(like, "root_service", "root_name")
    query = _ALONE.format(received=received, like=fits, keys=keys)
    return [row[0] for row in engine.rows(query, {**values, **patterns})]


def trails_since(engine: Engine, like: Sequence[OriginLike], start_ns: int, limit: int) -> list[str]:
    """Return reconstructed trails with such an origin that began since a time, newest first."""
    fits, patterns = _like(like, "service", "name")
    rows = engine.rows(
        f"""SELECT trail_id FROM (
          SELECT trail_id, max(t.start) AS at, argMax(t.status, t.version) AS status,
            argMax(t.origin_service, t.version) AS service, argMax(t.origin_name, t.version) AS name
          FROM trails AS t WHERE start >= fromUnixTimestamp64Nano({{start:Int64}}) GROUP BY trail_id)
        WHERE status != '' AND {fits} ORDER BY at DESC LIMIT {{limit:UInt32}}""",
        {**patterns, "start": max(0, start_ns), "limit": limit},
    )
    return [row[0] for row in rows]


class Origin(Struct, frozen=True):
    """A kind of origin, how many trails it has, and the newest of them."""

    kind: str
    service: str
    name: str
    trail_count: int
    trail_ids: list[str]


def usual_origins(
    engine: Engine, since_ns: int, until_ns: int, most: int, newest: int, of_service: str = ""
) -> list[Origin]:
    """Return the origins of most trails of a range that ended well or not, each with its newest; one of a message by its place.

    ``of_service``: the service that they begin in, "" for any.
    """
    values = {"since": since_ns, "until": until_ns, "most": most, "newest": newest, "of": of_service}
    rows = engine.rows(
        """SELECT kind, service, if(kind = 'message', '', name) AS named, count() AS trails,
          arraySlice(arrayReverseSort(arr -> arr.1, groupArray((at, trail_id))), 1, {newest:UInt32}) AS ids
        FROM (SELECT trail_id, argMax(t.start, t.version) AS at, argMax(t.status, t.version) AS status,
            argMax(t.origin_service, t.version) AS service, argMax(t.origin_name, t.version) AS name,
            argMax(t.origin_kind, t.version) AS kind, argMax(t.node_count, t.version) AS nodes
          FROM trails AS t WHERE start >= fromUnixTimestamp64Nano({since:Int64}) AND start < fromUnixTimestamp64Nano({until:Int64})
          GROUP BY trail_id)
        WHERE status NOT IN ('', 'open') AND nodes > 1 AND {of:String} IN ('', service)
        GROUP BY kind, service, named ORDER BY trails DESC LIMIT {most:UInt32}""",
        values,
    ) + engine.rows(
        """SELECT if(kind = 2, 'request', 'operation'), service, name, count() AS trails,
          arrayMap(one -> lower(hex(one.2)), arraySlice(arrayReverseSort(arr -> arr.1, groupArray((at, trace_id))), 1, {newest:UInt32}))
        FROM (SELECT trace_id, min(t.start) AS at, sum(t.span_count) AS spans, length(groupUniqArrayArray(t.services)) AS others,
            argMin((t.root_service, t.root_name, t.root_kind), (NOT t.has_root, t.start)) AS origin,
            origin.1 AS service, origin.2 AS name, origin.3 AS kind
          FROM traces AS t WHERE start >= fromUnixTimestamp64Nano({since:Int64}) AND start < fromUnixTimestamp64Nano({until:Int64})
          GROUP BY trace_id)
        WHERE others > 1 AND spans > 1 AND {of:String} IN ('', service) AND lower(hex(trace_id)) NOT IN (SELECT unit FROM trail_members)
        GROUP BY kind, service, name ORDER BY trails DESC LIMIT {most:UInt32}""",
        values,
    )
    found = [
        Origin(kind, service, name, count, [one[1] if isinstance(one, tuple) else one for one in ids])
        for kind, service, name, count, ids in rows
    ]
    return sorted(found, key=lambda one: -one.trail_count)[:most]


def _like(like: Sequence[OriginLike], service: str, name: str) -> tuple[str, dict[str, str]]:
    """SQL that is true of an origin that is like one of them, and what it binds."""
    clauses: list[str] = []
    values: dict[str, str] = {}
    for index, one in enumerate(like):
        clauses.append(f"(match({service}, {{s{index}:String}}) AND match({name}, {{n{index}:String}}))")
        values |= {f"s{index}": _expression(one.service), f"n{index}": _expression(one.name)}
    return f"({' OR '.join(clauses) or '0'})", values


def _expression(pattern: str) -> str:
    """A pattern as RE2 reads it."""
    if not pattern:
        return ""
    return "(?s)^" + ".*".join(re.escape(part) for part in pattern.split("*")) + "$"
