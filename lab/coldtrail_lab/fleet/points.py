"""Bodies of metric points: CloudWatch's metrics as a metric stream translates them, and the functions' own.

Sources: Amazon CloudWatch User Guide, "Translations with OpenTelemetry 1.0.0 format in CloudWatch" (a summary with the
quantiles 0 and 1 for least and most; `Namespace`, `MetricName`, `Dimensions`); OpenTelemetry semantic conventions,
"FaaS metrics".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue, KeyValueList
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint, NumberDataPoint, SummaryDataPoint
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from coldtrail_lab.fleet.plan import Shape
from coldtrail_lab.fleet.template import Columns, Template, field, little_endian, varint
from coldtrail_lab.fleet.trails import double_of, grouped, pairs, resource_of, scope_of
from coldtrail_lab.log_delivery import ACCOUNT, REGION

GAUGE, SUM, HISTOGRAM, SUMMARY = 5, 7, 9, 11
"""Numbers of the fields of OTLP's `Metric`."""
DELTA = 1
BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

_OF_FUNCTION = (
    ("Invocations", "{Count}"),
    ("Errors", "{Count}"),
    ("Throttles", "{Count}"),
    ("Duration", "ms"),
    ("ConcurrentExecutions", "{Count}"),
)
_OF_QUEUE = (
    ("NumberOfMessagesSent", "{Count}"),
    ("ApproximateNumberOfMessagesVisible", "{Count}"),
    ("ApproximateAgeOfOldestMessage", "s"),
)
_OF_TABLE = (
    ("ConsumedReadCapacityUnits", "{Count}"),
    ("ConsumedWriteCapacityUnits", "{Count}"),
    ("SuccessfulRequestLatency", "ms"),
)
_OF_STREAM = (("IncomingRecords", "{Count}"), ("GetRecords.IteratorAgeMilliseconds", "ms"))
_OF_BUS = (("Invocations", "{Count}"), ("IngestionToInvocationStartLatency", "ms"))
_OWN = (
    ("faas.invoke_duration", "s", HISTOGRAM),
    ("faas.invocations", "{invocation}", SUM),
    ("process.memory.usage", "By", GAUGE),
)
_OF_API = (("Count", "{Count}"), ("5XXError", "{Count}"), ("Latency", "ms"))


@dataclass
class Series:
    """One metric of one resource. ``head``: resource and scope; ``typical``: around which its values lie."""

    name: str
    unit: str
    kind: int
    attributes: list[KeyValue]
    resource: bytes
    typical: float


def series_of(shapes: list[Shape]) -> list[Series]:
    """Return all series of a fleet: CloudWatch's of every resource that its shapes name, and three of every function."""
    found = []
    dice = np.random.default_rng(0)
    exporter = {"cloud.provider": "aws", "cloud.account.id": ACCOUNT, "cloud.region": REGION}
    exporter["aws.exporter.arn"] = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:metric-stream/fleet"
    cloud = Resource(attributes=pairs(exporter)).SerializeToString()
    for namespace, dimension, name, metrics in _resources(shapes):
        for metric, unit in metrics:
            about = _cloudwatch(namespace, metric, dimension, name)
            typical = float(dice.lognormal(2.5, 1.0))
            found.append(Series(f"amazonaws.com/{namespace}/{metric}", unit, SUMMARY, about, cloud, typical))
    for resource in sorted({resource_of(step) for shape in shapes for step in shape.steps if step.function}):
        for name, unit, kind in _OWN:
            found.append(Series(name, unit, kind, [], resource, 0.05 if kind == HISTOGRAM else 80.0))
    return found


def _resources(shapes: list[Shape]) -> Iterator[tuple[str, str, str, tuple[tuple[str, str], ...]]]:
    """Yield namespace, dimension, name and metrics of everything that steps name, each once."""
    seen = set()
    for shape in shapes:
        for step in shape.steps:
            about = step.attributes
            system, destination = about.get("messaging.system"), str(about.get("messaging.destination.name"))
            tables = about.get("aws.dynamodb.table_names", ())
            named: list[tuple[str, str, str, tuple[tuple[str, str], ...]]] = []
            if step.function:
                named.append(("AWS/Lambda", "FunctionName", step.service, _OF_FUNCTION))
            if system == "aws_sqs":
                named.append(("AWS/SQS", "QueueName", destination, _OF_QUEUE))
            if system == "aws_kinesis":
                named.append(("AWS/Kinesis", "StreamName", destination, _OF_STREAM))
            if system == "aws_eventbridge":
                named.append(("AWS/Events", "EventBusName", destination, _OF_BUS))
            if "http.route" in about:
                named.append(("AWS/ApiGateway", "ApiName", step.service, _OF_API))
            named += [("AWS/DynamoDB", "TableName", str(table), _OF_TABLE) for table in tables if tables]  # type: ignore[union-attr]
            for one in named:
                if one[:3] not in seen:
                    seen.add(one[:3])
                    yield one


