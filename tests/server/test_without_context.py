"""Functions without instrumentation, and streams without context: their trails are whole all the same."""

from __future__ import annotations

import json
import os
import time
import uuid

import pytest

from lambda_logs import deliver, payload, write
from otlp import span, traces
from running import HTTP, Coldtrail

pytestmark = pytest.mark.both_stores


def test_a_function_without_instrumentation_is_a_full_invocation(coldtrail: Coldtrail) -> None:
    request_id, root = str(uuid.uuid4()), f"1-{int(time.time()):08x}-{os.urandom(12).hex()}"
    bare = f"bare-{os.urandom(3).hex()}"
    write(coldtrail, bare,
        "INIT_START Runtime Version: python:3.11.v66\tRuntime Version ARN: arn:aws:lambda:eu-central-1::runtime:0",
        f"START RequestId: {request_id} Version: 7",
        "[ERROR] ConnectionError: cannot reach the ledger\nTraceback (most recent call last):\n  File \"app.py\", line 3",
        f"END RequestId: {request_id}",
        f"REPORT RequestId: {request_id}\tDuration: 103.91 ms\tBilled Duration: 355 ms\tMemory Size: 128 MB\tMax Memory Used: 60 MB\tInit Duration: 250.12 ms\t\n"
        f"XRAY TraceId: {root}\tSegmentId: bda182a644eee9b3\tSampled: true\t\nStatus: error\tError Type: ConnectionError",
    )
    trail = coldtrail.eventually(f"/trails/{request_id}", lambda answer: answer["status"] == "error")
    node = trail["nodes"][0]
    assert (node["kind"], node["service"], node["status"], node["cold_start"]) == ("invocation", bare, "error", True)
    assert (node["init_ms"], node["billed_ms"], node["memory_mb"], node["memory_used_mb"]) == (250.12, 355.0, 128, 60)
    assert abs(node["duration_ms"] - 103.91) < 0.01
    assert (node["failure"]["type"], node["failure"]["message"]) == ("ConnectionError", "cannot reach the ledger")
    assert node["keys"]["xray_trace_id"] == root
    assert len(coldtrail.api("/logs", request_id=request_id)["logs"]) == 4
    page = coldtrail.eventually(f"/functions/{bare}", lambda answer: answer["errors"] and answer["summary"]["count"])
    assert (page["summary"]["count"], page["errors"][0]["type"]) == (1, "ConnectionError")


@pytest.mark.parametrize(("lines", "status", "kind"), [
    (["{now} {id} Task timed out after 3.00 seconds", "REPORT RequestId: {id}\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: 60 MB\tStatus: timeout"], "timeout", "Sandbox.Timedout"),
    (["RequestId: {id} Error: Runtime exited with error: signal: killed\nRuntime.OutOfMemory", "REPORT RequestId: {id}\tDuration: 9.00 ms\tBilled Duration: 9 ms\tMemory Size: 128 MB\tMax Memory Used: 128 MB\tStatus: error\tError Type: Runtime.OutOfMemory"], "out_of_memory", "Runtime.OutOfMemory"),
    (['{{"time":"x","type":"platform.report","record":{{"requestId":"{id}","metrics":{{"durationMs":7.5,"billedDurationMs":8,"memorySizeMB":256,"maxMemoryUsedMB":80}},"status":"success"}}}}'], "ok", None),
], ids=["timeout", "out of memory", "json format"])
def test_how_an_invocation_ended_is_told_by_its_lines(coldtrail: Coldtrail, lines: list[str], status: str, kind: str | None) -> None:
    request_id = str(uuid.uuid4())
    write(coldtrail, "ending", f"START RequestId: {request_id} Version: $LATEST", *(line.format(id=request_id, now="2026-11-21T05:00:00.000Z") for line in lines))
    node = coldtrail.eventually(f"/trails/{request_id}", lambda answer: answer["nodes"][0]["status"] != "open")["nodes"][0]
    assert node["status"] == status
    assert (node["failure"] or {}).get("type") == kind


