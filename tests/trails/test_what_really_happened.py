"""Batches, retries and redeliveries, dead letters, nested messages, executions, two tellers of one thing."""

from __future__ import annotations

import json

import pytest
from telling import everything, lines, log, span

from coldtrail.model.trails import Trail
from coldtrail.trails.assemble import assemble, assemble_all, build_graph, select
from coldtrail.trails.nodes.identity import node_id_of

ARN = "arn:aws:states:eu-central-1:123456789012:execution:invoice-close:run-1"


def only(trail: Trail | None) -> Trail:
    assert trail is not None
    return trail


def kinds(trail: Trail) -> list[tuple[str, str, str]]:
    """(cause, kind, effect) by names that do not depend on ids."""
    name = {node.node_id: f"{node.kind} {node.service}" for node in trail.nodes}
    return sorted((name[edge.cause], edge.kind, name[edge.effect]) for edge in trail.edges)


def test_the_trail_of_one_record_has_nothing_of_the_others_in_its_batch() -> None:
    spans, logs = everything()
    trails = [only(assemble(spans, logs, letter * 32)) for letter in "abc"]
    for number, trail in enumerate(trails):
        records = {node.keys["sequence_number"] for node in trail.nodes if node.kind == "message" and "sequence_number" in node.keys}
        assert records == {f"seq-{number}"}
    assert {node.keys.get("request_id") for node in trails[1].nodes} >= {"batch", "half-1", "half-1b"}
    assert "half-0" not in {node.keys.get("request_id") for node in trails[1].nodes}
    assert [node.attempt for node in trails[1].nodes if node.service == "ingest"] == [1, 2, 3]


def test_steps_of_a_batch_are_told_apart_by_the_lines_within_their_time() -> None:
    """Subsegments that say nothing of their record, as Powertools' `capture_method` makes them, under one handler."""
    spans = [span(1, 0, trace="e", kind=2, service="ingest", took_ms=200, faas__invocation_id="batch"), span(2, 1, trace="e", parent=1, service="ingest", took_ms=198, name="## handler")]
    logs = lines("batch", 0, 200)
    for number in range(5):
        at = 10 + number * 30
        spans.append(span(10 + number, at, trace="e", parent=2, service="ingest", took_ms=20, name="## ingest"))
        spans.append(span(20 + number, at + 5, trace="e", parent=10 + number, kind=3, service="ingest", took_ms=5, name=f"put {number}"))
        spans.append(span(30 + number, -100, trace=f"{number}", kind=4, service="post", aws__kinesis__sequence_number=f"s-{number}"))
        logs.append(log("batch", at + 2, sequence_number=f"s-{number}"))
    for number in range(5):
        trail = only(assemble(spans, logs, f"{number}" * 32))
        assert {node.name for node in trail.nodes if node.name.startswith("put")} == {f"put {number}"}


def test_a_retry_keeps_its_request_and_a_redelivery_gets_a_new_one() -> None:
    spans, logs = everything()
    trail = only(assemble(spans, logs, "a" * 32))
    assert ("message queue", "x", "y") not in kinds(trail)
    delivered = [edge.kind for edge in trail.edges if edge.cause == node_id_of("message_id", "m-0")]
    assert sorted(delivered) == ["delivers", "redelivers"]
    again = next(node for node in trail.nodes if node.keys.get("request_id") == "notify-0b")
    assert (again.attempt, [wait.kind for wait in again.waits]) == (2, ["retry"])
    assert again.wait_ms == pytest.approx(31_000 - 715)
    retried = only(assemble(spans, logs, node_id_of("request_id", "retried")))
    assert [(node.attempt, node.status) for node in retried.nodes if node.service == "mail"] == [(1, "error"), (2, "ok")]
    assert [edge.kind for edge in retried.edges if edge.evidence == "request_id"] == ["retries"]


def test_a_message_that_moves_to_a_dead_letter_queue_is_delivered_there_and_not_redelivered() -> None:
    logs = [line for at in (0, 10_000, 20_000) for line in lines(f"try-{at}", at, status="error", function="notify", message_id="m")]
    logs += lines("rescue", 60_000, function="rescue", message_id="m")
    spans = [span(1, -50, kind=4, service="post", messaging__message__id="m")]
    trail = only(assemble(spans, logs, "a" * 32))
    assert [(node.service, node.attempt) for node in trail.nodes if node.kind == "invocation"] == [("notify", 1), ("notify", 2), ("notify", 3), ("rescue", 1)]
    assert [edge.kind for edge in trail.edges].count("redelivers") == 2
    assert any("tried again twice, in vain" in one.text and "handed to rescue" in one.text for one in trail.story)


def test_two_subscribers_of_one_notification_each_get_it_for_the_first_time() -> None:
    spans = [span(1, 0, kind=4, service="post", messaging__message__id="n")]
    trail = only(assemble(spans, lines("r1", 50, function="one", message_id="n") + lines("r2", 60, function="two", message_id="n"), "a" * 32))
    assert [edge.kind for edge in trail.edges if edge.kind != "sends"] == ["delivers", "delivers"]


