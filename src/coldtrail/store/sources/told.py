"""What messages and the attempts at them come to, step by step: counted on arrays, a queue may have hundreds of thousands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from coldtrail.store.figures.steps import Figures, Steps
from coldtrail.store.sources.attempts import Rows

NEVER = 2**62
FAR = np.uint64(0x9E3779B97F4A7C15)
"""Numbers times this lie far apart."""

Ints = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]


class Attempt(Struct, frozen=True):
    """One attempt at one message; Unix nanoseconds."""

    start_ns: int
    end_ns: int
    failed: bool


class Message(Struct, frozen=True):
    """One message; ``sent_ns`` None where nobody was seen to send it. Attempts in order of time."""

    sent_ns: int | None
    attempts: tuple[Attempt, ...]

    @property
    def taken_ns(self) -> int | None:
        """When it was first taken."""
        return self.attempts[0].start_ns if self.attempts else None


class Told(Struct):
    """Messages and attempts in Unix nanoseconds.

    Of each message ``sent`` and ``taken`` (first), `NEVER` where nobody was seen to; ``done``: when the last attempt ended,
    `NEVER` where it failed. Of each attempt ``starts`` and ``ends``.
    """

    sent: Ints
    taken: Ints
    done: Ints
    starts: Ints
    ends: Ints

    @staticmethod
    def of(rows: Rows, worked: Rows) -> Told:
        """Return what rows of `ROW` and of `WORKED` say; an attempt lasts as long as its invocation, or as its signals."""
        key, place = np.unique(rows["key"], return_inverse=True)
        giving = rows["giving"] == 1
        sent = np.full(len(key), NEVER, dtype=np.int64)
        np.minimum.at(sent, place[giving], rows["first"][giving])
        kept = attempts_of(rows, pairs_of(rows), ~giving)
        starts, message = rows["first"][kept], place[kept]
        ended, failed = np.zeros(len(starts), dtype=np.int64), np.zeros(len(starts), dtype=bool)
        if len(worked):
            worked = worked[np.argsort(worked["attempt"])]
            at = np.minimum(np.searchsorted(worked["attempt"], rows["attempt"][kept]), len(worked) - 1)
            known = (worked["attempt"][at] == rows["attempt"][kept]) & (rows["requested"][kept] == 1)
            ended[known], failed[known] = worked["ended"][at[known]], worked["failed"][at[known]] == 1
        ends = np.maximum(starts + 1, np.maximum(rows["last"][kept], ended))
        return _told(sent, message, starts, ends, failed)


def pairs_of(rows: Rows) -> npt.NDArray[np.uint64]:
    """Return of rows a number for message and consumer together."""
    return rows["who"] * FAR ^ rows["key"]  # type: ignore[no-any-return]


def attempts_of(rows: Rows, pairs: npt.NDArray[np.uint64], taking: Marks) -> Marks:
    """Mark attempts: a consumer's spans that name no request are those of the requests that its lines name."""
    requested = rows["requested"] == 1
    marks: Marks = taking & (requested | ~np.isin(pairs, pairs[requested & taking]))
    return marks


def _told(sent: Ints, message: Ints, starts: Ints, ends: Ints, failed: Marks) -> Told:
    order = np.lexsort((starts, message))
    message, starts, ends, failed = message[order], starts[order], ends[order], failed[order]
    taken, done = (np.full(len(sent), NEVER, dtype=np.int64) for _ in range(2))
    first = np.ones(len(message), dtype=bool)
    first[1:] = message[1:] != message[:-1]
    last = np.roll(first, -1)
    taken[message[first]] = starts[first]
    well = last & ~failed
    done[message[well]] = ends[well]
    return Told(sent, taken, done, starts, ends)


def tell(messages: Sequence[Message], steps: Steps) -> Figures:
    """Return the figures of messages. Pure."""
    attempts = [(number, one) for number, message in enumerate(messages) for one in message.attempts]
    message = np.array([number for number, _ in attempts], dtype=np.int64)
    starts = np.array([one.start_ns for _, one in attempts], dtype=np.int64)
    ends = np.array([one.end_ns for _, one in attempts], dtype=np.int64)
    failed = np.array([one.failed for _, one in attempts], dtype=bool)
    sent = np.array([NEVER if one.sent_ns is None else one.sent_ns for one in messages], dtype=np.int64)
    return figures_of_told(_told(sent, message, starts, ends, failed), steps)


