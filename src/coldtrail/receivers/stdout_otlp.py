"""OTLP printed to standard output, so that a function needs no network to be traced.

Two forms are known: an OTLP/JSON export request as one line, and the envelope of the otlp-stdout-span-exporter
(`{"__otel_otlp_stdout": ..., "payload": base64 of gzip protobuf, ...}`).
"""

from __future__ import annotations

import base64
import binascii

import msgspec

from coldtrail.model.exports import Export, Malformed, TooLarge
from coldtrail.receivers.content_encoding import gunzip
from coldtrail.receivers.otlp import accept

MOST_BYTES = 4 << 20


def looks_like(message: str) -> bool:
    """Whether a line may be OTLP; cheap, run on every line."""
    return message.startswith('{"resourceSpans"') or '"__otel_otlp_stdout"' in message[:200]


def translate(message: str) -> tuple[list[Export], str]:
    """Return the spans of a line and "", or nothing and the reason why it has none."""
    try:
        if message.startswith('{"resourceSpans"'):
            return list(accept("traces", message.encode("utf-8", "replace"), json=True).exports), ""
        envelope = msgspec.json.decode(message)
        payload = base64.b64decode(envelope["payload"], validate=True)
        if envelope.get("content-encoding") == "gzip" or payload[:2] == b"\x1f\x8b":
            payload = gunzip(payload, MOST_BYTES)
        json = "json" in str(envelope.get("content-type", ""))
        return list(accept("traces", payload, json=json).exports), ""
    except (Malformed, TooLarge, msgspec.DecodeError, binascii.Error, KeyError, TypeError, AttributeError) as error:
        return [], f"OTLP on standard output: {error}"
