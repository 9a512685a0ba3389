"""DORA's figures of made-up histories, and what is clearly worse."""

from __future__ import annotations

import pytest

from coldtrail.analysis.dora import Landed, clearly_worse, figures
from coldtrail.analysis.rollouts import rollouts
from coldtrail.store.functions.versions import Version

HOUR_NS = 3600 * 10**9
WEEK_NS = 7 * 24 * HOUR_NS


def landed(hour: float, failed: str = "", **more: object) -> Landed:
    return Landed(int(hour * HOUR_NS), failed, **more)  # type: ignore[arg-type]


def test_the_figures_of_a_week() -> None:
    found = figures(
        [
            landed(30, committed_ns=20 * HOUR_NS),
            landed(10, committed_ns=9 * HOUR_NS),
            landed(40, "announced as failed"),
            landed(41, "announced as failed"),
            landed(43, unplanned=True),
            landed(60, "error rate", restored_ns=int(60.5 * HOUR_NS)),
            landed(100, "error rate"),
        ],
        WEEK_NS,
    )
    assert (found.deployment_count, found.deployments_per_day, found.failed_count) == (7, 1.0, 4)
    assert (found.lead_time_ms, found.lead_time_count) == (5.5 * 3_600_000, 2)
    assert found.change_fail_rate == 4 / 7
    # 3 h and 2 h until the one that did not fail, half an hour as told; the last is not over.
    assert (found.recovery_time_ms, found.recovered_count) == (2 * 3_600_000, 3)
    assert found.rework_rate == 1 / 7


def test_without_deployments_nothing_is_claimed() -> None:
    found = figures([], WEEK_NS)
    assert (found.deployments_per_day, found.lead_time_ms, found.change_fail_rate, found.recovery_time_ms, found.rework_rate) == (0, None, None, None, None)


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [
        ((1_000, 10), (1_000, 100), True),
        ((1_000, 0), (1_000, 20), True),
        ((1_000, 0), (1_000, 4), False),  # too few to speak of
        ((1_000, 100), (1_000, 150), False),  # not twice the share
        ((20, 1), (20, 5), False),  # may be chance
        ((1_000, 100), (1_000, 10), False),
        ((0, 0), (1_000, 500), False),  # nothing to compare with
        ((10, 10), (10, 10), False),
        ((50, 0), (50, 50), True),
    ],
)
def test_only_a_clear_rise_is_held_against_a_deployment(before: tuple[int, int], after: tuple[int, int], worse: bool) -> None:
    assert clearly_worse(*before, *after) is worse


def test_a_version_that_comes_after_another_is_a_deployment_of_all_who_got_it() -> None:
    seen = [Version(service, "service.version", version, first, first + 9) for service, version, first in [("a", "1", 100), ("b", "1", 110), ("a", "2", 1_000), ("b", "2", 1_060), ("c", "2", 1_000), ("a", "3", 5_000)]]
    assert [(one.first_s, one.version, one.previous, one.services) for one in rollouts(seen, 0, 10_000)] == [(5_000, "3", "2", ["a"]), (1_000, "2", "1", ["a", "b"])]
    assert rollouts(seen, 0, 900) == []
