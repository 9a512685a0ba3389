"""The clockwork of sums: minutes that have settled are summed up in the background, so that pages need not read their rows.

It follows the loads; where nothing was loaded and all is summed up, it sleeps. Whatever it has not come to is read row by
row (`store/minutes.py`), so it is never a matter of what a figure is, only of how soon it is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from coldtrail.server.clockwork import Clockwork
from coldtrail.store import entries, minutes
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import EngineError
from coldtrail.store.functions import minutes as function_minutes
from coldtrail.store.minutes import KINDS, Kind, Mark

log = structlog.get_logger(__name__)

PERIOD_S = 10
MOST_PERIOD_S = 120
QUIET_PERIOD_S = 2
SHARE, QUIET_SHARE = 0.02, 0.25
"""Of the time, at most: little while something is loaded, more where the machine has nothing else to do."""

REACH_S = 60
"""What was received so shortly before the last turn may have become visible after it."""

FIRST_S = 6 * 3_600
"""After a start the minutes of so long are looked at; older ones are summed up only when something comes to them."""

MOST_AT_ONCE = 10
LEAST_AT_ONCE = 3
"""Minutes that are summed up together: their neighbours are read as well, so few at a time are dear."""

TURN_S = 1.0
MOST_WAITING = 2 * 24 * 60

_SUM_UP: dict[Kind, Callable[[Engine, int, int, int], None]] = {
    "function": function_minutes.sum_up,
    "entry": entries.sum_up,
}


class Summing(Clockwork):
    """A thread that sums minutes up once they have settled."""

    gives_way = 0.5

    def __init__(self, engine: Engine, period_s: float = PERIOD_S) -> None:
        super().__init__("summing", engine.courtesy)
        self._engine = engine
        self._period_s = period_s
        self._received_s: int | None = None
        self._loaded_s = float("-inf")
        self._oldest_s = 2**62
        self._waiting: dict[Kind, set[int]] = {kind: set() for kind in KINDS}
        self._seen: dict[Kind, dict[int, Mark]] = {kind: {} for kind in KINDS}

    def start(self) -> None:
        """Begin, with the last hours."""
        self._woken.set()
        super().start()

    def wake(self, received_s: int) -> None:
        """Say that something was loaded, and when it was received (Unix seconds)."""
        self._oldest_s = min(self._oldest_s, received_s)
        self._loaded_s = time.monotonic()
        self._woken.set()

    def turn(self, now_s: int, *, quiet: bool) -> bool:
        """Sum up some of what has settled since the last turn; return whether more is waiting.

        Raises:
            EngineError: the store does not answer; what was not summed up is with the next turn.
        """
        oldest_s, self._oldest_s = self._oldest_s, 2**62
        first = self._received_s is None
        since_s = min(oldest_s, (self._received_s or now_s) - REACH_S)
        self._received_s = now_s
        try:
            for kind in KINDS:
                if first:
                    self._waiting[kind].update(range((now_s - FIRST_S) // 60 * 60, now_s // 60 * 60 + 60, 60))
                elif not quiet:
                    self._hear(kind, minutes.touched(self._engine, kind, since_s))
                self._sum_some(kind, now_s, quiet=quiet)
        except EngineError:
            self._oldest_s = min(self._oldest_s, since_s)
            raise
        return any(self._waiting.values())

    def _hear(self, kind: Kind, touched: set[int]) -> None:
        """What came bears on the minutes around it."""
        reach = range(-minutes.REACH_MIN * 60, minutes.REACH_MIN * 60 + 60, 60)
        waiting = self._waiting[kind]
        waiting.update(minute + by for minute in touched for by in reach)
        if len(waiting) > MOST_WAITING:
            self._waiting[kind] = set(sorted(waiting)[-MOST_WAITING:])

    def _sum_some(self, kind: Kind, now_s: int, *, quiet: bool) -> None:
        waiting, began_s = self._waiting[kind], time.monotonic()
        waiting.difference_update([at for at in waiting if at > now_s + 60 * minutes.REACH_MIN])
        while waiting and time.monotonic() - began_s < TURN_S and not self._stop.is_set():
            due = self._due(kind, quiet=quiet)
            if not due:
                return
            since_s, until_s = due[0], due[-1] + 60
            before = minutes.counts(self._engine, kind, since_s, until_s)
            version = time.time_ns()
            _SUM_UP[kind](self._engine, since_s, until_s, version)
            after = minutes.counts(self._engine, kind, since_s, until_s)
            unchanged = {at: after.mark(at) for at in due if before.mark(at) == after.mark(at)}
            minutes.mark(self._engine, kind, unchanged, version)
            waiting.difference_update(unchanged)

    def _due(self, kind: Kind, *, quiet: bool) -> list[int]:
        """The newest stretch of minutes to which nothing came since the last turn."""
        waiting, seen = self._waiting[kind], self._seen[kind]
        since_s, until_s = min(waiting), max(waiting) + 60
        rows = minutes.counts(self._engine, kind, since_s, until_s)
        known = {at: one for at, (one, _) in minutes.marks(self._engine, kind, since_s, until_s).items()}
        now = {at: one for at in waiting if rows.own.get(at) and (one := rows.mark(at)) != known.get(at)}
        waiting.intersection_update(now)
        settled = {at for at, one in now.items() if at in seen and _has_settled(seen[at], one, known.get(at))}
        self._seen[kind] = now
        return _newest_stretch(settled, 1 if quiet else LEAST_AT_ONCE)

    def _pause_s(self, took_s: float) -> float:
        """How long to rest after a turn; shorter once nothing has been loaded for a period."""
        quiet = time.monotonic() - self._loaded_s > self._period_s
        period_s = QUIET_PERIOD_S / PERIOD_S * self._period_s if quiet else self._period_s
        return min(max(period_s, took_s / (QUIET_SHARE if quiet else SHARE)), MOST_PERIOD_S)

    def _rest(self, took_s: float) -> None:
        began_s = time.monotonic()
        while (left_s := began_s + self._pause_s(took_s) - time.monotonic()) > 0:
            if self._stop.wait(min(left_s, 1.0)):
                return

    def _run(self) -> None:
        took_s, waits = 0.0, True
        while not self._stop.is_set():
            self._rest(took_s)
            if (not waits and not self._woken.wait(60)) or self._stop.is_set():
                continue
            quiet = not self._woken.is_set()
            self._woken.clear()
            began_s = time.monotonic()
            try:
                waits = self.turn(int(time.time()), quiet=quiet)
            except EngineError as error:
                waits = True
                if not error.passing:  # the loader tells of those
                    log.warning("minutes will be summed up again", reason=str(error)[:300])
            took_s = time.monotonic() - began_s


def _has_settled(seen: Mark, now: Mark, known: Mark | None) -> bool:
    """Whether to sum a minute up now: first as soon as nothing bears on it any more, again once nothing tells of it any more."""
    is_first = known is None or known.bearing != now.bearing
    return seen.bearing == now.bearing if is_first else seen == now


def _newest_stretch(settled: set[int], least: int) -> list[int]:
    """Return the newest minutes that follow one another, at least so many, and at most `MOST_AT_ONCE`."""
    stretch: list[int] = []
    for at in sorted(settled, reverse=True):
        if stretch and (stretch[-1] != at + 60 or len(stretch) == MOST_AT_ONCE):
            if len(stretch) >= least:
                break
            stretch = []
        stretch.append(at)
    return stretch[::-1] if len(stretch) >= least else []
