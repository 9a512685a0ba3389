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
from coldtrail.store.engine import Engine
from coldtrail.store.red import Point
from coldtrail.store.requests_schema import STATUSES

MOST_SPANS = 500_000
"""More spans than this are not read for their attributes: a longer range is cut to its newest part, and says so."""

MOST_ENTRIES = 300

LATEST = 8
"""So many of the newest requests of an entry are listed, with their trails."""

_RANGE = "start >= fromUnixTimestamp64Nano({since:Int64}) AND start < fromUnixTimestamp64Nano({until:Int64})"

# A request with a parent is an entry where no server began its trace: its caller's own span never came, or is no server.
ENTRIES = f"""
SELECT * FROM requests WHERE root AND {_RANGE}
UNION ALL
SELECT * FROM (
  SELECT * FROM requests AS r WHERE NOT root AND {_RANGE}
  AND r.trace_id NOT IN (
    SELECT trace_id FROM traces
    WHERE start >= fromUnixTimestamp64Nano({{since:Int64}}) - INTERVAL 15 MINUTE
      AND start < fromUnixTimestamp64Nano({{until:Int64}}) AND has_root AND root_kind = 2)
  ORDER BY trace_id, start LIMIT 1 BY trace_id)
"""
"""The requests from outside of a range: rows of `requests`."""

_BY_STEP = f"""
SELECT method, route, service, q, intDiv(toUnixTimestamp64Nano(start) - {{since:Int64}}, {{step:Int64}}) AS at, count() AS n,
  countIf(failed) AS errors, quantilesTDigestState(0.5, 0.95, 0.99)(duration_ms) AS durations,
  sumMapState([code], [toUInt64(1)]) AS answered,
  groupArraySortedState({LATEST})((-toUnixTimestamp64Nano(start), code, failed, trace_id)) AS newest
FROM ({ENTRIES}) GROUP BY method, route, service, q, at
"""

_FIGURES = f"""
SELECT method, route, at AS step,
  sum(n) AS total, sum(errors), quantilesTDigestMerge(0.5, 0.95, 0.99)(durations), sumMapMerge(answered),
  arrayMap(one -> (-one.1, one.2, one.3, lower(hex(one.4))), groupArraySortedMerge({LATEST})(newest)),
  argMax(service, n), argMax(q, n)
FROM ({_BY_STEP})
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
    code = next((value for name in STATUSES if isinstance(value := attributes.get(name), int | float)), 0)
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


def entries(engine: Engine, since_ns: int, until_ns: int, step_ns: int) -> list[Entry]:
    """Return the entries of a range of whole minutes, the busiest first; ``step_ns`` is whole minutes.

    Reads one short row of every request.
    """
    parameters = {"since": since_ns, "until": until_ns, "step": step_ns}
    found: dict[tuple[str, str], Entry] = {}
    points: dict[tuple[str, str], list[Point]] = {}
    for row in engine.rows(_FIGURES, parameters, {"group_by_use_nulls": 1}):
        method, route, step, count, errors, quantiles, codes, latest, service, q = row
        p50, p95, p99 = (_number(value) for value in quantiles)
        if step is not None:
            at = since_ns + step * step_ns
            points.setdefault((method, route), []).append(Point(at, count, errors, p50, p95, p99))
            continue
        counted = dict(zip(codes[0], codes[1], strict=True))
        newest = [Answer(at, code, bool(failed), trace_id) for at, code, failed, trace_id in latest]
        found[method, route] = Entry(method, route, service, q, count, errors, p50, p95, p99, counted, newest, [])
    for key, series in points.items():
        found[key].points = series
    return sorted(found.values(), key=lambda one: (-one.count, one.route, one.method))[:MOST_ENTRIES]


def newest_part(engine: Engine, since_ns: int, until_ns: int, step_ns: int) -> int:
    """Return the beginning, or where a range has more spans than are read a later one; halves it until it has not."""
    while until_ns - since_ns > step_ns:
        if engine.rows(_COUNT, {"since": since_ns, "until": until_ns})[0][0] <= MOST_SPANS:
            break
        since_ns = until_ns - (until_ns - since_ns) // 2 // step_ns * step_ns
    return since_ns
