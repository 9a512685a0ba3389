"""Where the time went, by cause; and what went wrong first, and what followed from it."""

from __future__ import annotations

import pytest
from telling import everything, lines, log, span

from coldtrail.model.signals import Log, Span
from coldtrail.model.trails import Node, Trail
from coldtrail.trails.assemble import assemble
from coldtrail.trails.nodes.identity import node_id_of


def trail_of(spans: list[Span], logs: list[Log], trail_id: str = "a" * 32) -> Trail:
    trail = assemble(spans, logs, trail_id)
    assert trail is not None
    return trail


def waits(node: Node) -> dict[str, float]:
    return {wait.kind: wait.ms for wait in node.waits}


def shares(trail: Trail) -> dict[tuple[str, str], float]:
    name = {node.node_id: node.name for node in trail.nodes}
    return {(name[one.node_id], one.cause): one.ms for one in trail.critical_shares}


@pytest.mark.parametrize(
    ("sent", "taken", "kind"),
    [
        ({"messaging__message__id": "m", "messaging__system": "aws_sqs"}, {"message_id": "m"}, "queue"),
        ({"aws__kinesis__sequence_number": "m"}, {"sequence_number": "m"}, "stream"),
        ({"aws__eventbridge__event_id": "m"}, {"event_id": "m"}, "bus"),
    ],
)
def test_a_wait_is_of_the_kind_of_what_the_message_was_in(sent: dict[str, str], taken: dict[str, str], kind: str) -> None:
    trail = trail_of([span(1, 0, kind=4, service="post", took_ms=10, **sent)], lines("r", 4_010, 20, init_ms=500, **taken))
    taker = trail.nodes[-1]
    assert waits(taker) == {kind: 3_500.0, "init": 500.0}
    assert taker.wait_ms == 4_000.0
    assert next(edge for edge in trail.edges if edge.effect == taker.node_id).waits == tuple(taker.waits)


def test_time_in_calls_side_by_side_counts_once_and_tries_of_one_call_are_counted() -> None:
    spans = [
        span(1, 0, kind=2, service="publish", took_ms=9_000, faas__invocation_id="r"),
        span(2, 0, parent=1, kind=3, service="publish", took_ms=2_800, name="POST ledger", failed="Timeout"),
        span(3, 3_800, parent=1, kind=3, service="publish", took_ms=2_800, name="POST ledger", failed="Timeout"),
        span(4, 8_600, parent=1, kind=3, service="publish", took_ms=300, name="POST ledger"),
        span(5, 8_650, parent=1, kind=3, service="publish", took_ms=300, name="GET cache"),
    ]
    trail = trail_of(spans, [])
    tries = [node for node in trail.nodes if node.name == "POST ledger"]
    assert [(node.attempt, waits(node).get("retry")) for node in tries] == [(1, None), (2, 1_000.0), (3, 2_000.0)]
    assert waits(trail.nodes[0])["downstream"] == 2_800 + 2_800 + 350


def test_a_call_that_was_throttled_waited_for_the_limit() -> None:
    spans = [
        span(1, 0, kind=2, service="a", took_ms=900, faas__invocation_id="r"),
        span(2, 0, parent=1, kind=3, service="a", took_ms=10, name="Put", failed="Throttled", aws__xray__throttle=True),
        span(3, 510, parent=1, kind=3, service="a", took_ms=10, name="Put"),
    ]
    assert waits(trail_of(spans, []).nodes[-1])["throttle"] == 500.0


def test_the_shares_of_the_critical_path_add_up_and_name_what_the_time_went_on() -> None:
    spans = [
        span(1, 0, kind=2, service="api", took_ms=100),
        span(2, 10, parent=1, kind=2, service="post", took_ms=85, faas__invocation_id="p"),
        span(3, 20, parent=2, kind=3, service="post", took_ms=30, name="lookup"),
        span(4, 60, parent=2, kind=4, service="post", took_ms=10, name="send", messaging__message__id="m"),
        span(5, 1_100, trace="b", kind=5, service="work", took_ms=400, faas__invocation_id="w", faas__trigger="pubsub", messaging__message__id="m"),
        span(6, 1_150, trace="b", parent=5, kind=3, service="work", took_ms=300, name="store"),
    ]
    trail = trail_of(spans, lines("w", 1_100, 400, function="work", init_ms=200))
    parts = shares(trail)
    assert sum(one.share for one in trail.critical_shares) == pytest.approx(1.0)
    assert sum(one.ms for one in trail.critical_shares) == pytest.approx((trail.end_ns - trail.start_ns) / 1e6)
    assert parts[("work", "queue")] == pytest.approx(1_100 - 70 - 200)
    assert parts[("work", "init")] == pytest.approx(200)
    assert parts[("store", "downstream")] == pytest.approx(300)
    assert parts[("work", "work")] == pytest.approx(100)
    assert parts[("lookup", "downstream")] == pytest.approx(30)
    assert (trail.critical_path[0], trail.critical_path[-1]) == (trail.nodes[0].node_id, trail.nodes[-1].node_id)


