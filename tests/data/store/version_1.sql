CREATE TABLE IF NOT EXISTS schema_version (version UInt32, applied DateTime DEFAULT now()) ENGINE = MergeTree ORDER BY version
;
CREATE TABLE IF NOT EXISTS spans (

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
  attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
  events Array(String) CODEC(ZSTD(1)),
  links Array(String) CODEC(ZSTD(1)),
  flags UInt32 CODEC(ZSTD(1)),
  rest String CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1)),
  INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX by_value mapValues(attributes) TYPE bloom_filter(0.01) GRANULARITY 1

)
ENGINE = MergeTree
PARTITION BY toDate(received)
ORDER BY (toStartOfInterval(start, INTERVAL 10 SECOND), trace_id)
TTL received + INTERVAL 1209600 SECOND
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, fsync_after_insert = 1,
  fsync_part_directory = 1, non_replicated_deduplication_window = 1000
;
CREATE TABLE IF NOT EXISTS logs (

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
  attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
  dropped_attributes_count UInt32 CODEC(ZSTD(1)),
  flags UInt32 CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1)),
  INDEX by_trace trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX by_request request_id TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX by_value mapValues(attributes) TYPE bloom_filter(0.01) GRANULARITY 4,
  INDEX by_word body TYPE text(tokenizer = 'splitByNonAlpha', preprocessor = lower(body))

)
ENGINE = MergeTree
PARTITION BY toDate(received)
ORDER BY (toStartOfMinute(time), service, time)
TTL received + INTERVAL 1209600 SECOND
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, fsync_after_insert = 1,
  fsync_part_directory = 1, non_replicated_deduplication_window = 1000
;
CREATE TABLE IF NOT EXISTS metrics (

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
  attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))

)
ENGINE = MergeTree
PARTITION BY toDate(received)
ORDER BY (name, toStartOfMinute(time), service)
TTL received + INTERVAL 1209600 SECOND
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1, fsync_after_insert = 1,
  fsync_part_directory = 1, non_replicated_deduplication_window = 1000
;
CREATE TABLE IF NOT EXISTS emitters (
  emitter_id UInt64,
  resource Map(LowCardinality(String), String),
  resource_dropped_attributes_count UInt32,
  resource_schema_url LowCardinality(String),
  scope_name LowCardinality(String),
  scope_version LowCardinality(String),
  scope_attributes Map(LowCardinality(String), String),
  scope_dropped_attributes_count UInt32,
  scope_schema_url LowCardinality(String),
  received DateTime
) ENGINE = ReplacingMergeTree(received) ORDER BY emitter_id
SETTINGS index_granularity = 64, fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 1000
;
CREATE TABLE IF NOT EXISTS keys (

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

)
ENGINE = MergeTree
PARTITION BY toDate(received)
ORDER BY (key_hash)
TTL received + INTERVAL 1209600 SECOND
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, fsync_after_insert = 1,
  fsync_part_directory = 1, non_replicated_deduplication_window = 1000
;
CREATE TABLE IF NOT EXISTS invocations (

  function LowCardinality(String) CODEC(ZSTD(1)),
  request_id String CODEC(ZSTD(1)),
  source Enum8('report' = 1, 'line' = 2, 'span' = 3) CODEC(ZSTD(1)),
  time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
  duration_ms Nullable(Float64) CODEC(ZSTD(1)),
  status LowCardinality(String) CODEC(ZSTD(1)),
  failure_type LowCardinality(String) CODEC(ZSTD(1)),
  failure_message String CODEC(ZSTD(1)),
  init_ms Nullable(Float64) CODEC(ZSTD(1)),
  billed_ms Nullable(Float64) CODEC(ZSTD(1)),
  memory_mb Nullable(UInt32) CODEC(ZSTD(1)),
  memory_used_mb Nullable(UInt32) CODEC(ZSTD(1)),
  cold_start UInt8 CODEC(ZSTD(1)),
  version LowCardinality(String) CODEC(ZSTD(1)),
  trace_id FixedString(16) CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1)),
  INDEX by_request request_id TYPE bloom_filter(0.001) GRANULARITY 1

)
ENGINE = MergeTree
PARTITION BY toDate(received)
ORDER BY (toStartOfMinute(time), function)
TTL received + INTERVAL 1209600 SECOND
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, fsync_after_insert = 1,
  fsync_part_directory = 1, non_replicated_deduplication_window = 1000
