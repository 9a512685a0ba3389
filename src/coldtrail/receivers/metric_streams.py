"""CloudWatch metric streams, as Firehose delivers them: JSON lines, or OTLP requests one after the other.

Source: Amazon CloudWatch User Guide, "CloudWatch metric stream output in JSON format" (objects separated by a newline, one
data point each), "... in OpenTelemetry 1.0.0 format" and "... 0.7.0 format" (`ExportMetricsServiceRequest`, each after its
length as an unsigned varint), "Translations with OpenTelemetry 1.0.0 format" (names, units, quantiles), which the JSON is
translated by too.
"""

from __future__ import annotations

import math
import re
from typing import Any

import msgspec
from msgspec import Struct, field
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from coldtrail.model.exports import Export, Malformed, Translation
from coldtrail.model.wire import LENGTH, Field, read_fields
from coldtrail.receivers.attributes import key_value
from coldtrail.receivers.bounds import check_json
from coldtrail.receivers.cloudwatch_units import ucum
from coldtrail.receivers.otlp import accept
from coldtrail.receivers.otlp_metrics_07 import is_07, translate_07

SCOPE = "coldtrail.metric_streams"
PERIOD_MS = 60_000
"""A metric stream has a data point a minute, also of metrics of a finer resolution."""
LATEST_MS = 4_102_444_800_000
MOST_REASONS = 20
_PERCENTILE = re.compile(r"[pP](\d{1,2}(?:\.\d{1,10})?)")


class DataPoint(Struct):
    """One line of the JSON format; ``timestamp`` is the beginning of its period in Unix milliseconds."""

    metric_name: str
    namespace: str
    timestamp: int
    value: dict[str, float]
    dimensions: dict[str, str] = field(default_factory=dict)
    unit: str = "None"
    account_id: str = ""
    region: str = ""
    metric_stream_name: str = ""


_DATA_POINT = msgspec.json.Decoder(DataPoint)


def is_json(record: bytes) -> bool:
    """Whether a record is of the JSON format."""
    first = record[:4096]
    return record.lstrip()[:1] == b"{" and b'"metric_name"' in first and b'"namespace"' in first


def is_otlp(record: bytes) -> bool:
    """Whether a record is OTLP metric requests, each after its length; looks at the outermost fields alone."""
    try:
        bodies = _delimited(record)
    except ValueError:
        return False
    return bool(bodies) and all(_holds_only_resources(body) for body in bodies)


def translate_json(record: bytes, delivered_ms: int = 0) -> Translation:
    """Translate the lines of a record; a bad line is counted and left out.

    ``delivered_ms``: when Firehose sent it, Unix milliseconds; no period ends after it.
    """
    check_json(record)
    request = ExportMetricsServiceRequest()
    scopes: dict[tuple[str, str, str], Any] = {}
    points, reasons = 0, []
    for number, line in enumerate(record.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            one = _DATA_POINT.decode(line)
            _check(one)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
            reasons.append(f"line {number} of a metric stream: {error}")
            continue
        _add(one, request, scopes, delivered_ms)
        points += 1
    exports = (Export("metrics", request.SerializeToString(), points),) if points else ()
    return Translation(exports, len(reasons), tuple(reasons[:MOST_REASONS]))


def translate_otlp(record: bytes) -> Translation:
    """Hand on the requests of a record, of version 1.0 as they came.

    Raises:
        Malformed: a request is no OTLP.
        TooLarge: it holds more items than there is memory for.
    """
    exports: list[Export] = []
    rejected = 0
    reasons: list[str] = []
    try:
        requests = [translate_07(bytes(one)) if is_07(one) else bytes(one) for one in _delimited(record)]
    except ValueError as error:
        raise Malformed(f"the record is not OTLP metric requests after their lengths: {error}") from None
    for request in requests:
        one = accept("metrics", request)
        exports += one.exports
        rejected += one.rejected_items
        reasons += one.reasons
    return Translation(tuple(exports), rejected, tuple(reasons[:MOST_REASONS]))


def _check(one: DataPoint) -> None:
    if not 0 < one.timestamp < LATEST_MS:
        raise ValueError(f"timestamp {one.timestamp} is no time between 1970 and 2100")
    missing = [name for name in ("count", "sum", "min", "max") if not _is_finite(one.value.get(name))]
    if missing:
        raise ValueError(f"value.{missing[0]} is missing or no number")
    if one.value["count"] < 0:
        raise ValueError("value.count is negative")


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _add(one: DataPoint, request: Any, scopes: dict[tuple[str, str, str], Any], delivered_ms: int) -> None:
    owner = (one.account_id, one.region, one.metric_stream_name)
    if owner not in scopes:
        scopes[owner] = _scope(request, *owner)
    ends_ms = one.timestamp + PERIOD_MS
    if one.timestamp < delivered_ms < ends_ms:
        ends_ms = delivered_ms
    metric = scopes[owner].metrics.add(name=f"amazonaws.com/{one.namespace}/{one.metric_name}", unit=ucum(one.unit))
    point = metric.summary.data_points.add(
        start_time_unix_nano=one.timestamp * 10**6,
        time_unix_nano=ends_ms * 10**6,
        count=round(one.value["count"]),
        sum=one.value["sum"],
    )
    attributes = {"Namespace": one.namespace, "MetricName": one.metric_name}
    point.attributes.extend(key_value(name, value) for name, value in attributes.items())
    point.attributes.append(key_value("Dimensions", dict(sorted(one.dimensions.items()))))
    for quantile, value in _quantiles(one.value):
        point.quantile_values.add(quantile=quantile, value=value)


def _quantiles(value: dict[str, float]) -> list[tuple[float, float]]:
    """The least and greatest, and the percentiles that the stream was asked for; trimmed means and the like have no place."""
    found = {0.0: value["min"], 1.0: value["max"]}
    for name, one in value.items():
        if (percent := _PERCENTILE.fullmatch(name)) and _is_finite(one):
            found[round(float(percent[1]) / 100, 12)] = one
    return sorted(found.items())


def _scope(request: Any, account_id: str, region: str, stream: str) -> Any:
    group = request.resource_metrics.add()
    attributes = {"cloud.provider": "aws", "cloud.account.id": account_id, "cloud.region": region}
    if stream:
        attributes["aws.exporter.arn"] = f"arn:aws:cloudwatch:{region}:{account_id}:metric-stream/{stream}"
    group.resource.attributes.extend(key_value(name, value) for name, value in attributes.items() if value)
    scope = group.scope_metrics.add()
    scope.scope.name = SCOPE
    return scope


def _delimited(record: bytes) -> list[memoryview]:
    """The messages of a record, each after its length.

    Raises:
        ValueError: the lengths do not add up.
    """
    view, found, at = memoryview(record), [], 0
    while at < len(view):
        size = shift = 0
        while True:
            if at >= len(view) or shift > 28:
                raise ValueError("a length has no end")
            byte = view[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if not size or at + size > len(view):
            raise ValueError("a message is shorter than its length says")
        found.append(view[at : at + size])
        at += size
    return found


def _holds_only_resources(body: memoryview) -> bool:
    try:
        fields: list[Field] = list(read_fields(body))
    except ValueError:
        return False
    return bool(fields) and all(one.number == 1 and one.whole[0] & 7 == LENGTH for one in fields)
