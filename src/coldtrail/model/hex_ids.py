"""Ids in hex: how OTLP/JSON, X-Ray and our own API write the ids of traces, spans and nodes."""

from __future__ import annotations

import re

TRACE_DIGITS, SPAN_DIGITS = 32, 16

_HEX = re.compile(r"[0-9a-fA-F]+")


def is_hex(text: str, digits: int) -> bool:
    """Whether ``text`` is exactly so many hex digits, of either case."""
    return len(text) == digits and _HEX.fullmatch(text) is not None


def is_trace_id(text: str) -> bool:
    """Whether ``text`` is a trace id; all zero means that there is none (W3C Trace Context, "trace-id")."""
    return is_hex(text, TRACE_DIGITS) and text.strip("0") != ""


def is_span_id(text: str) -> bool:
    """Whether ``text`` is a span id; all zero means that there is none (W3C Trace Context, "parent-id")."""
    return is_hex(text, SPAN_DIGITS) and text.strip("0") != ""
