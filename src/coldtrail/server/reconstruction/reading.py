"""Trails read from the store: the walk over its queries, and the pure assembly of what the walk found."""

from __future__ import annotations

import time

from msgspec import structs

from coldtrail.model.hex_ids import is_hex, is_trace_id
from coldtrail.model.signals import Log, Span
from coldtrail.model.trails import Inferred, Key, KeyKind, Sentence, Trail
from coldtrail.model.xray_ids import xray_trace_id_to_hex
from coldtrail.store.engine import Engine
from coldtrail.store.keys.units import units_with
from coldtrail.store.signals import SignalReader
from coldtrail.store.trails.find import Carrier, carriers_of, carriers_of_hash
from coldtrail.store.trails.find import find as find_carriers
from coldtrail.store.trails.inferred import any_inferred, inferred_of
from coldtrail.store.trails.lists import Filters, TrailRow, list_trails, trails_of
from coldtrail.trails.assemble import NOT_BY_TIME, Graph, build_graph, select, trail_ids_of
from coldtrail.trails.nodes.identity import KEY_DIGITS, MERGED_DIGITS, span_node_id, unit_node_id
from coldtrail.trails.timing.edges import Timing
from coldtrail.trails.walk import MOST_SIGNALS, MOST_TRACES_OF_ONE, Gathered, Units, When, gather, gather_near

SETTLED_S = 5
"""How long after it was found a trail may still be joined by signals that were sent at the same time."""

ASKED_S = 1.0
"""How long it is taken for true that times told of no edge yet; shorter than the time between two passes."""


def graph_of(gathered: Gathered, timing: Timing = NOT_BY_TIME) -> Graph:
    """Return the graph of what a walk found, with the edges that times told before; ``timing``: those to tell now."""
    known = tuple(gathered.inferred[pair] for pair in sorted(gathered.inferred))
    return build_graph(gathered.spans, gathered.logs, structs.replace(timing, known=known), gathered.carried)


def _told_to_be_cut(trail: Trail) -> Trail:
    """Say at the end of the story that there is more than was read."""
    text = f"So much is joined to this trail that it was not read to its end, after {MOST_TRACES_OF_ONE:,} traces."
    return structs.replace(trail, story=[*trail.story, Sentence(trail.end_ns, text, trail.origin.node_id)])


