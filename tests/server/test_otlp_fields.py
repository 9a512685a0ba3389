"""What the OpenTelemetry SDK sends is compared with what the API says, field by field, for every signal and protocol."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from fields import items, missing
from running import Coldtrail

pytestmark = pytest.mark.both_stores

RICH = {
    "text": "grüße <b>\u0000\U0001f980", "empty": "", "whole": 42, "negative": -7, "large": 2**63 - 1, "small": -(2**63),
    "real": 0.1, "huge": 1.5e308, "yes": True, "no": False, "raw": b"\xff\x00\x80", "none": None,
    "words": ["a", "b"], "numbers": [1, 2], "reals": [0.5], "truths": [True, False], "nothing": [], "mixed": [1, "x", None, [2, {"deep": b"\x01"}]],
    "nested": {"a": {"b": [1, {"c": 2.5}], "empty": {}}, "raw": b"\x00"},
}
RESOURCE = Resource.create({"service.name": "whole", "answer": 42, "tags": ["x", "y"], "deployment": {"color": "blue"}}, "https://example.com/resource")


def exporter(coldtrail: Coldtrail, protocol: str, http: type, grpc: type, path: str) -> Any:
    if protocol == "grpc":
        return grpc(endpoint=coldtrail.otlp_grpc, insecure=True)
    return http(endpoint=f"{coldtrail.otlp_http}/v1/{path}", compression=Compression.Gzip)


def lost(told: list[dict[str, Any]], got: list[dict[str, Any]], key: Any) -> list[str]:
    """Where the API says something else than was sent."""
    assert sorted(map(key, told)) == sorted(map(key, got))
    pairs = zip(sorted(told, key=key), sorted(got, key=key), strict=True)
    return [problem for one, other in pairs for problem in missing(one, other, key(one))]


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_no_field_of_a_span_is_lost(coldtrail: Coldtrail, protocol: str) -> None:
    memory = InMemorySpanExporter()
    limits = SpanLimits(max_span_attributes=20, max_events=2, max_links=2, max_event_attributes=2, max_link_attributes=2)
    provider = TracerProvider(resource=RESOURCE, span_limits=limits, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    provider.add_span_processor(SimpleSpanProcessor(exporter(coldtrail, protocol, HttpSpans, GrpcSpans, "traces")))
    tracer = provider.get_tracer("tests", "1.2", schema_url="https://example.com/scope", attributes={"scope": "yes", "n": 1})
    trace_id = int.from_bytes(os.urandom(16), "big")
    remote = SpanContext(trace_id, 0x0123456789ABCDEF, True, TraceFlags(1), TraceState([("vendor", "a/b:c"), ("other", "1")]))
    elsewhere = [SpanContext(int.from_bytes(os.urandom(16), "big"), 0x77 + n, bool(n), TraceFlags(n), TraceState([("linked", str(n))])) for n in range(3)]
    above = trace.set_span_in_context(trace.NonRecordingSpan(remote))
    links = [Link(one, {"why": "retry", "n": number, "raw": b"\xfe"}) for number, one in enumerate(elsewhere)]
    with tracer.start_as_current_span("outer", above, SpanKind.CONSUMER, attributes=RICH, links=links) as outer:
        for number in range(3):
            outer.add_event(f"step {number}", {"percent": number, "list": [number], "dropped": 1}, timestamp=time.time_ns() - 10**9 + number)
        for number in range(5):
            outer.set_attribute(f"past the limit {number}", number)
        with tracer.start_as_current_span("inner", kind=SpanKind.CLIENT) as inner:
            inner.record_exception(ValueError("broken"))
            inner.set_status(Status(StatusCode.ERROR, "it failed"))
        for kind in (SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.PRODUCER):
            with tracer.start_as_current_span(kind.name, kind=kind) as one:
                one.set_status(StatusCode.OK)
    provider.shutdown()

    told = items(encode_spans(memory.get_finished_spans()))
    got = coldtrail.eventually("/spans", lambda answer: len(answer["spans"]) == 5, trace_id=f"{trace_id:032x}")["spans"]
    assert lost(told, got, lambda one: one["name"]) == []
    whole = next(one for one in got if one["name"] == "outer")
    assert [whole[f"dropped_{name}_count"] for name in ("attributes", "events", "links")] == [len(RICH) + 5 - 20, 1, 1]
    assert (whole["trace_state"], whole["parent_span_id"], whole["flags"]) == ("vendor=a/b:c,other=1", "0123456789abcdef", 0x300)
    assert whole["links"][-1]["dropped_attributes_count"] == whole["events"][-1]["dropped_attributes_count"] == 1


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_no_field_of_a_log_record_is_lost(coldtrail: Coldtrail, protocol: str) -> None:
    memory = InMemoryLogRecordExporter()
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter(coldtrail, protocol, HttpLogs, GrpcLogs, "logs")))
    logger = provider.get_logger("tests.logs", "3.4", "https://example.com/logs", attributes={"scope": True})
    trace_id, start_ns = int.from_bytes(os.urandom(16), "big"), time.time_ns()
    bodies = ["a line\nand another", "", None, 17, -0.5, True, b"\xff\xfe", ["list", {"of": 1}], {"event": "sold", "items": [{"id": "a"}, {"id": b"\x01"}]}]
    for number, body in enumerate(bodies):
        logger.emit(LogRecord(
            timestamp=start_ns + number, observed_timestamp=start_ns + 1_000_000 + number, trace_id=trace_id, span_id=number + 1, trace_flags=TraceFlags(number % 2),
            severity_text=f"Level{number}", severity_number=SeverityNumber(number * 2 + 1), body=body, attributes={**RICH, "number": number}, event_name=f"event.{number}",
        ))
    provider.shutdown()

    told = items(encode_logs(memory.get_finished_logs()))
    got = coldtrail.eventually("/logs", lambda answer: len(answer["logs"]) == len(bodies), trace_id=f"{trace_id:032x}")["logs"]
    assert lost(told, got, lambda one: one["event_name"]) == []
    assert [one["time_unix_nano"] for one in got] == [start_ns + number for number in range(len(bodies))]


def test_records_that_differ_in_one_attribute_are_all_kept(coldtrail: Coldtrail) -> None:
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter(coldtrail, "http", HttpLogs, GrpcLogs, "logs")))
    trace_id, now_ns = int.from_bytes(os.urandom(16), "big"), time.time_ns()
    for number in range(3):
        provider.get_logger("tests").emit(LogRecord(timestamp=now_ns, trace_id=trace_id, span_id=1, trace_flags=TraceFlags(1), body="tick", attributes={"number": number}))
    provider.shutdown()
    got = coldtrail.eventually("/logs", lambda answer: len(answer["logs"]) == 3, trace_id=f"{trace_id:032x}")["logs"]
    assert sorted(one["attributes"]["number"] for one in got) == [0, 1, 2]


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_every_kind_of_metric_is_stored(coldtrail: Coldtrail, protocol: str) -> None:
    reader = InMemoryMetricReader()
    views = [View(instrument_name="exponential", aggregation=ExponentialBucketHistogramAggregation())]
    provider = MeterProvider([reader], RESOURCE, views=views, shutdown_on_exit=False)
    meter = provider.get_meter("tests.metrics", "1")
    meter.create_gauge("gauge", "1", "a level").set(-2.5, {"color": "red"})
    meter.create_counter("counter", "By").add(2**62, {"color": "blue"})
    meter.create_up_down_counter("queue").add(-3)
    for name in ("histogram", "exponential"):
        for value in (0.0, 1.5, 250.0):
            meter.create_histogram(name, "ms").record(value, {"route": "/x"})
    data = reader.get_metrics_data()
    summary = ExportMetricsServiceRequest()
    point = summary.resource_metrics.add().scope_metrics.add().metrics.add(name="summary", unit="s").summary.data_points.add(count=3, sum=9.5, time_unix_nano=time.time_ns())
    point.quantile_values.add(quantile=0.5, value=3.0)

    coldtrail.settle()
    before = coldtrail.api("/received")["metrics"]
    before_health = coldtrail.api("/health")
    exporting = exporter(coldtrail, protocol, HttpMetrics, GrpcMetrics, "metrics")
    exporting.export(data)
    exporting.shutdown()
    assert coldtrail.post("/v1/metrics", summary.SerializeToString()).status_code == 200
    sent = 1 + sum(len(getattr(one, one.WhichOneof("data")).data_points) for group in encode_metrics(data).resource_metrics for scope in group.scope_metrics for one in scope.metrics)
    assert (sent, coldtrail.api("/received")["metrics"] - before) == (6, sent)
    coldtrail.eventually("/health", lambda answer: answer["store"]["metric_points"] >= before_health["store"]["metric_points"] + sent)
    assert coldtrail.api("/health")["wal"]["quarantined"] == before_health["wal"]["quarantined"]
