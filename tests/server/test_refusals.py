"""What is refused, how the refused sender is told, and that what stands beside it is kept."""

from __future__ import annotations

import gzip
import json
import os
import socket
import time
import uuid
import zlib
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import pytest
import zstandard
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from coldtrail.model.wire import write_field
from lambda_logs import deliver, payload
from otlp import logs, span, traces
from running import HTTP, SLOW_S, Coldtrail, serving, wait_for

JSON = "application/json"
HEADER = b'{"format": "json", "version": 1}\n'


def counter(coldtrail: Coldtrail, protocol: str) -> dict[str, Any]:
    return next(one for one in coldtrail.api("/received")["protocols"] if one["protocol"] == protocol)


def seen(coldtrail: Coldtrail, one: dict[str, Any]) -> dict[str, Any]:
    """The span, once it is there; a deadline for slow machines."""
    return coldtrail.eventually("/spans", lambda answer: len(answer["spans"]) == 1, trace_id=one["trace_id"].hex())["spans"][0]


def export(address: str, signal: str, body: bytes, **more: Any) -> bytes:
    """Call OTLP/gRPC with bytes as they are."""
    service = {"traces": "trace.v1.TraceService", "logs": "logs.v1.LogsService", "metrics": "metrics.v1.MetricsService"}[signal]
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary(f"/opentelemetry.proto.collector.{service}/Export", request_serializer=bytes, response_deserializer=bytes)
        answer: bytes = call(body, timeout=60, **more)
        return answer


def refusal(address: str, signal: str, body: bytes, **more: Any) -> Any:
    with pytest.raises(grpc.RpcError) as refused:
        export(address, signal, body, **more)
    return refused.value


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_grpc_says_invalid_argument_to_what_is_no_request(coldtrail: Coldtrail, signal: str) -> None:
    before = counter(coldtrail, "otlp/grpc")["refused_requests"]
    error = refusal(coldtrail.otlp_grpc, signal, b"\xff" * 20)
    assert (error.code(), f"OTLP {signal} request" in error.details()) == (grpc.StatusCode.INVALID_ARGUMENT, True)
    assert counter(coldtrail, "otlp/grpc")["refused_requests"] == before + 1
    assert export(coldtrail.otlp_grpc, signal, b"") == b""


def test_spans_logs_and_points_that_cannot_be_are_told_by_partial_success_over_grpc(coldtrail: Coldtrail) -> None:
    good, marker = span(attributes={"text": "caf#"}), os.urandom(6).hex()
    bad = [span(trace_id=b"x" * 15), span(span_id=b"y" * 9), span(trace_id=bytes(16)), span(parent=b"abc"), span(start_ns=2**63), span(kind=300), span(kind=-1)]
    answer = ExportTraceServiceResponse.FromString(export(coldtrail.otlp_grpc, "traces", traces(*bad, good).replace(b"caf#", b"caf\xe9"))).partial_success
    assert (answer.rejected_spans, "2 x trace_id must be 16 bytes" in answer.error_message, "2 x kind" in answer.error_message) == (len(bad), True, True)

    records = [{"body": marker}, {"body": marker, "trace_id": b"short"}, {"body": marker, "time_ns": 2**63}]
    request = ExportLogsServiceRequest.FromString(logs(*records))
    request.resource_logs[0].scope_logs[0].log_records.add(severity_number=300).body.string_value = marker
    request.resource_logs[0].scope_logs[0].log_records.add(span_id=b"123").body.string_value = marker
    for answered in (export(coldtrail.otlp_grpc, "logs", request.SerializeToString()), coldtrail.post("/v1/logs", request.SerializeToString()).content):
        told = ExportLogsServiceResponse.FromString(answered).partial_success
        assert (told.rejected_log_records, "trace_id must be empty or 16 bytes" in told.error_message, "severity_number" in told.error_message) == (4, True, True)

    points = ExportMetricsServiceRequest()
    metrics = points.resource_metrics.add().scope_metrics.add().metrics
    metrics.add(name="kept").gauge.data_points.add(as_int=1, time_unix_nano=time.time_ns())
    for late in (2**63, 2**64 - 1, 0):
        metrics.add(name="late").sum.data_points.add(as_int=1, time_unix_nano=late)
    metrics.add(name="early").histogram.data_points.add(start_time_unix_nano=2**63, time_unix_nano=time.time_ns())
    metrics.add(name="odd").sum.aggregation_temporality = 999
    metrics[-1].sum.data_points.add(time_unix_nano=time.time_ns())
    coldtrail.settle()
    before = coldtrail.api("/health")
    told = ExportMetricsServiceResponse.FromString(export(coldtrail.otlp_grpc, "metrics", points.SerializeToString())).partial_success
    assert (told.rejected_data_points, "4 x time_unix_nano" in told.error_message, "aggregation_temporality" in told.error_message) == (5, True, True)

    assert seen(coldtrail, good)["attributes"]["text"] == "caf\ufffd"
    coldtrail.eventually("/logs", lambda found: len(found["logs"]) == 1, q=marker)
    coldtrail.eventually("/health", lambda found: found["store"]["metric_points"] > before["store"]["metric_points"])
    assert coldtrail.api("/health")["wal"]["quarantined"] == before["wal"]["quarantined"]


