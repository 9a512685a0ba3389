"""The same signals give the same trails: in any order, in any number of copies, in parts, and by clocks that are wrong."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from telling import MS, everything, machine, moved

from coldtrail.model.signals import Log, Span
from coldtrail.model.trails import Trail
from coldtrail.trails.assemble import assemble_all
from coldtrail.trails.clocks.wrong import Bound, offsets_of

MACHINES = sorted({machine(one) for some in everything() for one in some})

Joined = set[tuple[str, str, str, str]]


def joined(trails: list[Trail]) -> Joined:
    return {(edge.cause, edge.effect, edge.kind, edge.evidence) for trail in trails for edge in trail.edges}


def unfinished(span: Span) -> Span:
    """As X-Ray sends a segment that is still in progress."""
    return structs.replace(span, end_ns=span.start_ns, attributes={**span.attributes, "aws.xray.in_progress": True})


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), copies=st.integers(1, 3), in_parts=st.booleans())
def test_any_order_any_copies_and_any_parts_give_the_same_trails(seed: int, copies: int, in_parts: bool) -> None:
    spans, logs = everything()
    expected = assemble_all(spans, logs)
    dice = random.Random(seed)
    told = [*spans * copies, *logs * copies, *([unfinished(one) for one in spans if dice.random() < 0.5] if in_parts else [])]
    dice.shuffle(told)
    assert assemble_all([one for one in told if isinstance(one, Span)], [one for one in told if isinstance(one, Log)]) == expected


@settings(max_examples=60, deadline=None)
@given(offsets_ms=st.lists(st.integers(-300_000, 300_000), min_size=len(MACHINES), max_size=len(MACHINES)))
def test_clocks_that_are_wrong_by_up_to_five_minutes_change_no_edge(offsets_ms: list[int]) -> None:
    spans, logs = everything()
    wrong = dict(zip(MACHINES, offsets_ms, strict=True))
    late_spans = [moved(one, wrong[machine(one)] * MS) for one in spans]
    late_logs = [moved(one, wrong[machine(one)] * MS) for one in logs]
    after = assemble_all(late_spans, late_logs)  # type: ignore[arg-type]
    assert joined(after) == joined(assemble_all(spans, logs))
    for trail in after:
        starts = {node.node_id: node.start_ns for node in trail.nodes}
        assert all(starts[edge.effect] >= starts[edge.cause] - 10 * MS for edge in trail.edges if edge.evidence in ("parent", "message_id"))


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from("abcde"), st.integers(-300_000, 300_000), min_size=2), st.data())
def test_clocks_are_moved_until_every_effect_follows_its_cause(offsets_ms: dict[str, int], data: st.DataObject) -> None:
    names = sorted(offsets_ms)
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names), st.integers(0, 5_000)), min_size=1, max_size=20))
    bounds = [Bound(one, other, (took_ms + offsets_ms[other] - offsets_ms[one]) * MS) for one, other, took_ms in pairs if one != other]
    found = offsets_of(bounds)
    assert all(found.get(bound.later, 0) - found.get(bound.earlier, 0) <= bound.most_ns + 5 * MS for bound in bounds)


def test_a_clock_that_is_right_is_left_alone() -> None:
    assert offsets_of([Bound("a", "b", 5 * MS), Bound("b", "c", 300_000 * MS), Bound("c", "a", 0)]) == {}
    assert offsets_of([Bound("a", "b", -3 * MS)]) == {}


def test_a_call_and_its_answer_tell_by_how_much_a_clock_is_wrong() -> None:
    """The callee's clock is 60 s ahead; the call took 100 ms and the callee 80 ms of it: from 10 to 90."""
    calls = [Bound("caller", "callee", 60_010 * MS), Bound("callee", "caller", -59_990 * MS, False)]
    offsets = offsets_of(calls)
    assert offsets["callee"] - offsets.get("caller", 0) == 60_000 * MS if "callee" in offsets else offsets["caller"] == -60_000 * MS


def test_clocks_that_contradict_each_other_are_left_alone() -> None:
    assert offsets_of([Bound("a", "b", -100_000 * MS), Bound("b", "a", -100_000 * MS)]) == {}
