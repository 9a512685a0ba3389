"""Entries from outside, how long trails took, and the queues, streams, tables and buckets behind the functions."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException

from coldtrail.model.times import rfc3339
from coldtrail.server.api.red import Tell, Wanted, teller, time_range
from coldtrail.server.api.service import Service, json
from coldtrail.server.api.times import parse_step
from coldtrail.store.entries import Entry
from coldtrail.store.entries import entries as read_entries
from coldtrail.store.resource_names import CARRIES, MESSAGE_KINDS, Resource
from coldtrail.store.resources import Calls, calls, kinds_of, list_resources
from coldtrail.store.sources.messages import Messages, messages
from coldtrail.store.trails.durations import durations as read_durations

MINUTE_NS = 60 * 10**9
DAY_NS = 86_400 * 10**9
UNKNOWN_BACKLOG = (
    "How many wait in it right now is not in the telemetry received: senders and takers tell of the messages they "
    "touch, only the service's own metrics tell of the rest."
)


def whole_minutes(since: str | None, until: str | None, step: str | None) -> tuple[int, int, int]:
    """Return [since, until) and the step as roll-ups have them: in whole minutes."""
    since_ns, until_ns = time_range(since, until)
    step_ns = -(-parse_step(step, since_ns, until_ns) // MINUTE_NS) * MINUTE_NS
    return since_ns // step_ns * step_ns, -(-until_ns // step_ns) * step_ns, step_ns


@get("/entries", sync_to_thread=True)
def entries(
    state: State,
    since: str | None = None,
    until: str | None = None,
    step: str | None = None,
    points: Wanted = "all",
) -> Response[bytes]:
    """Requests from outside by method and route: rate, errors, durations, and what the newest were answered.

    ``points=counts``: of steps only the counts.
    """
    since_ns, until_ns, step_ns = whole_minutes(since, until, step)
    found = read_entries(state.service.engine, since_ns, until_ns, step_ns, percentiles=points == "all")
    tell = teller(points, since_ns, until_ns, step_ns)
    units = sorted({one.trace_id for entry in found for one in entry.latest})
    trail_ids = state.service.trails.trails_of(units)
    return json(
        {
            "since": rfc3339(since_ns),
            "until": rfc3339(until_ns),
            "step_s": step_ns / 1e9,
            "counted_since": rfc3339(since_ns),
            "entries": [_entry(one, tell, trail_ids) for one in found],
        }
    )


def _entry(entry: Entry, tell: Tell, trail_ids: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "method": entry.method,
        "route": entry.route,
        "service": entry.service,
        "q": entry.q,
        "count": entry.count,
        "error_count": entry.error_count,
        "p50_ms": entry.p50_ms,
        "p95_ms": entry.p95_ms,
        "p99_ms": entry.p99_ms,
        "statuses": [{"status_code": code or None, "count": n} for code, n in sorted(entry.codes.items())],
        "latest": [
            {
                "time": rfc3339(one.time_ns),
                "status_code": one.code or None,
                "failed": one.failed,
                "trail_id": trail_ids[one.trace_id][0],
            }
            for one in entry.latest
        ],
        "points": tell(entry.points),
    }


@get("/durations", sync_to_thread=True)
def durations(
    state: State,
    service: str = "",
    status: str = "",
    since: str | None = None,
    until: str | None = None,
    step: str | None = None,
) -> Response[bytes]:
    """How many trails of a service and status began when and took how long, in cells of half an octave."""
    since_ns, until_ns = time_range(since, until)
    step_ns = parse_step(step, since_ns, until_ns)
    since_ns, until_ns = since_ns // step_ns * step_ns, -(-until_ns // step_ns) * step_ns
    cells = read_durations(state.service.engine, since_ns, until_ns, step_ns, service, status)
    return json(
        {
            "since": rfc3339(since_ns),
            "until": rfc3339(until_ns),
            "step_s": step_ns / 1e9,
            "cells": [
                {
                    "time": rfc3339(one.start_ns),
                    "low_ms": one.low_ms,
                    "high_ms": one.high_ms,
                    "count": one.count,
                    "error_count": one.error_count,
                }
                for one in cells
            ],
        }
    )


@get("/resources", sync_to_thread=True)
def resources(state: State, since: str | None = None, until: str | None = None) -> Response[bytes]:
    """Queues, streams, topics, buses, tables and buckets that spans or logs of the range name."""
    since_ns, until_ns, _ = whole_minutes(since, until, None)
    found = list_resources(state.service.engine, since_ns, until_ns)
    return json(
        {
            "counted_since": rfc3339(since_ns),
            "resources": [
                {
                    "kind": one.kind,
                    "carries": CARRIES[one.kind],
                    "name": one.name,
                    "call_count": one.count,
                    "error_count": one.error_count,
                    "p95_ms": one.p95_ms,
                    "last_seen": rfc3339(one.last_seen_ns),
                }
                for one in found
            ],
        }
    )


@get("/resources/{name:str}", sync_to_thread=True)
def resource(
    state: State,
    name: str,
    kind: str = "",
    since: str | None = None,
    until: str | None = None,
    step: str | None = None,
) -> Response[bytes]:
    """One resource: the calls to it, and of a queue, stream, topic or bus its messages and how long they waited."""
    since_ns, until_ns, step_ns = whole_minutes(since, until, step)
    engine = state.service.engine
    if kind and kind not in CARRIES:
        raise NotFoundException(f'kind is one of {", ".join(CARRIES)}, got "{kind[:60]}"')
    named = [Resource(kind, name)] if kind else kinds_of(engine, name, since_ns, until_ns)
    # One that is quiet in the range is still itself.
    named = named or kinds_of(engine, name, until_ns - DAY_NS, until_ns)
    if not named:
        raise NotFoundException(f'no span or log of the last day names a queue, stream, table or bucket "{name[:100]}"')
    one = named[0]
    told = calls(engine, one, since_ns, until_ns, step_ns)
    carried = messages(engine, one, since_ns, until_ns, step_ns) if one.kind in MESSAGE_KINDS else None
    return json(
        {
            "name": one.name,
            "kind": one.kind,
            "carries": CARRIES[one.kind],
            "kinds": [other.kind for other in named],
            "since": rfc3339(since_ns),
            "until": rfc3339(until_ns),
            "counted_since": rfc3339(since_ns),
            "step_s": step_ns / 1e9,
            "calls": _calls(told, _trails_of(state.service, told)),
            "messages": carried and _messages(carried),
        }
    )


def _trails_of(service: Service, told: Calls) -> dict[str, str]:
    """The trail of each trace that a caller shows."""
    traces = sorted({trace for one in told.callers for trace in (one.slowest, one.failing)} - {""})
    return {trace: found[0] for trace, found in service.trails.trails_of(traces).items()}


def _calls(told: Calls, trail_ids: dict[str, str]) -> dict[str, Any]:
    return {
        "count": told.count,
        "error_count": told.error_count,
        "p50_ms": told.p50_ms,
        "p95_ms": told.p95_ms,
        "p99_ms": told.p99_ms,
        "points": [
            {
                "time": rfc3339(point.start_ns),
                "count": point.count,
                "error_count": point.error_count,
                "p50_ms": point.p50_ms,
                "p95_ms": point.p95_ms,
            }
            for point in told.points
        ],
        "callers": [
            {
                "service": one.service,
                "operation": one.operation,
                "taking": one.taking,
                "count": one.count,
                "error_count": one.error_count,
                "p95_ms": one.p95_ms,
                "last_seen": rfc3339(one.last_seen_ns),
                "slowest_trail_id": trail_ids.get(one.slowest),
                "failing_trail_id": trail_ids.get(one.failing),
            }
            for one in told.callers
        ],
        "caller_count": sum(one.count for one in told.callers),
    }


def _messages(carried: Messages) -> dict[str, Any]:
    return {
        "count": carried.count,
        "sent_count": carried.sent,
        "taken_count": carried.taken,
        "untaken_count": carried.untaken,
        "redelivered_count": carried.redelivered,
        "redelivery_count": carried.redeliveries,
        "wait_p50_ms": carried.wait_p50_ms,
        "wait_p95_ms": carried.wait_p95_ms,
        "wait_max_ms": carried.wait_max_ms,
        "age_max_ms": carried.age_max_ms,
        "backlog": None,
        "backlog_unknown": UNKNOWN_BACKLOG,
        "points": [
            {
                "time": rfc3339(point.start_ns),
                "count": point.count,
                "untaken_count": point.untaken,
                "wait_p50_ms": point.wait_p50_ms,
                "wait_p95_ms": point.wait_p95_ms,
                "wait_max_ms": point.wait_max_ms,
            }
            for point in carried.points
        ],
        "consumers": [
            {
                "service": one.service,
                "message_count": one.message_count,
                "delivery_count": one.deliveries,
                "attempt_count": one.attempts,
                "failed_count": one.failed_attempts,
                "failure_type": one.failure_type,
                "failure_message": one.failure_message[:500],
                "last_seen": rfc3339(one.last_seen_ns),
            }
            for one in carried.consumers
        ],
    }


router = Router(path="/", route_handlers=[entries, durations, resources, resource], tags=["resources"])
