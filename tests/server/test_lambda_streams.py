"""What a function's log stream says, and nothing else, is what its invocation node says."""

from __future__ import annotations

import base64
import gzip
import io
import itertools
import json
import os
import socket
import time
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from lambda_logs import STREAM, deliver, payload, report, write
from otlp import span, traces
from running import Coldtrail


def root_id() -> str:
    return f"1-{int(time.time()):08x}-{os.urandom(12).hex()}"


def system(kind: str, **record: Any) -> str:
    """A line of Lambda's JSON system log."""
    return json.dumps({"time": "2026-11-21T05:00:00.000Z", "type": f"platform.{kind}", "record": record})


def ended(coldtrail: Coldtrail, request_id: str, logs: int) -> dict[str, Any]:
    """The invocation's node, once so many of its lines are there."""
    trail = coldtrail.eventually(f"/trails/{request_id}", lambda answer: any(one["keys"].get("request_id") == request_id and one["signals"] >= logs for one in answer["nodes"]))
    node = next(one for one in trail["nodes"] if one["keys"].get("request_id") == request_id)
    return coldtrail.api(f"/nodes/{node['node_id']}")


def test_no_line_of_a_delivery_is_lost(coldtrail: Coldtrail) -> None:
    function, start_ms = f"lines-{os.urandom(3).hex()}", time.time_ns() // 10**6 - 5_000
    lines = ["plain", "", " \t\n", "grüße \U0001f980\x00", "{not json", '{"a": {"b": [1, {"c": null}]}, "x": 1.5}', "[]", "x" * 250_000, "twice", "twice", "START RequestId: odd", "REPORT RequestId:", "a\r\nb\rc"]
    records = [payload(f"/aws/lambda/{function}", lines, start_ms=start_ms), payload(f"/custom/{function}", lines, stream="other/stream", start_ms=start_ms)]
    assert deliver(coldtrail, *records).status_code == 200
    for service, group, stream in ((function, f"/aws/lambda/{function}", STREAM), (function, f"/custom/{function}", "other/stream")):
        sent = json.loads(gzip.decompress(records[group.startswith("/custom")]))
        found = coldtrail.eventually("/logs", lambda answer: len(answer["logs"]) == 2 * len(lines), service=service, limit=100)["logs"]
        told = [one for one in found if one["resource"]["attributes"]["aws.log.group.names"] == [group]]
        got = sorted(((one["attributes"]["aws.log.event.id"], one["time_unix_nano"], one["body"]) for one in told), key=lambda one: one[0])
        assert got == [(one["id"], one["timestamp"] * 10**6, one["message"]) for one in sent["logEvents"]]
        resource = told[0]["resource"]["attributes"]
        assert (resource["cloud.account.id"], resource["aws.log.stream.names"], resource.get("faas.version")) == ("123456789012", [stream], "7" if stream == STREAM else None)
    fields = json.loads(gzip.decompress(payload("/custom/fields", ["line"]))) | {"logGroup": f"/custom/fields-{function}"}
    fields["logEvents"][0]["extractedFields"] = {"status": "500", "nested": {"a": 1}}
    assert deliver(coldtrail, json.dumps(fields).encode()).status_code == 200
    (one,) = coldtrail.eventually("/logs", lambda answer: answer["logs"], service=f"fields-{function}")["logs"]
    assert (one["attributes"]["status"], one["attributes"]["nested"]) == ("500", '{"a":1}')


