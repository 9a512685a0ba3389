"""The Metrics screen: from the list to a chart, to another grouping, to an exemplar's trail."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from playwright.sync_api import Page, expect

from coldtrail.receivers.attributes import key_value
from otlp import span, traces
from running import Coldtrail, serving

TRACE = os.urandom(16)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    with serving(tmp_path_factory.mktemp("metrics-screen") / "data") as running:
        at_ns = time.time_ns() - 120 * 10**9
        request = ExportMetricsServiceRequest()
        group = request.resource_metrics.add()
        group.resource.attributes.append(key_value("service.name", "basket"))
        metric = group.scope_metrics.add().metrics.add(name="basket.checkout.duration", unit="s", description="How long a checkout took")
        metric.histogram.aggregation_temporality = 1
        for route, slow in (("/buy", 0), ("/gift", 10)):
            point = metric.histogram.data_points.add(time_unix_nano=at_ns, count=10, sum=2.0 + slow, bucket_counts=[10 - slow, slow], explicit_bounds=[0.5], min=0.1, max=0.4 + slow)
            point.attributes.append(key_value("http.route", route))
        metric.histogram.data_points[1].exemplars.add(time_unix_nano=at_ns, as_double=9.5, trace_id=TRACE, span_id=os.urandom(8))
        assert running.post("/v1/metrics", request.SerializeToString()).status_code == 200
        assert running.post("/v1/traces", traces(span("checkout", service="basket", trace_id=TRACE, kind=2, start_ns=at_ns))).status_code == 200
        running.eventually("/metrics", lambda answer: len(answer["metrics"]) == 1)
        running.eventually(f"/trails/{TRACE.hex()}", lambda answer: bool(answer.get("nodes")))
        yield running


def test_from_the_list_to_a_chart_to_the_trail_of_its_greatest_value(page: Page, measured: Coldtrail) -> None:
    page.goto(f"{measured.url}/overview")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("x")
    expect(page.get_by_role("heading", name="Metrics", level=1)).to_be_visible()
    page.get_by_role("link", name="basket.checkout.duration").click()
    expect(page.get_by_role("img", name="avg of basket.checkout.duration over time")).to_be_visible()
    page.get_by_label("By", exact=True).select_option("http.route")
    page.get_by_label("Statistic").select_option("max")
    expect(page.get_by_role("img", name="max of basket.checkout.duration over time: /gift, /buy")).to_be_visible()
    gift = page.get_by_role("row", name="/gift")
    expect(gift).to_contain_text("10.4")
    page.get_by_label("Only where").fill("http.route=/buy")
    expect(gift).to_have_count(0)
    page.reload()
    expect(page.get_by_label("Only where")).to_have_value("http.route=/buy")
    page.get_by_label("Only where").fill("")
    page.get_by_role("link", name="9.5").click()
    expect(page).to_have_url(re.compile(TRACE.hex()))


def test_a_name_that_no_metric_has_says_so(page: Page, measured: Coldtrail) -> None:
    page.goto(f"{measured.url}/metrics?q=nonsense")
    expect(page.get_by_text("No metrics pass the filter")).to_be_visible()
    page.get_by_role("button", name="Clear the filter").click()
    expect(page.get_by_role("link", name="basket.checkout.duration")).to_be_visible()
