"""The clockwork of what is noticed without anyone asking: it follows the loads, looks where they fell, and keeps findings.

For a while after a load it also looks by the clock, for what falls silent or grows old; when nothing was loaded for longer than
those finders look back, it sleeps.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import structlog
from sqlalchemy.exc import SQLAlchemyError

from coldtrail.model.findings import Sighting
from coldtrail.server.clockwork import Clockwork
from coldtrail.state.findings import MINUTES_KEPT_S, Findings
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import EngineError
from coldtrail.store.troubles.failures import touched
from coldtrail.watch.look import look
from coldtrail.watch.notice import notice
from coldtrail.watch.rounds import Rounds, rounds_of

log = structlog.get_logger(__name__)

PERIOD_S = 5
MOST_PERIOD_S = 30
SHARE = 0.03
"""Of the time, at most: where looks take long they come less often, but never less than every half minute."""

REACH_S = 15
"""What was received so shortly before the last look may have become visible after it."""

LOOKS = 3
"""After a load: what became of its messages is known some seconds later, when their trails are assembled."""

MOST_HOURS = 48
"""Of one look; what is older than that in one delivery is history, and not noticed."""

AWAKE_S = 1_800
"""After the last load; then finders that go by the clock have nothing left to see."""

MINUTE_NS = 60 * 10**9
LOOKED = "looked_received_s"


class Watcher(Clockwork):
    """A thread that looks for findings where something was loaded."""

    def __init__(
        self,
        engine: Engine,
        findings: Findings,
        limits: Mapping[str, float] | None = None,
        period_s: float = PERIOD_S,
    ) -> None:
        super().__init__("watcher", engine.courtesy)
        self._engine = engine
        self._rounds = Rounds(rounds_of(limits or {}))
        self._findings = findings
        self._period_s = period_s

    def start(self) -> None:
        """Begin, with what came since the last look of whoever ran before."""
        self._woken.set()
        super().start()

    def wake(self) -> None:
        """Say that something was loaded."""
        self._woken.set()

    def _run(self) -> None:
        took_s, due, loaded_s = 0.0, 0, time.monotonic()
        while not self._stop.wait(min(max(self._period_s, took_s / SHARE), MOST_PERIOD_S)):
            awake = time.monotonic() - loaded_s < AWAKE_S
            if (not due and not awake and not self._woken.wait(60)) or self._stop.is_set():
                continue
            if self._woken.is_set():
                due, loaded_s = LOOKS + 1, time.monotonic()
            self._woken.clear()
            began_s = time.monotonic()
            try:
                if due:
                    self._look()
                self._look_by_the_clock(news=due > 0)
            except (EngineError, SQLAlchemyError) as error:
                self._woken.set()
                if not getattr(error, "passing", False):  # the loader tells of those
                    log.warning("findings will be looked for again", reason=str(error)[:300])
            due = max(0, due - 1)
            took_s = time.monotonic() - began_s

    def _look(self) -> None:
        now_s = int(time.time())
        ranges = touched(self._engine, self._findings.mark(LOOKED) - REACH_S)[:MOST_HOURS]
        for since_ns, until_ns in ranges:
            if self._stop.is_set():
                return
            since_ns, until_ns = since_ns // MINUTE_NS * MINUTE_NS, -(-until_ns // MINUTE_NS) * MINUTE_NS
            sightings = look(self._engine, since_ns, until_ns, _refused)
            self._keep(sightings)
        self._findings.save([], {}, [], {LOOKED: now_s})
        self._findings.forget(now_s - MINUTES_KEPT_S)

    def _look_by_the_clock(self, *, news: bool) -> None:
        self._keep(self._rounds.look(self._engine, time.time_ns(), _refused, news=news))

    def _keep(self, sightings: Sequence[Sighting]) -> None:
        for finding, change in notice(self._findings, sightings, time.time_ns()) if sightings else ():
            log.info("finding " + change.what, severity=finding.severity, title=finding.title)


def _refused(finder: str, error: EngineError) -> None:
    log.warning("a finder could not look, and is left out", finder=finder, reason=str(error)[:300])
