"""Rate, errors and durations by the minute, and each trace summed up, as views of spans fill them."""

from __future__ import annotations

from coldtrail.store.anyvalue import sql_text
from coldtrail.store.schema.table import table

RED = table(
    "red",
    """
  grouping Enum8('service' = 1, 'route' = 2),
  minute DateTime('UTC'),
  name LowCardinality(String),
  count SimpleAggregateFunction(sum, UInt64),
  error_count SimpleAggregateFunction(sum, UInt64),
  durations_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float64),
  received DateTime
""",
    "grouping, minute, name",
    engine="AggregatingMergeTree",
    granularity=256,
)

TRACES = table(
    "traces",
    """
  trace_id FixedString(16) CODEC(ZSTD(1)),
  start DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
  end DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
  span_count UInt32 CODEC(ZSTD(1)),
  error_count UInt32 CODEC(ZSTD(1)),
  services Array(LowCardinality(String)) CODEC(ZSTD(1)),
  root_service LowCardinality(String) CODEC(ZSTD(1)),
  root_name LowCardinality(String) CODEC(ZSTD(1)),
  root_kind UInt8 CODEC(ZSTD(1)),
  root_span_id FixedString(8) CODEC(ZSTD(1)),
  has_root UInt8 CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1)),
  INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1
""",
    "toStartOfInterval(start, INTERVAL 10 SECOND), trace_id",
)

RED_VIEW = f"""
CREATE MATERIALIZED VIEW IF NOT EXISTS red_from_spans TO red AS
SELECT g.1 AS grouping, toStartOfMinute(start) AS minute, g.2 AS name, count() AS count,
  countIf(status_code = 2) AS error_count,
  quantilesTDigestState(0.5, 0.95, 0.99)(duration_ns / 1e6) AS durations_ms, max(s.received) AS received
FROM (
  SELECT start, status_code, duration_ns, received,
    arrayJoin(if(mapContains(attributes, 'http.route'),
      [('service', toString(service)), ('route', {sql_text("attributes['http.route']")})],
      [('service', toString(service))])) AS g
  FROM spans WHERE kind IN (2, 5) OR parent_span_id = toFixedString('', 8)
) AS s
GROUP BY grouping, minute, name
"""

# The rank is one number: a tuple takes five times as long to compare.
TRACES_SELECT = """
SELECT trace_id, min(s.start) AS start, max(addNanoseconds(s.start, s.duration_ns)) AS end,
  toUInt32(count()) AS span_count, toUInt32(countIf(s.status_code = 2)) AS error_count,
  arrayDistinct(groupArray(s.service)) AS services, argMin(s.service, rank) AS root_service, argMin(s.name, rank) AS root_name,
  argMin(s.kind, rank) AS root_kind, argMin(s.span_id, rank) AS root_span_id,
  max(s.root) AS has_root, max(s.received) AS received
FROM (
  SELECT trace_id, start, duration_ns, status_code, service, name, kind, span_id, received,
    parent_span_id = toFixedString('', 8) AS root, toUnixTimestamp64Nano(start) + if(root, 0, bitShiftLeft(toInt64(1), 62)) AS rank
  FROM spans
) AS s
GROUP BY trace_id
"""
TRACES_VIEW = f"CREATE MATERIALIZED VIEW IF NOT EXISTS traces_from_spans TO traces AS {TRACES_SELECT}"
