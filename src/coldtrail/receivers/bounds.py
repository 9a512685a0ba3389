"""How much a body would become, told before anything is made of it: a few bytes of it may cost a hundred in memory.

64 MiB of empty spans (two bytes each) would take nine gigabytes and minutes; JSON of empty objects as much.
"""

from __future__ import annotations

from typing import Any

from coldtrail.model.exports import TooLarge
from coldtrail.model.signals import Signal

MOST_ITEMS = 500_000
"""Groups, spans, links, log records, metrics and points of one request; a batch of the collector has 8,192 items."""

MOST_FIELDS = 4_000_000
"""Fields of one request that are looked at in order to count its items; bounds the time that the count takes."""

MOST_JSON_VALUES = 4_000_000
"""Objects, lists and texts of one JSON body; those inside of texts count too, since telling them apart is parsing."""

SMALL_BYTES = 1 << 20
"""A protobuf body of this size holds no more items than the bound, and is not counted."""

_POINTS: dict[int, Any] = {kind: {1: {}} for kind in (5, 7, 9, 10, 11)}
_TREES: dict[Signal, dict[int, Any]] = {
    "traces": {1: {2: {2: {13: {}}}}},
    "logs": {1: {2: {2: {}}}},
    "metrics": {1: {2: {2: _POINTS}}},
}
"""By field number, the messages that are read one by one: groups, scopes, items, links, points of each kind."""


def check_protobuf(signal: Signal, body: bytes) -> None:
    """Refuse an export request with more items than there is memory for; a broken one is left to the parser.

    Raises:
        TooLarge: says which bound was passed.
    """
    if len(body) <= SMALL_BYTES:
        return
    count = _Count(body)
    try:
        count.walk(0, len(body), _TREES[signal])
    except IndexError:
        return


def check_json(body: bytes) -> None:
    """Refuse JSON of more values than there is memory for; counts at the speed of memory.

    Raises:
        TooLarge: says which bound was passed.
    """
    if len(body) > MOST_JSON_VALUES and body.count(b"{") + body.count(b"[") + body.count(b'"') // 2 > MOST_JSON_VALUES:
        raise TooLarge(f"the body holds more than {MOST_JSON_VALUES} JSON values: send smaller batches")


class _Count:
    """Walks the wire format (Protocol Buffers, "Encoding"), without looking at what it does not have to."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._items = 0
        self._fields = 0

    def walk(self, at: int, end: int, tree: dict[int, Any]) -> None:
        """Count the fields from ``at`` to ``end``, and those below them that are in ``tree``."""
        body = self._body
        fields = 0
        while at < end:
            fields += 1
            tag, at = self._varint(at)
            kind = tag & 7
            if kind == 2:
                size, at = self._varint(at)
                inner = tree.get(tag >> 3)
                if inner is not None:
                    self._add_item()
                    if inner:
                        self.walk(at, min(at + size, end), inner)
                at += size
            elif kind == 0:
                while body[at] >= 0x80:
                    at += 1
                at += 1
            else:
                at += 8 if kind == 1 else 4
            if fields > MOST_FIELDS - self._fields:
                raise TooLarge(f"the request holds more than {MOST_FIELDS} fields: send smaller batches")
        self._fields += fields

    def _add_item(self) -> None:
        self._items += 1
        if self._items > MOST_ITEMS:
            raise TooLarge(f"the request holds more than {MOST_ITEMS} items: send smaller batches")

    def _varint(self, at: int) -> tuple[int, int]:
        number = self._body[at]
        at += 1
        if number < 0x80:
            return number, at
        number &= 0x7F
        shift = 7
        while shift < 70:
            byte = self._body[at]
            at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number, at
            shift += 7
        raise IndexError("a number has more digits than there are")
