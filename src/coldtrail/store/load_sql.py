"""The statements that load a segment: the engine decodes, flattens and inserts in one go.

Each takes its rows from ``{source}``: `file(segment, 'Protobuf', structure)` on the embedded engine, the
insert's own body on a server. ``{received}`` is the segment's creation time in Unix seconds, so that a
load repeated after a crash makes the same rows and the deduplication token drops them.
"""

from __future__ import annotations

from coldtrail.model.signals import Signal
from coldtrail.store.anyvalue import sql_text

MAP = "Map(LowCardinality(String), String)"


def _value(attributes: str, key: str) -> str:
    return f"arrayFirst(pair -> pair.key = '{key}', {attributes}).value"


_SERVICE = (
    f"CAST(multiIf({sql_text('service_name')} != '', {sql_text('service_name')}, "
    f"{sql_text('faas_name')} != '', {sql_text('faas_name')}, 'unknown_service'), 'LowCardinality(String)')"
)

_GROUPS = f"""
  SELECT service, sipHash64(resource_hash, group.scope, group.schema_url) AS emitter_id, group
  FROM (
    SELECT {_SERVICE} AS service, resource_hash, arrayJoin(scope_groups) AS group
    FROM (
      SELECT {_value("r.resource.attributes", "service.name")} AS service_name,
        {_value("r.resource.attributes", "faas.name")} AS faas_name,
        sipHash64(r.resource, r.schema_url) AS resource_hash, r.scope_groups AS scope_groups
      FROM (SELECT arrayJoin(resource_groups) AS r FROM {{source}})
    )
  )
"""

EMITTERS = f"""
INSERT INTO emitters
SELECT DISTINCT sipHash64(sipHash64(r.resource, r.schema_url), group.scope, group.schema_url) AS emitter_id,
  CAST(r.resource.attributes, '{MAP}'), r.resource.dropped_attributes_count, r.schema_url,
  group.scope.name, group.scope.version, CAST(group.scope.attributes, '{MAP}'), group.scope.dropped_attributes_count,
  group.schema_url, toDateTime({{received}})
FROM (
  SELECT r, arrayJoin(r.scope_groups) AS group FROM (SELECT arrayJoin(resource_groups) AS r FROM {{source}})
)
"""

_SPANS = f"""
INSERT INTO spans
SELECT s.trace_id, s.span_id, s.parent_span_id, s.name, s.kind,
  fromUnixTimestamp64Nano(toInt64(s.start_time_unix_nano), 'UTC') AS start,
  toInt64(s.end_time_unix_nano) - toInt64(s.start_time_unix_nano) AS duration_ns,
  s.status.code, s.status.message, service, emitter_id, CAST(s.attributes, '{MAP}'), s.events, s.links, s.flags,
  if(s.trace_state = '' AND s.dropped_attributes_count + s.dropped_events_count + s.dropped_links_count = 0, '',
    toJSONString((s.trace_state, s.dropped_attributes_count, s.dropped_events_count, s.dropped_links_count))) AS rest,
  toDateTime({{received}}) AS received
FROM (SELECT service, emitter_id, arrayJoin(group.items) AS s FROM ({_GROUPS}))
"""

# A record of an execution's history belongs to its execution as a line of a function belongs to its request.
_REQUEST = (
    f"if(startsWith(l.event_name, 'stepfunctions.'), "
    f"{sql_text(_value('l.attributes', 'aws.step_functions.execution.arn'))}, "
    f"{sql_text(_value('l.attributes', 'faas.invocation_id'))})"
)

_LOGS = f"""
INSERT INTO logs
SELECT fromUnixTimestamp64Nano(toInt64(if(l.time_unix_nano = 0, l.observed_time_unix_nano, l.time_unix_nano)), 'UTC') AS time,
  fromUnixTimestamp64Nano(toInt64(l.observed_time_unix_nano), 'UTC') AS observed_time,
  l.trace_id, l.span_id, {_REQUEST} AS request_id,
  l.severity_number, l.severity_text, l.event_name, {sql_text("l.body")} AS body,
  if(startsWith(l.body, '\\n'), '', l.body) AS body_value, service, emitter_id, CAST(l.attributes, '{MAP}'),
  l.dropped_attributes_count, l.flags, toDateTime({{received}}) AS received
FROM (SELECT service, emitter_id, arrayJoin(group.items) AS l FROM ({_GROUPS}))
"""

