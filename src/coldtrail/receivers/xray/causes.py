"""Causes of failed segments as span status and `exception` events.

Source: AWS X-Ray Developer Guide, "X-Ray segment documents" ("Errors and exceptions"); OpenTelemetry
semantic conventions, "Exceptions on spans".
"""

from __future__ import annotations

from typing import Any

from coldtrail.receivers.attributes import key_value
from coldtrail.receivers.xray.fields import json_text, plain

MOST_EXCEPTIONS = 50
"""More than these are kept as JSON."""

_NAMED = {"type": "exception.type", "message": "exception.message"}
_FRAME = frozenset(("path", "line", "label"))


def failure_message(segment: dict[str, Any]) -> str:
    """Return the first exception's message, or what kind of failure it was."""
    for exception in _exceptions(segment)[0]:
        if message := exception.get("message"):
            return str(plain(message))[:4_096].encode("utf-8", "replace").decode()
    return next((name for name in ("throttle", "fault", "error") if segment.get(name) is True), "")


def _exceptions(segment: dict[str, Any]) -> tuple[list[dict[str, Any]], list[Any]]:
    """The exceptions that become events, and whatever else stands among them."""
    cause = segment.get("cause")
    found = cause.get("exceptions") if isinstance(cause, dict) else None
    if not isinstance(found, list):
        return [], [] if found is None else [found]
    good = [one for one in found if isinstance(one, dict)]
    return good[:MOST_EXCEPTIONS], [one for one in found if not isinstance(one, dict)] + good[MOST_EXCEPTIONS:]


def add_exceptions(span: Any, segment: dict[str, Any]) -> None:
    """Add one event per exception, and keep what the conventions have no name for."""
    cause = segment.get("cause")
    if isinstance(cause, str):
        span.attributes.append(key_value("aws.xray.cause.exception_id", cause))
    elif isinstance(cause, dict):
        for name, value in cause.items():
            if name != "exceptions" and value is not None:
                span.attributes.append(key_value(f"aws.xray.cause.{name}", plain(value)))
    elif cause is not None:
        span.attributes.append(key_value("aws.xray.cause", plain(cause)))
    exceptions, others = _exceptions(segment)
    for exception in exceptions:
        _add_event(span, exception)
    if others:
        span.attributes.append(key_value("aws.xray.cause.exceptions", json_text(others)))


def _add_event(span: Any, exception: dict[str, Any]) -> None:
    event = span.events.add(name="exception", time_unix_nano=span.end_time_unix_nano)
    stack = exception.get("stack")
    frames = stack if isinstance(stack, list) else []
    for name, value in exception.items():
        if value is None:
            continue
        if attribute := _NAMED.get(name):
            event.attributes.append(key_value(attribute, str(plain(value))))
        elif name == "stack" and frames and all(map(_is_frame, frames)):
            event.attributes.append(key_value("exception.stacktrace", "\n".join(map(_line, frames))))
        else:
            event.attributes.append(key_value(f"aws.xray.exception.{name}", plain(value)))


def _is_frame(frame: Any) -> bool:
    """Whether a frame says just what a line of a stack trace holds."""
    return isinstance(frame, dict) and _FRAME.issuperset(frame)


def _line(frame: dict[str, Any]) -> str:
    return f'  File "{frame.get("path", "?")}", line {frame.get("line", "?")}, in {frame.get("label", "?")}'
