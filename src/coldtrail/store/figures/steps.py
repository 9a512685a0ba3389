"""What the files beside this one have in common: figures per step, and the range that they are asked for.

Each of them reads the figures of one kind of thing from spans, log lines and keys, under the names (`way`) that the
services' metrics give to them. A name that is not in the answer is not told by any signal of the range.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

Figures = dict[str, dict[int, float]]
"""Values by way and step; steps count from the beginning of the range."""

IN_RANGE = "{at} >= fromUnixTimestamp64Nano({{counted:Int64}}) AND {at} < fromUnixTimestamp64Nano({{until:Int64}})"
STEP = "intDiv(toUnixTimestamp64Nano({at}) - {{since:Int64}}, {{step:Int64}})"


class Steps(Struct, frozen=True):
    """A range in Unix nanoseconds, cut into steps; ``since_ns`` is the beginning of the first.

    ``counted_ns``: where a range has too many spans to read their attributes, the beginning of its newest part; 0: all.
    """

    since_ns: int
    until_ns: int
    step_ns: int
    counted_ns: int = 0

    @property
    def count(self) -> int:
        """How many steps there are."""
        return -(-(self.until_ns - self.since_ns) // self.step_ns)

    def of(self, time_ns: int) -> int:
        """Return the step of a time, which may lie outside."""
        return (time_ns - self.since_ns) // self.step_ns

    def parameters(self, **more: Any) -> dict[str, Any]:
        """Return what the queries bind, and ``more``."""
        counted_ns = self.counted_ns or self.since_ns
        return {"since": self.since_ns, "counted": counted_ns, "until": self.until_ns, "step": self.step_ns, **more}


def in_range(at: str) -> str:
    """Return SQL that is true for a DateTime64 column within the range."""
    return IN_RANGE.format(at=at)


def step_of(at: str) -> str:
    """Return SQL for the step of a DateTime64 column."""
    return STEP.format(at=at)


def columns(rows: list[tuple[Any, ...]], ways: tuple[str, ...]) -> Figures:
    """Return rows of (step, value, ...) as figures; a value that is NULL or NaN is left out."""
    figures: Figures = {}
    for step, *values in rows:
        for way, value in zip(ways, values, strict=True):
            if value is not None and value == value:
                figures.setdefault(way, {})[step] = round(float(value), 6)
    return figures
