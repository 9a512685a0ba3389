"""The Prometheus query API, read by its real client, says what the page's API says."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from metric_points import gauge
from otlp import span, traces
from running import HTTP, Coldtrail, serving

START_S = int(time.time()) // 60 * 60 - 1800
"""A whole minute, half an hour ago: what is sent below lies after it."""


@pytest.fixture(scope="module")
def coldtrail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    with serving(tmp_path_factory.mktemp("prometheus") / "data") as running:
        send(running)
        yield running


def send(coldtrail: Coldtrail) -> None:
    spans = [
        span("GET", service=service, kind=2, start_ns=(START_S + 60 * minute + 1) * 10**9, duration_ms=float(10 + number), attributes={"http.route": "/a"}, error="Broken" if number % 10 == 0 else None)
        for service, many in (("web", 60), ("api", 30))
        for minute in range(5)
        for number in range(many)
    ]
    assert coldtrail.post("/v1/traces", traces(*spans)).status_code == 200
    points = [({"pool": pool}, START_S + 60 * minute, value + minute) for pool, value in (("a", 10.0), ("b", 20.0)) for minute in range(5)]
    assert coldtrail.post("/v1/metrics", gauge("pool.size", points, service="web", unit="{connection}")).status_code == 200
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=f"{coldtrail.otlp_http}/v1/metrics"), export_interval_millis=3_600_000)
    counting = MeterProvider([reader], resource=Resource.create({"service.name": "shop"}))
    counter, histogram = (counting.get_meter("shop").create_counter("orders", unit="{order}"), counting.get_meter("shop").create_histogram("latency", unit="ms"))
    for number in range(200):
        counter.add(1, {"route": "/buy" if number % 4 else "/return"})
        histogram.record(number, {"route": "/buy"})
    counting.shutdown()
    coldtrail.eventually("/red", lambda answer: sum(one["count"] for one in answer["groups"]) == 450, since=str(START_S), until=str(START_S + 600))
    for name, stat, total in (("orders", "sum", 200), ("latency", "count", 200), ("pool.size", "count", 10)):
        coldtrail.eventually(f"/metrics/{name}", lambda answer, total=total: sum(point["value"] for one in answer["series"] for point in one["points"]) == total, stat=stat)


def ask(coldtrail: Coldtrail, path: str, **params: Any) -> Any:
    answer = HTTP.get(f"{coldtrail.url}/prometheus/api/v1/{path}", params=params, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def value_of(coldtrail: Coldtrail, query: str, at_s: float | None = None) -> dict[tuple[str, ...], float]:
    params = {"query": query, **({"time": at_s} if at_s else {})}
    return {tuple(value for key, value in sorted(one["metric"].items()) if key != "__name__"): float(one["value"][1]) for one in ask(coldtrail, "query", **params)["result"]}


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool, of Debian's package prometheus, is not installed")
def test_promtool_reads_the_figures_of_the_page(coldtrail: Coldtrail) -> None:
    def promtool(*command: str) -> str:
        done = subprocess.run(["promtool", "query", *command], capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, done.stderr
        return done.stdout

    url, until_s = f"{coldtrail.url}/prometheus", START_S + 300
    red = coldtrail.api("/red", since=str(START_S), until=str(until_s), step="60s")["groups"]
    page = {one["name"]: [point["count"] for point in one["points"]] for one in red}
    query = 'sum by (service) (increase(coldtrail_requests_total{group="service"}[1m]))'
    told = promtool("range", url, query, "--start", str(START_S + 60), "--end", str(until_s), "--step", "60s")
    found = {name: [int(one) for one in re.findall(r"(?m)^(\d+) @", values)] for name, values in re.findall(r'\{service="(\w+)"\} =>\n((?:\d+ @.*\n?)+)', told)}
    assert found == page == {"web": [60] * 5, "api": [30] * 5}
    errors = promtool("instant", url, f'increase(coldtrail_errors_total{{service="web"}}[5m] @ {until_s})')
    assert re.search(r"=> 30 @", errors)
    assert promtool("series", url, "--match", "pool_size", "--start", str(START_S), "--end", str(until_s)).count('pool="') == 2
    assert promtool("labels", url, "pool").split() == ["a", "b"]
    series = coldtrail.api("/metrics/pool.size", stat="avg", by="pool", since=str(START_S), until=str(until_s), step="60s")["series"]
    for line in series:
        shown = promtool("range", url, f'pool_size{{pool="{line["labels"]["pool"]}"}}', "--start", str(START_S), "--end", str(until_s - 60), "--step", "60s")
        assert [float(one) for one in re.findall(r"(?m)^(\S+) @", shown)] == [point["value"] for point in line["points"]]


def test_percentiles_agree_with_the_page_within_two_percent(coldtrail: Coldtrail) -> None:
    at_s = START_S + 300
    page = {one["name"]: one["p95_ms"] for one in coldtrail.api("/red", since=str(START_S), until=str(at_s), step="60s")["groups"]}
    query = 'histogram_quantile(0.95, sum by (le, service) (rate(coldtrail_duration_milliseconds_bucket{group="service"}[5m])))'
    assert value_of(coldtrail, query, at_s) == {(name,): pytest.approx(p95, rel=0.02) for name, p95 in page.items()}
    (point,) = coldtrail.api("/metrics/latency", stat="p50", step="1d")["series"][0]["points"]
    found = value_of(coldtrail, "histogram_quantile(0.5, sum by (le) (increase(latency_milliseconds_bucket[1h])))")
    assert found == {(): pytest.approx(point["value"], rel=0.02)}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("sum by (route) (orders_total)", {("/buy",): 150, ("/return",): 50}),
        ("sum by (route) (increase(orders_total[1h]))", {("/buy",): 150, ("/return",): 50}),
        ('orders_total{route=~"/b.*"} / on (job) group_left sum by (job) (orders_total)', {0.75}),
        ("sum without (pool) (pool_size @ AT)", {38}),
        ("max_over_time(pool_size{pool='a'}[10m] @ AT)", {14}),
        ("avg_over_time(pool_size{pool='a'}[10m] @ AT offset -1m)", {12}),
        ("topk(1, pool_size @ AT)", {24}),
        ("pool_size @ AT > 20", {24}),
        ("pool_size @ AT > bool 20", {0, 1}),
        ("count(pool_size @ AT unless pool_size{pool='a'} @ AT)", {1}),
        ("max_over_time(sum(pool_size)[10m:1m] @ AT)", {38}),
        ("clamp_max(pool_size @ AT, 15) + 1", {15, 16}),
        ("absent(pool_size{pool='c'})", {1}),
        ("scalar(sum(pool_size @ AT)) * vector(2)", {76}),
        ("latency_milliseconds_count", {200}),
        ("latency_milliseconds_sum / latency_milliseconds_count", {99.5}),
        ("sum(increase(coldtrail_requests_total{group='function'}[1h]))", set()),
    ],
)
def test_expressions_are_worth_what_prometheus_says(coldtrail: Coldtrail, query: str, expected: Any) -> None:
    found = value_of(coldtrail, query.replace("AT", str(START_S + 270)))
    if isinstance(expected, set):
        assert sorted(set(found.values())) == pytest.approx(sorted(expected))
    else:
        assert found == expected


def test_what_grafana_asks_is_answered(coldtrail: Coldtrail) -> None:
    url = f"{coldtrail.url}/prometheus/api/v1"
    posted = HTTP.post(f"{url}/query", data={"query": "1+1", "time": "1000.5"}).json()
    assert posted == {"status": "success", "data": {"resultType": "scalar", "result": [1000.5, "2"]}}
    assert {"pool", "job", "route", "service", "group"} <= set(ask(coldtrail, "labels"))
    assert ask(coldtrail, "label/route/values", **{"match[]": "orders_total"}) == ["/buy", "/return"]
    assert "pool_size" in ask(coldtrail, "label/__name__/values")
    told = ask(coldtrail, "metadata")
    assert (told["orders_total"][0]["type"], told["latency_milliseconds"][0]["type"], told["pool_size"][0]["type"]) == ("counter", "histogram", "gauge")
    assert ask(coldtrail, "status/buildinfo")["version"].startswith("2.")
    ranged = ask(coldtrail, "query_range", query="sum(pool_size)", start=START_S, end=START_S + 240, step="1m")
    assert ranged == {"resultType": "matrix", "result": [{"metric": {}, "values": [[START_S + 60.0 * minute, str(30 + 2 * minute)] for minute in range(5)]}]}


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("query", {"query": "rate("}),
        ("query", {}),
        ("query", {"query": "pool_size", "time": "yesterday"}),
        ("query", {"query": "rate(pool_size)"}),
        ("query", {"query": "count_values('a', pool_size)"}),
        ("query", {"query": "label_replace(pool_size, 'a', '$1', 'pool', '(')"}),
        ("query", {"query": "pool_size + on (job) pool_size @ 1795239132"}),
        ("query_range", {"query": "1", "start": "0", "end": "100000", "step": "1"}),
        ("query_range", {"query": "1", "start": "10", "end": "0", "step": "1"}),
        ("query_range", {"query": "1", "start": "0", "end": "10", "step": "0"}),
        ("series", {}),
        ("series", {"match[]": "sum(a)"}),
    ],
)
def test_what_cannot_be_answered_is_refused_as_prometheus_refuses(coldtrail: Coldtrail, path: str, params: dict[str, str]) -> None:
    if "@ 1795239132" in str(params):
        params = {"query": params["query"].replace("pool_size @ 1795239132", f"pool_size @ {START_S + 240}").replace("pool_size +", f"pool_size @ {START_S + 240} +")}
    answer = HTTP.get(f"{coldtrail.url}/prometheus/api/v1/{path}", params=params)
    assert (answer.status_code, answer.json()["status"], answer.json()["errorType"]) == (400, "error", "bad_data")
