"""How long trails took over time, counted in cells: for the heatmap above a list of trails."""

from __future__ import annotations

from msgspec import Struct

from coldtrail.store.engine import Engine

CELLS_PER_DOUBLING = 2
"""A cell is half an octave high: its upper bound is the square root of two times its lower."""

_RANGE = "start >= fromUnixTimestamp64Nano({since:Int64}) AND start < fromUnixTimestamp64Nano({until:Int64})"

_CELLS = f"""
SELECT intDiv(toUnixTimestamp64Nano(start) - {{since:Int64}}, {{step:Int64}}) AS step,
  toInt32(floor(log2(greatest(duration_ms, 0.001)) * {CELLS_PER_DOUBLING})) AS height, count(), countIf(status = 'error')
FROM (
  SELECT argMax(t.start, t.version) AS start, argMax(t.duration_ms, t.version) AS duration_ms,
    argMax(t.status, t.version) AS status, {{of_trail}} AS services
  FROM trails AS t WHERE t.start >= fromUnixTimestamp64Nano({{since:Int64}}) - INTERVAL 1 HOUR
    AND t.start < fromUnixTimestamp64Nano({{until:Int64}})
  GROUP BY trail_id
  UNION ALL
  SELECT min(s.start) AS start, toUnixTimestamp64Nano(max(s.end)) / 1e6 - toUnixTimestamp64Nano(start) / 1e6 AS duration_ms,
    if(sum(s.error_count) > 0, 'error', 'ok') AS status, {{of_trace}} AS services
  FROM traces AS s
  WHERE s.start >= fromUnixTimestamp64Nano({{since:Int64}}) AND s.start < fromUnixTimestamp64Nano({{until:Int64}}) + INTERVAL 5 MINUTE
    AND lower(hex(s.trace_id)) NOT IN (SELECT unit FROM trail_members)
  GROUP BY s.trace_id
)
WHERE {_RANGE} AND status != '' AND {{chosen}}
  AND ({{status:String}} = '' OR status = {{status:String}})
GROUP BY step, height ORDER BY step, height
"""

_ANY = {"{of_trail}": "0", "{of_trace}": "0", "{chosen}": "1"}
_OF_SERVICE = {
    "{of_trail}": "argMax(t.services, t.version)",
    "{of_trace}": "groupUniqArrayArray(s.services)",
    "{chosen}": "has(services, {service:String})",
}
"""Who takes part is read where it is asked: lists for each of a million traces would be most of what it costs."""


class Cell(Struct):
    """So many trails began in a step and took between ``low_ms`` and ``high_ms``."""

    start_ns: int
    low_ms: float
    high_ms: float
    count: int
    error_count: int


def durations(engine: Engine, since_ns: int, until_ns: int, step_ns: int, service: str, status: str) -> list[Cell]:
    """Return the cells that are not empty; reads one row a trail and the list of what trails are made of."""
    query = _CELLS
    for name, sql in (_OF_SERVICE if service else _ANY).items():
        query = query.replace(name, sql)
    rows = engine.rows(
        query, {"since": since_ns, "until": until_ns, "step": step_ns, "service": service, "status": status}
    )
    return [
        Cell(
            since_ns + step * step_ns,
            2.0 ** (height / CELLS_PER_DOUBLING),
            2.0 ** ((height + 1) / CELLS_PER_DOUBLING),
            count,
            errors,
        )
        for step, height, count, errors in rows
    ]
