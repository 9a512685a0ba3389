"""What is left of an error budget, and when it will be spent at the pace of now. Pure; docs/objectives.md has the arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from msgspec import Struct

from coldtrail.model.durations import duration_ns
from coldtrail.model.objectives import CALENDAR, Objective
from coldtrail.watch.burn import Floats

HOUR_NS = 3_600 * 10**9

PACE_HOURS = 6
"""What a forecast takes for the pace: the window of the Workbook's slower page."""


class Period(Struct, frozen=True):
    """The time that a budget is for, Unix nanoseconds. A rolling one ends now."""

    start_ns: int
    end_ns: int
    rolling: bool


def period(window: str, now_ns: int) -> Period:
    """Return the period of a window at a time."""
    if window not in CALENDAR:
        return Period(now_ns - duration_ns(window), now_ns, rolling=True)
    day = datetime.fromtimestamp(now_ns // 10**9, UTC).replace(hour=0, minute=0, second=0)
    if window == "week":
        start = day - timedelta(days=day.weekday())
        return _calendar(start, start + timedelta(days=7))
    months = 1 if window == "month" else 3
    start = day.replace(month=(day.month - 1) // months * months + 1, day=1)
    return _calendar(start, (start + timedelta(days=31 * months)).replace(day=1))


def _calendar(start: datetime, end: datetime) -> Period:
    return Period(int(start.timestamp()) * 10**9, int(end.timestamp()) * 10**9, rolling=False)


class Budget(Struct, frozen=True):
    """What a period's events leave. ``sli`` and ``left`` are shares; None where there were no events.

    ``allowed``: so many may be bad. ``left`` is below 0 where more were.
    """

    good: float
    valid: float
    allowed: float
    sli: float | None
    left: float | None

    @property
    def bad(self) -> float:
        """How many were bad."""
        return self.valid - self.good


def budget(good: float, valid: float, budget_share: float, elapsed_share: float = 1.0) -> Budget:
    """Return the budget of a period of which a share has passed; its other events are expected to come as the first did."""
    if valid <= 0:
        return Budget(0.0, 0.0, 0.0, None, None)
    allowed = budget_share * valid / min(1.0, max(elapsed_share, 1e-9))
    return Budget(good, valid, allowed, good / valid, 1 - (valid - good) / allowed)


def per_hour(counts: Floats, begun: float = 1.0) -> float:
    """Return the pace of the last hours; ``begun``: the share of the newest one that has passed."""
    pace = min(PACE_HOURS, len(counts))
    return float(counts[-pace:].sum()) / (pace - 1 + max(begun, 1 / 60)) if pace else 0.0


def spent_in_rolling(bad: Floats, valid: Floats, budget_share: float, begun: float = 1.0) -> float | None:
    """Return in how many hours a rolling budget is spent at the pace of the last hours; None: not at that pace.

    ``bad`` and ``valid`` are the hours of the window, oldest first; each leaves it as a new one comes.
    """
    if per_hour(valid, begun) <= 0:
        return None
    ahead = np.arange(len(valid) + 1)
    over = _ahead(bad, ahead, per_hour(bad, begun)) - budget_share * _ahead(valid, ahead, per_hour(valid, begun))
    return _crossing(over)


def _ahead(counts: Floats, ahead: np.ndarray[tuple[int], np.dtype[np.int64]], pace: float) -> Floats:
    """The window's sum after so many hours more."""
    left = np.concatenate(([0.0], np.cumsum(counts)))
    return np.asarray(left[-1] - left[ahead] + ahead * pace)


def _crossing(over: Floats) -> float | None:
    """Where a line through points one hour apart first comes to 0 from below."""
    above = np.flatnonzero(over >= 0)
    if not len(above):
        return None
    first = int(above[0])
    if not first:
        return 0.0
    before, after = float(over[first - 1]), float(over[first])
    return first - 1 + before / (before - after)


def spent_in_calendar(now: Budget, bad_per_hour: float, remaining_hours: float) -> float | None:
    """Return in how many hours a calendar budget is spent; None: not before its period ends."""
    if now.left is not None and now.left <= 0:
        return 0.0
    if bad_per_hour <= 0:
        return None
    hours = (now.allowed - now.bad) / bad_per_hour
    return hours if hours <= remaining_hours else None


def budget_of(objective: Objective, good: float, valid: float, began_ns: int, now_ns: int) -> Budget:
    """Return the budget of an objective's period; of the calendar, its events so far are taken for a part of it.

    ``began_ns``: when its first events came.
    """
    within = period(objective.window, now_ns)
    if within.rolling:
        return budget(good, valid, objective.budget_share)
    began_ns = max(within.start_ns, began_ns)
    elapsed_share = (now_ns - began_ns) / (within.end_ns - began_ns)
    return budget(good, valid, objective.budget_share, elapsed_share)


def forecast_ns(objective: Objective, kept: Budget, good: Floats, valid: Floats, now_ns: int) -> int | None:
    """Return when the budget will be spent at the pace of the last hours, None where not in its window."""
    if kept.left is None:
        return None
    if kept.left <= 0:
        return now_ns
    within = period(objective.window, now_ns)
    bad = valid - good
    begun = (now_ns - 1) % HOUR_NS / HOUR_NS
    if within.rolling:
        hours = spent_in_rolling(bad, valid, objective.budget_share, begun)
    else:
        bad_per_hour = per_hour(bad, begun)
        hours = spent_in_calendar(kept, bad_per_hour, (within.end_ns - now_ns) / HOUR_NS)
    return None if hours is None else now_ns + int(hours * HOUR_NS)
