"""CloudEvents over HTTP: each event becomes a log record, named by its type and found by its id.

Sources: CloudEvents 1.0 "Core specification", "HTTP Protocol Binding" (binary mode with `ce-*` headers, structured
mode, batches), "Distributed Tracing" extension (`traceparent`); OpenTelemetry semantic conventions, "CloudEvents".
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import msgspec
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from coldtrail.model.exports import Export, Malformed, Translation
from coldtrail.model.hex_ids import is_hex
from coldtrail.model.signals import AttributeValue
from coldtrail.receivers.attributes import any_value, key_value
from coldtrail.receivers.bounds import check_json

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
SCOPE = "coldtrail.cloudevents"

_NAMES = {
    "id": "cloudevents.event_id",
    "source": "cloudevents.event_source",
    "specversion": "cloudevents.event_spec_version",
    "type": "cloudevents.event_type",
    "subject": "cloudevents.event_subject",
}
_ELSEWHERE = ("time", "data", "data_base64", "traceparent")
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def translate(body: bytes, content_type: str, headers: Mapping[bytes, bytes], received_ns: int) -> Translation:
    """Translate one request, in any of the three modes; an event without what is required is refused alone.

    ``received_ns``: Unix nanoseconds; the time of an event that has none.

    Raises:
        Malformed: the body is not what its content type says.
        TooLarge: it holds more than there is memory for.
    """
    if content_type == BATCH:
        events = _decode(body)
        if not isinstance(events, list):
            raise Malformed("a batch of CloudEvents is a JSON array")
    elif content_type == STRUCTURED:
        events = [_decode(body)]
    else:
        events = [_binary(body, content_type, headers)]
    request = ExportLogsServiceRequest()
    reasons = [reason for event in events if (reason := _add(request, event, received_ns))]
    exports = (
        (Export("logs", request.SerializeToString(), len(events) - len(reasons)),) if request.resource_logs else ()
    )
    return Translation(exports, len(reasons), tuple(reasons[:20]))


def _decode(body: bytes) -> Any:
    check_json(body)
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the body is not JSON: {error}") from None


def _binary(body: bytes, content_type: str, headers: Mapping[bytes, bytes]) -> dict[str, Any]:
    event: dict[str, Any] = {
        name[3:].decode("latin-1"): unquote(value.decode("latin-1"))
        for name, value in headers.items()
        if name.startswith(b"ce-")
    }
    if not event:
        raise Malformed(f"neither ce-* headers nor a content type of {STRUCTURED} or {BATCH}")
    if "json" in content_type and body:
        event["data"] = _decode(body)
    elif body:
        event["data"] = body.decode("utf-8", "replace")
    return event


def _add(request: ExportLogsServiceRequest, event: Any, received_ns: int) -> str:
    """Add an event as a log record of its own resource; return why not, or ""."""
    if not isinstance(event, dict):
        return "a CloudEvent is a JSON object"
    missing = [name for name in ("id", "source", "type") if not isinstance(event.get(name), str) or not event[name]]
    if missing:
        return f"a CloudEvent lacks {', '.join(missing)}"
    when_ns = _time_ns(event["time"]) if "time" in event else received_ns
    if when_ns is None:
        return f'"{str(event["time"])[:60]}" is no RFC 3339 time between 1970 and 2200'
    group = request.resource_logs.add()
    group.resource.attributes.append(key_value("service.name", _service(event["source"])))
    scope = group.scope_logs.add()
    scope.scope.name = SCOPE
    record = scope.log_records.add(time_unix_nano=when_ns, observed_time_unix_nano=received_ns)
    record.event_name = event["type"].encode("utf-8", "replace").decode()[:256]
    attributes = {
        _NAMES.get(name, f"cloudevents.{name}"): _scalar(event[name]) for name in event if name not in _ELSEWHERE
    }
    record.attributes.extend(key_value(name, value) for name, value in attributes.items())
    data = _data(event)
    if data is not None:
        record.body.CopyFrom(any_value(data))
    trace_id, span_id = _context(event.get("traceparent"))
    record.trace_id, record.span_id = bytes.fromhex(trace_id), bytes.fromhex(span_id)
    return ""


def _service(source: str) -> str:
    """A source is a URI: `aws.s3`, `/orders/service`, `https://shop.example/orders`."""
    return source.rstrip("/").rsplit("/", 1)[-1][:256] or "unknown_service"


def _time_ns(value: Any) -> int | None:
    try:
        when = msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    if not _EARLIEST <= when < _LATEST:
        return None
    return int((when - _EARLIEST).total_seconds()) * 10**9 + when.microsecond * 1000


def _data(event: dict[str, Any]) -> AttributeValue:
    if isinstance(encoded := event.get("data_base64"), str):
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return encoded
    data = event.get("data")
    return data if isinstance(data, str) or data is None else msgspec.json.encode(data).decode()


def _scalar(value: Any) -> AttributeValue:
    return value if isinstance(value, str | bool | int | float) else msgspec.json.encode(value).decode()


def _context(traceparent: Any) -> tuple[str, str]:
    """`00-<trace id>-<span id>-<flags>`. Source: W3C Trace Context, "traceparent Header"."""
    parts = str(traceparent or "").split("-")
    if len(parts) >= 4 and is_hex(parts[1], 32) and is_hex(parts[2], 16) and parts[1].strip("0"):
        return parts[1], parts[2]
    return "", ""
