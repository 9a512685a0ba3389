"""Lambda's lines in text format: what the platform and the runtimes print, and lines of an application.

Sources: AWS Lambda Developer Guide, "Viewing CloudWatch logs for Lambda functions", "Configuring JSON and
plain text log formats", "Monitoring for Lambda SnapStart".
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from coldtrail.model.signals import MOST_MEASURE, AttributeValue
from coldtrail.receivers import lenient_json
from coldtrail.receivers.captured_events import EVENT_ATTRIBUTE, event_in_text
from coldtrail.receivers.log_line import Line, level_number, take_ids

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_REQUEST = re.compile(rf"RequestId: ({_UUID})")
_START = re.compile(rf"^START RequestId: ({_UUID})(?: Version: (\S+))?")
_END = re.compile(rf"^END RequestId: ({_UUID})")
_FIELD = re.compile(r"(?:^|[\t\n])([A-Z][A-Za-z ]+?): ([^\t\n]+)")
_TIMED_OUT = re.compile(rf"({_UUID}) Task timed out after ([\d.]+) seconds")
_EXITED = re.compile(rf"RequestId: ({_UUID}) Error: Runtime exited(?: with error: (.*?))?(?:\n|$)")
_ERROR_TYPE = re.compile(r"^(Runtime\.\w+)\s*$", re.MULTILINE)
_PREFIX = re.compile(rf"^\[(\w+)\]\t\S+\t({_UUID})?\t")
_NODE = re.compile(rf"^\S+Z\t({_UUID}|undefined)\t(\w+)\t", re.ASCII)
_UNHANDLED = re.compile(r"^\[ERROR\] ([\w.$]+)(?:: (.*?))?(?:\r?\n|\r|$)", re.DOTALL)
_INIT = re.compile(r"^INIT_START (?:Runtime Version: (\S+))?")
_MS = re.compile(r"(\d+(?:\.\d+)?) ?ms")
_UNCAUGHT = re.compile(r"\t(?:Invoke Error|Uncaught Exception|Unhandled Promise Rejection)\s")
"""Under which names Node.js reports what nobody caught (aws-lambda-nodejs-runtime-interface-client, `Errors`)."""

_NUMBERS: dict[str, str] = {
    "Duration": "aws.lambda.duration_ms",
    "Billed Duration": "aws.lambda.billed_duration_ms",
    "Init Duration": "aws.lambda.init_duration_ms",
    "Restore Duration": "aws.lambda.restore_duration_ms",
    "Billed Restore Duration": "aws.lambda.billed_restore_duration_ms",
    "Memory Size": "aws.lambda.memory_size_mb",
    "Max Memory Used": "aws.lambda.max_memory_used_mb",
}
_PAIR = re.compile(
    r"\b(message_?id|correlation_?id|sequence_?number|event_?id)\"?\s*[=:]\s*\"?([\w:/.-]{6,256})", re.IGNORECASE
)
_PAIR_NAMES = {
    "messageid": "message_id",
    "correlationid": "correlation_id",
    "sequencenumber": "sequence_number",
    "eventid": "event_id",
}
"""Identities that people print: `messageId=...` in plain text is as good as a field of that name."""


def text_line(message: str) -> Line:
    """Return what a line says; an unknown one is an application's text."""
    for prefix, parse in _PLATFORM.items():
        if message.startswith(prefix):
            return parse(message)
    return _fault(message) or _application(message)


def _start(message: str) -> Line:
    match = _START.match(message)
    if not match:
        return _application(message)
    attributes: dict[str, AttributeValue] = {"faas.invocation_id": match[1]}
    if match[2]:
        attributes["faas.version"] = match[2]
    return Line("platform.start", 9, "INFO", attributes)


def _end(message: str) -> Line:
    match = _END.match(message)
    return Line("platform.end", 9, "INFO", {"faas.invocation_id": match[1]}) if match else _application(message)


def _report(message: str) -> Line:
    request = _REQUEST.search(message)
    if not request:
        return _application(message)
    attributes: dict[str, AttributeValue] = {"faas.invocation_id": request[1]}
    fields = {name.strip(): value.strip() for name, value in _FIELD.findall(message)}
    _numbers(fields, attributes)
    attributes["faas.coldstart"] = "aws.lambda.init_duration_ms" in attributes
    status = fields.get("Status", "success").lower()
    attributes["aws.lambda.status"] = status
    if kind := fields.get("Error Type"):
        attributes["error.type"] = kind
        if kind == "Runtime.OutOfMemory":
            attributes["aws.lambda.status"] = "out_of_memory"
    if status == "error" and _memory_is_full(attributes):
        attributes["aws.lambda.status"] = "out_of_memory"
    if trace := fields.get("XRAY TraceId"):
        attributes["aws.xray.trace_id"] = trace
    if segment := fields.get("SegmentId"):
        attributes["aws.xray.segment_id"] = segment
    if sampled := fields.get("Sampled"):
        attributes["aws.xray.sampled"] = sampled == "true"
    line = Line(
        "platform.report", 9 if status == "success" else 17, "INFO" if status == "success" else "ERROR", attributes
    )
    take_ids(line)
    return line


def _memory_is_full(attributes: dict[str, AttributeValue]) -> bool:
    """A sandbox that was killed with all of its memory in use ran out of it."""
    size, used = attributes.get("aws.lambda.memory_size_mb"), attributes.get("aws.lambda.max_memory_used_mb")
    return isinstance(size, int) and isinstance(used, int) and used >= size > 0


