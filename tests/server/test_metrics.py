"""Metrics from the real SDK, over HTTP and gRPC, to the API's charts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from metric_points import gauge
from running import Coldtrail, serving


@pytest.fixture(scope="module")
def coldtrail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    with serving(tmp_path_factory.mktemp("metrics") / "data") as running:
        yield running


def provider(coldtrail: Coldtrail, protocol: str, service: str, *, delta: bool = False, views: tuple[View, ...] = ()) -> MeterProvider:
    preferred = dict.fromkeys((Counter, Histogram), AggregationTemporality.DELTA) if delta else {}
    if protocol == "grpc":
        exporter: Any = GrpcMetrics(endpoint=f"http://{coldtrail.otlp_grpc}", insecure=True, preferred_temporality=preferred)
    else:
        exporter = HttpMetrics(endpoint=f"{coldtrail.otlp_http}/v1/metrics", preferred_temporality=preferred)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    return MeterProvider([reader], resource=Resource.create({"service.name": service, "cloud.region": "eu-west-1"}), views=views)


def values(chart: dict[str, Any]) -> dict[tuple[str, ...], float]:
    """Each line's sum over the range."""
    return {tuple(line["labels"].values()): sum(point["value"] for point in line["points"]) for line in chart["series"]}


@pytest.mark.parametrize("protocol", ["http", "grpc"])
@pytest.mark.parametrize("delta", [False, True], ids=["cumulative", "delta"])
def test_a_counter_counts_the_same_in_both_temporalities(coldtrail: Coldtrail, protocol: str, delta: bool) -> None:
    name = f"orders.{protocol}.{delta}".lower()
    counting = provider(coldtrail, protocol, "shop", delta=delta)
    counter = counting.get_meter("shop").create_counter(name, unit="{order}", description="orders taken")
    for amount in (3, 4, 5):
        counter.add(amount, {"route": "/buy"})
        counter.add(1, {"route": "/return"})
        assert counting.force_flush()
    counting.shutdown()
    good = {("/buy",): 12.0, ("/return",): 3.0}
    chart = coldtrail.eventually(f"/metrics/{name}", lambda answer: values(answer) == good, stat="sum", by="route", since="now-10m", step="60s")
    assert (chart["kind"], chart["unit"], chart["description"]) == ("sum", "{order}", "orders taken")
    coldtrail.eventually(f"/metrics/{name}", lambda answer: values(answer) == {("shop",): 12.0}, stat="sum", by="service", filter="route=/buy")
    coldtrail.eventually("/metrics", lambda answer: [(one["name"], one["kind"], one["series_count"]) for one in answer["metrics"]] == [(name, "sum", 2)], q=name, service="shop")
    assert coldtrail.api("/metrics", q=name, service="another")["metrics"] == []


@pytest.mark.parametrize("protocol", ["http", "grpc"])
@pytest.mark.parametrize("exponential", [False, True], ids=["explicit", "exponential"])
def test_percentiles_come_from_merged_histograms_and_an_exemplar_leads_to_its_trace(coldtrail: Coldtrail, protocol: str, exponential: bool) -> None:
    name = f"latency.{protocol}.{exponential}".lower()
    views = (View(instrument_name=name, aggregation=ExponentialBucketHistogramAggregation()),) if exponential else ()
    expected = None
    tracer = TracerProvider().get_tracer("tests")
    for service, durations in (("fast", range(1, 100)), ("slow", range(1000, 1100))):
        measuring = provider(coldtrail, protocol, service, views=views)
        histogram = measuring.get_meter("tests").create_histogram(name, unit="ms")
        with tracer.start_as_current_span("measured") as span:
            expected = span.get_span_context()
            for duration in durations:
                histogram.record(duration, {"route": "/a"}, trace.set_span_in_context(span))
        measuring.shutdown()

    def p99(answer: dict[str, Any]) -> dict[str, float]:
        return {line["labels"].get("service", ""): line["points"][-1]["value"] for line in answer["series"]}

    labels = {"cloud.region": 1, "route": 1, "service": 2, "service.name": 2, "service.instance.id": 1}

    def merged(answer: dict[str, Any]) -> bool:
        return values(answer) == {(): 199.0} and {one["name"]: one["value_count"] for one in answer["labels"]} == labels

    # Steps of a day: between the two services no shorter one may end.
    coldtrail.eventually(f"/metrics/{name}", merged, stat="count", step="1d")
    split = p99(coldtrail.api(f"/metrics/{name}", stat="p99", by="service", step="1d"))
    whole = p99(coldtrail.api(f"/metrics/{name}", stat="p50", step="1d"))
    # Half of all took less than 100 ms; an average of the two medians would say 550.
    assert 75 <= whole[""] <= 1010
    assert 75 <= split["fast"] <= 100
    assert 1000 <= split["slow"] <= 1100
    exemplars = coldtrail.eventually(f"/metrics/{name}", lambda answer: answer["exemplars"], stat="p99", step="1d")["exemplars"]
    assert [(one["trace_id"], one["span_id"]) for one in exemplars] == [(f"{expected.trace_id:032x}", f"{expected.span_id:016x}")]
    assert exemplars[0]["labels"]["service.name"] == "slow"