def test_a_trail_goes_on_across_the_stream_where_no_context_was_propagated(coldtrail: Coldtrail) -> None:
    sequence, user, request_id = f"4959033827149025660855969253836157109592157598913{time.time_ns()}", f"user-{os.urandom(4).hex()}", str(uuid.uuid4())
    root = span("POST /activity", service="api", kind=2, attributes={"enduser.id": user})
    put = span("Kinesis.PutRecord", service="api", kind=3, trace_id=root["trace_id"], parent=root["span_id"], attributes={"aws.kinesis.sequence_number": sequence, "aws.kinesis.stream_name": "activities"})
    coldtrail.post("/v1/traces", traces(root, put))
    line = {"level": "INFO", "message": "read", "function_request_id": request_id, "sequence_number": sequence}
    reader = f"consumer-{os.urandom(3).hex()}"
    write(coldtrail, reader, f"START RequestId: {request_id} Version: 1", json.dumps(line), f"REPORT RequestId: {request_id}\tDuration: 5.00 ms\tBilled Duration: 5 ms\tMemory Size: 128 MB\tMax Memory Used: 60 MB")
    trail = coldtrail.eventually(f"/trails/{root['trace_id'].hex()}", lambda answer: len(answer["nodes"]) == 4)
    kinds = {node["node_id"]: node["kind"] for node in trail["nodes"]}
    steps = {(kinds[edge["from"]], kinds[edge["to"]], edge["kind"], edge["evidence"]) for edge in trail["edges"]}
    assert steps == {("request", "operation", "calls", "parent"), ("operation", "message", "sends", "message_id"), ("message", "invocation", "delivers", "message_id")}
    assert trail["critical_path"][0] == trail["nodes"][0]["node_id"]
    consumer = next(node for node in trail["nodes"] if node["kind"] == "invocation")
    assert consumer["wait_ms"] is not None
    for value in (sequence, request_id, user, root["trace_id"].hex(), f"1-{root['trace_id'].hex()[:8]}-{root['trace_id'].hex()[8:]}"):
        coldtrail.eventually("/find", lambda answer: trail["trail_id"] in {match["trail_id"] for match in answer["matches"]}, q=value)
    listed = coldtrail.eventually("/trails", lambda answer: any(row["trail_id"] == trail["trail_id"] and row["node_count"] == 4 for row in answer["trails"]), service=reader)
    assert sum(row["trail_id"] == trail["trail_id"] for row in listed["trails"]) == 1
    node = coldtrail.api(f"/nodes/{consumer['node_id']}")
    assert (len(node["logs"]), node["trail_ids"]) == (3, [trail["trail_id"]])


def test_a_trail_that_was_known_from_lines_alone_gives_way_to_the_whole_one(coldtrail: Coldtrail) -> None:
    service, sequence, request_id = f"late-{os.urandom(3).hex()}", f"49590338271490256608559692538361571095{time.time_ns()}", str(uuid.uuid4())
    line = json.dumps({"level": "INFO", "message": "read", "function_request_id": request_id, "sequence_number": sequence})
    report = f"REPORT RequestId: {request_id}\tDuration: 5.00 ms\tBilled Duration: 5 ms\tMemory Size: 128 MB\tMax Memory Used: 60 MB"
    write(coldtrail, service, f"START RequestId: {request_id} Version: 1", line, report)
    early = coldtrail.eventually("/trails", lambda answer: answer["trails"], service=service)["trails"][0]["trail_id"]
    root = span("POST /late", service="api", kind=2)
    put = span("put", service="api", kind=3, trace_id=root["trace_id"], parent=root["span_id"], attributes={"aws.kinesis.sequence_number": sequence})
    coldtrail.post("/v1/traces", traces(root, put))
    whole = root["trace_id"].hex()
    coldtrail.eventually("/trails", lambda answer: [row["trail_id"] for row in answer["trails"]] == [whole], service=service)
    assert early != whole
    assert coldtrail.api(f"/trails/{early}")["trail_id"] == whole
    coldtrail.eventually("/find", lambda found: {match["trail_id"] for match in found["matches"]} == {whole}, q=request_id)


def test_a_request_is_one_trail_also_where_its_access_log_comes_first(coldtrail: Coldtrail) -> None:
    api, request_id, integration = f"shop-{os.urandom(3).hex()}", str(uuid.uuid4()), str(uuid.uuid4())
    line = {"requestId": request_id, "integrationRequestId": integration, "ip": "127.0.0.1", "httpMethod": "POST", "path": "/orders", "status": "202", "responseLatency": "12"}
    assert deliver(coldtrail, payload(f"/aws/apigateway/{api}", [json.dumps(line)])).status_code == 200
    coldtrail.eventually("/logs", lambda answer: answer["logs"], q=request_id)
    trace_id, now_s = f"1-{int(time.time()):08x}-{os.urandom(12).hex()}", time.time()
    segment = {"id": os.urandom(8).hex(), "trace_id": trace_id, "name": api, "origin": "AWS::ApiGateway::Stage", "start_time": now_s, "end_time": now_s + 0.012, "http": {"request": {"method": "POST", "url": "https://shop/orders"}, "response": {"status": 202}}, "aws": {"api_gateway": {"request_id": request_id}}}
    answer = HTTP.post(f"http://{coldtrail.xray}/TraceSegments", json={"TraceSegmentDocuments": [json.dumps(segment)]})
    assert answer.status_code == 200
    whole = trace_id[2:].replace("-", "")
    coldtrail.eventually("/trails", lambda answer: [(row["trail_id"], row["node_count"]) for row in answer["trails"]] == [(whole, 1)], service=api)
