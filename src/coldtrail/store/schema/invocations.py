"""Invocations as spans and the lines of Lambda's platform tell of them, each a row."""

from __future__ import annotations

from coldtrail.store.anyvalue import sql_number, sql_text, sql_true
from coldtrail.store.schema.table import table

INVOCATIONS = table(
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
