"""Which attributes the affected and the others of a scope have, counted once a trace (or request that has none)."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from coldtrail.model.hex_ids import is_trace_id
from coldtrail.store.anyvalue import decode
from coldtrail.store.contrast.units import Bad, Group, Scope, groups, scope_of, slow_above_ms, traces_in
from coldtrail.store.engine import Engine
from coldtrail.store.keys.id_sets import hash_sets, trace_sets

LEAST = 3
"""A value that fewer of the affected have is not counted: it is somebody's id, or chance."""

MOST_VALUES = 4_000
LONGEST = 300
"""Values and names of more bytes are left out: they are texts, not what things have in common."""

SAID_ELSEWHERE = "'service.name', 'faas.name', 'aws.log.stream.names', 'aws.log.group.names', 'aws.log.event.id'"
"""Names that say who speaks, or what another attribute says too."""

TOOK_PART, FAILING_STEP = "\0took part", "\0failing step"
"""Names of what is no attribute: another service that took part, and a step that failed."""

# A trace's spans may begin a little before the range and end after it.
_AROUND = """{at} >= fromUnixTimestamp64Nano({{since:Int64}}) - INTERVAL 5 MINUTE
  AND {at} < fromUnixTimestamp64Nano({{until:Int64}}) + INTERVAL 5 MINUTE"""

_OF_TRACE = "transform(lower(hex(trace_id)), {ids:Array(String)}, {units:Array(String)}, lower(hex(trace_id)))"
_OF_LOG = f"""if(request_id = '', {_OF_TRACE},
    transform(request_id, {{ids:Array(String)}}, {{units:Array(String)}}, {_OF_TRACE}))"""

_PAIRS = "arrayMap((key, value) -> (CAST(key AS String), value), mapKeys(@map), mapValues(@map))"
_OF_ATTRIBUTES, _OF_RESOURCE = _PAIRS.replace("@map", "attributes"), _PAIRS.replace("@map", "e.resource")
_SERVICE = "CAST(service AS String)"

# A NUL in the text of a query would end it.
_MORE = f"""
    if({_SERVICE} = {{scope:String}}, [], [(concat(char(0), '{TOOK_PART[1:]}'), {_SERVICE})]),
    if(status_code = 2, [(concat(char(0), '{FAILING_STEP[1:]}'), concat({_SERVICE}, ': ', CAST(name AS String)))], [])"""

_SPANS = f"""
  SELECT {_OF_TRACE} AS unit, {_SERVICE} AS speaker, emitter_id, arrayConcat({_OF_ATTRIBUTES}, {_MORE}) AS pairs
  FROM spans WHERE {_AROUND.format(at="start")} AND trace_id IN @traces
  UNION ALL"""

_COUNTED = f"""
WITH said AS (@spans
  SELECT {_OF_LOG} AS unit, {_SERVICE} AS speaker, emitter_id, {_OF_ATTRIBUTES} AS pairs
  FROM logs WHERE {_AROUND.format(at="time")}
    AND ((request_id != '' AND request_id IN {{ids:Array(String)}}) @or_traces)
)
SELECT cityHash64(whom, name, value) AS hash, if(startsWith(pair.1, char(0)), '', speaker) AS whom, pair.1 AS name,
  pair.2 AS value, uniqExact(unit) AS n
FROM (
  SELECT unit, speaker, arrayJoin(pairs) AS pair FROM said
  UNION ALL
  SELECT s.unit AS unit, s.speaker AS speaker, arrayJoin({_OF_RESOURCE}) AS pair
  FROM (SELECT DISTINCT unit, speaker, emitter_id FROM said) AS s
  INNER JOIN (SELECT emitter_id, resource FROM emitters WHERE emitter_id IN (SELECT emitter_id FROM said)
    LIMIT 1 BY emitter_id) AS e ON s.emitter_id = e.emitter_id
) WHERE length(value) BETWEEN 1 AND {LONGEST} AND length(name) BETWEEN 1 AND {LONGEST} AND name NOT IN ({SAID_ELSEWHERE})
GROUP BY whom, name, value
"""


class Counted(Struct, frozen=True):
    """How many of the affected and of the others have a value. ``service``: who says so, "" where it is about all of them."""

    service: str
    name: str
    value: str
    bad_count: int
    other_count: int


class Contrasted(Struct, frozen=True):
    """Two groups of a scope, and what was counted of those that were looked at (all, or those of the lowest hashes)."""

    kind: str
    slow_above_ms: float | None
    bad_count: int
    other_count: int
    bad_looked_at: int
    other_looked_at: int
    counted: list[Counted]

    @property
    def sampled(self) -> bool:
        """Whether not all were looked at."""
        return (self.bad_looked_at, self.other_looked_at) != (self.bad_count, self.other_count)


def contrasted(
    engine: Engine, name: str, since_ns: int, until_ns: int, bad: Bad, slow_ms: float | None = None
) -> Contrasted:
    """Return the attributes of the affected and others of a scope within a range.

    ``bad``: affected is who failed, who took longer than ``slow_ms`` (None: what is usual), or whose outcome in the
    workflow ``name`` is not complete. Reads narrow columns of the range, then the granules of at most 800 traces.
    """
    scope = Scope(name, "workflow") if bad == "outcome" else scope_of(engine, name, since_ns, until_ns)
    if bad == "slow" and slow_ms is None:
        slow_ms = slow_above_ms(engine, scope, since_ns, until_ns)
    slow_ms = slow_ms if bad == "slow" else None
    affected, others = groups(engine, scope, since_ns, until_ns, slow_ms)
    return Contrasted(
        kind=scope.kind,
        slow_above_ms=slow_ms,
        bad_count=affected.count,
        other_count=others.count,
        bad_looked_at=len(affected.ids),
        other_looked_at=len(others.ids),
        counted=_counted(engine, affected, others, {"scope": name, "since": since_ns, "until": until_ns}),
    )


def _counted(engine: Engine, affected: Group, others: Group, asked: dict[str, Any]) -> list[Counted]:
    if len(affected.ids) < LEAST:
        return []
    query = f"{_COUNTED} HAVING n >= {LEAST} ORDER BY n DESC, hash LIMIT {MOST_VALUES}"
    rows = _rows(engine, affected, query, asked)
    elsewhere: dict[int, int] = {}
    if others.ids:
        for some in hash_sets(row[0] for row in rows):
            elsewhere |= {row[0]: row[4] for row in _rows(engine, others, f"{_COUNTED} HAVING hash IN {some}", asked)}
    return [
        Counted(_text(service), _text(name), _value(_text(name), value), count, elsewhere.get(hash_, 0))
        for hash_, service, name, value, count in rows
    ]


def _rows(engine: Engine, group: Group, query: str, asked: dict[str, Any]) -> list[tuple[Any, ...]]:
    traces = next(trace_sets(traces_in(group.members)), "")
    asking = query.replace("@spans", _SPANS if traces else "").replace(
        "@or_traces", "OR trace_id IN @traces" if traces else ""
    )
    # Most units are their own id: only the others have to be told to the engine.
    told = {one: unit for one, unit in group.members.items() if one != unit or not is_trace_id(one)}
    named = {"ids": ["", *told], "units": ["", *told.values()]}
    return engine.rows(asking.replace("@traces", traces), {**asked, **named}, raw_bytes=True)


def _text(raw: bytes | str) -> str:
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw


def _value(name: str, raw: bytes | str) -> str:
    if name.startswith("\0"):
        return _text(raw)
    value = decode(raw if isinstance(raw, bytes) else raw.encode())
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)
