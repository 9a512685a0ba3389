"""Roll-ups made while a segment is loaded: calls to resources, who called whom, messages.

What a page needs of attributes is read here, once, when a span arrives; a query over an hour of millions of spans then
reads some thousand rows. Spans of kind INTERNAL call nobody, so they cost a look at their kind.

`call_spans` keeps nothing: it hands the spans of a load, named, to the views below it, so attributes are looked at once.
"""

from __future__ import annotations

from coldtrail.store.resource_names import (
    BATCH,
    CONSUMED,
    LOG_NAMINGS,
    MESSAGE_KINDS,
    SIZES,
    SPAN_NAMINGS,
    sql_names_any,
    sql_operation,
    sql_outside,
    sql_outside_told,
    sql_picked,
    sql_resources,
    sql_told,
)
from coldtrail.store.schema.table import table
from coldtrail.store.sql_words import listed

BUCKETS = 64
"""Pairs of spans are kept in so many buckets by their hash: reading one is a sample of all."""

NO_PARENT = "toFixedString('', 8)"


def view(name: str, to: str, select: str) -> str:
    """Return the statement that makes a materialized view."""
    return f"CREATE MATERIALIZED VIEW IF NOT EXISTS {name} TO {to} AS{select}"


CALL_SPANS = """
CREATE TABLE IF NOT EXISTS call_spans (
  trace_id FixedString(16), span_id FixedString(8), parent_span_id FixedString(8), kind UInt8,
  start DateTime64(9, 'UTC'), duration_ms Float64, failed UInt8, service LowCardinality(String),
  resource_kind LowCardinality(String), resource String, operation String, taking UInt8,
  size String, batch String, consumed String, received DateTime
) ENGINE = Null
"""

CALLS = table(
    "calls",
    """
  minute DateTime('UTC') CODEC(Delta, ZSTD(1)),
  kind LowCardinality(String) CODEC(ZSTD(1)),
  name LowCardinality(String) CODEC(ZSTD(1)),
  service LowCardinality(String) CODEC(ZSTD(1)),
  operation LowCardinality(String) CODEC(ZSTD(1)),
  taking UInt8 CODEC(ZSTD(1)),
  count SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  error_count SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  durations_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float64) CODEC(ZSTD(1)),
  last_seen SimpleAggregateFunction(max, DateTime64(9, 'UTC')) CODEC(ZSTD(1)),
  slowest AggregateFunction(argMax, FixedString(16), Float64) CODEC(ZSTD(1)),
  failing AggregateFunction(argMaxIf, FixedString(16), DateTime64(9, 'UTC'), UInt8) CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))
""",
    "minute, kind, name, service, operation, taking",
    engine="AggregatingMergeTree",
    granularity=256,
)
"""Minute by minute; a resource that only log lines name has rows without calls (``count`` 0)."""

NAMED = table(
    "named",
    """
  kind LowCardinality(String) CODEC(ZSTD(1)),
  name LowCardinality(String) CODEC(ZSTD(1)),
  time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
  carrier UInt64 CODEC(NONE),
  received DateTime CODEC(Delta, ZSTD(1))
""",
    "toStartOfHour(time), kind, name, time",
)
"""Spans (by `_SPAN_KEY`) and log lines (by `_LINE_KEY`) that name a queue, stream, topic or bus."""

MESSAGE_KEYS = table(
    "message_keys",
    """
  kind LowCardinality(String) CODEC(ZSTD(1)),
  key_hash UInt64 CODEC(NONE),
  role Enum8('gives' = 1, 'takes' = 2, 'mentions' = 3) CODEC(ZSTD(1)),
  time DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
  service LowCardinality(String) CODEC(ZSTD(1)),
  span_id FixedString(8) CODEC(ZSTD(1)),
  request_id String CODEC(ZSTD(1)),
  span_key UInt64 CODEC(ZSTD(1)),
  line_key UInt64 CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))
""",
    "toStartOfHour(time), key_hash",
)
"""The keys of messages by time, where `keys` has them by themselves; in order of hash, so a range of hashes is a sample."""

