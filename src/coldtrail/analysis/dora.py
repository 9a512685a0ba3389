"""The figures of DORA for one application, from its deployments; and what is held to be a failed one.

Definitions as DORA gives them now (dora.dev, "DORA's software delivery performance metrics", 2025): change lead time,
deployment frequency and failed deployment recovery time tell of throughput, change fail rate and deployment rework rate
of instability. "Time to restore" is the older name of failed deployment recovery time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from msgspec import Struct

DAY_NS = 86_400 * 10**9

DEFINITIONS = {
    "deployment_frequency": "The number of deployments over a given period: here, how many reached the environment, per day.",
    "change_lead_time": "The time it takes for a change to go from committed to version control to deployed in production: "
    "here, the median from the commit's time to the deployment's.",
    "change_fail_rate": "The ratio of deployments that require immediate intervention following a deployment: here, those "
    "announced as failed or rolled back, and those after which the services' error rate rose clearly.",
    "failed_deployment_recovery_time": "The time it takes to recover from a deployment that fails and requires immediate "
    "intervention: here, the median until it was announced as restored, or until the next deployment that did not fail.",
    "deployment_rework_rate": "The ratio of deployments that are unplanned but happen as a result of an incident in production.",
}
SOURCE = "dora.dev, DORA's software delivery performance metrics"

LEAST_ERRORS = 5
LEAST_RATIO = 2.0
LEAST_Z = 3.0


class Landed(Struct, frozen=True):
    """A deployment that reached its environment. ``failed``: why it is held to have failed, "" where it is not."""

    time_ns: int
    failed: str
    committed_ns: int | None = None
    restored_ns: int | None = None
    unplanned: bool = False


class Figures(Struct, frozen=True):
    """One application over a range; None where nothing tells. Times in milliseconds. Counts say of how many."""

    deployment_count: int
    failed_count: int
    deployments_per_day: float
    lead_time_ms: float | None
    lead_time_count: int
    change_fail_rate: float | None
    recovery_time_ms: float | None
    recovered_count: int
    rework_rate: float | None


def figures(deployments: Sequence[Landed], range_ns: int) -> Figures:
    """Return the figures of one application's deployments within a range so long."""
    ordered = sorted(deployments, key=lambda one: one.time_ns)
    count = len(ordered)
    leads = [one.time_ns - one.committed_ns for one in ordered if one.committed_ns is not None]
    recoveries = [
        ns
        for number, one in enumerate(ordered)
        if one.failed and (ns := _recovery_ns(one, ordered[number + 1 :])) is not None
    ]
    failed = sum(bool(one.failed) for one in ordered)
    return Figures(
        deployment_count=count,
        failed_count=failed,
        deployments_per_day=count / (range_ns / DAY_NS),
        lead_time_ms=_median_ms(leads),
        lead_time_count=len(leads),
        change_fail_rate=failed / count if count else None,
        recovery_time_ms=_median_ms(recoveries),
        recovered_count=len(recoveries),
        rework_rate=sum(one.unplanned for one in ordered) / count if count else None,
    )


def _recovery_ns(failed: Landed, later: Sequence[Landed]) -> int | None:
    if failed.restored_ns is not None:
        return max(0, failed.restored_ns - failed.time_ns)
    return next((one.time_ns - failed.time_ns for one in later if not one.failed), None)


def _median_ms(durations_ns: Sequence[int]) -> float | None:
    return max(0.0, median(durations_ns) / 1e6) if durations_ns else None


def clearly_worse(count_before: int, errors_before: int, count_after: int, errors_after: int) -> bool:
    """Whether the share of errors rose beyond chance and beyond trifles.

    At least five errors after, at least twice the share of before, and three standard errors of the difference of two
    proportions (pooled) between them.
    """
    if not count_before or not count_after or errors_after < LEAST_ERRORS:
        return False
    before, after = errors_before / count_before, errors_after / count_after
    pooled = (errors_before + errors_after) / (count_before + count_after)
    error = math.sqrt(pooled * (1 - pooled) * (1 / count_before + 1 / count_after))
    return after >= LEAST_RATIO * before and after > before and (error == 0 or (after - before) / error >= LEAST_Z)
