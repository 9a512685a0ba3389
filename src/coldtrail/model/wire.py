"""Protocol Buffers' wire format without a schema: for what the library refuses to read and we still want to keep.

Source: Protocol Buffers documentation, "Encoding": a field is a varint tag (number * 8 + wire type) and a varint,
8 bytes, a length and so many bytes, or 4 bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5


class Field(Struct, frozen=True):
    """One field: ``value`` is a number (fixed ones as unsigned integers) or the payload; ``whole`` holds its tag too."""

    number: int
    value: int | memoryview
    whole: memoryview

    @property
    def payload(self) -> memoryview:
        """The bytes of a field with a length; empty for a number."""
        return self.value if isinstance(self.value, memoryview) else memoryview(b"")

    @property
    def integer(self) -> int:
        """The number; 0 for a field with a length."""
        return self.value if isinstance(self.value, int) else 0


def read_fields(message: memoryview) -> Iterator[Field]:
    """Yield the fields of a message in order.

    Raises:
        ValueError: it ends in the middle of a field, or has groups (which OTLP never had).
    """
    at = 0
    while at < len(message):
        start = at
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == VARINT:
            number, at = _varint(message, at)
            yield Field(tag >> 3, number, message[start:at])
            continue
        size = 8 if kind == FIXED64 else 4 if kind == FIXED32 else -1
        if kind == LENGTH:
            size, at = _varint(message, at)
        if size < 0 or at + size > len(message):
            raise ValueError("the message ends in the middle of a field")
        data = message[at : at + size]
        at += size
        value = data if kind == LENGTH else int.from_bytes(data, "little")
        yield Field(tag >> 3, value, message[start:at])


def write_field(number: int, payload: bytes) -> bytes:
    """Return a field with a length."""
    return varint(number << 3 | LENGTH) + varint(len(payload)) + payload


def varint(number: int) -> bytes:
    """Return a number that is not negative as a varint."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(message) and shift < 70:
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
    raise ValueError("the message ends in the middle of a number")
