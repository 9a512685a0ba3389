"""What a line of a log says: Lambda's platform lines in text and JSON, and application lines of all kinds.

Sources: AWS Lambda Developer Guide, "Viewing CloudWatch logs for Lambda functions", "Configuring JSON and
plain text log formats", "Lambda Telemetry API event schema reference"; Powertools for AWS Lambda (Python),
"Logger". Attribute names: ARCHITECTURE.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct, field

from coldtrail.model.hex_ids import is_span_id, is_trace_id
from coldtrail.model.signals import AttributeValue
from coldtrail.model.xray_ids import hex_to_xray_trace_id, xray_trace_id_to_hex
from coldtrail.receivers.attributes import key_value
from coldtrail.receivers.lambda_json import application_line, platform_line

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
_XRAY = re.compile(r"1-[0-9a-fA-F]{8}-[0-9a-fA-F]{24}")

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


class LineReader:
    """Reads the lines of one stream in order; lines between START and END belong to that request."""

    def __init__(self) -> None:
        self._request_id = ""
        self._requests: list[str] = []
        self._traces: dict[str, str] = {}

    def read(self, message: str) -> Line:
        """Return what a line says; never raises, an unknown line is an application's text."""
        line = _json_line(message) if message.lstrip()[:1] == "{" else None
        if line is None:
            line = _text_line(message)
        request_id = str(line.attributes.get("faas.invocation_id", ""))
        if line.event_name == "platform.start":
            self._request_id = request_id
        if not request_id and self._request_id and not line.event_name.startswith("platform.init"):
            request_id = line.attributes["faas.invocation_id"] = self._request_id
        if line.trace_id and request_id:
            self._traces[request_id] = line.trace_id
        if line.event_name in ("platform.end", "platform.report") and request_id == self._request_id:
            self._request_id = ""
        self._requests.append(request_id)
        return line

    def fill_in(self, records: Any) -> None:
        """Give records without a trace id the one that another line of their request named."""
        for record, request_id in zip(records, self._requests, strict=True):
            trace_id = self._traces.get(request_id)
            if trace_id and not record.trace_id:
                record.trace_id = bytes.fromhex(trace_id)
                if not any(pair.key == "aws.xray.trace_id" for pair in record.attributes):
                    record.attributes.append(key_value("aws.xray.trace_id", hex_to_xray_trace_id(trace_id)))


def level_number(level: str) -> int:
    """Return OTLP's severity number of a level's name, 0 for an unknown one."""
    return _LEVELS.get(level.upper(), 0)


def _json_line(message: str) -> Line | None:
    try:
        document = msgspec.json.decode(message.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    platform = platform_line(document)
    if platform:
        event_name, attributes = platform
        line = Line(event_name, 9, "INFO", attributes)
    else:
        event_name, level, attributes = application_line(document)
        line = Line(event_name, level_number(level), level.upper(), attributes)
    _take_ids(line)
    return line


def _take_ids(line: Line) -> None:
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


def _text_line(message: str) -> Line:
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
    _take_ids(line)
    return line


def _memory_is_full(attributes: dict[str, AttributeValue]) -> bool:
    """A sandbox that was killed with all of its memory in use ran out of it."""
    size, used = attributes.get("aws.lambda.memory_size_mb"), attributes.get("aws.lambda.max_memory_used_mb")
    return isinstance(size, int) and isinstance(used, int) and used >= size > 0


def _numbers(fields: dict[str, str], attributes: dict[str, AttributeValue]) -> None:
    for name, attribute in _NUMBERS.items():
        value, _, _ = fields.get(name, "").partition(" ")
        try:
            attributes[attribute] = int(value) if attribute.endswith("_mb") else float(value)
        except ValueError:
            continue


def _init_start(message: str) -> Line:
    match = _INIT.match(message)
    version = match[1] if match else None
    return Line("platform.initStart", 9, "INFO", {"aws.lambda.runtime_version": version} if version else {})


def _init_report(message: str) -> Line:
    attributes: dict[str, AttributeValue] = {}
    for name, attribute in (
        ("Init Duration", "aws.lambda.init_duration_ms"),
        ("Phase", "aws.lambda.phase"),
        ("Status", "aws.lambda.status"),
        ("Error Type", "error.type"),
    ):
        if match := re.search(rf"{name}: ([^\t\n]+)", message):
            value = match[1].strip()
            attributes[attribute] = (
                float(value.removesuffix("ms")) if _is_ms(value) else value.lower() if name == "Status" else value
            )
    return Line("platform.initReport", 17 if "error.type" in attributes else 9, "INFO", attributes)


def _is_ms(value: str) -> bool:
    return bool(re.fullmatch(r"[\d.]+ ?ms", value))


def _restore(message: str) -> Line:
    return Line("platform.restoreReport" if "REPORT" in message[:20] else "platform.restoreStart", 9, "INFO", {})


_PLATFORM: dict[str, Callable[[str], Line]] = {
    "START RequestId": _start,
    "END RequestId": _end,
    "REPORT RequestId": _report,
    "INIT_START": _init_start,
    "INIT_REPORT": _init_report,
    "RESTORE_": _restore,
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
        if "Invoke Error" in message[:200]:
            _node_error(message, line)
        return line
    attributes = {}
    if message.startswith("RequestId:") and (request := _REQUEST.match(message)):
        attributes["faas.invocation_id"] = request[1]
    return Line("", 0, "", attributes)


def _node_error(message: str, line: Line) -> None:
    _, _, text = message.partition("Invoke Error")
    try:
        error = msgspec.json.decode(text.strip().encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return
    if isinstance(error, dict):
        line.event_name = "platform.fault"
        line.attributes["exception.type"] = line.attributes["error.type"] = str(error.get("errorType", "Error"))
        line.attributes["exception.message"] = str(error.get("errorMessage", ""))
        if isinstance(error.get("stack"), list):
            line.attributes["exception.stacktrace"] = "\n".join(map(str, error["stack"]))
