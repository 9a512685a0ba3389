"""What waits on a queue, counted cleverly, is what it is when counted plainly."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coldtrail.store.figures.steps import Steps
from coldtrail.store.sources.told import Attempt, Message, tell

STEPS = Steps(1000, 1000 + 6 * 100, 100)
moments = st.integers(700, 1700)


@st.composite
def a_message(draw: st.DrawFn) -> Message:
    sent = draw(moments)
    starts = sorted(draw(st.lists(st.integers(sent, 1800), max_size=3, unique=True)))
    return Message(sent, tuple(Attempt(at, at + draw(st.integers(1, 300)), draw(st.booleans())) for at in starts))


def waits_at(message: Message, at: int) -> bool:
    return message.sent_ns is not None and message.sent_ns < at and (message.taken_ns is None or message.taken_ns >= at)


def age_within(message: Message, start: int, end: int) -> int:
    """How old a message got while it waited within a step; 0 where it did not."""
    sent, taken = message.sent_ns or 0, message.taken_ns
    if sent >= end or (taken is not None and taken < start):
        return 0
    return (end if taken is None or taken >= end else taken) - sent


@given(st.lists(a_message(), min_size=1, max_size=30))
def test_waiting_ages_and_work_agree_with_a_plain_count(messages: list[Message]) -> None:
    figures = tell(messages, STEPS)
    attempts = [attempt for one in messages for attempt in one.attempts]
    for step in range(STEPS.count):
        start, end = STEPS.since_ns + step * STEPS.step_ns, STEPS.since_ns + (step + 1) * STEPS.step_ns
        assert figures.get("messages.sent", {}).get(step) == sum(start <= (one.sent_ns or 0) < end for one in messages)
        if not attempts:
            continue
        assert figures["messages.received"][step] == sum(start <= one.start_ns < end for one in attempts)
        assert figures["messages.waiting"][step] == sum(waits_at(one, end) for one in messages)
        assert figures["messages.age_max"][step] == max(age_within(one, start, end) for one in messages) / 1e6
        instants = {start, *(one.start_ns for one in attempts if start <= one.start_ns < end)}
        assert figures["messages.in_flight"][step] == max(sum(one.start_ns <= at < one.end_ns for one in attempts) for at in instants)


@given(st.lists(a_message(), min_size=1, max_size=10).map(lambda many: [Message(one.sent_ns, ()) for one in many]))
def test_where_nobody_is_ever_seen_to_take_nothing_is_said_of_what_waits(messages: list[Message]) -> None:
    assert set(tell(messages, STEPS)) == {"messages.sent"}
