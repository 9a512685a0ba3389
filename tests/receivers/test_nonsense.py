"""JSON with the right names and the wrong values: a line stays a line, a document is kept or refused by name."""

from __future__ import annotations

import contextlib
import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from coldtrail.model.exports import Malformed, TooLarge
from coldtrail.receivers import cloudevents, firehose, lenient_json, otlp, telemetry_api
from coldtrail.receivers.cloudwatch_logs import translate_payload
from coldtrail.receivers.xray import put_trace_segments, translate_datagram

REQUEST = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
ROOT = "1-5f2aebcc-b475d14618c51eaa28753d37"
HEADER = b'{"format": "json", "version": 1}\n'
TEXTS = ["platform.report", "platform.start", "platform.initReport", REQUEST, ROOT, f"Root={ROOT}", "error", "1e999", "53995c3f42cd8ad8", "\ud800half"]
LINE_NAMES = ["type", "record", "metrics", "requestId", "_aws", "CloudWatchMetrics", "Timestamp", "Dimensions", "Metrics", "Name", "Unit", "m", "errorType", "errorMessage", "stackTrace", "message", "exception", "exception_name", "tracing", "value", "spanId", "level", "log_level", "trace_id", "span_id", "durationMs", "memorySizeMB", "status", "phase", "xray_trace_id", "correlation_id", "cold_start", "resourceSpans", "payload", "__otel_otlp_stdout", "execution_arn", "details", "id", "events", "input"]
DOCUMENT_NAMES = ["name", "id", "trace_id", "start_time", "end_time", "subsegments", "cause", "aws", "http", "links", "metadata", "annotations", "exceptions", "stack", "request", "response", "sql", "service", "user", "origin", "parent_id", "in_progress", "xray", "ec2", "attributes", "path", "line", "label", "message", "type", "fault", "error"]
STARTS = [f"REPORT RequestId: {REQUEST}\t", "INIT_REPORT ", "RESTORE_REPORT ", "INIT_START ", "START RequestId: ", f"END RequestId: {REQUEST}", f"RequestId: {REQUEST} Error: Runtime exited", "[ERROR] a.B: ", "2026Z\tundefined\tERROR\tInvoke Error \t", "EXTENSION\t", ""]
PIECES = ["Duration: ", "Init Duration: ", "1.5", "1e5", "..", "inf", "nan", " ms", "\t", "\n", "\r", "Max Memory Used: ", "Memory Size: ", "MB", "Status: ", "timeout", "Error Type: ", "XRAY TraceId: ", ROOT, "SegmentId: ", "\u0663", "9" * 400, "{", "}", "messageId=", "\ud800", "\x00"]

scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.integers(10**300, 10**400), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=10), st.sampled_from(TEXTS))


def values(names: list[str]) -> st.SearchStrategy:
    return st.recursive(scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(names), inner, max_size=6)), max_leaves=20)


starts, pieces, json_lines = st.sampled_from(STARTS), st.lists(st.sampled_from(PIECES), max_size=8).map("".join), values(LINE_NAMES).map(json.dumps)
lines = st.one_of(json_lines, st.builds(str.__add__, starts, pieces), st.builds(str.__add__, starts, json_lines))


@settings(max_examples=100, deadline=None)
@given(st.lists(lines, min_size=1, max_size=4))
def test_a_line_is_one_record_with_its_text_whatever_it_says(messages: list[str]) -> None:
    events = [{"id": str(number), "timestamp": 1_795_239_132_000, "message": message} for number, message in enumerate(messages)]
    made = translate_payload(json.dumps({"messageType": "DATA_MESSAGE", "logGroup": "/aws/lambda/f", "logStream": "s", "logEvents": events}).encode())
    records = ExportLogsServiceRequest.FromString(made.exports[0].body).resource_logs[0].scope_logs[0].log_records
    assert [one.body.string_value for one in records] == [message.replace("\ud800", "\ufffd") for message in messages]


envelopes = st.fixed_dictionaries({}, optional={name: values(LINE_NAMES) for name in ("messageType", "logGroup", "logStream", "owner", "logEvents", "awslogs", "records", "requestId", "TraceSegmentDocuments", "specversion", "source", "type", "time", "data", "traceparent", "resourceSpans", "resourceLogs", "resourceMetrics")})


@settings(max_examples=60, deadline=None)
@given(envelopes)
def test_an_envelope_is_kept_or_refused_by_name(envelope: dict) -> None:
    body = json.dumps(envelope).encode()
    batch = json.dumps([envelope, {"time": "2026-11-21T05:00:00Z", "type": "platform.report", "record": envelope}, {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": envelope}]).encode()
    for taker in (telemetry_api.translate, lambda batch: cloudevents.translate(batch, "application/cloudevents-batch+json", {}, 0)):
        with contextlib.suppress(Malformed, TooLarge):
            taker(batch)
    takers = [translate_payload, telemetry_api.translate, lambda body: cloudevents.translate(body, "application/cloudevents+json", {}, 0), lambda body: firehose.translate(firehose.parse_delivery(body), 1 << 20), put_trace_segments, *(lambda body, signal=signal: otlp.accept(signal, body, json=True) for signal in ("traces", "logs", "metrics"))]
    for taker in takers:
        with contextlib.suppress(Malformed, TooLarge):
            taker(body)


sound = {"name": "n", "id": "53995c3f42cd8ad8", "trace_id": ROOT, "start_time": 1.5e9, "end_time": 1.5e9, "parent_id": ""}


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(DOCUMENT_NAMES), values(DOCUMENT_NAMES), max_size=8), st.booleans())
def test_a_document_is_kept_or_refused_by_name(document: dict, is_sound: bool) -> None:
    with contextlib.suppress(Malformed):
        translate_datagram(HEADER + json.dumps({**document, **(sound if is_sound else {})}).encode())


@pytest.mark.parametrize(("text", "value"), [
    (rb'"\ud83e\udd80 \ud83e"', "\U0001f980 \ufffd"), (rb'"\\ud800 \udc00"', "\\ud800 \ufffd"), (b'["caf\xe9", "\\ud800"]', ["caf\ufffd", "\ufffd"]),
])
def test_an_odd_character_costs_itself_alone(text: bytes, value: object) -> None:
    assert lenient_json.decode(text) == value


@pytest.mark.parametrize("text", [rb'"\ud800', b'{"a": \\ud800}', b"", b"\xff"])
def test_what_is_no_json_stays_none(text: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        lenient_json.decode(text)
