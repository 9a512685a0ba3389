"""Rate, errors and duration by capability: what users can do, told by the application that a service says it belongs to.

A capability is counted by its requests from outside; one without any by the invocations of its functions; one without those
by its services' spans. Percentiles come from merged sketches of the whole, never from percentiles of its parts.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from coldtrail.store.engine import Engine
from coldtrail.store.entries import ENTRIES
from coldtrail.store.red import INVOCATIONS, Point
from coldtrail.store.resources import RANGE, number

Counted = Literal["requests", "invocations", "spans"]

MOST_CAPABILITIES = 200

_QUANTILES = "quantilesTDigest(0.5, 0.95, 0.99)"
_STEP = "intDiv(toUnixTimestamp64Nano({at}) - {{since:Int64}}, {{step:Int64}})"
_GROUPED = "GROUP BY GROUPING SETS ((capability, step), (capability)) HAVING capability != ''"

_OF_REQUESTS = f"""
SELECT transform(toString(service), {{services:Array(String)}}, {{tags:Array(String)}}, '') AS capability,
  {_STEP.format(at="start")} AS step, count() AS n, countIf(failed), {_QUANTILES}(duration_ms)
FROM ({ENTRIES}) {_GROUPED}
"""

_OF_INVOCATIONS = f"""
SELECT transform(bitAnd(who, 0xFFFFFFFFFFFFFFF), arrayMap(name -> bitShiftRight(cityHash64(name), 4), {{services:Array(String)}}),
    {{tags:Array(String)}}, '') AS capability,
  {_STEP.format(at="at")} AS step, count() AS n, countIf(failed),
  {_QUANTILES}(if(took >= 1e12, 0, took - floor(took / 1e10) * 1e10))
FROM ({INVOCATIONS}) {_GROUPED}
"""

_OF_SPANS = f"""
SELECT transform(toString(name), {{services:Array(String)}}, {{tags:Array(String)}}, '') AS capability,
  intDiv(toInt64(toUnixTimestamp(minute)) * 1000000000 - {{since:Int64}}, {{step:Int64}}) AS step,
  sum(r.count) AS n, sum(r.error_count), quantilesTDigestMerge(0.5, 0.95, 0.99)(durations_ms)
FROM red AS r WHERE grouping = 'service' AND {RANGE} {_GROUPED}
"""

_WAYS: tuple[tuple[Counted, str], ...] = (
    ("requests", _OF_REQUESTS),
    ("invocations", _OF_INVOCATIONS),
    ("spans", _OF_SPANS),
)


class Capability(Struct):
    """One capability over a range of whole minutes, and over the equal range before. ``services``: those that make it up."""

    name: str
    counted: Counted
    services: list[str]
    count: int
    error_count: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    previous_count: int
    previous_error_count: int
    previous_p95_ms: float | None
    points: list[Point]


def capabilities(engine: Engine, tags: dict[str, str], since_ns: int, until_ns: int, step_ns: int) -> list[Capability]:
    """Return the capabilities that ``tags`` (service to application) tell, the greatest share of errors first.

    Reads a short row a request; and rows of invocations and of the minutes' roll-up only where requests do not tell.
    """
    found: dict[str, Capability] = {}
    untold = dict(tags)
    for counted, query in _WAYS:
        if untold:
            found |= _read(engine, counted, query, untold, since_ns, until_ns, step_ns)
            untold = {service: tag for service, tag in tags.items() if tag not in found}
    for one in found.values():
        one.services = sorted(service for service, tag in tags.items() if tag == one.name)
    return sorted(found.values(), key=lambda one: (-one.error_count / one.count, -one.count, one.name))[
        :MOST_CAPABILITIES
    ]


def _read(
    engine: Engine, counted: Counted, query: str, tags: dict[str, str], since_ns: int, until_ns: int, step_ns: int
) -> dict[str, Capability]:
    span_ns = until_ns - since_ns
    before = {
        row[0]: row for row in _rows(engine, query, tags, since_ns - span_ns, since_ns, span_ns) if row[1] is None
    }
    found: dict[str, Capability] = {}
    points: dict[str, list[Point]] = {}
    for name, step, count, errors, quantiles in _rows(engine, query, tags, since_ns, until_ns, step_ns):
        p50, p95, p99 = (number(value) for value in quantiles)
        if step is not None:
            points.setdefault(name, []).append(Point(since_ns + step * step_ns, count, errors, p50, p95, p99))
            continue
        previous = before.get(name)
        found[name] = Capability(
            name=name,
            counted=counted,
            services=[],
            count=count,
            error_count=errors,
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
            previous_count=previous[2] if previous else 0,
            previous_error_count=previous[3] if previous else 0,
            previous_p95_ms=number(previous[4][1]) if previous else None,
            points=[],
        )
    for name, series in points.items():
        found[name].points = sorted(series, key=lambda point: point.start_ns)
    return found


def _rows(
    engine: Engine, query: str, tags: dict[str, str], since_ns: int, until_ns: int, step_ns: int
) -> list[tuple[Any, ...]]:
    parameters = {"since": since_ns, "until": until_ns, "step": step_ns, "services": [*tags], "tags": [*tags.values()]}
    return engine.rows(query, parameters, {"group_by_use_nulls": 1})
