"""Whose a subsegment is that was sent by itself: its document names no service, the one of its segment does.

SDKs send finished subsegments ahead of a segment that has very many (aws-xray-sdk: 30), each a document of its own with
`type` "subsegment" and `parent_id`. So its emitter is that of the document which holds its parent, where both came together;
else the one of its sender, where that has told of one alone: an SDK sends from one socket, and daemons ahead of it come over HTTP.
In Lambda an SDK sends nothing but subsegments, and the service sends their segment, from elsewhere and after them: that tells
whose the sender is from then on.

Source: AWS X-Ray Developer Guide, "X-Ray segment documents" ("Subsegments"); AWS Lambda Developer Guide, "Visualize Lambda
function invocations using AWS X-Ray"; aws-xray-sdk-python, `core/streaming` and `core/lambda_launcher`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from coldtrail.receivers.attributes import key_value

NAMES = ("service.name", "faas.name", "cloud.platform", "service.version")
"""What the resource of a subsegment takes over from that of its segment."""

MOST_SENDERS = 10_000
MOST_ASKED = 10_000
"""Segments that have not come yet; those that are missed for longest are given up."""

Address = tuple[str, int]
Emitter = tuple[tuple[str, str], ...]
"""Attributes of a segment's resource, those of `NAMES` that it has; none where the service is unknown."""

SpanKey = tuple[bytes, bytes]
"""Trace id and span id."""

UNKNOWN: Emitter = ()


class Senders:
    """Who emitted the segments of each sender; the senders not heard of for longest are forgotten."""

    def __init__(self) -> None:
        self._told: OrderedDict[Address, Emitter] = OrderedDict()
        self._asked: OrderedDict[SpanKey, Address] = OrderedDict()

    def asks(self, sender: Address, segment: SpanKey) -> None:
        """Take note that a sender sent a subsegment of a segment, and not whose it is."""
        self._asked[segment] = sender
        if len(self._asked) > MOST_ASKED:
            self._asked.popitem(last=False)

    def answers(self, segment: SpanKey, emitter: Emitter) -> None:
        """Take note whose a segment is, for who sent subsegments of it."""
        sender = self._asked.pop(segment, None)
        if sender is not None:
            self.heard(sender, emitter)

    def heard(self, sender: Address, emitter: Emitter) -> Emitter:
        """Take note of a document and return the one emitter that its sender ever told of; one that told of two is unknown for good."""
        before = self._told.get(sender, emitter)
        known = before if emitter in (UNKNOWN, before) else UNKNOWN
        if emitter or sender in self._told:
            self._told[sender] = known
            self._told.move_to_end(sender)
        if len(self._told) > MOST_SENDERS:
            self._told.popitem(last=False)
        return known


def emitter_of(document: ExportTraceServiceRequest) -> Emitter:
    """Return who emitted the document that a request was made of, `UNKNOWN` where it does not say."""
    told = {pair.key: pair.value.string_value for pair in document.resource_spans[0].resource.attributes}
    return tuple((name, told[name]) for name in NAMES if name in told) if NAMES[0] in told else UNKNOWN


def name_subsegments(
    documents: Sequence[ExportTraceServiceRequest], senders: Senders | None = None, addresses: Sequence[Address] = ()
) -> None:
    """Give each document without a service the names of the one that holds its parent, else its sender's where they are known."""
    emitters = [emitter_of(one) for one in documents]
    usual = [UNKNOWN] * len(documents)
    if senders:
        usual = [_heard(senders, *one) for one in zip(addresses, documents, emitters, strict=True)]
    if all(emitters):
        return
    holders = {(span.trace_id, span.span_id): number for number, one in enumerate(documents) for span in _spans(one)}
    for number, one in enumerate(documents):
        if not emitters[number]:
            found = _above(number, documents, emitters, holders) or usual[number]
            one.resource_spans[0].resource.attributes.extend(key_value(name, value) for name, value in found)


def _heard(senders: Senders, sender: Address, document: ExportTraceServiceRequest, emitter: Emitter) -> Emitter:
    """Return the usual emitter of a document's sender, as far as that was told until now."""
    first = _spans(document)[0]
    usual = senders.heard(sender, emitter)
    if emitter:
        senders.answers((first.trace_id, first.span_id), emitter)
    elif not usual:
        senders.asks(sender, (first.trace_id, first.parent_span_id))
    return usual


def _above(
    number: int,
    documents: Sequence[ExportTraceServiceRequest],
    emitters: Sequence[Emitter],
    holders: dict[tuple[bytes, bytes], int],
) -> Emitter:
    """The emitter of the nearest document above that has one."""
    seen: set[int] = set()
    while not emitters[number] and number not in seen:
        seen.add(number)
        first = _spans(documents[number])[0]
        number = holders.get((first.trace_id, first.parent_span_id), number)
    return emitters[number]


def _spans(document: ExportTraceServiceRequest) -> Any:
    """The spans of a document: its own comes first, then what is embedded in it."""
    return document.resource_spans[0].scope_spans[0].spans
