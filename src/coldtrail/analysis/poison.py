"""Poison by fingerprint: messages that fail again and again for the same reason. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from msgspec import Struct

MOST_KEYS = 20


class Try(Struct, frozen=True):
    """A message that failed ``tries`` times at a consumer. Times in Unix nanoseconds."""

    message: str
    key: str
    consumer: str
    trail_id: str
    tries: int
    through: bool
    first_ns: int
    last_ns: int
    failure_type: str
    failure_message: str


class Poison(Struct, frozen=True):
    """One reason: what fails so, and which messages it holds. ``stuck``: of these, so many never went through."""

    fingerprint: str
    consumer: str
    failure_type: str
    failure_message: str
    messages: int
    stuck: int
    tries: int
    first_ns: int
    last_ns: int
    examples: list[Try]


def poison(failed: Iterable[Try], normalise: Callable[[str], str]) -> list[Poison]:
    """Group messages by consumer, type and normalised message of their failure, the most tries first."""
    found: dict[tuple[str, str, str], list[Try]] = {}
    for one in failed:
        found.setdefault((one.consumer, one.failure_type, normalise(one.failure_message)), []).append(one)
    groups = [
        Poison(
            fingerprint=hashlib.sha256("\0".join(group).encode()).hexdigest()[:16],
            consumer=group[0],
            failure_type=group[1],
            failure_message=group[2],
            messages=len(mine),
            stuck=sum(not one.through for one in mine),
            tries=sum(one.tries for one in mine),
            first_ns=min(one.first_ns for one in mine),
            last_ns=max(one.last_ns for one in mine),
            examples=sorted(mine, key=lambda one: (-one.tries, one.key))[:MOST_KEYS],
        )
        for group, mine in found.items()
    ]
    return sorted(groups, key=lambda one: (-one.stuck, -one.tries, one.fingerprint))
