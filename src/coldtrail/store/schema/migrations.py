"""The tables, as a list of migrations. Version N is reached by running steps 1..N in order.

Order keys: spans are kept by ten seconds, then trace (a trace lies together, so its id costs two bytes a
span and it is read as one granule); newest-first searches walk time backwards. Retention counts
from receipt (``received``), so a back-dated span lives as long as any other (a TTL on its own time would
discard it at once). One partition a day of receipt lets whole parts be dropped.
"""

from __future__ import annotations

from coldtrail.store.anyvalue import sql_number, sql_text, sql_true
from coldtrail.store.keys.sql import keys_from_logs, keys_from_spans
from coldtrail.store.schema.calls import CALLS_MIGRATION, CALLS_RETENTION
from coldtrail.store.schema.cold_starts import COLD_STARTS_MIGRATION, COLD_STARTS_RETENTION
from coldtrail.store.schema.deliveries import DELIVERIES
from coldtrail.store.schema.learned import LEARNED_MIGRATION
from coldtrail.store.schema.metrics import METRICS_MIGRATION, METRICS_RETENTION
from coldtrail.store.schema.minutes import MINUTES_MIGRATION, MINUTES_RETENTION
from coldtrail.store.schema.outcomes import OUTCOMES
from coldtrail.store.schema.requests import REQUESTS_MIGRATION, REQUESTS_RETENTION
from coldtrail.store.schema.sli import SLI_MIGRATION
from coldtrail.store.schema.usage import METRIC_UPDATES_MIGRATION, USAGE_MIGRATION, USAGE_RETENTION

MAP = "Map(LowCardinality(String), String)"

_ENGINE = """
ENGINE = {engine}
PARTITION BY toDate(received)
ORDER BY ({order})
TTL received + INTERVAL {{{{retention}}}} SECOND
SETTINGS index_granularity = {granularity}, ttl_only_drop_parts = 1, fsync_after_insert = 1,
  fsync_part_directory = 1, non_replicated_deduplication_window = 1000{more}
"""


_COMPACT = ", min_bytes_for_wide_part = 1000000000000, min_rows_for_wide_part = 1000000000000"
"""All columns of a granule lie together: a trace, whole, is one place on disk and not one in each of forty files."""


def _table(
    name: str, columns: str, order: str, *, engine: str = "MergeTree", granularity: int = 1024, more: str = ""
) -> str:
    tail = _ENGINE.format(engine=engine, order=order, granularity=granularity, more=more)
    tail = tail.replace("{{", "{").replace("}}", "}")
    return f"CREATE TABLE IF NOT EXISTS {name} (\n{columns}\n){tail}"


SPANS = _table(
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
    more=_COMPACT,
)

LOGS = _table(
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

METRICS = _table(
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
SETTINGS index_granularity = 64, fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 1000
"""

KEYS = _table(
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

INVOCATIONS = _table(
    "invocations",
    """
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
""",
    "toStartOfMinute(time), function",
)

RED = _table(
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

TRACES = _table(
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

TRAILS = _table(
    "trails",
    """
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
""",
    "trail_id",
    engine="ReplacingMergeTree(version)",
)

MEMBERS = _table(
    "trail_members",
    """
  unit String CODEC(ZSTD(1)),
  trail_id String CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))
""",
    "unit, trail_id",
    engine="ReplacingMergeTree",
)

INFERRED = _table(
    "inferred_edges",
    """
  unit String CODEC(ZSTD(1)),
  cause String CODEC(ZSTD(1)),
  effect String CODEC(ZSTD(1)),
  cause_unit String CODEC(ZSTD(1)),
  effect_unit String CODEC(ZSTD(1)),
  kind LowCardinality(String) CODEC(ZSTD(1)),
  confidence Float64 CODEC(ZSTD(1)),
  waits String CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))
""",
    "unit, effect",
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


def _exception() -> str:
    """SQL for type and message of the first `exception` event, read from the event's raw bytes."""
    value = "substring(exception, position(exception, field) + length(field) + 1)"
    # A KeyValue's value follows its key: tag 0x12 and a length of one or two bytes, then the raw AnyValue.
    raw = f"arrayMap(v -> if(reinterpretAsUInt8(substring(v, 1, 1)) < 128, substring(v, 2), substring(v, 3)), [{value}])[1]"
    length = (
        "if(reinterpretAsUInt8(substring(raw, 2, 1)) < 128, reinterpretAsUInt8(substring(raw, 2, 1)), "
        "bitAnd(reinterpretAsUInt8(substring(raw, 2, 1)), 127) + 128 * reinterpretAsUInt8(substring(raw, 3, 1)))"
    )
    text = f"arrayMap(raw -> substring({sql_text('raw')}, 1, least({length}, 1000)), [{raw}])[1]"
    fields = "['exception.type', 'exception.message']"
    return f"arrayMap(field -> if(position(exception, field) = 0, '', {text}), {fields})"