def test_a_notification_in_a_queues_message_is_a_hop_of_its_own() -> None:
    spans, logs = everything()
    trail = only(assemble(spans, logs, "a" * 32))
    inner, outer, taker = node_id_of("message_id", "sns-1"), node_id_of("message_id", "sqs-1"), node_id_of("request_id", "audit-1")
    pairs = {(edge.cause, edge.effect) for edge in trail.edges}
    assert {(inner, outer), (outer, taker)} <= pairs
    assert (inner, taker) not in pairs


def test_a_queue_event_that_a_function_logged_tells_of_its_message() -> None:
    event = {"Records": [{"messageId": "m", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:1:jobs", "body": "{}", "attributes": {"ApproximateReceiveCount": "3", "SentTimestamp": "1795239132000"}}]}
    trail = only(assemble([], lines("r", 5_000, faas__event=json.dumps(event)), node_id_of("request_id", "r")))
    message, taker = trail.nodes
    assert (message.kind, message.service, taker.attempt) == ("message", "jobs", 3)
    assert taker.wait_ms == 5_000.0


def test_the_change_of_a_table_is_joined_with_who_spoke_of_the_same_item() -> None:
    writer = lines("w", 0, function="account", correlation_id="corr-1", item_key="signup-1/account")
    other = lines("x", 5, function="profile", correlation_id="corr-1", item_key="signup-1/profile")
    trail = only(assemble([], [*writer, *other, *lines("r", 300, function="welcome", correlation_id="corr-1", item_key="signup-1/account", stream_event_id="e-1")], node_id_of("request_id", "r")))
    assert [(edge.kind, edge.evidence, edge.confidence < 1) for edge in trail.edges if edge.effect == node_id_of("event_id", "e-1")] == [("sends", "correlation_id", True)]
    assert [edge.cause for edge in trail.edges if edge.effect == node_id_of("event_id", "e-1")] == [node_id_of("request_id", "w")]


def history(number: int, at_ms: float, kind: str, **details: str) -> object:
    named = {f"details__{key}": value for key, value in details.items()}
    return log("", at_ms, f"stepfunctions.{kind}", "invoice-close", type=kind, id=str(number), execution_arn=ARN, **named)


def test_an_execution_stands_between_its_starter_and_what_its_states_called() -> None:
    spans = [
        span(1, 0, kind=2, service="start", took_ms=50, faas__invocation_id="s"),
        span(2, 5, parent=1, kind=3, service="start", took_ms=10, name="SFN.StartExecution", aws__step_functions__execution__arn=ARN),
        span(3, 40, parent=2, kind=2, service="load", took_ms=20, faas__invocation_id="l"),
    ]
    logs = [history(1, 12, "ExecutionStarted"), history(2, 13, "TaskStateEntered", name="Load"), history(5, 65, "TaskStateExited", name="Load"), history(6, 66, "TaskStateEntered", name="Publish")]
    logs += [history(9, 9_000, "TaskFailed", error="LedgerTimeout", cause="no answer"), history(10, 9_001, "ExecutionFailed", error="LedgerTimeout")]
    for number, at in enumerate((70, 3_000, 6_000)):
        logs += lines(f"p-{number}", at, 2_800, function="publish", status="error", executionArn=ARN)
    trail = only(assemble(spans, logs, "a" * 32))  # type: ignore[arg-type]
    run = node_id_of("execution_arn", ARN)
    name = {node.node_id: node.name for node in trail.nodes}
    assert ("SFN.StartExecution", "invoice-close") in {(name[edge.cause], name[edge.effect]) for edge in trail.edges}
    assert {(name[edge.cause], name[edge.effect]) for edge in trail.edges if edge.cause != run} >= {("Load", "load"), ("Publish", "publish")}
    assert [node.attempt for node in trail.nodes if node.service == "publish"] == [1, 2, 3]
    by_name = {node.name: node for node in trail.nodes}
    assert (by_name["invoice-close"].status, by_name["Publish"].failure.type, by_name["Load"].status) == ("error", "LedgerTimeout", "ok")  # type: ignore[union-attr]


def test_a_line_of_an_access_log_is_its_request_and_names_the_invocation_it_called() -> None:
    access = log("", 60, "", "api", aws__api_gateway__request_id="api-1", integrationRequestId="r", http__response__status_code=502, http__request__method="POST", http__route="/activity", responseLatency=60)
    trail = only(assemble([], [access, *lines("r", 5, 50, function="post", status="error")], node_id_of("request_id", "r")))
    request, taker = trail.nodes
    assert (request.kind, request.name, request.status, request.end_ns - request.start_ns) == ("request", "POST /activity", "error", 60_000_000)  # type: ignore[operator]
    assert [(edge.cause, edge.effect, edge.evidence) for edge in trail.edges] == [(request.node_id, taker.node_id, "request_id")]


def test_a_trail_in_a_circle_is_one_trail() -> None:
    logs = lines("r1", 0, message_id="m1", sent_message_id="m2") + lines("r2", 50, function="b", message_id="m2", sent_message_id="m1")
    (trail,) = assemble_all([], logs)
    assert len(trail.nodes) == 4


def test_many_trails_of_one_graph_cost_in_proportion() -> None:
    """Selecting looks at a trail's own nodes alone."""
    spans = [span(1, number, trace=f"{number % 10}", kind=2, service="api") for number in range(10)]
    graph = build_graph(spans, [])
    assert all(only(select(graph, f"{number}" * 32)).nodes[0].keys["trace_id"] == f"{number}" * 32 for number in range(10))
