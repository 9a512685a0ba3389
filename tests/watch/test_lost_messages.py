"""What is lost is told from what is late, and dead letters that stay from those that somebody takes."""

from __future__ import annotations

from coldtrail.store.troubles.messages import Course
from coldtrail.watch.finders.aging import untaken
from coldtrail.watch.finders.dead_letters import Rise, rises
from coldtrail.watch.finders.dropped import undelivered

S_NS = 10**9
NOW_NS = 1_795_000_000 * S_NS // (60 * S_NS) * (60 * S_NS)


def minute(ago: int, taken: int, late: int, oldest_s: int = 0, latest_s: int = 0, taken_s: int = 0) -> Course:
    """A minute of a bus; the last three are seconds ago."""
    at_s = NOW_NS // S_NS - ago * 60
    times = {name: NOW_NS - seconds * S_NS if seconds else 0 for name, seconds in (("oldest_ns", oldest_s), ("latest_ns", latest_s), ("taken_ns", taken_s))}
    empty = {"named": 0, "waits": taken, "wait_ms": 100.0, "units": (), "senders": (), "consumers": (), "nameless": 0, "named_ns": 0}
    return Course(kind="eventbridge", name="orders", minute_s=at_s, count=taken + late, taken=taken, late=late, last_ns=(at_s + 59) * S_NS, **times, **empty)


def lost(*minutes: Course) -> list[int]:
    return [one.count for one in undelivered({("eventbridge", "orders"): list(minutes)}, NOW_NS)]


def test_events_of_a_bus_that_lags_behind_are_not_lost() -> None:
    before = minute(3, 40, 0, taken_s=100)
    assert lost(before, minute(1, 0, 30, oldest_s=55, latest_s=25)) == []
    assert lost(before, minute(1, 10, 30, oldest_s=55, latest_s=25, taken_s=5)) == [30], "newer ones got through"
    assert lost(before, minute(2, 0, 30, oldest_s=125, latest_s=90)) == [30], "nothing gets through any more"


def test_a_dead_letter_queue_that_somebody_empties_does_not_fill_up() -> None:
    points = [(NOW_NS - seconds * S_NS, float(depth)) for seconds, depth in ((130, 0), (70, 0), (30, 6), (20, 6))]
    assert rises(points, NOW_NS) == [Rise(NOW_NS - 30 * S_NS, 6)]
    assert rises([*points, (NOW_NS - 10 * S_NS, 0.0)], NOW_NS) == []
    assert rises(points, NOW_NS - 20 * S_NS) == [], "it may still be taken"
    assert rises(points[2:], NOW_NS) == [], "nobody knows how deep it was before"


def test_messages_that_were_never_seen_taken_long_ago_hide_no_queue_that_stands_still() -> None:
    lost_long_ago = minute(9, 15, 15, oldest_s=560, latest_s=500, taken_s=500)
    well = [minute(ago, 40, 0, taken_s=ago * 60 - 59) for ago in (12, 11, 10, 8, 7, 6, 5, 4, 3, 2)]
    minutes = sorted([*well, lost_long_ago], key=lambda one: one.minute_s)
    assert untaken("jobs", minutes, NOW_NS) is None
    still = untaken("jobs", [*minutes, minute(1, 0, 30, oldest_s=58, latest_s=21)], NOW_NS)
    assert still
    assert (still.count, still.first_ns) == (30, NOW_NS - 58 * S_NS)
