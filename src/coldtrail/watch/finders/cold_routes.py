"""Cold starts that somebody waits for: requests that began with setting a function up."""

from __future__ import annotations

from collections.abc import Iterator

from coldtrail.model.findings import Sighting
from coldtrail.store.engine import Engine
from coldtrail.store.troubles.requests import ColdRoute, cold_routes

LEAST_COLD, LEAST_SHARE, LEAST_INIT_MS = 5, 0.2, 200.0
REACH_NS = 180 * 10**9


def cold_starts_in_front(engine: Engine, now_ns: int) -> Iterator[Sighting]:
    """Every route of which a fifth of the requests of the last minutes, and five at least, met a cold start."""
    for one in cold_routes(engine, now_ns - REACH_NS, now_ns):
        if one.cold >= LEAST_COLD and one.cold >= one.of * LEAST_SHARE and one.init_ms >= LEAST_INIT_MS:
            yield _sighting(one)


def _sighting(one: ColdRoute) -> Sighting:
    return Sighting(
        kind="cold_starts",
        scope=one.function,
        detail=one.route,
        minute_s=one.last_ns // (60 * 10**9) * 60,
        count=one.cold,
        first_ns=one.first_ns,
        last_ns=one.last_ns,
        title=f"{one.cold / one.of:.0%} of the requests to {one.route} wait for {one.function} to be set up",
        severity="medium",
        advice=(
            "Provisioned concurrency or SnapStart for what people wait for; load less when it starts. The page of"
            " cold starts tells why they happen, and what warm ones would cost."
        ),
        evidence={
            "route": one.route,
            "cold_count": one.cold,
            "request_count": one.of,
            "init_p50_ms": round(one.init_ms),
        },
        units=one.units,
    )
