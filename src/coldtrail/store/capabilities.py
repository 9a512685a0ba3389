"""Rate, errors and duration by capability: what users can do, told by the application that a service says it belongs to, and
by workflows.

A capability is counted by its requests from outside; one without any by the invocations of its functions; one without those
by its services' spans. Percentiles come from merged sketches of the whole, never from percentiles of its parts.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from coldtrail.store.engine import Engine
from coldtrail.store.entries import entry_rows
from coldtrail.store.functions.minutes import INVOCATIONS, TOOK_MS
from coldtrail.store.outcomes.figures import Figures, by_minute, figures
from coldtrail.store.red import Point
from coldtrail.store.resources import RANGE, number

Counted = Literal["requests", "invocations", "spans", "outcomes"]

MOST_CAPABILITIES = 200
MOST_WORKFLOWS = 20
"""Each is asked for its course; of more, those with the greatest share of errors are shown."""

WELL = ("complete", "open")
"""Outcomes with which a user has nothing to complain of, or not yet."""

_QUANTILES = "quantilesTDigest(0.5, 0.95, 0.99)"
_STEP = "intDiv(toUnixTimestamp64Nano({at}) - {{since:Int64}}, {{step:Int64}})"
_GROUPED = "GROUP BY GROUPING SETS ((capability, step), (capability)) HAVING capability != ''"

_OF_REQUESTS = f"""
SELECT transform(toString(service), {{services:Array(String)}}, {{tags:Array(String)}}, '') AS capability,
  at AS step, sum(n), sum(errors), quantilesTDigestMerge(0.5, 0.95, 0.99)(durations)
FROM (ROWS) {_GROUPED}
"""

_OF_INVOCATIONS = f"""
SELECT transform(bitAnd(who, 0xFFFFFFFFFFFFFFF), arrayMap(name -> bitShiftRight(cityHash64(name), 4), {{services:Array(String)}}),
    {{tags:Array(String)}}, '') AS capability,
  {_STEP.format(at="at")} AS step, count() AS n, countIf(failed),
  {_QUANTILES}({TOOK_MS})
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
    """One capability over a range of whole minutes, and over the equal range before.

    ``services``: those that make it up; ``workflow``: its name, where it is one, and then there is no ``p99_ms``.
    """

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
    workflow: str = ""


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
    return worst_first(list(found.values()))


def workflows(engine: Engine, titles: dict[str, str], since_ns: int, until_ns: int, step_ns: int) -> list[Capability]:
    """Return the workflows by name with trails in the range, as capabilities; what does not end well in time is an error."""
    before = figures(engine, 2 * since_ns - until_ns, since_ns)
    found = worst_first(
        [
            _of_outcomes(name, titles[name], one, before.get(name, Figures({}, None, None)))
            for name, one in figures(engine, since_ns, until_ns).items()
            if name in titles and one.counts
        ]
    )[:MOST_WORKFLOWS]
    for one in found:
        course = by_minute(engine, one.workflow, since_ns, until_ns, step_ns)
        one.points = [Point(at, sum(counts.values()), _ill(counts), None, None, None) for at, counts in course.items()]
    return found


def _of_outcomes(name: str, title: str, one: Figures, before: Figures) -> Capability:
    return Capability(
        name=title,
        counted="outcomes",
        services=[],
        count=sum(one.counts.values()),
        error_count=_ill(one.counts),
        p50_ms=number(one.p50_ms),
        p95_ms=number(one.p95_ms),
        p99_ms=None,
        previous_count=sum(before.counts.values()),
        previous_error_count=_ill(before.counts),
        previous_p95_ms=number(before.p95_ms),
        points=[],
        workflow=name,
    )


def _ill(counts: dict[str, int]) -> int:
    return sum(count for status, count in counts.items() if status not in WELL)


def worst_first(found: list[Capability]) -> list[Capability]:
    """Return capabilities by their share of errors, then by how much is done."""
    ordered = sorted(found, key=lambda one: (-one.error_count / max(one.count, 1), -one.count, one.name))
    return ordered[:MOST_CAPABILITIES]


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
    if query is _OF_REQUESTS:
        rows, bound = entry_rows(engine, since_ns, until_ns, step_ns)
        if not rows:
            return []
        query, parameters = query.replace("ROWS", rows), parameters | bound
    return engine.rows(query, parameters, {"group_by_use_nulls": 1})
