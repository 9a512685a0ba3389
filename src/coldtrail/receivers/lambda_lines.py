"""The lines of one log stream, read in order, whether they are text or JSON.

Sources: AWS Lambda Developer Guide, "Viewing CloudWatch logs for Lambda functions", "Lambda Telemetry API event
schema reference". Attribute names: ARCHITECTURE.md.
"""

from __future__ import annotations

from typing import Any

import msgspec

from coldtrail.model.xray_ids import hex_to_xray_trace_id
from coldtrail.receivers import lenient_json
from coldtrail.receivers.attributes import key_value
from coldtrail.receivers.lambda_json import application_line, platform_line
from coldtrail.receivers.lambda_text import text_line
from coldtrail.receivers.log_line import Line, level_number, take_ids


class LineReader:
    """Reads the lines of one stream in order; lines between START and END belong to that request.

    A subscription cuts a stream anywhere, so lines before an END whose START came in an earlier message belong to it
    too. Lines of an initialisation belong to none, except of one that had to be made again while a request waited
    (`Phase: invoke`).
    """

    def __init__(self) -> None:
        self._request_id = ""
        self._requests: list[str] = []
        self._traces: dict[str, str] = {}
        self._unclaimed: list[int] = []
        self._claimed: set[int] = set()

    def read(self, message: str) -> Line:
        """Return what a line says; never raises, an unknown line is an application's text."""
        line = _json_line(message) if message.lstrip()[:1] == "{" else None
        if line is None:
            line = text_line(message)
        request_id = str(line.attributes.get("faas.invocation_id", ""))
        if line.event_name == "platform.start":
            self._request_id = request_id
        before = line.event_name.startswith("platform.init") and line.attributes.get("aws.lambda.phase") != "invoke"
        if not request_id and self._request_id and not before:
            request_id = line.attributes["faas.invocation_id"] = self._request_id
        self._claim(line, request_id, is_init=before)
        if line.trace_id and request_id:
            self._traces[request_id] = line.trace_id
        if line.event_name in ("platform.end", "platform.report") and request_id == self._request_id:
            self._request_id = ""
        self._requests.append(request_id)
        return line

    def _claim(self, line: Line, request_id: str, *, is_init: bool) -> None:
        """Keep the lines that nobody owns until an END or REPORT tells whose they are, or a START that nobody does."""
        if line.event_name in ("platform.end", "platform.report") and request_id and not self._request_id:
            for number in self._unclaimed:
                self._requests[number] = request_id
            self._claimed.update(self._unclaimed)
        if line.event_name in ("platform.start", "platform.end", "platform.report") or is_init:
            self._unclaimed.clear()
        elif not request_id:
            self._unclaimed.append(len(self._requests))

    def fill_in(self, records: Any) -> None:
        """Give records the request that claimed them later, and the trace that another line of their request named."""
        for number, (record, request_id) in enumerate(zip(records, self._requests, strict=True)):
            if number in self._claimed:
                record.attributes.append(key_value("faas.invocation_id", request_id))
            trace_id = self._traces.get(request_id)
            if trace_id and not record.trace_id:
                record.trace_id = bytes.fromhex(trace_id)
                if not any(pair.key == "aws.xray.trace_id" for pair in record.attributes):
                    record.attributes.append(key_value("aws.xray.trace_id", hex_to_xray_trace_id(trace_id)))


def _json_line(message: str) -> Line | None:
    try:
        document = lenient_json.decode(message.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    platform = platform_line(document)
    if platform:
        event_name, attributes = platform
        failed = attributes.get("aws.lambda.status", "success") != "success"
        line = Line(event_name, 17 if failed else 9, "ERROR" if failed else "INFO", attributes)
    else:
        event_name, level, attributes = application_line(document)
        line = Line(event_name, level_number(level), level.upper(), attributes)
    take_ids(line)
    return line