def test_a_gauge_is_averaged_and_summed_over_series_not_over_samples(coldtrail: Coldtrail) -> None:
    step_s = int(time.time()) // 600 * 600 - 600
    body = gauge("pool.size", [({"pool": "a"}, step_s + 10, 10.0), ({"pool": "a"}, step_s + 20, 20.0), ({"pool": "b"}, step_s + 20, 5.0)])
    assert coldtrail.post("/v1/metrics", body).status_code == 200
    good = coldtrail.eventually("/metrics/pool.size", lambda answer: values(answer) == {(): 20.0}, stat="sum", step="10m")
    assert good["kind"] == "gauge"
    coldtrail.eventually("/metrics/pool.size", lambda answer: values(answer) == {("a",): 20.0, ("b",): 5.0}, stat="max", by="pool", step="10m")
    refused = coldtrail.get("/metrics/pool.size", stat="rate")
    assert refused.status_code == 400
    assert "gauge" in refused.json()["detail"]


def test_a_histogram_of_one_point_is_answered_and_buckets_that_do_not_fit_are_refused(coldtrail: Coldtrail) -> None:
    request, now_ns = ExportMetricsServiceRequest(), time.time_ns()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    odd: dict[str, tuple[int, list[int], list[float], float]] = {
        "histogram.one": (2, [1, 2, 2], [1.0, 2.0], 7.0),
        "histogram.shuffled": (1, [1, 1, 1, 2], [3.0, 1.0, 2.0], 7.0),
        "histogram.nan": (1, [1, 1, 3], [1.0, 2.0], float("nan")),
        "histogram.bare": (1, [], [], 7.0),
    }
    for name, (temporality, buckets, bounds, total) in odd.items():
        histogram = metrics.add(name=name).histogram
        histogram.aggregation_temporality = temporality
        histogram.data_points.add(time_unix_nano=now_ns, count=5, sum=total, bucket_counts=buckets, explicit_bounds=bounds)
    for buckets, bounds in (([1, 1, 1, 1, 1], [1.0]), ([], [1.0]), ([2, 3], [])):
        histogram = metrics.add(name="histogram.unfit").histogram
        histogram.data_points.add(time_unix_nano=now_ns, count=5, sum=7.0, bucket_counts=buckets, explicit_bounds=bounds)
    told = ExportMetricsServiceResponse.FromString(coldtrail.post("/v1/metrics", request.SerializeToString()).content).partial_success
    assert (told.rejected_data_points, told.error_message) == (3, "3 x bucket_counts must be one more than explicit_bounds")
    coldtrail.eventually("/metrics", lambda answer: {one["name"] for one in answer["metrics"]} == odd.keys(), q="histogram.")
    for name, (temporality, _, _, total) in odd.items():
        for stat in ("avg", "sum", "count", "min", "max", "rate", "p50", "p99"):
            answer = coldtrail.get(f"/metrics/{name}", stat=stat)
            assert answer.status_code == 200, (name, stat, answer.text)
            if stat == "sum" and temporality == 1 and total == total:
                assert values(answer.json()) == {(): 7.0}, name


def test_what_is_not_there_or_cannot_be_asked_is_said(coldtrail: Coldtrail) -> None:
    assert coldtrail.get("/metrics/no.such.metric").status_code == 404
    assert coldtrail.get("/metrics/no.such.metric", stat="p98").status_code == 400
    assert coldtrail.get("/metrics/no.such.metric", filter="nonsense").status_code == 400
    assert coldtrail.get("/metrics", limit=0).status_code == 400
