"""The roll-up of requests from outside, made while a segment is loaded: by minute, method and route.

The route is `http.route` where the emitter told it, else an `http_route` annotation, else the URL's path without the
stage and with ids replaced. Sources: OpenTelemetry semantic conventions ("HTTP spans"), AWS X-Ray Developer Guide
("Amazon API Gateway active tracing support": segment `http.request.url`, `resource_arn`). `requests` keeps nothing: it
hands a load's requests to the views below it.
"""

from __future__ import annotations

from coldtrail.store.anyvalue import sql_number
from coldtrail.store.calls_schema import NO_PARENT, fill, table, view
from coldtrail.store.resource_names import sql_picked, sql_told
from coldtrail.store.sql_words import array

LATEST = 8
"""So many of the newest requests of an entry are kept of every minute, with their trails."""

STATUSES = ("http.response.status_code", "http.status_code", "aws.xray.http.response.status")

REQUESTS = """
CREATE TABLE IF NOT EXISTS requests (
  trace_id FixedString(16), root UInt8, method LowCardinality(String), route String, service LowCardinality(String), q String,
  start DateTime64(9, 'UTC'), duration_ms Float64, code UInt16, failed UInt8, received DateTime
) ENGINE = Null
"""

_REQUEST = """
  method LowCardinality(String) CODEC(ZSTD(1)),
  route LowCardinality(String) CODEC(ZSTD(1)),
  service LowCardinality(String) CODEC(ZSTD(1)),
  q LowCardinality(String) CODEC(ZSTD(1)),
"""

ENTRIES = table(
    "entries",
    f"""
  minute DateTime('UTC') CODEC(Delta, ZSTD(1)),{_REQUEST}
  count SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  error_count SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
  durations_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float64) CODEC(ZSTD(1)),
  codes AggregateFunction(sumMap, Array(UInt16), Array(UInt64)) CODEC(ZSTD(1)),
  latest AggregateFunction(groupArraySorted(8), Tuple(Int64, UInt16, UInt8, FixedString(16))) CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))
""",
    "minute, method, route, service, q",
    engine="AggregatingMergeTree",
    granularity=256,
)
"""Requests without a parent, minute by minute."""

INNER_REQUESTS = table(
    "inner_requests",
    f"""
  start DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
  trace_id FixedString(16) CODEC(ZSTD(1)),{_REQUEST}
  duration_ms Float64 CODEC(ZSTD(1)),
  code UInt16 CODEC(ZSTD(1)),
  failed UInt8 CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))
""",
    "toStartOfMinute(start), trace_id",
)
"""Requests with a parent: whether one is its trace's entry shows only when the rest of the trace has come."""

_HTTP = (
    "http.request.method",
    "http.method",
    "http.route",
    "url.full",
    "url.path",
    "http.url",
)
_ENTRY_TEXTS = (*_HTTP, "http.target", "aws.xray.annotations.http_route", "aws.xray.resource_arn", "aws.xray.origin")
_RAW_CODES = ", ".join(f"attributes['{name}']" for name in STATUSES)
_CODE = f"arrayFirst(raw -> raw != '', [{_RAW_CODES}])"

# A gateway's own host has the stage as the path's first part; its segment says so in its ARN or its origin.
# A part of a path that is a number, long hex or has three digits in a row is somebody's id.
REQUESTS_SELECT = f"""
SELECT trace_id, root, start, duration_ns / 1e6 AS duration_ms, service, received, code, upper(substring(method_, 1, 20)) AS method,
    substring(multiIf(route_told != '', route_told, route_noted != '', route_noted,
      arrayStringConcat(arrayMap(part -> if(match(part, '^[0-9]+$|[0-9]{{3}}|^[0-9a-fA-F-]{{16,}}$'),
        concat('{{', 'id', '}}'), part), splitByChar('/', own_path)), '/')), 1, 300) AS route,
    toUInt8((status_code = 2 AND NOT (code BETWEEN 400 AND 499)) OR code >= 500) AS failed,
    substring(multiIf(route_told != '', concat('http.route=', route_told),
      route_noted != '', concat('aws.xray.annotations.http_route=', route_noted), ''), 1, 320) AS q
  FROM (
    SELECT *, multiIf(stage != '' AND startsWith(whole_path, concat('/', stage, '/')), substring(whole_path, length(stage) + 2),
        origin = 'AWS::ApiGateway::Stage' AND position(substring(whole_path, 2), '/') > 0,
        substring(whole_path, position(substring(whole_path, 2), '/') + 1), whole_path) AS own_path
    FROM (
      SELECT *, {sql_told("http.request.method", "http.method")} AS method_, {sql_told("http.route")} AS route_told,
        {sql_told("aws.xray.annotations.http_route")} AS route_noted, {sql_told("aws.xray.origin")} AS origin,
        arrayFirst(t -> t != '', [{sql_told("url.path")}, path({sql_told("url.full", "http.url")}),
          cutQueryString({sql_told("http.target")})]) AS whole_path,
        extract({sql_told("aws.xray.resource_arn")}, '/stages/([^/]+)') AS stage,
        toUInt16(least(ifNull({sql_number("raw_code")}, 0), 999)) AS code
      FROM (
        SELECT trace_id, start, duration_ns, status_code, service, received, parent_span_id = {NO_PARENT} AS root,
          {sql_picked(_ENTRY_TEXTS)}, {_CODE} AS raw_code
        FROM spans WHERE kind = 2 AND hasAny(mapKeys(attributes), {array(_HTTP)})
      )
    )
  )
"""

REQUESTS_VIEW = view("requests_from_spans", "requests", REQUESTS_SELECT)

ENTRIES_VIEW = view(
    "entries_from_requests",
    "entries",
    f"""
SELECT toStartOfMinute(start) AS minute, method, route, service, q, count() AS count, countIf(failed) AS error_count,
  quantilesTDigestState(0.5, 0.95, 0.99)(duration_ms) AS durations_ms, sumMapState([code], [toUInt64(1)]) AS codes,
  groupArraySortedState({LATEST})((-toUnixTimestamp64Nano(start), code, failed, trace_id)) AS latest, max(r.received) AS received
FROM requests AS r WHERE root
GROUP BY minute, method, route, service, q
""",
)

INNER_REQUESTS_VIEW = view(
    "inner_requests_from_requests",
    "inner_requests",
    """
SELECT start, trace_id, method, route, service, q, duration_ms, code, failed, received FROM requests WHERE NOT root
""",
)

REQUESTS_MIGRATION = (
    REQUESTS,
    ENTRIES,
    INNER_REQUESTS,
    ENTRIES_VIEW,
    INNER_REQUESTS_VIEW,
    REQUESTS_VIEW,
    fill(
        "requests (trace_id, root, start, duration_ms, service, received, code, method, route, failed, q)",
        REQUESTS_SELECT,
        "start",
        "SELECT (SELECT count() FROM entries) + (SELECT count() FROM inner_requests)",
    ),
)

REQUESTS_RETENTION = dict.fromkeys(("entries", "inner_requests"), "spans")
"""Which retention setting governs which table."""
