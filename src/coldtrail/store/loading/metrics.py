"""How the engine reads OTLP metrics: their wire format, the columns of it, and the statement that loads a segment.

Every kind of point becomes a row of one shape. Source: opentelemetry-proto `metrics.proto`.
"""

from __future__ import annotations

from coldtrail.store.anyvalue import sql_text
from coldtrail.store.schema.table import MAP
from coldtrail.store.sql_words import array

SCHEMA = """
message Exemplar {
  repeated KeyValue filtered_attributes = 7; fixed64 time_unix_nano = 2; double as_double = 3; sfixed64 as_int = 6;
  bytes span_id = 4; bytes trace_id = 5;
}
message NumberPoint {
  repeated KeyValue attributes = 7; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
  double as_double = 4; sfixed64 as_int = 6; repeated Exemplar exemplars = 5; uint32 flags = 8;
}
message HistogramPoint {
  repeated KeyValue attributes = 9; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; fixed64 count = 4;
  double sum = 5; repeated fixed64 bucket_counts = 6; repeated double explicit_bounds = 7; repeated Exemplar exemplars = 8;
  uint32 flags = 10; optional double min = 11; optional double max = 12;
}
message Buckets { sint32 offset = 1; repeated uint64 bucket_counts = 2; }
message ExponentialPoint {
  repeated KeyValue attributes = 1; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; fixed64 count = 4;
  double sum = 5; sint32 scale = 6; fixed64 zero_count = 7; Buckets positive = 8; Buckets negative = 9; uint32 flags = 10;
  repeated Exemplar exemplars = 11; optional double min = 12; optional double max = 13; double zero_threshold = 14;
}
message ValueAtQuantile { double quantile = 1; double value = 2; }
message SummaryPoint {
  repeated KeyValue attributes = 7; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; fixed64 count = 4;
  double sum = 5; repeated ValueAtQuantile quantile_values = 6; uint32 flags = 8;
}
message Gauge { repeated NumberPoint data_points = 1; }
message Sum { repeated NumberPoint data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
message Histogram { repeated HistogramPoint data_points = 1; int32 aggregation_temporality = 2; }
message ExponentialHistogram { repeated ExponentialPoint data_points = 1; int32 aggregation_temporality = 2; }
message Summary { repeated SummaryPoint data_points = 1; }
message Metric {
  string name = 1; string description = 2; string unit = 3; Gauge gauge = 5; Sum sum = 7; Histogram histogram = 9;
  ExponentialHistogram exponential_histogram = 10; Summary summary = 11;
}
message ScopeGroup { Scope scope = 1; repeated Metric items = 2; string schema_url = 3; }
"""

_KEY_VALUES = "Array(Tuple(key LowCardinality(String), value String))"
_EXEMPLARS = f"""exemplars Array(Tuple(filtered_attributes {_KEY_VALUES}, time_unix_nano UInt64, as_double Float64, as_int Int64,
span_id String, trace_id String))"""
_TIMES = f"attributes {_KEY_VALUES}, start_time_unix_nano UInt64, time_unix_nano UInt64"
_NUMBERS = f"Array(Tuple({_TIMES}, as_double Float64, as_int Int64, {_EXEMPLARS}, flags UInt32))"
_COUNTED = f"{_TIMES}, count UInt64, sum Float64"
_SPREAD = f"{_EXEMPLARS}, flags UInt32, min Nullable(Float64), max Nullable(Float64)"
_BUCKETS = "Tuple(offset Int32, bucket_counts Array(UInt64))"

STRUCTURE = f"""Tuple(name LowCardinality(String), description String, unit LowCardinality(String),
gauge Tuple(data_points {_NUMBERS}),
sum Tuple(data_points {_NUMBERS}, aggregation_temporality UInt8, is_monotonic UInt8),
histogram Tuple(data_points Array(Tuple({_COUNTED}, bucket_counts Array(UInt64), explicit_bounds Array(Float64), {_SPREAD})),
  aggregation_temporality UInt8),
exponential_histogram Tuple(data_points Array(Tuple({_COUNTED}, scale Int32, zero_count UInt64, positive {_BUCKETS},
  negative {_BUCKETS}, {_SPREAD}, zero_threshold Float64)), aggregation_temporality UInt8),
summary Tuple(data_points Array(Tuple({_COUNTED}, quantile_values Array(Tuple(quantile Float64, value Float64)), flags UInt32))))"""