def _numbers(fields: dict[str, str], attributes: dict[str, AttributeValue]) -> None:
    for name, attribute in _NUMBERS.items():
        value, _, _ = fields.get(name, "").partition(" ")
        try:
            number = float(value)
        except ValueError:
            continue
        if 0 <= number < MOST_MEASURE:
            attributes[attribute] = int(number) if attribute.endswith("_mb") else number


def _init_start(message: str) -> Line:
    match = _INIT.match(message)
    version = match[1] if match else None
    return Line("platform.initStart", 9, "INFO", {"aws.lambda.runtime_version": version} if version else {})


def _phase_report(event_name: str, duration: str) -> Callable[[str], Line]:
    """`INIT_REPORT` and `RESTORE_REPORT`: how long what came before an invocation took, and how it ended."""

    def parse(message: str) -> Line:
        attributes: dict[str, AttributeValue] = {}
        for name, attribute in (
            (duration, _NUMBERS[duration]),
            ("Phase", "aws.lambda.phase"),
            ("Status", "aws.lambda.status"),
            ("Error Type", "error.type"),
        ):
            if match := re.search(rf"{name}: ([^\t\n]+)", message):
                value = match[1].strip()
                took = _MS.fullmatch(value)
                attributes[attribute] = float(took[1]) if took else value.lower() if name == "Status" else value
        failed = attributes.get("aws.lambda.status", "success") != "success"
        return Line(event_name, 17 if failed else 9, "ERROR" if failed else "INFO", attributes)

    return parse


_PLATFORM: dict[str, Callable[[str], Line]] = {
    "START RequestId": _start,
    "END RequestId": _end,
    "REPORT RequestId": _report,
    "INIT_START": _init_start,
    "INIT_REPORT": _phase_report("platform.initReport", "Init Duration"),
    "RESTORE_REPORT": _phase_report("platform.restoreReport", "Restore Duration"),
    "RESTORE_START": lambda message: Line("platform.restoreStart", 9, "INFO"),
    "EXTENSION\t": lambda message: Line("platform.extension", 9, "INFO"),
    "TELEMETRY\t": lambda message: Line("platform.telemetrySubscription", 9, "INFO"),
}


def _fault(message: str) -> Line | None:
    """The lines with which Lambda or its runtime client tell that an invocation went wrong."""
    if match := _TIMED_OUT.search(message[:400]):
        attributes: dict[str, AttributeValue] = {
            "faas.invocation_id": match[1],
            "aws.lambda.status": "timeout",
            "error.type": "Sandbox.Timedout",
            "exception.type": "Sandbox.Timedout",
            "exception.message": f"Task timed out after {match[2]} seconds",
        }
        return Line("platform.fault", 17, "ERROR", attributes)
    if match := _EXITED.match(message):
        kind = _ERROR_TYPE.search(message)
        killed = "killed" in (match[2] or "")
        named = kind[1] if kind else "Runtime.OutOfMemory" if killed else "Runtime.ExitError"
        attributes = {
            "faas.invocation_id": match[1],
            "error.type": named,
            "exception.type": named,
            "exception.message": (match[2] or "Runtime exited without providing a reason").strip(),
            "aws.lambda.status": "out_of_memory" if named == "Runtime.OutOfMemory" else "error",
        }
        return Line("platform.fault", 17, "ERROR", attributes)
    if match := _UNHANDLED.match(message):
        attributes = {"exception.type": match[1], "error.type": match[1], "exception.message": (match[2] or "").strip()}
        _, newline, stack = message.replace("\r", "\n").partition("\n")
        if newline:
            attributes["exception.stacktrace"] = stack
        if request := _REQUEST.search(message):
            attributes["faas.invocation_id"] = request[1]
        return Line("platform.fault", 17, "ERROR", attributes)
    return None


def _application(message: str) -> Line:
    line = _prefixed(message)
    if event := event_in_text(message):
        line.attributes[EVENT_ATTRIBUTE] = event
        return line
    for name, value in _PAIR.findall(message[:4_096]):
        line.attributes.setdefault(_PAIR_NAMES[name.lower().replace("_", "")], value)
    return line


def _prefixed(message: str) -> Line:
    if match := _PREFIX.match(message):
        attributes: dict[str, AttributeValue] = {"faas.invocation_id": match[2]} if match[2] else {}
        return Line("", level_number(match[1]), match[1], attributes)
    if match := _NODE.match(message):
        attributes = {} if match[1] == "undefined" else {"faas.invocation_id": match[1]}
        line = Line("", level_number(match[2]), match[2], attributes)
        if uncaught := _UNCAUGHT.search(message, 0, 200):
            _node_error(message[uncaught.end() :], line)
        return line
    attributes = {}
    if message.startswith("RequestId:") and (request := _REQUEST.match(message)):
        attributes["faas.invocation_id"] = request[1]
    return Line("", 0, "", attributes)


def _node_error(text: str, line: Line) -> None:
    try:
        error = lenient_json.decode(text.strip().encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return
    if isinstance(error, dict):
        line.event_name = "platform.fault"
        line.attributes["exception.type"] = line.attributes["error.type"] = str(error.get("errorType", "Error"))
        line.attributes["exception.message"] = str(error.get("errorMessage", ""))
        if isinstance(error.get("stack"), list):
            line.attributes["exception.stacktrace"] = "\n".join(map(str, error["stack"]))
