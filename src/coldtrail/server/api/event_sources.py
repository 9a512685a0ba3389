"""Queues, streams, topics, buses and schedules: waiting, retries, poison, backlog, dead letters."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from msgspec import to_builtins

from coldtrail.analysis.backlog import Drain, drain
from coldtrail.analysis.poison import Poison, Try, poison
from coldtrail.model.times import rfc3339
from coldtrail.server.api.red import time_range
from coldtrail.server.api.service import json
from coldtrail.server.api.times import parse_step
from coldtrail.services.sqs import SQS
from coldtrail.store.engine import Engine
from coldtrail.store.figures.cloudwatch import known_names, received_by_resource
from coldtrail.store.figures.steps import Steps
from coldtrail.store.sources.listed import EventSource, Figures, event_sources, messages_seen, newest_part, recent_ns
from coldtrail.store.sources.source import Consumer, DeadLetter, Detail, PartialBatch, event_source
from coldtrail.store.trails.durations import Cell
from coldtrail.trails.nodes.sources import CARRIERS
from coldtrail.watch.normalise import normalise

VISIBLE = next(metric for metric in SQS.metrics if metric.id == "visible")
"""How many messages wait in a queue, by CloudWatch; the other services publish no such number."""


@get("/event-sources", sync_to_thread=True)
def sources(
    state: State, since: str | None = None, until: str | None = None, step: str | None = None
) -> Response[bytes]:
    """Every queue, stream, topic, bus and schedule whose messages are known, the worst first."""
    engine = state.service.engine
    since_ns, until_ns, step_ns, counted_ns = _range(engine, since, until, step)
    found = event_sources(engine, counted_ns, until_ns, step_ns)
    waiting = _waiting(engine, Steps(counted_ns, until_ns, step_ns))
    rows = [_source(one, counted_ns, until_ns, waiting) for one in sorted(found, key=_badness, reverse=True)]
    return json(
        {
            "since": rfc3339(since_ns),
            "until": rfc3339(until_ns),
            "step_s": step_ns / 1e9,
            "counted_since": rfc3339(counted_ns),
            "message_count": sum(one.figures.messages for one in found),
            "messages_named": messages_seen(engine, counted_ns, until_ns),
            "event_sources": rows,
        }
    )


@get("/event-sources/{kind:str}/{name:path}", sync_to_thread=True)
def source(
    state: State, kind: str, name: str, since: str | None = None, until: str | None = None, step: str | None = None
) -> Response[bytes]:
    """One of them: waiting over time, consumers, attempts, poison by fingerprint, partial batches, dead letters with their reason."""
    engine = state.service.engine
    name = name.removeprefix("/")
    if kind not in CARRIERS:
        raise NotFoundException(f'kind is one of {", ".join(CARRIERS)}, got "{kind[:60]}"')
    since_ns, until_ns, step_ns, counted_ns = _range(engine, since, until, step)
    detail = event_source(engine, kind, name, counted_ns, until_ns, step_ns)
    if detail is None:
        raise NotFoundException(f'no message of this time was seen on a {CARRIERS[kind]} "{name[:100]}"')
    waiting = _waiting(engine, Steps(counted_ns, until_ns, step_ns))
    return json(
        {
            "since": rfc3339(since_ns),
            "until": rfc3339(until_ns),
            "step_s": step_ns / 1e9,
            "counted_since": rfc3339(counted_ns),
            **_source(detail.source, counted_ns, until_ns, waiting),
            **_detail(detail),
        }
    )


def _range(engine: Engine, since: str | None, until: str | None, step: str | None) -> tuple[int, int, int, int]:
    since_ns, until_ns = time_range(since, until)
    step_ns = parse_step(step, since_ns, until_ns)
    since_ns, until_ns = since_ns // step_ns * step_ns, -(-until_ns // step_ns) * step_ns
    return since_ns, until_ns, step_ns, newest_part(engine, since_ns, until_ns, step_ns)


def _badness(one: EventSource) -> tuple[float, ...]:
    """The worst first: given up or poison, then failing, then what waits longest."""
    figures = one.figures
    lost = one.dead_letters + figures.dead + one.poison
    return (lost > 0, lost, figures.failed > 0, figures.failed / max(1, figures.messages), figures.wait_p95_ms or 0.0)


def _waiting(engine: Engine, steps: Steps) -> dict[str, float]:
    """How many messages wait in each queue, as CloudWatch said last."""
    by_queue = received_by_resource(engine, VISIBLE, steps, known_names(engine, [VISIBLE]))
    return {name: values[max(values)] for name, values in by_queue.items() if values}


def _source(one: EventSource, since_ns: int, until_ns: int, waiting: dict[str, float]) -> dict[str, Any]:
    figures = one.figures
    told = waiting.get(one.name) if one.kind == "sqs" else None
    backlog = figures.untaken if told is None else round(told)
    seconds = (until_ns - recent_ns(since_ns, until_ns)) / 1e9
    emptied = drain(
        backlog,
        figures.recently_sent / seconds if figures.sent else None,
        figures.recently_taken / seconds if figures.taken else None,
    )
    return {
        "kind": one.kind,
        "carries": CARRIERS.get(one.kind, "source"),
        "name": one.name,
        **_figures(figures),
        "sent_count": figures.sent,
        "untaken_count": figures.untaken,
        "poison_count": one.poison,
        "dead_letter_count": one.dead_letters,
        "holds_dead_letters": figures.dead > 0,
        "consumer_count": figures.consumers,
        "backlog": backlog,
        "backlog_from": None if backlog is None else "messages" if told is None else "metric",
        "drain": _drain(emptied, until_ns),
        "last_seen": rfc3339(figures.last_ns),
        "points": [{"time": rfc3339(point.start_ns), **_figures(point.figures)} for point in one.points],
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "message_count": figures.messages,
        "taken_count": figures.taken,
        "wait_p50_ms": figures.wait_p50_ms,
        "wait_p95_ms": figures.wait_p95_ms,
        "wait_max_ms": figures.wait_max_ms,
        "redelivery_count": figures.redelivered,
        "retry_count": figures.retried,
        "duplicate_count": figures.duplicates,
        "out_of_order_count": figures.overtaken,
        "failed_count": figures.failed,
        "partial_batch_count": figures.partial,
    }


def _drain(one: Drain, until_ns: int) -> dict[str, Any]:
    seconds = one.empty_in_s
    return {
        "verdict": one.verdict,
        "empty_in_s": seconds,
        "empty_at": None if seconds is None else rfc3339(until_ns + int(min(seconds, 10 * 365 * 86_400) * 1e9)),
        "why": one.why,
    }


def _detail(detail: Detail) -> dict[str, Any]:
    tries = [Try(**{name: getattr(one, name) for name in Try.__struct_fields__}) for one in detail.troubled]
    return {
        "cells": [_cell(one) for one in detail.cells],
        "attempts": [
            {"deliveries": n, "message_count": count, "never_through_count": lost} for n, count, lost in detail.attempts
        ],
        "consumers": [_consumer(one) for one in detail.consumers],
        "order_groups": [
            {"name": one.name, "message_count": one.count, "wait_p95_ms": one.wait_p95_ms, "failed_count": one.failed}
            for one in detail.groups
        ],
        "poison": [_poison(one) for one in poison(tries, normalise)],
        "partial_batches": [_partial(one) for one in detail.partial],
        "dead_letters": [_dead(one) for one in detail.dead],
    }


def _cell(one: Cell) -> dict[str, Any]:
    return {"time": rfc3339(one.start_ns), **{k: v for k, v in to_builtins(one).items() if k != "start_ns"}}


def _consumer(one: Consumer) -> dict[str, Any]:
    return {
        "service": one.name,
        **_figures(one.figures),
        "failure_type": one.failure_type,
        "failure_message": one.failure_message,
        "last_seen": rfc3339(one.figures.last_ns),
    }


def _poison(one: Poison) -> dict[str, Any]:
    return {
        "fingerprint": one.fingerprint,
        "consumer": one.consumer,
        "failure_type": one.failure_type,
        "failure_message": one.failure_message,
        "message_count": one.messages,
        "stuck_count": one.stuck,
        "try_count": one.tries,
        "first_seen": rfc3339(one.first_ns),
        "last_seen": rfc3339(one.last_ns),
        "messages": [
            {
                "message_id": two.key,
                "node_id": two.message,
                "trail_id": two.trail_id,
                "try_count": two.tries,
                "through": two.through,
                "first_seen": rfc3339(two.first_ns),
                "last_seen": rfc3339(two.last_ns),
            }
            for two in one.examples
        ],
    }


def _partial(one: PartialBatch) -> dict[str, Any]:
    return {
        "time": rfc3339(one.time_ns),
        "consumer": one.consumer,
        "node_id": one.taker,
        "trail_id": one.trail_id,
        "size": one.size,
        "failed_count": one.failed,
        "failure_type": one.failure_type,
        "failure_message": one.failure_message,
    }


def _dead(one: DeadLetter) -> dict[str, Any]:
    return {
        "message_id": one.key,
        "node_id": one.message,
        "trail_id": one.trail_id,
        "queue": one.queue,
        "origin": one.origin,
        "cause": one.cause,
        "try_count": one.tries,
        "last_try_node_id": one.last_try or None,
        "sent": rfc3339(one.sent_ns) if one.sent_ns else None,
        "taken": rfc3339(one.taken_ns) if one.taken_ns else None,
        "consumer": one.consumer,
        "consumer_node_id": one.taker,
        "consumer_failed": one.failed,
    }


router = Router(path="/", route_handlers=[sources, source], tags=["event sources"])