HOPS = table(
    "hops",
    """
  time DateTime('UTC') CODEC(Delta, ZSTD(1)),
  bucket UInt8 CODEC(ZSTD(1)),
  span UInt64 CODEC(NONE),
  parent UInt64 CODEC(NONE),
  service LowCardinality(String) CODEC(ZSTD(1)),
  peer_kind LowCardinality(String) CODEC(ZSTD(1)),
  peer LowCardinality(String) CODEC(ZSTD(1)),
  failed UInt8 CODEC(ZSTD(1)),
  duration_ms Float32 CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))
""",
    "toStartOfHour(time), bucket",
)
"""Both ends of direct calls: servers' spans (``parent`` 0 where they have none, no ``peer``), and clients' with whom they
called. A trace is in one bucket."""

_TAKES = listed(("receive", "process", "deliver", "ReceiveMessage", "GetRecords", "DeleteMessage", "settle", "ack"))

# Layer upon layer: what one query names more than once, the engine would analyse and compute as often.
CALL_SPANS_SELECT = f"""
SELECT trace_id, span_id, parent_span_id, kind, start, duration_ns / 1e6 AS duration_ms, status_code = 2 AS failed, service,
  one.1 AS resource_kind, one.2 AS resource, operation, kind IN (2, 5) OR operation IN ({_TAKES}) AS taking,
  size, batch, consumed, received
FROM (
  SELECT *, if(ours.2 != '' OR kind NOT IN (3, 4), ours, {sql_outside()}) AS one,
    substring(multiIf(done != '', done, method != '' OR ours.2 = '', method, toString(name)), 1, 100) AS operation
  FROM (
    SELECT *, {sql_resources(SPAN_NAMINGS)}[1] AS ours, {sql_outside_told()}, {sql_operation()},
      {sql_told(*SIZES, of="rs")} AS size, {sql_told(BATCH, of="rs")} AS batch, {sql_told(CONSUMED, of="rs")} AS consumed
    FROM (
      SELECT trace_id, span_id, parent_span_id, kind, start, duration_ns, status_code, service, name, received, {sql_picked()}
      FROM spans WHERE kind IN (3, 4) OR kind IN (0, 2, 5) AND {sql_names_any(SPAN_NAMINGS)}
    )
  )
)
"""

CALL_SPANS_VIEW = view("call_spans_from_spans", "call_spans", CALL_SPANS_SELECT)

_AGGREGATES = """count() AS count, countIf(failed) AS error_count,
  quantilesTDigestState(0.5, 0.95, 0.99)(duration_ms) AS durations_ms, max(c.start) AS last_seen,
  argMaxState(trace_id, duration_ms) AS slowest, argMaxIfState(trace_id, c.start, failed) AS failing"""

CALLS_VIEW = view(
    "calls_from_spans",
    "calls",
    f"""
SELECT toStartOfMinute(start) AS minute, resource_kind AS kind, resource AS name, service, operation, taking,
  {_AGGREGATES}, max(c.received) AS received
FROM call_spans AS c WHERE resource != ''
GROUP BY minute, resource_kind, resource, service, operation, taking
""",
)

_NAMING_LOGS = f"""
SELECT time, service, request_id, received, {sql_picked(tuple(rule.attribute for rule in LOG_NAMINGS))}
FROM logs WHERE {sql_names_any(LOG_NAMINGS)}
"""

_CALLS_OF_LOGS_SELECT = f"""
SELECT toStartOfMinute(time) AS minute, one.1 AS kind, one.2 AS name, service, '' AS operation, toUInt8(0) AS taking,
  max(l.time) AS last_seen, max(l.received) AS received
FROM (SELECT time, service, received, arrayJoin({sql_resources(LOG_NAMINGS)}) AS one FROM ({_NAMING_LOGS})) AS l
GROUP BY minute, kind, name, service
"""

CALLS_FROM_LOGS = view("calls_from_logs", "calls", _CALLS_OF_LOGS_SELECT)

_SPAN_KEY = "cityHash64(trace_id, span_id)"
_LINE_KEY = "cityHash64(time, toString(service), request_id)"

NAMED_FROM_SPANS = view(
    "named_from_spans",
    "named",
    f"""
SELECT resource_kind AS kind, resource AS name, start AS time, {_SPAN_KEY} AS carrier, received
FROM call_spans WHERE resource_kind IN ({listed(MESSAGE_KINDS)})
""",
)

