"""What becomes of a trail against its workflow: by its steps and the time, and not by the order in which signals came."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telling import T0, lines, span

from coldtrail.model.definitions import BadDefinition, read_spec
from coldtrail.model.outcomes import Outcome
from coldtrail.model.signals import Log, Span
from coldtrail.model.workflows import Workflow
from coldtrail.trails.assemble import build_graph, origins_of, select
from coldtrail.trails.workflows.fitting import like, said_in
from coldtrail.trails.workflows.outcomes import outcome, pass_deadlines, worst

S = 10**9
LONG_AFTER = T0 + 86_400 * S


def workflow(**fields: Any) -> Workflow:
    spec = read_spec("workflow", {"origin": {"service": "shop", "kind": "request"}, "within": "30s", **fields})
    assert isinstance(spec, Workflow)
    return spec


def step(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "match": {"name": name}, **fields}


def judged(spec: Workflow, spans: list[Span], logs: list[Log] | None = None, now_ns: int = LONG_AFTER) -> Outcome:
    graph = build_graph(spans, logs or [])
    (trail_id,) = origins_of(graph)
    trail = select(graph, trail_id, told=False)
    assert trail
    found = outcome("orders", spec, trail, said_in(graph), now_ns)
    assert found
    return found


def states(found: Outcome) -> dict[str, str]:
    return {one.name: one.state for one in found.steps}


def origin(**fields: Any) -> Span:
    return span(1, 0, kind=2, service="shop", took_ms=4, name="POST /order", **fields)


def child(number: int, at_ms: float, name: str, **fields: Any) -> Span:
    return span(number, at_ms, parent=fields.pop("parent", 1), service="pack", name=name, **fields)


chains = st.lists(st.integers(1, 4_000), min_size=1, max_size=6)
"""How long after the one before each step comes."""


def chain(gaps_ms: list[int]) -> tuple[Workflow, list[Span]]:
    """A workflow of one step after the other, and a trail that is as it should be."""
    spans, at_ms = [origin()], 0
    for number, gap_ms in enumerate(gaps_ms):
        at_ms += gap_ms + 10
        spans.append(child(number + 2, at_ms, f"s{number}", parent=number + 1))
    steps = [step(f"s{number}", at_most=1, after=[f"s{number - 1}"] if number else []) for number in range(len(gaps_ms))]
    return workflow(steps=steps), spans


@settings(deadline=None)
@given(gaps_ms=chains, now_s=st.integers(0, 10**6))
def test_a_trail_without_faults_is_complete_at_any_time(gaps_ms: list[int], now_s: int) -> None:
    spec, spans = chain(gaps_ms)
    found = judged(spec, spans, now_ns=T0 + now_s * S)
    assert found.status == "complete"
    assert found.deadline_ns is None
    assert found.done_ns == spans[-1].end_ns


@settings(deadline=None)
@given(gaps_ms=chains, data=st.data())
def test_a_trail_without_a_required_step_is_open_before_the_deadline_and_incomplete_after_it(gaps_ms: list[int], data: st.DataObject) -> None:
    spec, spans = chain(gaps_ms)
    lost = data.draw(st.integers(0, len(gaps_ms) - 1))
    kept = spans[: lost + 1]
    deadline_ns = T0 + 30 * S
    before = judged(spec, kept, now_ns=data.draw(st.integers(T0, deadline_ns - 1)))
    assert (before.status, before.step, before.deadline_ns) == ("open", f"s{lost}", deadline_ns)
    now_ns = data.draw(st.integers(deadline_ns, LONG_AFTER))
    after = judged(spec, kept, now_ns=now_ns)
    assert (after.status, after.step, after.deadline_ns) == ("incomplete", f"s{lost}", None)
    assert after.stopped
    assert after.stopped.node_id.endswith(f"{lost + 1:016x}"), "it stopped at the step before"
    passed = pass_deadlines(before, now_ns)
    assert (passed.status, passed.step, passed.words, states(passed)) == (after.status, after.step, after.words, states(after))
    assert pass_deadlines(before, deadline_ns - 1) == before


@settings(deadline=None)
@given(gaps_ms=chains, seed=st.integers(0, 2**32), copies=st.integers(1, 3), lost=st.integers(0, 6))
def test_the_order_of_arrival_does_not_matter(gaps_ms: list[int], seed: int, copies: int, lost: int) -> None:
    spec, spans = chain(gaps_ms)
    spans = spans[: lost + 1]
    told = spans * copies
    random.Random(seed).shuffle(told)
    assert judged(spec, told) == judged(spec, spans)


@settings(deadline=None)
@given(gaps_ms=chains, times=st.lists(st.integers(0, 60), min_size=1, max_size=5))
def test_time_alone_only_makes_an_outcome_worse_and_ends(gaps_ms: list[int], times: list[int]) -> None:
    spec, spans = chain(gaps_ms)
    found = judged(spec, spans[:-1], now_ns=T0)
    for seconds in sorted(times):
        later = pass_deadlines(found, T0 + seconds * S)
        assert worst([found, later]) is not found or later.status == found.status
        found = later
    assert pass_deadlines(found, LONG_AFTER).deadline_ns is None


def test_a_step_after_its_deadline_is_late() -> None:
    spec = workflow(steps=[step("load", within="2s"), step("store")])
    found = judged(spec, [origin(), child(2, 3_000, "load"), child(3, 3_100, "store")])
    assert (found.status, found.step, states(found)) == ("late", "load", {"load": "late", "store": "done"})
    assert found.words == '"load" is late: it took 3.0 s, 1.0 s too long'


def test_a_retry_that_goes_through_is_no_duplicate_and_no_failure() -> None:
    spec = workflow(steps=[step("store", at_most=1)])
    assert judged(spec, [origin(), child(2, 10, "store", failed="Timeout"), child(3, 20, "store")]).status == "complete"
    twice = judged(spec, [origin(), child(2, 10, "store"), child(3, 20, "store")])
    assert (twice.status, states(twice)) == ("duplicated", {"store": "duplicated"})


def test_a_step_that_failed_has_failed_only_once_no_time_is_left_for_a_retry() -> None:
    spec = workflow(steps=[step("store")])
    spans = [origin(), child(2, 10, "store", failed="ConnectionError")]
    open_ = judged(spec, spans, now_ns=T0 + S)
    assert (open_.status, open_.deadline_ns) == ("open", T0 + 30 * S)
    for failed in (judged(spec, spans), pass_deadlines(open_, LONG_AFTER)):
        assert (failed.status, states(failed)) == ("failed", {"store": "failed"})
        assert "ConnectionError" in failed.words
    assert failed.stopped
    assert failed.stopped.edge == "retries"


def test_what_began_before_its_predecessor_was_done_is_out_of_order_unless_it_led_to_it() -> None:
    spec = workflow(steps=[step("account"), step("profile", after=["account"])])
    early = judged(spec, [origin(), child(2, 500, "account"), child(3, 10, "profile")], now_ns=T0 + S)
    assert (early.status, early.step) == ("out_of_order", "profile")
    assert judged(spec, [origin(), child(2, 10, "account", took_ms=100), child(3, 50, "profile", parent=2)]).status == "complete"
    assert judged(spec, [origin(), child(2, 10, "account"), child(3, 500, "profile")]).status == "complete"


def test_what_must_not_happen_fails_the_trail_at_once() -> None:
    spec = workflow(steps=[step("store"), step("dead-letter", at_most=0)])
    assert judged(spec, [origin(), child(2, 10, "store")]).status == "complete"
    found = judged(spec, [origin(), child(2, 10, "dead-letter")], now_ns=T0 + S)
    assert (found.status, found.step) == ("failed", "dead-letter")


def test_a_wrong_value_fails_a_trail_in_which_every_step_went_through() -> None:
    expect = [{"attribute": "stored.items", "at_least": 1}, {"attribute": "http.status_code", "one_of": [200, 202]}]
    spec = workflow(steps=[step("store", expect=expect)])
    fine = {"stored__items": 3, "http__status_code": 202}
    assert judged(spec, [origin(), child(2, 10, "store", **fine)]).status == "complete"
    for wrong, words in (({"stored__items": 0}, "stored.items is 0, not at least 1"), ({"http__status_code": 500}, "http.status_code is 500, not 200 or 202")):
        found = judged(spec, [origin(), child(2, 10, "store", **{**fine, **wrong})])
        assert found.status == "failed"
        assert words in found.words
    assert "nothing says stored.items" in judged(spec, [origin(), child(2, 10, "store")]).words


def test_an_origin_that_failed_fails_the_trail_without_waiting() -> None:
    found = judged(workflow(steps=[step("store")]), [origin(failed="Denied")], now_ns=T0 + 1)
    assert (found.status, found.step) == ("failed", "store")


def test_an_optional_step_need_not_happen_and_the_key_is_the_nearest_to_the_origin() -> None:
    spec = workflow(key="order_id", steps=[step("store"), step("mail", required=False)])
    found = judged(spec, [origin(), child(2, 10, "store", order_id="o-1"), child(3, 20, "other", order_id="o-2")])
    assert (found.status, found.key) == ("complete", "o-1")
    assert judged(spec, [origin(), child(2, 10, "store"), child(3, 20, "mail", failed="Bounced")]).status == "complete"


def test_a_message_that_nobody_took_is_where_a_trail_stopped() -> None:
    spec = workflow(steps=[step("send"), {"name": "packed", "match": {"service": "packer", "kind": "invocation"}}])
    sent = child(2, 10, "send", kind=4, messaging__message__id="m-1", messaging__destination__name="parcels")
    lost = judged(spec, [origin(), sent])
    assert (lost.status, lost.step) == ("incomplete", "packed")
    assert lost.stopped
    assert (lost.stopped.service, lost.stopped.edge) == ("parcels", "delivers")
    assert lost.words.endswith("which nobody took")
    assert judged(spec, [origin(), sent], lines("r-1", 50, function="packer", message_id="m-1")).status == "complete"


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [("", "any", True), ("a*c", "abc", True), ("a*c", "ac", True), ("a*c", "acb", False), ("*b*", "abc", True), ("abc", "abcd", False), ("a*a", "a", False), ("*.x*", "a[.x", True)],
)
def test_a_star_is_any_number_of_characters(pattern: str, text: str, fits: bool) -> None:
    assert like(pattern, text) is fits


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"steps": []}, "length >= 1"),
        ({"steps": [step("a"), step("a")]}, 'two steps "a"'),
        ({"steps": [step("a", after=["b"])]}, '"b", which is no step'),
        ({"steps": [step("a", after=["b"]), step("b", after=["a"])]}, "after itself"),
        ({"steps": [step("a", required=False)]}, "must be required"),
        ({"steps": [step("a", at_least=3, at_most=2)]}, "at_most must be"),
        ({"steps": [step("a", within="soon")]}, "matching regex"),
        ({"steps": [step("a")], "reconcile": [{"every": "a", "has": "c", "within": "5s"}]}, '"c", which is no step'),
        ({"steps": [{"name": "a", "match": {}}]}, "at least one of"),
    ],
)
def test_what_cannot_be_meant_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(BadDefinition, match=words):
        workflow(**fields)
