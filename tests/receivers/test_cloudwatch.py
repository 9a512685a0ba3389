"""CloudWatch Logs: every event once, whatever it says; EMF and OTLP lines are more than logs."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from coldtrail.model.exports import Malformed, TooLarge, Translation
from coldtrail.receivers import firehose
from coldtrail.receivers.cloudwatch_logs import translate_payload
from coldtrail.receivers.lambda_lines import LineReader
from coldtrail.store.anyvalue import plain
from otlp import span, traces

REQUEST = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"


def payload(messages: list[str], group: str = "/aws/lambda/fn") -> bytes:
    events = [{"id": str(number), "timestamp": 1_795_239_132_000 + number, "message": message} for number, message in enumerate(messages)]
    document = {"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": group, "logStream": "2026/11/21/[7]abc", "subscriptionFilters": [], "logEvents": events}
    return gzip.compress(json.dumps(document).encode())


def records(translation: Translation) -> list[Any]:
    request = ExportLogsServiceRequest.FromString(next(one for one in translation.exports if one.signal == "logs").body)
    return list(request.resource_logs[0].scope_logs[0].log_records)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.text(max_size=80), st.dictionaries(st.text(max_size=8), st.one_of(st.text(max_size=8), st.integers(), st.none(), st.lists(st.integers(), max_size=2)), max_size=5).map(json.dumps)), max_size=12))
def test_every_event_of_a_payload_is_one_record_with_its_whole_text(messages: list[str]) -> None:
    translation = translate_payload(payload(messages))
    if not messages:
        assert translation.exports == ()
        return
    assert [one.body.string_value for one in records(translation)] == [message.encode("utf-8", "replace").decode() for message in messages]


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=120), st.binary(max_size=120).map(gzip.compress), st.text(max_size=60).map(str.encode)))
def test_nonsense_is_malformed_or_too_large_and_nothing_else(body: bytes) -> None:
    with contextlib.suppress(Malformed, TooLarge):
        translate_payload(body, 1 << 20)


def test_a_bomb_is_too_large() -> None:
    with pytest.raises(TooLarge):
        translate_payload(gzip.compress(bytes(3 << 20)), 1 << 20)


def test_a_delivery_makes_no_more_than_a_few_times_what_it_may_inflate_to() -> None:
    records = [base64.b64encode(payload(["x" * 8_000, str(number)])).decode() for number in range(20)]
    translation = firehose.translate(firehose.Delivery("id", 0, records), 10_000)
    assert 4 * 10_000 < sum(len(one.body) for one in translation.exports) < 5 * 10_000
    assert (len(translation.exports) + translation.rejected_items, "the delivery makes more than" in translation.reasons[0]) == (20, True)
    several = gzip.decompress(payload(["y" * 8_000])) * 20
    with pytest.raises(TooLarge, match="makes more than"):
        translate_payload(several, 10_000)


@pytest.mark.parametrize(("message", "event_name", "expected"), [
    (f"START RequestId: {REQUEST} Version: $LATEST", "platform.start", {"faas.version": "$LATEST"}),
    (f"REPORT RequestId: {REQUEST}\tDuration: 1.5 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 60 MB\tRestore Duration: 300.5 ms\tBilled Restore Duration: 10 ms\t", "platform.report", {"aws.lambda.restore_duration_ms": 300.5, "aws.lambda.billed_restore_duration_ms": 10.0, "aws.lambda.status": "success", "faas.coldstart": False}),
    ("INIT_REPORT Init Duration: 9999.10 ms\tPhase: init\tStatus: timeout", "platform.initReport", {"aws.lambda.init_duration_ms": 9999.10, "aws.lambda.status": "timeout", "aws.lambda.phase": "init"}),
    (f"RequestId: {REQUEST} Error: Runtime exited with error: exit status 1\nRuntime.ExitError", "platform.fault", {"error.type": "Runtime.ExitError", "exception.message": "exit status 1"}),
    (f'2026-11-21T00:00:00.000Z\t{REQUEST}\tERROR\tInvoke Error \t{{"errorType":"TypeError","errorMessage":"x is not a function","stack":["TypeError: x","    at y"]}}', "platform.fault", {"exception.type": "TypeError", "exception.message": "x is not a function"}),
    ("[ERROR] Runtime.ImportModuleError: Unable to import module 'app': No module named 'x'\nTraceback (most recent call last):", "platform.fault", {"exception.type": "Runtime.ImportModuleError"}),
    (json.dumps({"level": "INFO", "message": "m", "correlationId": "corr-7b55", "workflow": "invoice-close", "attempt": 3, "nested": {"a": {"b": 1}}}), "", {"correlation_id": "corr-7b55", "attempt": 3, "nested.a.b": 1}),
    (f"notified messageId={REQUEST}", "", {"message_id": REQUEST}),
], ids=["start", "restore report", "init report", "exit", "node error", "import error", "json", "plain pair"])
def test_what_a_line_says(message: str, event_name: str, expected: dict[str, Any]) -> None:
    line = LineReader().read(message)
    assert line.event_name == event_name
    assert {name: line.attributes.get(name) for name in expected} == expected


def test_lines_between_start_and_end_belong_to_the_request_and_its_trace() -> None:
    lines = [f"START RequestId: {REQUEST} Version: 1", "a print", f"END RequestId: {REQUEST}", f"REPORT RequestId: {REQUEST}\tDuration: 1 ms\nXRAY TraceId: 1-5f2aebcc-b475d14618c51eaa28753d37\tSegmentId: bda182a644eee9b3\tSampled: true", "after"]
    found = records(translate_payload(payload(lines)))
    asked = [next((plain(pair.value) for pair in one.attributes if pair.key == "faas.invocation_id"), None) for one in found]
    assert asked == [REQUEST, REQUEST, REQUEST, REQUEST, None]
    assert [one.trace_id.hex() for one in found] == ["5f2aebccb475d14618c51eaa28753d37"] * 4 + [""]


def test_lines_before_an_end_whose_start_came_earlier_belong_to_that_request() -> None:
    other = "0e7c4d7e-6a0b-4f3c-9f39-2b8d3a1c5e55"
    lines = ["a print", "another", f"END RequestId: {REQUEST}", f"REPORT RequestId: {REQUEST}\tDuration: 1 ms\nXRAY TraceId: 1-5f2aebcc-b475d14618c51eaa28753d37\tSegmentId: bda182a644eee9b3\tSampled: true", "between", "INIT_START Runtime Version: x", "at import", f"START RequestId: {other} Version: 1", "of the other"]
    found = records(translate_payload(payload(lines)))
    asked = [next((plain(pair.value) for pair in one.attributes if pair.key == "faas.invocation_id"), None) for one in found]
    assert asked == [REQUEST, REQUEST, REQUEST, REQUEST, None, None, None, other, other]
    assert [one.trace_id.hex() for one in found[:4]] == ["5f2aebccb475d14618c51eaa28753d37"] * 4


def test_an_emf_line_is_metrics_too() -> None:
    line = json.dumps({"_aws": {"Timestamp": 1_795_239_132_000, "CloudWatchMetrics": [{"Namespace": "shop", "Dimensions": [["service"]], "Metrics": [{"Name": "Sales", "Unit": "Count"}, {"Name": "Times", "Unit": "Milliseconds"}]}]}, "service": "basket", "Sales": 3, "Times": [1, 5, 3]})
    translation = translate_payload(payload([line]))
    request = ExportMetricsServiceRequest.FromString(next(one for one in translation.exports if one.signal == "metrics").body)
    sales, times = request.resource_metrics[0].scope_metrics[0].metrics
    sold, point = sales.exponential_histogram.data_points[0], times.exponential_histogram.data_points[0]
    assert (sold.count, sold.sum, sales.unit) == (1, 3.0, "{Count}")
    assert (point.count, point.sum, point.min, point.max, times.unit) == (3, 9.0, 1.0, 5.0, "ms")
    counted = translate_payload(payload([line.replace("[1, 5, 3]", '{"Values": [1, 5], "Counts": [98, 2], "Min": 1, "Max": 5, "Count": 100, "Sum": 108}')]))
    point = ExportMetricsServiceRequest.FromString(counted.exports[1].body).resource_metrics[0].scope_metrics[0].metrics[1].exponential_histogram.data_points[0]
    assert (point.count, point.sum, sum(point.positive.bucket_counts)) == (100, 108.0, 100)
    broken = translate_payload(payload(['{"_aws": {"Timestamp": "x"}}']))
    assert (len(records(broken)), broken.rejected_items, "Timestamp" in broken.reasons[0]) == (1, 1, True)


def test_otlp_on_standard_output_is_spans_too() -> None:
    body = traces(span())
    envelope = json.dumps({"__otel_otlp_stdout": "0.1", "content-type": "application/x-protobuf", "content-encoding": "gzip", "base64": True, "payload": base64.b64encode(gzip.compress(body)).decode()})
    translation = translate_payload(payload([envelope]))
    assert [(one.signal, one.items) for one in translation.exports] == [("logs", 1), ("traces", 1)]
    assert translation.exports[1].body == body
