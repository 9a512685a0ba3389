"""When a limit is met: sure of a trend that is there, silent where there is none, unmoved by peaks."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldtrail.analysis.limits import FURTHEST, LEAST_POINTS, met_at, trend

MINUTE_S = 60.0
slopes = st.floats(0.01, 100)
starts = st.floats(0, 1000)
lengths = st.integers(LEAST_POINTS, 400)

# A busy machine takes its time over 45,000 pairs.
some = settings(deadline=None, max_examples=40)


def line(length: int, start: float, slope: float) -> tuple[list[float], list[float]]:
    times = [number * MINUTE_S for number in range(length)]
    return times, [start + slope * at for at in times]


@some
@given(lengths, starts, slopes)
def test_a_straight_course_is_followed_to_the_limit(length: int, start: float, slope: float) -> None:
    times, values = line(length, start, slope)
    ahead_s = 5 * MINUTE_S
    assert met_at(times, values, values[-1] + slope * ahead_s) == pytest.approx(times[-1] + ahead_s, rel=1e-3)


@some
@given(lengths, starts, slopes, st.integers(0, 10**6))
def test_a_fifth_of_wild_points_bends_nothing_much(length: int, start: float, slope: float, seed: int) -> None:
    dice = random.Random(seed)
    times, values = line(length, start, slope)
    for at in dice.sample(range(length), length // 5):
        values[at] = dice.choice([0.0, 1e6])
    found = trend(times, values)
    assert found is None or 0 < found.per_s < 3 * slope


@settings(deadline=None, max_examples=5)
@given(lengths, st.integers(0, 10**6))
def test_noise_without_a_trend_seldom_passes_for_one(length: int, seed: int) -> None:
    dice = random.Random(seed)
    times = [number * MINUTE_S for number in range(length)]
    courses = [[dice.random() for _ in times] for _ in range(40)]
    # One of a hundred should; six of forty do so once in 100,000 times.
    assert sum(trend(times, course) is not None for course in courses) <= 6


@some
@given(lengths, st.floats(0, 100))
def test_a_level_course_has_no_trend(length: int, level: float) -> None:
    times, values = line(length, level, 0)
    assert trend(times, values) is None
    assert met_at(times, values, level + 1) is None


@some
@given(lengths, slopes)
def test_falling_use_never_meets_a_limit(length: int, slope: float) -> None:
    times, values = line(length, slope * length * MINUTE_S, -slope)
    assert met_at(times, values, values[0] * 2) is None


@some
@given(lengths, starts, slopes)
def test_what_was_met_is_met_now(length: int, start: float, slope: float) -> None:
    times, values = line(length, start, slope)
    assert met_at(times, values, values[-1]) == times[-1]


@some
@given(lengths, starts, slopes)
def test_nothing_is_foretold_beyond_ten_times_what_was_seen(length: int, start: float, slope: float) -> None:
    times, values = line(length, start, slope)
    seen_s = times[-1] - times[0]
    assert met_at(times, values, values[-1] + slope * seen_s * (FURTHEST + 1)) is None


@some
@given(st.integers(0, LEAST_POINTS - 1), slopes)
def test_few_points_tell_nothing(length: int, slope: float) -> None:
    times, values = line(length, 0, slope)
    assert trend(times, values) is None


@some
@given(lengths, starts, slopes, st.floats(0.1, 1000), st.floats(-1e6, 1e6))
def test_units_and_clocks_do_not_matter(length: int, start: float, slope: float, times_by: float, later_s: float) -> None:
    times, values = line(length, start, slope)
    limit = values[-1] + slope * MINUTE_S
    here, there = met_at(times, values, limit), met_at([at + later_s for at in times], [value * times_by for value in values], limit * times_by)
    assert here is not None
    assert there == pytest.approx(here + later_s, rel=1e-3, abs=1)
