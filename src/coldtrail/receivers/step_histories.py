"""Records of a Step Functions execution's history: what a task did elsewhere is named in its output or its cause.

Source: AWS Step Functions Developer Guide, "Using CloudWatch Logs to log execution history" (`id`, `type`, `details`,
`previous_event_id`, `event_timestamp`, `execution_arn`, `redrive_count`), "Integrating services" (the output of an
optimized integration is the answer of the call, with its `SdkResponseMetadata.RequestId`); AWS Lambda Developer
Guide, "Lambda function errors" (`requestId` of an error).
"""

from __future__ import annotations

from typing import Any

import msgspec

from coldtrail.model.signals import AttributeValue
from coldtrail.services.stepfunctions import HISTORY, HISTORY_TYPES

Attributes = dict[str, AttributeValue]

INPUT = "aws.step_functions.input"
"""What an execution was started with: often the event that started it."""

TASK = "aws.step_functions.task."
_FAILURES = ("Failed", "TimedOut", "Aborted")
_TYPES = frozenset(HISTORY_TYPES)


def is_history(document: dict[str, Any]) -> bool:
    """Whether a JSON line is a record of an execution's history."""
    return "execution_arn" in document and str(document.get("type")) in _TYPES


def history_line(document: dict[str, Any]) -> tuple[str, str, Attributes]:
    """Return event name, level and what is known besides the record's own fields."""
    kind = str(document["type"])
    found: Attributes = {"aws.step_functions.execution.arn": str(document["execution_arn"])}
    details = document.get("details")
    details = details if isinstance(details, dict) else {}
    failed = kind.endswith(_FAILURES)
    if kind == "ExecutionStarted" and isinstance(given := details.get("input"), str) and given[:1] == "{":
        found[INPUT] = given
    if failed:
        found["error.type"] = str(details.get("error") or kind)
        found |= _called(_decoded(details.get("cause")))
    elif kind in ("TaskSucceeded", "TaskSubmitted", "LambdaFunctionSucceeded"):
        found |= _called(_decoded(details.get("output")))
    return f"{HISTORY}{kind}", "ERROR" if failed else "INFO", found


def _decoded(text: Any) -> dict[str, Any]:
    if not isinstance(text, str) or text[:1] != "{":
        return {}
    try:
        value = msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _called(answer: dict[str, Any]) -> Attributes:
    """The identities in the answer of the call that a task made: lists where it made several at once."""
    metadata = answer.get("SdkResponseMetadata")
    found: dict[str, Any] = {
        "request_id": metadata.get("RequestId") if isinstance(metadata, dict) else answer.get("requestId"),
        "message_id": answer.get("MessageId") or _each(answer, ("Successful",), "MessageId"),
        "event_id": _each(answer, ("Entries",), "EventId"),
        "sequence_number": answer.get("SequenceNumber") or _each(answer, ("Records",), "SequenceNumber"),
        "execution_arn": answer.get("ExecutionArn"),
    }
    return {f"{TASK}{name}": value for name, value in found.items() if value and isinstance(value, str | list)}


def _each(answer: dict[str, Any], lists: tuple[str, ...], name: str) -> list[str]:
    entries = [one for key in lists if isinstance(answer.get(key), list) for one in answer[key]]
    return [one[name] for one in entries if isinstance(one, dict) and isinstance(one.get(name), str)]
