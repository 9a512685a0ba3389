"""Which metrics there are, and the exemplars that lead from a figure to what was behind it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from coldtrail.store.anyvalue import decode_map
from coldtrail.store.engine import Engine
from coldtrail.store.metrics.samples import asked_of
from coldtrail.store.metrics.series import Series, shown


class Metric(Struct):
    """One metric by its name. ``last_seen_ns``: the time of its newest point."""

    name: str
    kind: str
    unit: str
    description: str
    series_count: int
    point_count: int
    last_seen_ns: int


class Exemplar(Struct):
    """One measurement with the trace that it was made in."""

    time_ns: int
    value: float
    trace_id: str
    span_id: str
    labels: dict[str, str]


_METRICS = """
SELECT n.name, toString(n.type), n.unit, n.description, s.series, n.points, toUnixTimestamp64Nano(n.last)
FROM (
  SELECT name, anyLast(m.type) AS type, anyLast(m.unit) AS unit, anyLast(m.description) AS description,
    sum(m.point_count) AS points, max(m.last_time) AS last
  FROM metric_names AS m
  WHERE name > {after:String} AND ({service:String} = '' OR m.service = {service:String})
    AND ({q:String} = '' OR positionCaseInsensitiveUTF8(name, {q:String}) > 0) AND ({exact:String} = '' OR name = {exact:String})
  GROUP BY name ORDER BY name LIMIT {limit:UInt32}
) AS n LEFT JOIN (
  SELECT name, uniqExact(series_id) AS series FROM metric_series AS m
  WHERE name > {after:String} AND ({service:String} = '' OR m.service = {service:String})
    AND ({exact:String} = '' OR name = {exact:String})
  GROUP BY name
) AS s ON n.name = s.name
ORDER BY n.name
"""

_EXEMPLARS = """
SELECT toUnixTimestamp64Nano(e.time), e.value, lower(hex(e.trace_id)), lower(hex(e.span_id)), e.series_id, e.attributes
FROM metric_exemplars AS e
WHERE name = {name:String} AND e.time >= fromUnixTimestamp64Nano({since:Int64}) AND e.time < fromUnixTimestamp64Nano({until:Int64})
  AND ({all:UInt8} OR series_id IN {ids:Array(UInt64)})
ORDER BY value DESC
LIMIT 1 BY intDiv(toUnixTimestamp64Nano(e.time) - {since:Int64}, {step:Int64})
LIMIT {most:UInt32}
"""


class Family(Struct):
    """What is known of a metric's name from its series. ``only_rises``: a sum that never falls."""

    name: str
    kind: str
    unit: str
    description: str
    only_rises: bool


_FAMILIES = """
SELECT name, toString(any(m.type)), any(m.unit), any(m.description), max(m.is_monotonic OR m.temporality = 1) AND any(m.type) = 'sum'
FROM metric_series AS m WHERE m.received >= fromUnixTimestamp64Nano({since:Int64}) - INTERVAL 1 DAY
GROUP BY name ORDER BY name LIMIT 20000
"""


def families(engine: Engine, since_ns: int) -> list[Family]:
    """Return the metrics that were received since a day before ``since_ns``; reads small columns of the dictionary."""
    return [Family(row[0], row[1], row[2], row[3], bool(row[4])) for row in engine.rows(_FAMILIES, {"since": since_ns})]


def list_metrics(
    engine: Engine, service: str = "", q: str = "", after: str = "", limit: int = 100, *, exact: str = ""
) -> list[Metric]:
    """Return metrics by name, those after the name ``after``; ``q``: a part of the name, ``exact``: all of it.

    Reads a row a metric and service, and of the dictionary the names and ids.
    """
    asked = {"service": service, "q": q, "after": after, "limit": limit, "exact": exact}
    return [Metric(*row) for row in engine.rows(_METRICS, asked)]


def exemplars_of(
    engine: Engine, series: Sequence[Series], since_ns: int, until_ns: int, step_ns: int, most: int = 200
) -> list[Exemplar]:
    """Return the greatest exemplar of each step, in order of time."""
    if not series:
        return []
    asked = {**asked_of(series, since_ns, until_ns), "step": step_ns, "most": most}
    known = {one.series_id: one for one in series}
    found = []
    for time_ns, value, trace_id, span_id, series_id, attributes in engine.rows(_EXEMPLARS, asked, raw_bytes=True):
        if series_id not in known:
            continue
        more = {key.decode("utf-8", "replace"): raw for key, raw in (attributes or {}).items()}
        labels = known[series_id].labels | {key: shown(one) for key, one in decode_map(more).items()}
        found.append(Exemplar(time_ns, value, trace_id.decode(), span_id.decode(), labels))
    return sorted(found, key=lambda one: one.time_ns)