def figures_of_told(told: Told, steps: Steps) -> Figures:
    """Return the figures of messages. Pure. What waits is told only where anybody is ever seen to take."""
    sent, taken = told.sent < NEVER, told.taken < NEVER
    figures: Figures = {}
    if sent.any():
        figures["messages.sent"] = _counts(told.sent[sent], steps)
    if taken.any():
        figures["messages.received"] = _counts(told.starts, steps)
        figures["messages.done"] = _counts(told.done[told.done < NEVER], steps)
        figures["messages.in_flight"] = _most_at_once(told.starts, told.ends, steps)
    if sent.any() and taken.any():
        waits = _longest_waits(told.sent[sent], told.taken[sent], steps)
        figures["messages.waiting"], ages = _waiting(told.sent[sent], told.taken[sent], steps)
        figures["messages.age_max"] = {step: max(waits.get(step, 0.0), age) for step, age in ages.items()}
        figures["messages.wait_max"] = waits
    return figures


def _counts(times: Ints, steps: Steps) -> dict[int, float]:
    at = (times - steps.since_ns) // steps.step_ns
    counts = np.bincount(at[(at >= 0) & (at < steps.count)], minlength=steps.count)
    return dict(enumerate(counts.astype(float).tolist()))


def _longest_waits(sent: Ints, taken: Ints, steps: Steps) -> dict[int, float]:
    """The longest wait, in milliseconds, of what was first taken in each step."""
    at = (taken - steps.since_ns) // steps.step_ns
    inside = (taken < NEVER) & (at >= 0) & (at < steps.count)
    longest = np.full(steps.count, -1, dtype=np.int64)
    np.maximum.at(longest, at[inside], np.maximum(taken[inside] - sent[inside], 0))
    return {int(step): float(longest[step]) / 1e6 for step in np.flatnonzero(longest >= 0)}


def _most_at_once(starts: Ints, ends: Ints, steps: Steps) -> dict[int, float]:
    """How many stretches overlap at most in each step; at one instant, ends come before beginnings."""
    at = np.concatenate((starts, ends))
    by = np.repeat(np.array([1, -1]), (len(starts), len(ends)))
    order = np.lexsort((by, at))
    at, level = at[order], np.cumsum(by[order])
    ended = np.sort(ends)
    most: dict[int, float] = {}
    for step in range(steps.count):
        since = steps.since_ns + step * steps.step_ns
        at_once = np.searchsorted(ended, since, "right") - np.searchsorted(ended, since, "left")
        low = int(np.searchsorted(at, since, "left") + at_once)
        high = int(np.searchsorted(at, since + steps.step_ns, "left"))
        before = int(level[low - 1]) if low else 0
        most[step] = float(max(before, int(level[low:high].max()) if high > low else before))
    return most


def _waiting(sent: Ints, taken: Ints, steps: Steps) -> tuple[dict[int, float], dict[int, float]]:
    """How many messages wait at the end of each step, and how old, in milliseconds, the oldest of them is."""
    order = np.lexsort((taken, sent))
    sent, until = sent[order], np.maximum.accumulate(taken[order])
    takings = np.sort(taken)
    waiting: dict[int, float] = {}
    ages: dict[int, float] = {}
    for step in range(steps.count):
        end = min(steps.since_ns + (step + 1) * steps.step_ns, steps.until_ns)
        there = int(np.searchsorted(sent, end, "left"))
        waiting[step] = float(max(0, there - int(np.searchsorted(takings, end, "left"))))
        # Whoever was sent first, of those that nobody has taken by then, is the oldest.
        oldest = int(np.searchsorted(until, end, "left"))
        ages[step] = (end - int(sent[oldest])) / 1e6 if oldest < there else 0.0
    return waiting, ages