class TrailReader:
    """Answers every question about trails from one engine."""

    def __init__(self, engine: Engine, signals: SignalReader) -> None:
        self._engine = engine
        self._signals = signals
        self._inferred, self._asked_s = False, -ASKED_S

    def remember_emitters(self, since_s: int) -> None:
        """Read the emitters received since Unix second ``since_s`` ahead of those who will ask."""
        self._signals.remember_emitters(since_s)

    def spans_of(self, trace_ids: set[str]) -> list[Span]:
        """Return all spans of the traces, copies too, in any order."""
        return self._signals.spans_with_copies(trace_ids)

    def logs_of(self, trace_ids: set[str], request_ids: set[str], when: When | None) -> list[Log]:
        """Return the logs of the traces and requests, copies too, in any order; ``when``: where to look among many."""
        return self._signals.logs_with_copies(trace_ids, request_ids, when=when)

    def units_with(self, keys: set[Key], most_correlated: int) -> tuple[Units, Units]:
        """Return the traces and requests whose signals carry the keys, and when those are."""
        return units_with(self._engine, keys, most_correlated)

    def inferred_of(self, units: set[str]) -> list[Inferred]:
        """Return the edges that times told into and out of the units."""
        return inferred_of(self._engine, units) if self._any_inferred() else []

    def _any_inferred(self) -> bool:
        """Whether times told of any edge, as of some seconds ago: where all have ids, no walk has to ask in each round."""
        now_s = time.monotonic()
        if not self._inferred and now_s >= self._asked_s + ASKED_S:
            self._inferred, self._asked_s = any_inferred(self._engine), now_s
        return self._inferred

    def gather(
        self,
        trace_ids: set[str],
        request_ids: set[str],
        most_signals: int | None = None,
        when: When | None = None,
    ) -> Gathered:
        """Return the signals of all trails around the traces and requests; ``when``: when some of theirs were."""
        return gather(self, trace_ids, request_ids, most_signals or MOST_SIGNALS, when)

    def gather_near(self, trace_ids: set[str], request_ids: set[str], when: When) -> Gathered:
        """Return the signals of the traces and requests, and of what keys join to them within a few steps."""
        return gather_near(self, trace_ids, request_ids, when)

    def trail(self, trail_id: str) -> tuple[Trail, Graph] | None:
        """Return a trail by its id, a trace id in either form, a node id or a request id, and the graph around it."""
        trace_ids, request_ids = self._start(trail_id)
        if not trace_ids and not request_ids:
            return None
        gathered = gather(self, trace_ids, request_ids, most_traces=MOST_TRACES_OF_ONE)
        graph = graph_of(gathered)
        for seed in (*sorted(trace_ids), trail_id.lower(), *(unit_node_id(one) for one in request_ids)):
            if trail := select(graph, seed):
                return (_told_to_be_cut(trail) if gathered.full else trail), graph
        return None

    def _start(self, trail_id: str) -> tuple[set[str], set[str]]:
        if trail_id.startswith("1-"):
            try:
                return {xray_trace_id_to_hex(trail_id)}, set()
            except ValueError:
                return set(), set()
        text = trail_id.lower()
        if is_trace_id(text):
            return {text}, set()
        if is_hex(text, 48):
            return {text[:32]}, set()
        carriers = self._carriers_of_node(trail_id if trail_id.startswith("arn:") else text)
        return {one.trace_id for one in carriers} - {""}, {one.request_id for one in carriers} - {""}

    def _carriers_of_node(self, text: str) -> list[Carrier]:
        if any(is_hex(text, digits) for digits in MERGED_DIGITS):
            return carriers_of_hash(self._engine, int(text[:KEY_DIGITS], 16))
        kind: KeyKind = "execution_arn" if text.startswith("arn:") else "request_id"
        return carriers_of(self._engine, {Key(kind, text, "mentions")})

    def newest(self, filters: Filters, limit: int) -> list[TrailRow]:
        """Return trails, newest first."""
        return list_trails(self._engine, filters, limit)

    def trails_of(self, units: list[str], most_live: int = 0) -> dict[str, list[str]]:
        """Return the trail ids of traces and requests.

        The background pass lists them; up to ``most_live`` of those that it has not reached, or only just (more of their
        trail may have come since), are walked now. Others are their own trail.
        """
        known = trails_of(self._engine, units)
        settled_s = int(time.time()) - SETTLED_S
        found: dict[str, list[str]] = {}
        for unit in units:
            alone = unit if is_trace_id(unit) else unit_node_id(unit)
            found[unit] = list(known.get(unit, ())) or [alone]
            if most_live > 0 and any(
                joined_s > settled_s for joined_s in known.get(unit, {"": settled_s + 1}).values()
            ):
                most_live -= 1
                found[unit] = self._live_trails_of(unit) or found[unit]
        return found

    def _live_trails_of(self, unit: str) -> list[str]:
        read = self.trail(unit)
        if not read:
            return []
        _, graph = read
        kinds = ("trace_id", "request_id", "execution_arn")
        nodes = graph.nodes.by_id.items()
        return trail_ids_of(graph, [one for one, node in nodes if unit in map(node.keys.get, kinds)])

    def find(self, value: str) -> list[Carrier]:
        """Return who carries a value as an identity or attribute; an X-Ray trace id in its own form too."""
        text = value.strip()
        if text.startswith("1-"):
            try:
                return find_carriers(self._engine, xray_trace_id_to_hex(text)) or find_carriers(self._engine, text)
            except ValueError:
                pass
        return find_carriers(self._engine, text)


def node_of_carrier(carrier: Carrier) -> str:
    """Return the node that a carrier belongs to: the invocation or execution it names, else its span."""
    if carrier.request_id:
        return unit_node_id(carrier.request_id)
    return span_node_id(carrier.trace_id, carrier.span_id)
