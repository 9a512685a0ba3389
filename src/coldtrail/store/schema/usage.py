"""The roll-up that bills are worked out from: who called which managed resource, how often, and how many billed units that was.

One row a minute, resource, operation and caller, filled by views from spans and log lines, so that an hour's costs read some
thousand rows and no span. ``kind`` is the id of a service, and besides: `logs` (bytes of log lines), `xray` (traces recorded
by X-Ray), `cloudwatch` (points of a metric stream). ``units`` are what the service bills a call by: chunks of 64 KB (Amazon
SQS, SNS and EventBridge Pricing), of 25 KB (Amazon Kinesis Data Streams Pricing, "PUT Payload Unit"), capacity units (Amazon
DynamoDB API reference, "ConsumedCapacity"), bytes; ``known`` counts the calls of which a size or capacity was told, the others
are taken for one unit. A view's query is analysed at every load, so they are short, and read what `call_spans` has picked.
"""

from __future__ import annotations

from coldtrail.store.anyvalue import sql_number, sql_text
from coldtrail.store.resource_names import sql_has_any
from coldtrail.store.schema.calls import NO_PARENT, view
from coldtrail.store.schema.table import PARTS
from coldtrail.store.sql_words import array, listed

CHUNK_BYTES = 65_536
PUT_UNIT_BYTES = 25_600
LOG_EVENT_BYTES = 26
"""Counted for every log event besides its text (Amazon CloudWatch Pricing, "ingestion")."""

_MINUTE = """
  minute DateTime('UTC') CODEC(Delta, ZSTD(1)),
  kind LowCardinality(String) CODEC(ZSTD(1)),
  name LowCardinality(String) CODEC(ZSTD(1)),
  operation LowCardinality(String) CODEC(ZSTD(1)),
  caller LowCardinality(String) CODEC(ZSTD(1)),
  count SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  units SimpleAggregateFunction(sum, Float64) CODEC(ZSTD(1)),
  known SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))"""

USAGE = f"""
CREATE TABLE IF NOT EXISTS usage ({_MINUTE}
) ENGINE = AggregatingMergeTree
PARTITION BY toDate(received)
ORDER BY (minute, kind, name, operation, caller)
TTL received + INTERVAL {{retention}} SECOND
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, {PARTS},
  non_replicated_deduplication_window = 1000
"""

_CALLED = ("", "lambda", "external", "database", "messaging", "aws", "stepfunctions")
"""What is not billed by the call, or told by other signals."""

_CAPACITIES = "arrayMap(one -> toFloat64OrZero(one), extractAll(consumed, '\"CapacityUnits\"\\\\s*:\\\\s*([0-9.]+)'))"

# A call is told by the caller's own span; what it is about was read when `call_spans` was made.
USAGE_FROM_CALLS = view(
    "usage_from_call_spans",
    "usage",
    f"""
SELECT toStartOfMinute(start) AS minute, resource_kind AS kind, resource AS name,
  arrayElement(splitByChar('/', operation), -1) AS operation, service AS caller,
  count() AS count, sum(billed) AS units, sum(told) AS known, max(c.received) AS received
FROM (
  WITH {_CAPACITIES} AS capacities, ifNull({sql_number("size")}, 0) AS bytes,
    greatest(1, ifNull({sql_number("batch")}, 1)) AS many, if(resource_kind = 'kinesis', {PUT_UNIT_BYTES}, {CHUNK_BYTES}) AS chunk,
    if(resource_kind IN ('kinesis', 'eventbridge'), many, 1) AS of_each
  SELECT start, resource_kind, resource, operation, service, received,
    multiIf(resource_kind = 'dynamodb', if(countSubstrings(consumed, '"TableName"') > 1, arraySum(capacities), arrayMax(capacities)),
      resource_kind = 'firehose', bytes, of_each * greatest(1, ceil(bytes / of_each / chunk))) AS billed,
    if(resource_kind = 'dynamodb', notEmpty(capacities), size != '') AS told
  FROM call_spans WHERE kind != 5 AND resource_kind NOT IN ({listed(_CALLED)})
) AS c
GROUP BY minute, resource_kind, resource, operation, caller
""",
)

