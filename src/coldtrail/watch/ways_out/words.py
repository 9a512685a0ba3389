"""A message in words, as every way out needs them."""

from __future__ import annotations

from datetime import UTC, datetime

from coldtrail.model.alerting import Notification

MOST_LINES = 10


def headline(message: Notification) -> str:
    """Return one line: what became of which alert."""
    title = " ".join(message.title.split())[:200]
    if message.what == "recovered":
        return f"Recovered: {title}"
    if message.what == "acknowledged":
        return f"Acknowledged by {message.by}: {title}"
    if message.what == "test":
        return f"Test: {title}"
    return f"{ {'repeated': 'Still', 'escalated': 'Not acknowledged', 'grew': 'More'}.get(message.what, 'Firing') }: {title}"


def lines(message: Notification) -> list[str]:
    """Return why, and what it is about, a line each."""
    told = [" ".join(message.why.split())[:500]]
    told += [f"- {' '.join(part.why.split())[:300]}" for part in message.parts[:MOST_LINES] if len(message.parts) > 1]
    if len(message.parts) > MOST_LINES:
        told.append(f"- and {len(message.parts) - MOST_LINES} more")
    if message.description:
        told.append(message.description)
    return told


def time_of(time_ns: int) -> str:
    """Return a time as RFC 3339 in UTC, to the millisecond."""
    return f"{datetime.fromtimestamp(time_ns // 10**6 / 1000, UTC):%Y-%m-%dT%H:%M:%S}.{time_ns // 10**6 % 1000:03d}Z"
