"""Messages without what differs from one occurrence to the next, so that the same trouble has one fingerprint."""

from __future__ import annotations

import re

MOST_CHARACTERS = 300

_PARTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\barn:aws[\w-]*:[^\s'\",)]+"), "<arn>"),
    (re.compile(r"https?://[^\s'\",)]+"), "<url>"),
    (re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b"), "<address>"),
    (re.compile(r"\b[A-Za-z]+(?:[-_][A-Za-z]+)*(?:[-_][A-Za-z0-9]*\d[A-Za-z0-9]*)+\b"), "<id>"),
    (re.compile(r"\b(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{12,}\b"), "<id>"),
    (re.compile(r"(?<![\w.])[\w.+-]+@[\w-]+\.[\w.-]+"), "<mail>"),
    (re.compile(r"(?<![A-Za-z])\d+(?:[.,:]\d+)*"), "#"),
    (re.compile(r"\s+"), " "),
)


def normalise(message: str) -> str:
    """Return a message whose ids, numbers, times, addresses and links stand as placeholders; at most 300 characters."""
    text = message[: MOST_CHARACTERS * 4]
    for pattern, placeholder in _PARTS:
        text = pattern.sub(placeholder, text)
    return text.strip()[:MOST_CHARACTERS]
