"""Entries: requests from outside by method and route, with what they were answered.

A trace's entry is its server spans without a parent, or the earliest server span where the caller's own span never
arrived. The route is `http.route` where the emitter told it, else an `http_route` annotation, else the URL's path
without the stage and with ids replaced. Sources: OpenTelemetry semantic conventions ("HTTP spans"), AWS X-Ray
Developer Guide ("Amazon API Gateway active tracing support": segment `http.request.url`, `resource_arn`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from coldtrail.model.signals import Attributes
from coldtrail.store.engine import Engine
from coldtrail.store.minutes import MINUTE_NS, REACH_MIN, between, moment, parts
from coldtrail.store.red import Point
from coldtrail.store.resources import number
from coldtrail.store.schema.requests import STATUSES

MOST_SPANS = 500_000
"""More spans than this are not read for their attributes: a longer range is cut to its newest part, and says so."""

MOST_ENTRIES = 300

LATEST = 8
"""So many of the newest requests of an entry are listed, with their trails."""

REACH_NS = REACH_MIN * MINUTE_NS

_QUANTILES = "quantilesTDigest{}(0.5, 0.95, 0.99)"
_AT = "intDiv({at} - {{since:Int64}}, {{step:Int64}})"

_SUMS = f"""count() AS n, countIf(failed) AS errors, {_QUANTILES.format("State")}(duration_ms) AS durations,
  sumMapState([code], [toUInt64(1)]) AS answered,
  groupArraySortedState({LATEST})((-toUnixTimestamp64Nano(start), code, failed, trace_id)) AS newest"""

_FIGURES = f"""
SELECT method, route, at AS step,
  sum(n) AS total, sum(errors), {_QUANTILES.format("Merge")}(durations), sumMapMerge(answered),
  arrayMap(one -> (-one.1, one.2, one.3, lower(hex(one.4))), groupArraySortedMerge({LATEST})(newest)),
  argMax(service, n), argMax(q, n)
FROM (ROWS)
GROUP BY GROUPING SETS ((method, route, step), (method, route)) ORDER BY step
"""

_COUNTED = f"""
SELECT sumMap([at], [n], [errors]), method, route,
  sum(n) AS total, sum(errors), {_QUANTILES.format("Merge")}(durations), sumMapMerge(answered),
  arrayMap(one -> (-one.1, one.2, one.3, lower(hex(one.4))), groupArraySortedMerge({LATEST})(newest)),
  argMax(service, n), argMax(q, n)
FROM (ROWS)
GROUP BY method, route
"""
"""Without the percentiles of each step, which most of the time would go into."""


def _requests(engine: Engine, since_ns: int, until_ns: int, low_ns: int) -> str:
    """SQL for the requests from outside of ``[since, until)``; of a trace known since ``low_ns`` only the first may be one.

    A request with a parent is an entry where no server began its trace: its caller's own span never came, or is no server.
    """
    began = f"SELECT * FROM requests WHERE root AND {between('start', since_ns, until_ns)}"
    others = f"NOT root AND {between('start', low_ns, until_ns)}"
    # To know of which traces a root was seen is dear, and mostly nobody needs to.
    if not engine.rows(f"SELECT 1 FROM requests WHERE {others} LIMIT 1"):
        return began
    return f"""{began}
UNION ALL
SELECT * FROM (
  SELECT * FROM requests AS r WHERE {others} AND r.trace_id NOT IN (
    SELECT trace_id FROM traces
    WHERE {between("start", low_ns - REACH_NS, until_ns)} AND has_root AND root_kind = 2)
  ORDER BY trace_id, start LIMIT 1 BY trace_id)
WHERE start >= {moment(since_ns)}"""


def entry_rows(engine: Engine, since_ns: int, until_ns: int, step_ns: int) -> tuple[str, dict[str, Any]]:
    """Return SQL for the entries of a range by step, and what it binds; "" where there is none.

    Rows: `method`, `route`, `service`, `q`, `at` (the step), `n`, `errors`, and states: `durations`, `answered`, `newest`.
    Reads a row a minute and entry, and each request of what is not summed up yet.
    """
    cut = parts(engine, "entry", since_ns, until_ns, step_ns)
    at = _AT.format(at="toUnixTimestamp64Nano(start)")
    found = []
    for low_ns, high_ns in cut.gaps:
        rows = _requests(engine, low_ns, high_ns, low_ns if low_ns == since_ns else low_ns - REACH_NS)
        found.append(
            f"SELECT method, route, service, q, {at} AS at, {_SUMS} FROM ({rows}) GROUP BY method, route, service, q, at"
        )
    if cut.summed:
        of_minute = _AT.format(at="toInt64(toUnixTimestamp(minute)) * 1000000000")
        found.append(
            f"""SELECT method, route, service, q, {of_minute} AS at, toUInt64(count) AS n, toUInt64(error_count) AS errors,
  durations_ms AS durations, answered, newest FROM entry_minutes WHERE {cut.where}"""
        )
    bound: dict[str, Any] = {"since": since_ns, "until": until_ns, "step": step_ns}
    return "\nUNION ALL\n".join(found), bound | (cut.parameters if cut.summed else {})


def sum_up(engine: Engine, since_s: int, until_s: int, version: int) -> None:
    """Sum up the minutes of ``[since_s, until_s)`` by entry."""
    since_ns, until_ns = since_s * 10**9, until_s * 10**9
    engine.command(
        f"""INSERT INTO entry_minutes (minute, method, route, service, q, count, error_count, durations_ms, answered, newest,
  version, received)
