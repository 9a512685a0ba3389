"""Budgets and forecasts against calculations by hand, and properties of the arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldtrail.watch.budgets import HOUR_NS, budget, period, spent_in_calendar, spent_in_rolling


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def hours(*runs: tuple[int, float]) -> np.ndarray:
    return np.concatenate([np.full(length, value) for length, value in runs])


def test_a_budget_is_what_the_target_leaves_of_the_events() -> None:
    """Of 100,000 at 99.9 %, 100 may be bad; with 25 bad ones three quarters are left, with 150 it is overspent by half."""
    one = budget(99_975, 100_000, 0.001)
    assert (one.allowed, one.bad, one.sli) == (pytest.approx(100), 25, 0.99975)
    assert one.left == pytest.approx(0.75)
    assert budget(99_850, 100_000, 0.001).left == pytest.approx(-0.5)
    assert (budget(0, 0, 0.001).left, budget(0, 0, 0.001).sli) == (None, None)


def test_a_calendar_budget_expects_the_rest_of_its_period_to_be_as_busy() -> None:
    """After a tenth of a month with 10,000 of 100,000 expected events, 10 bad ones have spent a tenth of 100."""
    assert budget(9_990, 10_000, 0.001, 0.1).left == pytest.approx(0.9)
    assert budget(99_990, 100_000, 0.001, 1.0).left == pytest.approx(0.9)


def test_calendar_periods_begin_where_the_calendar_says() -> None:
    now = at("2026-11-21T15:38:00")
    assert (period("week", now).start_ns, period("week", now).end_ns) == (at("2026-11-16"), at("2026-11-23"))
    assert (period("month", now).start_ns, period("month", now).end_ns) == (at("2026-11-01"), at("2026-12-01"))
    assert (period("quarter", now).start_ns, period("quarter", now).end_ns) == (at("2026-10-01"), at("2027-01-01"))
    assert (period("30d", now).end_ns - period("30d", now).start_ns, period("30d", now).rolling) == (720 * HOUR_NS, True)
    assert period("month", at("2026-02-10")).end_ns == at("2026-03-01")
    assert period("week", at("2026-11-16")).start_ns == at("2026-11-16")


def test_a_rolling_budget_is_spent_when_what_comes_passes_what_may() -> None:
    """720 hours of 1,000 events allow 720 bad ones at 99.9 %. After 714 good hours six had 10: 60 are spent.

    At ten an hour the other 660 last 66 hours, and none of the bad hours has left the window by then.
    """
    assert spent_in_rolling(hours((714, 0), (6, 10)), hours((720, 1000)), 0.001) == pytest.approx(66)
    assert spent_in_rolling(hours((720, 0.9)), hours((720, 1000)), 0.001) is None
    assert spent_in_rolling(hours((720, 10)), hours((720, 1000)), 0.001) == 0
    assert spent_in_rolling(hours((714, 5), (6, 0)), hours((714, 1000), (6, 0)), 0.001) is None


def test_bad_hours_that_leave_the_window_give_budget_back() -> None:
    """The oldest hundred hours had 5 bad ones each; as they leave, ten hours later at 4 an hour, less is spent than now."""
    bad, valid = hours((100, 5), (614, 0), (6, 4)), hours((720, 1000))
    assert bad.sum() == 524
    # It shrinks by 5 and grows by 4 an hour, a hundred hours long (424), and then grows by 4 up to 720: 74 hours more.
    assert spent_in_rolling(bad, valid, 0.001) == pytest.approx(100 + (720 - 424) / 4)


def test_a_calendar_budget_is_spent_before_its_period_ends_or_not_at_all() -> None:
    now = budget(99_950, 100_000, 0.001)
    assert spent_in_calendar(now, 10, 100) == pytest.approx(5)
    assert spent_in_calendar(now, 10, 4) is None
    assert spent_in_calendar(now, 0, 100) is None
    assert spent_in_calendar(budget(99_000, 100_000, 0.001), 0, 100) == 0


counts = st.integers(0, 10**9)


@given(good=counts, bad=counts, more=counts, share=st.floats(0.0001, 0.5))
def test_more_bad_events_never_leave_more(good: int, bad: int, more: int, share: float) -> None:
    less, worse = budget(good + more, good + bad + more, share), budget(good, good + bad + more, share)
    if less.left is not None and worse.left is not None:
        assert worse.left <= less.left


@given(events=st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=1, max_size=50), share=st.floats(0.001, 0.2))
def test_a_forecast_is_where_the_window_has_as_many_bad_events_as_it_allows(events: list[tuple[int, int]], share: float) -> None:
    bad = np.array([float(one) for one, _ in events])
    valid = bad + np.array([float(one) for _, one in events])
    found = spent_in_rolling(bad, valid, share)
    pace = min(6, len(events))
    if found is None or valid[-pace:].sum() == 0:
        return
    later = int(np.ceil(found))
    ahead = (np.concatenate((one, np.full(later, one[-pace:].mean())))[-len(one) :].sum() for one in (bad, valid))
    assert next(ahead) >= share * next(ahead) - 1e-6