def _cloudwatch(namespace: str, metric: str, dimension: str, name: str) -> list[KeyValue]:
    dimensions = AnyValue(kvlist_value=KeyValueList(values=pairs({dimension: name})))
    return [*pairs({"Namespace": namespace, "MetricName": metric}), KeyValue(key="Dimensions", value=dimensions)]


class SeriesMaker:
    """Makes the points of one series."""

    def __init__(self, series: Series) -> None:
        self.series = series
        self._scope = scope_of("fleet")
        self._template = _TEMPLATES[series.kind](series)
        self._head = field(1, series.name.encode()) + field(3, series.unit.encode())
        self._tail = _TAILS.get(series.kind, b"")

    def group(self, dice: np.random.Generator, times_ns: np.ndarray[Any, np.dtype[np.int64]], step_ns: int) -> bytes:
        """Return a point at each of the times, as one resource's part of a body."""
        count = len(times_ns)
        values = self.series.typical * dice.lognormal(0.0, 0.4, count)
        columns: Columns = {
            "start": little_endian(times_ns - step_ns, "<u8"),
            "time": little_endian(times_ns, "<u8"),
            "value": little_endian(values, "<f8"),
        }
        if self.series.kind == SUMMARY:
            samples = dice.integers(1, 30, count)
            columns |= {
                "count": little_endian(samples, "<u8"),
                "sum": little_endian(values * samples, "<f8"),
                "min": little_endian(values * 0.6, "<f8"),
                "max": little_endian(values * 1.8, "<f8"),
            }
        elif self.series.kind == HISTOGRAM:
            buckets = dice.poisson(3.0, (count, len(BOUNDS_S) + 1))
            columns |= {
                "count": little_endian(buckets.sum(axis=1), "<u8"),
                "sum": little_endian(buckets.sum(axis=1) * values, "<f8"),
                **{f"bucket-{at}": little_endian(buckets[:, at], "<u8") for at in range(len(BOUNDS_S) + 1)},
            }
        data = field(self.series.kind, self._template.copies(count, columns) + self._tail)
        return grouped(self.series.resource, self._scope, field(2, self._head + data))


_TAILS = {
    SUM: varint(2 << 3) + varint(DELTA) + varint(3 << 3) + varint(1),
    HISTOGRAM: varint(2 << 3) + varint(DELTA),
}
"""Temporality (2) and whether it is monotonic (3); a gauge and a summary have neither."""

_WHOLE = (0x1111111111111111, 0x2222222222222222)
_REAL = (double_of(0x11), double_of(0x22))


def _number_template(series: Series) -> Template:
    def make(one: dict[str, Any]) -> NumberDataPoint:
        return NumberDataPoint(
            start_time_unix_nano=one["start"],
            time_unix_nano=one["time"],
            as_double=one["value"],
            attributes=series.attributes,
        )

    return Template(make, {"start": _WHOLE, "time": _WHOLE, "value": _REAL}, 1)


def _summary_template(series: Series) -> Template:
    def make(one: dict[str, Any]) -> SummaryDataPoint:
        point = SummaryDataPoint(
            start_time_unix_nano=one["start"],
            time_unix_nano=one["time"],
            count=one["count"],
            sum=one["sum"],
            attributes=series.attributes,
        )
        point.quantile_values.add(quantile=0.0, value=one["min"])
        point.quantile_values.add(quantile=1.0, value=one["max"])
        return point

    reals = dict.fromkeys(("sum", "min", "max"), _REAL)
    return Template(make, {"start": _WHOLE, "time": _WHOLE, "count": _WHOLE, **reals}, 1)


def _histogram_template(series: Series) -> Template:
    buckets = range(len(BOUNDS_S) + 1)

    def make(one: dict[str, Any]) -> HistogramDataPoint:
        return HistogramDataPoint(
            start_time_unix_nano=one["start"],
            time_unix_nano=one["time"],
            count=one["count"],
            sum=one["sum"],
            bucket_counts=[one[f"bucket-{at}"] for at in buckets],
            explicit_bounds=BOUNDS_S,
            attributes=series.attributes,
        )

    parts: dict[str, tuple[Any, Any]] = {"start": _WHOLE, "time": _WHOLE, "count": _WHOLE, "sum": _REAL}
    return Template(make, {**parts, **{f"bucket-{at}": _WHOLE for at in buckets}}, 1)


_TEMPLATES = {
    GAUGE: _number_template,
    SUM: _number_template,
    HISTOGRAM: _histogram_template,
    SUMMARY: _summary_template,
}
