"""The tables that signals are loaded into, the one of who emitted them, and the one of their keys.

Order keys: spans are kept by ten seconds, then trace (a trace lies together, so its id costs two bytes a
span and it is read as one granule); newest-first searches walk time backwards.
"""

from __future__ import annotations

from coldtrail.store.schema.table import COMPACT, MAP, PARTS, table

SPANS = table(
    "spans",
    f"""
  trace_id FixedString(16) CODEC(ZSTD(1)),
  span_id FixedString(8) CODEC(NONE),
  parent_span_id FixedString(8) CODEC(ZSTD(1)),
  name LowCardinality(String) CODEC(ZSTD(1)),
  kind UInt8 CODEC(ZSTD(1)),
  start DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
  duration_ns Int64 CODEC(ZSTD(1)),
  status_code UInt8 CODEC(ZSTD(1)),
  status_message String CODEC(ZSTD(1)),
  service LowCardinality(String) CODEC(ZSTD(1)),
  emitter_id UInt64 CODEC(ZSTD(1)),
  attributes {MAP} CODEC(ZSTD(1)),
  events Array(String) CODEC(ZSTD(1)),
  links Array(String) CODEC(ZSTD(1)),
  flags UInt32 CODEC(ZSTD(1)),
  rest String CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1)),
  INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 4,
  INDEX by_value mapValues(attributes) TYPE bloom_filter(0.01) GRANULARITY 1
""",
    "toStartOfInterval(start, INTERVAL 10 SECOND), trace_id",
    more=COMPACT,
)

LOGS = table(
    "logs",
    f"""
  time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
  observed_time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
  trace_id FixedString(16) CODEC(ZSTD(1)),
  span_id FixedString(8) CODEC(ZSTD(1)),
  request_id String CODEC(ZSTD(1)),
  severity_number UInt8 CODEC(ZSTD(1)),
  severity_text LowCardinality(String) CODEC(ZSTD(1)),
  event_name LowCardinality(String) CODEC(ZSTD(1)),
  body String CODEC(ZSTD(1)),
  body_value String CODEC(ZSTD(1)),
  service LowCardinality(String) CODEC(ZSTD(1)),
  emitter_id UInt64 CODEC(ZSTD(1)),
  attributes {MAP} CODEC(ZSTD(1)),
  dropped_attributes_count UInt32 CODEC(ZSTD(1)),
  flags UInt32 CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1)),
  INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX by_request request_id TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX by_value mapValues(attributes) TYPE bloom_filter(0.01) GRANULARITY 4,
  INDEX by_word body TYPE text(tokenizer = 'splitByNonAlpha', preprocessor = lower(body))
""",
    "toStartOfMinute(time), service, time",
)

METRICS = table(
    "metrics",
    f"""
  name LowCardinality(String) CODEC(ZSTD(1)),
  time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
  start DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
  type Enum8('gauge' = 1, 'sum' = 2, 'histogram' = 3, 'exponential_histogram' = 4, 'summary' = 5) CODEC(ZSTD(1)),
  unit LowCardinality(String) CODEC(ZSTD(1)),
  description String CODEC(ZSTD(1)),
  temporality UInt8 CODEC(ZSTD(1)),
  is_monotonic UInt8 CODEC(ZSTD(1)),
  value Float64 CODEC(ZSTD(1)),
  count UInt64 CODEC(ZSTD(1)),
  min Float64 CODEC(ZSTD(1)),
  max Float64 CODEC(ZSTD(1)),
  bucket_counts Array(UInt64) CODEC(ZSTD(1)),
  explicit_bounds Array(Float64) CODEC(ZSTD(1)),
  scale Int32 CODEC(ZSTD(1)),
  zero_count UInt64 CODEC(ZSTD(1)),
  zero_threshold Float64 CODEC(ZSTD(1)),
  parts Array(String) CODEC(ZSTD(1)),
  flags UInt32 CODEC(ZSTD(1)),
  service LowCardinality(String) CODEC(ZSTD(1)),
  emitter_id UInt64 CODEC(ZSTD(1)),
  attributes {MAP} CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))
""",
    "name, toStartOfMinute(time), service",
    granularity=8192,
)

EMITTERS = f"""
CREATE TABLE IF NOT EXISTS emitters (
  emitter_id UInt64,
  resource {MAP},
  resource_dropped_attributes_count UInt32,
  resource_schema_url LowCardinality(String),
  scope_name LowCardinality(String),
  scope_version LowCardinality(String),
  scope_attributes {MAP},
  scope_dropped_attributes_count UInt32,
  scope_schema_url LowCardinality(String),
  received DateTime
) ENGINE = ReplacingMergeTree(received) ORDER BY emitter_id
SETTINGS index_granularity = 64, {PARTS}, non_replicated_deduplication_window = 1000
"""

KEYS = table(
    "keys",
    """
  key_hash UInt64 CODEC(ZSTD(1)),
  kind LowCardinality(String) CODEC(ZSTD(1)),
  value String CODEC(ZSTD(1)),
  role Enum8('gives' = 1, 'takes' = 2, 'mentions' = 3) CODEC(ZSTD(1)),
  time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
  service LowCardinality(String) CODEC(ZSTD(1)),
  trace_id FixedString(16) CODEC(ZSTD(1)),
  span_id FixedString(8) CODEC(ZSTD(1)),
  request_id String CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))
""",
    "key_hash",
)
