"""Rate, errors and duration, and the page of one function."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

from litestar import Response, Router, get
from litestar.datastructures import State

from coldtrail.model.times import rfc3339
from coldtrail.server.api.service import json
from coldtrail.server.api.times import parse_step, parse_time
from coldtrail.store.functions.function import FailureGroup, failures
from coldtrail.store.functions.function import function as read_function
from coldtrail.store.red import Group, Point
from coldtrail.store.red import red as read_red
from coldtrail.store.trails.summaries import unit_of
from coldtrail.trails.nodes.identity import node_id_of

HOUR_NS = 3600 * 10**9

Wanted = Literal["all", "counts"]
"""What is told of the steps of a chart."""

Tell = Callable[[Sequence[Point]], Any]


def time_range(since: str | None, until: str | None, default_ns: int = HOUR_NS) -> tuple[int, int]:
    """Return [since, until) in Unix nanoseconds; the last hour without either."""
    until_ns = parse_time(until, "until") if until else time.time_ns()
    since_ns = parse_time(since, "since") if since else until_ns - default_ns
    return (min(since_ns, until_ns), max(since_ns, until_ns, since_ns + 10**9))


@get("/red", sync_to_thread=True)
def red(
    state: State,
    group: Literal["service", "function", "route"] = "service",
    since: str | None = None,
    until: str | None = None,
    step: str | None = None,
    points: Wanted = "all",
) -> Response[bytes]:
    """Rate, errors, p50, p95 and p99 per step, the most troubled group first; `points=counts`: of steps only the counts."""
    since_ns, until_ns = time_range(since, until)
    step_ns = parse_step(step, since_ns, until_ns)
    since_ns, until_ns = since_ns // step_ns * step_ns, -(-until_ns // step_ns) * step_ns
    groups = read_red(state.service.engine, group, since_ns, until_ns, step_ns, percentiles=points == "all")
    tell = teller(points, since_ns, until_ns, step_ns)
    return json(
        {
            "since": rfc3339(since_ns),
            "until": rfc3339(until_ns),
            "step_s": step_ns / 1e9,
            "groups": [_group(one, tell) for one in groups],
        }
    )


def point_of(point: Point, step_ns: int) -> dict[str, Any]:
    """One step of a chart: rate, errors, percentiles."""
    return {
        "time": rfc3339(point.start_ns),
        "count": point.count,
        "error_count": point.error_count,
        "rate_per_s": point.count / (step_ns / 1e9),
        "p50_ms": point.p50_ms,
        "p95_ms": point.p95_ms,
        "p99_ms": point.p99_ms,
    }


def teller(points: Wanted, since_ns: int, until_ns: int, step_ns: int) -> Tell:
    """Return what tells the points of a group: a point each of the steps in which something was, or rows of the counts of all."""
    if points == "all":
        return lambda some: [point_of(one, step_ns) for one in some]
    return lambda some: _counts(some, since_ns, -(-(until_ns - since_ns) // step_ns), step_ns)


def _counts(points: Sequence[Point], since_ns: int, steps: int, step_ns: int) -> dict[str, list[int]]:
    """For sparklines: of hundreds of groups a tenth of what points take, to send and to read."""
    count, errors = [0] * steps, [0] * steps
    for one in points:
        at = (one.start_ns - since_ns) // step_ns
        count[at], errors[at] = one.count, one.error_count
    return {"count": count, "error_count": errors}


def _group(group: Group, tell: Tell) -> dict[str, Any]:
    return {
        "name": group.name,
        "kind": group.kind,
        "count": group.count,
        "error_count": group.error_count,
        "p50_ms": group.p50_ms,
        "p95_ms": group.p95_ms,
        "p99_ms": group.p99_ms,
        "cold_start_count": group.cold_start_count,
        "previous": {
            "count": group.previous_count,
            "error_count": group.previous_error_count,
            "p95_ms": group.previous_p95_ms,
        },
        "points": tell(group.points),
    }


@get("/functions/{name:str}", sync_to_thread=True)
def function(state: State, name: str, since: str | None = None, until: str | None = None) -> Response[bytes]:
    """One function: its figures, charts, failures and newest invocations."""
    since_ns, until_ns, step_ns = _from_a_step(since, until)
    page = read_function(state.service.engine, name, since_ns, until_ns, step_ns)
    units = {unit_of(one) for one in page.invocations} | {unit_of(one) for one in page.failures}
    trail_ids = state.service.trails.trails_of(sorted(units))
    summary = page.summary
    return json(
        {
            "name": name,
            "summary": {field: getattr(summary, field) for field in summary.__struct_fields__},
            "points": [
                {
                    "time": rfc3339(point.start_ns),
                    "count": point.count,
                    "error_count": point.error_count,
                    "cold_p50_ms": point.cold_p50_ms,
                    "warm_p50_ms": point.warm_p50_ms,
                    "p95_ms": point.p95_ms,
                    "memory_used_mb": point.memory_used_mb,
                }
                for point in page.points
            ],
            "errors": [_failure(one, trail_ids) for one in page.failures],
            "invocations": [
                {
                    "node_id": node_id_of("request_id", one.request_id),
                    "trail_id": trail_ids[unit_of(one)][0],
                    "time": rfc3339(one.time_ns),
                    "duration_ms": one.duration_ms,
                    "init_ms": one.init_ms,
                    "cold_start": one.cold_start,
                    "status": one.status,
                    "request_id": one.request_id,
                    "memory_used_mb": one.memory_used_mb,
                }
                for one in page.invocations
            ],
        }
    )


@get("/functions/{name:str}/errors", sync_to_thread=True)
def errors(state: State, name: str, since: str | None = None, until: str | None = None) -> Response[bytes]:
    """How a function fails, the most frequent first: what its page says of it, alone."""
    since_ns, until_ns, _ = _from_a_step(since, until)
    found = failures(state.service.engine, name, since_ns, until_ns)
    trail_ids = state.service.trails.trails_of(sorted({unit_of(one) for one in found}))
    return json({"name": name, "errors": [_failure(one, trail_ids) for one in found]})


def _from_a_step(since: str | None, until: str | None) -> tuple[int, int, int]:
    """The range of a function's page, which begins with a whole step, and the step."""
    since_ns, until_ns = time_range(since, until)
    step_ns = parse_step(None, since_ns, until_ns)
    return since_ns // step_ns * step_ns, until_ns, step_ns


def _failure(one: FailureGroup, trail_ids: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "type": one.type,
        "message": one.message,
        "count": one.count,
        "first_seen": rfc3339(one.first_seen_ns),
        "last_seen": rfc3339(one.last_seen_ns),
        "trail_id": trail_ids[unit_of(one)][0],
        "request_id": one.request_id,
    }


router = Router(path="/", route_handlers=[red, function, errors], tags=["red"])
