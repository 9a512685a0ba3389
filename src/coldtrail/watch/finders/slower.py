"""Calls and functions that take longer than they used to, though nothing errs."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from coldtrail.model.findings import Sighting
from coldtrail.store.engine import Engine
from coldtrail.store.troubles.failures import median_durations

MINUTE_S = 60
BEFORE_S = 3600
"""What is usual is what was in the hour before."""

LEAST_MINUTES, LEAST_CALLS = 5, 10
"""Of fewer minutes nobody knows what is usual; of fewer calls in a minute, what is."""

TIMES, LEAST_MS, SPREADS = 2.0, 50.0, 6.0

Series = dict[int, tuple[int, float]]


def slower_than_before(engine: Engine, since_ns: int, until_ns: int) -> Iterator[Sighting]:
    """Every pair of a caller and what it calls, and every function, whose median left its band."""
    # What was usual is asked only of those that can be above it: an hour of all is dear to read every few seconds.
    suspects = median_durations(engine, since_ns, until_ns, above_ms=LEAST_MS, least=LEAST_CALLS)
    if not suspects:
        return
    names = sorted({called for _, called in suspects})
    known = median_durations(engine, since_ns - BEFORE_S * 10**9, until_ns, of=names, least=LEAST_CALLS)
    for (caller, called), series in suspects.items():
        for minute_s, (count, median_ms) in sorted(series.items()):
            all_minutes = known.get((caller, called), {})
            usual_ms = usual({at: told for at, told in all_minutes.items() if minute_s - BEFORE_S <= at < minute_s})
            if usual_ms is not None and median_ms > usual_ms[1]:
                yield _sighting(caller, called, minute_s, count, median_ms, usual_ms)


def usual(before: Series) -> tuple[float, float] | None:
    """Return the usual median in ms and the band's upper end, or None where too little is known.

    Robust: the median of the minutes' medians, and six times their median absolute deviation above it; but never less
    than twice as long and 50 ms longer. Minutes that were slow themselves move it only when they are half of all.
    """
    told = [median_ms for count, median_ms in before.values() if count >= LEAST_CALLS]
    if len(told) < LEAST_MINUTES:
        return None
    middle = median(told)
    spread = 1.4826 * median(abs(one - middle) for one in told)
    return middle, max(middle * TIMES, middle + LEAST_MS, middle + SPREADS * spread)


def _sighting(
    caller: str, called: str, minute_s: int, count: int, median_ms: float, usual_ms: tuple[float, float]
) -> Sighting:
    who = f"{called} answers {caller}" if caller else called
    word = "slowly" if caller else "is slow"
    return Sighting(
        kind="slower",
        scope=called,
        detail=caller,
        minute_s=minute_s,
        count=count,
        first_ns=minute_s * 10**9,
        last_ns=(minute_s + MINUTE_S) * 10**9 - 1,
        title=f"{who} {word}: {median_ms:,.0f} ms instead of {usual_ms[0]:,.0f}",
        severity="medium",
        advice=(
            "See what changed at that time: a deployment, the load, or what it waits for; the trails' shares tell"
            " which."
        ),
        evidence={"caller": caller, "median_ms": round(median_ms, 1), "usual_ms": round(usual_ms[0], 1)},
    )
