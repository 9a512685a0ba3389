"""What is usual at an hour of the week, and when a function has fallen silent: told by a simulated month without false alarms."""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as some

from coldtrail.store.troubles.pulses import Pulse
from coldtrail.store.troubles.weeks import QUARTER_S, WEEK_S, Quarter
from coldtrail.watch.baseline import LEAST_QUARTERS, band, unusual_errors, unusual_p95, unusual_rate
from coldtrail.watch.finders.unusual import judged, ranges_of
from coldtrail.watch.finders.vanished import pauses, silent_since

HOUR_S, DAY_S = 3_600, 86_400
MONTH_S = 4 * WEEK_S


def a_minute(at_s: int) -> float:
    """How many requests a minute a shop has: busy by day, less at week-ends, nearly none at night."""
    hour, day = at_s % DAY_S / HOUR_S, at_s // DAY_S % 7
    return (2 + 60 * max(0.0, math.sin((hour - 6) / 16 * math.pi)) ** 2) * (0.4 if day in (2, 3) else 1.0)


def quarter(
    dice: random.Random, start_s: int, *, rate: float = 1.0, errors: float = 0.01, slow: float = 1.0
) -> Quarter:
    due = a_minute(start_s) * 15 * rate * dice.lognormvariate(0, 0.08)
    count = max(0, round(dice.gauss(due, math.sqrt(due))))
    failed = sum(dice.random() < errors for _ in range(count))
    return Quarter(start_s, count, failed, 120.0 * slow * dice.lognormvariate(0, 0.12) if count else None)


def month(dice: random.Random) -> dict[int, Quarter]:
    return {at: quarter(dice, at) for at in range(0, MONTH_S + WEEK_S, QUARTER_S)}


def known_at(quarters: dict[int, Quarter], start_s: int) -> list[Quarter]:
    return [
        quarters[at]
        for since, until in sorted(ranges_of(start_s))
        for at in range(since, until, QUARTER_S)
        if at in quarters
    ]


def test_a_month_of_ordinary_weeks_raises_no_alarm() -> None:
    for seed in range(4):
        quarters = month(random.Random(seed))
        alarms = [told for at in range(2 * WEEK_S, MONTH_S + WEEK_S, QUARTER_S) for told in judged("shop", [*known_at(quarters, at), quarters[at]], at)]
        assert [one.title for one in alarms] == []


def test_what_is_unlike_its_hour_is_told_by_what_it_is() -> None:
    dice, at = random.Random(5), MONTH_S + 3 * DAY_S + 14 * HOUR_S
    quarters = month(dice)
    wrong = {
        "rate": [quarter(dice, at, rate=0.2), quarter(dice, at, rate=3.0)],
        "errors": [quarter(dice, at, errors=0.3)],
        "latency": [quarter(dice, at, slow=4.0)],
    }
    for what, ones in wrong.items():
        for one in ones:
            assert [told.detail for told in judged("shop", [*known_at(quarters, at), one], at)] == [what]


def test_nothing_is_usual_in_the_first_week() -> None:
    at = WEEK_S + 14 * HOUR_S
    quarters = month(random.Random(3))
    busy = Quarter(at, 10**6, 10**5, 9_000.0)
    assert list(judged("shop", [*known_at(quarters, at), busy], at)) == []


@given(some.lists(some.floats(0, 1e6), min_size=LEAST_QUARTERS, max_size=40), some.floats(0, 1e5))
def test_the_median_is_always_usual(values: list[float], least: float) -> None:
    found = band(values, least)
    assert found is not None
    assert found.lower <= found.middle <= found.upper
    assert unusual_rate(values, found.middle) is None
    assert unusual_p95(values, found.middle) is None
    assert unusual_p95(values, 0.0) is None, "quick is never wrong"


def test_a_few_errors_of_few_requests_are_chance() -> None:
    assert unusual_errors([0.0] * 16, now_errors=9, now_count=40) is None
    assert unusual_errors([0.0] * 16, now_errors=30, now_count=60) is not None


def beats(dice: random.Random, every_s: float, of_s: int) -> Pulse:
    at, seconds = 0.0, set[int]()
    while (at := at + dice.expovariate(1 / every_s)) < of_s:
        seconds.add(int(at))
    return Pulse("f", sorted(seconds), len(seconds), 2)


def test_a_function_that_ends_is_silent_soon_and_one_that_goes_on_never_is() -> None:
    dice = random.Random(2)
    for every_s in (0.5, 2.0, 5.0, 20.0):
        one = beats(dice, every_s, 1_800)
        last = one.seconds[-1]
        since = silent_since(one, 0, last + 3_600)
        assert since is not None
        assert 30 <= since - last <= max(60, 40 * every_s)
        assert silent_since(one, 0, since - 1) is None
    # Looking for a week at what runs every five seconds: at the end of each of its longest pauses it is not silent.
    seconds = beats(dice, 5.0, 7 * DAY_S).seconds
    longest = sorted((after - before, before) for before, after in pairwise(seconds) if before > 1_800)[-50:]
    for gap, before in longest:
        recent = seconds[bisect_left(seconds, before - 1_800) : bisect_left(seconds, before) + 1]
        assert silent_since(Pulse("f", recent, len(recent), 2), 0, before + gap - 1) is None, (gap, before)


def test_an_incident_hides_no_silence_of_what_runs_every_few_seconds_and_a_habit_does() -> None:
    incident = [*range(0, 600, 5), 640, 700, *range(705, 1_200, 5)]
    habit = [at for at in range(0, 1_200) if at % 240 >= 60]
    for seconds, longest_s in ((list(range(0, 1_200, 5)), 35), (incident, 35), (habit, 2 * 61)):
        last = seconds[-1]
        assert silent_since(Pulse("f", seconds, len(seconds), 2), seconds[0], last + 3_600) == last + longest_s + 2


def test_a_job_that_began_and_is_done_has_not_vanished() -> None:
    job = Pulse("nightly", list(range(1_000, 1_300)), 300, 1)
    assert silent_since(job, 0, 1_600) is None
    assert silent_since(job, 990, 1_600) is not None, "nothing is known from before, so it may have run for ever"
    assert pauses([0, 60, 120, 3_600, 3_660], 120)
    assert not pauses(list(range(0, 7_200, 60)), 120)


def test_what_is_told_late_is_waited_for() -> None:
    late = Pulse("f", list(range(0, 600)), 600, 300)
    assert silent_since(late, 0, 900) is None
    assert silent_since(late, 0, 1_000) is not None