;
CREATE TABLE IF NOT EXISTS red (

  grouping Enum8('service' = 1, 'route' = 2),
  minute DateTime('UTC'),
  name LowCardinality(String),
  count SimpleAggregateFunction(sum, UInt64),
  error_count SimpleAggregateFunction(sum, UInt64),
  durations_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float64),
  received DateTime

)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(received)
ORDER BY (grouping, minute, name)
TTL received + INTERVAL 1209600 SECOND
SETTINGS index_granularity = 256, ttl_only_drop_parts = 1, fsync_after_insert = 1,
  fsync_part_directory = 1, non_replicated_deduplication_window = 1000
;
CREATE TABLE IF NOT EXISTS traces (

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

)
ENGINE = MergeTree
PARTITION BY toDate(received)
ORDER BY (toStartOfInterval(start, INTERVAL 10 SECOND), trace_id)
TTL received + INTERVAL 1209600 SECOND
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, fsync_after_insert = 1,
  fsync_part_directory = 1, non_replicated_deduplication_window = 1000
;
CREATE TABLE IF NOT EXISTS trails (

  trail_id String CODEC(ZSTD(1)),
  version UInt64,
  start DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
  duration_ms Float64,
  status LowCardinality(String),
  outcome LowCardinality(String),
  node_count UInt32,
  error_count UInt32,
  cold_start_count UInt32,
  services Array(LowCardinality(String)),
  origin_node_id String,
  origin_kind LowCardinality(String),
  origin_service LowCardinality(String),
  origin_name String,
  received DateTime

)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toDate(received)
ORDER BY (trail_id)
TTL received + INTERVAL 1209600 SECOND
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, fsync_after_insert = 1,
  fsync_part_directory = 1, non_replicated_deduplication_window = 1000
;
CREATE TABLE IF NOT EXISTS trail_members (

  unit String CODEC(ZSTD(1)),
  trail_id String CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))

)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(received)
ORDER BY (unit, trail_id)
TTL received + INTERVAL 1209600 SECOND
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, fsync_after_insert = 1,
  fsync_part_directory = 1, non_replicated_deduplication_window = 1000
;
CREATE MATERIALIZED VIEW IF NOT EXISTS red_from_spans TO red AS
SELECT g.1 AS grouping, toStartOfMinute(start) AS minute, g.2 AS name, count() AS count,
  countIf(status_code = 2) AS error_count,
  quantilesTDigestState(0.5, 0.95, 0.99)(duration_ns / 1e6) AS durations_ms, max(s.received) AS received
