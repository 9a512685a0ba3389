"""A sender's span and a receiver that only logs its event become one trail, through the running server."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import otlp
from running import Coldtrail

DATA = Path(__file__).parents[1] / "data/services"
T0_NS = 1_795_239_132 * 10**9
MS = 10**6


def text(name: str) -> str:
    return (DATA / name).read_text()


def fresh(original: str) -> str:
    """An id of the same form that was never used."""
    if original.isdecimal():
        return str(int.from_bytes(os.urandom(22)))[:50].rjust(50, "4")
    return str(uuid.uuid4()) if original.count("-") == 4 else os.urandom(len(original) // 2).hex().upper()


def deliver(coldtrail: Coldtrail, group: str, messages: list[str], at_ms: int = 500) -> None:
    """Log lines as CloudWatch Logs' subscription delivers them."""
    events = [{"id": os.urandom(16).hex(), "timestamp": T0_NS // MS + at_ms + number, "message": message} for number, message in enumerate(messages)]
    payload = {"messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": group, "logStream": "2026/11/21/[$LATEST]0123456789abcdef", "subscriptionFilters": ["all"], "logEvents": events}
    answer = coldtrail.post("/aws/logs", json.dumps(payload).encode(), "application/json")
    assert answer.status_code == 200, answer.text


def invocation(coldtrail: Coldtrail, function: str, event: str, at_ms: int = 500) -> str:
    """A function without instrumentation that logs the event that it was handed."""
    request = str(uuid.uuid4())
    lines = [f"START RequestId: {request} Version: $LATEST", json.dumps(json.loads(event)), f"END RequestId: {request}", f"REPORT RequestId: {request}\tDuration: 20.00 ms\tBilled Duration: 20 ms\tMemory Size: 128 MB\tMax Memory Used: 50 MB"]
    deliver(coldtrail, f"/aws/lambda/{function}", lines, at_ms)
    return request


def sender(coldtrail: Coldtrail, **attributes: Any) -> str:
    """A caller's trace with one call to a service; returns the trace id."""
    root = otlp.span("POST /orders", service="shop", kind=2, start_ns=T0_NS - 100 * MS, duration_ms=90.0)
    call = otlp.span("send", service="shop", kind=attributes.pop("kind", 3), trace_id=root["trace_id"], parent=root["span_id"], start_ns=T0_NS - 40 * MS, duration_ms=20.0, attributes=attributes)
    assert coldtrail.post("/v1/traces", otlp.traces(root, call)).status_code == 200
    return root["trace_id"].hex()


def joined(trail: dict[str, Any], *ids: str, to: str) -> bool:
    """Whether the trail goes from the sender over messages with these ids, and ends in the invocation ``to``."""
    nodes = {node["node_id"]: node for node in trail["nodes"]}
    reached = {node_id for node_id, node in nodes.items() if node["service"] == "shop"}
    for _ in nodes:
        reached |= {edge["to"] for edge in trail["edges"] if edge["from"] in reached}
    told = {value for node_id in reached if nodes[node_id]["kind"] == "message" for value in nodes[node_id]["keys"].values()}
    return set(ids) <= told and any(nodes[node_id]["keys"].get("request_id") == to for node_id in reached)


def one_trail(coldtrail: Coldtrail, trace_id: str, request: str, *ids: str) -> dict[str, Any]:
    trail = coldtrail.eventually(f"/trails/{trace_id}", lambda answer: joined(answer, *ids, to=request))
    for value in ids:
        coldtrail.eventually("/find", lambda answer: trail["trail_id"] in {match["trail_id"] for match in answer["matches"]}, q=value)
    return trail


Call = Callable[[str], dict[str, Any]]
CASES: dict[str, tuple[str, str, Call]] = {
    "SQS, as botocore is instrumented": ("sqs.json", "059f36b4-87a3-44ab-83d2-661975830a7d", lambda value: {"rpc.system": "aws-api", "rpc.service": "SQS", "rpc.method": "SendMessage", "messaging.system": "aws.sqs", "messaging.message.id": value}),
    "SQS, as the conventions say": ("sqs.json", "059f36b4-87a3-44ab-83d2-661975830a7d", lambda value: {"kind": 4, "messaging.system": "aws_sqs", "messaging.operation.type": "send", "messaging.message.id": value}),
    "SNS": ("sns.json", "95df01b4-ee98-5cb9-9903-4c221d41eb5e", lambda value: {"kind": 4, "messaging.system": "aws_sns", "messaging.operation.type": "send", "messaging.message.id": value}),
    "SNS to SQS": ("sns_in_sqs.json", "95df01b4-ee98-5cb9-9903-4c221d41eb5e", lambda value: {"kind": 4, "messaging.system": "aws_sns", "messaging.operation.type": "send", "messaging.message.id": value}),
    "EventBridge": ("eventbridge.json", "17793124-05d4-b198-2fde-7ededc63b103", lambda value: {"rpc.service": "EventBridge", "rpc.method": "PutEvents", "aws.eventbridge.event_id": [value]}),
    "EventBridge to SQS": ("eventbridge_in_sqs.json", "6a7e8feb-b491-4cf7-a9f1-bf3703467718", lambda value: {"kind": 4, "messaging.system": "aws_eventbridge", "messaging.message.id": value}),
    "Kinesis": ("kinesis.json", "49590338271490256608559692538361571095921575989136588898", lambda value: {"rpc.method": "PutRecord", "aws.kinesis.sequence_number": value}),
    "S3, by the request that wrote the object": ("s3.json", "C3D13FE58DE4C810", lambda value: {"rpc.service": "S3", "rpc.method": "PutObject", "aws.request_id": value}),
    "S3 to SNS to SQS": ("s3_in_sns_in_sqs.json", "E5F35AA70FA6EA32", lambda value: {"rpc.service": "S3", "rpc.method": "PutObject", "aws.request_id": value}),
    "S3 to EventBridge": ("s3_eventbridge.json", "N4N7GDK58NMKJ12R", lambda value: {"rpc.method": "PutObject", "aws.request_id": value}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_sender_and_who_logs_the_event_are_one_trail(coldtrail: Coldtrail, case: str) -> None:
    name, original, call = CASES[case]
    value = fresh(original)
    event = text(name).replace(original, value)
    for other in set(json_ids(event)) - {value}:
        event = event.replace(other, fresh(other))
    trace_id = sender(coldtrail, **call(value))
    request = invocation(coldtrail, f"receiver-{os.urandom(3).hex()}", event)
    trail = one_trail(coldtrail, trace_id, request, value)
    assert trail["trail_id"] == trace_id


def json_ids(event: str) -> list[str]:
    """The ids in an event that other tests use too."""
    import re

    found = re.findall(r"corr-[\w-]+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b4959\d{40,60}|4bf92f3577b34da6a3ce929d0e0e4736|80f198ee56343ba864fe8b2a57d3eff7|bd862e3fe1be46a994272793", event)
    return [one for one in found if one]


def edges(trail: dict[str, Any]) -> set[tuple[str, str, str, str]]:
    """(service of the cause, kind, service of the effect, evidence)."""
    service = {node["node_id"]: node["service"] for node in trail["nodes"]}
    return {(service[edge["from"]], edge["kind"], service[edge["to"]], edge["evidence"]) for edge in trail["edges"]}


def test_a_change_in_a_table_is_one_message_for_both_its_consumers_and_its_writer_is_known_by_name(coldtrail: Coldtrail) -> None:
    change, correlation = os.urandom(16).hex(), f"corr-{os.urandom(6).hex()}"
    event = text("dynamodb.json").replace("c4ca4238a0b923820dcc509a6f75849b", change).replace("corr-ddb-1", correlation)
    trace_id = sender(coldtrail, **{"rpc.service": "DynamoDB", "rpc.method": "PutItem", "aws.dynamodb.table_names": ["accounts"], "correlation_id": correlation})
    first = invocation(coldtrail, f"project-{change[:5]}", event)
    second = invocation(coldtrail, f"index-{change[:5]}", event, at_ms=900)

    def whole(trail: dict[str, Any]) -> bool:
        requests = {node["keys"].get("request_id") for node in trail["nodes"]}
        changes = [node for node in trail["nodes"] if node["keys"].get("event_id") == change]
        return {first, second} <= requests and len(changes) == 1 and any(node["service"] == "shop" for node in trail["nodes"])

    trail = coldtrail.eventually(f"/trails/{trace_id}", whole)
    (message,) = [node["node_id"] for node in trail["nodes"] if node["keys"].get("event_id") == change and node["kind"] == "message"]
    assert sum(edge["from"] == message for edge in trail["edges"]) == 2
    coldtrail.eventually("/find", lambda answer: len(answer["matches"]) >= 2, q=change)


def test_an_execution_is_joined_to_who_started_it_what_it_invoked_and_what_it_sent(coldtrail: Coldtrail) -> None:
    arn = f"arn:aws:states:eu-central-1:111122223333:execution:invoice-close:{uuid.uuid4()}"
    failed, succeeded, sent = (str(uuid.uuid4()) for _ in range(3))
    history = text("stepfunctions_history.jsonl").replace("corr-7b55", f"corr-{sent}")
    for old, new in (("arn:aws:states:eu-central-1:111122223333:execution:invoice-close:4f4f5a54-2f3c-4c54-9e6a-5c1d2f3b4a5e", arn), ("0c8a1f1e-0000-4000-8000-00000000aaa1", failed), ("0c8a1f1e-0000-4000-8000-00000000aaa2", succeeded), ("f00dfeed-0000-4000-8000-00000000bbb1", sent)):
        assert old in history
        history = history.replace(old, new)
    trace_id = sender(coldtrail, **{"rpc.service": "SFN", "rpc.method": "StartExecution", "aws.step_functions.execution.arn": arn})
    deliver(coldtrail, "/aws/vendedlogs/states/invoice-close-Logs", history.splitlines(), at_ms=0)
    for request, at_ms in ((failed, 20), (succeeded, 5_100)):
        lines = [f"START RequestId: {request} Version: $LATEST", f"END RequestId: {request}", f"REPORT RequestId: {request}\tDuration: 300.00 ms\tBilled Duration: 300 ms\tMemory Size: 128 MB\tMax Memory Used: 50 MB"]
        deliver(coldtrail, "/aws/lambda/post-ledger", lines, at_ms)
    event = text("sqs.json").replace("059f36b4-87a3-44ab-83d2-661975830a7d", sent).replace("2e1424d4-f796-459a-8184-9c92662be6da", str(uuid.uuid4())).replace("corr-7b55", f"corr-{sent}")
    request = invocation(coldtrail, "announce", event, at_ms=6_500)
    wanted = {failed, succeeded, request}

    def whole(trail: dict[str, Any]) -> bool:
        told = {node["keys"].get("request_id") for node in trail["nodes"]}
        kinds = {(cause, effect) for cause, _, effect, _ in edges(trail)}
        return wanted <= told and {("shop", "invoice-close"), ("invoice-close", "post-ledger")} <= kinds and joined(trail, sent, to=request)

    coldtrail.eventually(f"/trails/{trace_id}", whole)
    for value in (arn, sent, failed):
        coldtrail.eventually("/find", lambda answer: trace_id in {match["trail_id"] for match in answer["matches"]}, q=value)


def test_a_call_of_invoke_is_joined_to_the_invocation_by_its_request_id(coldtrail: Coldtrail) -> None:
    request = str(uuid.uuid4())
    trace_id = sender(coldtrail, **{"rpc.service": "Lambda", "rpc.method": "Invoke", "aws.request_id": request})
    deliver(coldtrail, "/aws/lambda/pricing", [f"START RequestId: {request} Version: $LATEST", f"REPORT RequestId: {request}\tDuration: 3.00 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\tMax Memory Used: 50 MB"], at_ms=-30)
    coldtrail.eventually(f"/trails/{trace_id}", lambda trail: ("shop", "calls", "pricing", "request_id") in edges(trail))


def test_a_header_in_an_event_leads_back_to_who_sent_it(coldtrail: Coldtrail) -> None:
    root = otlp.span("POST /orders", service="front", kind=2, start_ns=T0_NS - 100 * MS)
    assert coldtrail.post("/v1/traces", otlp.traces(root)).status_code == 200
    header = f"00-{root['trace_id'].hex()}-{root['span_id'].hex()}-01"
    event = text("apigateway_http.json").replace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", header).replace("JKJaXmPLvHcESHB=", os.urandom(8).hex())
    request = invocation(coldtrail, "history", event, at_ms=-90)
    coldtrail.eventually(f"/trails/{request}", lambda trail: ("front", "triggers", "history", "header") in edges(trail))


def test_a_message_that_came_again_is_one_message_and_two_deliveries(coldtrail: Coldtrail) -> None:
    value = str(uuid.uuid4())
    records = json.loads(text("sqs.json"))["Records"][:1]
    records[0] |= {"messageId": value, "body": "{}"}
    trace_id = sender(coldtrail, **{"rpc.method": "SendMessage", "messaging.message.id": value})
    requests = []
    for count in (1, 2):
        records[0]["attributes"]["ApproximateReceiveCount"] = str(count)
        records[0]["messageAttributes"] = {}
        requests.append(invocation(coldtrail, "billing", json.dumps({"Records": records}), at_ms=500 + 30_000 * (count - 1)))

    def whole(trail: dict[str, Any]) -> bool:
        attempts = {node["keys"].get("request_id"): node["attempt"] for node in trail["nodes"]}
        return [attempts.get(request) for request in requests] == [1, 2] and sum(node["kind"] == "message" for node in trail["nodes"]) == 1

    coldtrail.eventually(f"/trails/{trace_id}", whole)
