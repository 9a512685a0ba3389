"""Events, histories and access logs in log lines: what the translator makes of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from coldtrail.model.signals import Log, Span
from coldtrail.receivers.lambda_lines import LineReader
from coldtrail.receivers.xray.documents import translate_document
from coldtrail.services import contexts_of_log, deliveries_of, keys_of_log, keys_of_span
from coldtrail.store.anyvalue import plain

DATA = Path(__file__).parents[1] / "data/services"
REQUEST = "0c8a1f1e-0000-4000-8000-00000000aaa1"


def event(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_text())


def read(message: str) -> Log:
    line = LineReader().read(message)
    return Log(1, event_name=line.event_name, severity_text=line.severity_text, body=message, attributes=line.attributes, trace_id=line.trace_id)


def keys(log: Log) -> set[tuple[str, str, str]]:
    return {(key.role, key.kind, key.value) for key in keys_of_log(log)}


SQS = event("sqs")
TAKEN = {("takes", "message_id", "059f36b4-87a3-44ab-83d2-661975830a7d"), ("takes", "message_id", "2e1424d4-f796-459a-8184-9c92662be6da"), ("mentions", "correlation_id", "corr-7b55")}
WAYS = {
    "powertools for python": json.dumps({"level": "INFO", "location": "decorate:352", "message": SQS, "service": "orders", "function_request_id": REQUEST}),
    "powertools for typescript": json.dumps({"level": "INFO", "message": "Lambda invocation event", "event": SQS, "function_request_id": REQUEST}),
    "powertools for java": json.dumps({"level": "INFO", "message": json.dumps(SQS), "function_request_id": REQUEST}),
    "printed": json.dumps(SQS),
    "printed with spaces": json.dumps(SQS, indent=1).replace("\n", " "),
    "console.log": f"2026-11-21T05:32:12.100Z\t{REQUEST}\tINFO\tEVENT {json.dumps(SQS)}\n",
    "python's logging": f"[INFO]\t2026-11-21T05:32:12.100Z\t{REQUEST}\tevent: {json.dumps(SQS)}",
    "lambda's json format": json.dumps({"timestamp": "2026-11-21T05:32:12Z", "level": "INFO", "message": {**SQS}, "requestId": REQUEST}),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_event_is_found_however_a_function_logs_it(way: str) -> None:
    log = read(WAYS[way])
    assert keys(log) >= TAKEN
    assert json.loads(str(log.attributes["aws.lambda.event"])) == SQS
    assert not [name for name in log.attributes if "Records" in name]
    if REQUEST in WAYS[way]:
        assert log.attributes["faas.invocation_id"] == REQUEST


def test_a_line_that_only_looks_like_an_event_stays_as_it_is() -> None:
    for document in ({"message": "done", "executionArn": "arn:1", "status": "ok"}, {"level": "INFO", "id": "1", "source": "x", "detail-type": "y"}, {"message": {"Records": []}}, {"event": "{not json"}, {"message": "Records eventSource"}):
        assert "aws.lambda.event" not in read(json.dumps(document)).attributes
    assert "aws.lambda.event" not in read('said "eventSource": {"a": 1').attributes


def test_a_delivery_says_where_from_when_and_how_often() -> None:
    first, second = deliveries_of(read(json.dumps(SQS)))
    assert (first.service, first.destination.rpartition(":")[2], first.sent_ns, first.receive_count) == ("sqs", "orders", 1_795_239_132 * 10**9, 1)
    assert [one.trace_id for one in first.contexts] == ["4bf92f3577b34da6a3ce929d0e0e4736"]
    assert (second.receive_count, second.order_group, second.dead_letter_source.rpartition(":")[2]) == (3, "customer-9", "orders")
    assert [(one.trace_id, one.span_id) for one in second.contexts] == [("5759e988bd862e3fe1be46a994272793", "53995c3f42cd8ad8")]


def test_a_notification_in_a_message_says_in_which_one_it_came() -> None:
    outer, inner = deliveries_of(read(json.dumps(event("sns_in_sqs"))))
    assert (outer.service, inner.service, inner.within) == ("sqs", "sns", outer.carried)
    queue, topic, bucket = deliveries_of(read(json.dumps(event("s3_in_sns_in_sqs"))))
    assert (bucket.service, bucket.within, topic.within, queue.within) == ("s3", topic.carried, queue.carried, None)


# What each envelope is about: role, kind and value of its keys, without correlation ids.
ENVELOPES = {
    "sns": [("takes", "message_id", "95df01b4-ee98-5cb9-9903-4c221d41eb5e")],
    "sns_in_sqs": [("takes", "message_id", "5f1a0f7e-5ba5-4c38-9d3a-6dd4a9fd6f3b"), ("takes", "message_id", "95df01b4-ee98-5cb9-9903-4c221d41eb5e")],
    "eventbridge": [("takes", "event_id", "17793124-05d4-b198-2fde-7ededc63b103")],
    "eventbridge_in_sqs": [("takes", "message_id", "7d1c3e4e-1111-4d52-8a04-2f8f6e2b7a10"), ("takes", "event_id", "6a7e8feb-b491-4cf7-a9f1-bf3703467718")],
    "eventbridge_schedule": [("takes", "event_id", "89d1a02d-5ec7-412e-82f5-13505f849b41")],
    "scheduler": [("takes", "event_id", "d32c5kddcf5bb8c3")],
    "kinesis": [("takes", "sequence_number", "49590338271490256608559692538361571095921575989136588898"), ("takes", "sequence_number", "49590338271490256608559692540925702759324208523137515618")],
    "dynamodb": [("takes", "event_id", "c4ca4238a0b923820dcc509a6f75849b")],
    "s3": [("takes", "event_id", "C3D13FE58DE4C810"), ("mentions", "object", "reports-bucket/in/july report(1).csv"), ("mentions", "object", "096fKKXTRTtl3on89fVO.nfljtsv6qko")],
    "s3_eventbridge": [("takes", "event_id", "2ee9cc15-d022-99ea-1fb8-1b1bac4850f9"), ("takes", "event_id", "N4N7GDK58NMKJ12R"), ("mentions", "object", "reports-bucket/in/july report(1).csv"), ("mentions", "object", "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e")],
    "apigateway_rest": [("takes", "request_id", "41b45ea3-70b5-11e6-b7bd-69b5aaebc7d9"), ("mentions", "request_id", "JKJaXmPLvHcESHA=")],
    "apigateway_http": [("takes", "request_id", "JKJaXmPLvHcESHB=")],
    "stepfunctions_task": [("takes", "execution_arn", "arn:aws:states:eu-central-1:111122223333:execution:invoice-close:4f4f5a54-2f3c-4c54-9e6a-5c1d2f3b4a5e")],
    "stepfunctions_status": [("takes", "event_id", "315c1398-40ff-a850-213b-158f73e60175"), ("takes", "execution_arn", "arn:aws:states:eu-central-1:111122223333:execution:invoice-close:4f4f5a54-2f3c-4c54-9e6a-5c1d2f3b4a5e")],
    "firehose": [("takes", "message_id", "49546986683135544286507457936321625675700192471156785154000000"), ("takes", "sequence_number", "49546986683135544286507457936321625675700192471156785154")],
    "lambda_destination": [("takes", "request_id", "e4b46cbf-b738-4a7b-8880-a18cdf61200e")],
    "lambda_dlq": [("takes", "message_id", "c3d4e5f6-0000-4000-8000-000000000004"), ("takes", "request_id", "e4b46cbf-b738-4a7b-8880-a18cdf61200f")],
    "kinesis_on_failure": [("takes", "request_id", "c9b8fa9f-5a7f-4a7b-af9c-0c604cde93a5"), ("mentions", "sequence_number", "49601189658422359378836298521827638475320189012309704722")],
    "pipes_batch": [("takes", "message_id", "d4e5f6a7-0000-4000-8000-000000000005")],
    "cognito": [],
}
CORRELATED = {"sqs": "corr-7b55", "sns": "corr-sns-1", "sns_in_sqs": "corr-fan-1", "eventbridge": "corr-bus-1", "eventbridge_in_sqs": "corr-bus-2", "kinesis": "corr-kin-1", "dynamodb": "corr-ddb-1", "apigateway_rest": "corr-http-1", "cognito": "corr-signup-1", "firehose": "corr-fire-1"}
CONTEXTS = {"sqs": 2, "sns": 1, "sns_in_sqs": 1, "eventbridge": 1, "kinesis": 1, "apigateway_rest": 1, "apigateway_http": 1}


def captured(name: str) -> Log:
    """As an instrumented function captures it: an attribute with the JSON."""
    return Log(1, attributes={"faas.event": json.dumps(event(name))})


@pytest.mark.parametrize("name", ENVELOPES)
def test_an_envelope_gives_its_keys_in_their_roles(name: str) -> None:
    assert {key for key in keys(captured(name)) if key[1] != "correlation_id"} == set(ENVELOPES[name])


@pytest.mark.parametrize("name", sorted({path.stem for path in DATA.glob("*.json")}))
def test_names_and_headers_are_found_in_any_nesting(name: str) -> None:
    log = captured(name)
    assert {value for _, kind, value in keys(log) if kind == "correlation_id"} == ({CORRELATED[name]} if name in CORRELATED else set())
    assert len(contexts_of_log(log)) == CONTEXTS.get(name, 0)
    assert deliveries_of(log)


def test_a_replay_is_told_from_the_event_itself() -> None:
    (first,), (again,) = deliveries_of(captured("eventbridge")), deliveries_of(captured("eventbridge_replay"))
    assert (first.carried, first.replay_name, again.replay_name) == (again.carried, "", "orders-of-tuesday")


def history() -> list[Log]:
    return [read(line) for line in (DATA / "stepfunctions_history.jsonl").read_text().splitlines()]


def test_a_history_gives_its_execution_and_says_what_its_tasks_did_elsewhere() -> None:
    logs = history()
    arn = "arn:aws:states:eu-central-1:111122223333:execution:invoice-close:4f4f5a54-2f3c-4c54-9e6a-5c1d2f3b4a5e"
    assert [log.event_name for log in logs[:3]] == ["stepfunctions.ExecutionStarted", "stepfunctions.TaskStateEntered", "stepfunctions.TaskScheduled"]
    assert all(("gives", "execution_arn", arn) in keys(log) for log in logs)
    assert ("mentions", "correlation_id", "corr-7b55") in keys(logs[0])
    failed, succeeded, sent = logs[4], logs[7], logs[11]
    assert (failed.severity_text, failed.attributes["error.type"]) == ("ERROR", "LedgerTimeout")
    assert ("mentions", "request_id", "0c8a1f1e-0000-4000-8000-00000000aaa1") in keys(failed)
    assert ("mentions", "request_id", "0c8a1f1e-0000-4000-8000-00000000aaa2") in keys(succeeded)
    assert ("gives", "message_id", "f00dfeed-0000-4000-8000-00000000bbb1") in keys(sent)
    assert "faas.invocation_id" not in sent.attributes


def test_an_access_log_gives_the_gateways_request_and_no_invocation() -> None:
    line = {"requestId": "41b45ea3-70b5-11e6-b7bd-69b5aaebc7d9", "extendedRequestId": "JKJaXmPLvHcESHA=", "ip": "192.168.100.1", "requestTime": "21/Nov/2026:05:32:12 +0000", "httpMethod": "POST", "resourcePath": "/orders", "status": "502", "protocol": "HTTP/1.1", "responseLength": "36", "xrayTraceId": "1-5759e988-bd862e3fe1be46a994272793"}
    log = read(json.dumps(line))
    assert {("gives", "request_id", line["requestId"]), ("mentions", "request_id", line["extendedRequestId"])} <= keys(log)
    assert (log.event_name, log.severity_text, log.attributes["http.response.status_code"], log.trace_id) == ("apigateway.access", "ERROR", 502, "5759e988bd862e3fe1be46a994272793")
    assert "faas.invocation_id" not in log.attributes


def test_an_access_log_with_fields_of_ones_own_choice_names_the_functions_request() -> None:
    line = {"requestId": "41b45ea3-70b5-11e6-b7bd-69b5aaebc7d9", "integrationRequestId": "0c8a1f1e-0000-4000-8000-00000000aaa1", "httpMethod": "GET", "resourcePath": "/history", "status": 200, "responseLatency": 423}
    log = read(json.dumps(line))
    assert {("gives", "request_id", line["requestId"]), ("mentions", "request_id", line["integrationRequestId"])} <= keys(log)
    assert "faas.invocation_id" not in log.attributes


def test_a_functions_own_line_about_a_request_stays_its_own() -> None:
    line = {"requestId": "41b45ea3-70b5-11e6-b7bd-69b5aaebc7d9", "httpMethod": "GET", "status": 200, "message": "done"}
    assert read(json.dumps(line)).attributes["faas.invocation_id"] == line["requestId"]


def test_calls_in_x_ray_segments_give_their_keys() -> None:
    def call(number: int, **aws: Any) -> dict[str, Any]:
        return {"id": f"{number:016x}", "name": "call", "namespace": "aws", "start_time": 1_795_239_132.0, "end_time": 1_795_239_132.1, "aws": aws}

    calls = [
        call(1, operation="SendMessage", message_id="m-1", queue_url="https://sqs/orders", request_id="q-1"),
        call(2, operation="PutObject", bucket_name="reports", key="in/a.csv", request_id="C3D13FE58DE4C810"),
        call(3, operation="Invoke", function_name="pricing", request_id="0c8a1f1e-0000-4000-8000-00000000aaa1"),
        call(4, operation="GetItem", table_name="accounts", request_id="d-1"),
    ]
    segment = {"id": f"{9:016x}", "trace_id": "1-5759e988-bd862e3fe1be46a994272793", "name": "shop/prod", "origin": "AWS::ApiGateway::Stage", "start_time": 1_795_239_132.0, "end_time": 1_795_239_133.0, "aws": {"api_gateway": {"request_id": "gw-1", "stage": "prod"}}, "subsegments": calls}
    request = translate_document(json.dumps(segment).encode())
    found = {
        (span.name, key.role, key.kind, key.value)
        for span in request.resource_spans[0].scope_spans[0].spans
        for key in keys_of_span(Span("a" * 32, "b" * 16, span.name, 1, 2, kind=span.kind, attributes={pair.key: plain(pair.value) for pair in span.attributes}))
    }
    assert found == {("shop/prod", "gives", "request_id", "gw-1"), ("call", "gives", "message_id", "m-1"), ("call", "gives", "event_id", "C3D13FE58DE4C810"), ("call", "mentions", "object", "reports/in/a.csv"), ("call", "mentions", "request_id", "0c8a1f1e-0000-4000-8000-00000000aaa1")}
