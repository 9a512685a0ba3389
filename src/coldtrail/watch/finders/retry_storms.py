"""Retries that make it worse: calls that mostly fail and come several times as often as the work does."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from coldtrail.model.findings import Sighting
from coldtrail.store.engine import Engine
from coldtrail.store.troubles.calls import Minute, calls_by_minute, mostly_failing, runs_by_minute

LEAST_FAILED, FAILED_SHARE = 20, 0.5
"""In a minute, of one caller's calls to one thing."""

TIMES = 3.0
"""A storm: so many times as many calls a run as is usual."""

BEFORE_S, LEAST_MINUTES = 3_600, 2


def retry_storms(engine: Engine, since_ns: int, until_ns: int) -> Iterator[Sighting]:
    """Every caller that calls something, which mostly fails, three times as often for the same work as it used to."""
    suspects = mostly_failing(engine, since_ns, until_ns, LEAST_FAILED, FAILED_SHARE)
    if not suspects:
        return
    before_ns = since_ns - BEFORE_S * 10**9
    calls = calls_by_minute(engine, sorted({called for _, called in suspects}), before_ns, until_ns)
    runs = runs_by_minute(engine, sorted({caller for caller, _ in suspects}), before_ns, until_ns)
    for (caller, called), minutes in suspects.items():
        ratios = calls_a_run(calls.get((caller, called), {}), runs.get(caller, {}))
        bad = {one.minute_s for one in minutes}
        for one in minutes:
            usual = usual_ratio(ratios, one.minute_s, bad)
            now = ratios.get(one.minute_s)
            if usual is not None and now is not None and now >= TIMES * usual:
                yield _sighting(caller, called, one, now, usual)


def calls_a_run(calls: dict[int, int], runs: dict[int, int]) -> dict[int, float]:
    """Return how many calls there were for each run, by minute; where no run is known, how many calls.

    X-Ray's subsegments do not name the function that they are of.
    """
    if not runs:
        return {at: float(count) for at, count in calls.items()}
    return {at: count / runs[at] for at, count in calls.items() if runs.get(at)}


def usual_ratio(ratios: dict[int, float], minute_s: int, bad: set[int]) -> float | None:
    """Return the median of the hour before, without minutes that are bad themselves; None where too little is known."""
    known = [one for at, one in ratios.items() if minute_s - BEFORE_S <= at < minute_s and at not in bad]
    return median(known) if len(known) >= LEAST_MINUTES else None


def _sighting(caller: str, called: str, one: Minute, now: float, usual: float) -> Sighting:
    return Sighting(
        kind="retry_storm",
        scope=called,
        detail=caller,
        minute_s=one.minute_s,
        count=one.count,
        first_ns=one.minute_s * 10**9,
        last_ns=one.last_ns,
        title=f"{caller} calls {called} {now / usual:.0f} times as often as usual, and it fails",
        severity="medium",
        advice=(
            "Retries keep it down: back off exponentially with jitter, bound the tries, and stop asking for a "
            "while (a circuit breaker)."
        ),
        evidence={
            "caller": caller,
            "call_count": one.count,
            "failed_count": one.error_count,
            "calls_a_run": round(now, 2),
            "usual_calls_a_run": round(usual, 2),
        },
        units=(one.failing,) if one.failing.strip("0") else (),
    )
