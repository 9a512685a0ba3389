"""Which of the units that changed are looked at next: all where they are few, else the newest and those that settled."""

from __future__ import annotations

from collections import Counter

from coldtrail.model.trails import Node
from coldtrail.server.reconstruction.around import Companions
from coldtrail.server.reconstruction.kin import MOST_KIN, MOST_REMEMBERED, MOST_SHARERS, Kin
from coldtrail.server.reconstruction.open_stretches import AGAIN_S, LONGEST_HELD_S, MOST_ASKS, STRETCH_NS, Stretches
from coldtrail.server.reconstruction.pace import TURN_S, fewer_or_more
from coldtrail.server.reconstruction.waiting import (
    BACKLOG_UNITS,
    BATCH_UNITS,
    FEWEST_UNITS,
    FRESH_UNITS,
    LONGER_S,
    MOST_UNITS,
    SETTLED_S,
    Waiting,
)
from coldtrail.store.trails.summaries import Received, Unit


def units(*numbers: int) -> list[Unit]:
    return [Unit(f"{number:032x}", "") for number in numbers]


def test_few_units_are_looked_at_all_at_once() -> None:
    waiting = Waiting()
    waiting.add(units(3, 2, 1), 10.0)
    assert waiting.first() == waiting.first(sparing=True) == units(3, 2, 1)
    waiting.done(unit.name for unit in units(3, 1))
    assert (len(waiting), waiting.first()) == (1, units(2))


def test_of_many_the_newest_go_first_and_the_others_once_they_settled_the_oldest_first() -> None:
    waiting, count = Waiting(), BATCH_UNITS + 50
    waiting.add(units(*range(count, 0, -1)), 10.0)
    waiting.add(units(5, count + 1), 11.0)
    first = waiting.first()
    assert (first[:2], len(first)) == (units(5, count + 1), FRESH_UNITS)
    assert waiting.first(loading=False)[: FRESH_UNITS + 1] == [*first, Unit(f"{count - FRESH_UNITS + 2:032x}", "")]
    waiting.done(unit.name for unit in first)
    assert waiting.settled(10.0 + SETTLED_S - 0.1) == []
    settled = waiting.settled(10.0 + SETTLED_S)
    assert settled[:5] == units(1, 2, 3, 4, 6)
    assert len(settled) == count + 1 - FRESH_UNITS


def test_of_a_backlog_few_are_looked_at_while_more_comes() -> None:
    waiting, count = Waiting(), BACKLOG_UNITS + 1
    waiting.add(units(*range(count, 0, -1)), 10.0)
    assert waiting.first() == units(*range(count, count - FEWEST_UNITS, -1))
    assert waiting.settled(10.0 + SETTLED_S + LONGER_S - 0.1, loading=True) == []
    assert (
        waiting.settled(10.0 + SETTLED_S + LONGER_S, loading=True)
        == waiting.settled(10.0 + SETTLED_S)
        == units(*range(1, BATCH_UNITS + 1))
    )


def test_what_a_second_brought_waits_once_however_often_it_is_told() -> None:
    waiting = Waiting()
    one, other = units(1, 2)
    waiting.add_received([Received(one, 100, 2), Received(other, 100, 1)], 1.0)
    waiting.done((one.name, other.name))
    waiting.add_received([Received(one, 100, 2), Received(other, 100, 3), Received(one, 99, 2)], 2.0)
    assert set(waiting.first()) == {one, other}
    waiting.done((one.name, other.name))
    waiting.add_received([Received(one, 100, 2), Received(one, 99, 2)], 3.0)
    assert waiting.first() == []


def test_what_was_looked_at_before_all_of_it_came_waits_twice_as_long_for_the_rest() -> None:
    waiting, (one, other) = Waiting(), units(1, 2)
    waiting.add([one], 0.0)
    waiting.done([one.name])
    waiting.add([other, one], 10.0)
    assert waiting.settled(10.0 + SETTLED_S) == [other]
    assert waiting.settled(10.0 + 2 * SETTLED_S) == [one, other]


def test_the_times_of_what_waits_span_all_that_was_told_of_it() -> None:
    waiting, (one, other, joined) = Waiting(), units(1, 2, 3)
    waiting.add_received([Received(one, 100, 2, 7, 9), Received(other, 100, 1, 40, 50)], 1.0)
    waiting.add_received([Received(one, 101, 1, 20, 30)], 2.0)
    assert (waiting.when([one]), waiting.when([one, other])) == ((7, 30), (7, 50))
    waiting.add([joined], 3.0)
    assert waiting.when([one, joined]) is None


def test_what_was_on_one_trail_is_read_at_once_the_next_time() -> None:
    companions = Companions()
    companions.note({"a": {"1"}, "b": {"1", "2"}, "c": {"2"}, "d": {"3"}})
    assert (companions.of(["a"]), companions.of(["b"]), companions.of(["d", "new"])) == (
        {"a", "b"},
        {"a", "b", "c"},
        {"d", "new"},
    )
    companions.note({"a": {"4"}})
    assert companions.of(["a"]) == {"a"}


def received(number: int, *hashes: int) -> Received:
    return Received(Unit(f"{number:032x}", ""), 100, 1, hashes=frozenset(hashes))


def names(*numbers: int) -> set[str]:
    return {unit.name for unit in units(*numbers)}


