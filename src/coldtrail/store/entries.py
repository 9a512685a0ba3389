"""Entries: requests from outside by method and route, with what they were answered.

A trace's entry is its server spans without a parent, or the earliest server span where the caller's own span never
arrived. The route is `http.route` where the emitter told it, else an `http_route` annotation, else the URL's path
without the stage and with ids replaced. Sources: OpenTelemetry semantic conventions ("HTTP spans"), AWS X-Ray
Developer Guide ("Amazon API Gateway active tracing support": segment `http.request.url`, `resource_arn`).
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from coldtrail.model.signals import Attributes
from coldtrail.store.anyvalue import sql_number, sql_text
from coldtrail.store.engine import Engine
from coldtrail.store.red import Point

MOST_SPANS = 500_000
"""More spans than this are not read for their attributes: a longer range is cut to its newest part, and says so."""

LATEST = 8


_STATUS_NAMES = ("http.response.status_code", "http.status_code", "aws.xray.http.response.status")
_TEXTS = {
    "method_told": "http.request.method",
    "old_method": "http.method",
    "route_told": "http.route",
    "route_noted": "aws.xray.annotations.http_route",
    "path_told": "url.path",
    "url_told": "url.full",
    "old_url": "http.url",
    "target": "http.target",
    "arn": "aws.xray.resource_arn",
    "origin": "aws.xray.origin",
}
"""Names of the query for the texts of attributes: the engine reads each of them once a row."""

_ALIASES = ",\n  ".join(
    f"attributes['{attribute}'] AS raw_{name}, {sql_text(f'raw_{name}')} AS {name}"
    for name, attribute in _TEXTS.items()
)
_CODES = ", ".join(sql_number(f"attributes['{name}']") for name in _STATUS_NAMES)
_HTTP = "hasAny(mapKeys(attributes), ['http.request.method', 'http.method', 'http.route', 'url.full', 'url.path', 'http.url'])"

# A gateway's own host has the stage as the path's first part; its segment says so in its ARN or its origin.
# A part of a path that is a number, long hex or has three digits in a row is somebody's id.
_ENTRIES = f"""
SELECT arrayJoin(if(empty(roots), [first], roots)) AS entry, entry.1 AS method, entry.2 AS route, entry.3 AS service,
  entry.4 AS start, entry.5 AS duration_ms, entry.6 AS code, entry.7 AS failed, entry.8 AS q, trace
FROM (
  SELECT trace_id AS trace, groupArrayIf(one, root) AS roots, argMin(one, start) AS first FROM (
    WITH {_ALIASES},
      multiIf(path_told != '', path_told, url_told != '', path(url_told), old_url != '', path(old_url),
        cutQueryString(target)) AS whole_path,
      extract(arn, '/stages/([^/]+)') AS stage, position(substring(whole_path, 2), '/') AS second,
      multiIf(stage != '' AND startsWith(whole_path, concat('/', stage, '/')), substring(whole_path, length(stage) + 2),
        origin = 'AWS::ApiGateway::Stage' AND second > 0, substring(whole_path, second + 1), whole_path) AS own_path,
      arrayStringConcat(arrayMap(part -> if(match(part, '^[0-9]+$|[0-9]{{3}}|^[0-9a-fA-F-]{{16,}}$'),
        concat('{{', 'id', '}}'), part), splitByChar('/', own_path)), '/') AS route_made,
      multiIf(route_told != '', route_told, route_noted != '', route_noted, route_made) AS route_,
      toUInt16(ifNull(coalesce({_CODES}), 0)) AS code_
    SELECT trace_id, start, parent_span_id = toFixedString('', 8) AS root,
      (upper(if(method_told != '', method_told, old_method)), route_, toString(service), start, duration_ns / 1e6, code_,
        (status_code = 2 AND NOT (code_ BETWEEN 400 AND 499)) OR code_ >= 500,
        multiIf(route_told != '', concat('http.route=', route_told),
          route_noted != '', concat('aws.xray.annotations.http_route=', route_noted), '')) AS one
    FROM spans
    WHERE start >= fromUnixTimestamp64Nano({{since:Int64}}) AND start < fromUnixTimestamp64Nano({{until:Int64}})
      AND kind = 2 AND {_HTTP})
  GROUP BY trace_id)
"""

_FIGURES = f"""
SELECT method, route, intDiv(toUnixTimestamp64Nano(start) - {{since:Int64}}, {{step:Int64}}) AS step, count(),
  countIf(failed), quantilesTDigest(0.5, 0.95, 0.99)(duration_ms), sumMap([code], [toUInt64(1)]),
  groupArraySorted({LATEST})((-toUnixTimestamp64Nano(start), code, failed, lower(hex(trace)))), any(service), any(q)
