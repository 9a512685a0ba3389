"""What is usual is learned from the hour before, and a few odd minutes do not move it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from coldtrail.watch.finders.slower import LEAST_CALLS, LEAST_MINUTES, usual


def minutes(*medians_ms: float, count: int = 60) -> dict[int, tuple[int, float]]:
    return {60 * number: (count, median_ms) for number, median_ms in enumerate(medians_ms)}


def test_nothing_is_usual_before_enough_is_known() -> None:
    assert usual(minutes(*[5.0] * (LEAST_MINUTES - 1))) is None
    assert usual(minutes(*[5.0] * 30, count=LEAST_CALLS - 1)) is None


def test_a_table_that_answers_400_ms_late_leaves_its_band_and_one_that_wavers_does_not() -> None:
    known = usual(minutes(*[4.0, 6.0, 5.0, 7.0, 5.0, 4.5, 9.0, 5.5]))
    assert known is not None
    middle, upper = known
    assert 4 < middle < 7
    assert 30 < upper < 400


def test_slow_minutes_do_not_become_usual_until_they_are_half_of_all() -> None:
    calm, slow = [10.0] * 20, [500.0] * 9
    known = usual(minutes(*calm, *slow))
    assert known is not None
    assert known[1] < 500


@given(some.lists(some.floats(0.1, 10_000), min_size=LEAST_MINUTES, max_size=60))
def test_the_band_is_above_the_median_by_twice_and_50_ms(medians_ms: list[float]) -> None:
    known = usual(minutes(*medians_ms))
    assert known is not None
    middle, upper = known
    assert upper >= 2 * middle
    assert upper >= middle + 50
