"""Causes of failed segments as span status and `exception` events.

Source: AWS X-Ray Developer Guide, "X-Ray segment documents" ("Errors and exceptions"); OpenTelemetry
semantic conventions, "Exceptions on spans".
"""

from __future__ import annotations

from typing import Any

import msgspec

from coldtrail.receivers.attributes import key_value

MOST_EXCEPTIONS = 50


def failure_message(segment: dict[str, Any]) -> str:
    """Return the first exception's message, or what kind of failure it was."""
    for exception in _exceptions(segment):
        if message := exception.get("message"):
            return str(message)[:4_096].encode("utf-8", "replace").decode()
    return next((name for name in ("throttle", "fault", "error") if segment.get(name) is True), "")


def _exceptions(segment: dict[str, Any]) -> list[dict[str, Any]]:
    cause = segment.get("cause")
    found = cause.get("exceptions") if isinstance(cause, dict) else None
    return [one for one in found if isinstance(one, dict)][:MOST_EXCEPTIONS] if isinstance(found, list) else []


def add_exceptions(span: Any, segment: dict[str, Any]) -> None:
    """Add one event per exception, and keep what the conventions have no name for."""
    cause = segment.get("cause")
    if isinstance(cause, str):
        span.attributes.append(key_value("aws.xray.cause.exception_id", cause))
    elif isinstance(cause, dict):
        for name, value in cause.items():
            if name != "exceptions" and value is not None:
                text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
                span.attributes.append(key_value(f"aws.xray.cause.{name}", text))
    for exception in _exceptions(segment):
        event = span.events.add(name="exception", time_unix_nano=span.end_time_unix_nano)
        known = {"type": "exception.type", "message": "exception.message"}
        for name, attribute in known.items():
            if exception.get(name) is not None:
                event.attributes.append(key_value(attribute, str(exception[name])))
        if isinstance(exception.get("stack"), list):
            event.attributes.append(key_value("exception.stacktrace", _stack(exception["stack"])))
        for name, value in exception.items():
            if name not in known and name != "stack" and value is not None:
                plain = value if isinstance(value, str | bool | int | float) else msgspec.json.encode(value).decode()
                event.attributes.append(key_value(f"aws.xray.exception.{name}", plain))


def _stack(frames: list[Any]) -> str:
    lines = []
    for frame in frames:
        if isinstance(frame, dict):
            lines.append(
                f'  File "{frame.get("path", "?")}", line {frame.get("line", "?")}, in {frame.get("label", "?")}'
            )
    return "\n".join(lines)