def test_a_record_that_waited_behind_a_poison_record_says_so() -> None:
    spans = [span(number + 1, number, trace="ab"[number], kind=4, service="post", aws__kinesis__sequence_number=f"seq-{number}", aws__kinesis__stream_name="activities") for number in (0, 1)]
    logs = [log("both", 101 + number, sequence_number=f"seq-{number}") for number in (0, 1)] + lines("both", 100, 20, status="error")
    for attempt in range(3):
        logs += lines(f"poison-{attempt}", 10_000 * (attempt + 1), 20, status="error", sequence_number="seq-0")
    logs += lines("good", 41_000, 20, sequence_number="seq-1")
    told = [one for one in trail_of(spans, logs, "b" * 32).story if "poison" in one.text]
    assert len(told) == 1
    assert "activities seq-1 waited 41.0 s behind a poison record, activities seq-0, that was tried 4 times in vain" in told[0].text
    assert told[0].shows_at == node_id_of("request_id", "good")


def test_the_first_thing_that_went_wrong_is_told_with_what_followed_from_it() -> None:
    spans, logs = everything()
    (told,) = [one for one in trail_of(spans, logs, "a" * 32).story if one.text.startswith("The first thing that went wrong")]
    assert "ingest failed" in told.text
    assert "tried again once and went through" in told.text
    assert told.shows_at == node_id_of("request_id", "half-0")


def test_a_failed_call_is_told_with_the_callers_that_failed_of_it() -> None:
    spans = [
        span(1, 0, kind=2, service="api", took_ms=100, failed="502"),
        span(2, 5, parent=1, kind=2, service="post", took_ms=90, failed="ConnectionError", faas__invocation_id="p"),
        span(3, 10, parent=2, kind=3, service="post", took_ms=50, name="GET profile", failed="ECONNREFUSED"),
    ]
    (told,) = [one for one in trail_of(spans, []).story if "went wrong" in one.text]
    assert told.text == "The first thing that went wrong: post GET profile failed with ECONNREFUSED; from that, post failed with ConnectionError, api span 1 failed with 502"
    assert (told.node_id[-1], told.shows_at[-1]) == ("3", "1")


def test_a_wrong_clock_is_said_once_and_taken_out() -> None:
    spans = [span(1, 0, kind=2, service="api", took_ms=100), span(2, 5, parent=1, kind=3, service="api", took_ms=90)]
    spans += [span(3 + number, -59_990 + number * 10, parent=2, kind=2 if not number else 1, service="old", host="vm-7", took_ms=50) for number in range(2)]
    trail = trail_of(spans, [])
    off = {node.service: node.clock_offset_ms for node in trail.nodes}
    assert off["api"] is None
    assert off["old"] == pytest.approx(-60_000, abs=60)
    assert [one.text for one in trail.story if "clock" in one.text] == ["The clock of old is 1 min 0 s behind; its times here are corrected"]
    assert all(node.start_ns >= trail.start_ns for node in trail.nodes)


def test_no_clock_is_corrected_where_none_is_wrong() -> None:
    spans, logs = everything()
    assert all(node.clock_offset_ms is None for node in trail_of(spans, logs, "a" * 32).nodes)


@pytest.mark.parametrize(("error", "lacks"), [("ConnectionError", True), ("ConditionalCheckFailedException", False)])
def test_a_write_that_its_condition_forbade_is_not_missing(error: str, lacks: bool) -> None:
    table = {"db__system__name": "aws.dynamodb", "db__collection__name": "orders", "db__operation__name": "PutItem"}
    spans = [span(1, 0, kind=2, service="post", took_ms=90, faas__invocation_id="r"), span(2, 10, parent=1, kind=3, service="post", name="PutItem", failed=error, **table)]
    assert any("orders lacks what it should have written" in one.text for one in trail_of(spans, []).story) is lacks
