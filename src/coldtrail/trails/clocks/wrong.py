"""Clocks that are wrong: found from effects that come before their causes, and put right.

A bound says that two machines' clocks cannot differ by more than what an edge between them shows: an effect starts
after its cause, and a call that was waited for ends before its caller. Where no bound is broken nothing is moved.
Sources: D. Mills, RFC 5905 ("Clock offset" from four time stamps of request and answer); difference constraints as in
Cormen et al., "Introduction to Algorithms", 22.4.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

SLACK_NS = 5_000_000
"""Log lines are stamped in whole milliseconds, and hosts kept by NTP differ by about one: no reason to move a clock."""

WIDEST_CALL_NS = 60 * 10**9
"""Two bounds that leave more than this open say nothing of where in between a clock stands."""


class Bound(Struct, frozen=True):
    """The clock of ``later`` is ahead of the clock of ``earlier`` by at most ``most_ns``.

    ``firm``: told by a start after its cause. One that is not (an end within its caller) gives way to firm ones, since
    a call may not have been waited for.
    """

    earlier: str
    later: str
    most_ns: int
    firm: bool = True


class _Pairs(Struct):
    """The tightest bound of every ordered pair of machines."""

    most_ns: dict[tuple[str, str], int]
    near: dict[str, list[str]]

    def interval(self, machine: str, offsets: dict[str, int]) -> tuple[float, float]:
        """Where the offset of one machine may lie while those of the others stay."""
        low, high = float("-inf"), float("inf")
        for other in self.near[machine]:
            at = offsets.get(other, 0)
            if (most := self.most_ns.get((other, machine))) is not None:
                high = min(high, at + most)
            if (most := self.most_ns.get((machine, other))) is not None:
                low = max(low, at - most)
        return low, high

    def broken(self, offsets: dict[str, int]) -> list[tuple[str, str]]:
        """The pairs whose bound does not hold."""
        return [
            (earlier, later)
            for (earlier, later), most in self.most_ns.items()
            if offsets.get(later, 0) - offsets.get(earlier, 0) > most + SLACK_NS
        ]


def offsets_of(bounds: Iterable[Bound]) -> dict[str, int]:
    """Return by how many ns each wrong clock is ahead of the others (negative: behind); only those that are wrong.

    The machine that disagrees with most of those that it meets is moved first, and no further than the bounds ask,
    or to the middle where they hold it from both sides. What cannot be made to agree stays as it is.
    """
    found = sorted(set(bounds), key=lambda bound: (bound.earlier, bound.later, bound.most_ns))
    tight = _pairs(found)
    if not tight.broken({}):
        return {}
    firm = _pairs([bound for bound in found if bound.firm])
    for pairs in (tight, firm):
        offsets = _settle(pairs)
        if offsets is not None:
            return {machine: offset for machine, offset in sorted(offsets.items()) if offset}
    return {}


def _pairs(bounds: list[Bound]) -> _Pairs:
    most_ns: dict[tuple[str, str], int] = {}
    near: dict[str, set[str]] = {}
    for bound in bounds:
        pair = (bound.earlier, bound.later)
        most_ns[pair] = min(bound.most_ns, most_ns.get(pair, bound.most_ns))
        near.setdefault(bound.earlier, set()).add(bound.later)
        near.setdefault(bound.later, set()).add(bound.earlier)
    return _Pairs(most_ns, {machine: sorted(others) for machine, others in near.items()})


def _settle(pairs: _Pairs) -> dict[str, int] | None:
    """Move one machine at a time until all bounds hold; None where they contradict each other."""
    offsets: dict[str, int] = {}
    for _ in range(3 * len(pairs.near) + 3):
        broken = pairs.broken(offsets)
        if not broken:
            return offsets
        machine = _most_at_odds(pairs, broken, offsets)
        low, high = pairs.interval(machine, offsets)
        if low > high:
            earlier, machine = broken[0]
            high = offsets.get(earlier, 0) + pairs.most_ns[earlier, machine]
            low = float("-inf")
        offsets[machine] = _moved(pairs, machine, offsets, low, high)
    return None


def _most_at_odds(pairs: _Pairs, broken: list[tuple[str, str]], offsets: dict[str, int]) -> str:
    """The machine with most broken and fewest kept bounds; between two alike the one of the effect, not yet moved."""
    against: dict[str, int] = {}
    effects = {later for _, later in broken}
    for pair in broken:
        for machine in pair:
            against[machine] = against.get(machine, 0) + 1
    return max(
        against,
        key=lambda one: (2 * against[one] - len(pairs.near[one]), one not in offsets, one in effects, one),
    )


def _moved(pairs: _Pairs, machine: str, offsets: dict[str, int], low: float, high: float) -> int:
    """The middle of what a short call and its answer leave open, else the nearest place that the bounds allow."""
    widest = WIDEST_CALL_NS
    best = float(offsets.get(machine, 0))
    for other in pairs.near[machine]:
        before, after = pairs.most_ns.get((other, machine)), pairs.most_ns.get((machine, other))
        if before is not None and after is not None and 0 <= before + after < widest:
            widest = before + after
            best = offsets.get(other, 0) + (before - after) / 2
    return int(min(max(best, low), high))
