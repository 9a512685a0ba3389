"""OTLP metric requests for tests, small and explicit."""

from __future__ import annotations

from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from coldtrail.receivers.attributes import key_value


def _metric(request: ExportMetricsServiceRequest, name: str, service: str, unit: str) -> Any:
    group = request.resource_metrics.add()
    group.resource.attributes.append(key_value("service.name", service))
    return group.scope_metrics.add().metrics.add(name=name, unit=unit)


def gauge(name: str, points: list[tuple[dict[str, str], float, float]], *, service: str = "svc", unit: str = "1") -> bytes:
    """``points``: attributes, Unix seconds and value."""
    request = ExportMetricsServiceRequest()
    metric = _metric(request, name, service, unit)
    for attributes, time_s, value in points:
        point = metric.gauge.data_points.add(as_double=value, time_unix_nano=int(time_s * 1e9))
        point.attributes.extend(key_value(key, one) for key, one in attributes.items())
    return request.SerializeToString()
