"""The clockworks: threads that work on what was loaded, each within its share of the time, started and stopped together."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence

from coldtrail.server.alerts.clockwork import Alerting
from coldtrail.server.alerts.looks import Looks
from coldtrail.server.alerts.telling import Telling
from coldtrail.server.clockwork import Clockwork
from coldtrail.server.objectives.clockwork import Objectives
from coldtrail.server.objectives.counting_elsewhere import elsewhere
from coldtrail.server.outcomes.clockwork import Outcomes
from coldtrail.server.reconstruction.clockwork import Reconstruction
from coldtrail.server.reconstruction.learning import Learning
from coldtrail.server.reconstruction.reading import TrailReader
from coldtrail.server.settings.settings import Settings
from coldtrail.server.sparing import Sparing
from coldtrail.server.summing import Summing
from coldtrail.server.watcher import Watcher
from coldtrail.state import Database
from coldtrail.state.alerting import AlertBook
from coldtrail.state.definitions import Definitions
from coldtrail.state.findings import Findings
from coldtrail.store.engine import Engine
from coldtrail.trails.timing.edges import Timing
from coldtrail.wal import Segment
from coldtrail.watch.ways_out import Outside
from coldtrail.watch.ways_out.secret import of_process


class Clockworks:
    """Trails, sums, outcomes, findings, objectives and alerts, kept up with what is loaded; and memory given back."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        state: Database,
        reader: TrailReader,
        learning: Learning,
        page_address: Callable[[], str | None],
    ) -> None:
        self.findings, self.definitions = Findings(state), Definitions(state)
        self.outcomes = Outcomes(engine, self.definitions, reader)
        self.objectives = Objectives(engine, self.definitions, elsewhere(engine))
        timing = Timing(frozenset(settings.infer_edges))
        self.reconstruction = Reconstruction(engine, reader, timing, learning, self.outcomes)
        self.watcher = Watcher(engine, self.findings, settings.limits)
        self.summing = Summing(engine)
        self._prepare_alerting(settings, engine, reader, AlertBook(state), page_address)
        self._in_order: tuple[Clockwork, ...] = (
            self.reconstruction,
            self.watcher,
            self.summing,
            self.outcomes,
            self.objectives,
            self.alerting,
            self.telling,
            Sparing(engine),
        )

    def _prepare_alerting(
        self,
        settings: Settings,
        engine: Engine,
        reader: TrailReader,
        book: AlertBook,
        page_address: Callable[[], str | None],
    ) -> None:
        notify, up_since_ns = settings.notify, time.time_ns()
        outside = Outside(notify.allow, of_process(notify.secret_folders))

        def looks(at_ns: Sequence[int], reach_ns: int) -> Looks:
            return Looks(
                engine,
                self.findings,
                at_ns,
                reach_ns,
                up_since_ns=up_since_ns,
                burning=self.objectives.burning,
            )

        self.alerting = Alerting(
            book,
            self.definitions,
            looks,
            # The data folder has one process at a time: whoever has it next need not wait until the lease ends.
            holder=f"{socket.gethostname()}:{settings.data.resolve()}",
            page_url=lambda: notify.page_url or f"http://{page_address()}",
            outside=outside,
            trails_of=lambda units: reader.trails_of(units, most_live=len(units)),
            told=lambda: self.telling.wake(),
            period_s=notify.period_s,
        )
        self.telling = Telling(book, self.definitions, outside, lambda: self.alerting.leads)

    def start(self) -> None:
        """Begin, with what came since those who ran before stopped."""
        for one in self._in_order:
            one.start()

    def wake(self, segment: Segment) -> None:
        """Say what was loaded."""
        self.reconstruction.wake(segment.created_s)
        self.watcher.wake()
        self.summing.wake(segment.created_s)
        self.outcomes.wake()

    def stop(self) -> None:
        """Finish what is in hand, and stop."""
        for one in self._in_order:
            one.stop()
