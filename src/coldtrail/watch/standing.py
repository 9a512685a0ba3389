"""How every objective stands: its alerts stepped from minute to minute, its budget and forecast worked out when asked. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct, field

from coldtrail.model.durations import duration_ns
from coldtrail.model.objectives import CALENDAR, DAY_NS, MINUTE_NS, Burn, Burning, BurnWindow, Objective
from coldtrail.watch.budgets import HOUR_NS, Budget, budget_of, forecast_ns, period
from coldtrail.watch.burn import CALENDAR_DAYS, Floats, calm_minutes, course, firings, windows_of
from coldtrail.watch.ledger import Ledger
from coldtrail.watch.series import Series, series_of

State = Literal["page", "ticket", "spent", "ok", "no_data"]
ORDER: tuple[State, ...] = ("page", "ticket", "spent", "ok", "no_data")
"""Worst first."""

POINTS = 30
REPLAYED_MINUTES = 1_440
"""So much longer than the longest window is the past that alerts are worked out from after a start."""

FAR_NS = 2**62

MOST_STEPPED = 120
"""Minutes: after a longer stop, alerts are worked out anew from the counts."""


class Pair(Struct):
    """One pair of windows of one objective, as it stands. ``since``: the minute at whose end it fired, None where it has not."""

    window: BurnWindow
    calm_minutes: int
    since: int | None = None
    calm_for: int = 0
    long_burn: float = 0.0
    short_burn: float = 0.0
    long_bad: float = 0.0
    long_valid: float = 0.0

    def step(self, minute: int, least_bad: int) -> None:
        """Take the burns of a minute: fire as both exceed, clear when the short one has been calm for long enough."""
        factor = self.window.factor
        self.calm_for = self.calm_for + 1 if self.short_burn <= factor else 0
        if self.since is None:
            if self.short_burn > factor and self.long_burn > factor and self.long_bad >= least_bad:
                self.since = minute
        elif self.calm_for >= self.calm_minutes:
            self.since = None


class Watched(Struct):
    """One objective with its series and pairs of windows."""

    name: str
    objective: Objective
    series: Series
    pairs: list[Pair]


class Told(Struct):
    """How an objective stands. ``spent_ns``: when its budget will be, at the pace of now; None: not in its window."""

    name: str
    objective: Objective
    state: State
    budget: Budget
    spent_ns: int | None
    pairs: list[Pair]
    points: list[tuple[int, float | None]]
    """Beginning (Unix ns) and SLI of so many parts of the window."""


class Past(Struct, frozen=True):
    """One time that a pair of windows of an objective fired."""

    name: str
    value: Burning
    cleared_ns: int


class Standing(Struct):
    """All objectives and what was counted for them. ``stepped``: the newest minute that alerts have seen."""

    ledger: Ledger = field(default_factory=lambda: Ledger(60, 60))
    watched: dict[str, Watched] = field(default_factory=dict)
    stepped: int = 0
    past: tuple[int, list[Past]] = (0, [])

    def follow(self, objectives: dict[str, Objective]) -> list[Series]:
        """Watch these and no others; return the series that are new, of which nothing is counted yet.

        A longer window than before needs a longer ledger: then all series are new.
        """
        minutes, hours = lengths(objectives.values())
        if minutes > self.ledger.minutes or hours > self.ledger.hours:
            newest = self.ledger.newest
            self.ledger, self.watched = Ledger(minutes, hours), {}
            self.ledger.advance(newest)
        before = self.watched
        known = {one.series.id for one in before.values()}
        self.past = (0, [])
        self.watched = {
            name: before[name] if name in before and before[name].objective == one else _watched(name, one)
            for name, one in objectives.items()
        }
        fresh = {one.series.id: one.series for one in self.watched.values() if one.series.id not in known}
        for series in fresh:
            self.ledger.row(series)
        for name in self.watched:
            if self.watched[name] is not before.get(name):
                self.replay(self.watched[name])
        return list(fresh.values())

    def series(self) -> dict[int, Series]:
        """Return what is counted, each once."""
        return {one.series.id: one.series for one in self.watched.values()}

    def replay(self, one: Watched) -> None:
        """Work out an objective's alerts from the counts that are known, as if every minute had been watched."""
        if not self.stepped:
            return
        good, valid = self.ledger.course(one.series.id, self.stepped)
        for pair in one.pairs:
            over = course(good, valid, pair.window, one.objective.budget_share, one.objective.least_bad)
            found = firings(over, pair.window)
            fires = bool(found) and found[-1].cleared is None
            pair.since = self.stepped - (len(valid) - 1 - found[-1].first) if fires else None
            pair.calm_for = int(over.calm_for[-1])
            pair.long_burn, pair.short_burn = float(over.long_burn[-1]), float(over.short_burn[-1])
            pair.long_bad, pair.long_valid = float(over.long_bad[-1]), float(over.long_valid[-1])

    def begin(self, now_ns: int) -> None:
        """Work out all alerts from the counts, as after a start."""
        self.stepped = now_ns // MINUTE_NS - 1
        for one in self.watched.values():
            self.replay(one)

    def step(self, now_ns: int) -> None:
        """Bring the alerts up to the last minute that is over."""
        last = now_ns // MINUTE_NS - 1
        self.ledger.advance(last + 1)
        if last - self.stepped > MOST_STEPPED:
            self.begin(now_ns)
        while self.stepped < last:
            self.stepped += 1
            self._step(self.stepped)

    def _step(self, minute: int) -> None:
        sums = _Sums(self.ledger, minute)
        for one in self.watched.values():
            row, share = self.ledger.rows[one.series.id], one.objective.budget_share
            for pair in one.pairs:
                long, short = pair.window.long_minutes, pair.window.short_minutes
                pair.long_bad, pair.long_valid = sums.of(row, long)
                bad, valid = sums.of(row, short)
                if not valid and pair.long_valid:
                    bad, valid = self.ledger.last_before_gap(row, minute, short)
                pair.long_burn, pair.short_burn = _burn(pair.long_bad, pair.long_valid, share), _burn(bad, valid, share)
                pair.step(minute, one.objective.least_bad)

    def burning(self) -> list[Burn]:
        """Return what fires: one of each objective and severity."""
        found: list[Burn] = []
        for one in self.watched.values():
            for severity in ("page", "ticket"):
                fired = [pair for pair in one.pairs if pair.since is not None and pair.window.severity == severity]
                if fired:
                    found.append(_burning(one, fired, self._left(one.name)))
        return found

    def burned(self, at_ns: int) -> list[Burn]:
        """Return what fired at a moment of the ledger's past, as its counts tell now; values are those of the firing."""
        if self.past[0] != self.stepped:
            self.past = (self.stepped, [one for each in self.watched.values() for one in self._fired(each)])
        found: dict[tuple[str, str], list[Past]] = {}
        for one in self.past[1]:
            if one.value.since_ns <= at_ns < one.cleared_ns:
                found.setdefault((one.name, one.value.window.severity), []).append(one)
        return [
            _burn_of(self.watched[name], [one.value for one in some], self._left(name))
            for (name, _), some in found.items()
        ]

    def _left(self, name: str) -> float:
        left = self._budget(self.watched[name], ends_ns(self.stepped)).left
        return 1.0 if left is None else left

    def _fired(self, one: Watched) -> Iterator[Past]:
        good, valid = self.ledger.course(one.series.id, self.stepped)
        first = self.stepped + 1 - len(valid)
        for pair in one.pairs:
            over = course(good, valid, pair.window, one.objective.budget_share, one.objective.least_bad)
            for fired in firings(over, pair.window):
                at = fired.first
                counts = float(over.long_bad[at]), float(over.long_valid[at])
                value = Burning(pair.window, fired.long_burn, fired.short_burn, *counts, ends_ns(first + at))
                yield Past(one.name, value, FAR_NS if fired.cleared is None else ends_ns(first + fired.cleared))

    def told(self, now_ns: int) -> list[Told]:
        """Return how all stand, worst first."""
        found = [self.told_of(one, now_ns) for one in self.watched.values()]
        return sorted(found, key=lambda one: (ORDER.index(one.state), _left(one), one.name))

    def told_of(self, one: Watched, now_ns: int) -> Told:
        """Return how one stands."""
        kept = self._budget(one, now_ns)
        severities = {pair.window.severity for pair in one.pairs if pair.since is not None}
        state: State = "ok"
        if severities:
            state = "page" if "page" in severities else "ticket"
        elif kept.left is None:
            state = "no_data"
        elif kept.left <= 0:
            state = "spent"
        points = list(self._points(one, now_ns))
        return Told(one.name, one.objective, state, kept, self._spent_ns(one, kept, now_ns), one.pairs, points)

    def _hours(self, one: Watched, now_ns: int) -> tuple[int, Floats, Floats]:
        """The first hour of the period, and good and valid events of each."""
        within = period(one.objective.window, now_ns)
        first, last = within.start_ns // HOUR_NS, (now_ns - 1) // HOUR_NS
        good, valid = self.ledger.of_hours(one.series.id, first, last)
        return last + 1 - len(valid), good, valid

    def _budget(self, one: Watched, now_ns: int) -> Budget:
        first, good, valid = self._hours(one, now_ns)
        return budget_of(one.objective, float(good.sum()), float(valid.sum()), _began_ns(first, valid), now_ns)

    def _spent_ns(self, one: Watched, kept: Budget, now_ns: int) -> int | None:
        _, good, valid = self._hours(one, now_ns)
        return forecast_ns(one.objective, kept, good, valid, now_ns)

    def _points(self, one: Watched, now_ns: int) -> Iterator[tuple[int, float | None]]:
        first, good, valid = self._hours(one, now_ns)
        step = max(1, -(-len(valid) // POINTS))
        for at in range(0, len(valid), step):
            events = float(valid[at : at + step].sum())
            yield (first + at) * HOUR_NS, float(good[at : at + step].sum()) / events if events else None


class _Sums:
    """The sums of windows at one minute: each length once for all rows."""

    def __init__(self, ledger: Ledger, minute: int) -> None:
        self._ledger, self._minute = ledger, minute
        self._known: dict[int, tuple[list[float], list[float]]] = {}

    def of(self, row: int, minutes: int) -> tuple[float, float]:
        if minutes not in self._known:
            bad, valid = self._ledger.sums(self._minute, minutes)
            self._known[minutes] = bad.tolist(), valid.tolist()
        bads, valids = self._known[minutes]
        return bads[row], valids[row]


def lengths(objectives: Iterable[Objective]) -> tuple[int, int]:
    """Return how many minutes and hours a ledger must hold for some objectives."""
    minutes, days = 60, 1
    for one in objectives:
        minutes = max(minutes, *(window.long_minutes for window in windows_of(one)))
        calendar = one.window in CALENDAR
        days = max(days, CALENDAR_DAYS[one.window] + 3 if calendar else duration_ns(one.window) // DAY_NS)
    minutes += REPLAYED_MINUTES
    return minutes, max(days * 24, minutes // 60) + 2


def _watched(name: str, objective: Objective) -> Watched:
    pairs = [Pair(window, calm_minutes(window)) for window in windows_of(objective)]
    return Watched(name, objective, series_of(objective), pairs)


def _burning(one: Watched, fired: list[Pair], left: float) -> Burn:
    values = [
        Burning(pair.window, pair.long_burn, pair.short_burn, pair.long_bad, pair.long_valid, ends_ns(pair.since or 0))
        for pair in fired
    ]
    return _burn_of(one, values, left)


def _burn_of(one: Watched, values: list[Burning], left: float) -> Burn:
    return Burn(
        objective=one.name,
        title=one.objective.title or one.name,
        severity=values[0].window.severity,
        values=tuple(values),
        since_ns=min(value.since_ns for value in values),
        budget_left=left,
        sli=one.objective.sli,
    )


def ends_ns(minute: int) -> int:
    """Return when a minute is over: what it tells is known then."""
    return (minute + 1) * MINUTE_NS


def _burn(bad: float, valid: float, share: float) -> float:
    return bad / (valid * share) if valid > 0 else 0.0


def _began_ns(first: int, valid: Floats) -> int:
    some = valid.nonzero()[0]
    return (first + int(some[0])) * HOUR_NS if len(some) else first * HOUR_NS


def _left(one: Told) -> float:
    return one.budget.left if one.budget.left is not None else 2.0
