"""The first trails as recorded, the others without ids: times can only tell what belongs together where it is known who
calls whom and how long that takes, and a system that was seen with ids teaches it.
"""

from __future__ import annotations

from bench.reconstruction.crowd import start_ns
from bench.reconstruction.groups import Groups, place
from bench.reconstruction.recording import Signal
from bench.reconstruction.truth import Truth

SHARE = 0.15
"""Of the trails that keep their ids, first come."""


def first_groups(signals: list[Signal], groups: Groups) -> set[str]:
    """Return the groups of the first trails, by when they were recorded."""
    starts: dict[str, int] = {}
    for signal, group in place(signals, groups):
        if group:
            starts[group] = min(starts.get(group, 1 << 62), start_ns(signal))
    return set(sorted(starts, key=lambda group: starts[group])[: int(len(starts) * SHARE)])


def parted(
    signals: list[Signal], truth: Truth, first: set[str] | None = None
) -> tuple[list[Signal], list[Signal], set[str]]:
    """Return the signals of the first trails, those of all others, and the names of what belongs to the first.

    No trail lies on both sides: those that share a batch stay together. ``first``: the groups that are first, where
    the signals' own times no longer tell.
    """
    groups = Groups(truth)
    first = first_groups(signals, groups) if first is None else first
    placed = place(signals, groups)
    taught = [signal for signal, group in placed if group in first]
    others = [signal for signal, group in placed if group not in first]
    return taught, others, {name for name in truth.things if groups.top(name) in first}
