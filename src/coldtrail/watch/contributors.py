"""What a budget was spent by: bad events grouped by what they have in common. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

MOST_OF_A_KIND = 8


class Contributor(Struct, frozen=True):
    """One group of bad events. ``by``: what they have in common (`error`, `function`, `route`, `version`, ...); ``share`` 0..1."""

    by: str
    name: str
    count: int
    share: float
    trace_id: str


def contributors(events: Iterable[tuple[str, Mapping[str, str]]]) -> list[Contributor]:
    """Return the groups of (trace id, what is told of it), of each kind the largest first.

    A kind of which all events are the same says where to look as well as one that divides them.
    """
    counts: dict[str, Counter[str]] = {}
    examples: dict[tuple[str, str], str] = {}
    total = 0
    for trace_id, told in events:
        total += 1
        for by, name in told.items():
            if name:
                counts.setdefault(by, Counter())[name] += 1
                if trace_id:
                    examples.setdefault((by, name), trace_id)
    return [
        Contributor(by, name, count, count / total, examples.get((by, name), ""))
        for by, counted in counts.items()
        for name, count in counted.most_common(MOST_OF_A_KIND)
    ]