def test_a_stream_in_json_format_tells_the_whole_invocation(coldtrail: Coldtrail) -> None:
    function, request_id, root = f"json-{os.urandom(3).hex()}", str(uuid.uuid4()), root_id()
    tracing = {"spanId": "bda182a644eee9b3", "type": "X-Amzn-Trace-Id", "value": f"Root={root};Parent=28f39f2e8c3e9a11;Sampled=1"}
    out = io.StringIO()
    logger = Logger(service="checkout", stream=out, level="INFO", name=function)
    context = SimpleNamespace(function_name=function, memory_limit_in_mb=256, invoked_function_arn=f"arn:aws:lambda:r:1:function:{function}", aws_request_id=request_id)

    @logger.inject_lambda_context(correlation_id_path="headers.correlation")
    def handler(event: dict[str, Any], context: Any) -> None:
        logger.append_keys(order={"id": "o-17", "lines": 3})
        try:
            raise ConnectionError("ledger is away")
        except ConnectionError:
            logger.exception("cannot book")

    correlation = f"corr-{os.urandom(4).hex()}"
    handler({"headers": {"correlation": correlation}}, context)
    (line,) = out.getvalue().splitlines()
    write(
        coldtrail, function,
        system("initStart", initializationType="on-demand", phase="init", runtimeVersion="python:3.13.v1", functionName=function, functionVersion="7"),
        system("initReport", initializationType="on-demand", phase="init", status="success", metrics={"durationMs": 312.5}),
        system("start", requestId=request_id, version="7", tracing=tracing),
        line,
        system("runtimeDone", requestId=request_id, status="success", metrics={"durationMs": 41.0, "producedBytes": 3}, tracing=tracing),
        system("report", requestId=request_id, status="success", metrics={"durationMs": 42.25, "billedDurationMs": 355, "memorySizeMB": 256, "maxMemoryUsedMB": 81, "initDurationMs": 312.5}, tracing=tracing),
    )
    told = ended(coldtrail, request_id, 4)
    node = told["node"]
    assert (node["kind"], node["service"], node["status"], node["cold_start"]) == ("invocation", function, "ok", True)
    assert [node[name] for name in ("init_ms", "billed_ms", "memory_mb", "memory_used_mb")] == [312.5, 355.0, 256, 81]
    assert abs(node["duration_ms"] - 42.25) < 0.01
    assert (node["keys"]["xray_trace_id"], node["keys"]["correlation_id"]) == (root, correlation)
    by_event = {one["event_name"]: one for one in told["logs"]}
    assert (by_event["platform.start"]["attributes"]["faas.version"], by_event["platform.start"]["resource"]["attributes"]["faas.version"]) == ("7", "7")
    said = by_event[""]
    assert said["body"] == line
    assert [said["attributes"][name] for name in ("faas.invocation_id", "faas.coldstart", "correlation_id", "order.lines", "exception.type", "exception.message")] == [request_id, True, correlation, 3, "ConnectionError", "ledger is away"]
    assert (said["severity_number"], said["resource"]["attributes"]["aws.log.stream.names"], said["trace_id"]) == (17, [STREAM], root.replace("-", "")[1:])
    init = next(one for one in coldtrail.api("/logs", service=function)["logs"] if one["event_name"] == "platform.initReport")
    assert (init["attributes"]["aws.lambda.init_duration_ms"], init["request_id"]) == (312.5, "")
    figures = {"count": 1, "error_count": 0, "cold_start_count": 1, "init_p50_ms": 312.5, "memory_used_max_mb": 81, "versions": ["7"]}
    page = coldtrail.eventually(f"/functions/{function}", lambda found: {name: found["summary"][name] for name in figures} == figures and found["invocations"])
    assert [(one["request_id"], one["duration_ms"], one["cold_start"], one["memory_used_mb"]) for one in page["invocations"]] == [(request_id, 42.25, True, 81)]
    coldtrail.eventually("/logs", lambda found: request_id in {log["request_id"] for log in found["logs"]}, q=correlation)