INVOCATIONS_OF_SPANS = f"""
SELECT coalesce(nullIf(texts[1], ''), toString(service)) AS function, texts[2] AS request_id, 'span' AS source, start AS time,
  if(in_progress, NULL, duration_ns / 1e6) AS duration_ms, if(status_code = 2, 'error', '') AS status,
  if(status_code = 2, told[1], '') AS failure_type,
  if(status_code = 2, coalesce(nullIf(told[2], ''), status_message), '') AS failure_message, cold_start, trace_id, received
FROM (
  SELECT service, start, duration_ns, status_code, status_message, trace_id, received, in_progress, cold_start,
    arrayMap(raw -> {sql_text("raw")}, names) AS texts, if(status_code = 2, {_exception()}, []) AS told
  FROM (
    SELECT service, start, duration_ns, status_code, status_message, trace_id, received,
      arrayFirst(event -> position(event, 'exception.') > 0, events) AS exception,
      [attributes['faas.invoked_name'], attributes['faas.invocation_id']] AS names,
      mapContains(attributes, 'aws.xray.in_progress') AS in_progress, {sql_true("attributes['faas.coldstart']")} AS cold_start
    FROM spans WHERE kind IN (2, 5) AND mapContains(attributes, 'faas.invocation_id')
  )
)
"""
INVOCATIONS_FROM_SPANS = (
    f"CREATE MATERIALIZED VIEW IF NOT EXISTS invocations_from_spans TO invocations AS {INVOCATIONS_OF_SPANS}"
)


def _number(name: str) -> str:
    return sql_number(f"attributes['{name}']")


INVOCATIONS_FROM_LOGS = f"""
CREATE MATERIALIZED VIEW IF NOT EXISTS invocations_from_logs TO invocations AS
SELECT service AS function, request_id, if(event_name = 'platform.report', 'report', 'line') AS source,
  if(event_name = 'platform.report',
    subtractNanoseconds(time, toInt64(ifNull({_number("aws.lambda.duration_ms")}, 0) * 1e6)), time) AS time,
  {_number("aws.lambda.duration_ms")} AS duration_ms,
  multiIf({sql_text("attributes['aws.lambda.status']")} IN ('timeout', 'out_of_memory'), {sql_text("attributes['aws.lambda.status']")},
    {sql_text("attributes['aws.lambda.status']")} IN ('error', 'failure'), 'error',
    mapContains(attributes, 'exception.type') AND event_name = 'platform.fault', 'error', '') AS status,
  coalesce(nullIf({sql_text("attributes['exception.type']")}, ''), {sql_text("attributes['error.type']")}) AS failure_type,
  {sql_text("attributes['exception.message']")} AS failure_message,
  {_number("aws.lambda.init_duration_ms")} AS init_ms, {_number("aws.lambda.billed_duration_ms")} AS billed_ms,
  toUInt32OrNull(toString({_number("aws.lambda.memory_size_mb")})) AS memory_mb,
  toUInt32OrNull(toString({_number("aws.lambda.max_memory_used_mb")})) AS memory_used_mb,
  ({sql_true("attributes['faas.coldstart']")} OR mapContains(attributes, 'aws.lambda.init_duration_ms')) AS cold_start,
  {sql_text("attributes['faas.version']")} AS version, trace_id, received
FROM logs
WHERE request_id != '' AND (startsWith(event_name, 'platform.') OR mapContains(attributes, 'exception.type'))
"""

VERSION = "CREATE TABLE IF NOT EXISTS schema_version (version UInt32, applied DateTime DEFAULT now()) ENGINE = MergeTree ORDER BY version"

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        SPANS,
        LOGS,
        METRICS,
        EMITTERS,
        KEYS,
        INVOCATIONS,
        RED,
        TRACES,
        TRAILS,
        MEMBERS,
        RED_VIEW,
        TRACES_VIEW,
        keys_from_spans(),
        keys_from_logs(),
        INVOCATIONS_FROM_SPANS,
        INVOCATIONS_FROM_LOGS,
    ),
    (
        INFERRED,
        f"ALTER TABLE spans MODIFY SETTING {_COMPACT.removeprefix(', ')}",
    ),
    METRICS_MIGRATION,
    (*CALLS_MIGRATION, *REQUESTS_MIGRATION),
    (DELIVERIES,),
    USAGE_MIGRATION,
    COLD_STARTS_MIGRATION,
    LEARNED_MIGRATION,
    METRIC_UPDATES_MIGRATION,
    (
        f"ALTER TABLE traces_from_spans MODIFY QUERY {TRACES_SELECT}",
        f"ALTER TABLE invocations_from_spans MODIFY QUERY {INVOCATIONS_OF_SPANS}",
    ),
    SLI_MIGRATION,
    (OUTCOMES,),
    MINUTES_MIGRATION,
)
"""Each inner tuple takes the schema from one version to the next.

A store that exists never runs a step again, so what changes goes into a new one at the end. `tests/data/store/` keeps what
version 1 wrote.
"""

RETENTION: dict[str, str] = {
    "spans": "spans",
    "traces": "spans",
    "red": "spans",
    "keys": "spans",
    "invocations": "spans",
    "trails": "spans",
    "trail_members": "spans",
    "inferred_edges": "spans",
    "deliveries": "spans",
    "outcomes": "spans",
    "logs": "logs",
    "metrics": "metrics",
    **METRICS_RETENTION,
    **CALLS_RETENTION,
    **REQUESTS_RETENTION,
    **COLD_STARTS_RETENTION,
    **USAGE_RETENTION,
    **MINUTES_RETENTION,
}
"""Which retention setting governs which table."""