def test_units_that_share_keys_are_read_at_once_however_many_steps_they_are_apart() -> None:
    kin = Kin()
    kin.note([received(1, 10), received(2, 10, 20), received(3, 20), received(4, 40)])
    assert (kin.of(names(1)), kin.of(names(4, 9))) == (names(1, 2, 3), names(4, 9))
    kin.note([received(4, 20)])
    assert kin.of(names(4)) == names(1, 2, 3, 4)


def test_a_key_of_very_many_units_leads_nowhere_and_a_chain_without_end_is_cut() -> None:
    kin, count = Kin(), MOST_SHARERS + 1
    kin.note(received(number, 1, 10 + number // 2) for number in range(count))
    assert kin.of(names(2)) == names(2, 3)
    chained = Kin()
    chained.note(received(number, number, number + 1) for number in range(500))
    assert chained.of(names(0)) == names(*range(MOST_KIN))


def test_keys_of_the_units_that_were_received_first_are_forgotten() -> None:
    kin = Kin()
    kin.note([received(1, 10), received(2, 10)])
    kin.note(received(number, number) for number in range(100, 100 + MOST_REMEMBERED - 1))
    assert kin.of(names(2)) == names(2)


def test_a_batch_that_took_long_makes_the_next_smaller() -> None:
    assert (fewer_or_more(400, 2 * TURN_S, 100, 1_200), fewer_or_more(400, TURN_S / 2, 100, 1_200)) == (200, 800)
    assert (fewer_or_more(400, 60.0, 100, 1_200), fewer_or_more(400, 0.0, 100, 1_200)) == (100, 1_200)


def test_what_waits_has_a_bound_and_the_oldest_are_left_out() -> None:
    waiting = Waiting()
    waiting.add(units(*range(MOST_UNITS + 7, 0, -1)), 1.0)
    assert len(waiting) == MOST_UNITS
    assert waiting.settled(100.0)[0] == units(8)[0]


def origin(name: str, start_ns: int, signals: int = 1) -> Node:
    return Node(name, "invocation", f"service-{name}", name, start_ns, start_ns + 1, signals=signals)


def test_a_stretch_is_asked_about_once_unless_more_is_told_of_an_origin() -> None:
    stretches = Stretches()
    stretches.open(origin("a", 5 * STRETCH_NS), 1.0)
    stretches.open(origin("b", 5 * STRETCH_NS + 1), 2.0)
    assert stretches.take(1.5) is None
    assert stretches.take(2.0) == (5, {"service-a", "service-b"})
    stretches.open(origin("a", 5 * STRETCH_NS), 3.0)
    assert stretches.oldest_s() is None
    stretches.open(origin("a", 5 * STRETCH_NS, signals=2), 4.0)
    assert stretches.take(4.0) is None
    assert stretches.take(4.0 + AGAIN_S) == (5, {"service-a", "service-b"})


def test_a_stretch_whose_origins_all_got_a_cause_is_not_asked_about() -> None:
    stretches = Stretches()
    stretches.open(origin("a", 5 * STRETCH_NS), 1.0)
    stretches.open(origin("b", 6 * STRETCH_NS), 1.0)
    stretches.close({"a", "unknown"})
    assert stretches.take(9.0) == (6, {"service-b"})
    assert stretches.take(9.0) is None


def test_a_stretch_waits_while_there_is_news_of_any_of_its_trails_and_moves_with_its_origin() -> None:
    stretches = Stretches()
    stretches.open(origin("a", 5 * STRETCH_NS), 1.0)
    stretches.still_told_of([5 * STRETCH_NS + 7, 8 * STRETCH_NS], 3.0)
    assert (stretches.take(2.0), stretches.oldest_s()) == (None, 3.0)
    stretches.open(origin("a", 4 * STRETCH_NS, signals=2), 4.0)
    assert (stretches.take(9.0), stretches.take(9.0)) == ((4, {"service-a"}), None)


def test_a_stretch_waits_while_signals_that_may_tell_of_it_were_not_looked_at_yet_and_not_without_end() -> None:
    waiting, stretches = Waiting(), Stretches()
    for number in (4, 5, 8):
        stretches.open(origin(f"o{number}", number * STRETCH_NS), 1.0)
    waiting.add(units(1), 1.0)
    waiting.add(units(2), 1.0, (5 * STRETCH_NS, 6 * STRETCH_NS))
    stretches.still_waits(waiting.times(), 10.0)
    assert stretches.take(9.0) == (4, {"service-o4"})
    assert (stretches.take(9.0), stretches.oldest_s()) == (None, 10.0)
    stretches.still_waits(waiting.times(), 1.0 + LONGEST_HELD_S)
    assert stretches.take(10.0) == (8, {"service-o8"})
    waiting.done(unit.name for unit in units(1, 2))
    assert waiting.times() == []


def test_what_comes_late_has_its_stretch_and_those_it_reaches_asked_about_again_and_not_without_end() -> None:
    stretches, asked = Stretches(), Counter[int]()
    for number in (5, 6, 9):
        stretches.open(origin(f"o{number}", number * STRETCH_NS), 1.0)
        assert stretches.take(1.0) == (number, {f"service-o{number}"})
    stretches.late([5 * STRETCH_NS, 8 * STRETCH_NS], 2.0)
    assert stretches.take(2.0) is None
    while (settled_s := stretches.oldest_s()) is not None:
        stretch, services = stretches.take(settled_s) or (0, set())
        assert services == {f"service-o{stretch}"}
        asked[stretch] += 1
        stretches.late([5 * STRETCH_NS, 8 * STRETCH_NS], settled_s)
    assert asked == dict.fromkeys((5, 6, 9), MOST_ASKS - 1)