def test_a_value_of_ten_megabytes_passes_grpc_too(coldtrail: Coldtrail) -> None:
    one = span(attributes={"huge": "x" * (10 << 20), **{f"key.{number}": number for number in range(5_000)}})
    assert export(coldtrail.otlp_grpc, "traces", traces(one), compression=grpc.Compression.Gzip) == b""
    got = seen(coldtrail, one)["attributes"]
    assert (len(got.pop("huge")), got) == (10 << 20, {f"key.{number}": number for number in range(5_000)})


def test_a_message_larger_than_the_bound_is_refused_by_grpc_as_sent_and_inflated(coldtrail: Coldtrail) -> None:
    for compression in (grpc.Compression.NoCompression, grpc.Compression.Gzip):
        error = refusal(coldtrail.otlp_grpc, "traces", bytes(65 << 20), compression=compression)
        assert (error.code(), "larger than max" in error.details()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, True)
    export(coldtrail.otlp_grpc, "traces", traces(span()))


def test_a_page_elsewhere_cannot_use_grpc(coldtrail: Coldtrail) -> None:
    error = refusal(coldtrail.otlp_grpc, "traces", traces(span()), metadata=(("origin", "https://evil.example"),))
    assert error.code() == grpc.StatusCode.PERMISSION_DENIED
    before = counter(coldtrail, "otlp/grpc")
    for headers in ({}, {"host": "evil.example"}):
        with pytest.raises(httpx.RemoteProtocolError):
            HTTP.post(f"http://{coldtrail.otlp_grpc}/opentelemetry.proto.collector.trace.v1.TraceService/Export", content=traces(span()), headers=headers)
    assert counter(coldtrail, "otlp/grpc") == before


def nest(levels: int) -> Any:
    value: Any = {"stringValue": "deep"}
    for _ in range(levels):
        value = {"arrayValue": {"values": [value]}}
    return value


def otlp_json(one: dict[str, Any], attributes: Any) -> bytes:
    fields = {"traceId": one["trace_id"].hex(), "spanId": one["span_id"].hex(), "name": "json", "startTimeUnixNano": str(one["start_ns"]), "endTimeUnixNano": str(one["start_ns"]), "attributes": attributes}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [fields]}]}]}).encode()


def test_json_may_nest_as_deep_as_people_write_and_no_deeper(coldtrail: Coldtrail) -> None:
    one = span()
    assert coldtrail.post("/v1/traces", otlp_json(one, [{"key": "nest", "value": nest(20)}]), JSON).status_code == 200
    for body in (otlp_json(span(), [{"key": "nest", "value": nest(200)}]), b"[" * 100_000, b'{"resourceSpans":' * 5_000 + b"1" + b"}" * 5_000, b'{"resourceSpans": [{"scopeSpans": {"spans": 5}}]}', b'{"name": "\xff"}', b'"text"', b"null"):
        answer = coldtrail.post("/v1/traces", body, JSON)
        assert (answer.status_code, answer.json()["code"], bool(answer.json()["message"])) == (400, 3, True), body[:40]
    assert json.dumps(seen(coldtrail, one)["attributes"]["nest"]).count("[") == 20