FROM ({_ENTRIES})
GROUP BY GROUPING SETS ((method, route, step), (method, route)) ORDER BY step
"""

_COUNT = """
SELECT count() FROM spans
WHERE start >= fromUnixTimestamp64Nano({since:Int64}) AND start < fromUnixTimestamp64Nano({until:Int64})
"""


class Answer(Struct):
    """One of the newest requests. ``code`` is 0 where no HTTP status is known."""

    time_ns: int
    code: int
    failed: bool
    trace_id: str


class Entry(Struct):
    """One method and route. ``q`` finds its trails as a `/trails?q=`, "" where only the service does."""

    method: str
    route: str
    service: str
    q: str
    count: int
    error_count: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    codes: dict[int, int]
    latest: list[Answer]
    points: list[Point]


_ID_PART = re.compile(r"^[0-9]+$|[0-9]{3}|^[0-9a-fA-F-]{16,}$")


class Request(Struct, frozen=True):
    """What a server span says of its request; ``code`` is 0 where no HTTP status is told."""

    method: str
    route: str
    code: int


def request_of(attributes: Attributes) -> Request | None:
    """Return the request that a server span speaks of, None where it speaks of none; the twin of the SQL above."""
    method = _text_of(attributes, "http.request.method", "http.method").upper()
    route = _text_of(attributes, "http.route", "aws.xray.annotations.http_route") or _path_route(attributes)
    code = next((value for name in _STATUS_NAMES if isinstance(value := attributes.get(name), int | float)), 0)
    return Request(method, route, int(code)) if method or route else None


def _text_of(attributes: Attributes, *names: str) -> str:
    return next((value for name in names if isinstance(value := attributes.get(name), str) and value), "")


def _path_route(attributes: Attributes) -> str:
    try:
        path = _text_of(attributes, "url.path") or urlsplit(_text_of(attributes, "url.full", "http.url")).path
    except ValueError:
        return ""
    path = path or _text_of(attributes, "http.target").partition("?")[0]
    stage = re.search("/stages/([^/]+)", _text_of(attributes, "aws.xray.resource_arn"))
    if stage and path.startswith(f"/{stage[1]}/"):
        path = path[len(stage[1]) + 1 :]
    elif attributes.get("aws.xray.origin") == "AWS::ApiGateway::Stage" and path.count("/") > 1:
        path = "/" + path.split("/", 2)[2]
    return "/".join("{id}" if _ID_PART.search(part) else part for part in path.split("/"))


def _number(value: Any) -> float | None:
    return None if value != value else round(float(value), 3)


def entries(engine: Engine, since_ns: int, until_ns: int, step_ns: int) -> tuple[list[Entry], int]:
    """Return the entries of a range, the busiest first, and the time from which on they are counted.

    Reads the attributes of the range's spans; where those are more than ``MOST_SPANS``, of its newest part.
    """
    parameters = {"since": newest_part(engine, since_ns, until_ns, step_ns), "until": until_ns, "step": step_ns}
    found: dict[tuple[str, str], Entry] = {}
    points: dict[tuple[str, str], list[Point]] = {}
    for row in engine.rows(_FIGURES, parameters, {"group_by_use_nulls": 1}):
        method, route, step, count, errors, quantiles, codes, latest, service, q = row
        p50, p95, p99 = (_number(value) for value in quantiles)
        if step is not None:
            at = parameters["since"] + step * step_ns
            points.setdefault((method, route), []).append(Point(at, count, errors, p50, p95, p99))
            continue
        counted = dict(zip(codes[0], codes[1], strict=True))
        newest = [Answer(-at, code, bool(failed), trace_id) for at, code, failed, trace_id in latest]
        found[method, route] = Entry(method, route, service, q, count, errors, p50, p95, p99, counted, newest, [])
    for key, series in points.items():
        found[key].points = series
    return sorted(found.values(), key=lambda one: (-one.count, one.route, one.method)), parameters["since"]


def newest_part(engine: Engine, since_ns: int, until_ns: int, step_ns: int) -> int:
    """Return the beginning, or where a range has more spans than are read a later one; halves it until it has not."""
    while until_ns - since_ns > step_ns:
        if engine.rows(_COUNT, {"since": since_ns, "until": until_ns})[0][0] <= MOST_SPANS:
            break
        since_ns = until_ns - (until_ns - since_ns) // 2 // step_ns * step_ns
    return since_ns
