"""How fast a budget is spent: burn over windows, and when alerts fire and clear. Pure; time is counted in whole minutes.

Counts are arrays over minutes, the oldest first; a value at index i is that of the moment at which minute i ends.
Source: Google, "The Site Reliability Workbook", chapter 5, "6: Multiwindow, Multi-Burn-Rate Alerts" and "Low-Traffic
Services and Error Budget Alerting"; docs/objectives.md says where the rules for gaps and for clearing come from.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from coldtrail.model.durations import duration_ns
from coldtrail.model.objectives import CALENDAR, DAY_NS, BurnWindow, Objective

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

OF_30_DAYS = (
    ("page", 14.4, 60, 5),
    ("page", 6.0, 360, 30),
    ("ticket", 3.0, 1_440, 120),
    ("ticket", 1.0, 4_320, 360),
)
"""Severity, factor, long and short window in minutes. They spend 2, 5, 10 and 10 % of a budget of 30 days."""

CALENDAR_DAYS = {"week": 7, "month": 30, "quarter": 90}

LEAST_LONG = 30
LEAST_SHORT = 5
"""Windows of short objectives, in minutes: below these, single events decide."""

MOST_CALM = 30
"""Minutes."""


def windows_of(objective: Objective) -> tuple[BurnWindow, ...]:
    """Return the windows that alerts look at, fastest first: its own, or those of 30 days for its length."""
    if objective.windows:
        return tuple(sorted(objective.windows, key=lambda one: -one.factor))
    days = CALENDAR_DAYS[objective.window] if objective.window in CALENDAR else duration_ns(objective.window) // DAY_NS
    scale = 1.0 if 28 <= days <= 31 else days / 30
    return tuple(
        BurnWindow(
            severity="page" if severity == "page" else "ticket",
            factor=factor,
            long=f"{max(LEAST_LONG, round(long * scale))}m",
            short=f"{max(LEAST_SHORT, round(short * scale))}m",
        )
        for severity, factor, long, short in OF_30_DAYS
    )


def calm_minutes(window: BurnWindow) -> int:
    """For how long the short window must be below the factor until an alert clears: as long as it is, at most half an hour."""
    return min(window.short_minutes, MOST_CALM)


def burn(bad: Floats, valid: Floats, budget_share: float) -> Floats:
    """Return how many times as fast as the budget lasts it is spent; 0 where nothing happened."""
    return np.divide(bad, valid * budget_share, out=np.zeros_like(valid), where=valid > 0)


class Course(Struct):
    """One pair of windows over time, a value for each minute. ``calm_for``: for how many minutes it has been calm."""

    long_burn: Floats
    short_burn: Floats
    long_bad: Floats
    long_valid: Floats
    above: Bools
    calm_for: Ints


def course(good: Floats, valid: Floats, window: BurnWindow, budget_share: float, least_bad: int) -> Course:
    """Return the course of a pair of windows over the minutes of ``good`` and ``valid``."""
    bad = valid - good
    long_bad, long_valid = _sums(bad, window.long_minutes), _sums(valid, window.long_minutes)
    short_bad, short_valid = _sums(bad, window.short_minutes), _sums(valid, window.short_minutes)
    newest = np.maximum.accumulate(np.where(valid > 0, np.arange(len(valid)), -1))
    # A gap says neither that it is over nor that it goes on: the short window stays at the newest events.
    stays = (short_valid <= 0) & (long_valid > 0)
    at = np.where(stays, newest, np.arange(len(valid)))
    long_burn = burn(long_bad, long_valid, budget_share)
    short_burn = burn(short_bad, short_valid, budget_share)[at]
    above = (long_burn > window.factor) & (short_burn > window.factor) & (long_bad >= least_bad)
    calm = short_burn <= window.factor
    return Course(long_burn, short_burn, long_bad, long_valid, above, _run_lengths(calm))


def _sums(counts: Floats, minutes: int) -> Floats:
    """The sum over the last minutes at each minute; fewer at the beginning."""
    total = np.concatenate(([0.0], np.cumsum(counts)))
    upto = np.arange(1, len(counts) + 1)
    return np.asarray(total[upto] - total[np.maximum(upto - minutes, 0)])


def _run_lengths(holds: Bools) -> Ints:
    """For how many minutes in a row, up to each, something held."""
    index = np.arange(1, len(holds) + 1)
    return np.asarray(index - np.maximum.accumulate(np.where(holds, 0, index)))


class Firing(Struct, frozen=True):
    """One time that a pair of windows fired: indexes of the minutes at whose end it did and cleared (None: it still fires)."""

    first: int
    cleared: int | None
    long_burn: float
    short_burn: float


def firings(over: Course, window: BurnWindow) -> list[Firing]:
    """Return when the alert fired: as both windows exceed the factor, until the short one has been below for long enough."""
    fires, clears = np.flatnonzero(over.above), np.flatnonzero(over.calm_for >= calm_minutes(window))
    found: list[Firing] = []
    after = 0
    while (index := int(np.searchsorted(fires, after))) < len(fires):
        first = int(fires[index])
        ends = int(np.searchsorted(clears, first))
        cleared = int(clears[ends]) if ends < len(clears) else None
        found.append(Firing(first, cleared, float(over.long_burn[first]), float(over.short_burn[first])))
        if cleared is None:
            break
        after = cleared + 1
    return found
