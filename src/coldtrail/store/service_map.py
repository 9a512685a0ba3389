"""What a service map is drawn from: who called what, who called whom, who sent and took messages, what times told.

Everything comes from roll-ups. Direct calls and messages are joined at the time of asking: of more than `MOST_HOPS` ends of
calls or `MOST_KEYS` keys of messages a part is joined that a hash picks, and ``scale`` says how many times more there are.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from coldtrail.store.anyvalue import sql_text
from coldtrail.store.engine import Engine
from coldtrail.store.functions.minutes import by_function
from coldtrail.store.resources import RANGE, number
from coldtrail.store.schema.calls import BUCKETS
from coldtrail.store.sql_words import array, quoted

MOST_HOPS = 200_000
MOST_KEYS = 60_000
MOST_ROWS = 5_000
"""Pairs of a caller and what it called, the busiest first."""

_TIME = "{at} >= fromUnixTimestamp64Nano({{since:Int64}}) AND {at} < fromUnixTimestamp64Nano({{until:Int64}})"


class Called(Struct, frozen=True):
    """What one service did to one resource, host or function."""

    kind: str
    name: str
    service: str
    taking: bool
    count: int
    error_count: int
    p50_ms: float | None
    p95_ms: float | None


class Hop(Struct, frozen=True):
    """One service's server spans below spans of another; ``peer``: what the client's span said it called."""

    caller: str
    peer_kind: str
    peer: str
    callee: str
    count: int
    error_count: int
    p50_ms: float | None
    p95_ms: float | None


class Carried(Struct, frozen=True):
    """Messages from one service to another. ``sent_on``, ``taken_from``: (kind, name), ("", "") where nobody said on which.

    Waits are of those that were seen to be sent; None where none was.
    """

    sent_on: tuple[str, str]
    taken_from: tuple[str, str]
    sender: str
    taker: str
    count: int
    wait_p50_ms: float | None
    wait_p95_ms: float | None


class Worked(Struct, frozen=True):
    """One service or function: its requests or invocations. ``is_function``: invocations of it are known."""

    name: str
    is_function: bool
    count: int
    error_count: int
    p95_ms: float | None
    cold_start_count: int


class Guessed(Struct, frozen=True):
    """Edges between two services that times told."""

    cause: str
    effect: str
    kind: str
    count: int
    confidence: float


def calls_made(engine: Engine, since_ns: int, until_ns: int) -> list[Called]:
    """Return who called what; reads a row a minute, resource, caller and operation."""
    rows = engine.rows(
        f"""SELECT kind, name, service, taking, sum(c.count) AS n, sum(c.error_count),
          quantilesTDigestMerge(0.5, 0.95, 0.99)(durations_ms)
        FROM calls AS c WHERE {RANGE} GROUP BY kind, name, service, taking ORDER BY n DESC LIMIT {MOST_ROWS}""",
        {"since": since_ns, "until": until_ns},
    )
    return [
        Called(kind, name, service, bool(taking), n, errors, number(q[0]), number(q[1]))
        for kind, name, service, taking, n, errors, q in rows
    ]


def _share(engine: Engine, table: str, most: int, parameters: dict[str, Any]) -> float:
    found = engine.rows(f"SELECT count() FROM {table} WHERE {_TIME.format(at='time')}", parameters)[0][0]
    return min(1.0, most / found) if found else 1.0


def hops(engine: Engine, since_ns: int, until_ns: int) -> tuple[list[Hop], float]:
    """Return the direct calls between services, and how many times more there are."""
    parameters: dict[str, Any] = {"since": since_ns, "until": until_ns}
    buckets = max(1, int(BUCKETS * _share(engine, "hops", MOST_HOPS, parameters)))
    within = f"{_TIME.format(at='time')} AND bucket < {buckets}"
    rows = engine.rows(
        f"""SELECT c.service AS caller, c.peer_kind, c.peer, s.service AS callee, count() AS n, sum(s.failed),
          quantilesTDigest(0.5, 0.95)(s.duration_ms)
        FROM (SELECT parent, service, failed, duration_ms FROM hops WHERE {within} AND parent != 0) AS s
        ANY INNER JOIN (SELECT span, service, peer_kind, peer FROM hops WHERE {within}) AS c ON s.parent = c.span
        WHERE caller != callee
        GROUP BY caller, c.peer_kind, c.peer, callee ORDER BY n DESC LIMIT {MOST_ROWS}""",
        parameters,
    )
    found = [
        Hop(caller, peer_kind, peer, callee, n, errors, number(q[0]), number(q[1]))
        for caller, peer_kind, peer, callee, n, errors, q in rows
    ]
    return found, BUCKETS / buckets


_KEYS = f"""
SELECT key_hash, role, toString(service) AS who, toUnixTimestamp64Nano(time) AS at, span_key, line_key FROM message_keys
WHERE {_TIME.format(at="time")} AND key_hash <= {{most:UInt64}}
"""

_NAMES = f"""
SELECT carrier, (toString(kind), toString(name)) AS named FROM named
WHERE {_TIME.format(at="time")} AND carrier IN (SELECT arrayJoin([span_key, line_key]) FROM ({_KEYS}))
LIMIT 1 BY carrier
"""

_CARRIED = f"""
SELECT sent_on, if(taker.3.2 != '', taker.3, sent_on) AS taken_from, sender, taker.1 AS took, count() AS n,
  quantilesTDigestIf(0.5, 0.95)(greatest(0, taker.2 - sent) / 1e6, sent > 0)
