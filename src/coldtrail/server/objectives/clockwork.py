"""The clockwork of objectives: counts what came, brings alerts up to the minute, and says how all stand."""

from __future__ import annotations

import threading
import time

import structlog
from sqlalchemy.exc import SQLAlchemyError

from coldtrail.model.objectives import MINUTE_NS, Burn, Objective
from coldtrail.server.clockwork import Clockwork
from coldtrail.server.objectives.counting import Counting, CountOther
from coldtrail.state.definitions import Definitions
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import EngineError
from coldtrail.watch.series import Series
from coldtrail.watch.standing import Standing, Told

log = structlog.get_logger(__name__)

PERIOD_S = 15
SHARE = 0.2
"""Of the time, at most: where a turn takes long, the next comes later."""

LOOKS_UP_S = 0.5
LISTED_AGAIN_S = 60
"""Another process may have changed what is defined."""


class Objectives(Clockwork):
    """A thread that evaluates objectives; what it knows is read from any thread."""

    def __init__(
        self, engine: Engine, definitions: Definitions, others: dict[str, CountOther], period_s: float = PERIOD_S
    ) -> None:
        super().__init__("objectives", engine.courtesy)
        self._definitions = definitions
        self._period_s = period_s
        self._standing = Standing()
        self._counting = Counting(engine, others)
        self._lock = threading.Lock()
        self._version: tuple[int, int] | None = None

    def burning(self, now_ns: int) -> list[Burn]:
        """Return what burns too fast at a time, now or in the past days: one of each objective and severity."""
        with self._lock:
            if now_ns < self._standing.stepped * MINUTE_NS:
                return self._standing.burned(now_ns)
            return self._standing.burning()

    def told(self, now_ns: int) -> list[Told]:
        """Return how all objectives stand, worst first."""
        with self._lock:
            return self._standing.told(now_ns)

    def told_of(self, name: str, now_ns: int) -> Told | None:
        """Return how one stands, None where it is not watched yet."""
        with self._lock:
            one = self._standing.watched.get(name)
            return self._standing.told_of(one, now_ns) if one else None

    @property
    def behind(self) -> bool:
        """Whether the past of something new is still being counted."""
        return self._counting.behind

    def turn(self, now_ns: int) -> None:
        """Count and evaluate once.

        Raises:
            EngineError: the store does not answer; what was not counted is counted with the next turn.
        """
        self.follow(now_ns)
        standing = self._standing
        if not standing.watched:
            return
        with self._lock:
            standing.ledger.advance(now_ns // MINUTE_NS)
        counted = self._counting.turn(standing.ledger, standing.series(), now_ns)
        with self._lock:
            for one in standing.watched.values():
                if one.series.id in counted:
                    standing.replay(one)
            standing.step(now_ns)

    def series(self) -> dict[int, Series]:
        """Return what is counted, by id."""
        with self._lock:
            return self._standing.series()

    def follow(self, now_ns: int) -> None:
        """Take what is defined now, where that changed."""
        version = (self._definitions.version, now_ns // 10**9 // LISTED_AGAIN_S)
        if version == self._version:
            return
        objectives = self._defined()
        with self._lock:
            fresh = self._standing.follow(objectives)
            self._standing.ledger.advance(now_ns // MINUTE_NS)
        if fresh:
            try:
                self._counting.recall(self._standing.ledger, fresh, now_ns // 10**9)
            except EngineError:
                self._standing.watched = {}
                raise
            with self._lock:
                self._standing.begin(now_ns)
        self._version = version

    def _defined(self) -> dict[str, Objective]:
        found, broken = self._definitions.usable("objective", Objective)
        for name, reason in broken.items():
            log.warning("an objective cannot be used", name=name, reason=reason)
        return found

    def _run(self) -> None:
        took_s = 0.0
        while not self._pause(took_s):
            began_s = time.monotonic()
            try:
                self.turn(time.time_ns())
            except (EngineError, SQLAlchemyError) as error:
                if not getattr(error, "passing", False):  # the loader tells of those
                    log.warning("objectives will be evaluated again", reason=str(error)[:300])
            took_s = time.monotonic() - began_s

    def _pause(self, took_s: float) -> bool:
        """Wait until the next turn is due: its time has come, an objective was changed, or a past is still to be counted."""
        began_s = time.monotonic()
        while not self._stop.wait(LOOKS_UP_S):
            waited_s = time.monotonic() - began_s
            changed = (self._version or (-1,))[0] != self._definitions.version
            if changed or (waited_s >= took_s / SHARE and (self._counting.behind or waited_s >= self._period_s)):
                return False
        return True
