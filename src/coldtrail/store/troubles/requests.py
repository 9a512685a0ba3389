"""What callers in front wait for: cold starts within requests, and runs that end shortly before somebody's time-out."""

from __future__ import annotations

from msgspec import Struct

from coldtrail.store.engine import Engine
from coldtrail.store.sql_words import DID_FAIL

MOST_GROUPS = 1_000
MOST_UNITS = 5

_IN = "{at} >= fromUnixTimestamp64Nano({{since:Int64}}) AND {at} < fromUnixTimestamp64Nano({{until:Int64}})"


class ColdRoute(Struct, frozen=True):
    """Requests to one route that waited for a function to be set up; ``of``: all requests to the route in the range."""

    route: str
    function: str
    cold: int
    of: int
    init_ms: float
    first_ns: int
    last_ns: int
    units: tuple[str, ...]


def cold_routes(engine: Engine, since_ns: int, until_ns: int) -> list[ColdRoute]:
    """Return routes whose requests met cold starts; reads the range's requests, and its cold starts."""
    query = f"""
WITH asked AS (
  SELECT trace_id, argMin(trim(concat(method, ' ', route)), start) AS road, min(start) AS began, argMin(duration_ms, start) AS took_ms
  FROM requests WHERE {_IN.format(at="start")} GROUP BY trace_id
),
cold AS (
  SELECT trace_id, argMin(function, time) AS who, min(time) AS ran, max(init_ms) AS setting_up_ms FROM invocations
  WHERE {_IN.format(at="time")} AND cold_start AND isNotNull(init_ms) AND trace_id IN (SELECT trace_id FROM asked)
  GROUP BY trace_id
)
SELECT a.road, c.who, count() AS n, any(o.n), quantileTDigest(0.5)(ifNull(c.setting_up_ms, 0)), toUnixTimestamp64Nano(min(a.began)),
  toUnixTimestamp64Nano(max(a.began)), groupArray({MOST_UNITS})(lower(hex(a.trace_id)))
FROM asked AS a INNER JOIN cold AS c ON a.trace_id = c.trace_id
  INNER JOIN (SELECT road, count() AS n FROM asked GROUP BY road) AS o ON a.road = o.road
WHERE dateDiff('millisecond', a.began, c.ran) <= a.took_ms
GROUP BY a.road, c.who ORDER BY n DESC LIMIT {MOST_GROUPS}"""
    rows = engine.rows(query, {"since": since_ns, "until": until_ns})
    return [ColdRoute(*(*row[:7], tuple(row[7]))) for row in rows]


class Slow(Struct, frozen=True):
    """Runs or requests that took nearly as long as they may. ``limit_ms``: how long that is; ``most_ms``: the longest."""

    name: str
    count: int
    of: int
    limit_ms: float
    most_ms: float
    first_ns: int
    last_ns: int
    units: tuple[str, ...]


def near_gateway_timeout(engine: Engine, since_ns: int, until_ns: int, limit_ms: float, share: float) -> list[Slow]:
    """Return routes with requests that took more than this share of the gateway's time-out and were answered."""
    query = f"""SELECT trim(concat(method, ' ', route)) AS name, countIf(duration_ms >= {{least:Float64}} AND code < 500) AS n, count(),
          {{limit:Float64}}, max(duration_ms), toUnixTimestamp64Nano(min(start)), toUnixTimestamp64Nano(max(start)),
          groupArrayIf({MOST_UNITS})(lower(hex(trace_id)), duration_ms >= {{least:Float64}})
        FROM requests WHERE {_IN.format(at="start")} AND method != '' GROUP BY name HAVING n > 0 LIMIT {MOST_GROUPS}"""
    bound = {"since": since_ns, "until": until_ns, "limit": limit_ms, "least": limit_ms * share}
    return [Slow(*(*row[:7], tuple(row[7]))) for row in engine.rows(query, bound)]


def near_own_timeout(engine: Engine, known_since_ns: int, since_ns: int, until_ns: int, share: float) -> list[Slow]:
    """Return functions with runs that took more than this share of the time after which others of them were ended.

    A function's time-out is what the shortest run that was ended lasted, since ``known_since_ns``.
    """
    query = f"""
WITH ended AS (
  SELECT function, min(duration_ms) AS limit_ms FROM invocations
  WHERE time >= fromUnixTimestamp64Nano({{known:Int64}}) AND time < fromUnixTimestamp64Nano({{until:Int64}})
    AND status = 'timeout' AND duration_ms > 0 GROUP BY function
)
SELECT i.function, uniqExactIf(i.request_id, i.duration_ms >= e.limit_ms * {{share:Float64}} AND i.duration_ms < e.limit_ms) AS n,
  uniqExact(i.request_id), any(e.limit_ms), max(i.duration_ms), toUnixTimestamp64Nano(min(i.time)), toUnixTimestamp64Nano(max(i.time)),
  groupUniqArrayIf({MOST_UNITS})(i.request_id, i.duration_ms >= e.limit_ms * {{share:Float64}} AND i.duration_ms < e.limit_ms)
FROM invocations AS i INNER JOIN ended AS e ON i.function = e.function
WHERE {_IN.format(at="i.time")} AND i.status NOT {DID_FAIL} AND isNotNull(i.duration_ms)
GROUP BY i.function HAVING n > 0 LIMIT {MOST_GROUPS}"""
    bound = {"known": known_since_ns, "since": since_ns, "until": until_ns, "share": share}
    return [Slow(*(*row[:7], tuple(row[7]))) for row in engine.rows(query, bound)]
