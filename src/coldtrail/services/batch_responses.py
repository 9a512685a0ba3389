"""What a function answers that took a batch: which of its items failed, so that only those come again.

Source: AWS Lambda Developer Guide, "Handling errors for an SQS event source in Lambda" ("Implementing partial batch
responses": `{"batchItemFailures": [{"itemIdentifier": ...}]}`), "Configuring partial batch response with Kinesis Data
Streams and Lambda" (the identifier is a sequence number; all from the lowest one on come again).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from coldtrail.model.signals import Log, Span

RESPONSE_ATTRIBUTES = (
    "aws.lambda.response",
    "faas.response",
    "lambda.response",
    "function.response",
    "rpc.response.payload",
    "response",
)
"""Attributes of spans that hold the JSON of what a function answered: what instrumentations use."""

_RESPONSES = frozenset(RESPONSE_ATTRIBUTES)

MOST_BYTES = 2_000_000
MOST_ITEMS = 10_000
"""A batch has 10,000 records at most (AWS Lambda Developer Guide, "Event source mapping")."""

_MARK = "batchItemFailures"
_LIST = re.compile(rf"{_MARK}[\\\"']*\s*:\s*\[([^\]]*)\]")
_ITEM = re.compile(r"itemIdentifier[\\\"']*\s*:\s*[\\\"']*([^\\\"',}\s]+)")


def failed_items(signal: Span | Log) -> tuple[str, ...]:
    """Return the identifiers of the items that a logged or captured answer reports as failed.

    Understood as JSON, as JSON inside JSON, and as Python and Node.js print an object.
    """
    if isinstance(signal, Log):
        # Nearly all signals go out here: this is asked of each.
        return _items([signal.body]) if isinstance(signal.body, str) and _MARK in signal.body else ()
    if _RESPONSES.isdisjoint(signal.attributes):
        return ()
    return _items(value for name in RESPONSE_ATTRIBUTES if isinstance(value := signal.attributes.get(name), str))


def _items(texts: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for text in texts:
        if _MARK in text and len(text) <= MOST_BYTES:
            for listed in _LIST.findall(text):
                found |= dict.fromkeys(_ITEM.findall(listed))
    return tuple(found)[:MOST_ITEMS]
