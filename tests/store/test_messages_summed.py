"""What a page says of messages is what a plain count of their signals says."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from coldtrail.store.sources.attempts import ROW, Rows
from coldtrail.store.sources.summed import Deliveries, counted, deliveries_of

MESSAGES, CONSUMERS, ATTEMPTS = 4, 3, 3


class Signal(Struct, frozen=True, order=True):
    """A row as the engine gives it: of a message, who took it (0: it was sent), in which attempt, and when."""

    key: int
    who: int
    requested: bool
    attempt: int
    first: int
    lasted: int


@st.composite
def a_signal(draw: st.DrawFn) -> Signal:
    who = draw(st.integers(0, CONSUMERS))
    requested = bool(who) and draw(st.booleans())
    # A request and a span have ids of their own.
    attempt = draw(st.integers(1, ATTEMPTS)) + 10 * requested + 100 * who if who else 0
    return Signal(draw(st.integers(1, MESSAGES)), who, requested, attempt, draw(st.integers(10**6, 10**8)), draw(st.integers(0, 10**7)))


signals = st.lists(a_signal(), max_size=25, unique_by=lambda one: (one.key, one.who, one.requested, one.attempt))


def rows_of(given_: list[Signal]) -> Rows:
    told = [(one.key, int(not one.who), one.who, int(one.requested), one.attempt, one.first, one.first + one.lasted) for one in given_]
    return np.array(told, dtype=ROW)


def attempts_plainly(mine: list[Signal]) -> dict[int, set[int]]:
    """Of one message the attempts of each consumer: those of its requests, where it names any."""
    found: dict[int, set[int]] = defaultdict(set)
    for one in mine:
        if one.who and (one.requested or not any(two.requested for two in mine if two.who == one.who)):
            found[one.who].add(one.attempt)
    return found


@given(signals)
def test_messages_waits_and_redeliveries_agree_with_a_plain_count(told: list[Signal]) -> None:
    by_message: dict[int, list[Signal]] = defaultdict(list)
    for one in told:
        by_message[one.key].append(one)
    found = counted(deliveries_of(rows_of(told), np.array([], dtype=np.uint64)))
    attempts = {key: attempts_plainly(mine) for key, mine in by_message.items()}
    sent = {key: min(one.first for one in mine if not one.who) for key, mine in by_message.items() if not all(one.who for one in mine)}
    taken = {key: min(one.first for one in mine if one.who) for key, mine in by_message.items() if any(one.who for one in mine)}
    assert found.count == len(by_message)
    assert (int(found.was_sent.sum()), int(found.was_taken.sum())) == (len(sent), len(taken))
    again = [sum(len(each) - 1 for each in of_one.values()) for of_one in attempts.values()]
    assert sorted(found.again.tolist()) == sorted(again)
    waits = sorted(max(0, taken[key] - sent[key]) / 1e6 for key in sent.keys() & taken.keys())
    assert sorted(found.waits_ms.tolist()) == waits


@given(signals, st.sets(st.integers(1, 400)))
def test_each_attempt_at_each_message_is_one_delivery(told: list[Signal], failed: set[int]) -> None:
    found: Deliveries = deliveries_of(rows_of(told), np.array(sorted(failed), dtype=np.uint64))
    by_message: dict[int, list[Signal]] = defaultdict(list)
    for one in told:
        by_message[one.key].append(one)
    expected = {
        (key, who, attempt, attempt in failed and any(one.requested and one.attempt == attempt for one in mine))
        for key, mine in by_message.items()
        for who, each in attempts_plainly(mine).items()
        for attempt in each
    }
    rows = zip(found.key.tolist(), found.who.tolist(), found.attempt.tolist(), found.failed.tolist(), strict=True)
    assert {row for row in rows if row[1]} == expected
    assert {key for key, who in zip(found.key.tolist(), found.who.tolist(), strict=True) if not who} == {
        key for key, mine in by_message.items() if not any(one.who for one in mine)
    }
