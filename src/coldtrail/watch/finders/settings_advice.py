"""Advice from what was observed: memory that is not needed, dead-letter queues that are missing, batches that fail whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from coldtrail.analysis.advice import LEAST_ATTEMPTS, LEAST_MB, MEMORY_STEP_MB, ROOM
from coldtrail.model.findings import Sighting
from coldtrail.store.costs.usage import Ran, ran
from coldtrail.store.engine import Engine
from coldtrail.store.troubles.messages import Batches, batches

REACH_NS = 3_600 * 10**9
HALF = 0.5
"""Advised only where half of the memory could go."""

MANY_TRIES = 6
"""More tries in vain than a dead-letter queue would have allowed, by the usual three to five."""

LEAST_MESSAGES, GOOD_SHARE = 5, 0.5


def advised_settings(engine: Engine, now_ns: int) -> Iterator[Sighting]:
    """Every function that has twice the memory that it needs, and every consumer whose source is set up badly."""
    for one in ran(engine, now_ns - REACH_NS, now_ns):
        wanted_mb = enough_mb(one)
        if wanted_mb is not None and wanted_mb <= HALF * (one.memory_mb or 0):
            yield _memory(one, wanted_mb, now_ns)
    for source in batches(engine, now_ns - REACH_NS, now_ns):
        if source.kind == "sqs" and source.most_tries >= MANY_TRIES and not source.dead:
            yield _no_dead_letters(source)
        if (
            source.good_later >= LEAST_MESSAGES
            and source.good_later >= source.failed * GOOD_SHARE
            and not source.partial
        ):
            yield _whole_batches(source)


def enough_mb(one: Ran) -> int | None:
    """Return how much memory would do, None where too little is known."""
    if not one.reported or one.count < LEAST_ATTEMPTS or not one.memory_used_mb or not one.memory_mb:
        return None
    return max(LEAST_MB, math.ceil(one.memory_used_mb * ROOM / MEMORY_STEP_MB) * MEMORY_STEP_MB)


def _memory(one: Ran, wanted_mb: int, now_ns: int) -> Sighting:
    text = "Less memory brings less CPU: try it on a part of the traffic and compare durations; the page of costs says what it saves."
    title = f"{one.function} used at most {one.memory_used_mb} of its {one.memory_mb} MB: {wanted_mb} MB would do"
    evidence = {
        "memory_mb": one.memory_mb,
        "memory_used_mb": one.memory_used_mb,
        "wanted_mb": wanted_mb,
        "runs": one.count,
    }
    return _sighting(one.function, "memory", one.last_ns or now_ns, title, text, evidence)


def _no_dead_letters(one: Batches) -> Sighting:
    text = (
        "A message that always fails is tried until it expires, and holds others up: give the queue a redrive policy "
        "with a maxReceiveCount of 5 or so."
    )
    title = f"{one.name} has no dead-letter queue: a message was tried {one.most_tries} times in vain"
    evidence = {"consumer": one.consumer, "tries": one.most_tries}
    return _sighting(one.name, "dead-letter queue", one.last_ns, title, text, evidence, one.units)


def _whole_batches(one: Batches) -> Sighting:
    text = (
        "Let the function report the items that failed (ReportBatchItemFailures), so that the others are not done again"
    ) + ("; bisect batches on error." if one.kind in ("kinesis", "dynamodb") else ".")
    title = f"Batches of {one.name} fail as a whole in {one.consumer}, though most of their messages are good"
    evidence = {"consumer": one.consumer, "failed_deliveries": one.failed, "good_later": one.good_later}
    return _sighting(one.name, f"batch: {one.consumer}", one.last_ns, title, text, evidence, one.units)


def _sighting(
    scope: str, detail: str, at_ns: int, title: str, text: str, evidence: dict[str, Any], units: tuple[str, ...] = ()
) -> Sighting:
    return Sighting(
        kind="advice",
        scope=scope,
        detail=detail,
        minute_s=at_ns // (3_600 * 10**9) * 3_600,
        count=1,
        first_ns=at_ns,
        last_ns=at_ns,
        title=title,
        severity="low",
        advice=text,
        evidence=evidence,
        units=units,
    )
