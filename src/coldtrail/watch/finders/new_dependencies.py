"""What is called for the first time: somebody's deployment brought something that can fail, cost and leak."""

from __future__ import annotations

from collections.abc import Iterator

from coldtrail.model.findings import Sighting
from coldtrail.store.engine import Engine
from coldtrail.store.troubles.calls import Pair, new_pairs

KNOWN_S = 86_400
NEW_S = 300
LEAST_KNOWN_S, LEAST_CALLS = 120, 100
"""Of a caller that is known for less, or called less, nobody knows what it calls."""

MOST_OF_ONE = 10
"""A caller of more new things at once calls things whose names are made up anew each time."""

MINUTE_S = 60


def new_dependencies(engine: Engine, now_ns: int) -> Iterator[Sighting]:
    """Every caller that calls, since the last minutes, what it had not called within a day."""
    found: dict[str, list[Pair]] = {}
    for one in new_pairs(engine, now_ns - KNOWN_S * 10**9, now_ns - NEW_S * 10**9, now_ns + NEW_S * 10**9):
        if is_new(one):
            found.setdefault(one.caller, []).append(one)
    for pairs in found.values():
        if len(pairs) <= MOST_OF_ONE:
            yield from map(_sighting, pairs)


def is_new(one: Pair) -> bool:
    """Whether the caller is known for long enough that what it calls for the first time is new."""
    return one.since_s - one.caller_since_s >= LEAST_KNOWN_S and one.calls_before >= LEAST_CALLS


def _sighting(one: Pair) -> Sighting:
    return Sighting(
        kind="new_dependency",
        scope=one.caller,
        detail=f"{one.kind}: {one.name}",
        minute_s=one.since_s // MINUTE_S * MINUTE_S,
        count=1,
        first_ns=one.since_s * 10**9,
        last_ns=one.since_s * 10**9,
        title=f"{one.caller} calls {one.name} for the first time",
        severity="low",
        advice=(
            "See which deployment brought it, and whether it has a time-out, retries with a bound, and somebody "
            "who answers for it."
        ),
        evidence={"called": one.name, "kind": one.kind, "call_count": one.count},
    )