_NAMED_OF_LOGS = f"""
SELECT one.1 AS kind, one.2 AS name, time, carrier, received
FROM (
  SELECT time, received, {_LINE_KEY} AS carrier, arrayJoin({sql_resources(LOG_NAMINGS)}) AS one FROM ({_NAMING_LOGS})
)
"""

NAMED_FROM_LOGS = view("named_from_logs", "named", _NAMED_OF_LOGS)

_MESSAGE_KEYS_SELECT = f"""
SELECT kind, key_hash, role, time, service, span_id, request_id,
  if(span_id = {NO_PARENT}, 0, {_SPAN_KEY}) AS span_key, {_LINE_KEY} AS line_key, received
FROM keys WHERE kind IN ('message_id', 'event_id', 'sequence_number') AND role != 'mentions'
"""

MESSAGE_KEYS_VIEW = view("message_keys_from_keys", "message_keys", _MESSAGE_KEYS_SELECT)

_HOP = f"toDateTime(start) AS time, cityHash64(trace_id) % {BUCKETS} AS bucket, {_SPAN_KEY} AS span"

_HOPS_OF_SERVERS = f"""
SELECT {_HOP}, if(parent_span_id = {NO_PARENT}, 0, cityHash64(trace_id, parent_span_id)) AS parent, service,
  status_code = 2 AS failed, toFloat32(duration_ns / 1e6) AS duration_ms, received
FROM spans WHERE kind = 2
"""

HOPS_FROM_SERVERS = view("hops_from_spans", "hops", _HOPS_OF_SERVERS)

# A call of a resource has no server that would tell of it.
HOPS_FROM_CLIENTS = view(
    "hops_from_call_spans",
    "hops",
    f"""
SELECT {_HOP}, service, resource_kind AS peer_kind, resource AS peer, failed, toFloat32(duration_ms) AS duration_ms, received
FROM call_spans WHERE kind = 3 AND resource_kind IN ('lambda', 'external')
""",
)

DAY = "INTERVAL 1 DAY"
"""So much of what was loaded before the roll-ups were is summed up when they are made."""


def fill(into: str, select: str, time: str, check: str) -> str:
    """Return the statement that fills a new roll-up from the last day; it does nothing where ``check`` is not 0."""
    columns = f"SELECT * FROM ({select}) WHERE {time} >= now() - {DAY} AND ({check}) = 0"
    return f"INSERT INTO {into} {columns}"


_CALLS_OF_LOGS = "calls (minute, kind, name, service, operation, taking, last_seen, received)"
_OF_SERVERS = "hops (time, bucket, span, parent, service, failed, duration_ms, received)"
_CALL_COLUMNS = (
    "call_spans (trace_id, span_id, parent_span_id, kind, start, duration_ms, failed, service, resource_kind, resource, "
    "operation, taking, size, batch, consumed, received)"
)

TABLES = (CALL_SPANS, CALLS, NAMED, MESSAGE_KEYS, HOPS)
FILLS = (
    fill(_CALLS_OF_LOGS, _CALLS_OF_LOGS_SELECT, "minute", "SELECT count() FROM calls"),
    fill("named (kind, name, time, carrier, received)", _NAMED_OF_LOGS, "time", "SELECT count() FROM named"),
    fill(_OF_SERVERS, _HOPS_OF_SERVERS, "time", "SELECT count() FROM hops"),
    fill("message_keys", _MESSAGE_KEYS_SELECT, "time", "SELECT count() FROM message_keys"),
    fill(_CALL_COLUMNS, CALL_SPANS_SELECT, "start", "SELECT max(count) FROM calls"),
)
VIEWS = (
    CALLS_VIEW,
    NAMED_FROM_SPANS,
    HOPS_FROM_CLIENTS,
    HOPS_FROM_SERVERS,
    CALL_SPANS_VIEW,
    CALLS_FROM_LOGS,
    NAMED_FROM_LOGS,
    MESSAGE_KEYS_VIEW,
)

CALLS_MIGRATION = (*TABLES, *VIEWS, *FILLS)
"""The views below `call_spans` come before it is filled, so that they take part."""

CALLS_RETENTION = dict.fromkeys(("calls", "named", "message_keys", "hops"), "spans")
"""Which retention setting governs which table."""
