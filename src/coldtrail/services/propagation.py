"""Propagated trace context, wherever it was put: headers, message attributes, fields of a payload.

Recognised by shape, so that it is found in any nesting and in JSON inside JSON. The same patterns (of RE2's
dialect) are used in Python and in SQL. Sources: W3C "Trace Context" (`traceparent`) and "Baggage"; AWS X-Ray
Developer Guide, "Tracing header" (`X-Amzn-Trace-Id: Root=1-...;Parent=...;Sampled=1`), Amazon SQS Developer Guide
("Message system attributes": `AWSTraceHeader`); openzipkin/b3-propagation (single and multiple headers).
"""

from __future__ import annotations

import re

from msgspec import Struct

_NAMES = (
    "traceparent",
    "x-amzn-trace-id",
    "x-amzn-traceid",
    "AWSTraceHeader",
    "b3",
    "x-b3-traceid",
)
_PLACES = (
    "{}",
    "http.request.header.{}",
    "rpc.grpc.request.metadata.{}",
    "messaging.header.{}",
    "messaging.message.header.{}",
    "messaging.message.attribute.{}",
    "messageAttributes.{}.stringValue",
    "attributes.{}",
    "headers.{}",
    "cloudevents.{}",
)
BAGGAGE_NAMES = (
    "baggage",
    "http.request.header.baggage",
    "messaging.header.baggage",
    "messaging.message.header.baggage",
    "headers.baggage",
)
"""Attributes that hold a baggage header."""

HEADER_ATTRIBUTES = tuple(place.format(name) for place in _PLACES for name in _NAMES)
"""Attributes of spans and logs that hold a trace header (as text, or as a list of it)."""

HEADER_SPAN_KINDS = (0, 1, 2, 5)
"""Kinds of spans that take what the header names."""

GIVING_SPAN_KINDS = (3, 4)
"""Kinds of spans whose header is what they send: it names the span itself, or what it goes on as in another trace."""

TRACE_ID = r"(?i)(?:^|^00-|Root=)(1-[0-9a-f]{8}-[0-9a-f]{24}|[0-9a-f]{32})(?:[-;,]|$)"
"""The trace id in a header's value, in any of the forms."""

_THEN = r"\W+(?:Type\W+String\W+)?(?:(?:stringValue|Value)\W+)?"
"""What may stand between a name and its text: quotes, colons, and the wrapping of message attributes."""

TRACE_ID_IN_TEXT = (
    r"(?i)(?:\b00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}\b"
    r"|Root=(1-[0-9a-f]{8}-[0-9a-f]{24})"
    rf"|\bb3(?:-traceid)?{_THEN}([0-9a-f]{{32}})\b)"
)
"""Trace ids in a text that may hold headers among much else; one of the three groups has it."""

_W3C = re.compile(r"(?i)\b00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}\b", re.ASCII)
_XRAY = re.compile(r"(?i)Root=1-([0-9a-f]{8})-([0-9a-f]{24})(?:;Parent=([0-9a-f]{16}))?", re.ASCII)
_B3 = re.compile(rf"(?i)\bb3{_THEN}([0-9a-f]{{32}})-([0-9a-f]{{16}})\b", re.ASCII)
_B3_TRACE = re.compile(rf"(?i)\bx-b3-traceid{_THEN}([0-9a-f]{{32}})\b", re.ASCII)
_B3_SPAN = re.compile(rf"(?i)\bx-b3-spanid{_THEN}([0-9a-f]{{16}})\b", re.ASCII)


class TraceContext(Struct, frozen=True):
    """The span in whose name something was sent; ``span_id`` is "" where the header names the trace alone."""

    trace_id: str
    span_id: str


_TRACE_ID = re.compile(TRACE_ID, re.ASCII)


def contexts_in_header(value: str, span_id: str = "") -> tuple[TraceContext, ...]:
    """Return the trace contexts of a header's value; ``span_id``: what another header says (`x-b3-spanid`)."""
    exact = {one.trace_id: one.span_id for one in contexts_in(f"b3: {value}")}
    found = (match[1].lower().removeprefix("1-").replace("-", "") for match in _TRACE_ID.finditer(value))
    return tuple(TraceContext(one, exact.get(one) or span_id.lower()) for one in found if one.strip("0"))


def contexts_in(text: str) -> tuple[TraceContext, ...]:
    """Return the distinct trace contexts in a text of any form, the more exact first."""
    found: dict[str, str] = {}
    for trace_id, span_id in _matches(text):
        if trace_id.strip("0") and not found.get(trace_id):
            found[trace_id] = span_id if span_id.strip("0") else ""
    return tuple(TraceContext(trace_id, span_id) for trace_id, span_id in found.items())


def _matches(text: str) -> list[tuple[str, str]]:
    found = [(match[1].lower(), match[2].lower()) for match in _W3C.finditer(text)]
    found += [((match[1] + match[2]).lower(), (match[3] or "").lower()) for match in _XRAY.finditer(text)]
    found += [(match[1].lower(), match[2].lower()) for match in _B3.finditer(text)]
    traces, spans = _B3_TRACE.findall(text), _B3_SPAN.findall(text)
    found += [
        (trace.lower(), spans[at].lower() if len(spans) == len(traces) else "") for at, trace in enumerate(traces)
    ]
    return found
