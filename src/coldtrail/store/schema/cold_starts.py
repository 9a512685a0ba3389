"""What is kept of every run of a function for its cold starts: when, on which instance, how it was made ready.

Lines of Lambda's platform (`REPORT`, `INIT_START`, `INIT_REPORT`, `RESTORE_REPORT`) and spans of invocations, by time. Values
stay as the raw AnyValues that they came as: the engine analyses a view's query at every load, so it is short, and they are
decoded for the few rows that are read. The instance is the emitter's (`faas.instance`).
"""

from __future__ import annotations

from coldtrail.store.schema.calls import fill, view
from coldtrail.store.schema.table import table
from coldtrail.store.sql_words import quoted

RUNS = table(
    "runs",
    """
  time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
  function LowCardinality(String) CODEC(ZSTD(1)),
  emitter_id UInt64 CODEC(ZSTD(1)),
  source LowCardinality(String) CODEC(ZSTD(1)),
  request_id String CODEC(ZSTD(1)),
  trace_id FixedString(16) CODEC(ZSTD(1)),
  duration String CODEC(ZSTD(1)),
  init String CODEC(ZSTD(1)),
  restore String CODEC(ZSTD(1)),
  memory_mb String CODEC(ZSTD(1)),
  cold String CODEC(ZSTD(1)),
  status String CODEC(ZSTD(1)),
  how String CODEC(ZSTD(1)),
  phase String CODEC(ZSTD(1)),
  version String CODEC(ZSTD(1)),
  runtime String CODEC(ZSTD(1)),
  span_ns Int64 CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))
""",
    "toStartOfMinute(time), function",
)
"""``time``: of a span its beginning, of a line when it was written: a report is written at the end. ``span_ns``: of a span."""

PLATFORM = ("platform.report", "platform.initStart", "platform.initReport", "platform.restoreReport")

_TEXTS = {
    "duration": "aws.lambda.duration_ms",
    "init": "aws.lambda.init_duration_ms",
    "restore": "aws.lambda.restore_duration_ms",
    "memory_mb": "aws.lambda.memory_size_mb",
    "cold": "faas.coldstart",
    "status": "aws.lambda.status",
    "how": "aws.lambda.initialization_type",
    "phase": "aws.lambda.phase",
    "version": "faas.version",
    "runtime": "aws.lambda.runtime_version",
}

_FROM_LOGS = f"""
SELECT time, service AS function, emitter_id, event_name AS source, request_id, trace_id,
  {", ".join(f"attributes[{quoted(name)}] AS {column}" for column, name in _TEXTS.items())}, toInt64(0) AS span_ns, received
FROM logs WHERE event_name IN ({", ".join(quoted(name) for name in PLATFORM)})
"""

_FROM_SPANS = """
SELECT start AS time, service AS function, emitter_id, 'span' AS source, attributes['faas.invocation_id'] AS request_id, trace_id,
  attributes['faas.coldstart'] AS cold, attributes['faas.version'] AS version, duration_ns AS span_ns, received
FROM spans WHERE kind IN (2, 5) AND mapContains(attributes, 'faas.invocation_id')
"""

_COLUMNS = f"time, function, emitter_id, source, request_id, trace_id, {', '.join(_TEXTS)}, span_ns, received"

COLD_STARTS_MIGRATION = (
    RUNS,
    view("runs_from_logs", "runs", _FROM_LOGS),
    view("runs_from_spans", "runs", _FROM_SPANS),
    fill(f"runs ({_COLUMNS})", _FROM_LOGS, "time", "SELECT countIf(source != 'span') FROM runs"),
    fill(
        "runs (time, function, emitter_id, source, request_id, trace_id, cold, version, span_ns, received)",
        _FROM_SPANS,
        "time",
        "SELECT countIf(source = 'span') FROM runs",
    ),
)

COLD_STARTS_RETENTION = {"runs": "spans"}
"""Which retention setting governs which table."""
