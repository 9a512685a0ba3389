"""OTLP metrics of version 0.7.0, as CloudWatch metric streams still write them: their summaries in today's form.

Source: opentelemetry-proto 0.7.0 `metrics.proto`, "DoubleSummary": `ResourceMetrics.instrumentation_library_metrics` = 2 with
`metrics` = 2, `Metric.double_summary` = 11, its points' `labels` = 1 (StringKeyValue) where 1.0 has `attributes` = 7; all other
fields have the numbers that they have today. Amazon CloudWatch User Guide, "Translations with OpenTelemetry 0.7.0 format".
"""

from __future__ import annotations

from collections.abc import Callable

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from coldtrail.model.wire import Field, read_fields, write_field
from coldtrail.receivers.attributes import key_value

_PATH = (1, 2, 2, 11, 1)
"""Resource group, library group, metric, summary, point."""
LABELS = 1


def is_07(body: memoryview) -> bool:
    """Whether a request is of version 0.7.0: its first summary point has labels. Today's points have no field 1."""
    level = body
    for number in _PATH:
        found = next((one for one in read_fields(level) if one.number == number), None)
        if found is None:
            return False
        level = found.payload
    return any(one.number == LABELS for one in read_fields(level))


def translate_07(body: bytes) -> bytes:
    """Return the request with each point's labels as attributes; CloudWatch's dimensions go into `Dimensions`.

    Raises:
        ValueError: it ends in the middle of a field.
    """
    return _rewritten(memoryview(body), _PATH, _point)


def _rewritten(message: memoryview, path: tuple[int, ...], leaf: Callable[[memoryview], bytes]) -> bytes:
    if not path:
        return leaf(message)
    out = bytearray()
    for one in read_fields(message):
        inner = one.number == path[0]
        out += write_field(one.number, _rewritten(one.payload, path[1:], leaf)) if inner else one.whole
    return bytes(out)


def _point(point: memoryview) -> bytes:
    labels = [_label(one) for one in read_fields(point) if one.number == LABELS]
    out = b"".join(bytes(one.whole) for one in read_fields(point) if one.number != LABELS)
    own = [key_value(name, value) for name, value in labels if name in ("Namespace", "MetricName")]
    dimensions = {name: value for name, value in sorted(labels) if name not in ("Namespace", "MetricName")}
    attributes: list[KeyValue] = [*own, key_value("Dimensions", {**dimensions})]
    return out + b"".join(write_field(7, one.SerializeToString()) for one in attributes)


def _label(field: Field) -> tuple[str, str]:
    parts = {one.number: bytes(one.payload).decode("utf-8", "replace") for one in read_fields(field.payload)}
    return parts.get(1, ""), parts.get(2, "")