FROM (
  SELECT key_hash, minIf(first, role = 'gives') AS sent, anyIf(who, role = 'gives') AS sender,
    anyIf(on, role = 'gives' AND on.2 != '') AS sent_on,
    arrayJoin(if(countIf(role = 'takes') = 0, [('', 0, ('', ''))], groupArrayIf((who, first, on), role = 'takes'))) AS taker
  FROM (
    SELECT key_hash, role, who, min(at) AS first, argMaxIf(a.named, of_span, a.named.2 != '') AS on FROM (
      SELECT key_hash, role, who, at, arrayJoin([(1, span_key), (0, line_key)]) AS told, told.1 AS of_span, told.2 AS carrier
      FROM ({_KEYS})) AS k
    LEFT JOIN ({_NAMES}) AS a ON k.carrier = a.carrier
    GROUP BY key_hash, role, who)
  GROUP BY key_hash)
GROUP BY sent_on, taken_from, sender, took ORDER BY n DESC LIMIT {MOST_ROWS}
"""


def carried(engine: Engine, since_ns: int, until_ns: int) -> tuple[list[Carried], float]:
    """Return the messages between services, and how many times more there are."""
    parameters: dict[str, Any] = {"since": since_ns, "until": until_ns}
    share = _share(engine, "message_keys", MOST_KEYS, parameters)
    rows = engine.rows(_CARRIED, {**parameters, "most": min(2**64 - 1, int(share * 2**64))})
    found = [
        Carried(tuple(sent_on), tuple(taken_from), sender, taker, n, number(q[0]), number(q[1]))
        for sent_on, taken_from, sender, taker, n, q in rows
    ]
    return found, 1 / share


def worked(engine: Engine, since_ns: int, until_ns: int) -> list[Worked]:
    """Return the services by their requests, functions by their invocations."""
    parameters = {"since": since_ns, "until": until_ns}
    functions = by_function(engine, since_ns, until_ns)
    found = {name: Worked(name, True, n, errors, number(q[1]), colds) for name, _, n, errors, colds, q in functions}
    services = engine.rows(
        f"""SELECT name, sum(r.count), sum(r.error_count), quantilesTDigestMerge(0.5, 0.95, 0.99)(durations_ms)[2]
        FROM red AS r WHERE grouping = 'service' AND {RANGE} GROUP BY name""",
        parameters,
    )
    return [
        *found.values(),
        *(Worked(name, False, n, errors, number(p95), 0) for name, n, errors, p95 in services if name not in found),
    ]


def entry_services(engine: Engine, since_ns: int, until_ns: int) -> dict[str, int]:
    """Return the services that requests from outside came to, and how many."""
    rows = engine.rows(
        """SELECT service, count() FROM requests WHERE root AND start >= fromUnixTimestamp64Nano({since:Int64})
            AND start < fromUnixTimestamp64Nano({until:Int64}) GROUP BY service""",
        {"since": since_ns, "until": until_ns},
    )
    return dict(rows)


_UNITS = f"""
SELECT request_id AS unit, any(toString(function)) AS name FROM invocations
WHERE {_TIME.format(at="time")} AND request_id != '' GROUP BY request_id
UNION ALL
SELECT lower(hex(trace_id)) AS unit, any(toString(root_service)) AS name FROM traces
WHERE {_TIME.format(at="start")} GROUP BY trace_id
"""


def guessed(engine: Engine, since_ns: int, until_ns: int) -> list[Guessed]:
    """Return the edges between services that times told; reads the edges kept since the range began."""
    parameters = {"since": since_ns, "until": until_ns, "since_s": since_ns // 10**9}
    if not engine.rows("SELECT 1 FROM inferred_edges WHERE received >= {since_s:Int64} LIMIT 1", parameters):
        return []
    rows = engine.rows(
        f"""SELECT a.name AS one, b.name AS other, any(kind), count() AS n, avg(confidence) FROM (
          SELECT cause_unit, effect_unit, kind, confidence FROM inferred_edges
          WHERE received >= {{since_s:Int64}} AND (effect, received) IN (
            SELECT effect, max(received) FROM inferred_edges WHERE received >= {{since_s:Int64}} GROUP BY effect)
          ORDER BY received DESC LIMIT 1 BY cause, effect LIMIT 50000) AS e
        INNER JOIN ({_UNITS}) AS a ON e.cause_unit = a.unit INNER JOIN ({_UNITS}) AS b ON e.effect_unit = b.unit
        WHERE one != other GROUP BY one, other ORDER BY n DESC LIMIT {MOST_ROWS}""",
        parameters,
    )
    return [Guessed(one, other, kind, n, round(sure, 3)) for one, other, kind, n, sure in rows]


def tags_of(engine: Engine, attributes: tuple[str, ...], since_ns: int) -> dict[str, str]:
    """Return the first of the resource ``attributes`` that each service's emitters have; reads the emitters since then."""
    names = array(attributes)
    value = f"arrayFirst(raw -> raw != '', arrayMap(name -> resource[name], {names}))"
    rows = engine.rows(
        f"""SELECT service, anyIf(substring({sql_text("raw")}, 1, 100), raw != '') AS tag FROM (
          SELECT if({_text("service.name")} != '', {_text("service.name")}, {_text("faas.name")}) AS service, {value} AS raw
          FROM emitters WHERE received >= {{since_s:Int64}})
        GROUP BY service HAVING tag != ''""",
        {"since_s": since_ns // 10**9},
    )
    return dict(rows)


def _text(name: str) -> str:
    return sql_text(f"resource[{quoted(name)}]")
