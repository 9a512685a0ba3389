"""What an objective would have come to in the past: how much was good, and when its windows would have burned too fast."""

from __future__ import annotations

import time

import numpy as np
from msgspec import Struct

from coldtrail.model.objectives import MINUTE_NS, Objective
from coldtrail.server.objectives.counting import Counting
from coldtrail.server.objectives.counting_elsewhere import elsewhere
from coldtrail.server.objectives.detail import Fired, fired_in
from coldtrail.store.engine import Engine
from coldtrail.watch.series import series_of

STRETCH = 6 * 60
"""Minutes that one question counts."""

MOST_S = 8.0
"""For so long is counted, the newest first; what is older is left out, and `since_ns` says so."""


class Rehearsed(Struct, frozen=True):
    """What was counted of the whole minutes of a range, and when alerts would have fired, the newest first."""

    since_ns: int
    until_ns: int
    good: float
    valid: float
    fired: list[Fired]


def rehearsed(engine: Engine, objective: Objective, since_ns: int, until_ns: int) -> Rehearsed:
    """Return what an objective that nobody keeps would have come to; costs its counting, for at most `MOST_S`."""
    counting, series = Counting(engine, elsewhere(engine)), series_of(objective)
    until, first = until_ns // MINUTE_NS + 1, since_ns // MINUTE_NS
    began_s, found, upto = time.monotonic(), dict[int, tuple[float, float]](), until
    while upto > first and time.monotonic() - began_s < MOST_S:
        before, upto = upto, max(first, upto - STRETCH)
        found |= counting.counts(series, upto * 60, before * 60)
    good, valid = np.zeros(until - upto), np.zeros(until - upto)
    for at_s, (one, all_) in found.items():
        if 0 <= (at := at_s // 60 - upto) < len(good):
            good[at], valid[at] = one, all_
    fired = fired_in(objective, good, valid, upto)
    return Rehearsed(upto * MINUTE_NS, until_ns, float(good.sum()), float(valid.sum()), fired)
