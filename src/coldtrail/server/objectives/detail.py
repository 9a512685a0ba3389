"""One objective in depth, from the minutes that are kept: its course, when its alerts fired, and what its budget was spent by."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from msgspec import Struct

from coldtrail.model.objectives import MINUTE_NS, BurnWindow, Objective
from coldtrail.store.engine import Engine
from coldtrail.store.sli.bad import Asked, bad_events, causes
from coldtrail.store.sli.minutes import minutes_of
from coldtrail.watch.budgets import Budget, period
from coldtrail.watch.burn import Firing, Floats, course, firings, windows_of
from coldtrail.watch.contributors import Contributor, contributors
from coldtrail.watch.series import Series, series_of

POINTS = 240
WORST_MINUTES = 120
MOST_TRACES = 400
MOST_FIRINGS = 50


class Point(Struct, frozen=True):
    """One step of the course: its events, and the share of the budget that is left after it."""

    start_ns: int
    good: float
    valid: float
    left: float | None


class Fired(Struct, frozen=True):
    """One time that an alert fired; ``cleared_ns`` None: it still does."""

    window: BurnWindow
    fired_ns: int
    cleared_ns: int | None
    long_burn: float
    short_burn: float


class Detail(Struct):
    """``looked_at``: the share of all bad events that the contributors are made of."""

    since_ns: int
    step_ns: int
    points: list[Point]
    fired: list[Fired]
    contributors: list[Contributor]
    looked_at: float


def detail(engine: Engine, objective: Objective, kept: Budget, now_ns: int) -> Detail:
    """Return one objective in depth; ``kept``: its budget. Reads the minutes of its window, and the events of the worst."""
    series, last = series_of(objective), now_ns // MINUTE_NS
    since_ns = period(objective.window, now_ns).start_ns
    longest = max(window.long_minutes for window in windows_of(objective))
    first = min(since_ns // MINUTE_NS, last - longest)
    good, valid = _minutes(engine, series, first, last)
    begin = max(0, since_ns // MINUTE_NS - first)
    step = max(1, -(-(len(valid) - begin) // POINTS))
    found, share = _contributors(engine, series, good[begin:], valid[begin:], first + begin)
    return Detail(
        since_ns=(first + begin) * MINUTE_NS,
        step_ns=step * MINUTE_NS,
        points=list(_points(good, valid, kept.allowed, begin, step, first)),
        fired=fired_in(objective, good, valid, first),
        contributors=found,
        looked_at=share,
    )


def _minutes(engine: Engine, series: Series, first: int, last: int) -> tuple[Floats, Floats]:
    """Good and valid events of every minute up to the one that runs."""
    good, valid = np.zeros(last - first + 1), np.zeros(last - first + 1)
    kept = minutes_of(engine, [series.id], first * 60, (last + 1) * 60)
    at = kept["at_s"].astype(np.int64) // 60 - first
    good[at], valid[at] = kept["good"], kept["valid"]
    return good, valid


def _points(good: Floats, valid: Floats, allowed: float, begin: int, step: int, first: int) -> Iterator[Point]:
    """The course of the window: what its events so far have spent of the budget that all of them allow."""
    bad = valid - good
    for at in range(begin, len(valid), step):
        part = slice(at, at + step)
        spent = float(bad[begin : at + step].sum())
        left = 1 - spent / allowed if allowed else None
        yield Point((first + at) * MINUTE_NS, float(good[part].sum()), float(valid[part].sum()), left)


def fired_in(objective: Objective, good: Floats, valid: Floats, first: int) -> list[Fired]:
    """Return when each pair of windows fired, the newest first; ``first``: the first minute. The last one is not over."""
    found: list[Fired] = []
    for window in windows_of(objective):
        over = course(good[:-1], valid[:-1], window, objective.budget_share, objective.least_bad)
        found += [_of(one, window, first) for one in firings(over, window)]
    return sorted(found, key=lambda one: -one.fired_ns)[:MOST_FIRINGS]


def _of(one: Firing, window: BurnWindow, first: int) -> Fired:
    cleared_ns = None if one.cleared is None else (first + one.cleared + 1) * MINUTE_NS
    return Fired(window, (first + one.first + 1) * MINUTE_NS, cleared_ns, one.long_burn, one.short_burn)


def burning_at(engine: Engine, objective: Objective, at_ns: list[int]) -> list[list[Fired]]:
    """Return what fired at each of some moments in the past, as the minutes tell that are kept."""
    if not at_ns:
        return []
    longest = max(window.long_minutes for window in windows_of(objective))
    first = min(at_ns) // MINUTE_NS - longest
    good, valid = _minutes(engine, series_of(objective), first, max(at_ns) // MINUTE_NS)
    fired = fired_in(objective, good, valid, first)
    return [
        [one for one in fired if one.fired_ns <= at and (one.cleared_ns is None or at < one.cleared_ns)] for at in at_ns
    ]


def _contributors(
    engine: Engine, series: Series, good: Floats, valid: Floats, first: int
) -> tuple[list[Contributor], float]:
    bad = valid - good
    total = float(bad.sum())
    source = series.source
    if total <= 0 or source == "metric" or source == "outcome":
        return [], 0.0
    worst = [int(at) for at in np.argsort(-bad, kind="stable")[:WORST_MINUTES] if bad[at] > 0]
    minutes_s = tuple(sorted((first + at) * 60 for at in worst))
    names = ("", series.key[1]) if series.key[0] == "route" else series.key[1:]
    events = bad_events(engine, Asked(source, names, series.threshold_ms, minutes_s))
    traces = list(dict.fromkeys(one.trace_id for one in events if one.trace_id))[:MOST_TRACES]
    known = causes(engine, traces) if series.threshold_ms is None else {}
    told = []
    for one in events:
        cause = known.get(one.trace_id)
        more = {"function": cause.service, "error": cause.error, "version": cause.version} if cause else {}
        told.append((one.trace_id, {**more, **{by: name for by, name in one.told.items() if name}}))
    return contributors(told), min(1.0, len(events) / total)
