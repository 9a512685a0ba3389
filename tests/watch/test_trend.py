"""Where a value is going."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldtrail.server.alerts.telling import FIRST_WAIT_S, MOST_WAIT_S, wait_s
from coldtrail.watch.trend import foreseen


@given(st.floats(-10, 10), st.floats(-1000, 1000), st.integers(5, 200), st.floats(0, 3600))
def test_a_straight_course_goes_on_straight(slope: float, level: float, points: int, ahead_s: float) -> None:
    times = np.arange(points) * 60.0
    expected = level + slope * (times[-1] + ahead_s)
    assert foreseen(times, level + slope * times, ahead_s) == pytest.approx(expected, rel=1e-6, abs=1e-4)


def test_single_outliers_do_not_bend_it() -> None:
    times = np.arange(30) * 60.0
    values = 100 + times / 60
    values[[5, 17]] = 10_000
    assert foreseen(times, values, 600.0) == pytest.approx(139, abs=1)


def test_of_too_few_points_nothing_is_said() -> None:
    times = np.arange(30) * 60.0
    assert foreseen(times[:4], times[:4], 60.0) is None
    assert foreseen(times, np.full(30, np.nan), 60.0) is None
    assert foreseen(np.zeros(10), times[:10], 60.0) is None


@given(st.integers(1, 12), st.floats(0, 1))
def test_a_receiver_is_left_in_peace_for_longer_each_time(tries: int, chance: float) -> None:
    wait = wait_s(tries, chance)
    assert FIRST_WAIT_S / 2 <= wait <= MOST_WAIT_S
    assert wait_s(tries + 1, chance) >= wait
