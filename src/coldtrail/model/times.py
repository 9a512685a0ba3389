"""Times as text."""

from __future__ import annotations

import functools
from datetime import UTC, datetime


@functools.lru_cache(8192)
def rfc3339(time_ns: int) -> str:
    """Return Unix nanoseconds as `2026-11-21T05:32:12.579044455Z`."""
    seconds, nanoseconds = divmod(time_ns, 10**9)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return f"{seconds}.{nanoseconds:09d}"
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"
