"""JSON as senders write it who care less than the standard: one odd character costs that character alone.

RFC 8259 asks for UTF-8, and leaves open what half a surrogate pair means (section 8.2); runtimes that keep text as
UTF-16 (Node.js, Java) cut strings in the middle of a pair and write the half as an escape.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_ESCAPES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def decode(data: bytes, type: type[T] | Any = Any) -> T | Any:
    """Return the value; what is not UTF-8 and halves of surrogate pairs become U+FFFD.

    Raises:
        msgspec.DecodeError: it is not JSON, or not of that type.
        RecursionError: it nests deeper than Python recurses.
    """
    try:
        return msgspec.json.decode(data, type=type)
    except UnicodeDecodeError:
        return decode(data.decode("utf-8", "replace").encode(), type)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        repaired = _ESCAPES.sub(_without_half, data) if b"\\u" in data else data
        if repaired == data:
            raise
        return msgspec.json.decode(repaired, type=type)


def _without_half(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape["half"] else escape[0]
