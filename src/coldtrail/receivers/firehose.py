"""Deliveries of Amazon Data Firehose to an HTTP endpoint.

Source: Amazon Data Firehose Developer Guide, "Understand HTTP endpoint delivery request and response
specifications": a JSON body `{"requestId", "timestamp", "records": [{"data": base64}]}`; the answer repeats
the request id, and any status but 200 makes Firehose send the whole delivery again.
"""

from __future__ import annotations

import base64
import binascii

import msgspec
from msgspec import Struct

from coldtrail.model.exports import Export, Malformed, TooLarge, Translation
from coldtrail.receivers import metric_streams
from coldtrail.receivers.bounds import check_json
from coldtrail.receivers.cloudwatch_logs import MOST_GROWTH, exported_bytes, translate_payload

MOST_REASONS = 20


class Delivery(Struct, frozen=True):
    """One delivery: its id, its time in Unix milliseconds, and its records as base64 text."""

    request_id: str
    timestamp_ms: int
    records: list[str]


class _Record(Struct):
    data: str


class _Body(Struct):
    request_id: str = msgspec.field(name="requestId")
    records: list[_Record]
    timestamp: int = 0


def parse_delivery(body: bytes, header_request_id: str = "") -> Delivery:
    """Return the delivery in a request body.

    Raises:
        Malformed: not of the specification, or its id differs from the request's header.
        TooLarge: it holds more records than there is memory for.
    """
    check_json(body)
    try:
        parsed = msgspec.json.decode(body, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the body is not a Firehose delivery: {error}") from None
    if header_request_id and header_request_id != parsed.request_id:
        raise Malformed("requestId in the body differs from the header X-Amz-Firehose-Request-Id")
    return Delivery(parsed.request_id, parsed.timestamp, [record.data for record in parsed.records])


def response(request_id: str, timestamp_ms: int, error: str = "") -> bytes:
    """Return the answer's body; with ``error`` the one that goes with a failure status."""
    answer: dict[str, object] = {"requestId": request_id, "timestamp": timestamp_ms}
    if error:
        answer["errorMessage"] = error[:8_192]
    return msgspec.json.encode(answer)


def translate(delivery: Delivery, most_bytes: int) -> Translation:
    """Translate all records; a bad one is counted and left out, since refusing it would bring the good ones back for ever."""
    exports: list[Export] = []
    rejected, made_bytes, reasons = 0, 0, []
    for number, data in enumerate(delivery.records):
        if made_bytes > MOST_GROWTH * most_bytes:
            rejected += 1
            reasons.append(f"record {number}: the delivery makes more than {MOST_GROWTH * most_bytes} bytes of OTLP")
            continue
        try:
            one = _translate_record(base64.b64decode(data, validate=True), delivery.timestamp_ms, most_bytes)
        except (binascii.Error, Malformed, TooLarge, ValueError) as error:
            rejected += 1
            reasons.append(f"record {number}: {error}")
            continue
        made_bytes += exported_bytes(one)
        exports += one.exports
        rejected += one.rejected_items
        reasons += one.reasons
    return Translation(tuple(exports), rejected, tuple(reasons[:MOST_REASONS]))


def _translate_record(record: bytes, delivered_ms: int, most_bytes: int) -> Translation:
    """What a record is, it says itself: a metric stream's JSON or OTLP, else a CloudWatch Logs subscription."""
    if metric_streams.is_json(record):
        return metric_streams.translate_json(record, delivered_ms)
    if metric_streams.is_otlp(record):
        return metric_streams.translate_otlp(record)
    return translate_payload(record, most_bytes)
