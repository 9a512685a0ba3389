"""Where the chain breaks: messages of a source whose senders were known, and are not any more."""

from __future__ import annotations

from collections.abc import Iterator

from coldtrail.model.findings import Sighting
from coldtrail.store.troubles.messages import Course

NAMED_BEFORE, NAMED_NOW = 0.8, 0.5
"""Shares of a source's messages of which the sender is known."""

LEAST_BEFORE, LEAST_NOW = 10, 5
SETTLED_NS = 15 * 10**9
"""What tells of the sending may come so much later than what tells of the taking."""


def lost_context(courses: dict[tuple[str, str], list[Course]], now_ns: int) -> Iterator[Sighting]:
    """Every source whose messages are taken and nobody is told to have sent them, though somebody was before."""
    for (kind, name), minutes in courses.items():
        found = [minutes[-1]] if _ends(minutes) else []
        for place, one in enumerate(minutes):
            if one.last_ns > now_ns - SETTLED_NS and place == len(minutes) - 1 and one.count < 2 * LEAST_NOW:
                continue
            if _broken(one) and sum(other.count for other in _well_named(minutes[:place])) >= LEAST_BEFORE:
                found.append(one)
        for one in found:
            yield _sighting(kind, name, one, _well_named(minutes))


def _well_named(minutes: list[Course]) -> list[Course]:
    return [one for one in minutes if one.named >= one.count * NAMED_BEFORE]


def _broken(one: Course) -> bool:
    return one.taken >= LEAST_NOW and one.count - one.named >= LEAST_NOW and one.named < one.count * NAMED_NOW


def _ends(minutes: list[Course]) -> bool:
    """Whether nobody was told to have sent anything since some message; told sooner than by the half of a minute."""
    named_ns = max(one.named_ns for one in minutes)
    since = [one for one in minutes if one.last_ns > named_ns]
    # Within that message's minute as many as usual may have been nameless before it.
    nameless = sum(one.nameless - int(one.named * (1 / NAMED_BEFORE - 1)) for one in since)
    known = sum(one.named for one in _well_named(minutes)) >= LEAST_BEFORE
    return known and nameless >= LEAST_BEFORE and minutes[-1].last_ns >= named_ns + SETTLED_NS


def _sighting(kind: str, name: str, one: Course, before: list[Course]) -> Sighting:
    senders = sorted({sender for other in before for sender in other.senders})
    who = " or ".join(senders[:3]) or "their sender"
    return Sighting(
        kind="lost_context",
        scope=name,
        detail=", ".join(senders[:3]),
        minute_s=one.minute_s,
        count=one.count - one.named,
        first_ns=one.minute_s * 10**9,
        last_ns=one.last_ns,
        title=f"The chain breaks at {name}: nobody tells any more who sent its messages",
        severity="medium",
        advice=(
            f"Until a while ago {who} told which message it sent. Let it log the message's id or sequence number "
            "again, or put `traceparent` into the message (its attributes, or its body), and see what its last "
            "deployment changed."
        ),
        evidence={
            "kind": kind,
            "message_count": one.count,
            "named_count": one.named,
            "senders": senders,
            "consumers": list(one.consumers),
        },
        units=one.units,
    )
