"""CloudWatch embedded metric format: a log line that is also metrics.

Source: Amazon CloudWatch User Guide, "Specification: Embedded metric format". Each metric of each directive becomes a
delta exponential histogram of its values (one, a list, or values with counts), so that percentiles over any range come
from merged buckets, as CloudWatch's own come from all values.
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from xxhash import xxh64_intdigest

from coldtrail.model.exports import Export, Translation
from coldtrail.receivers import lenient_json
from coldtrail.receivers.attributes import key_value
from coldtrail.receivers.cloudwatch_units import ucum
from coldtrail.receivers.measurements import add_distribution

MOST_METRICS = 100
MOST_VALUES = 10_000
"""CloudWatch takes 100 values of a metric; a list is cut where nobody could have meant it."""
SCOPE = "coldtrail.emf"
GREATEST = sys.float_info.max
"""JSON has whole numbers that no double holds; such a value is no metric."""


def translate(message: str, resource: list[KeyValue]) -> Translation:
    """Return the metrics of a line, or one refused item and the reason why it has none."""
    try:
        document = lenient_json.decode(message.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError) as error:
        return Translation((), 1, (f"EMF: not JSON: {error}",))
    aws = document.get("_aws") if isinstance(document, dict) else None
    directives = aws.get("CloudWatchMetrics") if isinstance(aws, dict) else None
    timestamp_ms = aws.get("Timestamp") if isinstance(aws, dict) else None
    if (
        not isinstance(directives, list)
        or not isinstance(timestamp_ms, int)
        or not 0 < timestamp_ms < 4_102_444_800_000
    ):
        return Translation((), 1, ("EMF: _aws.Timestamp or _aws.CloudWatchMetrics is missing or no such value",))
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.extend(resource)
    scope = group.scope_metrics.add()
    scope.scope.name = SCOPE
    points = 0
    for directive in directives:
        if isinstance(directive, dict):
            points += _directive(directive, document, _time_ns(timestamp_ms, message), scope)
    return Translation((Export("metrics", request.SerializeToString(), points),) if points else ())


def _time_ns(timestamp_ms: int, message: str) -> int:
    """Two lines of one millisecond are two points, the same line delivered twice is one: below a millisecond stands the line."""
    return timestamp_ms * 1_000_000 + xxh64_intdigest(message.encode("utf-8", "replace")) % 1_000_000


def _directive(directive: dict[str, Any], document: dict[str, Any], time_ns: int, scope: Any) -> int:
    namespace = str(directive.get("Namespace", ""))
    dimension_sets = directive.get("Dimensions") or [[]]
    metrics = directive.get("Metrics") or []
    points = 0
    if not isinstance(dimension_sets, list) or not isinstance(metrics, list):
        return 0
    for metric in metrics[:MOST_METRICS]:
        name = metric.get("Name") if isinstance(metric, dict) else None
        values, counts = _values(document.get(str(name)))
        if not name or not values:
            continue
        out = scope.metrics.add(name=str(name), unit=ucum(str(metric.get("Unit", ""))))
        for names in dimension_sets:
            dimensions = [str(one) for one in names] if isinstance(names, list) else []
            attributes = [key_value(one, str(document.get(one, ""))) for one in dimensions]
            attributes.append(key_value("aws.cloudwatch.namespace", namespace))
            add_distribution(out, values, counts, time_ns).attributes.extend(attributes)
            points += 1
    return points


def _values(value: Any) -> tuple[list[float], list[int]]:
    """The values of a metric, and how often each was measured."""
    if isinstance(value, dict):
        values, counts = value.get("Values"), value.get("Counts")
        if not isinstance(values, list) or not isinstance(counts, list) or len(values) != len(counts):
            return [], []
    else:
        values = value if isinstance(value, list) else [value]
        counts = [1] * len(values)
    found = [
        (float(one), int(count))
        for one, count in zip(values[:MOST_VALUES], counts, strict=False)
        if _is_number(one) and _is_number(count) and 1 <= count < 2**53
    ]
    return [one for one, _ in found], [count for _, count in found]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= GREATEST
