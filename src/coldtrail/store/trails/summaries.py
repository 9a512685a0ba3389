"""Rows of reconstructed trails: which units changed, what is known of them, and the new summaries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from msgspec import Struct

from coldtrail.model.trails import FAILED, JOINING_KINDS, Trail
from coldtrail.store.engine import Engine
from coldtrail.store.keys.id_sets import rows_with
from coldtrail.store.sql_words import listed
from coldtrail.store.trails.lists import TrailRow

MOST_HASHES = 1_000
"""Keys of one unit that are told."""

_ONE_THREAD = {"max_threads": 1}
"""What is small costs a third more with two."""

_TRAIL_COLUMNS = [
    "trail_id",
    "version",
    "start",
    "duration_ms",
    "status",
    "outcome",
    "node_count",
    "error_count",
    "cold_start_count",
    "services",
    "origin_node_id",
    "origin_kind",
    "origin_service",
    "origin_name",
    "received",
]


class Unit(Struct, frozen=True):
    """What a trail is made of: a trace (hex id), or a request known from logs without a trace."""

    trace_id: str
    request_id: str

    @property
    def name(self) -> str:
        """The id under which `trail_members` lists it."""
        return unit_of(self)


class Identified(Protocol):
    """What carries ids in hex, "" where it has none: a signal, an invocation, a group of failures."""

    @property
    def trace_id(self) -> str:
        """The trace it belongs to."""

    @property
    def request_id(self) -> str:
        """The Lambda request it speaks of."""


def unit_of(one: Identified) -> str:
    """Return the name of the unit that something belongs to: its trace's id, or its request's where it has no trace; or ""."""
    return one.trace_id or one.request_id


class Received(Struct, frozen=True):
    """How much was received of a unit in a Unix second (rows of `keys`, and spans), when the first and last of it were, and by the
    hashes of which keys it is joined to others (its own id is one).
    """

    unit: Unit
    received_s: int
    rows: int
    first_ns: int = 0
    last_ns: int = 0
    hashes: frozenset[int] = frozenset()


def units_received_in(engine: Engine, seconds: list[int], limit: int) -> list[Received]:
    """Return units with keys received in these Unix seconds, newest first, and traces of trails of which any span was.

    Reads the newest parts only.
    """
    return _units(engine, "received IN {seconds:Array(UInt32)}", {"seconds": seconds}, limit)


def units_since(engine: Engine, since_s: int, limit: int) -> list[Received]:
    """Likewise since a Unix second."""
    return _units(engine, "received >= toDateTime({since:UInt32})", {"since": max(0, since_s)}, limit)


def _units(engine: Engine, received: str, parameters: dict[str, Any], limit: int) -> list[Received]:
    """A span without a key is news where its trace is on a trail already; where it is not, the trace is a trail of its own."""
    rows = engine.rows(
        f"""SELECT trace, request, at, sum(n), min(first), max(last), groupUniqArrayArray({MOST_HASHES})(hashes) FROM (
          SELECT if(trace_id = toFixedString('', 16), '', lower(hex(trace_id))) AS trace,
            if(trace = '', request_id, '') AS request, toUnixTimestamp(received) AS at, count() AS n,
            toUnixTimestamp64Nano(min(time)) AS first, toUnixTimestamp64Nano(max(time)) AS last,
            arrayConcat(groupUniqArrayIf({MOST_HASHES})(key_hash, kind IN ({listed(JOINING_KINDS)})),
              groupUniqArrayIf({MOST_HASHES})({_hash_of("request_id", "request_id")}, request_id != ''),
              [if(trace = '', {_hash_of("request_id", "request")}, {_hash_of("trace_id", "trace")})]) AS hashes
          FROM keys WHERE {received} GROUP BY trace, request, at
          UNION ALL
          SELECT lower(hex(trace_id)), '', toUnixTimestamp(received) AS at, sum(span_count),
            toUnixTimestamp64Nano(min(start)), toUnixTimestamp64Nano(max(end)), []
          FROM traces WHERE {received} AND (trace_id IN (SELECT trace_id FROM keys WHERE {received})
            OR lower(hex(trace_id)) IN (SELECT unit FROM trail_members
              WHERE unit IN (SELECT lower(hex(trace_id)) FROM traces WHERE {received})))
          GROUP BY trace_id, at
        ) GROUP BY trace, request, at ORDER BY at DESC LIMIT {{limit:UInt32}}""",
        {**parameters, "limit": limit},
        _ONE_THREAD,
    )
    return [
        Received(Unit(trace, request), at_s, count, first_ns, last_ns, frozenset(hashes))
        for trace, request, at_s, count, first_ns, last_ns, hashes in rows
        if trace or request
    ]


def _hash_of(kind: str, value: str) -> str:
    """SQL for what `keys` has as the hash of a key."""
    return f"xxHash64(concat('{kind}\\0', {value}))"


def last_saved_s(engine: Engine) -> int:
    """Return the Unix second at which the last trail was saved, 0 where none was."""
    return int(engine.rows("SELECT toUnixTimestamp(max(received)) FROM trails")[0][0])


def save_trails(
    engine: Engine,
    rows: list[TrailRow],
    members: dict[str, set[str]],
    stays: Callable[[str, str], bool],
    version: int,
) -> None:
    """Write summaries and the units of each; a trail that lost its units to others is marked as gone.

    ``members`` maps units to the ids of all trails that they are part of; ``stays``: whether a unit may be part of a trail
    besides, of which it was before; ``version`` is Unix nanoseconds.
    """
    received_s = version // 10**9
    query = "SELECT DISTINCT unit, trail_id FROM trail_members PREWHERE unit IN {some}"
    known = set(rows_with(engine, query, members, _ONE_THREAD))
    kept = {row.trail_id for row in rows}
    gone = {trail for unit, trail in known if trail not in members[unit] and not stays(unit, trail)} - kept
    values = [_values(row, version, received_s) for row in rows]
    values += [_values(row, version, received_s) for row in _gone(engine, sorted(gone))]
    if values:
        engine.insert("trails", values, _TRAIL_COLUMNS)
    new = [
        [unit, trail_id, received_s]
        for unit, ids in sorted(members.items())
        for trail_id in sorted(ids)
        if (unit, trail_id) not in known
    ]
    if new:
        engine.insert("trail_members", new, ["unit", "trail_id", "received"])


def _gone(engine: Engine, trail_ids: list[str]) -> list[TrailRow]:
    """Rows without a status, at the start that the trails had, so that a list of that time sees that they are gone."""
    if not trail_ids:
        return []
    starts = engine.rows(
        """SELECT trail_id, toUnixTimestamp64Nano(argMax(start, version)) FROM trails
        WHERE trail_id IN {ids:Array(String)} GROUP BY trail_id""",
        {"ids": trail_ids},
    )
    return [TrailRow(trail_id, start_ns, 0.0, "", None, 0, 0, 0, [], "", "", "", "") for trail_id, start_ns in starts]


def _values(row: TrailRow, version: int, received_s: int) -> list[object]:
    return [
        row.trail_id,
        version,
        _time(row.start_ns),
        row.duration_ms,
        row.status,
        row.outcome or "",
        row.node_count,
        row.error_count,
        row.cold_start_count,
        row.services,
        row.origin_node_id,
        row.origin_kind,
        row.origin_service,
        row.origin_name[:1000],
        received_s,
    ]


def _time(at_ns: int) -> str:
    """Unix nanoseconds as the engine reads them from text, whatever the year."""
    seconds, ns = divmod(max(0, at_ns), 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{ns:09d}"


def summary(trail: Trail) -> TrailRow:
    """Return the row that lists show of a trail."""
    origin = trail.origin
    return TrailRow(
        trail_id=trail.trail_id,
        start_ns=trail.start_ns,
        duration_ms=(trail.end_ns - trail.start_ns) / 1e6,
        status=trail.status,
        outcome=trail.outcome,
        node_count=len(trail.nodes),
        error_count=sum(node.status in FAILED for node in trail.nodes),
        cold_start_count=sum(bool(node.cold_start) for node in trail.nodes),
        services=sorted({node.service for node in trail.nodes}),
        origin_service=origin.service,
        origin_name=origin.name,
        origin_kind=origin.kind,
        origin_node_id=origin.node_id,
    )
