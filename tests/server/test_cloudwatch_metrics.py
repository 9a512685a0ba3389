"""CloudWatch's metrics, from a Firehose delivery, an EMF line or a Telemetry API batch, to the API's charts."""

from __future__ import annotations

import base64
import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from running import Coldtrail, serving, wait_for

JSON = "application/json"
NOW_S = int(time.time())
MINUTE_S = NOW_S // 60 * 60 - 300


@pytest.fixture(scope="module")
def coldtrail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    with serving(tmp_path_factory.mktemp("cloudwatch-metrics") / "data") as running:
        yield running


def deliver(coldtrail: Coldtrail, *records: bytes) -> None:
    body = {"requestId": "r1", "timestamp": NOW_S * 1000, "records": [{"data": base64.b64encode(one).decode()} for one in records]}
    assert coldtrail.post("/aws/firehose", json.dumps(body).encode(), JSON).json()["requestId"] == "r1"


def chart(coldtrail: Coldtrail, name: str, **params: Any) -> dict[tuple[str, ...], list[float]]:
    answer = coldtrail.get(f"/metrics/{name}", since=str(MINUTE_S), until=str(MINUTE_S + 180), step="60s", **params)
    return {tuple(one["labels"].values()): [point["value"] for point in one["points"]] for one in answer.json().get("series", [])}


def test_a_metric_stream_is_charted_minute_by_minute_as_cloudwatch_does(coldtrail: Coldtrail) -> None:
    def point(function: str, minute: int, **value: float) -> dict[str, Any]:
        told = {"metric_stream_name": "s", "account_id": "123456789012", "region": "eu-west-1", "namespace": "AWS/Lambda", "metric_name": "Duration"}
        return {**told, "dimensions": {"FunctionName": function}, "timestamp": (MINUTE_S + 60 * minute) * 1000, "value": value, "unit": "Milliseconds"}

    lines = [
        point("checkout", 0, count=10, sum=1000, min=50, max=300, p99=290),
        point("checkout", 1, count=30, sum=1500, min=20, max=400, p99=350),
        point("refund", 1, count=10, sum=500, min=10, max=90, p99=80),
    ]
    record = "\n".join(map(json.dumps, lines)).encode()
    deliver(coldtrail, record)
    name = "amazonaws.com/AWS/Lambda/Duration"
    averages = {("checkout",): [100.0, 50.0], ("refund",): [50.0]}
    wait_for(lambda: chart(coldtrail, name, stat="avg", by="FunctionName"), lambda found: found == averages)
    coldtrail.eventually("/metrics", lambda answer: any(one["name"] == name and one["series_count"] == 2 for one in answer["metrics"]))
    # Sent again, as Firehose does when an answer was lost.
    deliver(coldtrail, record, b"not a record")
    coldtrail.settle()
    assert chart(coldtrail, name, stat="avg", by="FunctionName") == averages
    assert chart(coldtrail, name, stat="count") == {(): [10.0, 40.0]}
    assert chart(coldtrail, name, stat="max") == {(): [300.0, 400.0]}
    assert chart(coldtrail, name, stat="min") == {(): [50.0, 10.0]}
    assert chart(coldtrail, name, stat="p99", by="FunctionName") == {("checkout",): [290.0, 350.0], ("refund",): [80.0]}
    # The second minute holds two summaries, whose percentiles nobody can merge.
    assert chart(coldtrail, name, stat="p99") == {(): [290.0]}
    unmerged = coldtrail.api(f"/metrics/{name}", stat="p99", since=str(MINUTE_S), until=str(MINUTE_S + 180), step="60s")
    assert "cannot be merged" in unmerged["notes"][0]
    assert "without the percentile 95" in coldtrail.api(f"/metrics/{name}", stat="p95")["notes"][0]
    assert (unmerged["unit"], unmerged["kind"]) == ("ms", "summary")
    coldtrail.eventually("/metrics", lambda answer: [one["name"] for one in answer["metrics"]] == [name], service="checkout")
    assert chart(coldtrail, name, stat="count", filter="service=refund") == {(): [10.0]}


def test_embedded_metrics_keep_their_shape(coldtrail: Coldtrail) -> None:
    def line(stamp_ms: int, color: str, values: Any) -> dict[str, Any]:
        directive = {"Namespace": "shop", "Dimensions": [["color"]], "Metrics": [{"Name": "Latency", "Unit": "Milliseconds"}]}
        return {"_aws": {"Timestamp": stamp_ms, "CloudWatchMetrics": [directive]}, "color": color, "Latency": values}

    at_ms = MINUTE_S * 1000 + 500
    lines = [line(at_ms, "blue", list(range(1, 51))), line(at_ms, "blue", list(range(51, 101))), line(at_ms + 60_000, "red", 7)]
    events = [{"id": str(number), "timestamp": at_ms, "message": json.dumps(one)} for number, one in enumerate(lines)]
    document = {"messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": "/aws/lambda/basket", "logStream": "x[$LATEST]y", "logEvents": events}
    deliver(coldtrail, gzip.compress(json.dumps(document).encode()))
    coldtrail.eventually("/metrics/Latency", lambda answer: sum(point["value"] for one in answer["series"] for point in one["points"]) == 101, stat="count")
    wait_for(lambda: chart(coldtrail, "Latency", stat="sum", by="color"), lambda found: found == {("blue",): [5050.0], ("red",): [7.0]})
    (blue,) = chart(coldtrail, "Latency", stat="p90", filter="color=blue")[()]
    assert blue == pytest.approx(90, rel=0.02)
    assert chart(coldtrail, "Latency", stat="max", filter="service=basket") == {(): [100.0, 7.0]}


def test_reports_of_the_telemetry_api_are_metrics_with_the_trace_of_their_invocation(coldtrail: Coldtrail) -> None:
    def report(number: int, duration_ms: float, **more: Any) -> dict[str, Any]:
        record = {"requestId": f"00000000-0000-4000-8000-{number:012}", "status": "success", "metrics": {"durationMs": duration_ms, "billedDurationMs": 100, "memorySizeMB": 128, "maxMemoryUsedMB": 64}, **more}
        return {"time": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(MINUTE_S + 10)), "type": "platform.report", "record": record}

    slow = report(2, 900.0, status="timeout", tracing={"type": "X-Amzn-Trace-Id", "value": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=557abcec3ee5a047;Sampled=1"})
    batch = [report(1, 100.0), slow]
    assert coldtrail.post("/aws/telemetry?function=resize", json.dumps(batch).encode(), JSON).status_code == 200
    coldtrail.eventually("/metrics", lambda answer: any(one["name"] == "faas.timeouts" for one in answer["metrics"]), service="resize", limit=1000)
    for name, asked, charted in (
        ("faas.invoke_duration", {"stat": "max", "by": "faas.name"}, {("resize",): [0.9]}),
        ("faas.invocations", {"stat": "sum"}, {(): [2.0]}),
        ("faas.timeouts", {"stat": "sum"}, {(): [1.0]}),
    ):
        wait_for(lambda name=name, asked=asked: chart(coldtrail, name, filter="service=resize", **asked), lambda found, charted=charted: found == charted)
    slowest = [("5759e988bd862e3fe1be46a994272793", 0.9)]
    coldtrail.eventually("/metrics/faas.invoke_duration", lambda answer: [(one["trace_id"], one["value"]) for one in answer["exemplars"]] == slowest, since=str(MINUTE_S), until=str(MINUTE_S + 60))
