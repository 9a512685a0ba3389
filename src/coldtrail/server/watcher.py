"""The clockwork of what is noticed without anyone asking: it follows the loads, looks where they fell, and keeps findings."""

from __future__ import annotations

import threading
import time

import structlog
from sqlalchemy.exc import SQLAlchemyError

from coldtrail.state.findings import MINUTES_KEPT_S, Findings
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import EngineError
from coldtrail.store.troubles import touched
from coldtrail.watch.look import look
from coldtrail.watch.notice import notice

log = structlog.get_logger(__name__)

PERIOD_S = 5
MOST_PERIOD_S = 30
SHARE = 0.05
"""Of the time, at most: where looks take long they come less often, but never less than every half minute."""

REACH_S = 15
"""What was received so shortly before the last look may have become visible after it."""

LOOKS = 3
"""After a load: what became of its messages is known some seconds later, when their trails are assembled."""

MOST_HOURS = 48
"""Of one look; what is older than that in one delivery is history, and not noticed."""

MINUTE_NS = 60 * 10**9
LOOKED = "looked_received_s"


class Watcher:
    """A thread that looks for findings where something was loaded."""

    def __init__(self, engine: Engine, findings: Findings, period_s: float = PERIOD_S) -> None:
        self._engine = engine
        self._findings = findings
        self._period_s = period_s
        self._loaded = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin, with what came since the last look of whoever ran before."""
        self._loaded.set()
        self._thread.start()

    def wake(self) -> None:
        """Say that something was loaded."""
        self._loaded.set()

    def stop(self) -> None:
        """Finish the look in hand and stop."""
        self._stop.set()
        self._loaded.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        took_s, due = 0.0, 0
        while not self._stop.wait(min(max(self._period_s, took_s / SHARE), MOST_PERIOD_S)):
            if (not due and not self._loaded.wait(60)) or self._stop.is_set():
                continue
            due = LOOKS if self._loaded.is_set() else due - 1
            self._loaded.clear()
            began_s = time.monotonic()
            try:
                self._look()
            except (EngineError, SQLAlchemyError) as error:
                self._loaded.set()
                if not getattr(error, "passing", False):  # the loader tells of those
                    log.warning("findings will be looked for again", reason=str(error)[:300])
            took_s = time.monotonic() - began_s

    def _look(self) -> None:
        now_s = int(time.time())
        ranges = touched(self._engine, self._findings.mark(LOOKED) - REACH_S)[:MOST_HOURS]
        for since_ns, until_ns in ranges:
            if self._stop.is_set():
                return
            since_ns, until_ns = since_ns // MINUTE_NS * MINUTE_NS, -(-until_ns // MINUTE_NS) * MINUTE_NS
            sightings = look(self._engine, since_ns, until_ns, _refused)
            for finding, change in notice(self._findings, sightings, time.time_ns()):
                log.info("finding " + change.what, severity=finding.severity, title=finding.title)
        self._findings.save([], {}, [], {LOOKED: now_s})
        self._findings.forget(now_s - MINUTES_KEPT_S)


def _refused(finder: str, error: EngineError) -> None:
    log.warning("a finder could not look, and is left out", finder=finder, reason=str(error)[:300])
