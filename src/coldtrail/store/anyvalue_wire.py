"""An AnyValue that protobuf refuses to read: nested deeper than it recurses, or with text that is not UTF-8.

Shown as it is, with U+FFFD for what is no UTF-8; what nests deeper than `MOST_LEVELS` is JSON text from there on,
so that no reader has to recurse as deep as a sender can write.
"""

from __future__ import annotations

import base64
import contextlib
import json
import struct

from coldtrail.model.signals import AttributeValue
from coldtrail.model.wire import Field, read_fields

MOST_LEVELS = 64

_STRING, _BOOL, _INT, _DOUBLE, _ARRAY, _KVLIST, _BYTES = 1, 2, 3, 4, 5, 6, 7


def read(raw: memoryview, level: int = 0) -> AttributeValue:
    """Return the value of a raw AnyValue.

    Raises:
        ValueError: it is no message at all.
    """
    field = _set_field(raw)
    if field is None:
        return None
    if field.number not in (_ARRAY, _KVLIST):
        return _scalar(field)
    if level >= MOST_LEVELS:
        return _json(raw)
    inner = [one.payload for one in read_fields(field.payload) if one.number == 1]
    if field.number == _ARRAY:
        return [read(one, level + 1) for one in inner]
    return {key: read(value, level + 1) for key, value in map(_pair, inner)}


def fields_of(message: memoryview, *numbers: int) -> list[Field]:
    """Return the last field of each number, an empty one where there is none; of a broken message what is whole."""
    found = {number: Field(number, 0, memoryview(b"")) for number in numbers}
    with contextlib.suppress(ValueError):
        for field in read_fields(message):
            found[field.number] = field
    return [found[number] for number in numbers]


def pairs(message: memoryview, number: int) -> dict[str, AttributeValue]:
    """Return the attributes that a message holds in its field ``number``; of a broken message those that are whole."""
    found: dict[str, AttributeValue] = {}
    with contextlib.suppress(ValueError):
        for field in read_fields(message):
            if field.number == number:
                key, value = _pair(field.payload)
                found[key] = read(value)
    return found


def text(raw: memoryview) -> str:
    """Return text, with U+FFFD for what is no UTF-8."""
    return bytes(raw).decode("utf-8", "replace")


def _set_field(raw: memoryview) -> Field | None:
    """Of a oneof the last one counts."""
    found = None
    for field in read_fields(raw):
        if _STRING <= field.number <= _BYTES:
            found = field
    return found


def _pair(raw: memoryview) -> tuple[str, memoryview]:
    key, value = "", memoryview(b"")
    for field in read_fields(raw):
        if field.number == 1:
            key = text(field.payload)
        elif field.number == 2:
            value = field.payload
    return key, value


def _scalar(field: Field) -> str | bool | int | float | bytes:
    if field.number == _STRING:
        return text(field.payload)
    if field.number == _BYTES:
        return bytes(field.payload)
    if field.number == _BOOL:
        return bool(field.integer)
    if field.number == _INT:
        return field.integer - (field.integer >> 63 << 64)
    real: float = struct.unpack("<d", struct.pack("<Q", field.integer))[0]
    return real


def _json(raw: memoryview) -> str:
    """Write a value as JSON, however deep: a stack instead of recursion. Bytes are base64, as everywhere in the API."""
    out: list[str] = []
    pending: list[str | memoryview] = [raw]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            out.append(one)
            continue
        field = _set_field(one)
        if field is None:
            out.append("null")
        elif field.number in (_ARRAY, _KVLIST):
            pending += reversed(_container(field))
        else:
            out.append(_json_scalar(_scalar(field)))
    return "".join(out)


def _container(field: Field) -> list[str | memoryview]:
    """What to write for an array or a kvlist: its brackets, commas and keys as text, its values still raw."""
    is_array = field.number == _ARRAY
    parts: list[str | memoryview] = ["[" if is_array else "{"]
    for inner in read_fields(field.payload):
        if inner.number != 1:
            continue
        if len(parts) > 1:
            parts.append(",")
        if is_array:
            parts.append(inner.payload)
        else:
            key, value = _pair(inner.payload)
            parts += [json.dumps(key) + ":", value]
    return [*parts, "]" if is_array else "}"]


def _json_scalar(value: str | bool | int | float | bytes) -> str:
    if isinstance(value, bytes):
        return json.dumps(base64.b64encode(value).decode())
    if isinstance(value, float) and value - value != 0:
        return json.dumps(str(value))
    return json.dumps(value, ensure_ascii=False)