FROM (
  SELECT start, status_code, duration_ns, received,
    arrayJoin(if(mapContains(attributes, 'http.route'),
      [('service', toString(service)), ('route', if(startsWith(attributes['http.route'], '\n'), substring(attributes['http.route'], multiIf(reinterpretAsUInt8(substring(attributes['http.route'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['http.route'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['http.route'], 4, 1)) < 128, 5, 6)), ''))],
      [('service', toString(service))])) AS g
  FROM spans WHERE kind IN (2, 5) OR parent_span_id = toFixedString('', 8)
) AS s
GROUP BY grouping, minute, name
;
CREATE MATERIALIZED VIEW IF NOT EXISTS traces_from_spans TO traces AS
SELECT trace_id, min(s.start) AS start, max(addNanoseconds(s.start, s.duration_ns)) AS end,
  toUInt32(count()) AS span_count, toUInt32(countIf(s.status_code = 2)) AS error_count,
  groupUniqArray(s.service) AS services, argMin(s.service, rank) AS root_service, argMin(s.name, rank) AS root_name,
  argMin(s.kind, rank) AS root_kind, argMin(s.span_id, rank) AS root_span_id,
  max(s.parent_span_id = toFixedString('', 8)) AS has_root, max(s.received) AS received
FROM (
  SELECT trace_id, start, duration_ns, status_code, service, name, kind, span_id, parent_span_id, received,
    (parent_span_id != toFixedString('', 8), start) AS rank
  FROM spans
) AS s
GROUP BY trace_id
;
CREATE MATERIALIZED VIEW IF NOT EXISTS keys_from_spans TO keys AS
SELECT xxHash64(concat(key.1, '\0', key.2)) AS key_hash, key.1 AS kind, key.2 AS value, key.3 AS role, start AS time, service, trace_id, span_id,
  request_id, received
FROM (
  SELECT start, service, trace_id, span_id, received,
    if(kind IN (2, 5), if(startsWith(attributes['faas.invocation_id'], '\n'), substring(attributes['faas.invocation_id'], multiIf(reinterpretAsUInt8(substring(attributes['faas.invocation_id'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['faas.invocation_id'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['faas.invocation_id'], 4, 1)) < 128, 5, 6)), ''), '') AS request_id,
    arrayJoin(arrayConcat(arrayConcat([]::Array(Tuple(String, String, String)), if(mapContains(attributes, 'faas.invocation_id') AND kind IN (2, 5), [('request_id', if(startsWith(attributes['faas.invocation_id'], '\n'), substring(attributes['faas.invocation_id'], multiIf(reinterpretAsUInt8(substring(attributes['faas.invocation_id'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['faas.invocation_id'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['faas.invocation_id'], 4, 1)) < 128, 5, 6)), ''), 'gives')], []), if(mapContains(attributes, 'correlation_id'), [('correlation_id', if(startsWith(attributes['correlation_id'], '\n'), substring(attributes['correlation_id'], multiIf(reinterpretAsUInt8(substring(attributes['correlation_id'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['correlation_id'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['correlation_id'], 4, 1)) < 128, 5, 6)), ''), 'mentions')], []), if(mapContains(attributes, 'messaging.message.id') AND kind IN (4, 3), [('message_id', if(startsWith(attributes['messaging.message.id'], '\n'), substring(attributes['messaging.message.id'], multiIf(reinterpretAsUInt8(substring(attributes['messaging.message.id'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['messaging.message.id'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['messaging.message.id'], 4, 1)) < 128, 5, 6)), ''), 'gives')], []), if(mapContains(attributes, 'messaging.message.id') AND kind IN (5, 2), [('message_id', if(startsWith(attributes['messaging.message.id'], '\n'), substring(attributes['messaging.message.id'], multiIf(reinterpretAsUInt8(substring(attributes['messaging.message.id'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['messaging.message.id'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['messaging.message.id'], 4, 1)) < 128, 5, 6)), ''), 'takes')], []), if(mapContains(attributes, 'messaging.message_id') AND kind IN (4, 3), [('message_id', if(startsWith(attributes['messaging.message_id'], '\n'), substring(attributes['messaging.message_id'], multiIf(reinterpretAsUInt8(substring(attributes['messaging.message_id'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['messaging.message_id'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['messaging.message_id'], 4, 1)) < 128, 5, 6)), ''), 'gives')], []), if(mapContains(attributes, 'messaging.message_id') AND kind IN (5, 2), [('message_id', if(startsWith(attributes['messaging.message_id'], '\n'), substring(attributes['messaging.message_id'], multiIf(reinterpretAsUInt8(substring(attributes['messaging.message_id'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['messaging.message_id'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['messaging.message_id'], 4, 1)) < 128, 5, 6)), ''), 'takes')], []), if(mapContains(attributes, 'aws.kinesis.sequence_number') AND kind IN (3, 4), [('sequence_number', if(startsWith(attributes['aws.kinesis.sequence_number'], '\n'), substring(attributes['aws.kinesis.sequence_number'], multiIf(reinterpretAsUInt8(substring(attributes['aws.kinesis.sequence_number'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['aws.kinesis.sequence_number'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['aws.kinesis.sequence_number'], 4, 1)) < 128, 5, 6)), ''), 'gives')], []), if(mapContains(attributes, 'aws.kinesis.sequence_number') AND kind IN (5, 2), [('sequence_number', if(startsWith(attributes['aws.kinesis.sequence_number'], '\n'), substring(attributes['aws.kinesis.sequence_number'], multiIf(reinterpretAsUInt8(substring(attributes['aws.kinesis.sequence_number'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['aws.kinesis.sequence_number'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['aws.kinesis.sequence_number'], 4, 1)) < 128, 5, 6)), ''), 'takes')], []), if(mapContains(attributes, 'aws.eventbridge.event_id') AND kind IN (3, 4), [('event_id', if(startsWith(attributes['aws.eventbridge.event_id'], '\n'), substring(attributes['aws.eventbridge.event_id'], multiIf(reinterpretAsUInt8(substring(attributes['aws.eventbridge.event_id'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['aws.eventbridge.event_id'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['aws.eventbridge.event_id'], 4, 1)) < 128, 5, 6)), ''), 'gives')], []), if(mapContains(attributes, 'aws.eventbridge.event_id') AND kind IN (5, 2), [('event_id', if(startsWith(attributes['aws.eventbridge.event_id'], '\n'), substring(attributes['aws.eventbridge.event_id'], multiIf(reinterpretAsUInt8(substring(attributes['aws.eventbridge.event_id'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['aws.eventbridge.event_id'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['aws.eventbridge.event_id'], 4, 1)) < 128, 5, 6)), ''), 'takes')], []), if(mapContains(attributes, 'aws.step_functions.execution.arn'), [('execution_arn', if(startsWith(attributes['aws.step_functions.execution.arn'], '\n'), substring(attributes['aws.step_functions.execution.arn'], multiIf(reinterpretAsUInt8(substring(attributes['aws.step_functions.execution.arn'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['aws.step_functions.execution.arn'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['aws.step_functions.execution.arn'], 4, 1)) < 128, 5, 6)), ''), 'mentions')], [])), arrayMap(link -> ('trace_id', lower(hex(substring(link, 3, 16))), 'takes'), arrayFilter(link -> startsWith(link, '\n\x10'), links)))) AS key
  FROM spans
  WHERE notEmpty(links) OR arrayExists(name -> name IN ('aws.eventbridge.event_id', 'aws.kinesis.sequence_number', 'aws.step_functions.execution.arn', 'correlation_id', 'faas.invocation_id', 'messaging.message.id', 'messaging.message_id'), mapKeys(attributes))
)
WHERE value != ''
;
CREATE MATERIALIZED VIEW IF NOT EXISTS keys_from_logs TO keys AS
SELECT xxHash64(concat(key.1, '\0', key.2)) AS key_hash, key.1 AS kind, key.2 AS value, key.3 AS role, time, service, trace_id, span_id,
  request_id, received
FROM (
  SELECT time, service, trace_id, span_id, request_id, received, arrayJoin(arrayConcat([]::Array(Tuple(String, String, String)), if(mapContains(attributes, 'faas.invocation_id') AND startsWith(event_name, 'platform.'), [('request_id', if(startsWith(attributes['faas.invocation_id'], '\n'), substring(attributes['faas.invocation_id'], multiIf(reinterpretAsUInt8(substring(attributes['faas.invocation_id'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['faas.invocation_id'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['faas.invocation_id'], 4, 1)) < 128, 5, 6)), ''), 'gives')], []), if(mapContains(attributes, 'aws.xray.trace_id'), [('xray_trace_id', if(startsWith(attributes['aws.xray.trace_id'], '\n'), substring(attributes['aws.xray.trace_id'], multiIf(reinterpretAsUInt8(substring(attributes['aws.xray.trace_id'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['aws.xray.trace_id'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['aws.xray.trace_id'], 4, 1)) < 128, 5, 6)), ''), 'mentions')], []), if(mapContains(attributes, 'correlation_id'), [('correlation_id', if(startsWith(attributes['correlation_id'], '\n'), substring(attributes['correlation_id'], multiIf(reinterpretAsUInt8(substring(attributes['correlation_id'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['correlation_id'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['correlation_id'], 4, 1)) < 128, 5, 6)), ''), 'mentions')], []), if(mapContains(attributes, 'message_id'), [('message_id', if(startsWith(attributes['message_id'], '\n'), substring(attributes['message_id'], multiIf(reinterpretAsUInt8(substring(attributes['message_id'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['message_id'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['message_id'], 4, 1)) < 128, 5, 6)), ''), 'takes')], []), if(mapContains(attributes, 'messageId'), [('message_id', if(startsWith(attributes['messageId'], '\n'), substring(attributes['messageId'], multiIf(reinterpretAsUInt8(substring(attributes['messageId'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['messageId'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['messageId'], 4, 1)) < 128, 5, 6)), ''), 'takes')], []), if(mapContains(attributes, 'sent_message_id'), [('message_id', if(startsWith(attributes['sent_message_id'], '\n'), substring(attributes['sent_message_id'], multiIf(reinterpretAsUInt8(substring(attributes['sent_message_id'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['sent_message_id'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['sent_message_id'], 4, 1)) < 128, 5, 6)), ''), 'gives')], []), if(mapContains(attributes, 'put_sequence_number'), [('sequence_number', if(startsWith(attributes['put_sequence_number'], '\n'), substring(attributes['put_sequence_number'], multiIf(reinterpretAsUInt8(substring(attributes['put_sequence_number'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['put_sequence_number'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['put_sequence_number'], 4, 1)) < 128, 5, 6)), ''), 'gives')], []), if(mapContains(attributes, 'sequence_number'), [('sequence_number', if(startsWith(attributes['sequence_number'], '\n'), substring(attributes['sequence_number'], multiIf(reinterpretAsUInt8(substring(attributes['sequence_number'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['sequence_number'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['sequence_number'], 4, 1)) < 128, 5, 6)), ''), 'takes')], []), if(mapContains(attributes, 'sequenceNumber'), [('sequence_number', if(startsWith(attributes['sequenceNumber'], '\n'), substring(attributes['sequenceNumber'], multiIf(reinterpretAsUInt8(substring(attributes['sequenceNumber'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['sequenceNumber'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['sequenceNumber'], 4, 1)) < 128, 5, 6)), ''), 'takes')], []), if(mapContains(attributes, 'event_id'), [('event_id', if(startsWith(attributes['event_id'], '\n'), substring(attributes['event_id'], multiIf(reinterpretAsUInt8(substring(attributes['event_id'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['event_id'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['event_id'], 4, 1)) < 128, 5, 6)), ''), 'takes')], []), if(mapContains(attributes, 'execution_arn'), [('execution_arn', if(startsWith(attributes['execution_arn'], '\n'), substring(attributes['execution_arn'], multiIf(reinterpretAsUInt8(substring(attributes['execution_arn'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['execution_arn'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['execution_arn'], 4, 1)) < 128, 5, 6)), ''), 'gives')], []))) AS key
  FROM logs
  WHERE arrayExists(name -> name IN ('aws.xray.trace_id', 'correlation_id', 'event_id', 'execution_arn', 'faas.invocation_id', 'messageId', 'message_id', 'put_sequence_number', 'sent_message_id', 'sequenceNumber', 'sequence_number'), mapKeys(attributes))
)
WHERE value != ''
;
CREATE MATERIALIZED VIEW IF NOT EXISTS invocations_from_spans TO invocations AS
SELECT coalesce(nullIf(if(startsWith(attributes['faas.invoked_name'], '\n'), substring(attributes['faas.invoked_name'], multiIf(reinterpretAsUInt8(substring(attributes['faas.invoked_name'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['faas.invoked_name'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['faas.invoked_name'], 4, 1)) < 128, 5, 6)), ''), ''), toString(service)) AS function,
  if(startsWith(attributes['faas.invocation_id'], '\n'), substring(attributes['faas.invocation_id'], multiIf(reinterpretAsUInt8(substring(attributes['faas.invocation_id'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['faas.invocation_id'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['faas.invocation_id'], 4, 1)) < 128, 5, 6)), '') AS request_id, 'span' AS source, start AS time,
  if(mapContains(attributes, 'aws.xray.in_progress'), NULL, duration_ns / 1e6) AS duration_ms,
  if(status_code = 2, 'error', '') AS status,
  if(status_code = 2, if(position(exception, 'exception.type') = 0, '', substring(if(startsWith(if(reinterpretAsUInt8(substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 1, 1)) < 128, substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 2), substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 3)), '\n'), substring(if(reinterpretAsUInt8(substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 1, 1)) < 128, substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 2), substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 3)), multiIf(reinterpretAsUInt8(substring(if(reinterpretAsUInt8(substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 1, 1)) < 128, substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 2), substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 3)), 2, 1)) < 128, 3, reinterpretAsUInt8(substring(if(reinterpretAsUInt8(substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 1, 1)) < 128, substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 2), substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 3)), 3, 1)) < 128, 4, reinterpretAsUInt8(substring(if(reinterpretAsUInt8(substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 1, 1)) < 128, substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 2), substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 3)), 4, 1)) < 128, 5, 6)), ''), 1, least(if(reinterpretAsUInt8(substring(if(reinterpretAsUInt8(substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 1, 1)) < 128, substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 2), substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 3)), 2, 1)) < 128, reinterpretAsUInt8(substring(if(reinterpretAsUInt8(substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 1, 1)) < 128, substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 2), substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 3)), 2, 1)), bitAnd(reinterpretAsUInt8(substring(if(reinterpretAsUInt8(substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 1, 1)) < 128, substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 2), substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 3)), 2, 1)), 127) + 128 * reinterpretAsUInt8(substring(if(reinterpretAsUInt8(substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 1, 1)) < 128, substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 2), substring(substring(exception, position(exception, 'exception.type') + 14 + 1), 3)), 3, 1))), 1000))), '') AS failure_type,
  if(status_code = 2, coalesce(nullIf(if(position(exception, 'exception.message') = 0, '', substring(if(startsWith(if(reinterpretAsUInt8(substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 1, 1)) < 128, substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 2), substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 3)), '\n'), substring(if(reinterpretAsUInt8(substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 1, 1)) < 128, substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 2), substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 3)), multiIf(reinterpretAsUInt8(substring(if(reinterpretAsUInt8(substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 1, 1)) < 128, substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 2), substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 3)), 2, 1)) < 128, 3, reinterpretAsUInt8(substring(if(reinterpretAsUInt8(substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 1, 1)) < 128, substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 2), substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 3)), 3, 1)) < 128, 4, reinterpretAsUInt8(substring(if(reinterpretAsUInt8(substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 1, 1)) < 128, substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 2), substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 3)), 4, 1)) < 128, 5, 6)), ''), 1, least(if(reinterpretAsUInt8(substring(if(reinterpretAsUInt8(substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 1, 1)) < 128, substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 2), substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 3)), 2, 1)) < 128, reinterpretAsUInt8(substring(if(reinterpretAsUInt8(substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 1, 1)) < 128, substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 2), substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 3)), 2, 1)), bitAnd(reinterpretAsUInt8(substring(if(reinterpretAsUInt8(substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 1, 1)) < 128, substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 2), substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 3)), 2, 1)), 127) + 128 * reinterpretAsUInt8(substring(if(reinterpretAsUInt8(substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 1, 1)) < 128, substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 2), substring(substring(exception, position(exception, 'exception.message') + 17 + 1), 3)), 3, 1))), 1000))), ''), status_message), '') AS failure_message,
  (attributes['faas.coldstart'] = '\x10\x01') AS cold_start, trace_id, received
