"""AnyValue as the store keeps it: the raw protobuf bytes of the message, one string per value.

An attribute's value is never decoded on its way in, so loading is fast and nothing is lost, however deep
it nests; it is decoded for the few rows that are read. A search encodes what it looks for instead.

Source: opentelemetry-proto `common.proto` (string_value = 1, bool_value = 2, int_value = 3,
double_value = 4, array_value = 5, kvlist_value = 6, bytes_value = 7).
"""

from __future__ import annotations

import contextlib

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue

from coldtrail.model.signals import MOST_MEASURE, Attributes, AttributeValue
from coldtrail.store import anyvalue_wire

_VARINT_BYTES = 1 + -(-MOST_MEASURE.bit_length() // 7)
"""The tag and as many bytes as `MOST_MEASURE` takes; a negative number takes ten."""


def decode(raw: bytes) -> AttributeValue:
    """Return the value of a raw AnyValue; what is not UTF-8 shows as U+FFFD, what nests very deeply as JSON text."""
    if not raw:
        return None
    if raw[0] == 0x0A and len(raw) > 1 and raw[1] < 0x80 and raw[1] == len(raw) - 2:
        return raw[2:].decode("utf-8", "replace")
    try:
        return plain(AnyValue.FromString(raw))
    except DecodeError:
        pass
    try:
        return anyvalue_wire.read(memoryview(raw))
    except ValueError:
        return raw.decode("utf-8", "replace")


def plain(value: AnyValue) -> AttributeValue:
    """Return the value of an AnyValue message."""
    which = value.WhichOneof("value")
    if which is None:
        return None
    if which == "array_value":
        return [plain(element) for element in value.array_value.values]
    if which == "kvlist_value":
        return {pair.key: plain(pair.value) for pair in value.kvlist_value.values}
    scalar: AttributeValue = getattr(value, which)
    return scalar


def decode_map(raw: dict[str, bytes] | None) -> Attributes:
    """Decode a whole attribute map."""
    return {key: decode(value) for key, value in raw.items()} if raw else {}


def encode(value: str | bool | int | float) -> bytes:
    """Return the raw AnyValue of a scalar, as every OpenTelemetry SDK writes it."""
    if isinstance(value, str):
        return AnyValue(string_value=value).SerializeToString()
    if isinstance(value, bool):
        return AnyValue(bool_value=value).SerializeToString()
    if isinstance(value, int):
        return AnyValue(int_value=value).SerializeToString()
    return AnyValue(double_value=value).SerializeToString()


def candidates(text: str) -> list[bytes]:
    """Return every raw AnyValue that a person may mean by ``text``: the string, the number, the truth value."""
    found = [encode(text)]
    if text in ("true", "false"):
        found.append(encode(text == "true"))
    with contextlib.suppress(ValueError):
        if -(2**63) <= int(text) < 2**63:
            found.append(encode(int(text)))
    with contextlib.suppress(ValueError):
        found.append(encode(float(text)))
    return found


def only_element(text: str) -> bytes:
    """Return the raw AnyValue of a list of this one string, as the names of the tables of a call are told."""
    return AnyValue(array_value=ArrayValue(values=[AnyValue(string_value=text)])).SerializeToString()


def sql_text(raw: str) -> str:
    """Return SQL for the text of a raw AnyValue expression; '' where it is not a string."""
    byte = f"reinterpretAsUInt8(substring({raw}, %d, 1))"
    start = f"multiIf({byte % 2} < 128, 3, {byte % 3} < 128, 4, {byte % 4} < 128, 5, 6)"
    return f"if(startsWith({raw}, '\\n'), substring({raw}, {start}), '')"


def sql_number(raw: str) -> str:
    """Return SQL for the Float64 of a raw AnyValue expression that holds an int or a double, else NULL.

    What is negative, not finite or too large to be a duration or a size is NULL too: a view that cannot convert it
    would have the whole body refused.
    """
    octet = f"reinterpretAsUInt8(substring({raw}, i + 1, 1))"
    varint = (
        f"arraySum(i -> bitShiftLeft(toInt64(bitAnd({octet}, 127)), 7 * (i - 1)), range(1, toUInt8(length({raw}))))"
    )
    double = f"reinterpretAsFloat64(substring({raw}, 2, 8))"
    return (
        f"multiIf(startsWith({raw}, '!'), if({double} >= 0 AND {double} < {MOST_MEASURE}, toNullable({double}), NULL), "
        f"startsWith({raw}, '\\x18') AND length({raw}) <= {_VARINT_BYTES}, toNullable(toFloat64({varint})), NULL)"
    )


def sql_true(raw: str) -> str:
    """Return SQL that is 1 where a raw AnyValue expression holds ``true``."""
    return f"({raw} = '\\x10\\x01')"