def test_an_id_that_is_no_hex_costs_its_span_or_record_alone_in_json_too(coldtrail: Coldtrail) -> None:
    good, marker = span(), os.urandom(6).hex()
    request = json.loads(otlp_json(good, []))
    spans = request["resourceSpans"][0]["scopeSpans"][0]["spans"]
    bad = [{"traceId": "xyz"}, {"traceId": "abc"}, {"spanId": "zz" * 8}, {"parentSpanId": "\u0663" * 16}, {"traceId": ""}, {"links": [{"traceId": "no", "spanId": "hex"}]}]
    spans += [spans[0] | {"spanId": os.urandom(8).hex()} | wrong for wrong in bad]
    answer = coldtrail.post("/v1/traces", json.dumps(request).encode(), JSON)
    assert (answer.status_code, answer.json()["partialSuccess"]["rejectedSpans"]) == (200, str(len(bad)))
    records = [{"body": {"stringValue": marker}, "timeUnixNano": str(time.time_ns()), "traceId": one} for one in ("", "00" * 15, "nothex")]
    told = coldtrail.post("/v1/logs", json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode(), JSON)
    assert (told.status_code, told.json()["partialSuccess"]["rejectedLogRecords"]) == (200, "2")
    assert seen(coldtrail, good)["name"] == "json"
    coldtrail.eventually("/logs", lambda found: len(found["logs"]) == 1, q=marker)


def test_a_value_too_deep_for_protobuf_is_shown_as_json_text_from_its_64th_level_on(coldtrail: Coldtrail) -> None:
    value = AnyValue(string_value="deep").SerializeToString()
    for _ in range(500):
        value = write_field(5, write_field(1, value))
    one = span(attributes={"beside": "it"})
    whole = ExportTraceServiceRequest.FromString(traces(one)).resource_spans[0].scope_spans[0].spans[0].SerializeToString()
    whole += write_field(9, write_field(1, b"nest") + write_field(2, value))
    assert coldtrail.post("/v1/traces", write_field(1, write_field(2, write_field(2, whole)))).status_code == 200
    got = seen(coldtrail, one)["attributes"]
    assert got["beside"] == "it"
    nested = got["nest"]
    for _ in range(64):
        (nested,) = nested
    assert nested == "[" * 436 + '"deep"' + "]" * 436


def test_text_that_is_not_utf8_is_shown_with_replacement_wherever_it_stands(coldtrail: Coldtrail) -> None:
    marker = os.urandom(5).hex()  # and "~#~", since random ids may hold one byte of any value
    one = span(f"name-{marker}~#~", service=f"service-{marker}~#~", kind=2, attributes={"key~#~": "value~#~", "http.route": f"/{marker}~#~", "correlation_id": f"corr-{marker}~#~"}, error="Error~#~")
    request = ExportTraceServiceRequest.FromString(traces(one))
    out = request.resource_spans[0].scope_spans[0].spans[0]
    out.trace_state, out.status.message, request.resource_spans[0].scope_spans[0].scope.name = "state~#~", "message~#~", "scope~#~"
    link = out.links.add(trace_id=os.urandom(16), span_id=os.urandom(8), trace_state="linked~#~")
    link.attributes.add(key="why~#~").value.string_value = "because~#~"
    assert coldtrail.post("/v1/traces", request.SerializeToString().replace(b"~#~", b"~\xe9~")).status_code == 200
    line = logs({"body": f"line-{marker}~#~", "event_name": "event~#~", "attributes": {"key~#~": "value~#~"}}, service=f"service-{marker}~#~")
    assert coldtrail.post("/v1/logs", line.replace(b"~#~", b"~\xe9~")).status_code == 200

    got, bad = seen(coldtrail, one), "~\ufffd~"
    assert [got["name"], got["service"], got["trace_state"], got["status"]["message"], got["scope"]["name"]] == [f"name-{marker}{bad}", f"service-{marker}{bad}", f"state{bad}", f"message{bad}", f"scope{bad}"]
    assert (got["attributes"][f"key{bad}"], got["events"][0]["attributes"]["exception.type"]) == (f"value{bad}", f"Error{bad}")
    assert [(found["trace_state"], found["attributes"]) for found in got["links"]] == [(f"linked{bad}", {f"why{bad}": f"because{bad}"})]
    (record,) = coldtrail.eventually("/logs", lambda found: found["logs"], q=f"line-{marker}")["logs"]
    assert (record["body"], record["event_name"], record["attributes"]) == (f"line-{marker}{bad}", f"event{bad}", {f"key{bad}": f"value{bad}"})
    for path in ("/trails", "/red", "/red?group=route", "/services", f"/trails/{one['trace_id'].hex()}", f"/trails/{one['trace_id'].hex()}/columns"):
        assert HTTP.get(f"{coldtrail.url}/api/v1{path}").status_code == 200, path


