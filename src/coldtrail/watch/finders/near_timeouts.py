"""Runs that end shortly before they would be ended, by their own time-out or by that of whoever waits for them."""

from __future__ import annotations

from collections.abc import Iterator

from coldtrail.model.findings import Sighting
from coldtrail.store.engine import Engine
from coldtrail.store.troubles.requests import Slow, near_gateway_timeout, near_own_timeout

SHARE = 0.8
REACH_NS = 600 * 10**9
KNOWN_NS = 6 * 3_600 * 10**9
GATEWAY_MS = 29_000.0
"""Amazon API Gateway Developer Guide, "Quotas": the integration time-out, which may be raised for regional APIs."""


def near_timeouts(engine: Engine, now_ns: int) -> Iterator[Sighting]:
    """Every route and function that took more than four fifths of the time that it has."""
    for one in near_gateway_timeout(engine, now_ns - REACH_NS, now_ns, GATEWAY_MS, SHARE):
        yield _sighting(
            one,
            "gateway",
            (
                "Answer at once and do the work behind a queue, or give what it calls shorter time-outs: a "
                "caller's time-out must be longer than those of all that it waits for."
            ),
        )
    for one in near_own_timeout(engine, now_ns - KNOWN_NS, now_ns - REACH_NS, now_ns, SHARE):
        yield _sighting(
            one,
            "own",
            (
                "The next slower call ends it: give its calls time-outs that leave it time to answer, or the "
                "function a longer one, but not longer than that of whoever waits for it."
            ),
        )


def _sighting(one: Slow, whose: str, advice: str) -> Sighting:
    return Sighting(
        kind="near_timeout",
        scope=one.name,
        detail=whose,
        minute_s=one.last_ns // (60 * 10**9) * 60,
        count=one.count,
        first_ns=one.first_ns,
        last_ns=one.last_ns,
        title=f"{one.name} takes up to {one.most_ms / 1e3:.1f} s of the {one.limit_ms / 1e3:.1f} s that it has",
        severity="low",
        advice=advice,
        evidence={"longest_ms": round(one.most_ms), "timeout_ms": round(one.limit_ms), "of": one.of, "whose": whose},
        units=one.units,
    )
