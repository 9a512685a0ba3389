"""Objectives stepped from minute to minute by a controlled clock, against the course worked out at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldtrail.model.objectives import MINUTE_NS, BurnWindow, Objective, RequestsSli, TrailsSli
from coldtrail.store.sli.events import Counted
from coldtrail.watch.burn import course, firings
from coldtrail.watch.ledger import Ledger
from coldtrail.watch.proposals import Seen, proposals
from coldtrail.watch.series import series_of, tally
from coldtrail.watch.standing import Standing

START = 29_900_000
"""A Unix minute."""

WINDOWS = (
    BurnWindow(severity="page", factor=14.4, long="20m", short="5m"),
    BurnWindow(severity="ticket", factor=2, long="60m", short="10m"),
)


def objective(**more: object) -> Objective:
    given = {"sli": RequestsSli(scope="shop"), "target_percent": 99.0, "window": "1d", "windows": WINDOWS, **more}
    return Objective(**given)  # type: ignore[arg-type]


def watching(one: Objective) -> tuple[Standing, int]:
    standing = Standing()
    (series,) = standing.follow({"shop": one})
    standing.ledger.advance(START)
    standing.begin(START * MINUTE_NS)
    return standing, series.id


runs = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 30), st.integers(0, 10)), min_size=1, max_size=8)


@settings(max_examples=40)
@given(some=runs)
def test_stepping_each_minute_fires_and_clears_as_the_course_as_a_whole_does(some: list[tuple[int, int, int]]) -> None:
    standing, series = watching(objective())
    counts = [(good, good + bad) for length, good, bad in some for _ in range(length)]
    seen: list[list[int | None]] = []
    for number, (good, valid) in enumerate(counts):
        standing.ledger.advance(START + number + 1)
        standing.ledger.put(series, START + number, good, valid)
        standing.step((START + number + 1) * MINUTE_NS)
        seen.append([pair.since for pair in standing.watched["shop"].pairs])
    goods, valids = np.array(counts, dtype=float).T
    for index, window in enumerate(WINDOWS):
        expected: list[int | None] = [None] * len(counts)
        for one in firings(course(goods, valids, window, 0.01, 3), window):
            ends = len(counts) if one.cleared is None else one.cleared
            expected[one.first : ends] = [START + one.first] * (ends - one.first)
        assert [row[index] for row in seen] == expected


@settings(max_examples=30)
@given(some=runs, stop=st.integers(1, 300))
def test_who_starts_anew_knows_what_was_known_before(some: list[tuple[int, int, int]], stop: int) -> None:
    counts = [(good, good + bad) for length, good, bad in some for _ in range(length)][:stop]
    standing, series = watching(objective())
    for number, (good, valid) in enumerate(counts):
        standing.ledger.advance(START + number + 1)
        standing.ledger.put(series, START + number, good, valid)
        standing.step((START + number + 1) * MINUTE_NS)
    before = standing.burning()
    standing.begin((START + len(counts)) * MINUTE_NS)
    assert standing.burning() == before


def test_an_outage_is_one_burn_of_each_severity_and_is_over_when_it_is_calm() -> None:
    """All of 10 a minute fail for six minutes. 14.4 % of 20 minutes are 2.88 bad ones of 200; clear after 5 + 4 good minutes."""
    standing, series = watching(objective())
    told: dict[int, set[str]] = {}
    for number in range(200):
        bad = 100 <= number < 106
        standing.ledger.advance(START + number + 1)
        standing.ledger.put(series, START + number, 0 if bad else 10, 10)
        standing.step((START + number + 1) * MINUTE_NS)
        told[number + 1] = {burn.severity for burn in standing.burning()}
    assert [minute for minute, severities in told.items() if "page" in severities] == list(range(103, 106 + 9))
    # 2 x 1 % of 60 minutes are 1.2 bad ones: two; ten good minutes, and nine more.
    assert [minute for minute, severities in told.items() if "ticket" in severities] == list(range(102, 106 + 19))
    (page,) = (burn for burn in standing.burned((START + 110) * MINUTE_NS) if burn.severity == "page")
    assert (page.since_ns, page.objective) == ((START + 103) * MINUTE_NS, "shop")
    assert standing.burned((START + 90) * MINUTE_NS) == []


def test_a_long_stop_is_caught_up_from_what_was_counted() -> None:
    standing, series = watching(objective())
    standing.ledger.advance(START + 500)
    for number in range(500):
        standing.ledger.put(series, START + number, 0 if number >= 490 else 10, 10)
    standing.step((START + 500) * MINUTE_NS)
    assert [burn.since_ns for burn in standing.burning() if burn.severity == "page"] == [(START + 493) * MINUTE_NS]


def test_a_change_of_the_target_is_judged_by_the_same_counts() -> None:
    standing, series = watching(objective())
    for number in range(60):
        standing.ledger.advance(START + number + 1)
        standing.ledger.put(series, START + number, 9, 10)
    standing.step((START + 60) * MINUTE_NS)
    now_ns = (START + 60) * MINUTE_NS
    assert [one.state for one in standing.told(now_ns)] == ["ticket"]
    assert standing.follow({"shop": objective(target_percent=80.0)}) == []
    (told,) = standing.told(now_ns)
    assert (told.state, told.budget.left) == ("ok", pytest.approx(0.5))


@given(
    puts=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 2), st.integers(0, 9), st.integers(0, 9)), max_size=60),
    span=st.integers(1, 100),
)
def test_a_ledger_forgets_what_is_older_and_nothing_else(puts: list[tuple[int, int, int, int]], span: int) -> None:
    ledger, kept = Ledger(100, 4), dict[tuple[int, int], tuple[int, int]]()
    for minute, series, good, bad in sorted(puts):
        ledger.advance(1_000 + minute)
        ledger.put(series, 1_000 + minute, good, good + bad)
        kept[series, 1_000 + minute] = (good, bad)
    bads, valids = ledger.sums(ledger.newest, span)
    for series, row in ledger.rows.items():
        inside = [counts for (one, minute), counts in kept.items() if one == series and minute > ledger.newest - span]
        assert (bads[row], valids[row]) == (sum(bad for _, bad in inside), sum(map(sum, inside)))


def test_objectives_over_the_same_events_share_a_series() -> None:
    one, same = series_of(objective()), series_of(objective(target_percent=95.0, title="Same"))
    assert one == same
    assert len({one.id, series_of(objective(synthetic=True)).id, series_of(objective(sli=RequestsSli(scope="x"))).id}) == 3


def test_rows_are_told_apart_by_name_and_threshold() -> None:
    quick = series_of(objective(sli=RequestsSli(of="entry", scope="get /orders", faster_than_ms=100)))
    route = series_of(objective(sli=RequestsSli(of="route", scope="/orders")))
    rows = [
        Counted(("GET", "/orders"), 60, 0.0, 10, 1),
        Counted(("GET", "/orders"), 60, 100.0, 5, 2),
        Counted(("POST", "/orders"), 60, 0.0, 7, 0),
        Counted(("GET", "/other"), 60, 0.0, 99, 9),
    ]
    assert tally("entry", rows, [quick, route]) == {(quick.id, 60): [9.0, 12.0], (route.id, 60): [19.0, 22.0]}
    everywhere, one = series_of(objective(sli=TrailsSli())), series_of(objective(sli=TrailsSli(name="GET /a")))
    trails = [Counted(("shop", "GET /a"), 0, 0.0, 3, 1), Counted(("cart", "GET /a"), 0, 0.0, 2, 0), Counted(("cart", "job"), 0, 0.0, 4, 4)]
    assert tally("trail", trails, [everywhere, one]) == {(everywhere.id, 0): [4.0, 9.0], (one.id, 0): [4.0, 5.0]}


def test_proposals_are_met_today_and_have_names_of_their_own() -> None:
    seen = [Seen("GET", "/a/{id}", 1000, 3, 72.0), Seen("POST", "/a", 50, 0, 950.0), Seen("GET", "/rare", 3, 0, 1.0)]
    found = {one.name: one.objective for one in proposals(seen)}
    assert list(found) == ["get-a-id-answers", "get-a-id-is-quick", "post-a-answers", "post-a-is-quick"]
    assert (found["get-a-id-answers"].target_percent, found["post-a-answers"].target_percent) == (99.5, 99.9)
    quick = [one.sli.faster_than_ms for one in found.values() if isinstance(one.sli, RequestsSli) and one.sli.faster_than_ms]
    assert quick == [100.0, 2000.0]
