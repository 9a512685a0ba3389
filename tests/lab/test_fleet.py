"""A fleet is plausible, the same for the same seed, and bounded in memory."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from bench.reconstruction.recording import Relay
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from coldtrail_lab.fleet import Body, Fleet, send
from coldtrail_lab.fleet.send import MOST_WAITING, SENDERS, Refused
from running import Coldtrail, serving

UNTIL_NS = 1_795_258_800_000_000_000
HOUR_NS = 3_600 * 10**9


def fleet(**more: Any) -> Fleet:
    return Fleet(**{"functions": 200, "spans": 9_000, "metric_points": 6_000, "until_ns": UNTIL_NS, **more})


@pytest.fixture(scope="module")
def coldtrail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    """A server that only fleets are sent to."""
    with serving(tmp_path_factory.mktemp("fleet") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def bodies() -> list[Body]:
    return list(fleet().bodies())


def spans_in(bodies: list[Body]) -> list[tuple[str, Span]]:
    requests = [ExportTraceServiceRequest.FromString(body.data) for body in bodies if body.path == "/v1/traces"]
    groups = [group for request in requests for group in request.resource_spans]
    return [(attribute(group.resource, "service.name"), span) for group in groups for scope in group.scope_spans for span in scope.spans]


def attribute(item: Any, name: str) -> Any:
    for pair in item.attributes:
        if pair.key == name:
            return getattr(pair.value, pair.value.WhichOneof("value"))
    return None


def test_the_same_seed_and_time_give_the_same_bytes_and_another_seed_does_not(bodies: list[Body]) -> None:
    assert [(body.path, body.data, body.items) for body in bodies] == [(body.path, body.data, body.items) for body in fleet().bodies()]
    others = {body.data for body in fleet(seed=8).bodies()}
    assert not others & {body.data for body in bodies}


def test_there_is_as_much_as_was_asked_for_and_every_function_takes_part(bodies: list[Body]) -> None:
    spans = spans_in(bodies)
    assert len(spans) == sum(body.items for body in bodies if body.path == "/v1/traces")
    assert 9_000 <= len(spans) < 9_100
    functions = {attribute(span, "faas.invoked_name") for _, span in spans} - {None}
    assert len(functions) == 200
    assert len({service for service, _ in spans}) == 200 + 20
    assert [body.at_ns for body in bodies] == sorted(body.at_ns for body in bodies)
    assert all(UNTIL_NS - HOUR_NS <= span.start_time_unix_nano <= span.end_time_unix_nano < UNTIL_NS for _, span in spans)


def test_causes_come_before_their_effects_and_are_named(bodies: list[Body]) -> None:
    spans = [span for _, span in spans_in(bodies)]
    by_id = {(span.trace_id, span.span_id): span for span in spans}
    assert len(by_id) == len(spans)
    for span in spans:
        if span.parent_span_id:
            parent = by_id[span.trace_id, span.parent_span_id]
            assert parent.start_time_unix_nano <= span.start_time_unix_nano
            assert span.end_time_unix_nano <= parent.end_time_unix_nano
        for link in span.links:
            sender = by_id[link.trace_id, link.span_id]
            assert sender.kind == Span.SPAN_KIND_PRODUCER
            assert sender.end_time_unix_nano <= span.start_time_unix_nano
            carrier = attribute(span, "messaging.system")
            name = {"aws_sqs": "messaging.message.id", "aws_eventbridge": "aws.eventbridge.event_id", "aws_kinesis": "aws.kinesis.sequence_number"}[carrier]
            assert attribute(span, name) == attribute(sender, name) is not None
    assert sum(len(span.links) for span in spans) > 1_000


def test_every_invocation_has_its_report_line_and_no_other(bodies: list[Body]) -> None:
    requests = [ExportLogsServiceRequest.FromString(body.data) for body in bodies if body.path == "/v1/logs"]
    lines = [record for request in requests for group in request.resource_logs for scope in group.scope_logs for record in scope.log_records]
    ran = {attribute(span, "faas.invocation_id"): span for _, span in spans_in(bodies) if attribute(span, "faas.invocation_id")}
    assert Counter(attribute(line, "faas.invocation_id") for line in lines) == Counter(list(ran))
    cold = 0
    for line in lines:
        span = ran[attribute(line, "faas.invocation_id")]
        duration_ms = attribute(line, "aws.lambda.duration_ms")
        assert duration_ms == pytest.approx((span.end_time_unix_nano - span.start_time_unix_nano) / 1e6, abs=0.001)
        init_ms = attribute(line, "aws.lambda.init_duration_ms") or 0.0
        assert 0 <= attribute(line, "aws.lambda.billed_duration_ms") - duration_ms - init_ms < 1
        assert attribute(line, "faas.coldstart") == attribute(span, "faas.coldstart") == (init_ms > 0)
        assert (attribute(line, "aws.lambda.status") == "error") == (span.status.code == 2)
        assert line.body.string_value.startswith(f"REPORT RequestId: {attribute(line, 'faas.invocation_id')}\tDuration: ")
        cold += init_ms > 0
    assert 0 < cold < len(lines) / 10


def test_metric_points_are_of_every_kind_and_evenly_spread(bodies: list[Body]) -> None:
    requests = [ExportMetricsServiceRequest.FromString(body.data) for body in bodies if body.path == "/v1/metrics"]
    metrics = [metric for request in requests for group in request.resource_metrics for scope in group.scope_metrics for metric in scope.metrics]
    kinds = Counter(metric.WhichOneof("data") for metric in metrics)
    assert set(kinds) == {"summary", "histogram", "sum", "gauge"}
    points = [point for metric in metrics for point in getattr(metric, metric.WhichOneof("data")).data_points]
    assert 6_000 <= len(points) < 6_000 + len(metrics)
    assert len({point.time_unix_nano for point in points}) > 1
    assert all(UNTIL_NS - HOUR_NS < point.time_unix_nano <= UNTIL_NS for point in points)
    shown = next(metric for metric in metrics if metric.name == "amazonaws.com/AWS/Lambda/Duration").summary.data_points[0]
    least, most = (quantile.value for quantile in shown.quantile_values)
    assert 0 < least * shown.count < shown.sum < most * shown.count
    histogram = next(metric for metric in metrics if metric.WhichOneof("data") == "histogram").histogram.data_points[0]
    assert sum(histogram.bucket_counts) == histogram.count
    assert len(histogram.bucket_counts) == len(histogram.explicit_bounds) + 1


def test_without_ids_only_traces_and_links_join() -> None:
    bodies = list(fleet(ids=0.0, metric_points=0).bodies())
    assert {body.path for body in bodies} == {"/v1/traces"}
    names = {pair.key for _, span in spans_in(bodies) for pair in span.attributes}
    assert not names & {"faas.invocation_id", "messaging.message.id", "aws.eventbridge.event_id", "aws.kinesis.sequence_number"}


def test_no_more_is_made_than_the_receiver_takes() -> None:
    with Relay() as relay:
        made, most = 0, 0
        gate = threading.Event()

        def counted() -> Iterator[Body]:
            nonlocal made, most
            for body in fleet(metric_points=0).bodies():
                made += 1
                most = max(most, made - len(relay.deliveries))
                if made == 3:
                    threading.Timer(0.3, gate.set).start()
                yield body

        take = relay._take
        relay._take = lambda path, body: (gate.wait(20), take(path, body))[1]
        sent = send(counted(), relay.url)
    assert sent.bodies == made == len(relay.deliveries)
    assert most <= MOST_WAITING + SENDERS
    assert sent.items["/v1/traces"] >= 9_000


def test_a_receiver_that_refuses_is_named(coldtrail: Coldtrail) -> None:
    with pytest.raises(Refused, match="/v1/traces answered 4"):
        send([Body(0, "/v1/traces", b"\xff\xff", 1)], coldtrail.otlp_http)


def test_coldtrail_takes_a_fleet_and_tells_its_trails(coldtrail: Coldtrail) -> None:
    small = Fleet(functions=20, spans=600, metric_points=300, over_s=600)
    sent = send(small.bodies(), coldtrail.otlp_http)
    spans = spans_in(list(small.bodies()))
    taken = next(span for service, span in spans if service == "accounts-project" and span.links)

    def joined(found: dict[str, Any]) -> bool:
        return {"accounts-api", "accounts-accept", "accounts-project"} <= {node["service"] for node in found["nodes"]}

    trail = coldtrail.eventually(f"/trails/{attribute(taken, 'faas.invocation_id')}", joined)
    assert any(edge["kind"] == "delivers" for edge in trail["edges"])
    counts = Counter(service for service, span in spans if attribute(span, "faas.invoked_name"))
    coldtrail.eventually("/functions/accounts-get", lambda page: page["summary"]["count"] == counts["accounts-get"] and page["summary"]["billed_ms"])
    assert sent.items["/v1/traces"] == len(spans)


def test_the_command_says_how_fast_it_was() -> None:
    began = time.monotonic()
    command = [sys.executable, "-m", "coldtrail_lab", "fleet", "--dry-run", "--functions", "20", "--spans", "2000", "--metric-points", "500", "--over", "10m"]
    said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert said["spans"] >= 2_000
    assert said["metric_points"] >= 500
    assert said["lines"] > 500
    assert 0 < said["seconds"] < time.monotonic() - began
    assert said["items_per_s"] > 0
