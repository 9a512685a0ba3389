"""Real clients over real sockets: nothing that they sent is missing."""

from __future__ import annotations

import base64
import gzip
import json
import os
import time
import uuid

import boto3
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from running import Coldtrail

pytestmark = pytest.mark.both_stores
ATTRIBUTES = {"text": "grüße <b>", "whole": 42, "large": 2**53 + 1, "real": 0.25, "yes": True, "list": ["a", "b"], "numbers": [1, 2]}


def spans_of(coldtrail: Coldtrail, trace_id: str, count: int = 1) -> list[dict]:
    return coldtrail.eventually("/spans", lambda answer: len(answer["spans"]) >= count, trace_id=trace_id)["spans"]


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_opentelemetry_spans_land_whole(coldtrail: Coldtrail, protocol: str) -> None:
    exporter = (
        HttpExporter(endpoint=f"{coldtrail.otlp_http}/v1/traces")
        if protocol == "http"
        else GrpcExporter(endpoint=coldtrail.otlp_grpc, insecure=True)
    )
    provider = TracerProvider(resource=Resource.create({"service.name": "whole", "answer": 42}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("tests", "1.2", schema_url="https://example.com/schema")
    other = SpanContext(0x1234 << 64 | 1, 0x77, False, TraceFlags(1))
    with tracer.start_as_current_span("outer", kind=SpanKind.SERVER, attributes=ATTRIBUTES, links=[Link(other, {"why": "retry"})]) as outer:
        outer.add_event("half way", {"percent": 50})
        with tracer.start_as_current_span("inner", kind=SpanKind.CLIENT) as inner:
            inner.record_exception(ValueError("broken"))
            inner.set_status(Status(StatusCode.ERROR, "it failed"))
    provider.shutdown()

    found = {one["name"]: one for one in spans_of(coldtrail, f"{outer.context.trace_id:032x}", 2)}
    got = found["outer"]
    assert got["attributes"] == ATTRIBUTES
    assert got["kind"] == 2
    assert got["resource"]["attributes"]["answer"] == 42
    assert (got["scope"]["name"], got["scope"]["version"], got["scope"]["schema_url"]) == ("tests", "1.2", "https://example.com/schema")
    assert (got["start_time_unix_nano"], got["end_time_unix_nano"]) == (outer.start_time, outer.end_time)
    assert [(event["name"], event["attributes"]) for event in got["events"]] == [("half way", {"percent": 50})]
    assert (got["links"][0]["trace_id"], got["links"][0]["attributes"]) == (f"{other.trace_id:032x}", {"why": "retry"})
    failed = found["inner"]
    assert failed["parent_span_id"] == got["span_id"]
    assert failed["status"] == {"code": 2, "message": "it failed"}
    assert failed["events"][0]["attributes"]["exception.message"] == "broken"


def test_opentelemetry_logs_land_whole(coldtrail: Coldtrail) -> None:
    import logging

    provider = LoggerProvider(resource=Resource.create({"service.name": "logging-service"}), shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(endpoint=f"{coldtrail.otlp_http}/v1/logs")))
    marker = uuid.uuid4().hex
    logger = logging.getLogger(f"test.{marker}")
    logger.addHandler(LoggingHandler(logger_provider=provider))
    logger.error("order refused", extra={"marker": marker, "count": 3})
    provider.shutdown()
    got = coldtrail.eventually("/logs", lambda answer: len(answer["logs"]) == 1, q=marker)["logs"][0]
    assert got["body"] == "order refused"
    assert (got["severity_number"], got["attributes"]["count"], got["service"]) == (17, 3, "logging-service")


def test_the_xray_sdk_lands_whole_over_udp(coldtrail: Coldtrail) -> None:
    from aws_xray_sdk.core import AWSXRayRecorder
    from aws_xray_sdk.core.context import Context

    recorder = AWSXRayRecorder()
    recorder.configure(service="xray-service", sampling=False, daemon_address=coldtrail.xray, context=Context(), context_missing="RUNTIME_ERROR")
    segment = recorder.begin_segment("xray-service")
    segment.put_annotation("user_id", "user-9")
    segment.put_metadata("basket", {"items": [1, 2]}, "shop")
    segment.put_http_meta("method", "GET")
    segment.put_http_meta("status", 503)
    subsegment = recorder.begin_subsegment("call", namespace="remote")
    try:
        raise KeyError("gone")
    except KeyError as error:
        subsegment.add_exception(error, [])
    recorder.end_subsegment()
    recorder.end_segment()

    found = {one["name"]: one for one in spans_of(coldtrail, segment.trace_id, 2)}
    got = found["xray-service"]
    assert got["attributes"]["aws.xray.annotations.user_id"] == "user-9"
    assert json.loads(got["attributes"]["aws.xray.metadata.shop.basket"]) == {"items": [1, 2]}
    assert (got["attributes"]["http.request.method"], got["attributes"]["http.response.status_code"]) == ("GET", 503)
    assert (got["span_id"], found["call"]["parent_span_id"]) == (segment.id, segment.id)
    assert (found["call"]["kind"], found["call"]["status"]["code"]) == (3, 2)
    assert found["call"]["events"][0]["attributes"]["exception.type"] == "KeyError"


def test_put_trace_segments_keeps_the_good_and_names_the_bad(coldtrail: Coldtrail) -> None:
    client = boto3.client("xray", endpoint_url=f"http://{coldtrail.xray}", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
    trace_id = f"1-{int(time.time()):08x}-{os.urandom(12).hex()}"
    now = time.time()
    good = {"name": "put", "id": os.urandom(8).hex(), "trace_id": trace_id, "start_time": now, "end_time": now + 1, "throttle": True, "aws": {"account_id": "1"}}
    answer = client.put_trace_segments(TraceSegmentDocuments=[json.dumps(good), json.dumps({"id": "53995c3f42cd8ad8", "name": "bad"})])
    assert [one["Id"] for one in answer["UnprocessedTraceSegments"]] == ["53995c3f42cd8ad8"]
    got = spans_of(coldtrail, trace_id)[0]
    assert (got["name"], got["span_id"], got["attributes"]["aws.xray.throttle"]) == ("put", good["id"], True)


def deliver(coldtrail: Coldtrail, group: str, lines: list[str], *, stream: str = "2026/11/21/[$LATEST]0a1b", more_records: list[str] | None = None):
    now_ms = time.time_ns() // 10**6
    document = {"messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": group, "logStream": stream, "subscriptionFilters": ["all"],
                "logEvents": [{"id": f"{now_ms}{number:020d}{os.urandom(4).hex()}", "timestamp": now_ms + number, "message": line} for number, line in enumerate(lines)]}
    records = [base64.b64encode(gzip.compress(json.dumps(document).encode())).decode(), *(more_records or [])]
    request_id = str(uuid.uuid4())
    body = json.dumps({"requestId": request_id, "timestamp": now_ms, "records": [{"data": one} for one in records]}).encode()
    return coldtrail.post("/aws/firehose", body, "application/json", x_amz_firehose_request_id=request_id), request_id


def test_a_function_without_instrumentation_is_a_full_invocation(coldtrail: Coldtrail) -> None:
    request_id, root = str(uuid.uuid4()), f"1-{int(time.time()):08x}-{os.urandom(12).hex()}"
    answer, delivery_id = deliver(coldtrail, "/aws/lambda/bare", [
        "INIT_START Runtime Version: python:3.11.v66\tRuntime Version ARN: arn:aws:lambda:eu-central-1::runtime:0",
        f"START RequestId: {request_id} Version: 7",
        "[ERROR] ConnectionError: cannot reach the ledger\nTraceback (most recent call last):\n  File \"app.py\", line 3",
        f"END RequestId: {request_id}",
        f"REPORT RequestId: {request_id}\tDuration: 103.91 ms\tBilled Duration: 355 ms\tMemory Size: 128 MB\tMax Memory Used: 60 MB\tInit Duration: 250.12 ms\t\n"
        f"XRAY TraceId: {root}\tSegmentId: bda182a644eee9b3\tSampled: true\t\nStatus: error\tError Type: ConnectionError",
    ])
    assert answer.status_code == 200
    assert answer.json()["requestId"] == delivery_id
    trail = coldtrail.eventually(f"/trails/{request_id}", lambda answer: answer["status"] == "error")
    node = trail["nodes"][0]
    assert (node["kind"], node["service"], node["status"], node["cold_start"]) == ("invocation", "bare", "error", True)
    assert (node["init_ms"], node["billed_ms"], node["memory_mb"], node["memory_used_mb"]) == (250.12, 355.0, 128, 60)
    assert abs(node["duration_ms"] - 103.91) < 0.01
    assert (node["failure"]["type"], node["failure"]["message"]) == ("ConnectionError", "cannot reach the ledger")
    assert node["keys"]["xray_trace_id"] == root
    assert len(coldtrail.api("/logs", request_id=request_id)["logs"]) == 4
    page = coldtrail.eventually("/functions/bare", lambda answer: answer["errors"] and answer["summary"]["count"])
    assert (page["summary"]["count"], page["errors"][0]["type"]) == (1, "ConnectionError")


@pytest.mark.parametrize(("lines", "status", "kind"), [
    (["{now} {id} Task timed out after 3.00 seconds", "REPORT RequestId: {id}\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 128 MB\tMax Memory Used: 60 MB\tStatus: timeout"], "timeout", "Sandbox.Timedout"),
    (["RequestId: {id} Error: Runtime exited with error: signal: killed\nRuntime.OutOfMemory", "REPORT RequestId: {id}\tDuration: 9.00 ms\tBilled Duration: 9 ms\tMemory Size: 128 MB\tMax Memory Used: 128 MB\tStatus: error\tError Type: Runtime.OutOfMemory"], "out_of_memory", "Runtime.OutOfMemory"),
    (['{{"time":"x","type":"platform.report","record":{{"requestId":"{id}","metrics":{{"durationMs":7.5,"billedDurationMs":8,"memorySizeMB":256,"maxMemoryUsedMB":80}},"status":"success"}}}}'], "ok", None),
], ids=["timeout", "out of memory", "json format"])
def test_how_an_invocation_ended_is_told_by_its_lines(coldtrail: Coldtrail, lines: list[str], status: str, kind: str | None) -> None:
    request_id = str(uuid.uuid4())
    deliver(coldtrail, "/aws/lambda/ending", [f"START RequestId: {request_id} Version: $LATEST", *(line.format(id=request_id, now="2026-11-21T05:00:00.000Z") for line in lines)])
    node = coldtrail.eventually(f"/trails/{request_id}", lambda answer: answer["nodes"][0]["status"] != "open")["nodes"][0]
    assert node["status"] == status
    assert (node["failure"] or {}).get("type") == kind


@pytest.mark.parametrize("order", [("span", "segment", "lines"), ("lines", "segment", "span"), ("segment", "lines", "span")], ids="-".join)
def test_span_segment_and_report_of_one_invocation_are_one_node(coldtrail: Coldtrail, order: tuple[str, ...]) -> None:
    import socket

    from otlp import span, traces

    request_id, trace = str(uuid.uuid4()), f"{int(time.time()):08x}{os.urandom(12).hex()}"
    segment = {"name": "three", "id": os.urandom(8).hex(), "trace_id": f"1-{trace[:8]}-{trace[8:]}", "start_time": time.time(), "end_time": time.time() + 0.1, "origin": "AWS::Lambda", "aws": {"request_id": request_id}}
    one = span("handler", service="three", kind=2, trace_id=bytes.fromhex(trace), attributes={"faas.invocation_id": request_id})
    host, port = coldtrail.xray.split(":")
    send = {
        "span": lambda: coldtrail.post("/v1/traces", traces(one)),
        "segment": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'{"format": "json", "version": 1}\n' + json.dumps(segment).encode(), (host, int(port))),
        "lines": lambda: deliver(coldtrail, "/aws/lambda/three", [f"START RequestId: {request_id} Version: 1", f"REPORT RequestId: {request_id}\tDuration: 5.00 ms\tBilled Duration: 5 ms\tMemory Size: 128 MB\tMax Memory Used: 60 MB"]),
    }
    for name in order:
        send[name]()
    trail = coldtrail.eventually(f"/trails/{trace}", lambda answer: answer["nodes"][0]["signals"] == 4)
    assert [(node["kind"], node["service"]) for node in trail["nodes"]] == [("invocation", "three")]


def test_a_trail_goes_on_across_the_stream_where_no_context_was_propagated(coldtrail: Coldtrail) -> None:
    from otlp import span, traces

    sequence, user, request_id = f"4959033827149025660855969253836157109592157598913{time.time_ns()}", f"user-{os.urandom(4).hex()}", str(uuid.uuid4())
    root = span("POST /activity", service="api", kind=2, attributes={"enduser.id": user})
    put = span("Kinesis.PutRecord", service="api", kind=3, trace_id=root["trace_id"], parent=root["span_id"], attributes={"aws.kinesis.sequence_number": sequence, "aws.kinesis.stream_name": "activities"})
    coldtrail.post("/v1/traces", traces(root, put))
    line = {"level": "INFO", "message": "read", "function_request_id": request_id, "sequence_number": sequence}
    deliver(coldtrail, "/aws/lambda/consumer", [f"START RequestId: {request_id} Version: 1", json.dumps(line), f"REPORT RequestId: {request_id}\tDuration: 5.00 ms\tBilled Duration: 5 ms\tMemory Size: 128 MB\tMax Memory Used: 60 MB"])
    trail = coldtrail.eventually(f"/trails/{root['trace_id'].hex()}", lambda answer: len(answer["nodes"]) == 4)
    kinds = {node["node_id"]: node["kind"] for node in trail["nodes"]}
    steps = {(kinds[edge["from"]], kinds[edge["to"]], edge["kind"], edge["evidence"]) for edge in trail["edges"]}
    assert steps == {("request", "operation", "calls", "parent"), ("operation", "message", "sends", "message_id"), ("message", "invocation", "delivers", "message_id")}
    assert trail["critical_path"][0] == trail["nodes"][0]["node_id"]
    consumer = next(node for node in trail["nodes"] if node["kind"] == "invocation")
    assert consumer["wait_ms"] is not None
    for value in (sequence, request_id, user, root["trace_id"].hex(), f"1-{root['trace_id'].hex()[:8]}-{root['trace_id'].hex()[8:]}"):
        matches = coldtrail.eventually("/find", lambda answer: answer["matches"], q=value)["matches"]
        assert trail["trail_id"] in {match["trail_id"] for match in matches}, value
    listed = coldtrail.eventually("/trails", lambda answer: any(row["trail_id"] == trail["trail_id"] and row["node_count"] == 4 for row in answer["trails"]), service="consumer")
    assert sum(row["trail_id"] == trail["trail_id"] for row in listed["trails"]) == 1
    node = coldtrail.api(f"/nodes/{consumer['node_id']}")
    assert (len(node["logs"]), node["trail_ids"]) == (3, [trail["trail_id"]])


def test_a_trail_that_was_known_from_lines_alone_gives_way_to_the_whole_one(coldtrail: Coldtrail) -> None:
    from otlp import span, traces

    service, sequence, request_id = f"late-{os.urandom(3).hex()}", f"49590338271490256608559692538361571095{time.time_ns()}", str(uuid.uuid4())
    line = json.dumps({"level": "INFO", "message": "read", "function_request_id": request_id, "sequence_number": sequence})
    report = f"REPORT RequestId: {request_id}\tDuration: 5.00 ms\tBilled Duration: 5 ms\tMemory Size: 128 MB\tMax Memory Used: 60 MB"
    deliver(coldtrail, f"/aws/lambda/{service}", [f"START RequestId: {request_id} Version: 1", line, report])
    early = coldtrail.eventually("/trails", lambda answer: answer["trails"], service=service)["trails"][0]["trail_id"]
    root = span("POST /late", service="api", kind=2)
    put = span("put", service="api", kind=3, trace_id=root["trace_id"], parent=root["span_id"], attributes={"aws.kinesis.sequence_number": sequence})
    coldtrail.post("/v1/traces", traces(root, put))
    whole = root["trace_id"].hex()
    coldtrail.eventually("/trails", lambda answer: [row["trail_id"] for row in answer["trails"]] == [whole], service=service)
    assert early != whole
    assert coldtrail.api(f"/trails/{early}")["trail_id"] == whole
    assert {match["trail_id"] for match in coldtrail.api("/find", q=request_id)["matches"]} == {whole}
