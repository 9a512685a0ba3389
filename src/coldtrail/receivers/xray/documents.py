"""Segment documents to spans: each segment and subsegment becomes one span, and no field is lost.

Source: AWS X-Ray Developer Guide, "X-Ray segment documents"; attribute names follow the OpenTelemetry
semantic conventions and, where they have none, the OpenTelemetry collector's X-Ray receiver (`aws.xray.*`).
A segment still in progress has `aws.xray.in_progress` and ends when it starts; its finished version has the
same ids and is preferred by readers.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from coldtrail.model.exports import Export, Malformed, Translation
from coldtrail.model.hex_ids import is_span_id
from coldtrail.model.signals import AttributeValue
from coldtrail.model.xray_ids import xray_trace_id_to_hex
from coldtrail.receivers import lenient_json
from coldtrail.receivers.attributes import key_value
from coldtrail.receivers.xray.causes import add_exceptions, failure_message
from coldtrail.receivers.xray.fields import json_text, plain, resource_attributes, span_attributes

MOST_SPANS = 10_000
MOST_DEPTH = 60
LATEST_S = 4_102_444_800
SCOPE = "coldtrail.xray"

INTERNAL, SERVER, CLIENT = 1, 2, 3


def translate_datagram(datagram: bytes) -> Translation:
    """Translate one datagram of the X-Ray daemon's protocol by itself; raises what `read_datagram` does."""
    request = read_datagram(datagram)
    return Translation((Export("traces", request.SerializeToString(), count_spans(request)),))


def read_datagram(datagram: bytes) -> ExportTraceServiceRequest:
    """Read one datagram of the X-Ray daemon's protocol: a header line, then a document.

    Raises:
        Malformed: the header or the document is not of the protocol; says which field.

    Source: AWS X-Ray Developer Guide, "Sending segment documents to the X-Ray daemon".
    """
    header, newline, document = datagram.partition(b"\n")
    if not newline:
        raise Malformed('a datagram is the line {"format": "json", "version": 1} and a document')
    try:
        parsed = msgspec.json.decode(header)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the datagram's header is not JSON: {error}") from None
    if not isinstance(parsed, dict) or parsed.get("format") != "json" or parsed.get("version") != 1:
        raise Malformed('the datagram\'s header must say "format": "json", "version": 1')
    return translate_document(document)


def count_spans(request: ExportTraceServiceRequest) -> int:
    """Count the spans of a request."""
    return sum(len(scope.spans) for group in request.resource_spans for scope in group.scope_spans)


def document_id(document: str) -> str:
    """Return the id that a document claims, as it claims it; "" where it has none or is no JSON."""
    try:
        parsed = msgspec.json.decode(document)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ""
    return str(parsed.get("id") or "")[:100] if isinstance(parsed, dict) else ""


def translate_document(document: bytes) -> ExportTraceServiceRequest:
    """Translate one segment or independent subsegment with all that is embedded in it.

    Raises:
        Malformed: names the field that is missing or wrong.
    """
    try:
        segment = lenient_json.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the document is not JSON: {error}") from None
    if not isinstance(segment, dict):
        raise Malformed("the document is not a JSON object")
    trace_id = _trace_id(segment)
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    scope = group.scope_spans.add()
    scope.scope.name = SCOPE
    try:
        resource = resource_attributes(segment)
        group.resource.attributes.extend(key_value(name, value) for name, value in resource.items())
        _add(scope.spans, segment, trace_id, str(segment.get("parent_id") or ""), 0)
    except RecursionError:
        raise Malformed("the document nests too deeply") from None
    return request


def _trace_id(segment: dict[str, Any]) -> str:
    value = segment.get("trace_id")
    try:
        return xray_trace_id_to_hex(str(value))
    except ValueError as error:
        raise Malformed(f"trace_id: {error}") from None


def _span_id(value: Any, name: str) -> str:
    if not isinstance(value, str) or not is_span_id(value):
        raise Malformed(f'{name} must be 16 hex digits, got "{str(value)[:40]}"')
    return value.lower()


def _time_ns(segment: dict[str, Any], name: str) -> int:
    value = segment.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < LATEST_S:
        raise Malformed(f'{name} must be Unix seconds between 1970 and 2100, got "{str(value)[:40]}"')
    # The shortest text of a double is what the sender wrote; its digits are kept.
    return int(Decimal(repr(value)) * 10**9)


def _add(spans: Any, segment: dict[str, Any], trace_id: str, parent_id: str, depth: int) -> None:
    if depth > MOST_DEPTH:
        raise Malformed(f"subsegments nest deeper than {MOST_DEPTH} levels")
    if len(spans) >= MOST_SPANS:
        raise Malformed(f"the document has more than {MOST_SPANS} subsegments")
    name = segment.get("name")
    if not isinstance(name, str) or not name:
        raise Malformed("name is missing")
    span_id = _span_id(segment.get("id"), "id")
    span = spans.add(name=name.encode("utf-8", "replace").decode(), trace_id=bytes.fromhex(trace_id))
    span.span_id = bytes.fromhex(span_id)
    if parent_id:
        span.parent_span_id = bytes.fromhex(_span_id(parent_id, "parent_id"))
    span.start_time_unix_nano = _time_ns(segment, "start_time")
    in_progress = segment.get("in_progress") is True
    if not in_progress and "end_time" not in segment:
        raise Malformed("end_time is missing, and in_progress is not true")
    span.end_time_unix_nano = span.start_time_unix_nano if "end_time" not in segment else _time_ns(segment, "end_time")
    span.kind = _kind(segment, depth)
    attributes: dict[str, AttributeValue] = span_attributes(segment, embedded=depth > 0)
    if in_progress:
        attributes["aws.xray.in_progress"] = True
    span.attributes.extend(key_value(key, value) for key, value in attributes.items())
    if segment.get("error") is True or segment.get("fault") is True or segment.get("throttle") is True:
        span.status.code = 2
        span.status.message = failure_message(segment)
    add_exceptions(span, segment)
    _add_links(span, segment)
    inner = segment.get("subsegments") or []
    if not isinstance(inner, list):
        raise Malformed("subsegments must be a list")
    for one in inner:
        if not isinstance(one, dict):
            raise Malformed("a subsegment is not a JSON object")
        _add(spans, one, trace_id, span_id, depth + 1)


def _kind(segment: dict[str, Any], depth: int) -> int:
    if segment.get("namespace") in ("aws", "remote"):
        return CLIENT
    if depth or segment.get("type") == "subsegment":
        return INTERNAL
    return SERVER


def _add_links(span: Any, segment: dict[str, Any]) -> None:
    """Links become links; what is none is kept as JSON."""
    links = segment.get("links")
    others = [] if links is None or isinstance(links, list) else [links]
    for link in links if isinstance(links, list) else []:
        try:
            trace_id = xray_trace_id_to_hex(str(link["trace_id"]))
            span_id = _span_id(link["id"], "links.id")
        except (ValueError, KeyError, TypeError):
            others.append(link)
            continue
        out = span.links.add(trace_id=bytes.fromhex(trace_id), span_id=bytes.fromhex(span_id))
        for name, value in link.items():
            if name == "attributes" and isinstance(value, dict):
                out.attributes.extend(key_value(key, plain(inner)) for key, inner in value.items())
            elif name not in ("trace_id", "id") and value is not None:
                out.attributes.append(key_value(f"aws.xray.link.{name}", plain(value)))
    if others:
        span.attributes.append(key_value("aws.xray.links", json_text(others)))
