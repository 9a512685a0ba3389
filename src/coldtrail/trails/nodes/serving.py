"""What a consumer did without a break: an invocation, or on a shard a batch with all its retries.

A shard's batch that fails is halved until the poison record is alone, which is tried until it has had all its tries; no
later record is taken before (AWS Lambda Developer Guide, "Using Lambda to process records from Amazon Kinesis Data
Streams": bisect on error, maximum retry attempts). So failures and the invocations behind them tell together how many
records went by, and which of them each invocation had.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from msgspec import Struct, field

from coldtrail.model.trails import RAN_AND_FAILED, Node

MOST_AT_ONCE = 0.05
"""A shard has one invocation at a time; where more of them overlap than this, there are several shards."""

SAME_NS = 5 * 10**6
"""Ends and starts of two machines' clocks agree no better than this."""

LONGEST_BREAK_NS = 60 * 10**9
IDLE_NS = 60 * 10**6
"""A consumer that begins later than this after its last end had found nothing."""

LATE_NS = 20 * 10**6
"""What was sent this shortly before a consumer looked may not have been there yet."""


class Part(Struct, frozen=True):
    """An invocation that had the records from ``first`` on, ``count`` of them, in their order within the job."""

    node: Node
    first: int
    count: int


class Job(Struct):
    """Invocations that had ``units`` messages together; 0 where that is not known."""

    units: int
    parts: list[Part] = field(default_factory=list)

    @property
    def start_ns(self) -> int:
        """When it began, Unix nanoseconds."""
        return self.parts[0].node.start_ns

    @property
    def end_ns(self) -> int | None:
        """When the last of it ended; None while that is open."""
        return self.parts[-1].node.end_ns


class Habits(Struct, frozen=True):
    """What a shard's consumer does. ``tries``: how often a record is handed over; ``most``: records of its largest batch."""

    tries: int
    most: int


class _Rest(Struct):
    """Records that are still to be taken, and how often they were tried."""

    first: int
    count: int
    tries: int


def jobs_of(effects: Sequence[Node], taken: Sequence[int]) -> list[Job]:
    """Return one job for each invocation. ``taken``: how many messages each says it had, 0 where it does not."""
    return [Job(count, [Part(node, 0, count)]) for node, count in zip(effects, taken, strict=True)]


def is_one_at_a_time(effects: Sequence[Node]) -> bool:
    """Whether invocations, in order of start, follow one another."""
    overlapping, ended_ns = 0, 0
    for node in effects:
        overlapping += node.start_ns < ended_ns - SAME_NS
        ended_ns = max(ended_ns, node.end_ns or node.start_ns)
    return overlapping <= MOST_AT_ONCE * len(effects)


def jobs_of_shard(effects: Sequence[Node], taken: Sequence[int], sent_ns: Sequence[int], habits: Habits) -> list[Job]:
    """Return the jobs of one shard's consumer. ``effects``: in order of start; ``sent_ns``: when records were sent, sorted.

    A failed invocation says less than it had: it stopped at the record that failed. How many were there then, how many
    a batch has at most, and what follows tell the rest; one that fits nothing is left out.
    """
    jobs: list[Job] = []
    at, gone, ended_ns = 0, 0, 0
    while at < len(effects):
        node = effects[at]
        if ended_ns and node.start_ns - ended_ns > IDLE_NS:
            gone = bisect_right(sent_ns, ended_ns - LATE_NS)
        there = bisect_right(sent_ns, node.start_ns - LATE_NS) - gone
        job = _job(effects, taken, at, there, habits)
        at += len(job.parts) if job else 1
        ended_ns = effects[at - 1].end_ns or effects[at - 1].start_ns
        if job:
            jobs.append(job)
            gone += job.units
    return jobs


def _job(effects: Sequence[Node], taken: Sequence[int], at: int, there: int, habits: Habits) -> Job | None:
    """The job that begins with an invocation: of as many records as were likely there, if what follows agrees."""
    told = max(1, taken[at])
    likely = max(told, min(habits.most, there))
    if effects[at].status not in RAN_AND_FAILED:
        had = taken[at] or likely
        return Job(had, [Part(effects[at], 0, had)])
    for count in sorted(range(told, max(told, habits.most) + 1), key=lambda one: (abs(one - likely), -one)):
        if parts := _parts(effects, taken, at, count, habits.tries):
            return Job(count, parts)
    return None


def _parts(effects: Sequence[Node], taken: Sequence[int], at: int, count: int, tries: int) -> list[Part]:
    """Who had which records of a batch of so many, halved at each failure; nothing where it cannot have been so many."""
    parts: list[Part] = []
    rest = [_Rest(0, count, 0)]
    for place in range(at, len(effects)):
        if not rest:
            break
        node, told = effects[place], taken[place]
        before_ns = effects[place - 1].end_ns
        if parts and before_ns is not None and node.start_ns - before_ns > LONGEST_BREAK_NS:
            return []
        has = rest.pop()
        failed = node.status in RAN_AND_FAILED
        if told > has.count or (told and not failed and told != has.count):
            return []
        parts.append(Part(node, has.first, has.count))
        if failed:
            rest += _again(has, tries)
    return parts


def _again(has: _Rest, tries: int) -> list[_Rest]:
    """What a failure leaves to do, the next last: both halves, the same record, or nothing."""
    if has.count > 1:
        half = has.count // 2
        return [
            _Rest(has.first + half, has.count - half, has.tries + 1),
            _Rest(has.first, half, has.tries + 1),
        ]
    return [_Rest(has.first, 1, has.tries + 1)] if has.tries + 1 < tries else []
