"""How much context a function keeps, and what that means for its sandbox and its log lines.

`own`: as its code is written. `all`: trace context is handed on and taken up everywhere. `ids`: nothing is handed on,
but telemetry names requests, messages and records. `logs_only`: no instrumentation, only log lines. `none`: log lines
without any id but the invocation's own.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

LEVELS = ("own", "all", "ids", "logs_only", "none")
LAYER = Path(__file__).parent / "layer"

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
AN_ID = re.compile(
    rf"\b(?:{UUID}|(?:activity|invoice|signup|order|quote|user|act|corr)-\d?[\w-]*\d[\w-]*|\d{{18,}}|[0-9a-f]{{32}}"
    r"|arn:aws:states:[\w:-]+:execution:[\w:.-]+)\b"
)
_PRINTED = re.compile(rf"(?:\w+[=:]\s?)?{AN_ID.pattern}")
_PLATFORM = re.compile(rf"(?:START|END|REPORT) RequestId|INIT_START|RequestId: |\S+Z {UUID}")
_OWN_FIELDS = {"function_request_id", "AWSRequestId"}
"""Fields that name the unit itself, as a REPORT line does; without them nothing would hold its own lines together.

In a record of an execution's history, that is `execution_arn`.
"""


def environment(level: str, handler: str) -> dict[str, str]:
    """Return the variables that make a sandbox keep that much context. `handler` is the function's own."""
    if level in ("all", "ids"):
        propagators = {"all": "xray,tracecontext,baggage", "ids": "none"}[level]
        return {"LAB_CONTEXT": level, "ORIG_HANDLER": handler, "OTEL_PROPAGATORS": propagators}
    if level in ("logs_only", "none"):
        return {"OTEL_SDK_DISABLED": "true", "POWERTOOLS_TRACE_DISABLED": "1", "AWS_XRAY_SDK_ENABLED": "false"}
    return {}


def without_ids(message: str) -> str:
    """Return a log line without any id but those of the invocation or execution that wrote it."""
    if message.startswith("{"):
        try:
            document = json.loads(message)
        except ValueError:
            document = None
        if isinstance(document, dict):
            return message if str(document.get("type", "")).startswith("platform.") else json.dumps(_plain(document))
    return message if _PLATFORM.match(message) else _PRINTED.sub("", message)


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    own = {*_OWN_FIELDS, "execution_arn"} if "previous_event_id" in document else _OWN_FIELDS
    found: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, dict):
            found[name] = _plain(value)
        elif isinstance(value, str) and value.startswith("{"):
            found[name] = without_ids(value)
        elif name in own or not (isinstance(value, str) and AN_ID.search(value)):
            found[name] = value
    return found