INSTANCE = (
    "faas.instance",
    "aws.log.stream.names",
    "aws.log.group.names",
    "container.id",
    "process.pid",
    "process.command",
    "process.command_args",
    "process.command_line",
    "process.owner",
    "process.parent_pid",
    "process.creation.time",
)
"""What a resource says of one short-lived instance. With it, every cold start would be another series; each instance still
has its own stream within a series (`emitter_id` and the start of its points), so that counters of two are not mixed."""

_IS_TOLD = (
    f"NOT has({array(INSTANCE)}, pair.key) AND NOT startsWith(pair.key, 'telemetry.') "
    "AND NOT (pair.key = 'service.instance.id' AND notEmpty(faas_name))"
)

_NO_UINTS, _NO_FLOATS = "[]::Array(UInt64)", "[]::Array(Float64)"
_NO_BUCKETS = f"{_NO_UINTS}, {_NO_FLOATS}"
_NOT_EXPONENTIAL = f"toInt32(0), toUInt64(0), toFloat64(0), toInt32(0), {_NO_UINTS}, toInt32(0), {_NO_UINTS}"
_NO_QUANTILES = f"{_NO_FLOATS}, {_NO_FLOATS}"
_NUMBER = (
    f"if(p.as_int != 0, toFloat64(p.as_int), p.as_double), toUInt64(1), nan, nan, {_NO_BUCKETS}, "
    f"{_NOT_EXPONENTIAL}, {_NO_QUANTILES}"
)
_DISTRIBUTION = "p.sum, p.count, ifNull(p.min, nan), ifNull(p.max, nan)"

_POINT_OF: dict[str, str] = {
    "gauge": _NUMBER,
    "sum": _NUMBER,
    "histogram": f"{_DISTRIBUTION}, p.bucket_counts, p.explicit_bounds, {_NOT_EXPONENTIAL}, {_NO_QUANTILES}",
    "exponential_histogram": f"{_DISTRIBUTION}, {_NO_BUCKETS}, p.scale, p.zero_count, p.zero_threshold, p.positive.offset, "
    f"p.positive.bucket_counts, p.negative.offset, p.negative.bucket_counts, {_NO_QUANTILES}",
    "summary": f"p.sum, p.count, nan, nan, {_NO_BUCKETS}, {_NOT_EXPONENTIAL}, "
    "arrayMap(q -> q.quantile, p.quantile_values), arrayMap(q -> q.value, p.quantile_values)",
}
"""What differs between the kinds of points, in one order."""

_EXEMPLARS_OF = (
    "arrayMap(e -> (e.filtered_attributes, e.time_unix_nano, if(e.as_int != 0, toFloat64(e.as_int), e.as_double), "
    "e.span_id, e.trace_id), p.exemplars)"
)
_NO_EXEMPLARS = f"[]::Array(Tuple({_KEY_VALUES}, UInt64, Float64, String, String))"


def _points_of(kind: str) -> str:
    """SQL for an array of all points of a kind of one metric, as tuples that are alike for all kinds."""
    temporality = f"m.{kind}.aggregation_temporality" if kind not in ("gauge", "summary") else "toUInt8(0)"
    monotonic = "m.sum.is_monotonic" if kind == "sum" else "toUInt8(0)"
    exemplars = _NO_EXEMPLARS if kind == "summary" else _EXEMPLARS_OF
    return (
        f"arrayMap(p -> ('{kind}', p.time_unix_nano, p.start_time_unix_nano, {temporality}, {monotonic}, "
        f"{_POINT_OF[kind]}, p.flags, {exemplars}, p.attributes), m.{kind}.data_points)"
    )


