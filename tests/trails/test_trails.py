"""Signals to trails: what happened, whatever the order in which it is told."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from coldtrail.model.signals import Link, Log, Resource, Span
from coldtrail.trails.assemble import assemble, assemble_all
from coldtrail.trails.nodes.identity import node_id_of

T0 = 1_795_239_132 * 10**9
MS = 10**6


def make_span(number: int, at_ms: float, *, trace: str = "a", parent: int | None = None, kind: int = 1, service: str = "svc", took_ms: float = 5, **more: Any) -> Span:
    return Span(trace_id=trace * 32, span_id=f"{number:016x}", parent_span_id="" if parent is None else f"{parent:016x}", name=f"span {number}", kind=kind, start_ns=T0 + int(at_ms * MS), end_ns=T0 + int((at_ms + took_ms) * MS), resource=Resource({"service.name": service}), **more)


def make_log(request_id: str, at_ms: float, event: str = "", function: str = "ingest", **attributes: Any) -> Log:
    named = {name.replace("__", "."): value for name, value in attributes.items()}
    return Log(time_ns=T0 + int(at_ms * MS), event_name=event, body=f"{event or 'line'} {at_ms}", attributes={"faas.invocation_id": request_id, **named}, resource=Resource({"faas.name": function}))


def lines(request_id: str, at_ms: float, took_ms: float = 10, function: str = "ingest", status: str = "success", **inside: Any) -> list[Log]:
    found = [make_log(request_id, at_ms, "platform.start", function)]
    if inside:
        found.append(make_log(request_id, at_ms + 1, "", function, **inside))
    found.append(make_log(request_id, at_ms + took_ms, "platform.report", function, aws__lambda__duration_ms=float(took_ms), aws__lambda__status=status))
    return found


def story() -> tuple[list[Span], list[Log]]:
    """API -> post -> Kinesis record 1 -> ingest (known from its log lines, twice) -> SQS message m -> notify."""
    spans = [
        make_span(1, 0, kind=2, service="api", took_ms=40),
        make_span(2, 5, parent=1, kind=2, service="post", took_ms=30, attributes={"faas.invocation_id": "r-post"}),
        make_span(3, 10, parent=2, kind=3, service="post", attributes={"aws.kinesis.sequence_number": "seq-1", "aws.kinesis.stream_name": "activities"}),
    ]
    logs = lines("r-1", 100, status="error", sequence_number="seq-1") + lines("r-2", 400, sequence_number="seq-1", sent_message_id="m-1") + lines("r-3", 450, function="notify", message_id="m-1")
    return spans, logs


def test_story_one_is_one_trail_across_stream_and_queue() -> None:
    trail = assemble(*story(), "a" * 32)
    assert trail is not None
    assert [(node.kind, node.service, node.status, node.attempt) for node in trail.nodes] == [
        ("request", "api", "ok", 1), ("invocation", "post", "ok", 1), ("operation", "post", "ok", 1), ("message", "activities", "ok", 1),
        ("invocation", "ingest", "error", 1), ("invocation", "ingest", "ok", 2), ("message", "message", "ok", 1), ("invocation", "notify", "ok", 1)]
    assert [edge.kind for edge in trail.edges].count("redelivers") == 1
    assert {edge.confidence for edge in trail.edges} == {1.0}
    assert trail.nodes[4].wait_ms == 85.0
    assert [trail.critical_path[0], trail.critical_path[-1]] == [trail.nodes[0].node_id, node_id_of("request_id", "r-3")]
    assert (trail.status, trail.trail_id) == ("error", "a" * 32)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), copies=st.integers(1, 3))
def test_order_and_copies_of_signals_do_not_change_the_trail(seed: int, copies: int) -> None:
    spans, logs = story()
    expected = assemble_all(spans, logs)
    dice = random.Random(seed)
    shuffled_spans, shuffled_logs = spans * copies, logs * copies
    dice.shuffle(shuffled_spans)
    dice.shuffle(shuffled_logs)
    assert assemble_all(shuffled_spans, shuffled_logs) == expected


def test_a_batch_of_ten_is_ten_trails_and_no_hairball() -> None:
    spans, logs = [], []
    for number in range(10):
        root = make_span(number + 1, number, trace=f"{number:x}", kind=2, service="post", attributes={"aws.kinesis.sequence_number": f"s-{number}", "correlation_id": f"c-{number}"})
        spans += [root, make_span(number + 101, number + 1, trace=f"{number:x}", parent=number + 1, kind=3, service="post", attributes={"aws.kinesis.sequence_number": f"s-{number}"})]
        logs.append(make_log("batch", 500 + number, sequence_number=f"s-{number}", correlation_id=f"c-{number}", sent_message_id=f"m-{number}"))
        logs += lines(f"notify-{number}", 600 + number, function="notify", message_id=f"m-{number}", correlation_id=f"c-{number}")
    logs += lines("batch", 490, 60)
    for number in range(10):
        trail = assemble(spans, logs, f"{number:x}" * 32)
        assert trail is not None
        taken = {node.keys.get("sequence_number") for node in trail.nodes if node.kind == "message"} - {None}
        assert taken == {f"s-{number}"}
        assert {node.keys["request_id"] for node in trail.nodes if node.service == "notify"} == {f"notify-{number}"}


def test_retries_of_one_request_id_are_attempts() -> None:
    logs = lines("r", 0, status="error") + lines("r", 60_000, status="timeout") + lines("r", 180_000)
    (trail,) = assemble_all([], logs)
    assert [(node.attempt, node.status) for node in trail.nodes] == [(1, "error"), (2, "timeout"), (3, "ok")]
    assert [edge.kind for edge in trail.edges] == ["retries", "retries"]
    assert trail.nodes[1].wait_ms == 59_990.0


def test_an_invocation_without_an_end_is_open() -> None:
    (trail,) = assemble_all([], [make_log("r", 0, "platform.start")])
    assert (trail.status, trail.nodes[0].status, trail.nodes[0].end_ns) == ("open", "open", None)


def test_a_span_whose_parent_never_came_is_still_there() -> None:
    trail = assemble([make_span(2, 0, parent=1), make_span(3, 1, parent=2)], [], "a" * 32)
    assert trail is not None
    assert [node.name for node in trail.nodes] == ["span 2", "span 3"]


def test_parents_in_a_circle_end() -> None:
    trail = assemble([make_span(1, 0, parent=2), make_span(2, 1, parent=1)], [], "a" * 32)
    assert trail is not None
    assert len(trail.nodes) == 2


def test_a_clock_that_is_behind_changes_no_edge() -> None:
    spans, logs = story()
    before = assemble(spans, logs, "a" * 32)
    late = [Log(**{name: getattr(log, name) for name in log.__struct_fields__} | {"time_ns": log.time_ns - 250 * MS}) for log in logs]
    after = assemble(spans, late, "a" * 32)
    assert before is not None
    assert after is not None
    assert [(edge.cause, edge.effect, edge.kind, edge.evidence) for edge in after.edges] == [(edge.cause, edge.effect, edge.kind, edge.evidence) for edge in before.edges]
    assert after.nodes[0].kind == "request"


def test_a_link_joins_two_traces() -> None:
    producer = make_span(1, 0, kind=2, service="a")
    consumer = make_span(2, 50, trace="b", kind=5, service="b", links=(Link("a" * 32, f"{1:016x}"),))
    trail = assemble([producer, consumer], [], "b" * 32)
    assert trail is not None
    assert (trail.trail_id, [(edge.kind, edge.evidence) for edge in trail.edges]) == ("a" * 32, [("triggers", "link")])


def test_a_correlation_id_joins_with_less_confidence() -> None:
    spans = [make_span(1, 0, kind=2, service="a", attributes={"correlation_id": "corr-7b55"})]
    trail = assemble(spans, lines("r", 100, function="b", correlation_id="corr-7b55"), "a" * 32)
    assert trail is not None
    assert [(edge.evidence, edge.confidence < 1) for edge in trail.edges] == [("correlation_id", True)]


def test_the_story_tells_waits_failures_and_attempts() -> None:
    trail = assemble(*story(), "a" * 32)
    assert trail is not None
    told = " | ".join(sentence.text for sentence in trail.story)
    assert "ingest failed" in told
    assert "on attempt 2" in told
