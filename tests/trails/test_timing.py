"""What times may join, and what they may not."""

from __future__ import annotations

from telling import lines, span

from coldtrail.model.signals import Log, Span
from coldtrail.model.trails import Edge
from coldtrail.trails.assemble import build_graph, select
from coldtrail.trails.nodes.identity import node_id_of
from coldtrail.trails.timing.edges import MOST_CONFIDENCE, Timing


def by_time(spans: list[Span], logs: list[Log], timing: Timing | None = None) -> list[Edge]:
    return [edge for edge in build_graph(spans, logs, timing or Timing()).edges if edge.evidence == "timing"]


def sends(count: int, every_ms: float = 1_000, **attributes: str) -> list[Span]:
    """Sends to the queue `jobs`, each of a trace of its own."""
    named = {"messaging__destination__name": "jobs", "messaging__system": "aws_sqs", "rpc__method": "SendMessage", **attributes}
    return [span(number + 1, number * every_ms, trace=f"{number:x}", kind=4, service="post", name="jobs send", **named) for number in range(count)]


def takes(count: int, every_ms: float = 1_000, after_ms: float = 80, source: str = "arn:aws:sqs:eu-central-1:1:jobs") -> list[Log]:
    return [log for number in range(count) for log in lines(f"r-{number}", number * every_ms + after_ms, 30, function="work", eventSourceARN=source)]


def test_a_send_is_joined_to_the_function_that_says_it_serves_the_queue() -> None:
    found = by_time(sends(8), takes(8))
    assert {(edge.cause, edge.effect) for edge in found} == {(f"{number:x}" * 32 + f"{number + 1:016x}", node_id_of("request_id", f"r-{number}")) for number in range(8)}
    assert all(0.6 <= edge.confidence <= MOST_CONFIDENCE and edge.kind == "triggers" for edge in found)
    assert all(edge.waits[0].kind == "queue" and abs(edge.waits[0].ms - 80) < 1 for edge in found)


def test_nothing_is_guessed_where_nobody_says_who_serves_what() -> None:
    assert by_time(sends(8), takes(8, source="arn:aws:sqs:eu-central-1:1:others")) == []


def test_a_channel_that_certain_edges_showed_is_one_for_those_without_ids_too() -> None:
    spans = sends(8) + [span(900 + number, -9_000 + number * 1_000, trace="f", kind=4, service="post", name="jobs send", messaging__destination__name="jobs", messaging__system="aws_sqs", messaging__message__id=f"m-{number}") for number in range(5)]
    logs = takes(8, source="") + [log for number in range(5) for log in lines(f"s-{number}", -9_000 + number * 1_000 + 80, 30, function="work", message_id=f"m-{number}")]
    found = by_time(spans, logs)
    assert {edge.effect for edge in found} == {node_id_of("request_id", f"r-{number}") for number in range(8)}


def test_times_never_join_what_has_a_certain_cause() -> None:
    spans = sends(4)
    logs = [log for number in range(4) for log in lines(f"r-{number}", number * 1_000 + 80, 30, function="work", eventSourceARN="arn:aws:sqs:eu-central-1:1:jobs", message_id=f"m-{number}")]
    spans += [span(50 + number, number * 1_000 - 500, trace="e", kind=4, service="other", messaging__message__id=f"m-{number}") for number in range(4)]
    assert by_time(spans, logs) == []


def test_a_kind_that_is_switched_off_is_not_inferred() -> None:
    assert by_time(sends(8), takes(8), Timing(frozenset({"calls"}))) == []


def test_a_call_that_names_its_function_is_joined_to_the_invocation_within_it() -> None:
    calls = [span(number + 1, number * 40, trace=f"{number:x}", kind=3, service="front", took_ms=100 - number * 10, faas__invoked_name="work") for number in range(4)]
    logs = [log for number in range(4) for log in lines(f"r-{number}", number * 40 + 3, 94 - number * 10, function="work")]
    found = by_time(calls, logs)
    assert {(edge.cause[:1], edge.effect, edge.kind) for edge in found} == {(f"{number:x}", node_id_of("request_id", f"r-{number}"), "calls") for number in range(4)}


def test_effects_that_nothing_tells_apart_get_no_edge() -> None:
    """Ten sends at once, and ten invocations after delays that differ by more than the time between."""
    spans = sends(10, every_ms=0.2)
    logs = [log for number in range(10) for log in lines(f"r-{number}", 100 + (number * 7919 % 1000), 30, function="work", eventSourceARN="arn:aws:sqs:eu-central-1:1:jobs")]
    assert all(edge.confidence < 0.9 for edge in by_time(spans, logs))


def test_a_trail_of_one_message_of_a_batch_that_times_told_holds_nothing_of_the_others() -> None:
    spans = sends(3, every_ms=100)
    batch = span(20, 1_000, trace="b", kind=5, service="work", took_ms=300, faas__invocation_id="r-1", faas__trigger="pubsub")
    records = [span(30 + at, 1_010 + 90 * at, trace="b", parent=20, kind=5, service="work", took_ms=80) for at in range(3)]
    calls = [span(40 + at, 1_020 + 90 * at, trace="b", parent=30 + at, kind=3, service="work", took_ms=50) for at in range(3)]
    invocation = node_id_of("request_id", "r-1")
    known = tuple(Edge(one.trace_id + one.span_id, invocation, "triggers", "timing", 0.95) for one in spans)
    graph = build_graph([*spans, batch, *records, *calls], [], Timing(frozenset(), known=known))
    for at, sent in enumerate(spans):
        trail = select(graph, sent.trace_id)
        assert trail
        inside = {node.node_id for node in trail.nodes} & {one.trace_id + one.span_id for one in (*records, *calls)}
        assert inside == {records[at].trace_id + records[at].span_id, calls[at].trace_id + calls[at].span_id}


def test_a_call_whose_invocation_is_known_to_have_sent_a_message_sent_no_other() -> None:
    source = "arn:aws:kinesis:eu-central-1:1:stream/things"
    spans = [
        span(1, 0, kind=2, service="writer", took_ms=40, faas__invocation_id="w-1"),
        span(2, 5, parent=1, kind=3, service="writer", name="Kinesis.PutRecord", rpc__method="PutRecord", aws__kinesis__stream_name="things"),
    ]
    logs = lines("r-2", 120, 30, function="reader", eventSourceARN=source)
    known = lines("w-1", 0, 40, function="writer", put_sequence_number="49") + lines("r-1", 80, 30, function="reader", eventSourceARN=source, sequence_number="49")
    assert [(edge.cause, edge.effect) for edge in by_time(spans, logs)] == [("a" * 32 + f"{2:016x}", node_id_of("request_id", "r-2"))]
    assert by_time(spans, logs + known) == []