SELECT minute, method, route, service, q, n, errors, durations, answered, newest, toUInt64({int(version)}), now() FROM (
  SELECT toStartOfMinute(start) AS minute, method, route, service, q, {_SUMS}
  FROM ({_requests(engine, since_ns, until_ns, since_ns - REACH_NS)}) GROUP BY minute, method, route, service, q)""",
        {"max_threads": 1},
    )


_ABOUT = """
EXPLAIN ESTIMATE SELECT start FROM spans
WHERE start >= fromUnixTimestamp64Nano({since:Int64}) AND start < fromUnixTimestamp64Nano({until:Int64})
"""
"""Rows by part and granule, from the index alone: counting them would cost as much as what is read of them."""


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


def entries(engine: Engine, since_ns: int, until_ns: int, step_ns: int, *, percentiles: bool = True) -> list[Entry]:
    """Return the entries of a range of whole minutes, the busiest first; ``step_ns`` is whole minutes.

    Without ``percentiles`` points have only counts. Reads a row a minute and entry, and a short row for each request of what
    is not summed up yet.
    """
    query, bound = entry_rows(engine, since_ns, until_ns, step_ns)
    if not percentiles:
        rows = engine.rows(_COUNTED.replace("ROWS", query), bound) if query else []
        return _busiest(_with_counts(steps, _entry(*row), since_ns, step_ns) for steps, *row in rows)
    found: dict[tuple[str, str], Entry] = {}
    points: dict[tuple[str, str], list[Point]] = {}
    for row in engine.rows(_FIGURES.replace("ROWS", query), bound, {"group_by_use_nulls": 1}) if query else ():
        method, route, step, count, errors, quantiles, codes, latest, service, q = row
        if step is not None:
            p50, p95, p99 = (number(value) for value in quantiles)
            at = since_ns + step * step_ns
            points.setdefault((method, route), []).append(Point(at, count, errors, p50, p95, p99))
            continue
        found[method, route] = _entry(method, route, count, errors, quantiles, codes, latest, service, q)
    for key, series in points.items():
        found[key].points = series
    return _busiest(found.values())


def _busiest(found: Iterable[Entry]) -> list[Entry]:
    return sorted(found, key=lambda one: (-one.count, one.route, one.method))[:MOST_ENTRIES]


def _entry(
    method: str, route: str, count: int, errors: int, quantiles: Any, codes: Any, latest: Any, service: str, q: str
) -> Entry:  # fmt: skip
    p50, p95, p99 = (number(value) for value in quantiles)
    counted = dict(zip(codes[0], codes[1], strict=True))
    newest = [Answer(at, code, bool(failed), trace_id) for at, code, failed, trace_id in latest]
    return Entry(method, route, service, q, count, errors, p50, p95, p99, counted, newest, [])


def _with_counts(steps: Any, entry: Entry, since_ns: int, step_ns: int) -> Entry:
    """Give an entry its points: (steps, counts, errors)."""
    told = zip(*steps, strict=True)
    entry.points = [Point(since_ns + at * step_ns, count, errors, None, None, None) for at, count, errors in told]
    return entry


def newest_part(engine: Engine, since_ns: int, until_ns: int, step_ns: int) -> int:
    """Return the beginning, or where a range has about more spans than are read a later one; halves it until it has not."""
    while until_ns - since_ns > step_ns:
        parts_of_it = engine.rows(_ABOUT, {"since": since_ns, "until": until_ns})
        if sum(int(rows) for _, _, _, rows, _ in parts_of_it) <= MOST_SPANS:
            break
        since_ns = until_ns - (until_ns - since_ns) // 2 // step_ns * step_ns
    return since_ns
