"""When burn-rate alerts fire and clear, against calculations by hand, and properties of the arithmetic. Minutes are the clock."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from coldtrail.model.objectives import BurnWindow, Objective, RequestsSli
from coldtrail.watch.burn import Floats, course, firings, windows_of

DAY = 1_440
PAGE, SLOW_PAGE, TICKET, SLOW_TICKET = windows_of(Objective(sli=RequestsSli(scope="a"), target_percent=99.9))


def minutes(*runs: tuple[int, int, int]) -> tuple[Floats, Floats]:
    """Good and valid events a minute of runs of (minutes, good, bad)."""
    good = np.concatenate([np.full(length, float(good)) for length, good, _ in runs])
    bad = np.concatenate([np.full(length, float(bad)) for length, _, bad in runs])
    return good, good + bad


def fired(window: BurnWindow, *runs: tuple[int, int, int], least_bad: int = 3) -> list[tuple[int, int | None]]:
    """When an alert fires and clears, as the number of whole minutes that have passed by then."""
    good, valid = minutes(*runs)
    found = firings(course(good, valid, window, 0.001, least_bad), window)
    return [(one.first + 1, None if one.cleared is None else one.cleared + 1) for one in found]


def test_the_windows_are_those_of_the_workbook_for_thirty_days() -> None:
    told = [(one.severity, one.factor, one.long_minutes, one.short_minutes) for one in (PAGE, SLOW_PAGE, TICKET, SLOW_TICKET)]
    assert told == [("page", 14.4, 60, 5), ("page", 6.0, 360, 30), ("ticket", 3.0, 1440, 120), ("ticket", 1.0, 4320, 360)]


def test_windows_of_other_lengths_spend_the_same_share_of_their_budget() -> None:
    for window, days in (("7d", 7), ("90d", 90), ("week", 7), ("quarter", 90)):
        for one in windows_of(Objective(sli=RequestsSli(scope="a"), target_percent=99.9, window=window)):
            share = one.factor * one.long_minutes / (days * DAY)
            usual = {14.4: 0.02, 6.0: 0.05, 3.0: 0.1, 1.0: 0.1}[one.factor]
            assert share == usual or (one.long_minutes == 30 and share > usual) or abs(share - usual) < 0.0005


def test_a_constant_burn_fires_once_the_long_window_has_seen_enough_of_it() -> None:
    """2 % of 1,000 a minute fail, after three good days. By hand: k bad minutes burn 20 k / (long x 1000) / 0.001 = 20 k / long.

    14.4 x 60 / 20 = 43.2; 6 x 360 / 20 = 108; 3 x 1440 / 20 = 216; 1 x 4320 / 20 = 216: fires with the next whole minute above.
    """
    runs = ((3 * DAY, 1000, 0), (DAY, 980, 20))
    start = 3 * DAY
    assert fired(PAGE, *runs) == [(start + 44, None)]
    assert fired(SLOW_PAGE, *runs) == [(start + 109, None)]
    assert fired(TICKET, *runs) == [(start + 217, None)]
    assert fired(SLOW_TICKET, *runs) == [(start + 217, None)]


def test_a_burn_at_the_factor_itself_never_fires_and_one_just_above_does() -> None:
    """1.44 % of failures are 14.4 times 0.1 %."""
    assert fired(PAGE, (3 * DAY, 98_560, 1_440)) == []
    assert fired(PAGE, (DAY, 98_559, 1_441)) == [(1, None)]


def test_an_outage_pages_after_a_minute_and_clears_when_the_short_window_has_been_good_for_its_length() -> None:
    """All of 100 a minute fail for 30 minutes. One minute in 60 is 1/60 = 1.67 % > 1.44 %; in 5 it is 20 %.

    The five minutes are below 1.44 % with the fifth good one (1 of 5 is 20 %), and then stay so: the fifth to the ninth.
    """
    runs = ((3 * DAY, 100, 0), (30, 0, 100), (600, 100, 0))
    start, end = 3 * DAY, 3 * DAY + 30
    assert fired(PAGE, *runs) == [(start + 1, end + 9)]
    # 6 x 0.1 % of 360 minutes are 2.16 bad ones; 30 good minutes, and half an hour of calm from the 30th on.
    assert fired(SLOW_PAGE, *runs) == [(start + 3, end + 59)]


def test_a_mild_burn_clears_as_soon_as_few_enough_of_it_is_in_the_short_window() -> None:
    """2 % for two hours: of 5 minutes, 3 bad ones are 1.2 % < 1.44 %, so calm begins with the second good minute."""
    assert fired(PAGE, (3 * DAY, 1000, 0), (120, 980, 20), (60, 1000, 0)) == [(3 * DAY + 44, 3 * DAY + 120 + 2 + 4)]


def test_a_spike_pages_only_if_it_spends_enough_of_the_hour() -> None:
    """One minute with 80 % of failures is 80 / 6000 = 1.33 % of its hour; with 90 % it is 1.5 %."""
    assert fired(PAGE, (DAY, 100, 0), (1, 20, 80), (DAY, 100, 0)) == []
    assert fired(PAGE, (DAY, 100, 0), (1, 10, 90), (DAY, 100, 0)) == [(DAY + 1, DAY + 1 + 9)]


def test_flapping_within_the_short_window_is_one_alert() -> None:
    """A bad minute every six: the five between are too few to be calm for five minutes in a row."""
    runs = ((DAY, 100, 0), *(((1, 0, 100), (5, 100, 0)) * 20), (60, 100, 0))
    assert fired(PAGE, *runs) == [(DAY + 1, DAY + 20 * 6 - 5 + 9)]


def test_few_requests_page_for_the_third_failure_and_not_for_the_first() -> None:
    """Ten an hour, at 99.9 %: one failure is 100 times too fast, and tells nothing yet. With three it does."""
    some, failing = ((1, 1, 0), (5, 0, 0)), ((1, 0, 1), (5, 0, 0))
    assert fired(PAGE, *(some * 50), *failing, *(some * 50)) == []
    assert fired(PAGE, *(some * 50), *(failing * 2), *(some * 50)) == []
    assert fired(PAGE, *(some * 50), *(failing * 10)) == [(50 * 6 + 2 * 6 + 1, None)]
    assert fired(PAGE, *(some * 50), *(failing * 10), least_bad=1) == [(50 * 6 + 1, None)]
    # The next success is the newest that is known: calm from its minute on, for five.
    assert fired(PAGE, *(some * 50), *(failing * 10), *(some * 10)) == [(50 * 6 + 13, 60 * 6 + 5)]


def test_a_gap_neither_clears_nor_fires_until_the_long_window_is_empty() -> None:
    """After ten minutes of outage nothing comes: as the hour behind the last event is over, the alert has no grounds left."""
    runs = ((DAY, 100, 0), (10, 0, 100), (300, 0, 0))
    assert fired(PAGE, *runs) == [(DAY + 1, DAY + 10 + 60 + 4)]
    assert fired(PAGE, (DAY, 100, 0), (300, 0, 0), (60, 100, 0)) == []
    assert fired(PAGE, (DAY, 0, 0)) == []


runs = st.lists(st.tuples(st.integers(1, 90), st.integers(0, 50), st.integers(0, 20)), min_size=1, max_size=12)
pairs = st.sampled_from([PAGE, SLOW_PAGE, TICKET, SLOW_TICKET])


@given(some=runs, window=pairs, share=st.sampled_from([0.001, 0.01, 0.05]))
def test_an_alert_fires_only_where_both_windows_exceed_and_then_waits_for_the_calm(
    some: list[tuple[int, int, int]], window: BurnWindow, share: float
) -> None:
    """Against the rules written down naively, a minute at a time."""
    good, valid = minutes(*some)
    bad, told, since, calm = valid - good, [], None, 0
    newest = None
    for now in range(len(valid)):
        newest = now if valid[now] else newest
        long = slice(max(0, now + 1 - window.long_minutes), now + 1)
        empty = not valid[long].sum()
        at = now if empty or valid[max(0, now + 1 - window.short_minutes) : now + 1].any() else newest
        assert at is not None
        short = slice(max(0, at + 1 - window.short_minutes), at + 1)
        fast, slow = (0 if not valid[part].sum() else bad[part].sum() / (valid[part].sum() * share) for part in (short, long))
        calm = calm + 1 if fast <= window.factor else 0
        if since is None and fast > window.factor and slow > window.factor and bad[long].sum() >= 3:
            since = now
        elif since is not None and calm >= min(window.short_minutes, 30):
            told.append((since, now))
            since = None
    expected = [*told, (since, None)] if since is not None else told
    assert [(one.first, one.cleared) for one in firings(course(good, valid, window, share, 3), window)] == expected


@given(some=runs, window=pairs)
def test_more_failures_never_burn_less(some: list[tuple[int, int, int]], window: BurnWindow) -> None:
    good, valid = minutes(*some)
    worse = course(np.maximum(good - 1, 0), valid, window, 0.001, 3)
    better = course(good, valid, window, 0.001, 3)
    assert (worse.long_burn >= better.long_burn).all()
    assert (worse.short_burn >= better.short_burn).all()
    assert (worse.above | ~better.above).all()


@given(some=runs, window=pairs, data=st.data())
def test_events_counted_in_two_parts_burn_as_if_counted_at_once(
    some: list[tuple[int, int, int]], window: BurnWindow, data: st.DataObject
) -> None:
    good, valid = minutes(*some)
    part = [data.draw(st.integers(0, int(most))) for most in good[:: max(1, len(good) // 5)]]
    first = np.minimum(np.resize(np.array(part, dtype=float), len(good)), good)
    whole, halves = course(good, valid, window, 0.001, 3), course(first + (good - first), valid, window, 0.001, 3)
    assert (whole.long_burn == halves.long_burn).all()
    assert (whole.above == halves.above).all()