def _value(key: str) -> str:
    return f"arrayFirst(pair -> pair.key = '{key}', r.resource.attributes).value"


_SERVICE = (
    f"CAST(multiIf({sql_text('service_name')} != '', {sql_text('service_name')}, "
    f"{sql_text('faas_name')} != '', {sql_text('faas_name')}, 'unknown_service'), 'LowCardinality(String)')"
)

_GROUPS = f"""
  SELECT service, resource, resource_id, sipHash64(resource_hash, group.scope, group.schema_url) AS emitter_id, group
  FROM (
    SELECT {_SERVICE} AS service, resource, sipHash64(resource) AS resource_id, resource_hash, arrayJoin(scope_groups) AS group
    FROM (
      SELECT {_value("service.name")} AS service_name, {_value("faas.name")} AS faas_name,
        arraySort(arrayFilter(pair -> {_IS_TOLD}, r.resource.attributes)) AS resource,
        sipHash64(r.resource, r.schema_url) AS resource_hash, r.scope_groups AS scope_groups
      FROM (SELECT arrayJoin(resource_groups) AS r FROM {{source}})
    )
  )
"""

_DIMENSIONS = "arrayFirst(pair -> pair.key = 'Dimensions', pairs).value"
_AT_FUNCTION = f"position({_DIMENSIONS}, '\\n\\x0cFunctionName\\x12')"
# After the key come the tag and length of the value, the tag of its text, and the text with its length; a name is short.
_FUNCTION = f"substring({_DIMENSIONS}, {_AT_FUNCTION} + 18, reinterpretAsUInt8(substring({_DIMENSIONS}, {_AT_FUNCTION} + 17, 1)))"
_WHOSE = f"if(service = 'unknown_service' AND {_AT_FUNCTION} > 0, CAST({_FUNCTION}, 'LowCardinality(String)'), service)"
"""AWS's own metrics name no service; those of a function belong to the function."""

_COLUMNS = [
    "type",
    "time",
    "start",
    "temporality",
    "is_monotonic",
    "value",
    "count",
    "min",
    "max",
    "buckets",
    "bounds",
    "scale",
    "zero_count",
    "zero_threshold",
    "positive_offset",
    "positive",
    "negative_offset",
    "negative",
    "quantiles",
    "quantile_values",
    "flags",
    "exemplars",
    "attributes",
]
"""The places of a point's tuple."""

_AT = {name: f"point.{number}" for number, name in enumerate(_COLUMNS, start=1)}
_AT |= {name: f"fromUnixTimestamp64Nano(toInt64({_AT[name]}), 'UTC')" for name in ("time", "start")}
_AT |= {"attributes": f"CAST(pairs, '{MAP}')", "flags": f"toUInt8({_AT['flags']} % 2)"}

# All kinds in one SELECT, because a server's `input()` can be read once.
LOAD_METRICS = f"""
INSERT INTO metrics_in (name, unit, description, service, resource, emitter_id, series_id, received, {", ".join(_COLUMNS)})
SELECT m.name, m.unit, m.description, {_WHOSE}, CAST(resource, '{MAP}'), emitter_id,
  sipHash64(m.name, m.unit, {_AT["type"]}, {_AT["temporality"]}, {_AT["is_monotonic"]}, resource_id, pairs, {_AT["bounds"]}),
  toDateTime({{received}}), {", ".join(_AT[name] for name in _COLUMNS)}
FROM (
  SELECT service, resource, resource_id, emitter_id, m, point, arraySort(point.{_COLUMNS.index("attributes") + 1}) AS pairs
  FROM (
    SELECT service, resource, resource_id, emitter_id, m,
      arrayJoin(arrayConcat({", ".join(_points_of(kind) for kind in _POINT_OF)})) AS point
    FROM (SELECT service, resource, resource_id, emitter_id, arrayJoin(group.items) AS m FROM ({_GROUPS}))
  )
)
"""