NODE_STACK = ["TypeError: x is not a function", "    at handler (/var/task/index.js:3:9)"]
ENDINGS = {
    "an initialisation that was made again and failed": (
        ["INIT_REPORT Init Duration: 9999.10 ms\tPhase: init\tStatus: timeout", "START RequestId: {id} Version: 7", "INIT_REPORT Init Duration: 2503.70 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError"],
        "Status: error\tError Type: Runtime.ExitError", "error", "Runtime.ExitError", "", 3,
    ),
    "an initialisation that was late but went well": (
        ["INIT_REPORT Init Duration: 9999.10 ms\tPhase: init\tStatus: timeout", "START RequestId: {id} Version: 7", "working"], "", "ok", None, None, 3,
    ),
    "a snapshot that was restored": (
        ["RESTORE_START Runtime Version: java:21.v9\tRuntime Version ARN: arn:aws:lambda:r::runtime:0", "RESTORE_REPORT Restore Duration: 501.25 ms", "START RequestId: {id} Version: 7"],
        "Restore Duration: 501.25 ms\tBilled Restore Duration: 12 ms", "ok", None, None, 2,
    ),
    "an error of Node.js": (
        ["START RequestId: {id} Version: 7", "2026-11-21T05:00:00.000Z\t{id}\tERROR\tInvoke Error \t" + json.dumps({"errorType": "TypeError", "errorMessage": "x is not a function", "stack": NODE_STACK}).replace("{", "{{").replace("}", "}}")],
        "", "error", "TypeError", "x is not a function", 3,
    ),
    "a promise of Node.js that nobody caught": (
        ["START RequestId: {id} Version: 7", "2026-11-21T05:00:00.000Z\t{id}\tERROR\tUnhandled Promise Rejection \t" + json.dumps({"errorType": "Runtime.UnhandledPromiseRejection", "errorMessage": "Error: no", "reason": {"errorType": "Error"}, "stack": NODE_STACK}).replace("{", "{{").replace("}", "}}")],
        "", "error", "Runtime.UnhandledPromiseRejection", "Error: no", 3,
    ),
    "a runtime that was killed": (
        ["START RequestId: {id} Version: 7", "RequestId: {id} Error: Runtime exited with error: signal: killed\nRuntime.ExitError"],
        "Status: error\tError Type: Runtime.ExitError", "error", "Runtime.ExitError", "signal: killed", 3,
    ),
    "a handler that Python could not import": (
        ["START RequestId: {id} Version: 7", "[ERROR] Runtime.ImportModuleError: Unable to import module 'app': No module named 'x'\nTraceback (most recent call last):"],
        "Status: error\tError Type: Runtime.ImportModuleError", "error", "Runtime.ImportModuleError", "Unable to import module 'app': No module named 'x'", 3,
    ),
}


@pytest.fixture(scope="module")
def endings(coldtrail: Coldtrail) -> dict[str, str]:
    """All endings delivered at once; a request id for each."""
    requests = {name: str(uuid.uuid4()) for name in ENDINGS}
    for name, (lines, more, *_) in ENDINGS.items():
        request_id = requests[name]
        write(coldtrail, "endings", *(line.format(id=request_id) for line in lines), f"END RequestId: {request_id}", report(request_id, more=more), stream=f"2026/11/21/[7]{request_id}")
    return requests


@pytest.mark.parametrize("name", ENDINGS)
def test_how_an_invocation_began_and_ended_is_what_its_node_says(coldtrail: Coldtrail, endings: dict[str, str], name: str) -> None:
    *_, status, kind, message, logs = ENDINGS[name]
    told = ended(coldtrail, endings[name], logs + 1)
    failure = told["node"]["failure"] or {}
    assert (told["node"]["status"], failure.get("type"), failure.get("message")) == (status, kind, message)
    assert len(told["logs"]) == logs + 1


def test_a_restored_snapshot_is_told_by_its_own_line_and_the_report(coldtrail: Coldtrail, endings: dict[str, str]) -> None:
    told = ended(coldtrail, endings["a snapshot that was restored"], 3)
    said = next(one for one in told["logs"] if one["event_name"] == "platform.report")["attributes"]
    assert (said["aws.lambda.restore_duration_ms"], said["aws.lambda.billed_restore_duration_ms"]) == (501.25, 12.0)
    lines = coldtrail.api("/logs", service="endings", limit=200)["logs"]
    assert [one["attributes"]["aws.lambda.restore_duration_ms"] for one in lines if one["event_name"] == "platform.restoreReport"] == [501.25]


def test_the_page_of_a_function_groups_what_went_wrong(coldtrail: Coldtrail, endings: dict[str, str]) -> None:
    failed = sorted(kind for *_, status, kind, _, _ in ENDINGS.values() if status == "error")

    def whole(answer: dict[str, Any]) -> bool:
        counts = (answer["summary"]["count"], answer["summary"]["error_count"], len(answer["invocations"]))
        return counts == (len(ENDINGS), len(failed), len(ENDINGS)) and sorted(one["type"] for one in answer["errors"] for _ in range(one["count"])) == failed

    page = coldtrail.eventually("/functions/endings", whole)
    by_type = {one["type"]: one for one in page["errors"]}
    assert (by_type["TypeError"]["message"], by_type["TypeError"]["request_id"]) == ("x is not a function", endings["an error of Node.js"])
    assert {one["request_id"] for one in page["invocations"]} == set(endings.values())
    alone = coldtrail.api("/functions/endings/errors")["errors"]
    assert sorted(alone, key=lambda one: (one["type"], one["message"])) == sorted(page["errors"], key=lambda one: (one["type"], one["message"]))


