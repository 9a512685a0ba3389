"""Counts for objectives, brought from the sources into the ledger and kept: once for all that ask of a source.

What was received since the last turn says which minutes to count again, so late arrivals are counted in their own minute.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from msgspec import Struct

from coldtrail.model.objectives import LONGEST_DAYS, LONGEST_PAIR_DAYS
from coldtrail.store.engine import Engine
from coldtrail.store.sli import events as sli
from coldtrail.store.sli.events import Question, Source
from coldtrail.store.sli.minutes import Kept, hours_of, last_saved_s, minutes_of, save_minutes
from coldtrail.watch.ledger import Ledger
from coldtrail.watch.series import Series, Tally, tally

LEAST_S = 5
"""Between two looks at what came; a turn that comes sooner counts the past alone."""

REACH_S = 20
"""What was received so shortly before the last turn may have become visible after it."""

MOST_MINUTES = 240
"""Of one source and turn; the newest come first, the rest waits for the next turn."""

NEAR_S = 15 * 60
"""Minutes that wait within such a stretch are counted with one question, and those between them again."""

FIRST_STRETCH_S = 3_600
MOST_STRETCH_S = 4 * 86_400
LEAST_STRETCH_S = 600
QUICK_S = 0.15
PAST_S = 0.4
"""For so long a turn counts the past; each stretch of it is twice as long as one that was quick, half as long as a slow one."""

MOST_CELLS = 300_000
"""Minutes of series in one stretch: after a quiet week comes a busy one, and its answer is held in memory."""

OLDEST_S = (LONGEST_DAYS + LONGEST_PAIR_DAYS) * 86_400
SOURCES: tuple[Source, ...] = ("service", "function", "entry", "trail")
NAMES_AT_ONCE = 2_000
RECALLED_AT_ONCE = 50
LATE_S: dict[str, int] = {"metric": 300, "outcome": 3_600}
"""What came so late is counted in its own minute: of metrics, and of outcomes, which wait for a trail to be put together."""
MOST_STEPS = 5_000

CountOther = Callable[[Series, int, int], dict[int, tuple[float, float]]]
"""Counts a series from elsewhere, from one minute (Unix seconds) up to another: good and valid by minute."""


class Past(Struct):
    """A stretch that is still to be counted for series that are new."""

    source: Source
    series: list[Series]
    since_s: int
    until_s: int


class Counting:
    """Keeps the ledger's counts as the store tells them."""

    def __init__(self, engine: Engine, others: dict[str, CountOther]) -> None:
        self._engine = engine
        self._others = others
        self._received_s: int | None = None
        self._unsaved: dict[tuple[int, int], tuple[float, float]] = {}
        self._upto_s: dict[int, int] = {}
        self._turned_s = 0
        self._stretch_s = FIRST_STRETCH_S
        self._marked: dict[tuple[int, int], list[str]] = {}
        self._waiting: dict[Source, set[int]] = {}
        self._past: deque[Past] = deque()

    @property
    def behind(self) -> bool:
        """Whether something is known to be still uncounted."""
        return bool(self._past) or any(self._waiting.values())

    def recall(self, ledger: Ledger, series: Sequence[Series], now_s: int) -> None:
        """Take series into the ledger as they were kept, and plan to count what of them was not."""
        starting = self._received_s is None
        if self._received_s is None:
            self._received_s = last_saved_s(self._engine) or now_s
        for first in range(0, len(series), RECALLED_AT_ONCE):
            some = series[first : first + RECALLED_AT_ONCE]
            last_s = self._recall([one.id for one in some], ledger, now_s)
            for one in some:
                if one.source not in self._others and not (starting and one.id in last_s):
                    self._plan(one, last_s.get(one.id, 0), now_s // 60 * 60 + 60)

    def _recall(self, ids: list[int], ledger: Ledger, now_s: int) -> dict[int, int]:
        """Take some series; return their last hour (Unix seconds) with events."""
        hours = hours_of(self._engine, ids, now_s - ledger.hours * 3_600, now_s + 60)
        minutes = minutes_of(self._engine, ids, now_s - ledger.minutes * 60, now_s + 60)
        _restore_hours(ledger, hours)
        counts = np.stack((minutes["good"], minutes["valid"]))
        ledger.restore(minutes["series"], minutes["at_s"].astype(np.int64) // 60, counts)
        order = np.argsort(hours["at_s"], kind="stable")
        return dict(zip(hours["series"][order].tolist(), hours["at_s"][order].tolist(), strict=True))

    def _plan(self, one: Series, since_s: int, until_s: int) -> None:
        """Have a series' past counted, together with those that are new as well."""
        source = one.source
        assert source != "metric"
        assert source != "outcome"
        for past in self._past:
            if (past.source, past.since_s, past.until_s) == (source, since_s, until_s):
                past.series.append(one)
                return
        self._past.append(Past(source, [one], since_s, until_s))

    def turn(self, ledger: Ledger, series: dict[int, Series], now_ns: int) -> set[int]:
        """Count what came since the last turn, and some of the past of new series; return the series whose past it was."""
        now_s = now_ns // 10**9
        if now_s - self._turned_s >= LEAST_S:
            self._count_new(ledger, series, now_s)
        counted = self._count_past(ledger, series)
        self._save(ledger, now_ns)
        return counted

    def _count_new(self, ledger: Ledger, series: dict[int, Series], now_s: int) -> None:
        since_s = (self._received_s or now_s) - REACH_S
        self._marked.clear()
        for source in SOURCES:
            some = [one for one in series.values() if one.source == source]
            if some:
                waiting = self._waiting.setdefault(source, set())
                waiting.update(sli.touched(self._engine, source, since_s))
                for since, until in self._due(waiting, now_s):
                    self._count(ledger, source, some, since, until)
                    waiting.difference_update(range(since, until, 60))
        for one in series.values():
            if one.source in self._others:
                self._count_elsewhere(ledger, one, now_s)
        self._received_s = self._turned_s = now_s

    def _save(self, ledger: Ledger, now_ns: int) -> None:
        """Keep what changed; hours of before the ledger's minutes are then read anew."""
        rows = [(series, minute_s, *counts) for (series, minute_s), counts in self._unsaved.items()]
        save_minutes(self._engine, rows, now_ns)
        old = [(series, minute_s) for series, minute_s, _, _ in rows if not ledger.holds(minute_s // 60)]
        if old:
            since_s = min(minute_s for _, minute_s in old) // 3_600 * 3_600
            until_s = max(minute_s for _, minute_s in old) // 3_600 * 3_600 + 3_600
            _restore_hours(ledger, hours_of(self._engine, sorted({series for series, _ in old}), since_s, until_s))
        self._unsaved.clear()

    def _due(self, waiting: set[int], now_s: int) -> Iterator[tuple[int, int]]:
        """The newest minutes that wait, as ranges; those that are still to come go on waiting."""
        waiting -= {minute for minute in waiting if minute < now_s - OLDEST_S}
        due = sorted((minute for minute in waiting if minute <= now_s), reverse=True)[:MOST_MINUTES]
        since_s = until_s = 0
        for minute in sorted(due):
            if minute - until_s > NEAR_S and until_s:
                yield since_s, until_s
                since_s = 0
            since_s, until_s = since_s or minute, minute + 60
        if until_s:
            yield since_s, until_s

    def _count(self, ledger: Ledger, source: Source, series: Sequence[Series], since_s: int, until_s: int) -> None:
        found = self._ask(source, series, since_s, until_s)
        for one in series:
            for minute_s in range(since_s, until_s, 60):
                self._take(ledger, one.id, minute_s, *found.get((one.id, minute_s), (0.0, 0.0)))

    def _take(self, ledger: Ledger, series: int, minute_s: int, good: float, valid: float) -> None:
        held = ledger.holds(minute_s // 60)
        if ledger.put(series, minute_s // 60, good, valid) if held else valid:
            self._unsaved[series, minute_s] = (good, valid)

    def counts(self, one: Series, since_s: int, until_s: int) -> dict[int, tuple[float, float]]:
        """Return good and valid events of a series by minute (Unix seconds), as they are now; keeps nothing."""
        if one.source == "metric" or one.source == "outcome":
            return self._others[one.source](one, since_s, until_s)
        return {at: (good, valid) for (_, at), (good, valid) in self._ask(one.source, [one], since_s, until_s).items()}

    def _ask(self, source: Source, series: Sequence[Series], since_s: int, until_s: int) -> Tally:
        """What a range comes to, without what tests and probes sent, where it is not wanted."""
        marked = self._synthetic(since_s, until_s) if any(not one.synthetic for one in series) else []
        found: Tally = {}
        for group in _alike(source, series):
            names = tuple(sorted({one.name for one in group if one.name}))
            if len(names) > NAMES_AT_ONCE:
                names = ()
            thresholds = tuple(sorted({one.threshold_ms for one in group if one.threshold_ms is not None}))
            question = Question(since_s, until_s, names, thresholds)
            found |= tally(source, sli.count(self._engine, source, question), group)
            real = [one for one in group if not one.synthetic]
            if marked and real:
                for cell, sums in tally(source, sli.count(self._engine, source, question, marked), real).items():
                    kept = found.setdefault(cell, [0.0, 0.0])
                    kept[0], kept[1] = max(0.0, kept[0] - sums[0]), max(0.0, kept[1] - sums[1])
        return found

    def _synthetic(self, since_s: int, until_s: int) -> list[str]:
        """The traces of tests and probes; sources that are asked for the same range in a turn share the answer."""
        if (since_s, until_s) not in self._marked:
            self._marked[since_s, until_s] = sli.synthetic_traces(self._engine, since_s, until_s)
        return self._marked[since_s, until_s]

    def _count_elsewhere(self, ledger: Ledger, one: Series, now_s: int) -> None:
        """Count up to the last whole minute, and the last few again, for what came late."""
        begin_s = (now_s // 60 - ledger.minutes + 2) * 60
        since_s = max(begin_s, self._upto_s.get(one.id, 0) - LATE_S[one.source])
        until_s = min(now_s // 60 * 60, since_s + MOST_STEPS * 60)
        for minute_s, (good, valid) in self._others[one.source](one, since_s, until_s).items():
            self._take(ledger, one.id, minute_s, good, valid)
        self._upto_s[one.id] = until_s

    def _count_past(self, ledger: Ledger, series: dict[int, Series]) -> set[int]:
        """Count stretches of the past for a short while, the newest first; return their series."""
        began_s, counted = time.monotonic(), set[int]()
        while self._past and time.monotonic() - began_s < PAST_S:
            past = self._past.popleft()
            past.series = [one for one in past.series if one.id in series]
            oldest_s = max(past.since_s, past.until_s - OLDEST_S, sli.oldest_s(self._engine, past.source))
            most_s = max(LEAST_STRETCH_S, MOST_CELLS // max(1, len(past.series)) * 60)
            since_s = max(oldest_s, past.until_s - min(self._stretch_s, most_s))
            if past.series and since_s < past.until_s:
                self._count_stretch(ledger, past, since_s)
                counted.update(one.id for one in past.series)
                if since_s > oldest_s:
                    self._past.append(Past(past.source, past.series, past.since_s, since_s))
        return counted

    def _count_stretch(self, ledger: Ledger, past: Past, since_s: int) -> None:
        began_s = time.monotonic()
        for (one, minute_s), (good, valid) in self._ask(past.source, past.series, since_s, past.until_s).items():
            self._take(ledger, one, minute_s, good, valid)
        factor = 2 if time.monotonic() - began_s < QUICK_S else 0.5
        self._stretch_s = int(min(MOST_STRETCH_S, max(LEAST_STRETCH_S, self._stretch_s * factor))) // 60 * 60


def _restore_hours(ledger: Ledger, hours: Kept) -> None:
    counts = np.stack((hours["good"], hours["valid"]))
    ledger.restore_hours(hours["series"], hours["at_s"].astype(np.int64) // 3_600, counts)


def _alike(source: Source, series: Iterable[Series]) -> list[list[Series]]:
    """Series that one question answers: of services, those without a threshold are a matter of the roll-up."""
    if source != "service":
        return [list(series)]
    groups: dict[bool, list[Series]] = {}
    for one in series:
        groups.setdefault(one.threshold_ms is None, []).append(one)
    return list(groups.values())
