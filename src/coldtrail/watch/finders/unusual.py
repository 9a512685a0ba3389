"""Rates, errors and durations that are unusual for this hour of the week."""

from __future__ import annotations

from collections.abc import Iterator

from coldtrail.model.findings import Sighting
from coldtrail.store.engine import Engine
from coldtrail.store.troubles.weeks import QUARTER_S, WEEK_S, Quarter, quarters
from coldtrail.watch.baseline import LEAST_WEEKS, Band, unusual_errors, unusual_p95, unusual_rate

WEEKS = 4
SETTLED_S = 120
"""A quarter of an hour is judged when what tells of it has come."""

_ADVICE = {
    "rate": (
        "Compare with who calls it, and with what was deployed since: a rate that is unusual for the hour is a "
        "promotion, a retry, a broken caller or a broken schedule."
    ),
    "errors": (
        "Compare trails of now with those of the same hour a week ago: the contrast names what the failing ones "
        "have in common."
    ),
    "latency": (
        "Compare trails of now with those of the same hour a week ago: the difference lies in one call, in "
        "waiting, or in cold starts."
    ),
}


def unusual_for_the_hour(engine: Engine, now_ns: int) -> Iterator[Sighting]:
    """Every service whose last whole quarter of an hour is unlike the same hour of the weeks before."""
    start_s = (now_ns // 10**9 - SETTLED_S) // QUARTER_S * QUARTER_S - QUARTER_S
    for service, known in quarters(engine, [*ranges_of(start_s), (start_s, start_s + QUARTER_S)]).items():
        yield from judged(service, known, start_s)


def ranges_of(start_s: int) -> list[tuple[int, int]]:
    """Return what a quarter of an hour is compared with: the same one of each earlier week, and those beside it.

    One before and one after, so that a rate that rises or falls at this hour is in the middle of them.
    """
    return [
        (start_s - week * WEEK_S - QUARTER_S, start_s - week * WEEK_S + 2 * QUARTER_S) for week in range(1, WEEKS + 1)
    ]


def judged(service: str, known: list[Quarter], start_s: int) -> Iterator[Sighting]:
    """What is unusual of a service in the quarter that began at ``start_s``, among those that are known of it."""
    before = [one for one in known if one.start_s < start_s]
    if len({one.start_s // WEEK_S for one in before}) < LEAST_WEEKS:
        return
    now = next((one for one in known if one.start_s == start_s), Quarter(start_s, 0, 0, None))
    if found := unusual_rate([float(one.count) for one in before], now.count):
        way = "less" if now.count < found.middle else "more"
        yield _sighting(
            service,
            "rate",
            now,
            found,
            (
                f"{service} has {way} to do than is usual at this hour: {now.count} instead of about "
                f"{found.middle:.0f} in a quarter of an hour"
            ),
        )
    shares = [one.error_count / one.count for one in before if one.count]
    if found := unusual_errors(shares, now.error_count, now.count):
        yield _sighting(
            service,
            "errors",
            now,
            found,
            (
                f"{service} fails more often than is usual at this hour: {now.error_count / now.count:.1%} instead"
                f" of {found.middle:.1%}"
            ),
        )
    p95s = [one.p95_ms for one in before if one.p95_ms is not None]
    if now.p95_ms is not None and now.count >= 20 and (found := unusual_p95(p95s, now.p95_ms)):
        yield _sighting(
            service,
            "latency",
            now,
            found,
            f"{service} is slower than is usual at this hour: p95 {now.p95_ms:.0f} ms instead of {found.middle:.0f}",
        )


def _sighting(service: str, what: str, now: Quarter, usual: Band, title: str) -> Sighting:
    return Sighting(
        kind="unusual",
        scope=service,
        detail=what,
        minute_s=now.start_s,
        count=1,
        first_ns=now.start_s * 10**9,
        last_ns=(now.start_s + QUARTER_S) * 10**9,
        title=title,
        severity="medium",
        advice=_ADVICE[what],
        evidence={
            "count": now.count,
            "error_count": now.error_count,
            "p95_ms": now.p95_ms,
            "usual": round(usual.middle, 3),
            "usual_from": round(usual.lower, 3),
            "usual_to": round(usual.upper, 3),
        },
    )
