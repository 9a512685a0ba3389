"""Edges by timing over stretches of time: trails that begin with an invocation are looked at beside all that ran then.

One trail alone cannot tell which of many sends it followed from; everything of half a minute, and of the minute before,
can. What is found is kept, so that every later look at one of the trails finds it.
"""

from __future__ import annotations

import time
from collections import Counter

from coldtrail.model.signals import Log, Span
from coldtrail.model.trails import Edge, Inferred
from coldtrail.server.open_stretches import STRETCH_NS, Stretches
from coldtrail.server.reading import TrailReader, graph_of
from coldtrail.store.engine import Engine
from coldtrail.store.inferred import save_inferred, units_of_time
from coldtrail.store.trail_lists import TrailRow
from coldtrail.trails.assemble import Graph
from coldtrail.trails.channels import Channels, channels_of
from coldtrail.trails.timing import Timing

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


class Inference:
    """Remembers trails that begin with an invocation, and asks times for their cause once their signals have settled."""

    def __init__(self, engine: Engine, reader: TrailReader, timing: Timing) -> None:
        self._engine = engine
        self._reader = reader
        self._kinds = timing.kinds
        self._learned = Channels()
        self._stretches = Stretches()
        self._vain: Counter[str] = Counter()

    def note(self, graph: Graph, rows: list[TrailRow]) -> None:
        """Learn which causes lead to which function, and remember which trails begin without a cause, and when."""
        if not self._kinds:
            return
        self._learned.add(channels_of(graph.nodes, graph.edges))
        now_s = time.monotonic()
        self._stretches.still_told_of((row.start_ns for row in rows), now_s)
        self._stretches.close(graph.causes.keys())
        for row in rows:
            if row.origin_kind in ("invocation", "execution"):
                self._stretches.open(graph.nodes.by_id[row.origin_node_id], now_s)

    def due_s(self) -> float | None:
        """Return in how many seconds the next stretch has settled; None where nothing waits."""
        oldest = self._stretches.oldest_s()
        if oldest is None or not self._kinds:
            return None
        return max(0.0, oldest + SETTLED_S - time.monotonic())

    def run(self) -> set[str] | None:
        """Ask for one settled stretch; return the units that were joined, None where no stretch has settled."""
        taken = self._stretches.take(time.monotonic() - SETTLED_S)
        if taken is None or not self._kinds:
            return None
        stretch, services = taken
        if not self._worth_asking(services):
            return set()
        found = self._ask(stretch * STRETCH_NS, (stretch + 1) * STRETCH_NS, REACH_NS)
        save_inferred(self._engine, found, int(time.time()))
        return {unit for one in found for unit in (one.cause_unit, one.effect_unit)}

    def _worth_asking(self, services: set[str]) -> bool:
        """Whether somebody is known to call one of the services, or has not been looked for in vain too often."""
        leads_to = _led_to(self._learned)
        worth = False
        for service in services:
            asked = self._vain[service]
            worth |= service in leads_to or asked < VAIN_ASKS or asked % REST_ASKS == 0
            self._vain[service] = asked + 1
        return worth

    def _ask(self, since_ns: int, until_ns: int, reach_ns: int) -> list[Inferred]:
        """Ask for the causes of what begins in a stretch; of one that is too much for a question, by halves."""
        units = units_of_time(self._engine, since_ns - reach_ns, until_ns, MOST_UNITS)
        if units is not None:
            return self._join(*units, since_ns, until_ns)
        if until_ns - since_ns < LEAST_STRETCH_NS:
            return []
        middle_ns = (since_ns + until_ns) // 2
        halves = ((middle_ns, until_ns), (since_ns, middle_ns))
        return [one for begin_ns, end_ns in halves for one in self._ask(begin_ns, end_ns, reach_ns // 2)]

    def _join(self, traces: set[str], requests: set[str], since_ns: int, until_ns: int) -> list[Inferred]:
        """Join what begins in the stretch and has no cause yet.

        What times told of other stretches is left out: each is asked as if it were the only one, so that it does not matter
        which comes first, and a mistake in one shifts no other.
        """
        gathered = self._reader.gather_near(traces, requests)
        graph = graph_of(gathered, Timing(self._kinds, learned=self._learned))
        edges = [
            edge
            for edge in graph.edges
            if edge.evidence == "timing" and since_ns <= graph.nodes.by_id[edge.effect].start_ns < until_ns
        ]
        found = [one for edge in edges if (one := _inferred(graph, edge))]
        known = {one.edge.effect for one in self._reader.inferred_of({one.effect_unit for one in found})}
        new = [one for one in found if one.edge.effect not in known]
        for one in new:
            self._vain.pop(graph.nodes.by_id[one.edge.effect].service, None)
        return new


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
