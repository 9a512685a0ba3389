"""The background pass: trails whose signals carry keys are reconstructed as they change, one summary row each."""

from __future__ import annotations

import threading
import time

import structlog

from coldtrail.model.trails import Trail
from coldtrail.server.reading import TrailReader
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import EngineError
from coldtrail.store.summaries import Unit, changed_units, save_trails
from coldtrail.store.trail_lists import TrailRow
from coldtrail.trails.assemble import Graph, build_graph, select, trail_id_of

log = structlog.get_logger(__name__)

MOST_UNITS = 400
"""Units of one pass, newest first; what is older waits for the next."""

OVERLAP_S = 3
RETRY_S = 2.0
_FAILED = ("error", "timeout", "out_of_memory", "throttled")


class Reconstruction:
    """One thread; `wake` after every load. It rests as long as it worked, so that ingest keeps half of the time."""

    def __init__(self, engine: Engine, reader: TrailReader) -> None:
        self._engine = engine
        self._reader = reader
        self._since_s = int(time.time()) - 600
        self._loaded = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reconstruction", daemon=True)

    def start(self) -> None:
        """Begin to follow the loads."""
        self._thread.start()
        self.wake()

    def wake(self) -> None:
        """Say that something was loaded."""
        self._loaded.set()

    def stop(self) -> None:
        """Finish the trail in hand and stop."""
        self._stop.set()
        self._loaded.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._loaded.wait()
            self._loaded.clear()
            started = time.monotonic()
            try:
                self._pass()
            except EngineError as error:
                if not error.passing:  # the loader tells of those
                    log.warning("reconstruction will be tried again", reason=str(error)[:300])
                self._loaded.set()
                self._stop.wait(RETRY_S)
            self._stop.wait(max(0.2, time.monotonic() - started))

    def _pass(self) -> None:
        now_s = int(time.time())
        self._reader.remember_emitters(self._since_s - OVERLAP_S)
        units = changed_units(self._engine, self._since_s - OVERLAP_S, MOST_UNITS)
        rows: dict[str, TrailRow] = {}
        members: dict[str, set[str]] = {}
        done: set[str] = set()
        for unit in units:
            if self._stop.is_set():
                return
            if unit.name not in done:
                self._reconstruct(unit, rows, members, done)
        if members:
            save_trails(self._engine, list(rows.values()), members, time.time_ns(), now_s)
        self._since_s = now_s

    def _reconstruct(self, unit: Unit, rows: dict[str, TrailRow], members: dict[str, set[str]], done: set[str]) -> None:
        gathered = self._reader.gather({unit.trace_id} - {""}, {unit.request_id} - {""})
        graph = build_graph(gathered.spans, gathered.logs)
        origins = {trail_id_of(graph, one) for one in graph.nodes.by_id if not graph.causes.get(one)}
        for trail_id in origins:
            if trail := select(graph, trail_id):
                rows[trail.trail_id] = summary(trail)
                for name in _units(trail, graph):
                    members.setdefault(name, set()).add(trail.trail_id)
                    done.add(name)
        done.add(unit.name)


def _units(trail: Trail, graph: Graph) -> set[str]:
    """Every trace and every request of a trail."""
    found: set[str] = set()
    for node in trail.nodes:
        found |= {span.trace_id for span in graph.nodes.spans_of.get(node.node_id, [])}
        found |= {log.trace_id for log in graph.nodes.logs_of.get(node.node_id, []) if log.trace_id}
        if request_id := node.keys.get("request_id") if node.kind == "invocation" else None:
            found.add(request_id)
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
