"""CloudWatch metric streams in their three formats, and measured values as exponential histograms."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from coldtrail.model.exports import Translation
from coldtrail.model.wire import read_fields, varint, write_field
from coldtrail.receivers import firehose
from coldtrail.receivers.attributes import key_value
from coldtrail.receivers.measurements import MOST_BUCKETS, add_distribution
from coldtrail.store.anyvalue import plain

MINUTE_MS = 1_795_239_120_000

# As in the CloudWatch User Guide, "CloudWatch metric stream output in JSON format", with a duration in place of disk writes.
POINT = {
    "metric_stream_name": "MyMetricStream",
    "account_id": "123456789012",
    "region": "us-east-1",
    "namespace": "AWS/Lambda",
    "metric_name": "Duration",
    "dimensions": {"FunctionName": "checkout", "Resource": "checkout:live"},
    "timestamp": MINUTE_MS,
    "value": {"count": 3.0, "sum": 20.0, "max": 18.0, "min": 0.0, "p99": 17.56, "p99.9": 17.8764, "TM(25%:75%)": 16.43},
    "unit": "Milliseconds",
}


def deliver(*records: bytes, timestamp_ms: int = MINUTE_MS + 180_000) -> Translation:
    body = {"requestId": "r", "timestamp": timestamp_ms, "records": [{"data": base64.b64encode(one).decode()} for one in records]}
    return firehose.translate(firehose.parse_delivery(json.dumps(body).encode()), 1 << 20)


def only_metric(translation: Translation) -> tuple[dict[str, Any], Metric]:
    (export,) = translation.exports
    (group,) = ExportMetricsServiceRequest.FromString(export.body).resource_metrics
    (metric,) = group.scope_metrics[0].metrics
    return {pair.key: plain(pair.value) for pair in group.resource.attributes}, metric


def test_a_json_line_becomes_what_the_otlp_format_would_have_sent() -> None:
    resource, metric = only_metric(deliver(json.dumps(POINT).encode() + b"\n"))
    arn = "arn:aws:cloudwatch:us-east-1:123456789012:metric-stream/MyMetricStream"
    assert resource == {"cloud.provider": "aws", "cloud.account.id": "123456789012", "cloud.region": "us-east-1", "aws.exporter.arn": arn}
    assert (metric.name, metric.unit) == ("amazonaws.com/AWS/Lambda/Duration", "ms")
    (point,) = metric.summary.data_points
    assert (point.start_time_unix_nano, point.time_unix_nano) == (MINUTE_MS * 10**6, (MINUTE_MS + 60_000) * 10**6)
    assert (point.count, point.sum) == (3, 20.0)
    assert [(one.quantile, one.value) for one in point.quantile_values] == [(0.0, 0.0), (0.99, 17.56), (0.999, 17.8764), (1.0, 18.0)]
    assert {pair.key: plain(pair.value) for pair in point.attributes} == {"Namespace": "AWS/Lambda", "MetricName": "Duration", "Dimensions": POINT["dimensions"]}


def test_a_period_does_not_end_after_its_delivery() -> None:
    _, metric = only_metric(deliver(json.dumps(POINT).encode(), timestamp_ms=MINUTE_MS + 5_000))
    assert metric.summary.data_points[0].time_unix_nano == (MINUTE_MS + 5_000) * 10**6


def otlp_request() -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.append(key_value("cloud.region", "us-east-1"))
    metric = group.scope_metrics.add().metrics.add(name="amazonaws.com/AWS/SQS/NumberOfMessagesSent", unit="{Count}")
    point = metric.summary.data_points.add(count=1, sum=4.0, start_time_unix_nano=MINUTE_MS * 10**6, time_unix_nano=(MINUTE_MS + 60_000) * 10**6)
    point.quantile_values.add(quantile=0.0, value=4.0)
    point.quantile_values.add(quantile=1.0, value=4.0)
    return request


def test_otlp_requests_after_their_lengths_are_handed_on_as_they_came() -> None:
    request = otlp_request()
    request.resource_metrics[0].scope_metrics[0].metrics[0].summary.data_points[0].attributes.append(key_value("Dimensions", {"QueueName": "orders"}))
    body = request.SerializeToString()
    translation = deliver((varint(len(body)) + body) * 2, json.dumps(POINT).encode())
    assert [(one.signal, one.items) for one in translation.exports] == [("metrics", 1)] * 3
    assert translation.exports[0].body == body
    assert not translation.rejected_items


def test_labels_of_version_0_7_become_attributes() -> None:
    body = otlp_request().SerializeToString()

    def labelled(message: bytes, path: tuple[int, ...]) -> bytes:
        if not path:
            labels = (("Namespace", "AWS/SQS"), ("MetricName", "NumberOfMessagesSent"), ("QueueName", "orders"))
            return b"".join(write_field(1, write_field(1, key.encode()) + write_field(2, value.encode())) for key, value in labels) + message
        return b"".join(write_field(one.number, labelled(bytes(one.payload), path[1:])) if one.number == path[0] else bytes(one.whole) for one in read_fields(memoryview(message)))

    old = labelled(body, (1, 2, 2, 11, 1))
    _, metric = only_metric(deliver(varint(len(old)) + old))
    (point,) = metric.summary.data_points
    assert (point.count, point.sum, len(point.quantile_values)) == (1, 4.0, 2)
    assert {pair.key: plain(pair.value) for pair in point.attributes} == {"Namespace": "AWS/SQS", "MetricName": "NumberOfMessagesSent", "Dimensions": {"QueueName": "orders"}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"timestamp": -1}, "timestamp"),
        ({"value": {"count": 1, "sum": 1, "min": 1}}, "value.max"),
        ({"value": {"count": -1, "sum": 1, "min": 1, "max": 1}}, "count"),
        ({"dimensions": ["x"]}, "dimensions"),
        ({"value": "many"}, "value"),
    ],
)
def test_a_bad_line_is_counted_and_the_others_are_kept(change: dict[str, Any], said: str) -> None:
    lines = [json.dumps(POINT), json.dumps({**POINT, **change}), '{"metric_name": ', json.dumps({**POINT, "metric_name": "Errors"})]
    translation = deliver("\n".join(lines).encode())
    assert (translation.exports[0].items, translation.rejected_items) == (2, 2)
    assert said in translation.reasons[0]
    assert "line 3" in translation.reasons[1]


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_translated(record: bytes) -> None:
    translation = deliver(record)
    assert translation.exports or translation.rejected_items or not record


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(finite, st.integers(1, 1000)), min_size=1, max_size=50))
@example([(8.98846567431158e307, 2), (-8.98846567431158e307, 2)])
@example([(1.7976931348623157e308, 1000)])
def test_every_measured_value_lies_in_the_bucket_that_counts_it(pairs: list[tuple[float, int]]) -> None:
    metric = Metric(name="m")
    point = add_distribution(metric, [value for value, _ in pairs], [count for _, count in pairs], 1)
    assert point.count == sum(count for _, count in pairs) == point.zero_count + sum(point.positive.bucket_counts) + sum(point.negative.bucket_counts)
    assert (point.min, point.max) == (min(value for value, _ in pairs), max(value for value, _ in pairs))
    assert max(len(point.positive.bucket_counts), len(point.negative.bucket_counts)) <= MOST_BUCKETS
    base_log2 = 2.0**-point.scale
    for buckets, sign in ((point.positive, 1), (point.negative, -1)):
        for at, count in enumerate(buckets.bucket_counts):
            low, high = (buckets.offset + at) * base_log2, (buckets.offset + at + 1) * base_log2
            inside = sum(many for value, many in pairs if value * sign >= 2.0**-1000 and low - 1e-9 <= _log2(value * sign) <= high + 1e-9)
            assert inside >= count


def _log2(value: float) -> float:
    mantissa, exponent = math.frexp(value)
    return math.log2(mantissa) + exponent
