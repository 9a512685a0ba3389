"""The background pass: trails whose signals carry keys are reconstructed as they change, one summary row each."""

from __future__ import annotations

import threading
import time

import structlog

from coldtrail.model.hex_ids import is_trace_id
from coldtrail.model.trails import Trail
from coldtrail.server.inference import Inference
from coldtrail.server.reading import TrailReader, graph_of
from coldtrail.store.deliveries import save_deliveries
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import EngineError
from coldtrail.store.summaries import Unit, last_saved_s, save_trails, units_received_in, units_since
from coldtrail.store.trail_lists import TrailRow
from coldtrail.trails.assemble import Graph, origins_of, select
from coldtrail.trails.deliveries import deliveries_of
from coldtrail.trails.timing import Timing

log = structlog.get_logger(__name__)

MOST_UNITS = 20_000
"""Changed units that are asked for and that may wait, newest first; beyond it the oldest are left to be walked when read."""

BATCH_UNITS = 100
"""Units whose trails are read and assembled together: the engine is asked as often for a hundred as for one."""

PASS_S = 2.0
"""How long one pass may work before it saves and looks for what is newer."""

PERIOD_S = 1.5
"""At most one pass in this time: signals of one trail come within a second or two of each other, and are read once."""

RETRY_S = 2.0
_UNIT_KEYS = {"invocation": "request_id", "request": "request_id", "execution": "execution_arn"}
"""The key under which a node is known from log lines alone, by its kind."""

_FAILED = ("error", "timeout", "out_of_memory", "throttled")


class TooMany(Exception):
    """A walk met its bound: fewer units go at a time."""


class Reconstruction:
    """One thread; `wake` after every load. It rests as long as it worked, so that ingest keeps half of the time."""

    def __init__(self, engine: Engine, reader: TrailReader, timing: Timing) -> None:
        self._engine = engine
        self._reader = reader
        self._inference = Inference(engine, reader, timing)
        self._seconds: set[int] = set()
        self._waiting: dict[str, Unit] = {}
        self._lock = threading.Lock()
        self._loaded = threading.Event()
        self._stop = threading.Event()
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
            started = time.monotonic()
            seconds = self._take_seconds()
            try:
                if behind:
                    self._wait_for(units_since(self._engine, last_saved_s(self._engine), MOST_UNITS))
                    behind = False
                self._pass(seconds)
                if not remembered:
                    self._reader.remember_emitters(0)
                    remembered = True
                self._infer()
            except EngineError as error:
                if not error.passing:  # the loader tells of those
                    log.warning("reconstruction will be tried again", reason=str(error)[:300])
                with self._lock:
                    self._seconds |= seconds
                self._stop.wait(RETRY_S)
            took_s = time.monotonic() - started
            self._stop.wait(max(took_s, PERIOD_S - took_s))
            if not (self._waiting or self._seconds or behind):
                self._loaded.wait(self._inference.due_s())

    def _take_seconds(self) -> set[int]:
        with self._lock:
            self._loaded.clear()
            taken, self._seconds = self._seconds, set()
            return taken

    def _wait_for(self, units: list[Unit]) -> None:
        newest_first = {unit.name: unit for unit in units} | self._waiting
        self._waiting = dict(list(newest_first.items())[:MOST_UNITS])

    def _pass(self, seconds: set[int]) -> None:
        began = time.monotonic()
        if seconds:
            self._reader.remember_emitters(min(seconds))
            self._wait_for(units_received_in(self._engine, sorted(seconds), MOST_UNITS))
        while self._waiting and not self._stop.is_set() and time.monotonic() - began < PASS_S:
            names = list(self._waiting)[:BATCH_UNITS]
            done = self._reconstruct_or_halve([self._waiting[name] for name in names])
            for name in (*names, *done):
                self._waiting.pop(name, None)

    def _infer(self) -> None:
        """Join trails by time where nothing else waits; what was joined is assembled again."""
        if not self._waiting:
            try:
                joined = self._inference.run()
            except Exception as error:
                if isinstance(error, EngineError) and error.passing:
                    raise
                log.exception("a stretch of time could not be asked what belongs together, and is left out")
                return
            self._wait_for([Unit(unit, "") if is_trace_id(unit) else Unit("", unit) for unit in sorted(joined)])

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
        gathered = self._reader.gather(
            {unit.trace_id for unit in units} - {""}, {unit.request_id for unit in units} - {""}
        )
        if gathered.truncated and len(units) > 1:
            raise TooMany
        graph = graph_of(gathered)
        rows: list[TrailRow] = []
        members: dict[str, set[str]] = {}
        carried: dict[str, str] = {}
        for trail_id in origins_of(graph):
            if trail := select(graph, trail_id, told=False):
                rows.append(summary(trail))
                for node in trail.nodes:
                    if node.kind == "message":
                        carried.setdefault(node.node_id, trail.trail_id)
                for name in _units(trail, graph):
                    members.setdefault(name, set()).add(trail.trail_id)
        if members:
            saved_ns = time.time_ns()
            save_trails(self._engine, rows, members, saved_ns)
            save_deliveries(self._engine, deliveries_of(graph, carried), saved_ns)
            self._inference.note(graph, rows)
        return set(members)


def _units(trail: Trail, graph: Graph) -> set[str]:
    """Every trace and every request of a trail."""
    found: set[str] = set()
    for node in trail.nodes:
        found |= {span.trace_id for span in graph.nodes.spans_of.get(node.node_id, [])}
        found |= {log.trace_id for log in graph.nodes.logs_of.get(node.node_id, []) if log.trace_id}
        if unit := node.keys.get(_UNIT_KEYS.get(node.kind, "")):
            found.add(unit)
    return found


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
