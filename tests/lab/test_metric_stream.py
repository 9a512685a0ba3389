"""The lab's metrics leave as CloudWatch's metric stream delivers them."""

from __future__ import annotations

import base64
import json

from bench.reconstruction.recording import Relay

from coldtrail_lab.call_meters import item_bytes, read_units, write_units
from coldtrail_lab.firehose import Firehose
from coldtrail_lab.meters import Meters
from coldtrail_lab.metric_stream import MetricStream
from running import wait_for


def test_a_period_is_delivered_as_json_lines_with_its_statistics() -> None:
    meters = Meters()
    meters.watched.append(lambda: meters.add("AWS/SQS", "ApproximateNumberOfMessagesVisible", 4, QueueName="offers"))
    for duration_ms in (10.0, 30.0, 20.0):
        meters.add("AWS/Lambda", "Duration", duration_ms, "Milliseconds", FunctionName="price")
    with Relay() as relay:
        stream = MetricStream(meters, Firehose(f"{relay.url}/aws/firehose"), 0.2)
        wait_for(lambda: len(relay.deliveries), lambda found: found >= 2)
        stream.close()
        deliveries = [json.loads(one.body) for one in relay.deliveries]
    lines = [line for delivery in deliveries for record in delivery["records"] for line in base64.b64decode(record["data"]).decode().splitlines()]
    first, depth = (json.loads(line) for line in lines[:2])
    assert first.pop("timestamp") % 200 == 0
    assert first == {
        "metric_stream_name": "coldtrail",
        "account_id": "123456789012",
        "region": "eu-central-1",
        "namespace": "AWS/Lambda",
        "metric_name": "Duration",
        "dimensions": {"FunctionName": "price"},
        "value": {"count": 3.0, "sum": 60.0, "min": 10.0, "max": 30.0},
        "unit": "Milliseconds",
    }
    assert (depth["metric_name"], depth["value"]["max"]) == ("ApproximateNumberOfMessagesVisible", 4)
    assert sum("Duration" in line for line in lines) == 1


def test_capacity_units_are_those_of_the_size() -> None:
    assert item_bytes({"id": {"S": "abc"}, "n": {"N": "1234"}, "ok": {"BOOL": True}}) == 5 + 4 + 3
    assert write_units({"x": {"S": "y" * 1_023}}) == 1
    assert write_units({"x": {"S": "y" * 1_024}}) == 2
    assert read_units([{"x": {"S": "y" * 5_000}}], consistent=True) == 2
    assert read_units([], consistent=False) == 0.5
