"""Events that functions were handed, found in lines of their logs.

Who logs its event: Powertools' `log_event` (Python: the event is the `message`; TypeScript: a field `event`; Java and
.NET: JSON text in `message`), `print(json.dumps(event))` (the line is the event), `console.log("EVENT", ...)` and the
like (the event stands behind some text). Source: Powertools for AWS Lambda, "Logger" ("Logging incoming event");
AWS Lambda Developer Guide, "Log and monitor Node.js Lambda functions".
"""

from __future__ import annotations

from typing import Any

import msgspec

from coldtrail.services import rulebook

EVENT_ATTRIBUTE = "aws.lambda.event"
"""Where a record carries the JSON of the event."""

FIELDS = ("event", "message", "input", "request", "payload", "data", "lambdaEvent", "lambda_event")
MOST_BYTES = 2_000_000
"""A longer event is left as the line has it (an asynchronous payload is at most 1 MB)."""

_LEVELS = frozenset(("level", "log_level", "severity", "levelname"))
"""A document with one of these is a line about something."""

_MARKS = (
    '"eventSource',
    '"EventSource',
    '"requestContext"',
    '"detail-type"',
    '"Execution"',
    '"triggerSource"',
    '"recordId"',
)


def event_of(document: dict[str, Any]) -> tuple[str, str]:
    """Return the field that holds an event ("" where the whole document is one) and its JSON; two "" where none is."""
    recognises = rulebook().reader.recognises
    if _LEVELS.isdisjoint(document) and recognises(document):
        return "", _json(document)
    for field in FIELDS:
        value = document.get(field)
        if isinstance(value, str) and value[:1] in ("{", "["):
            value = _decoded(value)
        if isinstance(value, dict | list) and value and recognises(value):
            return field, _json(value)
    return "", ""


def event_in_text(message: str) -> str:
    """Return the JSON of the event that stands at the end of a line of text, or ""."""
    if len(message) > MOST_BYTES or not any(mark in message for mark in _MARKS):
        return ""
    value = _decoded(message[max(0, message.find("{")) :].rstrip())
    return _json(value) if isinstance(value, dict) and rulebook().reader.recognises(value) else ""


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return None


def _json(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= MOST_BYTES else ""