FROM (
  SELECT *, arrayFirst(event -> position(event, 'exception.') > 0, events) AS exception FROM spans
  WHERE kind IN (2, 5) AND mapContains(attributes, 'faas.invocation_id')
)
;
CREATE MATERIALIZED VIEW IF NOT EXISTS invocations_from_logs TO invocations AS
SELECT service AS function, request_id, if(event_name = 'platform.report', 'report', 'line') AS source,
  if(event_name = 'platform.report',
    subtractNanoseconds(time, toInt64(ifNull(multiIf(startsWith(attributes['aws.lambda.duration_ms'], '!'), toNullable(reinterpretAsFloat64(substring(attributes['aws.lambda.duration_ms'], 2, 8))), startsWith(attributes['aws.lambda.duration_ms'], '\x18'), toNullable(toFloat64(arraySum(i -> bitShiftLeft(toInt64(bitAnd(reinterpretAsUInt8(substring(attributes['aws.lambda.duration_ms'], i + 1, 1)), 127)), 7 * (i - 1)), range(1, toUInt8(length(attributes['aws.lambda.duration_ms'])))))), NULL), 0) * 1e6)), time) AS time,
  multiIf(startsWith(attributes['aws.lambda.duration_ms'], '!'), toNullable(reinterpretAsFloat64(substring(attributes['aws.lambda.duration_ms'], 2, 8))), startsWith(attributes['aws.lambda.duration_ms'], '\x18'), toNullable(toFloat64(arraySum(i -> bitShiftLeft(toInt64(bitAnd(reinterpretAsUInt8(substring(attributes['aws.lambda.duration_ms'], i + 1, 1)), 127)), 7 * (i - 1)), range(1, toUInt8(length(attributes['aws.lambda.duration_ms'])))))), NULL) AS duration_ms,
  multiIf(if(startsWith(attributes['aws.lambda.status'], '\n'), substring(attributes['aws.lambda.status'], multiIf(reinterpretAsUInt8(substring(attributes['aws.lambda.status'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['aws.lambda.status'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['aws.lambda.status'], 4, 1)) < 128, 5, 6)), '') IN ('timeout', 'out_of_memory'), if(startsWith(attributes['aws.lambda.status'], '\n'), substring(attributes['aws.lambda.status'], multiIf(reinterpretAsUInt8(substring(attributes['aws.lambda.status'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['aws.lambda.status'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['aws.lambda.status'], 4, 1)) < 128, 5, 6)), ''),
    if(startsWith(attributes['aws.lambda.status'], '\n'), substring(attributes['aws.lambda.status'], multiIf(reinterpretAsUInt8(substring(attributes['aws.lambda.status'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['aws.lambda.status'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['aws.lambda.status'], 4, 1)) < 128, 5, 6)), '') IN ('error', 'failure'), 'error',
    mapContains(attributes, 'exception.type') AND event_name = 'platform.fault', 'error', '') AS status,
  coalesce(nullIf(if(startsWith(attributes['exception.type'], '\n'), substring(attributes['exception.type'], multiIf(reinterpretAsUInt8(substring(attributes['exception.type'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['exception.type'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['exception.type'], 4, 1)) < 128, 5, 6)), ''), ''), if(startsWith(attributes['error.type'], '\n'), substring(attributes['error.type'], multiIf(reinterpretAsUInt8(substring(attributes['error.type'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['error.type'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['error.type'], 4, 1)) < 128, 5, 6)), '')) AS failure_type,
  if(startsWith(attributes['exception.message'], '\n'), substring(attributes['exception.message'], multiIf(reinterpretAsUInt8(substring(attributes['exception.message'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['exception.message'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['exception.message'], 4, 1)) < 128, 5, 6)), '') AS failure_message,
  multiIf(startsWith(attributes['aws.lambda.init_duration_ms'], '!'), toNullable(reinterpretAsFloat64(substring(attributes['aws.lambda.init_duration_ms'], 2, 8))), startsWith(attributes['aws.lambda.init_duration_ms'], '\x18'), toNullable(toFloat64(arraySum(i -> bitShiftLeft(toInt64(bitAnd(reinterpretAsUInt8(substring(attributes['aws.lambda.init_duration_ms'], i + 1, 1)), 127)), 7 * (i - 1)), range(1, toUInt8(length(attributes['aws.lambda.init_duration_ms'])))))), NULL) AS init_ms, multiIf(startsWith(attributes['aws.lambda.billed_duration_ms'], '!'), toNullable(reinterpretAsFloat64(substring(attributes['aws.lambda.billed_duration_ms'], 2, 8))), startsWith(attributes['aws.lambda.billed_duration_ms'], '\x18'), toNullable(toFloat64(arraySum(i -> bitShiftLeft(toInt64(bitAnd(reinterpretAsUInt8(substring(attributes['aws.lambda.billed_duration_ms'], i + 1, 1)), 127)), 7 * (i - 1)), range(1, toUInt8(length(attributes['aws.lambda.billed_duration_ms'])))))), NULL) AS billed_ms,
  toUInt32OrNull(toString(multiIf(startsWith(attributes['aws.lambda.memory_size_mb'], '!'), toNullable(reinterpretAsFloat64(substring(attributes['aws.lambda.memory_size_mb'], 2, 8))), startsWith(attributes['aws.lambda.memory_size_mb'], '\x18'), toNullable(toFloat64(arraySum(i -> bitShiftLeft(toInt64(bitAnd(reinterpretAsUInt8(substring(attributes['aws.lambda.memory_size_mb'], i + 1, 1)), 127)), 7 * (i - 1)), range(1, toUInt8(length(attributes['aws.lambda.memory_size_mb'])))))), NULL))) AS memory_mb,
  toUInt32OrNull(toString(multiIf(startsWith(attributes['aws.lambda.max_memory_used_mb'], '!'), toNullable(reinterpretAsFloat64(substring(attributes['aws.lambda.max_memory_used_mb'], 2, 8))), startsWith(attributes['aws.lambda.max_memory_used_mb'], '\x18'), toNullable(toFloat64(arraySum(i -> bitShiftLeft(toInt64(bitAnd(reinterpretAsUInt8(substring(attributes['aws.lambda.max_memory_used_mb'], i + 1, 1)), 127)), 7 * (i - 1)), range(1, toUInt8(length(attributes['aws.lambda.max_memory_used_mb'])))))), NULL))) AS memory_used_mb,
  ((attributes['faas.coldstart'] = '\x10\x01') OR mapContains(attributes, 'aws.lambda.init_duration_ms')) AS cold_start,
  if(startsWith(attributes['faas.version'], '\n'), substring(attributes['faas.version'], multiIf(reinterpretAsUInt8(substring(attributes['faas.version'], 2, 1)) < 128, 3, reinterpretAsUInt8(substring(attributes['faas.version'], 3, 1)) < 128, 4, reinterpretAsUInt8(substring(attributes['faas.version'], 4, 1)) < 128, 5, 6)), '') AS version, trace_id, received
FROM logs
WHERE request_id != '' AND (startsWith(event_name, 'platform.') OR mapContains(attributes, 'exception.type'))
;
INSERT INTO schema_version (version) VALUES (1)
