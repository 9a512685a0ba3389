"""Quotas that are nearly used up: of the account, and of single resources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from coldtrail.model.findings import Sighting
from coldtrail.services import ALL_SERVICES
from coldtrail.store.engine import Engine
from coldtrail.store.figures.steps import Steps
from coldtrail.store.figures.uses import Use, uses

SHARE = 0.8
TOLD_OTHERWISE = ("lambda.memory", "lambda.duration")
"""What other finders tell of a function, with better advice: `near_out_of_memory`, `near_timeout`."""

REACH_NS, STEP_NS = 900 * 10**9, 60 * 10**9


def near_quotas(limits: Mapping[str, float]) -> Callable[[Engine, int], Iterator[Sighting]]:
    """Return the finder of quotas of which four fifths are used; ``limits`` are the settings' own."""

    def near_quota(engine: Engine, now_ns: int) -> Iterator[Sighting]:
        until_ns = now_ns // STEP_NS * STEP_NS
        steps = Steps(until_ns - REACH_NS, until_ns, STEP_NS)
        for use in uses(engine, ALL_SERVICES, limits, steps):
            if use.quota.id not in TOLD_OTHERWISE and use.values and max(use.values.values()) >= SHARE * use.limit:
                yield _sighting(use, steps)

    return near_quota


def _sighting(use: Use, steps: Steps) -> Sighting:
    step = max(use.values, key=lambda one: (use.values[one], one))
    used, at_ns = use.values[step], steps.since_ns + step * steps.step_ns
    whose = use.resource or "the account"
    return Sighting(
        kind="quota",
        scope=whose,
        detail=use.quota.id,
        minute_s=at_ns // (60 * 10**9) * 60,
        count=sum(1 for value in use.values.values() if value >= SHARE * use.limit),
        first_ns=at_ns,
        last_ns=at_ns + steps.step_ns,
        title=f"{whose} uses {used / use.limit:.0%} of {use.quota.name} ({use.service.name})",
        severity="medium",
        advice=f"{use.quota.explained} "
        + (
            "It is raised on request; ask before it is met."
            if use.quota.soft
            else "It cannot be raised: spread the load."
        ),
        evidence={"used": round(used, 3), "limit": use.limit, "unit": use.quota.unit, "told_by": use.how},
    )
