"""One protobuf message as a stencil: its bytes, and where in them the parts are that differ from copy to copy.

Thousands of copies are then made as one array of bytes, filled column by column, which is what makes a fleet fast.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Columns = dict[str, Bytes]
"""Part to its bytes, one row a copy."""


def varint(number: int) -> bytes:
    """Return a number as protobuf's varint."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number: int, payload: bytes) -> bytes:
    """Return a field with a length."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


class Template:
    """A message that is made by ``make(parts)``; ``parts``: name to two sample values whose encodings are as long."""

    def __init__(self, make: Callable[[dict[str, Any]], Any], parts: dict[str, tuple[Any, Any]], number: int) -> None:
        first = {name: samples[0] for name, samples in parts.items()}
        self._bytes = np.frombuffer(field(number, make(first).SerializeToString()), np.uint8)
        self.places: dict[str, NDArray[np.intp]] = {}
        for name, samples in parts.items():
            other = np.frombuffer(field(number, make({**first, name: samples[1]}).SerializeToString()), np.uint8)
            if len(other) != len(self._bytes):
                raise ValueError(f"the samples of {name} are not equally long")
            self.places[name] = np.flatnonzero(other != self._bytes)

    def copies(self, count: int, columns: Columns) -> bytes:
        """Return ``count`` messages, each with its field's tag; a part may stand in several places of a message."""
        rows = np.tile(self._bytes, (count, 1))
        for name, column in columns.items():
            places = self.places.get(name)
            if places is None:
                continue
            width = column.shape[1]
            for at in range(0, len(places), width):
                rows[:, places[at : at + width]] = column
        return rows.tobytes()


def little_endian(values: NDArray[Any], kind: str) -> Bytes:
    """Return numbers as fixed64 or double (``kind`` "<u8" or "<f8")."""
    return np.ascontiguousarray(values.astype(kind)).view(np.uint8).reshape(len(values), 8)


def choice(flags: NDArray[np.bool_], no: int, yes: int) -> Bytes:
    """Return one byte a copy."""
    return np.where(flags, yes, no).astype(np.uint8).reshape(-1, 1)


_HEX = np.array([[ord(digit) for digit in f"{number:02x}"] for number in range(256)], np.uint8)
_DASHES = (8, 13, 18, 23)


def uuids(dice: np.random.Generator, count: int) -> Bytes:
    """Return random ids in the form of UUIDs of version 4."""
    raw = dice.integers(0, 256, (count, 16), np.uint8)
    raw[:, 6] = raw[:, 6] & 0x0F | 0x40
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    digits = _HEX[raw].reshape(count, 32)
    out = np.full((count, 36), ord("-"), np.uint8)
    out[:, [at for at in range(36) if at not in _DASHES]] = digits
    return out


def decimals(dice: np.random.Generator, count: int, width: int) -> Bytes:
    """Return random digits."""
    return dice.integers(ord("0"), ord("9") + 1, (count, width), np.uint8)


def right_aligned(numbers: NDArray[np.int64], width: int) -> Bytes:
    """Return whole numbers as text with spaces before them."""
    out = np.full((len(numbers), width), ord(" "), np.uint8)
    left = numbers.copy()
    for at in range(width - 1, -1, -1):
        shown = (left > 0) | (at == width - 1)
        out[:, at] = np.where(shown, left % 10 + ord("0"), ord(" "))
        left //= 10
    return out
