"""Times as the API speaks them: RFC 3339 UTC with nanoseconds; ranges absolute or relative to now."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from litestar.exceptions import ClientException

_RELATIVE = re.compile(r"^(?:now)?-?(\d{1,18})(ms|s|m|h|d|w)$")
_UNIT_NS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9, "w": 7 * 86400 * 10**9}
FAR_NS = 2**62


def parse_time(text: str, name: str, now_ns: int | None = None) -> int:
    """Return Unix nanoseconds of an RFC 3339 time, `now`, `now-15m`, `15m`, or Unix seconds/nanoseconds.

    Raises:
        ClientException: none of these; names the parameter.
    """
    now = time.time_ns() if now_ns is None else now_ns
    if text == "now":
        return now
    if relative := _RELATIVE.match(text):
        return now - int(relative[1]) * _UNIT_NS[relative[2]]
    if text.isascii() and text.isdigit() and len(text) <= 20:
        number = int(text)
        return number * 10**9 if number < 10**11 else number
    try:
        whole, dot, rest = text.partition(".")
        fraction, zone = re.match(r"(\d{1,9})(.*)$", rest).groups() if dot else ("", "")  # type: ignore[union-attr]
        moment = datetime.fromisoformat(whole + zone)
    except (AttributeError, ValueError):
        raise ClientException(
            f'{name} must be a time such as "2026-11-21T05:32:12Z" or "now-1h", got "{text[:60]}"'
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * 10**9 + int(fraction.ljust(9, "0") or 0)


def parse_step(text: str | None, since_ns: int, until_ns: int) -> int:
    """Return a step in nanoseconds: `30s`, `1m` or seconds; without one, such that a range has 30 to 60 points.

    Raises:
        ClientException: not a duration, or one that would make more than 11,000 points.
    """
    span_ns = until_ns - since_ns
    if text is None:
        for seconds in (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10800, 43200, 86400):
            if span_ns <= seconds * 60 * 10**9:
                return seconds * 10**9
        return 86400 * 10**9
    match = re.match(r"^(\d+)(s|m|h|d)?$", text)
    step_ns = int(match[1]) * _UNIT_NS[match[2] or "s"] if match else 0
    if not step_ns or span_ns / step_ns > 11_000:
        raise ClientException(f'step must be a duration such as "60s" with at most 11,000 points, got "{text[:60]}"')
    return step_ns
