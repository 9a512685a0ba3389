"""The figures of Lambda's `platform.report` events as metrics, with the trace of each invocation as exemplar.

Source: AWS Lambda Developer Guide, "Lambda Telemetry API event schema reference: platform.report"; OpenTelemetry semantic
conventions, "FaaS metrics", for the names: `faas.invoke_duration`, `faas.init_duration` in seconds, `faas.mem_usage` in bytes,
`faas.invocations`, `faas.errors`, `faas.timeouts`, `faas.coldstarts`; what Lambda alone has is `aws.lambda.billed_duration`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from coldtrail.model.exports import Export
from coldtrail.model.xray_ids import xray_trace_id_to_hex
from coldtrail.receivers.cloudwatch_logs import LATEST_MS, Subscription, resource_attributes
from coldtrail.receivers.measurements import add_distribution
from coldtrail.receivers.telemetry_event import TelemetryEvent

SCOPE = "coldtrail.lambda_telemetry"

_MEASURED = (
    ("faas.invoke_duration", "s", "durationMs", 1e-3),
    ("faas.init_duration", "s", "initDurationMs", 1e-3),
    ("faas.mem_usage", "By", "maxMemoryUsedMB", 2.0**20),
    ("aws.lambda.billed_duration", "s", "billedDurationMs", 1e-3),
)
"""Metric, unit, field of the report, factor."""


def metrics_of_reports(reports: Sequence[TelemetryEvent], document: Subscription) -> tuple[Export, ...]:
    """Return the metrics of a batch's reports: one point a metric; a report without figures adds none."""
    known = [one for one in reports if isinstance(one.record, dict) and 0 < one.time_ms < LATEST_MS]
    if not known:
        return ()
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.extend(resource_attributes(document))
    scope = group.scope_metrics.add()
    scope.scope.name = SCOPE
    time_ns = max(one.time_ms for one in known) * 10**6
    points = sum(_measured(scope, known, time_ns, *what) for what in _MEASURED)
    points += sum(_counted(scope, name, many, time_ns) for name, many in _counts(known).items())
    return (Export("metrics", request.SerializeToString(), points),)


def _measured(
    scope: Any, reports: Sequence[TelemetryEvent], time_ns: int, name: str, unit: str, field: str, factor: float
) -> int:
    found = [(one, value * factor) for one in reports if (value := _figure(one, field)) is not None]
    if not found:
        return 0
    values = [value for _, value in found]
    point = add_distribution(scope.metrics.add(name=name, unit=unit), values, [1] * len(values), time_ns)
    for one, value in found:
        if trace_id := _trace_id(one):
            point.exemplars.add(time_unix_nano=one.time_ms * 10**6, as_double=value, trace_id=bytes.fromhex(trace_id))
    return 1


def _figure(report: TelemetryEvent, field: str) -> float | None:
    metrics = report.record.get("metrics")
    value = metrics.get(field) if isinstance(metrics, dict) else None
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or not 0 <= value < 2**40
        or not math.isfinite(value)
    ):
        return None
    return float(value)


def _trace_id(report: TelemetryEvent) -> str:
    """The hex trace id of `tracing.value`, an X-Ray header; "" where there is none."""
    tracing = report.record.get("tracing")
    header = tracing.get("value") if isinstance(tracing, dict) else None
    root = next((part[5:] for part in str(header or "").split(";") if part.startswith("Root=")), "")
    try:
        return xray_trace_id_to_hex(root) if root else ""
    except ValueError:
        return ""


def _counts(reports: Sequence[TelemetryEvent]) -> dict[str, int]:
    statuses = [str(one.record.get("status", "")) for one in reports]
    return {
        "faas.invocations": len(reports),
        "faas.errors": sum(status in ("error", "failure") for status in statuses),
        "faas.timeouts": statuses.count("timeout"),
        "faas.coldstarts": sum(_figure(one, "initDurationMs") is not None for one in reports),
    }


def _counted(scope: Any, name: str, many: int, time_ns: int) -> int:
    total = scope.metrics.add(name=name, unit="{count}").sum
    total.aggregation_temporality, total.is_monotonic = 1, True
    total.data_points.add(time_unix_nano=time_ns, as_int=many)
    return 1
