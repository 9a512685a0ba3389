"""What one line of a log says, in whatever form it was written."""

from __future__ import annotations

import re

from msgspec import Struct, field

from coldtrail.model.hex_ids import is_span_id, is_trace_id
from coldtrail.model.signals import AttributeValue
from coldtrail.model.xray_ids import xray_trace_id_to_hex

_XRAY = re.compile(r"1-[0-9a-fA-F]{8}-[0-9a-fA-F]{24}")

_LEVELS = {
    "TRACE": 1,
    "DEBUG": 5,
    "INFO": 9,
    "NOTICE": 10,
    "WARN": 13,
    "WARNING": 13,
    "ERROR": 17,
    "CRITICAL": 21,
    "FATAL": 21,
}


class Line(Struct):
    """What one line says. ``trace_id`` and ``span_id`` are hex, or "" where it names none."""

    event_name: str = ""
    severity_number: int = 0
    severity_text: str = ""
    attributes: dict[str, AttributeValue] = field(default_factory=dict)
    trace_id: str = ""
    span_id: str = ""


def level_number(level: str) -> int:
    """Return OTLP's severity number of a level's name, 0 for an unknown one."""
    return _LEVELS.get(level.upper(), 0)


def take_ids(line: Line) -> None:
    """Set the record's ids from the line's X-Ray id, or from fields named as OpenTelemetry's log bridges name them."""
    xray = line.attributes.get("aws.xray.trace_id")
    if isinstance(xray, str) and (match := _XRAY.search(xray)):
        line.attributes["aws.xray.trace_id"] = match[0]
        line.trace_id = xray_trace_id_to_hex(match[0])
        segment = str(line.attributes.get("aws.xray.segment_id", ""))
        line.span_id = segment.lower() if is_span_id(segment) else ""
        return
    trace_id = str(line.attributes.get("trace_id", line.attributes.get("traceId", "")))
    if is_trace_id(trace_id):
        line.trace_id = trace_id.lower()
        span_id = str(line.attributes.get("span_id", line.attributes.get("spanId", "")))
        line.span_id = span_id.lower() if is_span_id(span_id) else ""