# A request at a gateway is told by the segment that X-Ray made of it; a root segment is a trace that X-Ray recorded.
USAGE_FROM_SEGMENTS = view(
    "usage_from_segments",
    "usage",
    f"""
SELECT toStartOfMinute(start) AS minute, if(gateway, 'apigateway', 'xray') AS kind, service AS name,
  if(root, 'root segment', 'segment') AS operation, service AS caller,
  count() AS count, toFloat64(count()) AS units, toUInt64(0) AS known, max(s.received) AS received
FROM (
  SELECT start, service, received, parent_span_id = {NO_PARENT} AS root,
    endsWith(attributes['aws.xray.origin'], 'AWS::ApiGateway::Stage') AS gateway
  FROM spans WHERE kind = 2 AND mapContains(attributes, 'aws.xray.origin')
) AS s
WHERE gateway OR root GROUP BY minute, kind, name, operation, caller
""",
)

USAGE_FROM_LOGS = f"""
CREATE MATERIALIZED VIEW IF NOT EXISTS usage_from_logs TO usage AS
SELECT toStartOfMinute(time) AS minute, what.1 AS kind, if(what.1 = 'stepfunctions', substring(machine, 1, 256), toString(service)) AS name,
  what.2 AS operation, service AS caller, count() AS count, sum(what.3) AS units, count() AS known, max(l.received) AS received
FROM (
  SELECT time, service, received, arrayElement(splitByChar(':', request_id), 7) AS machine,
    arrayJoin(arrayFilter(one -> one.1 != '', [
      ('logs', 'ingest', toFloat64(length(body) + {LOG_EVENT_BYTES})),
      (multiIf(event_name = 'apigateway.access', 'apigateway', startsWith(event_name, 'stepfunctions.'), 'stepfunctions', ''),
        multiIf(event_name = 'apigateway.access', 'access', endsWith(event_name, 'StateEntered'), 'transition',
          event_name = 'stepfunctions.ExecutionStarted', 'start', 'other'), 1.)])) AS what
  FROM logs
) AS l
WHERE what.2 != 'other'
GROUP BY minute, kind, name, operation, caller
"""

# Of CloudWatch's own metrics each point that comes was streamed, and is an update that the stream is billed for.
USAGE_FROM_METRICS = """
CREATE MATERIALIZED VIEW IF NOT EXISTS usage_from_metrics TO usage AS
SELECT toStartOfMinute(if(toUnixTimestamp(m.start) > 0, m.start, m.time)) AS minute, 'cloudwatch' AS kind,
  'metric stream' AS name, 'update' AS operation, '' AS caller,
  count() AS count, toFloat64(count()) AS units, count() AS known, max(m.received) AS received
FROM metrics_in AS m WHERE startsWith(m.name, 'amazonaws.com/')
GROUP BY minute
"""

VERSIONS = f"""
CREATE TABLE IF NOT EXISTS versions (
  service LowCardinality(String),
  attribute LowCardinality(String),
  version String,
  first_seen SimpleAggregateFunction(min, DateTime),
  last_seen SimpleAggregateFunction(max, DateTime)
) ENGINE = AggregatingMergeTree
ORDER BY (service, attribute, version)
TTL last_seen + INTERVAL 400 DAY
SETTINGS index_granularity = 256, {PARTS}, non_replicated_deduplication_window = 1000
"""

VERSION_ATTRIBUTES = ("service.version", "faas.version", "deployment.id")


_ASKED = ("service.name", "faas.name", *VERSION_ATTRIBUTES)

# A few rows a load: emitters are read from a segment once each.
VERSIONS_FROM_EMITTERS = view(
    "versions_from_emitters",
    "versions",
    f"""
SELECT service, told.1 AS attribute, substring(told.2, 1, 256) AS version, min(e.received) AS first_seen, max(e.received) AS last_seen
FROM (
  SELECT received, if(texts[1] = '', texts[2], texts[1]) AS service,
    arrayJoin(arrayZip({array(VERSION_ATTRIBUTES)}, arraySlice(texts, 3))) AS told
  FROM (
    SELECT received, arrayMap(name -> arrayMap(raw -> {sql_text("raw")}, [resource[name]])[1], {array(_ASKED)}) AS texts
    FROM emitters WHERE {sql_has_any(VERSION_ATTRIBUTES, "resource")}
  )
) AS e
WHERE told.2 NOT IN ('', '$LATEST') AND service != ''
GROUP BY service, attribute, version
""",
)

USAGE_MIGRATION: tuple[str, ...] = (
    USAGE,
    USAGE_FROM_CALLS,
    USAGE_FROM_SEGMENTS,
    USAGE_FROM_LOGS,
    VERSIONS,
    VERSIONS_FROM_EMITTERS,
)
METRIC_UPDATES_MIGRATION: tuple[str, ...] = (USAGE_FROM_METRICS,)
USAGE_RETENTION: dict[str, str] = {"usage": "spans"}
