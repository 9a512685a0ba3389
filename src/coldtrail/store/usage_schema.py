"""The roll-up that bills are worked out from: who called which managed resource, how often, and how many billed units that was.

One row a minute, resource, operation and caller, filled by views from spans and log lines, so that an hour's costs read some
thousand rows and no span. ``kind`` is the id of a service, and besides: `logs` (bytes of log lines), `xray` (traces recorded
by X-Ray), `cloudwatch` (points of a metric stream). ``units`` are what the service bills a call by: chunks of 64 KB (Amazon
SQS, SNS and EventBridge Pricing), of 25 KB (Amazon Kinesis Data Streams Pricing, "PUT Payload Unit"), capacity units (Amazon
DynamoDB API reference, "ConsumedCapacity"), bytes; ``known`` counts the calls of which a size or capacity was told, the others
are taken for one unit. A view's query is analysed at every load, so they are short, and pick the few attributes that matter.
"""

from __future__ import annotations

from coldtrail.store.anyvalue import sql_number, sql_text
from coldtrail.store.resource_names import SPAN_NAMINGS
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
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
  non_replicated_deduplication_window = 1000
"""

_NAMES = tuple(dict.fromkeys(rule.attribute for rule in SPAN_NAMINGS))
_BY_SYSTEM = {value: rule.kind for rule in SPAN_NAMINGS for value in rule.systems}
_PLAIN = {rule.attribute: rule.kind for rule in SPAN_NAMINGS if not rule.system}
_SYSTEMS = tuple(dict.fromkeys([*(rule.system for rule in SPAN_NAMINGS if rule.system), "db.system"]))
_DOING = (
    "rpc.method",
    "db.operation.name",
    "messaging.operation.name",
    "messaging.operation.type",
    "messaging.operation",
)
_GATEWAY = "aws.xray.origin"
_SIZES = ("messaging.message.body.size", "messaging.message.envelope.size", "messaging.message.size")
_CONSUMED = "aws.dynamodb.consumed_capacity"


def _first(names: tuple[str, ...]) -> str:
    """SQL for the raw value of the first of these attributes that a span has; '' where it has none."""
    return f"attributes[arrayFirst(k -> k IN ({listed(names)}), mapKeys(attributes))]"


def _pairs(words: dict[str, str]) -> str:
    return f"{array(words)}, {array(words.values())}"


# The first name of a list: ArrayValue (tag 0x2a) of AnyValue (0x0a) of string (0x0a), lengths of one byte each.
_NAME = f"if(startsWith(raw, '*'), substring(raw, 7, reinterpretAsUInt8(substring(raw, 6, 1))), {sql_text('raw')})"
_CAPACITIES = "arrayMap(one -> toFloat64OrZero(one), extractAll(consumed, '\"CapacityUnits\"\\\\s*:\\\\s*([0-9.]+)'))"

# A call is told by the caller's own span, a request at a gateway by the segment that X-Ray made of it.
USAGE_FROM_SPANS = f"""
CREATE MATERIALIZED VIEW IF NOT EXISTS usage_from_spans TO usage AS
SELECT minute, used AS kind, substring(target, 1, 256) AS name, substring(done, 1, 128) AS operation, caller,
  count() AS count, sum(billed) AS units, sum(told) AS known, max(at) AS received
FROM (
  WITH if(kind = 2, '{_GATEWAY}', arrayFirst(k -> k IN ({listed(_NAMES)}), mapKeys(attributes))) AS named, attributes[named] AS raw,
    {_first(_SYSTEMS)} AS system, {_first(_DOING)} AS doing, {_first(_SIZES)} AS size,
    attributes['{_CONSUMED}'] AS consumed, {_CAPACITIES} AS capacities, {_NAME} AS text,
    greatest(1, ifNull({sql_number("attributes['messaging.batch.message_count']")}, 1)) AS batch,
    ifNull({sql_number("size")}, 0) AS bytes
  SELECT toStartOfMinute(start) AS minute, service AS caller, received AS at,
    parent_span_id = toFixedString('', 8) AS root,
    multiIf(named = '{_GATEWAY}', multiIf(text = 'AWS::ApiGateway::Stage', 'apigateway', root, 'xray', ''),
      transform(toString(named), {_pairs(_PLAIN)}, transform({sql_text("system")}, {_pairs(_BY_SYSTEM)}, ''))) AS used,
    multiIf(used IN ('apigateway', 'xray'), toString(service), used = 'eventbridge', text,
      arrayElement(splitByRegexp('[/:]', text), -1)) AS target,
    multiIf(used IN ('apigateway', 'xray'), if(root, 'root segment', 'segment'),
      arrayElement(splitByChar('/', if(doing = '', toString(name), {sql_text("doing")})), -1)) AS done,
    multiIf(used = 'dynamodb', if(countSubstrings(consumed, '"TableName"') > 1, arraySum(capacities), arrayMax(capacities)),
      used = 'firehose', bytes,
      used = 'kinesis', batch * greatest(1, ceil(bytes / batch / {PUT_UNIT_BYTES})),
      used = 'eventbridge', batch * greatest(1, ceil(bytes / batch / {CHUNK_BYTES})),
      greatest(1, ceil(bytes / {CHUNK_BYTES}))) AS billed,
    if(used = 'dynamodb', notEmpty(capacities), size != '') AS told
  FROM spans
  WHERE kind != 5 AND arrayExists(k -> k IN ({listed((*_NAMES, _GATEWAY))}), mapKeys(attributes))
)
WHERE used NOT IN ('', 'stepfunctions')
GROUP BY minute, used, target, done, caller
"""

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

VERSIONS = """
CREATE TABLE IF NOT EXISTS versions (
  service LowCardinality(String),
  attribute LowCardinality(String),
  version String,
  first_seen SimpleAggregateFunction(min, DateTime),
  last_seen SimpleAggregateFunction(max, DateTime)
) ENGINE = AggregatingMergeTree
ORDER BY (service, attribute, version)
TTL last_seen + INTERVAL 400 DAY
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1, non_replicated_deduplication_window = 1000
"""

VERSION_ATTRIBUTES = ("service.version", "faas.version", "deployment.id")


def _of_resource(name: str) -> str:
    return sql_text(f"resource['{name}']")


_TOLD = ", ".join(f"('{name}', {_of_resource(name)})" for name in VERSION_ATTRIBUTES)

# A few rows a load: emitters are read from a segment once each.
VERSIONS_FROM_EMITTERS = f"""
CREATE MATERIALIZED VIEW IF NOT EXISTS versions_from_emitters TO versions AS
SELECT service, told.1 AS attribute, substring(told.2, 1, 256) AS version, min(received) AS first_seen, max(received) AS last_seen
FROM (
  SELECT received, arrayJoin([{_TOLD}]) AS told,
    coalesce(nullIf({_of_resource("service.name")}, ''), {_of_resource("faas.name")}) AS service
  FROM emitters WHERE hasAny(mapKeys(resource), {array(VERSION_ATTRIBUTES)})
)
WHERE told.2 NOT IN ('', '$LATEST') AND service != ''
GROUP BY service, attribute, version
"""

USAGE_MIGRATION: tuple[str, ...] = (USAGE, USAGE_FROM_SPANS, USAGE_FROM_LOGS, VERSIONS, VERSIONS_FROM_EMITTERS)
METRIC_UPDATES_MIGRATION: tuple[str, ...] = (USAGE_FROM_METRICS,)
USAGE_RETENTION: dict[str, str] = {"usage": "spans"}
