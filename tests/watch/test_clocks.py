"""A clock is wrong where one function is ahead of its receipt and the others are not."""

from __future__ import annotations

from coldtrail.store.troubles.messages import Lead
from coldtrail.watch.finders.clocks import ahead_of_all


def lead(function: str, low_ms: float, high_ms: float, count: int = 20) -> Lead:
    return Lead(function, "span", count, low_ms, high_ms, 0, 0, ())


def test_a_log_that_is_behind_makes_no_clock_wrong() -> None:
    assert ahead_of_all([lead("a", 24_000, 33_000), lead("b", 2_000, 31_000), lead("c", -900, 8_000)]) == []


def test_the_one_that_is_ahead_of_all_others_is_told_by_how_much() -> None:
    found = ahead_of_all([lead("fast", 36_000, 62_000), lead("b", 2_000, 29_000), lead("fast", -300, 1_000)])
    assert [(one.ahead, one.skew_ms) for one in found] == [("fast", 7_000)]


def test_of_one_alone_nobody_can_tell_whose_clock_is_wrong() -> None:
    assert ahead_of_all([lead("fast", 36_000, 62_000)]) == []
    assert ahead_of_all([lead("fast", 36_000, 62_000, count=2), lead("b", 0, 0)]) == []