def test_the_newest_invocations_are_told_though_one_of_them_has_very_many_rows(coldtrail: Coldtrail) -> None:
    function, now_ns = f"many-{os.urandom(3).hex()}", time.time_ns() - 120 * 10**9
    ids = [str(uuid.uuid4()) for _ in range(3)]
    seconds = [*enumerate(ids), *((3 + number, ids[2]) for number in range(20))]
    sent = [span("handler", service=function, kind=5, start_ns=now_ns + at * 10**9, attributes={"faas.invocation_id": one}) for at, one in seconds]
    assert coldtrail.post("/v1/traces", traces(*sent)).status_code == 200
    page = coldtrail.eventually(f"/functions/{function}", lambda answer: answer["summary"]["count"] == 3)
    assert [one["request_id"] for one in page["invocations"]] == ids[::-1]


def test_embedded_metrics_are_lines_of_the_invocation_and_metrics_besides(coldtrail: Coldtrail, capsys: pytest.CaptureFixture[str]) -> None:
    request_id = str(uuid.uuid4())
    metrics = Metrics(namespace="shop", service="basket")
    metrics.add_metric(name="Sales", unit=MetricUnit.Count, value=3)
    metrics.add_metric(name="Latency", unit=MetricUnit.Milliseconds, value=12.5)
    metrics.add_dimension(name="color", value="blue")
    metrics.add_metadata(key="order", value="o-17")
    metrics.flush_metrics()
    (line,) = capsys.readouterr().out.splitlines()
    before = coldtrail.api("/received")["metrics"]
    stored = coldtrail.api("/health")["store"]["metric_points"]
    write(coldtrail, "emf", f"START RequestId: {request_id} Version: 1", line, '{"_aws": {"Timestamp": "soon", "CloudWatchMetrics": []}}', report(request_id))
    assert coldtrail.api("/received")["metrics"] - before == 2
    assert next(one for one in coldtrail.api("/received")["protocols"] if one["protocol"] == "firehose")["last_reason"].startswith("EMF: _aws.Timestamp")
    told = ended(coldtrail, request_id, 4)
    assert [one["body"] for one in told["logs"]][1:3] == [line, '{"_aws": {"Timestamp": "soon", "CloudWatchMetrics": []}}']
    assert (told["logs"][1]["attributes"]["color"], told["logs"][1]["attributes"]["order"]) == ("blue", "o-17")
    coldtrail.eventually("/health", lambda answer: answer["store"]["metric_points"] >= stored + 2)


