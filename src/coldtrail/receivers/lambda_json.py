"""JSON lines of a function's log: Lambda's system logs, its runtimes' and Powertools' application logs, others.

Sources: AWS Lambda Developer Guide, "Lambda Telemetry API event schema reference", "Configuring JSON and
plain text log formats"; Powertools for AWS Lambda (Python), "Logger" ("Standard structured keys").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from coldtrail.model.signals import MOST_MEASURE, AttributeValue
from coldtrail.receivers.access_logs import access_line, is_access
from coldtrail.receivers.captured_events import EVENT_ATTRIBUTE, event_of
from coldtrail.receivers.step_histories import history_line, is_history

Attributes = dict[str, AttributeValue]

MOST_FIELDS = 128
MOST_DEPTH = 6
MOST_VALUE = 8_192

_METRICS = {
    "durationMs": "aws.lambda.duration_ms",
    "billedDurationMs": "aws.lambda.billed_duration_ms",
    "initDurationMs": "aws.lambda.init_duration_ms",
    "restoreDurationMs": "aws.lambda.restore_duration_ms",
    "billedRestoreDurationMs": "aws.lambda.billed_restore_duration_ms",
    "memorySizeMB": "aws.lambda.memory_size_mb",
    "maxMemoryUsedMB": "aws.lambda.max_memory_used_mb",
}
_RECORD = {
    "requestId": "faas.invocation_id",
    "version": "faas.version",
    "status": "aws.lambda.status",
    "errorType": "error.type",
    "initializationType": "aws.lambda.initialization_type",
    "phase": "aws.lambda.phase",
    "runtimeVersion": "aws.lambda.runtime_version",
    "functionVersion": "faas.version",
}
_DURATION = {
    "platform.initReport": "aws.lambda.init_duration_ms",
    "platform.restoreReport": "aws.lambda.restore_duration_ms",
}
"""What a bare `durationMs` means where it is not that of the invocation."""
_CORRELATION = ("correlation_id", "correlationId", "correlationID", "correlation-id", "x-correlation-id")
_REQUEST = (
    "function_request_id",
    "requestId",
    "AWSRequestId",
    "aws_request_id",
    "awsRequestId",
    "request_id",
    "record.requestId",
)


def platform_line(document: dict[str, Any]) -> tuple[str, Attributes] | None:
    """Return the event name and attributes of a system log line, None for any other line."""
    kind, record = document.get("type"), document.get("record")
    if not isinstance(kind, str) or not kind.startswith("platform.") or not isinstance(record, dict):
        return None
    found: Attributes = {}
    for name, attribute in _RECORD.items():
        if isinstance(value := record.get(name), str):
            found[attribute] = value
    metrics = record.get("metrics")
    if isinstance(metrics, dict):
        for name, attribute in _METRICS.items():
            value = metrics.get(name)
            if isinstance(value, int | float) and 0 <= value < MOST_MEASURE:
                attribute = _DURATION.get(kind, attribute) if name == "durationMs" else attribute
                found[attribute] = int(value) if attribute.endswith("_mb") else float(value)
    if kind == "platform.report":
        found["faas.coldstart"] = "aws.lambda.init_duration_ms" in found
        found.setdefault("aws.lambda.status", "success")
        if found.get("error.type") == "Runtime.OutOfMemory":
            found["aws.lambda.status"] = "out_of_memory"
    _tracing(record.get("tracing"), found)
    return kind[:64], found


def _tracing(tracing: Any, found: Attributes) -> None:
    """`{"type": "X-Amzn-Trace-Id", "value": "Root=1-...;Parent=...;Sampled=1", "spanId": ...}`."""
    if not isinstance(tracing, dict):
        return
    parts = dict(part.split("=", 1) for part in str(tracing.get("value", "")).split(";") if "=" in part)
    if root := parts.get("Root"):
        found["aws.xray.trace_id"] = root
    if span := tracing.get("spanId") or parts.get("Parent"):
        found["aws.xray.segment_id"] = str(span)


def application_line(document: dict[str, Any]) -> tuple[str, str, Attributes]:
    """Return event name, level and attributes of an application's line; every scalar field keeps its own name.

    The event that a function was handed stays in one piece, under `aws.lambda.event`.
    """
    found: Attributes = {}
    field, event = event_of(document)
    if event:
        found[EVENT_ATTRIBUTE] = event
        document = {name: value for name, value in document.items() if field and name != field}
    for name, value in _fields(document, "", 0):
        if len(found) >= MOST_FIELDS:
            found["coldtrail.fields_left_out"] = True
            break
        found[name] = value
    level = next((str(found[name]) for name in ("level", "log_level", "severity", "levelname") if name in found), "")
    _name_correlation(found)
    for told, line in ((is_history, history_line), (is_access, access_line)):
        if told(document):
            event_name, level, more = line(document)
            return event_name, level, found | more
    for name in _REQUEST:
        if isinstance(value := found.get(name), str) and len(value) == 36:
            found["faas.invocation_id"] = value
            break
    if isinstance(cold := found.get("cold_start"), bool):
        found["faas.coldstart"] = cold
    if isinstance(trace := found.get("xray_trace_id"), str):
        found["aws.xray.trace_id"] = trace
    return _name_exception(document, found), level, found


def _name_correlation(found: Attributes) -> None:
    for name in _CORRELATION:
        if isinstance(value := found.get(name), str) and value:
            found["correlation_id"] = value
            return


def _name_exception(document: dict[str, Any], found: Attributes) -> str:
    """Name an exception by the conventions; the runtime's own report of an unhandled one is a fault."""
    if isinstance(inner := document.get("message"), dict) and "errorType" in inner:
        # Node.js writes an error that it logs as the message itself (AWS Lambda Developer Guide, "Log and monitor
        # Node.js Lambda functions").
        document, found["errorType"] = inner, str(inner["errorType"])
    kind = found.get("exception_name") or found.get("errorType")
    if not isinstance(kind, str):
        return ""
    found["exception.type"] = kind
    message = document.get("errorMessage")
    text = document.get("exception")
    if isinstance(message, str):
        found["exception.message"] = message[:MOST_VALUE]
    elif isinstance(text, str):
        _, colon, after = text.strip().rsplit("\n", 1)[-1].partition(f"{kind}: ")
        found["exception.message"] = (after if colon else text.strip().rsplit("\n", 1)[-1])[:MOST_VALUE]
    stack = document.get("stackTrace", text)
    if isinstance(stack, list):
        # Python's lines end in a newline each, those of Node.js do not.
        stack = "".join(f"{str(frame).removesuffix(chr(10))}\n" for frame in stack).rstrip("\n")
    if isinstance(stack, str):
        found["exception.stacktrace"] = stack[:65_536]
    unhandled = "log_level" in found and "stackTrace" in document and "errorType" in found
    if unhandled:
        found["error.type"] = kind
    return "platform.fault" if unhandled else ""


def _fields(value: dict[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, AttributeValue]]:
    for key, inner in value.items():
        name = f"{prefix}{key}"[:256]
        if isinstance(inner, dict) and depth < MOST_DEPTH and inner:
            yield from _fields(inner, f"{name}.", depth + 1)
        elif isinstance(inner, str):
            yield name, inner[:MOST_VALUE]
        elif isinstance(inner, bool | int | float):
            yield name, inner
        elif inner is not None:
            yield name, msgspec.json.encode(inner).decode()[:MOST_VALUE]
