"""Requests, kept by themselves while a segment is loaded: method, route, answer and duration, without their other attributes.

The route is `http.route` where the emitter told it, else an `http_route` annotation, else the URL's path without the
stage and with ids replaced. Sources: OpenTelemetry semantic conventions ("HTTP spans"), AWS X-Ray Developer Guide
("Amazon API Gateway active tracing support": segment `http.request.url`, `resource_arn`). Kept one by one:
states of aggregates by minute and route cost the load three times as much, and an hour of half a million reads in 0.2 s.
"""

from __future__ import annotations

from coldtrail.store.anyvalue import sql_number
from coldtrail.store.resource_names import sql_has_any, sql_picked, sql_told
from coldtrail.store.schema.calls import NO_PARENT, fill, view
from coldtrail.store.schema.table import table

STATUSES = ("http.response.status_code", "http.status_code", "aws.xray.http.response.status")

REQUESTS = table(
    "requests",
    """
  start DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
  trace_id FixedString(16) CODEC(ZSTD(1)),
  root UInt8 CODEC(ZSTD(1)),
  method LowCardinality(String) CODEC(ZSTD(1)),
  route LowCardinality(String) CODEC(ZSTD(1)),
  service LowCardinality(String) CODEC(ZSTD(1)),
  q LowCardinality(String) CODEC(ZSTD(1)),
  duration_ms Float32 CODEC(ZSTD(1)),
  code UInt16 CODEC(ZSTD(1)),
  failed UInt8 CODEC(ZSTD(1)),
  received DateTime CODEC(Delta, ZSTD(1))
""",
    "toStartOfMinute(start), trace_id",
)
"""One row each, ``root``: without a parent. Whether one with a parent is its trace's entry shows only when the rest has come."""

_HTTP = (
    "http.request.method",
    "http.method",
    "http.route",
    "url.full",
    "url.path",
    "http.url",
)
_ENTRY_TEXTS = (*_HTTP, "http.target", "aws.xray.annotations.http_route", "aws.xray.resource_arn", "aws.xray.origin")
_PICKED = (*_ENTRY_TEXTS, *STATUSES)

# A gateway's own host has the stage as the path's first part; its segment says so in its ARN or its origin.
# A part of a path that is a number, long hex or has three digits in a row is somebody's id.
REQUESTS_SELECT = f"""
SELECT trace_id, root, start, toFloat32(duration_ns / 1e6) AS duration_ms, service, received, code,
    upper(substring(method_, 1, 20)) AS method,
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
        if(route_told != '' OR route_noted != '', '', arrayFirst(t -> t != '', [{sql_told("url.path")},
          path({sql_told("url.full", "http.url")}), cutQueryString({sql_told("http.target")})])) AS whole_path,
        extract({sql_told("aws.xray.resource_arn")}, '/stages/([^/]+)') AS stage,
        {sql_told(*STATUSES, of="rs")} AS raw_code, toUInt16(least(ifNull({sql_number("raw_code")}, 0), 999)) AS code
      FROM (
        SELECT trace_id, start, duration_ns, status_code, service, received, parent_span_id = {NO_PARENT} AS root,
          {sql_picked(_PICKED)}
        FROM spans WHERE kind = 2 AND {sql_has_any(_HTTP)}
      )
    )
  )
"""

REQUESTS_MIGRATION = (
    REQUESTS,
    view("requests_from_spans", "requests", REQUESTS_SELECT),
    fill(
        "requests (trace_id, root, start, duration_ms, service, received, code, method, route, failed, q)",
        REQUESTS_SELECT,
        "start",
        "SELECT count() FROM requests",
    ),
)

REQUESTS_RETENTION = {"requests": "spans"}
"""Which retention setting governs which table."""
