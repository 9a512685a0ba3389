"""CloudWatch Logs subscriptions: each log event becomes a log record, Lambda's own lines with their facts.

Source: Amazon CloudWatch Logs User Guide, "Log group-level subscription filters" (the payload: gzip of
`{"messageType", "owner", "logGroup", "logStream", "subscriptionFilters", "logEvents": [{"id", "timestamp",
"message"}]}`), "Using subscription filters with AWS Lambda" (`{"awslogs": {"data": base64}}`).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from coldtrail.model.exports import Export, Malformed, TooLarge, Translation
from coldtrail.model.signals import AttributeValue
from coldtrail.receivers import emf, lenient_json, stdout_otlp
from coldtrail.receivers.attributes import key_value
from coldtrail.receivers.bounds import check_json
from coldtrail.receivers.content_encoding import MAX_BODY_BYTES, gunzip
from coldtrail.receivers.lambda_lines import LineReader
from coldtrail.receivers.log_line import Line

LAMBDA_GROUP = "/aws/lambda/"
LATEST_MS = 4_102_444_800_000
"""2100-01-01: a later time is a mistake of units."""
SCOPE = "coldtrail.cloudwatch_logs"
MOST_GROWTH = 4
"""A JSON line becomes a body and attributes; what one delivery makes stays below so many times what it may inflate to."""
_VERSION = re.compile(r"\[([^\]]{1,128})\]")
_JSON = msgspec.json.Decoder()


class LogEvent(Struct):
    """One log event; ``timestamp`` is Unix milliseconds."""

    id: str = ""
    timestamp: int = 0
    message: str = ""
    extracted_fields: dict[str, Any] | None = msgspec.field(name="extractedFields", default=None)


class Subscription(Struct):
    """One subscription message."""

    message_type: str = msgspec.field(name="messageType", default="DATA_MESSAGE")
    owner: str = ""
    log_group: str = msgspec.field(name="logGroup", default="")
    log_stream: str = msgspec.field(name="logStream", default="")
    log_events: list[LogEvent] = msgspec.field(name="logEvents", default_factory=list)


class _Wrapped(Struct):
    awslogs: dict[str, str]


def translate_payload(payload: bytes, most_bytes: int = MAX_BODY_BYTES) -> Translation:
    """Translate a payload: plain JSON, gzip of it (several members too), or a Lambda event that wraps it.

    Raises:
        Malformed: it is none of these; names what is wrong.
        TooLarge: it inflates to more than ``most_bytes``.
    """
    data = gunzip(payload, most_bytes) if payload[:2] == b"\x1f\x8b" else payload
    check_json(data)
    exports: list[Export] = []
    rejected = made_bytes = 0
    reasons: list[str] = []
    for document in _documents(data, most_bytes):
        if document.message_type == "CONTROL_MESSAGE":
            continue
        one = translate(document)
        exports += one.exports
        rejected += one.rejected_items
        reasons += one.reasons
        made_bytes += exported_bytes(one)
        if made_bytes > MOST_GROWTH * most_bytes:
            raise TooLarge(f"the payload makes more than {MOST_GROWTH * most_bytes} bytes of OTLP")
    return Translation(tuple(exports), rejected, tuple(reasons))


def exported_bytes(translation: Translation) -> int:
    """Return how much memory the exports of a translation take."""
    return sum(len(export.body) for export in translation.exports)


def _documents(data: bytes, most_bytes: int) -> Iterator[Subscription]:
    """Yield the subscription messages of a payload: one JSON object, or several one after the other."""
    if not data.strip():
        raise Malformed("the payload is empty")
    for piece in _pieces(data):
        try:
            if piece.lstrip()[:11].startswith(b'{"awslogs"'):
                inner = base64.b64decode(lenient_json.decode(piece, _Wrapped).awslogs["data"], validate=True)
                data = gunzip(inner, most_bytes)
                check_json(data)
                yield from _documents(data, most_bytes)
                continue
            document = lenient_json.decode(piece, Subscription)
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError, binascii.Error, RecursionError) as error:
            raise Malformed(f"the payload is not a CloudWatch Logs subscription message: {error}") from None
        if not document.log_group and document.message_type != "CONTROL_MESSAGE":
            raise Malformed("logGroup is missing")
        yield document


def _pieces(data: bytes) -> list[bytes]:
    try:
        _JSON.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        parts = re.split(rb"(?<=\})\s*(?=\{\"(?:messageType|owner)\")", data)
        return parts if len(parts) > 1 else [data]
    return [data]


def translate(document: Subscription) -> Translation:
    """Translate one data message: all its events as logs, and what some of them are besides: metrics, spans."""
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    resource = resource_attributes(document)
    group.resource.attributes.extend(resource)
    scope = group.scope_logs.add()
    scope.scope.name = SCOPE
    reader = LineReader()
    extra: list[Export] = []
    rejected = 0
    reasons: list[str] = []
    for event in document.log_events:
        if not 0 <= event.timestamp < LATEST_MS:
            rejected += 1
            reasons.append(f"timestamp {event.timestamp} of a log event is no time between 1970 and 2100")
            continue
        line = reader.read(event.message)
        _fill(scope.log_records.add(), event, line)
        if '"_aws"' in event.message and event.message.lstrip().startswith("{"):
            besides = emf.translate(event.message, resource)
        elif stdout_otlp.looks_like(event.message):
            besides = stdout_otlp.translate(event.message)
        else:
            continue
        extra += besides.exports
        rejected += besides.rejected_items
        reasons += besides.reasons
    reader.fill_in(scope.log_records)
    logs = Export("logs", request.SerializeToString(), len(scope.log_records))
    exports = ((logs,) if logs.items else ()) + tuple(extra)
    return Translation(exports, rejected, tuple(reasons))


def resource_attributes(document: Subscription) -> list[KeyValue]:
    """Return the resource that a log group and stream stand for (ARCHITECTURE.md, 'Attribute names')."""
    found: dict[str, AttributeValue] = {"cloud.provider": "aws"}
    if document.owner:
        found["cloud.account.id"] = document.owner
    if document.log_group.startswith(LAMBDA_GROUP):
        name = document.log_group.removeprefix(LAMBDA_GROUP)
        version = _VERSION.search(document.log_stream)
        found |= {"cloud.platform": "aws_lambda", "service.name": name, "faas.name": name}
        found["faas.instance"] = document.log_stream
        if version:
            found["faas.version"] = version[1]
    else:
        found["service.name"] = document.log_group.rstrip("/").rsplit("/", 1)[-1]
    found["aws.log.group.names"] = [document.log_group]
    found["aws.log.stream.names"] = [document.log_stream]
    return [key_value(name, value) for name, value in found.items()]


def _fill(record: Any, event: LogEvent, line: Line) -> None:
    record.time_unix_nano = event.timestamp * 1_000_000
    record.observed_time_unix_nano = record.time_unix_nano
    record.body.string_value = event.message.encode("utf-8", "replace").decode()
    record.severity_number = line.severity_number
    record.severity_text = line.severity_text
    record.event_name = line.event_name
    if line.trace_id:
        record.trace_id = bytes.fromhex(line.trace_id)
    if line.span_id:
        record.span_id = bytes.fromhex(line.span_id)
    attributes = dict(line.attributes)
    if event.id:
        attributes["aws.log.event.id"] = event.id
    for name, value in (event.extracted_fields or {}).items():
        attributes.setdefault(name, value if isinstance(value, str) else msgspec.json.encode(value).decode())
    record.attributes.extend(key_value(name, value) for name, value in attributes.items())
