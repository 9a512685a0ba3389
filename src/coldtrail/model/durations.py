"""Durations as people write them in definitions: `90s`, `5m`, `6h`, `30d`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}

Duration = Annotated[str, Meta(pattern=r"^[0-9]{1,6}[smhdw]$")]
"""A number and its unit; `0s` is one as well."""


def duration_ns(text: str) -> int:
    """Return a duration in nanoseconds.

    Raises:
        ValueError: it is none.
    """
    number, unit = text[:-1], text[-1:]
    if unit not in UNITS_S or not number.isdecimal():
        raise ValueError(f'"{text[:40]}" is no duration such as 90s, 5m, 6h or 30d')
    return int(number) * UNITS_S[unit] * 10**9
