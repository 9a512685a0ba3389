"""CloudWatch embedded metric format: a log line that is also metrics.

Source: Amazon CloudWatch User Guide, "Specification: Embedded metric format". Each metric of each directive
becomes an OTLP gauge point per value; several values become one summary point with count and sum, and
their least and greatest as quantiles 0 and 1.
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from coldtrail.model.exports import Export, Translation
from coldtrail.receivers import lenient_json
from coldtrail.receivers.attributes import key_value

MOST_METRICS = 100
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
            points += _directive(directive, document, timestamp_ms * 1_000_000, scope)
    return Translation((Export("metrics", request.SerializeToString(), points),) if points else ())


def _directive(directive: dict[str, Any], document: dict[str, Any], time_ns: int, scope: Any) -> int:
    namespace = str(directive.get("Namespace", ""))
    dimension_sets = directive.get("Dimensions") or [[]]
    metrics = directive.get("Metrics") or []
    points = 0
    if not isinstance(dimension_sets, list) or not isinstance(metrics, list):
        return 0
    for metric in metrics[:MOST_METRICS]:
        name = metric.get("Name") if isinstance(metric, dict) else None
        values = _values(document.get(str(name)))
        if not name or not values:
            continue
        out = scope.metrics.add(name=str(name), unit=str(metric.get("Unit", "")))
        for names in dimension_sets:
            dimensions = [str(one) for one in names] if isinstance(names, list) else []
            attributes = [key_value(one, str(document.get(one, ""))) for one in dimensions]
            attributes.append(key_value("aws.cloudwatch.namespace", namespace))
            _point(out, values, attributes, time_ns)
            points += 1
    return points


def _values(value: Any) -> list[float]:
    values = value if isinstance(value, list) else [value]
    numbers = [one for one in values if isinstance(one, int | float) and not isinstance(one, bool)]
    return [float(one) for one in numbers if abs(one) <= GREATEST]


def _point(metric: Any, values: list[float], attributes: list[KeyValue], time_ns: int) -> None:
    if len(values) == 1:
        point = metric.gauge.data_points.add(time_unix_nano=time_ns, as_double=values[0])
    else:
        point = metric.summary.data_points.add(time_unix_nano=time_ns, count=len(values), sum=sum(values))
        point.quantile_values.add(quantile=0.0, value=min(values))
        point.quantile_values.add(quantile=1.0, value=max(values))
    point.attributes.extend(attributes)
