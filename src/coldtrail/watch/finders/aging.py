"""Queues and streams that grow old: messages are sent, and nobody takes them, or ever later."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from coldtrail.model.findings import Sighting
from coldtrail.store.troubles.messages import Course

LATE_S = 20
"""A message that nobody takes for less is not late, whatever is usual."""

LEAST_LATE, LEAST_BEFORE = 5, 10
TAKEN_SHARE = 0.8
"""Where fewer were ever seen taken, nobody can tell what waits from what is not told."""

TIMES, MORE_MS = 5.0, 10_000.0
LATER_MS = 5_000.0
"""What waits for less is not late, though it waits longer than usual."""

PASSED_ON = ("eventbridge", "sns", "lambda")
"""What these do not deliver is dropped, not kept."""


def growing_old(courses: dict[tuple[str, str], list[Course]], now_ns: int) -> Iterator[Sighting]:
    """Every source with messages untaken for far longer than is usual, or taken ever later."""
    for (kind, name), minutes in courses.items():
        seen = (untaken(name, minutes, now_ns) if kind not in PASSED_ON else None) or later(name, minutes)
        if seen is not None:
            yield seen


def usual_wait_ms(minutes: list[Course]) -> float | None:
    """Return the median of the minutes' median waits; None where too few messages were seen taken."""
    good = [one for one in minutes if one.waits and one.taken >= one.count * TAKEN_SHARE]
    if sum(one.waits for one in good) < LEAST_BEFORE:
        return None
    return median(one.wait_ms for one in good)


def untaken(name: str, minutes: list[Course], now_ns: int) -> Sighting | None:
    """Return what is seen of a source that nobody takes from any more, None where somebody does."""
    taken_ns = max(one.taken_ns for one in minutes)
    # What was never seen taken, long ago, says nothing of whether somebody takes now.
    newest = [one for one in minutes if one.latest_ns > taken_ns]
    newest = newest if sum(one.late for one in newest) >= LEAST_LATE else []
    waiting = newest or [one for one in minutes if one.late]
    if not waiting or sum(one.late for one in waiting) < LEAST_LATE:
        return None
    oldest_ns = max(min(one.oldest_ns for one in waiting), taken_ns if newest else 0)
    usual_ms = usual_wait_ms([one for one in minutes if one.minute_s * 10**9 < oldest_ns])
    age_ms = (now_ns - oldest_ns) / 1e6
    since = [one for one in minutes if one.minute_s >= waiting[0].minute_s]
    stuck = newest or sum(one.count - one.taken for one in since) >= sum(one.count for one in since) / 2
    if usual_ms is None or not stuck or age_ms < TIMES * usual_ms + MORE_MS:
        return None
    told = f"Nobody takes the messages of {name}: the oldest waits for {age_ms / 1e3:.0f} s"
    return _sighting(name, waiting, sum(one.late for one in waiting), oldest_ns, now_ns, told, age_ms, usual_ms)


def later(name: str, minutes: list[Course]) -> Sighting | None:
    """Return what is seen of a source whose messages are taken ever later."""
    told = [one for one in minutes if one.waits >= LEAST_LATE]
    if len(told) < 3:
        return None
    newest = told[-1]
    usual_ms = usual_wait_ms(told[:-1])
    if usual_ms is None or newest.wait_ms < max(LATER_MS, TIMES * usual_ms):
        return None
    title = f"Messages of {name} wait {newest.wait_ms / 1e3:.0f} s instead of {usual_ms / 1e3:.1f} s"
    first_ns = newest.minute_s * 10**9
    return _sighting(name, [newest], newest.waits, first_ns, newest.last_ns, title, newest.wait_ms, usual_ms)


def _sighting(
    name: str,
    minutes: list[Course],
    count: int,
    first_ns: int,
    last_ns: int,
    title: str,
    age_ms: float,
    usual_ms: float,
) -> Sighting:
    consumers = sorted({consumer for one in minutes for consumer in one.consumers})
    return Sighting(
        kind="aging",
        scope=name,
        detail="",
        minute_s=minutes[-1].minute_s,
        count=count,
        first_ns=first_ns,
        last_ns=last_ns,
        title=title,
        severity="medium",
        advice=(
            "See whether the consumer runs, fails or is held back (its concurrency, its event source mapping); a "
            "stream waits behind its first bad record."
        ),
        evidence={
            "kind": minutes[-1].kind,
            "age_ms": round(age_ms),
            "usual_wait_ms": round(usual_ms),
            "consumers": consumers,
        },
        units=tuple(unit for one in minutes for unit in one.units)[:5],
    )