@pytest.mark.parametrize(("name", "encode"), [("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress), ("deflate", zlib.compress)])
def test_a_bomb_is_refused_on_every_path_that_takes_bodies(coldtrail: Coldtrail, name: str, encode: Any) -> None:
    bomb = encode(bytes(80 << 20))
    for path in ("/v1/logs", "/v1/metrics", "/aws/logs"):
        assert coldtrail.post(path, bomb, content_encoding=name).status_code == 413, path
    failed = coldtrail.post("/aws/firehose", bomb, JSON, content_encoding=name, x_amz_firehose_request_id="r1")
    assert (failed.status_code, failed.json()["requestId"], bool(failed.json()["errorMessage"])) == (413, "r1", True)
    segments = HTTP.post(f"http://{coldtrail.xray}/TraceSegments", content=bomb, headers={"content-encoding": name}, timeout=60)
    assert (segments.status_code, segments.headers["x-amzn-errortype"]) == (413, "InvalidRequestException")
    assert coldtrail.post("/aws/logs", gzip.compress(gzip.compress(bytes(80 << 20)))).status_code == 400


def test_a_bomb_of_very_many_empty_spans_is_refused(coldtrail: Coldtrail) -> None:
    body = write_field(1, write_field(2, write_field(2, b"") * 600_000))
    answer = coldtrail.post("/v1/traces", gzip.compress(body), content_encoding="gzip")
    assert (answer.status_code, "500000 items" in Status.FromString(answer.content).message) == (413, True)
    assert refusal(coldtrail.otlp_grpc, "traces", body, compression=grpc.Compression.Gzip).code() == grpc.StatusCode.INVALID_ARGUMENT
    values = coldtrail.post("/v1/traces", gzip.compress(b"[" + b"{}," * 4_000_000 + b"{}]"), JSON, content_encoding="gzip")
    assert (values.status_code, "JSON values" in values.json()["message"]) == (413, True)
    small = span()
    assert coldtrail.post("/v1/traces", traces(small)).status_code == 200
    seen(coldtrail, small)


def test_absurd_times_cost_their_own_line_or_document_alone(coldtrail: Coldtrail) -> None:
    marker, good = os.urandom(6).hex(), span()
    events = [{"id": str(number), "timestamp": stamp, "message": f"{marker} {stamp}"} for number, stamp in enumerate((1_795_000_000_000, -1, 2**62, 4_102_444_800_000, 0))]
    document = {"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "/aws/lambda/times", "logStream": "s", "logEvents": events}
    before = counter(coldtrail, "cloudwatch-logs")["refused_items"]
    assert coldtrail.post("/aws/logs", json.dumps(document).encode(), JSON).status_code == 200
    assert counter(coldtrail, "cloudwatch-logs")["refused_items"] == before + 3
    metric = {"Namespace": "n", "Metrics": [{"Name": "m"}]}
    lines = [json.dumps({"_aws": {"Timestamp": stamp, "CloudWatchMetrics": [metric]}, "m": value, "marker": marker}) for stamp, value in ((10**18, 1), (-5, 1), (1_795_000_000_000, 10**400))]
    absurd = [f"REPORT RequestId: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\tDuration: {value} ms\tMax Memory Used: {value} MB\t{marker}" for value in ("inf", "nan", "1e300", "9" * 400)]
    assert deliver(coldtrail, payload("/aws/lambda/times", [*lines, *absurd, "INIT_REPORT Init Duration: 1.2.3 ms\tPhase: init"])).status_code == 200
    for start in (0, -1, 1e300, 10**400, "soon", None, True, 4_102_444_801):
        text = json.dumps({"name": "x", "id": os.urandom(8).hex(), "trace_id": f"1-5f2aebcc-{os.urandom(12).hex()}", "start_time": start, "end_time": 1.6e9})
        answer = HTTP.post(f"http://{coldtrail.xray}/TraceSegments", json={"TraceSegmentDocuments": [text]})
        assert (answer.status_code, "start_time" in answer.json()["UnprocessedTraceSegments"][0]["Message"]) == (200, True), start
    assert coldtrail.post("/v1/traces", traces(good)).status_code == 200
    seen(coldtrail, good)
    coldtrail.eventually("/logs", lambda found: len(found["logs"]) == 2 + len(lines) + len(absurd), q=marker)
    coldtrail.eventually("/trails/8476a536-e9f4-11e8-9739-2dfe598c3fcd", lambda found: found["nodes"])
    coldtrail.eventually("/functions/times", lambda page: page["summary"]["count"] >= 1)


def test_absurd_figures_of_a_report_are_no_figures(coldtrail: Coldtrail) -> None:
    function = f"absurd-{os.urandom(3).hex()}"
    names = [f"aws.lambda.{name}" for name in ("duration_ms", "billed_duration_ms", "init_duration_ms", "memory_size_mb", "max_memory_used_mb")]
    absurd = [2**63 - 1, -(2**63), -1, 2**45, 2.0**52, -2.0**52, float("inf"), float("nan"), "text", [1], {"a": 1}]
    coldtrail.settle()
    before = coldtrail.api("/health")["wal"]["quarantined"]
    asked = {}
    for number, value in enumerate(absurd):
        asked[request_id := str(uuid.uuid4())] = value
        figures = {"faas.invocation_id": request_id, **dict.fromkeys(names, value)}
        records = [{"event_name": "platform.report", "body": "REPORT", "time_ns": time_ns, "attributes": figures} for time_ns in (time.time_ns(), 1 + number, 4_102_444_799 * 10**9)]
        assert coldtrail.post("/v1/logs", logs(*records, service=function)).content == b""
    for request_id, value in asked.items():
        trail = coldtrail.eventually(f"/trails/{request_id}", lambda answer: len(answer["nodes"]) == 3)
        figures = [(one["duration_ms"], one["billed_ms"], one["init_ms"], one["memory_mb"]) for one in trail["nodes"]]
        assert figures == [(0.0, None, None, None)] * 3, value
    coldtrail.eventually(f"/functions/{function}", lambda page: page["summary"]["count"] == len(absurd), since="1970-01-01T00:00:00Z")
    assert coldtrail.api("/health")["wal"]["quarantined"] == before
    later = span(service=function, kind=2, attributes={"correlation_id": function})
    assert coldtrail.post("/v1/traces", traces(later)).status_code == 200
    coldtrail.eventually("/trails", lambda answer: later["trace_id"].hex() in {row["trail_id"] for row in answer["trails"]}, service=function, q=function)


UNKNOWN = {
    "not JSON": "{", "a list": "[]", "a number": "7", "no trace id": {"trace_id": None}, "a trace id of another form": {"trace_id": "0" * 32}, "an id that is too short": {"id": "abc"}, "an id of zeros": {"id": "0" * 16},
    "no name": {"name": ""}, "subsegments that are none": {"subsegments": {"a": 1}}, "a subsegment that is none": {"subsegments": [1]}, "a parent that is none": {"parent_id": "xyz"}, "no end": {"end_time": None},
}


def test_unknown_documents_are_named_and_the_others_kept(coldtrail: Coldtrail) -> None:
    def document(**more: Any) -> dict[str, Any]:
        return {"name": "known", "id": os.urandom(8).hex(), "trace_id": f"1-5f2aebcc-{os.urandom(12).hex()}", "start_time": 1.6e9, "end_time": 1.6e9, **more}

    good, odd = document(), document(annotations={"x": 10**400}, http=7, aws=[1], sql="s", cause=5, metadata="m", links="l", user={"a": 1}, service=3, deep=json.loads("[" * 500 + "]" * 500))
    bad = [one if isinstance(one, str) else json.dumps(document(**one)) for one in UNKNOWN.values()]
    answer = HTTP.post(f"http://{coldtrail.xray}/TraceSegments", json={"TraceSegmentDocuments": [json.dumps(good), *bad, json.dumps(odd)]})
    unprocessed = answer.json()["UnprocessedTraceSegments"]
    assert (answer.status_code, len(unprocessed), {one["ErrorCode"] for one in unprocessed}) == (200, len(bad), {"MalformedSegment"})
    for one in (good, odd):
        coldtrail.eventually("/spans", lambda found: len(found["spans"]) == 1, trace_id=one["trace_id"])
    got = coldtrail.api("/spans", trace_id=odd["trace_id"])["spans"][0]["attributes"]
    assert [got[f"aws.xray.{name}"] for name in ("annotations.x", "http", "sql", "cause", "metadata", "links", "service")] == ["1" + "0" * 400, 7, "s", 5, "m", '["l"]', 3]
    for body in (b"", b"{}", b'{"TraceSegmentDocuments": [7]}', b"\xff"):
        assert HTTP.post(f"http://{coldtrail.xray}/TraceSegments", content=body).status_code == 400


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    """A server whose log is over its bound with anything above a megabyte."""
    with serving(tmp_path_factory.mktemp("narrow") / "data", env={"COLDTRAIL_WAL_BOUND_BYTES": str(1 << 20)}) as running:
        yield running


def filler(size_bytes: int) -> str:
    """Text of its own each time, since a body that came before is taken however full the log is."""
    return os.urandom(size_bytes // 2).hex()


MOST = 900_000
"""So many bytes the narrow server's log takes once, and not twice before they are loaded."""


@pytest.mark.parametrize("signal", ["traces", "logs"])
def test_grpc_tells_senders_when_to_come_back(narrow: Coldtrail, signal: str) -> None:
    def refused() -> grpc.RpcError | None:
        much = {"filler": filler(MOST)}
        try:
            export(narrow.otlp_grpc, signal, traces(span(attributes=much)) if signal == "traces" else logs({"body": "x", "attributes": much}))
        except grpc.RpcError as error:
            return error
        return None

    error = wait_for(refused, bool)
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    status = Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    assert (status.code, status.message) == (8, error.details())
    retry = RetryInfo()
    assert status.details[0].Unpack(retry)
    assert retry.retry_delay.seconds >= 1
    small = span()
    assert export(narrow.otlp_grpc, "traces", traces(small)) == b""
    seen(narrow, small)


def test_datagrams_that_the_log_has_no_room_for_are_counted_and_shown(narrow: Coldtrail) -> None:
    host, port = narrow.xray.split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:

        def send(padding: int) -> str:
            document = {"name": "datagram", "id": os.urandom(8).hex(), "trace_id": f"1-5f2aebcc-{os.urandom(12).hex()}", "start_time": 1.6e9, "end_time": 1.6e9, "user": "x" * padding}
            sender.sendto(HEADER + json.dumps(document).encode(), (host, int(port)))
            return document["trace_id"]

        told, deadline_s = counter(narrow, "xray/udp"), time.monotonic() + SLOW_S
        while not told["refused_items"]:  # faster than they are loaded, and no faster than they are taken from the socket
            assert time.monotonic() < deadline_s
            for _ in range(4):
                send(50_000)
            told = counter(narrow, "xray/udp")
        assert (told["refused_requests"], "write-ahead log holds" in told["last_reason"]) == (0, True)
        small: list[str] = []

        def taken() -> bool:
            small.append(send(10))
            return any(narrow.api("/spans", trace_id=one)["spans"] for one in small[-40:])

        wait_for(taken, bool)


def test_http_and_xray_over_tcp_tell_senders_when_to_come_back(narrow: Coldtrail) -> None:
    refused = lambda answer: answer.status_code != 200  # noqa: E731
    answer = wait_for(lambda: narrow.post("/v1/traces", traces(span(attributes={"filler": filler(MOST)}))), refused)
    assert (answer.status_code, int(answer.headers["retry-after"]) >= 1, Status.FromString(answer.content).code) == (503, True, 14)
    delivery = wait_for(lambda: deliver(narrow, payload("/aws/lambda/large", [filler(MOST)])), refused)
    assert (delivery.status_code, "write-ahead log" in delivery.json()["errorMessage"]) == (503, True)
    segments = wait_for(lambda: put_segment(narrow, filler(MOST // 2)), refused)
    assert (segments.status_code, segments.headers["x-amzn-errortype"], int(segments.headers["retry-after"]) >= 1) == (429, "ThrottledException", True)


def put_segment(coldtrail: Coldtrail, user: str) -> httpx.Response:
    """One segment over TCP; a span tells its user twice."""
    document = {"name": "large", "id": os.urandom(8).hex(), "trace_id": f"1-5f2aebcc-{os.urandom(12).hex()}", "start_time": 1.6e9, "end_time": 1.6e9, "user": user}
    return HTTP.post(f"http://{coldtrail.xray}/TraceSegments", json={"TraceSegmentDocuments": [json.dumps(document)]})


def test_what_the_log_can_never_hold_is_refused_for_good(narrow: Coldtrail) -> None:
    large, before = traces(span(attributes={"filler": filler(2 << 20)})), {one["protocol"]: one["refused_requests"] for one in narrow.api("/received")["protocols"]}
    answers = {
        "otlp/http": narrow.post("/v1/traces", large),
        "firehose": deliver(narrow, payload("/aws/lambda/large", ["short"]), payload("/aws/lambda/large", [filler(2 << 20)])),
        "cloudwatch-logs": narrow.post("/aws/logs", payload("/aws/lambda/large", [filler(2 << 20)])),
        "cloudevents": narrow.post("/cloudevents", json.dumps({"specversion": "1.0", "id": "1", "source": "a", "type": "t", "data": filler(2 << 20)}).encode(), "application/cloudevents+json"),
        "xray/http": put_segment(narrow, filler(2 << 20)),
    }
    assert {name: (one.status_code, "retry-after" in one.headers) for name, one in answers.items()} == dict.fromkeys(answers, (413, False))
    assert (Status.FromString(answers["otlp/http"].content).code, answers["xray/http"].headers["x-amzn-errortype"]) == (3, "InvalidRequestException")
    assert "wal_bound_bytes" in answers["firehose"].json()["errorMessage"]
    error = refusal(narrow.otlp_grpc, "traces", large)
    assert (error.code(), "grpc-status-details-bin" in dict(error.trailing_metadata())) == (grpc.StatusCode.INVALID_ARGUMENT, False)
    dropped = HTTP.post(f"{narrow.url}/api/v1/drop", content=large)
    assert (dropped.status_code, "wal_bound_bytes" in dropped.json()["detail"]) == (413, True)
    for protocol in (*answers, "otlp/grpc"):
        told = counter(narrow, protocol)
        assert (told["refused_requests"], "wal_bound_bytes" in told["last_reason"]) == (before[protocol] + 1, True), protocol
    small = span()
    assert narrow.post("/v1/traces", traces(small)).status_code == 200
    seen(narrow, small)


def test_a_body_whose_protobuf_is_broken_deep_inside_is_set_aside_and_shown(narrow: Coldtrail) -> None:
    before, after = span(), span()
    broken = ExportTraceServiceRequest.FromString(traces(span())).resource_spans[0].scope_spans[0].spans[0].SerializeToString() + write_field(9, b"\xff\xff\xff")
    for body in (traces(before), write_field(1, write_field(2, write_field(2, broken))), traces(after)):
        assert narrow.post("/v1/traces", body).status_code == 200
    assert (seen(narrow, before)["name"], seen(narrow, after)["name"]) == ("work", "work")
    (aside,) = narrow.eventually("/quarantine", lambda answer: answer["segments"])["segments"]
    assert (aside["signal"], aside["bytes"] > 0, bool(aside["reason"])) == ("traces", True, True)
