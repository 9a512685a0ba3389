"""The background pass: trails whose signals carry keys are reconstructed as they change, one summary row each."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from coldtrail.model.hex_ids import is_trace_id
from coldtrail.model.trails import Trail
from coldtrail.server.around import Around
from coldtrail.server.inference import Inference
from coldtrail.server.learning import Learning
from coldtrail.server.outcomes import Outcomes
from coldtrail.server.pace import Pace
from coldtrail.server.reading import TrailReader, graph_of
from coldtrail.server.waiting import MOST_UNITS, Waiting
from coldtrail.store.deliveries import save_deliveries
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import EngineError
from coldtrail.store.summaries import Unit, last_saved_s, save_trails, units_received_in, units_since
from coldtrail.store.trail_lists import TrailRow
from coldtrail.trails.deliveries import deliveries_of
from coldtrail.trails.timing import Timing

log = structlog.get_logger(__name__)

PASS_S = 0.7
"""CPU seconds of its own that one pass may take before it looks for what is newer."""

JOINED_S = 30.0
"""How long what times joined may wait for other stretches to be asked: a trail lies in several, and is assembled once."""

RETRY_S = 2.0
_FAILED = ("error", "timeout", "out_of_memory", "throttled")


FEW_UNITS = 50
"""So many are not halved: their trails are cut where a walk ends."""

MOST_SIGNALS = 50_000
"""A batch with more is halved, since all of it is in memory at once (a signal takes about 1.5 kB)."""


class TooMany(Exception):
    """A walk met its bound: fewer units go at a time."""


class Reconstruction:
    """One thread; `wake` after every load."""

    def __init__(
        self, engine: Engine, reader: TrailReader, timing: Timing, learning: Learning, outcomes: Outcomes
    ) -> None:
        self._engine = engine
        self._reader = reader
        self._learning = learning
        self._outcomes = outcomes
        self._inference = Inference(engine, reader, timing)
        self._seconds: set[int] = set()
        self._waiting = Waiting()
        self._joined: set[str] = set()
        self._joined_s = 0.0
        self._lock = threading.Lock()
        self._loaded = threading.Event()
        self._stop = threading.Event()
        self._pace = Pace(self._stop, self._loaded)
        self._thread = threading.Thread(target=self._run, name="reconstruction", daemon=True)

    def start(self) -> None:
        """Begin to follow the loads, after what came since the last trail was saved."""
        self._thread.start()

    def wake(self, received_s: int) -> None:
        """Say that what was received in this Unix second was loaded."""
        with self._lock:
            self._seconds.add(received_s)
        self._loaded.set()

    def stop(self) -> None:
        """Finish the trail in hand and stop."""
        self._stop.set()
        self._loaded.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        behind, remembered = True, False
        while not self._stop.is_set():
            self._pace.begin()
            seconds = self._take_seconds()
            try:
                if behind:
                    units = units_since(self._engine, last_saved_s(self._engine), MOST_UNITS)
                    self._waiting.add_received(units, time.monotonic())
                    behind = False
                idle = self._pass(seconds)
                if not remembered:
                    self._reader.remember_emitters(0)
                    remembered = True
                if idle:
                    self._infer()
                    self._learning.run()
            except EngineError as error:
                if not error.passing:  # the loader tells of those
                    log.warning("reconstruction will be tried again", reason=str(error)[:300])
                with self._lock:
                    self._seconds |= seconds
                self._stop.wait(RETRY_S)
            self._pace.rest()
            if not (self._waiting or self._seconds or self._joined or behind):
                self._loaded.wait(self._inference.due_s())

    def _take_seconds(self) -> set[int]:
        with self._lock:
            self._loaded.clear()
            taken, self._seconds = self._seconds, set()
            return taken

    def _pass(self, seconds: set[int]) -> bool:
        """Look at the newest units, then at those that settled; return whether nothing is left that has."""
        began_s = time.thread_time()
        if seconds:
            self._reader.remember_emitters(min(seconds))
            received = units_received_in(self._engine, sorted(seconds), MOST_UNITS)
            self._waiting.add_received(received, time.monotonic())
        units = self._waiting.first(loading=bool(seconds))
        while units and not self._stop.is_set() and time.thread_time() - began_s < PASS_S:
            done = self._reconstruct_or_halve(units)
            self._waiting.done((*(unit.name for unit in units), *done))
            units = self._waiting.settled(time.monotonic())
        return not units

    def _infer(self) -> None:
        """Join trails by time; what was joined is assembled again once no stretch is left to ask about, or after a while."""
        began_s = time.thread_time()
        joined: set[str] | None = set()
        while joined is not None and not self._stop.is_set() and time.thread_time() - began_s < PASS_S:
            joined = self._ask_times()
            if joined and not self._joined:
                self._joined_s = time.monotonic()
            self._joined |= joined or set()
        if self._joined and (joined is None or time.monotonic() - self._joined_s > JOINED_S):
            units = [Unit(unit, "") if is_trace_id(unit) else Unit("", unit) for unit in sorted(self._joined)]
            self._joined = set()
            self._waiting.add(units, time.monotonic())

    def _ask_times(self) -> set[str] | None:
        """Ask about one stretch of time; one that fails stops no other."""
        try:
            return self._inference.run()
        except Exception as error:
            if isinstance(error, EngineError) and error.passing:
                raise
            log.exception("a stretch of time could not be asked what belongs together, and is left out")
            return set()

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
        traces, requests = {unit.trace_id for unit in units}, {unit.request_id for unit in units}
        gathered = self._reader.gather(traces - {""}, requests - {""}, MOST_SIGNALS if len(units) > FEW_UNITS else None)
        if gathered.full and len(units) > FEW_UNITS:
            raise TooMany
        graph = graph_of(gathered)
        around = Around.of(graph, {unit.name for unit in units}, gathered.partly)
        if around.members:
            saved_ns = time.time_ns()
            rows = [summary(trail) for trail in around.trails]
            save_trails(self._engine, rows, around.members, around.stays, saved_ns)
            save_deliveries(self._engine, deliveries_of(graph, around.carried, around.beside), saved_ns)
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


def summary(trail: Trail) -> TrailRow:
    """Return the row that lists show of a trail."""
    origin = trail.origin
    return TrailRow(
        trail_id=trail.trail_id,
        start_ns=trail.start_ns,
        duration_ms=(trail.end_ns - trail.start_ns) / 1e6,
        status=trail.status,
        outcome=trail.outcome,
        node_count=len(trail.nodes),
        error_count=sum(node.status in _FAILED for node in trail.nodes),
        cold_start_count=sum(bool(node.cold_start) for node in trail.nodes),
        services=sorted({node.service for node in trail.nodes}),
        origin_service=origin.service,
        origin_name=origin.name,
        origin_kind=origin.kind,
        origin_node_id=origin.node_id,
    )