_POINTS = (
    "name, time, start, type, unit, description, temporality, is_monotonic, value, count, min, max, bucket_counts, "
    "explicit_bounds, scale, zero_count, zero_threshold, parts, flags, service, emitter_id, attributes, received"
)


_NO_BUCKETS = "[]::Array(UInt64), []::Array(Float64)"
_NOT_EXPONENTIAL = "toInt32(0), toUInt64(0), toFloat64(0)"
_NO_PARTS = "[]::Array(String)"
_NUMBER = f"if(p.as_int != 0, toFloat64(p.as_int), p.as_double), toUInt64(1), 0., 0., {_NO_BUCKETS}, {_NOT_EXPONENTIAL}, {_NO_PARTS}"

_POINT_OF: dict[str, str] = {
    "gauge": _NUMBER,
    "sum": _NUMBER,
    "histogram": f"p.sum, p.count, p.min, p.max, p.bucket_counts, p.explicit_bounds, {_NOT_EXPONENTIAL}, {_NO_PARTS}",
    "exponential_histogram": f"p.sum, p.count, p.min, p.max, {_NO_BUCKETS}, p.scale, p.zero_count, p.zero_threshold, "
    "[p.positive, p.negative]",
    "summary": f"p.sum, p.count, 0., 0., {_NO_BUCKETS}, {_NOT_EXPONENTIAL}, p.quantile_values",
}
"""What differs between the kinds of points: value to parts, in the order of the table."""


def _points_of(kind: str) -> str:
    """SQL for an array of all points of a kind of one metric, as tuples that are alike for all kinds."""
    temporality = f"m.{kind}.aggregation_temporality" if kind not in ("gauge", "summary") else "toUInt8(0)"
    monotonic = "m.sum.is_monotonic" if kind == "sum" else "toUInt8(0)"
    return (
        f"arrayMap(p -> ('{kind}', p.time_unix_nano, p.start_time_unix_nano, {temporality}, {monotonic}, "
        f"{_POINT_OF[kind]}, p.flags, p.attributes), m.{kind}.data_points)"
    )


# All kinds in one SELECT, because a server's `input()` can be read once.
_METRICS = f"""
INSERT INTO metrics ({_POINTS})
SELECT m.name, fromUnixTimestamp64Nano(toInt64(point.2), 'UTC') AS time,
  fromUnixTimestamp64Nano(toInt64(point.3), 'UTC') AS start, point.1 AS type, m.unit, m.description,
  point.4 AS temporality, point.5 AS is_monotonic, point.6 AS value, point.7 AS count, point.8 AS min, point.9 AS max,
  point.10 AS bucket_counts, point.11 AS explicit_bounds, point.12 AS scale, point.13 AS zero_count,
  point.14 AS zero_threshold, point.15 AS parts, point.16 AS flags, service, emitter_id,
  CAST(point.17, '{MAP}') AS attributes, toDateTime({{received}}) AS received
FROM (
  SELECT service, emitter_id, m, arrayJoin(arrayConcat({", ".join(_points_of(kind) for kind in _POINT_OF)})) AS point
  FROM (SELECT service, emitter_id, arrayJoin(group.items) AS m FROM ({_GROUPS}))
)
"""

LOAD: dict[Signal, tuple[tuple[str, str], ...]] = {
    "traces": (("emitters", EMITTERS), ("spans", _SPANS)),
    "logs": (("emitters", EMITTERS), ("logs", _LOGS)),
    "metrics": (("emitters", EMITTERS), ("metrics", _METRICS)),
}
"""Per signal, in order: the table and its statement. Emitters come first, so no row ever lacks its own."""
