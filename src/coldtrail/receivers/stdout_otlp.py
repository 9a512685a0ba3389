"""OTLP printed to standard output, so that a function needs no network to be traced.

Two forms are known: an OTLP/JSON export request as one line, and the envelope of the otlp-stdout-span-exporter
(`{"__otel_otlp_stdout": ..., "payload": base64 of gzip protobuf, ...}`).
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from coldtrail.model.exports import Malformed, TooLarge, Translation
from coldtrail.receivers.content_encoding import gunzip
from coldtrail.receivers.otlp import accept

MOST_BYTES = 4 << 20


def looks_like(message: str) -> bool:
    """Whether a line may be OTLP; cheap, run on every line."""
    return message.startswith('{"resourceSpans"') or '"__otel_otlp_stdout"' in message[:200]


def translate(message: str) -> Translation:
    """Return the spans of a line and what was refused of them, or one refused item and why the line has none."""
    try:
        if message.startswith('{"resourceSpans"'):
            return accept("traces", message.encode("utf-8", "replace"), json=True)
        envelope = msgspec.json.decode(message)
        payload = base64.b64decode(envelope["payload"], validate=True)
        if envelope.get("content-encoding") == "gzip" or payload[:2] == b"\x1f\x8b":
            payload = gunzip(payload, MOST_BYTES)
        json = "json" in str(envelope.get("content-type", ""))
        return accept("traces", payload, json=json)
    except (Malformed, TooLarge, msgspec.DecodeError, binascii.Error, KeyError, TypeError, AttributeError) as error:
        return Translation((), 1, (f"OTLP on standard output: {error}",))
