"""Functions that feed themselves: what they send comes back to them, until somebody notices the bill."""

from __future__ import annotations

from collections.abc import Iterator

from coldtrail.model.findings import Sighting
from coldtrail.store.engine import Engine
from coldtrail.store.troubles.messages import Loop, fed_by_itself

LEAST_TURNS = 3
"""Lambda stops a loop after 16 turns, where it sees one. Source: AWS Lambda Developer Guide, "Recursive loop detection"."""


def recursions(engine: Engine, since_ns: int, until_ns: int) -> Iterator[Sighting]:
    """Every function and source by which it feeds itself three times and more within one trail."""
    found: dict[tuple[str, str, int], list[Loop]] = {}
    for one in fed_by_itself(engine, since_ns, until_ns, LEAST_TURNS):
        found.setdefault((one.function, one.name, one.minute_s), []).append(one)
    for (function, name, minute_s), loops in found.items():
        turns = max(one.count for one in loops)
        yield Sighting(
            kind="recursion",
            scope=function,
            detail=name,
            minute_s=minute_s,
            count=len(loops),
            first_ns=min(one.first_ns for one in loops),
            last_ns=max(one.last_ns for one in loops),
            title=f"{function} feeds itself by {name}: {turns} turns in one trail",
            severity="high",
            advice=(
                "Let it write somewhere else than it reads from, or carry a count of turns and stop at a bound; "
                "set its reserved concurrency to 0 to break the loop now."
            ),
            evidence={"source": name, "turns": turns, "trail_count": len(loops)},
            units=tuple(one.trail_id for one in loops[:5]),
        )
