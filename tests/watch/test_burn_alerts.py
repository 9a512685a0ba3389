"""Burn-rate alerts from counted events to the message, by a controlled clock, against a calculation by hand."""

from __future__ import annotations

from typing import Any

import pytest

from coldtrail.model.definitions import Definition
from coldtrail.model.objectives import MINUTE_NS, Objective, RequestsSli
from coldtrail.server.alerts.clockwork import Alerting
from coldtrail.server.alerts.looks import Looks
from coldtrail.state import open_database
from coldtrail.state.alerting import AlertBook
from coldtrail.state.definitions import Definitions
from coldtrail.state.findings import Findings
from coldtrail.watch.standing import Standing
from coldtrail.watch.ways_out import Outside

START = 29_900_000
"""A Unix minute."""

BEFORE = 360
OUTAGE = 30
SHOP = Objective(sli=RequestsSli(scope="shop"), target_percent=99.9, title="The shop answers")


class World:
    """An objective over a stream of events, and whoever decides about alerts; minutes are the clock."""

    def __init__(self) -> None:
        database = open_database("sqlite://")
        self.findings, self.definitions, self.book = Findings(database), Definitions(database), AlertBook(database)
        self.define("route", "phone", {"to": {"type": "webhook", "url": "https://phone.example"}, "default": True})
        for name in ("new-finding", "workflow-outcomes"):
            self.define("alert", name, {"check": {"type": "finding"}, "enabled": False})
        self.standing = Standing()
        (self.series,) = self.standing.follow({"shop": SHOP})
        self.standing.ledger.advance(START)
        self.standing.begin(START * MINUTE_NS)
        self.alerting = self.started("one")
        self.minute = 0

    def define(self, kind: str, name: str, spec: dict[str, Any]) -> None:
        self.definitions.put(Definition(kind, name, spec, "ada", "test", 0))

    def started(self, holder: str) -> Alerting:
        def looks(at_ns: Any, reach_ns: int) -> Looks:
            return Looks(None, self.findings, at_ns, reach_ns, burning=lambda now_ns: self.standing.burning())  # type: ignore[arg-type]  # burns need no store

        return Alerting(self.book, self.definitions, looks, holder, lambda: "http://coldtrail.example", Outside())

    def went_well(self, minutes: int) -> None:
        self.standing.ledger.advance(START + minutes)
        for minute in range(minutes):
            self.standing.ledger.put(self.series.id, START + minute, 100, 100)
        self.minute = minutes
        self.standing.step((START + minutes) * MINUTE_NS)

    def passes(self, good: int, bad: int) -> None:
        """Let a minute pass with some events, and decide at its end, twice."""
        self.standing.ledger.advance(START + self.minute + 1)
        self.standing.ledger.put(self.series.id, START + self.minute, good, good + bad)
        self.minute += 1
        now_ns = (START + self.minute) * MINUTE_NS
        self.standing.step(now_ns)
        for _ in range(2):
            self.alerting.decide(now_ns)

    def told(self) -> list[tuple[str, int]]:
        """What was told, and after how many minutes."""
        messages = reversed(self.book.messages())
        return [(one.message.what, one.created_ns // MINUTE_NS - START) for one in messages]


@pytest.fixture
def world() -> World:
    made = World()
    made.went_well(BEFORE)
    return made


def test_an_outage_is_told_once_in_its_first_minute_and_taken_back_when_both_pairs_are_calm(world: World) -> None:
    """All of 100 a minute fail for 30 minutes, at 99.9 %; before, six good hours.

    It pages with the first minute: 1 of 60 is 1.67 % > 14.4 x 0.1 %, in five minutes it is 20 %. The pair of 6 x over 6 h
    and 30 min follows with the third (3 of 360 are 0.83 % > 0.6 %). After the end the first pair is calm from the fifth good
    minute on, for five: it clears nine minutes after. The second one's half hour is good with the 30th, and stays so for
    30 minutes, 59 after the end: only then nothing burns any more. A restart and a second process in between change nothing.
    """
    for minute in range(OUTAGE):
        if minute == 10:
            world.alerting = world.started("two")
        world.passes(0, 100)
    for minute in range(70):
        if minute == 20:
            world.alerting = world.started("three")
        world.passes(100, 0)
    assert world.told() == [("fired", BEFORE + 1), ("recovered", BEFORE + OUTAGE + 59)]
    fired = world.book.messages()[-1].message
    assert fired.why.startswith("The shop answers: the budget burns 16.67x over 60m, 200x over 5m")
    assert len({one.message.dedup_key for one in world.book.messages()}) == 1


def test_a_slow_burn_is_told_by_the_minute_in_which_its_window_holds_enough(world: World) -> None:
    """2 % of 100 a minute fail: k minutes of them are 2 k / 6000 of the hour, over 1.44 % with the 44th (43.2)."""
    for _ in range(50):
        world.passes(98, 2)
    assert world.told() == [("fired", BEFORE + 44)]


def test_three_failures_that_spend_too_little_of_the_hour_tell_nobody(world: World) -> None:
    """3 of 6,000 are 0.05 %: half of what may be bad. In five minutes they burn six times too fast."""
    for bad in (3, 0, 0, 0, 0):
        world.passes(100 - bad, bad)
    assert world.told() == []
