"""Who belongs to whom by times alone: right often enough, and sure only where it is right."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
from simulator import Workload, calls, handed_over, in_flight, queued, streamed, with_losses

from coldtrail.trails.timing.in_order import Limits
from coldtrail.trails.timing.matching import Delay, Match, Order, Question, Times, match


def ask(workload: Workload, *, within: bool = False, order: Order = "any", known_ms: Sequence[float] = (), batch: int = 0) -> list[Match]:
    limits = Limits([batch] * len(workload.effects)) if batch else None
    return match(Question([Times(*one) for one in workload.causes], [Times(*one) for one in workload.effects], Delay(50.0, 1.2), known_ms, 60_000.0, within, order, limits))


def right(workload: Workload, found: list[Match]) -> float:
    """The share of the true pairs that were found."""
    return sum(one.cause in workload.truth[one.effect] for one in found) / sum(map(len, workload.truth.values()))


def right_where_sure(workload: Workload, found: list[Match]) -> float:
    sure = [one for one in found if one.confidence >= 0.9]
    return sum(one.cause in workload.truth[one.effect] for one in sure) / len(sure) if sure else 1.0


@pytest.mark.parametrize(
    ("name", "make", "how", "least"),
    [
        ("calls that are waited for", calls, {"within": True}, 0.97),
        ("a queue before a few workers", queued, {"order": "usual"}, 0.90),
        ("a shard, taken in batches", streamed, {"order": "kept", "batch": 5}, 0.90),
        ("events that are handed over, steadily", lambda dice, count: handed_over(dice, count, spread=0.06), {}, 0.90),
    ],
)
def test_nine_of_ten_are_right_with_ten_in_flight(name: str, make: Callable[[random.Random, int], Workload], how: dict, least: float) -> None:
    workloads = [make(random.Random(seed), 250) for seed in (1, 2)]
    answers = [ask(workload, **how) for workload in workloads]
    flying = sum(map(in_flight, workloads)) / len(workloads)
    share = sum(map(right, workloads, answers)) / len(workloads)
    sure = sum(map(right_where_sure, workloads, answers)) / len(workloads)
    print(f"{name}: {flying:.1f} in flight, {share:.3f} right, {sure:.3f} right where sure")
    assert flying > 5
    assert share >= least
    assert sure >= 0.9


@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_lost_or_came_from_elsewhere_makes_it_doubt_rather_than_err(seed: int) -> None:
    dice = random.Random(seed)
    for make, how in ((calls, {"within": True}), (handed_over, {}), (queued, {"order": "usual"})):
        workload = with_losses(dice, make(dice, 150))
        assert right_where_sure(workload, ask(workload, **how)) >= 0.9


def test_delays_that_were_seen_elsewhere_decide_where_too_few_are_left_to_learn_from() -> None:
    causes, effects = [Times(0.0), Times(80.0)], [Times(100.0)]
    seen_long = match(Question(causes, effects, Delay(50.0, 1.2), [99.0, 101.0, 100.0, 98.0, 102.0] * 4))
    seen_short = match(Question(causes, effects, Delay(50.0, 1.2), [19.0, 21.0, 20.0, 18.0, 22.0] * 4))
    assert [one.cause for one in seen_long] == [0]
    assert [one.cause for one in seen_short] == [1]


def test_no_effect_comes_before_its_cause_or_after_the_horizon() -> None:
    assert match(Question([Times(100.0)], [Times(50.0)], Delay(50.0, 1.2))) == []
    assert match(Question([Times(0.0)], [Times(90_000.0)], Delay(50.0, 1.2), horizon_ms=60_000.0)) == []


def test_a_call_that_is_waited_for_ends_after_what_it_called() -> None:
    found = match(Question([Times(0.0, 30.0), Times(1.0, 100.0)], [Times(3.0, 95.0)], Delay(5.0, 1.2), within=True))
    assert [one.cause for one in found] == [1]


def test_two_that_could_have_done_it_share_the_confidence() -> None:
    (found,) = match(Question([Times(0.0), Times(0.5)], [Times(50.0)], Delay(50.0, 0.5)))
    assert found.confidence < 0.6


def test_nothing_to_match_is_no_match() -> None:
    assert match(Question([], [Times(1.0)], Delay(50.0, 1.2))) == []
    assert match(Question([Times(1.0)], [], Delay(50.0, 1.2))) == []
