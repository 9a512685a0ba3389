"""Nodes and trails that are known from little: a line of an access log, a state's id, a header that only its sender shows."""

from __future__ import annotations

import json
import os
import time
import uuid
from typing import Any

import pytest

from lambda_logs import deliver, payload, report, write
from otlp import span, traces
from running import Coldtrail

pytestmark = pytest.mark.both_stores


def access(api: str, request_id: str, **more: Any) -> bytes:
    line = {"requestId": request_id, "ip": "127.0.0.1", "httpMethod": "POST", "resourcePath": "/orders/{id}", "status": "502", "responseLatency": "120", "extendedRequestId": f"{request_id[:8]}LvHcESHA=", **more}
    return payload(f"/aws/apigateway/{api}", [json.dumps(line)])


def test_an_access_log_alone_makes_the_request_and_joins_the_invocation_that_it_names(coldtrail: Coldtrail) -> None:
    api, request_id, invoked = f"shop-{os.urandom(3).hex()}", str(uuid.uuid4()), str(uuid.uuid4())
    assert deliver(coldtrail, access(api, request_id, integrationRequestId=invoked)).status_code == 200
    alone = coldtrail.eventually(f"/trails/{request_id}", lambda answer: answer["nodes"])
    node = alone["nodes"][0]
    assert (node["kind"], node["service"], node["name"], node["status"], node["duration_ms"]) == ("request", api, "POST /orders/{id}", "error", 120.0)
    assert node["failure"]["type"] == "HTTP 502"
    found = coldtrail.api(f"/nodes/{node['node_id']}")
    assert (found["node"]["node_id"], found["logs"][0]["attributes"]["aws.api_gateway.extended_request_id"]) == (node["node_id"], f"{request_id[:8]}LvHcESHA=")
    listed = coldtrail.eventually("/trails", lambda answer: answer["trails"], service=api)["trails"]
    assert [(row["trail_id"], row["origin_kind"], row["status"]) for row in listed] == [(node["node_id"], "request", "error")]
    assert {one["node_id"] for one in coldtrail.eventually("/find", lambda answer: answer["matches"], q=f"{request_id[:8]}LvHcESHA=")["matches"]} == {node["node_id"]}

    write(coldtrail, "orders", f"START RequestId: {invoked} Version: 1", report(invoked), start_ms=time.time_ns() // 10**6 - 60)
    whole = coldtrail.eventually(f"/trails/{invoked}", lambda answer: len(answer["nodes"]) == 2)
    assert [(edge["kind"], edge["evidence"], edge["confidence"]) for edge in whole["edges"]] == [("calls", "request_id", 1.0)]
    assert whole["trail_id"] == node["node_id"]


def test_a_gateways_request_meets_the_function_that_was_handed_it(coldtrail: Coldtrail) -> None:
    """Where the log does not name the integration's request, the function's event names the gateway's."""
    api, request_id, invoked = f"shop-{os.urandom(3).hex()}", str(uuid.uuid4()), str(uuid.uuid4())
    assert deliver(coldtrail, access(api, request_id)).status_code == 200
    event = {"resource": "/orders/{id}", "httpMethod": "POST", "requestContext": {"requestId": request_id, "stage": "prod", "apiId": "a1", "httpMethod": "POST"}}
    write(coldtrail, "orders", f"START RequestId: {invoked} Version: 1", json.dumps({"level": "INFO", "message": event, "function_request_id": invoked}), report(invoked), start_ms=time.time_ns() // 10**6 - 60)
    whole = coldtrail.eventually(f"/trails/{invoked}", lambda answer: len(answer["nodes"]) == 2)
    assert [node["kind"] for node in whole["nodes"]] == ["request", "invocation"]


def test_a_state_of_an_execution_is_found_by_its_id_alone(coldtrail: Coldtrail) -> None:
    arn, now_ms = f"arn:aws:states:eu-central-1:123456789012:execution:close:{uuid.uuid4()}", time.time_ns() // 10**6
    history = [(1, "ExecutionStarted", {}), (2, "TaskStateEntered", {"name": "Load"}), (3, "TaskStateExited", {"name": "Load"}), (4, "TaskStateEntered", {"name": "Publish"}), (5, "TaskStateExited", {"name": "Publish"}), (6, "ExecutionSucceeded", {})]
    lines = [json.dumps({"id": str(number), "type": kind, "details": details, "previous_event_id": str(number - 1), "event_timestamp": str(now_ms + number), "execution_arn": arn}) for number, kind, details in history]
    assert deliver(coldtrail, payload("/aws/vendedlogs/states/close", lines, start_ms=now_ms)).status_code == 200
    trail = coldtrail.eventually(f"/trails/{arn}", lambda answer: len(answer["nodes"]) == 3)
    states = {node["name"]: node["node_id"] for node in trail["nodes"] if node["name"] != "close"}
    assert states.keys() == {"Load", "Publish"}
    for name, node_id in states.items():
        answer = coldtrail.api(f"/nodes/{node_id}")
        assert (answer["node"]["name"], answer["node"]["kind"], answer["trail_ids"]) == (name, "execution", [trail["trail_id"]])
        assert {json.loads(one["body"])["details"]["name"] for one in answer["logs"]} == {name}


def test_a_span_that_names_its_notification_joins_the_topics_message(coldtrail: Coldtrail) -> None:
    mark = os.urandom(4).hex()
    publish = span("publish", service="shop", kind=3, attributes={"rpc.service": "SNS", "rpc.method": "Publish", "published_message_id": f"sns-{mark}"})
    process = span("process", service="audit", kind=5, attributes={"messaging.system": "aws_sqs", "messaging.destination.name": "audits", "messaging.message.id": f"sqs-{mark}", "sns_message_id": f"sns-{mark}"})
    coldtrail.post("/v1/traces", traces(publish, process))
    trail = coldtrail.eventually(f"/trails/{process['trace_id'].hex()}", lambda answer: len(answer["nodes"]) == 4)
    name = {node["node_id"]: node["keys"].get("message_id") or node["name"] for node in trail["nodes"]}
    assert (f"sns-{mark}", f"sqs-{mark}", "triggers") in {(name[edge["from"]], name[edge["to"]], edge["kind"]) for edge in trail["edges"]}
    assert trail["trail_id"] == publish["trace_id"].hex()


def test_a_header_that_only_the_sender_shows_joins_the_trace_that_went_on_from_it(coldtrail: Coldtrail) -> None:
    sent_trace, sent_span = f"{int(time.time()):08x}{os.urandom(12).hex()}", os.urandom(8).hex()
    header = f"Root=1-{sent_trace[:8]}-{sent_trace[8:]};Parent={sent_span};Sampled=1"
    root = span("GET /prices", service="shop", kind=2)
    call = span("GET prices", service="shop", kind=3, trace_id=root["trace_id"], parent=root["span_id"], attributes={"http.request.header.x-amzn-trace-id": [header]})
    other = span("GET other", service="shop", kind=3, trace_id=root["trace_id"], parent=root["span_id"], attributes={"http.request.header.traceparent": f"00-{root['trace_id'].hex()}-{root['span_id'].hex()}-01"})
    callee = span("prices", service="prices", kind=2, trace_id=bytes.fromhex(sent_trace), parent=bytes.fromhex(sent_span), start_ns=call["start_ns"] + 10**6)
    coldtrail.post("/v1/traces", traces(root, call, other, callee))
    for trail_id in (root["trace_id"].hex(), sent_trace):
        trail = coldtrail.eventually(f"/trails/{trail_id}", lambda answer: len(answer["nodes"]) == 4)
        names = {node["node_id"]: node["name"] for node in trail["nodes"]}
        assert [(names[edge["from"]], names[edge["to"]], edge["confidence"]) for edge in trail["edges"] if edge["evidence"] == "header"] == [("GET prices", "prices", 1.0)]


def test_what_began_before_the_call_was_not_begun_by_it(coldtrail: Coldtrail) -> None:
    """The sender hands on the trace that it was called in: its root is no effect of the call."""
    upstream = f"{int(time.time()):08x}{os.urandom(12).hex()}"
    front = span("front", service="front", kind=2, trace_id=bytes.fromhex(upstream))
    call = span("GET prices", service="shop", kind=3, start_ns=front["start_ns"] + 10**6, attributes={"http.request.header.x-amzn-trace-id": f"Root=1-{upstream[:8]}-{upstream[8:]};Sampled=1"})
    coldtrail.post("/v1/traces", traces(front, call))
    trail = coldtrail.eventually(f"/trails/{call['trace_id'].hex()}", lambda answer: answer["nodes"])
    assert [node["name"] for node in trail["nodes"]] == ["GET prices"]
