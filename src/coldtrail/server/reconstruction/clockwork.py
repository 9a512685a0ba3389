"""The background pass: trails whose signals carry keys are reconstructed as they change, one summary row each."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import structlog

from coldtrail.model.hex_ids import is_trace_id
from coldtrail.server.clockwork import Clockwork
from coldtrail.server.outcomes.clockwork import Outcomes
from coldtrail.server.reconstruction.around import Around, Companions
from coldtrail.server.reconstruction.inference import Inference
from coldtrail.server.reconstruction.kin import Kin
from coldtrail.server.reconstruction.learning import Learning
from coldtrail.server.reconstruction.pace import Pace, fewer_or_more
from coldtrail.server.reconstruction.reading import TrailReader, graph_of
from coldtrail.server.reconstruction.waiting import BATCH_UNITS, FRESH_UNITS, MOST_BATCH_UNITS, MOST_UNITS, Waiting
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import EngineError
from coldtrail.store.sources.deliveries import save_deliveries
from coldtrail.store.trails.summaries import Unit, last_saved_s, save_trails, summary, units_received_in, units_since
from coldtrail.trails.deliveries import deliveries_of
from coldtrail.trails.timing.edges import Timing

log = structlog.get_logger(__name__)

ASKS_S = 0.7
"""CPU seconds after which no more stretches of time are asked about before what they told is taken in."""

PATIENT_S = 30.0
"""How much longer a stretch waits while units wait that may tell more of it."""

LOOK_S = 0.25
JOINED_S = 30.0
"""How long what times joined may wait for other stretches to be asked: a trail lies in several, and is assembled once."""

RETRY_S = 2.0

GIVES_WAY, ASIDE_GIVES_WAY = 0.8, 0.5
"""Of the time: where what waits is a backlog who looks at a page goes first, and where times are asked, of which nobody waits."""


FEW_UNITS = 50
"""So many are not halved: their trails are cut where a walk ends."""

MOST_SIGNALS = 50_000
"""A batch with more is halved, since all of it is in memory at once (a signal takes about 1.5 kB)."""


class TooMany(Exception):
    """A walk met its bound: fewer units go at a time."""


class Reconstruction(Clockwork):
    """One thread; `wake` after every load. A second asks times and learns, which may take long: no trail waits for it.

    What came just now is looked for on pages, so its trails give way to none.
    """

    gives_way = 0.0

    def __init__(
        self, engine: Engine, reader: TrailReader, timing: Timing, learning: Learning, outcomes: Outcomes
    ) -> None:
        super().__init__("reconstruction", engine.courtesy)
        self._engine = engine
        self._reader = reader
        self._learning = learning
        self._outcomes = outcomes
        self._inference = Inference(engine, reader, timing)
        self._seconds: set[int] = set()
        self._waiting = Waiting()
        self._companions = Companions()
        self._kin = Kin()
        self._batch_units = BATCH_UNITS
        self._asking: Future[set[str]] | None = None
        self._joined: set[str] = set()
        self._joined_s = 0.0
        self._lock = threading.Lock()
        self._pace = Pace(self._stop)
        self._aside = ThreadPoolExecutor(
            1, thread_name_prefix="by-time", initializer=lambda: engine.courtesy.in_background(ASIDE_GIVES_WAY)
        )

    def wake(self, received_s: int) -> None:
        """Say that what was received in this Unix second was loaded."""
        with self._lock:
            self._seconds.add(received_s)
        self._woken.set()

    def stop(self) -> None:
        """Finish the trail in hand and stop."""
        super().stop()
        self._aside.shutdown()

    def _run(self) -> None:
        behind, remembered = True, False
        while not self._stop.is_set():
            seconds = self._take_seconds()
            self._pace.begin(loading=bool(seconds))
            self._engine.courtesy.in_background(GIVES_WAY if self._waiting.backlog else self.gives_way)
            try:
                if behind:
                    units = units_since(self._engine, last_saved_s(self._engine), MOST_UNITS)
                    self._kin.note(self._waiting.add_received(units, time.monotonic()))
                    behind = False
                idle = self._pass(seconds)
                if not remembered:
                    self._reader.remember_emitters(0)
                    remembered = True
                self._look_aside(0.0 if idle and self._waiting.few else PATIENT_S)
            except EngineError as error:
                if not error.passing:  # the loader tells of those
                    log.warning("reconstruction will be tried again", reason=str(error)[:300])
                with self._lock:
                    self._seconds |= seconds
                self._stop.wait(RETRY_S)
            self._pace.rest(behind=not self._waiting.few, backlog=self._waiting.backlog)
            if not (self._waiting or self._seconds or self._joined or behind):
                self._woken.wait(LOOK_S if self._asking else self._inference.due_s())

    def _take_seconds(self) -> set[int]:
        with self._lock:
            self._woken.clear()
            taken, self._seconds = self._seconds, set()
            return taken

    def _pass(self, seconds: set[int]) -> bool:
        """Look at the newest units, then at those that settled; return whether nothing is left that has."""
        if seconds:
            self._reader.remember_emitters(min(seconds))
            received = units_received_in(self._engine, sorted(seconds), MOST_UNITS)
            new = self._waiting.add_received(received, time.monotonic())
            self._kin.note(new)
            self._inference.still_comes((one.first_ns for one in new), seconds)
        units = self._waiting.first(loading=bool(seconds), sparing=self._pace.owes)
        while units and not self._stop.is_set():
            began_s = time.monotonic()
            done = self._reconstruct_or_halve(units)
            self._waiting.done((*(unit.name for unit in units), *done))
            if len(units) >= FRESH_UNITS:
                took_s = time.monotonic() - began_s
                self._batch_units = fewer_or_more(len(units), took_s, FRESH_UNITS, MOST_BATCH_UNITS)
            most = self._batch_units if seconds else MOST_BATCH_UNITS
            units = self._waiting.settled(time.monotonic(), most, loading=bool(seconds))
            if not self._pace.may_go_on(more_came=self._woken.is_set()):
                break
        return not units

    def _look_aside(self, patience_s: float) -> None:
        """Have times asked in the other thread, and let those wait that were joined, once no stretch is left to ask about, or
        after a while. While a backlog waits none are asked: what it holds may tell, and both would fill memory and both cores.
        """
        if self._asking and self._asking.done():
            asking, self._asking = self._asking, None
            joined = asking.result()
            if joined and not self._joined:
                self._joined_s = time.monotonic()
            self._joined |= joined
        self._inference.still_waits(self._waiting.times())
        due_s = self._inference.due_s()
        asks = due_s is not None and due_s <= 0
        if self._asking is None and (asks or self._learning.is_due) and not self._waiting.backlog:
            self._asking = self._aside.submit(self._ask_times, patience_s)
        told = self._asking is None and not asks
        if self._joined and (told or time.monotonic() - self._joined_s > JOINED_S):
            units = [Unit(unit, "") if is_trace_id(unit) else Unit("", unit) for unit in sorted(self._joined)]
            self._joined = set()
            self._waiting.add(units, time.monotonic())

    def _ask_times(self, patience_s: float) -> set[str]:
        """Ask about stretches of time, one after another, and then learn; return the units that were joined.

        A stretch that fails stops no other.
        """
        began_s, found = time.thread_time(), set[str]()
        joined: set[str] | None = set()
        while joined is not None and not self._stop.is_set() and time.thread_time() - began_s < ASKS_S:
            try:
                with _no_collection():
                    joined = self._inference.run(patience_s)
            except Exception as error:
                if isinstance(error, EngineError) and error.passing:
                    raise
                log.exception("a stretch of time could not be asked what belongs together, and is left out")
                joined = set()
            found |= joined or set()
        self._learning.run()
        return found

    def _reconstruct_or_halve(self, units: list[Unit]) -> set[str]:
        """Reconstruct; units that are too many, or one that fails, are found by halving, so that it stops no other."""
        try:
            return self._reconstruct(units)
        except TooMany:
            pass
        except Exception as error:
            if isinstance(error, EngineError) and error.passing:
                raise
            if len(units) == 1:
                log.exception("a trail could not be reconstructed, and is left out", unit=units[0].name)
                return set()
        middle = len(units) // 2
        return self._reconstruct_or_halve(units[:middle]) | self._reconstruct_or_halve(units[middle:])

    def _reconstruct(self, units: list[Unit]) -> set[str]:
        """Save the trails around the units; return the names of all units that these are made of."""
        with _no_collection():
            return self._save_around(units)

    def _save_around(self, units: list[Unit]) -> set[str]:
        asked = {unit.name for unit in units}
        read = self._companions.of(self._kin.of(asked))
        traces = {unit for unit in read if is_trace_id(unit)}
        most = MOST_SIGNALS if len(units) > FEW_UNITS else None
        gathered = self._reader.gather(traces, read - traces, most, self._waiting.when(units))
        if gathered.full and len(units) > FEW_UNITS:
            raise TooMany
        graph = graph_of(gathered)
        around = Around.of(graph, asked, gathered.partly)
        if around.members:
            saved_ns = time.time_ns()
            rows = [summary(trail) for trail in around.trails]
            save_trails(self._engine, rows, around.members, around.stays, saved_ns)
            save_deliveries(self._engine, deliveries_of(graph, around.carried, around.beside), saved_ns)
            self._companions.note(around.members)
            self._inference.note(graph, rows)
            self._learning.note(around.trails, graph)
            self._outcomes.note(around.trails, graph)
        return around.done


@contextmanager
def _no_collection() -> Iterator[None]:
    """Hold up the search for cyclic garbage: a batch makes hundreds of thousands of objects and no cycle, and it would
    be searched again and again, for a tenth of the whole cost.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
