"""Edges by timing over stretches of time: trails that begin with an invocation are looked at beside all that ran then.

One trail alone cannot tell which of many sends it followed from; everything of half a minute, and of the minute before,
can. What is found is kept, so that every later look at one of the trails finds it.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable

from msgspec import Struct, field

from coldtrail.model.signals import Log, Span
from coldtrail.model.trails import Edge, Inferred
from coldtrail.server.reconstruction.open_stretches import STRETCH_NS, Stretches
from coldtrail.server.reconstruction.reading import TrailReader, graph_of
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import EngineError
from coldtrail.store.trails.inferred import save_inferred, starts_received_in, units_of_time
from coldtrail.store.trails.lists import TrailRow
from coldtrail.trails.assemble import Graph
from coldtrail.trails.timing.channels import Channels, channels_of
from coldtrail.trails.timing.edges import Timing
from coldtrail.trails.walk import When

SETTLED_S = 5.0
"""How long a stretch waits after the last news of its trails: what comes may tell of the causes that are missing."""

REACH_NS = 60 * 10**9
"""How far before its effect a cause is looked for: retries and full queues make minutes, few make more."""

MOST_UNITS = 5_000
"""Traces that one question may have, some 50,000 signals. A stretch with more is asked about in parts, with a shorter reach."""

LEAST_STRETCH_NS = 10**8
"""What has more traces than a question may have in a tenth of a second is left alone."""

VAIN_ASKS, REST_ASKS = 3, 20
"""A service of which nobody says who calls it is asked about three times in vain, then one stretch in twenty."""


class _Told(Struct):
    """What times told of a stretch: ``new`` edges, and those of ``before`` that they replace, or nothing does."""

    new: list[Inferred] = field(default_factory=list)
    before: list[Inferred] = field(default_factory=list)


class Inference:
    """Remembers trails that begin with an invocation, and asks times for their cause once their signals have settled.

    `run` may be called by another thread than the rest.
    """

    def __init__(self, engine: Engine, reader: TrailReader, timing: Timing) -> None:
        self._engine = engine
        self._reader = reader
        self._kinds = timing.kinds
        self._learned = Channels()
        self._stretches = Stretches()
        self._vain: Counter[str] = Counter()
        self._lock = threading.Lock()

    def still_comes(self, starts_ns: Iterable[int], seconds: set[int]) -> None:
        """Have stretches asked about again of which more came: what begins at these times, and the traces that were received
        in these Unix seconds.
        """
        with self._lock:
            asked = self._stretches.any_asked
        if asked:
            starts = {*starts_ns, *starts_received_in(self._engine, sorted(seconds), STRETCH_NS)}
            with self._lock:
                self._stretches.late(starts, time.monotonic())

    def still_waits(self, times: Iterable[When]) -> None:
        """Have stretches wait of which signals of these times may tell, which were not looked at yet."""
        with self._lock:
            self._stretches.still_waits(times, time.monotonic())

    def note(self, graph: Graph, rows: list[TrailRow]) -> None:
        """Learn which causes lead to which function, and remember which trails begin without a cause, and when."""
        if not self._kinds:
            return
        shown = channels_of(graph.nodes, graph.edges)
        now_s = time.monotonic()
        with self._lock:
            self._learned.add(shown)
            self._stretches.still_told_of((row.start_ns for row in rows), now_s)
            self._stretches.close(graph.causes.keys())
            for row in rows:
                if row.origin_kind in ("invocation", "execution"):
                    self._stretches.open(graph.nodes.by_id[row.origin_node_id], now_s)

    def due_s(self) -> float | None:
        """Return in how many seconds the next stretch has settled; None where nothing waits."""
        with self._lock:
            oldest = self._stretches.oldest_s()
        if oldest is None or not self._kinds:
            return None
        return max(0.0, oldest + SETTLED_S - time.monotonic())

    def run(self, patience_s: float = 0.0) -> set[str] | None:
        """Ask for one stretch that settled so much longer ago; return the units that were joined, None where none has settled.

        Raises:
            EngineError: the engine refused; the stretch waits again.
        """
        with self._lock:
            taken = self._stretches.take(time.monotonic() - SETTLED_S - patience_s)
            if taken is None:
                return None
            learned = Channels()
            learned.add(self._learned)
        stretch, services = taken
        if not self._worth_asking(services, learned):
            return set()
        try:
            told = self._ask(stretch * STRETCH_NS, (stretch + 1) * STRETCH_NS, REACH_NS, learned)
            save_inferred(self._engine, told.new, int(time.time()), told.before)
        except EngineError:
            with self._lock:
                self._stretches.late([stretch * STRETCH_NS], time.monotonic())
            raise
        return {unit for one in (*told.new, *told.before) for unit in (one.cause_unit, one.effect_unit)}

    def _worth_asking(self, services: set[str], learned: Channels) -> bool:
        """Whether somebody is known to call one of the services, or has not been looked for in vain too often."""
        leads_to = _led_to(learned)
        worth = False
        for service in services:
            asked = self._vain[service]
            worth |= service in leads_to or asked < VAIN_ASKS or asked % REST_ASKS == 0
            self._vain[service] = asked + 1
        return worth

    def _ask(self, since_ns: int, until_ns: int, reach_ns: int, learned: Channels) -> _Told:
        """Ask for the causes of what begins in a stretch; of one that is too much for a question, by halves."""
        units = units_of_time(self._engine, since_ns - reach_ns, until_ns, MOST_UNITS)
        if units is not None:
            return self._join(*units, (since_ns - reach_ns, until_ns), since_ns, learned)
        if until_ns - since_ns < LEAST_STRETCH_NS:
            return _Told()
        middle_ns = (since_ns + until_ns) // 2
        halves = ((middle_ns, until_ns), (since_ns, middle_ns))
        later, earlier = (self._ask(begin_ns, end_ns, reach_ns // 2, learned) for begin_ns, end_ns in halves)
        return _Told(later.new + earlier.new, later.before + earlier.before)

    def _join(self, traces: set[str], requests: set[str], read: When, since_ns: int, learned: Channels) -> _Told:
        """Join what begins from ``since_ns`` on in the time that is read and has no cause yet.

        What times told of other stretches is left out: each is asked as if it were the only one, so that it does not matter
        which comes first, and a mistake in one shifts no other. What they told of this one while less of it was there is
        told anew.
        """
        gathered = self._reader.gather_near(traces, requests, read)
        graph = graph_of(gathered, Timing(self._kinds, learned=learned))
        until_ns = read[1]
        by_id = graph.nodes.by_id
        edges = [
            edge
            for edge in graph.edges
            if edge.evidence == "timing" and since_ns <= by_id[edge.effect].start_ns < until_ns
        ]
        found = [one for edge in edges if (one := _inferred(graph, edge))]
        known = self._reader.inferred_of({*traces, *requests, *(one.effect_unit for one in found)})
        known = [one for one in known if (node := by_id.get(one.edge.effect)) and since_ns <= node.start_ns < until_ns]
        now, before = _causes(found), _causes(known)
        new = [one for one in found if now[one.edge.effect] != before.get(one.edge.effect)]
        for one in new:
            self._vain.pop(by_id[one.edge.effect].service, None)
        return _Told(new, [one for one in known if before[one.edge.effect] != now.get(one.edge.effect)])


def _causes(edges: list[Inferred]) -> dict[str, set[str]]:
    """The causes of each effect."""
    found: dict[str, set[str]] = {}
    for one in edges:
        found.setdefault(one.edge.effect, set()).add(one.edge.cause)
    return found


def _led_to(learned: Channels) -> set[str]:
    """The services to which a channel leads."""
    found = {service for channels in learned.by_sign.values() for service in channels}
    return found.union(learned.called, learned.machines, *learned.consumers.values())


def _inferred(graph: Graph, edge: Edge) -> Inferred | None:
    cause_unit, effect_unit = _unit_of(graph, edge.cause), _unit_of(graph, edge.effect)
    return Inferred(edge, cause_unit, effect_unit) if cause_unit and effect_unit else None


def _unit_of(graph: Graph, node_id: str) -> str:
    """The trace or request that a node's signals lie in; a message lies where it was sent."""
    for one in (node_id, *graph.nodes.givers.get(node_id, ())):
        signals: list[Span | Log] = [*graph.nodes.spans_of.get(one, ()), *graph.nodes.logs_of.get(one, ())]
        for signal in signals:
            if signal.trace_id:
                return signal.trace_id
        keys = graph.nodes.by_id[one].keys
        if unit := keys.get("request_id") or keys.get("execution_arn"):
            return unit
    return ""
