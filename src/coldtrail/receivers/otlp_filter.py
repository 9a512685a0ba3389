"""Leave unsound items out of an OTLP request without decoding the others, so that these stay as they came.

The library would refuse a whole request for one text that is not UTF-8 or one value that nests too deeply.
"""

from __future__ import annotations

from collections.abc import Callable

from google.protobuf.message import DecodeError, Message

from coldtrail.model.exports import Malformed
from coldtrail.model.wire import read_fields, write_field

GROUPS, SCOPES, ITEMS = 1, 2, 2
"""Field numbers of `Export...ServiceRequest.resource_*`, `Resource*.scope_*` and `Scope*.{spans,log_records,metrics}`."""


def without(body: bytes, item: type[Message], is_unsound: Callable[[Message], bool]) -> bytes:
    """Return the request without the items (read as ``item``) that are unsound; everything else byte for byte.

    Raises:
        Malformed: the body is no such request.
    """

    def rebuild(message: memoryview, numbers: tuple[int, ...]) -> bytes:
        number, *deeper = numbers
        parts: list[bytes | memoryview] = []
        for field in read_fields(message):
            if field.number != number:
                parts.append(field.whole)
            elif deeper:
                parts.append(write_field(number, rebuild(field.payload, tuple(deeper))))
            elif not is_unsound(item.FromString(bytes(field.payload))):
                parts.append(field.whole)
        return b"".join(parts)

    try:
        return rebuild(memoryview(body), (GROUPS, SCOPES, ITEMS))
    except (ValueError, DecodeError) as error:
        raise Malformed(f"the body is not an OTLP request: {error}") from None