@pytest.mark.parametrize("form", ["json", "envelope"])
def test_otlp_on_standard_output_joins_the_invocation_that_printed_it(coldtrail: Coldtrail, form: str) -> None:
    request_id, trace_id = str(uuid.uuid4()), os.urandom(16)
    handler = span("handler", service="stdout", kind=2, trace_id=trace_id, attributes={"faas.invocation_id": request_id})
    call = span("call", service="stdout", kind=3, trace_id=trace_id, parent=handler["span_id"])
    if form == "json":
        spans = [
            {"traceId": trace_id.hex(), "spanId": one["span_id"].hex(), "parentSpanId": one.get("parent", b"").hex(), "name": one["name"], "kind": one["kind"], "startTimeUnixNano": str(one["start_ns"]), "endTimeUnixNano": str(one["start_ns"] + 5_000_000),
             "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in one["attributes"].items()]} for one in (handler, call)
        ]
        line = json.dumps({"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "stdout"}}]}, "scopeSpans": [{"spans": spans}]}]}, separators=(",", ":"))
    else:
        line = json.dumps({"__otel_otlp_stdout": "0.1", "content-type": "application/x-protobuf", "content-encoding": "gzip", "base64": True, "payload": base64.b64encode(gzip.compress(traces(handler, call))).decode()})
    write(coldtrail, "stdout", f"START RequestId: {request_id} Version: 1", line, report(request_id))
    trail = coldtrail.eventually(f"/trails/{trace_id.hex()}", lambda answer: len(answer["nodes"]) == 2 and answer["nodes"][0]["signals"] == 4)
    assert [(one["kind"], one["service"]) for one in trail["nodes"]] == [("invocation", "stdout"), ("operation", "stdout")]
    assert [(one["kind"], one["evidence"]) for one in trail["edges"]] == [("calls", "parent")]


def test_one_invocation_is_one_node_in_every_order_of_arrival(coldtrail: Coldtrail) -> None:
    address = coldtrail.xray.split(":")
    orders = list(itertools.permutations(("span", "segment", "lines")))
    told: list[tuple[str, str, dict[str, Any]]] = []
    for number, _ in enumerate(orders):
        request_id, trace = str(uuid.uuid4()), root_id().replace("-", "")[1:]
        now = time.time()
        segment = {"name": "orders", "id": os.urandom(8).hex(), "trace_id": f"1-{trace[:8]}-{trace[8:]}", "start_time": now, "end_time": now + 0.1, "origin": "AWS::Lambda", "aws": {"request_id": request_id}}
        one = span("handler", service="orders", kind=2, trace_id=bytes.fromhex(trace), attributes={"faas.invocation_id": request_id})
        told.append((request_id, trace, {"segment": segment, "span": one, "stream": f"2026/11/21/[1]{number}"}))

    def send(what: str, request_id: str, one: dict[str, Any]) -> int:
        if what == "span":
            assert coldtrail.post("/v1/traces", traces(one["span"])).status_code == 200
        elif what == "segment":
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(b'{"format": "json", "version": 1}\n' + json.dumps(one["segment"]).encode(), (address[0], int(address[1])))
        else:
            write(coldtrail, "orders", f"START RequestId: {request_id} Version: 1", report(request_id), stream=one["stream"])
        return 2 if what == "lines" else 1

    signals = [0] * len(orders)
    for step in range(3):
        for number, order in enumerate(orders):
            request_id, _, one = told[number]
            signals[number] += send(order[step], request_id, one)
        for number, (request_id, _, _) in enumerate(told):
            coldtrail.eventually(f"/trails/{request_id}", lambda answer, number=number: [(node["kind"], node["service"], node["signals"]) for node in answer["nodes"]] == [("invocation", "orders", signals[number])])
    for request_id, trace, _ in told:
        by_request, by_trace = coldtrail.api(f"/trails/{request_id}"), coldtrail.api(f"/trails/{trace}")
        assert by_request["nodes"][0]["node_id"] == by_trace["nodes"][0]["node_id"]
        assert (by_trace["trail_id"], by_trace["nodes"][0]["billed_ms"], by_trace["nodes"][0]["keys"]["request_id"]) == (trace, 5.0, request_id)


def test_every_kind_of_id_finds_the_trail(coldtrail: Coldtrail) -> None:
    mark = os.urandom(5).hex()
    request_id, message_id, sequence = str(uuid.uuid4()), str(uuid.uuid4()), f"49590338271490256608559692538361571095{int(mark, 16):018d}"
    correlation, event_id = f"corr-{mark}", str(uuid.uuid4())
    root = span("POST /orders", service="api", kind=2, attributes={"enduser.id": f"user-{mark}", "correlation_id": correlation})
    trace_id = root["trace_id"]
    sends = [
        span("SQS.SendMessage", service="api", kind=4, trace_id=trace_id, parent=root["span_id"], attributes={"messaging.system": "aws_sqs", "messaging.message.id": message_id}),
        span("Kinesis.PutRecord", service="api", kind=3, trace_id=trace_id, parent=root["span_id"], attributes={"aws.kinesis.sequence_number": sequence}),
        span("EventBridge.PutEvents", service="api", kind=3, trace_id=trace_id, parent=root["span_id"], attributes={"aws.eventbridge.event_id": event_id}),
    ]
    assert coldtrail.post("/v1/traces", traces(root, *sends)).status_code == 200
    line = json.dumps({"level": "INFO", "message": "took it", "function_request_id": request_id, "message_id": message_id})
    write(coldtrail, "worker", f"START RequestId: {request_id} Version: 1", line, report(request_id))
    whole = trace_id.hex()
    coldtrail.eventually(f"/trails/{whole}", lambda answer: request_id in {node["keys"].get("request_id") for node in answer["nodes"]})
    forms = {"request id": request_id, "message id": message_id, "sequence number": sequence, "event id": event_id, "correlation id": correlation, "user": f"user-{mark}", "trace id": whole, "trace id in capitals": whole.upper(), "X-Ray trace id": f"1-{whole[:8]}-{whole[8:]}"}
    for name, value in forms.items():
        matches = coldtrail.eventually("/find", lambda answer: whole in {match["trail_id"] for match in answer["matches"]}, q=value)["matches"]
        assert all(match.keys() == {"trail_id", "key_kind", "node_id", "service", "time"} for match in matches), name
