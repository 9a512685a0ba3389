"""Which trails of a graph may be saved: those that were walked whole, and those that were asked for."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from msgspec import Struct, field

from coldtrail.model.trails import Trail
from coldtrail.trails.assemble import Graph, origins_of, select
from coldtrail.trails.nodes.identity import unit_node_id

MOST_REMEMBERED = 20_000
"""Units, and trails, whose companions are remembered: as many as may wait."""

_UNIT_KEYS = {"invocation": "request_id", "request": "request_id", "execution": "execution_arn"}
"""The key under which a node is known from log lines alone, by its kind."""


class Around(Struct):
    """The trails around some units (traces, and requests known from logs alone) that are told whole.

    ``members``: units to the ids of their trails. ``carried``: message nodes to one such trail. ``beside``: message nodes that are
    on cut trails alone. ``done``: units of which all was looked at.
    """

    trails: list[Trail] = field(default_factory=list)
    members: dict[str, set[str]] = field(default_factory=dict)
    carried: dict[str, str] = field(default_factory=dict)
    beside: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    _cut: set[str] = field(default_factory=set)
    _begins: set[str] = field(default_factory=set)
    _read: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, graph: Graph, asked: set[str], partly: set[str]) -> Around:
        """Part the trails of a graph; ``partly``: units next to which there may be more than the graph has."""
        around = cls()
        for trail_id in origins_of(graph):
            around._begins.add(trail_id)
            if trail := select(graph, trail_id, told=False):
                around._add(trail, units_of(trail, graph), asked, partly)
        around.beside -= around.carried.keys()
        around.done = around.members.keys() - (around._cut - asked)
        around._read = around._alone(around.members.keys() | around._cut, partly)
        return around

    def _add(self, trail: Trail, units: set[str], asked: set[str], partly: set[str]) -> None:
        messages = [node.node_id for node in trail.nodes if node.kind == "message"]
        if partly and units & partly and not units & asked:
            self._cut |= units
            self.beside.update(messages)
            return
        self.trails.append(trail)
        for message in messages:
            self.carried.setdefault(message, trail.trail_id)
        for unit in units:
            self.members.setdefault(unit, set()).add(trail.trail_id)

    @staticmethod
    def _alone(units: set[str], partly: set[str]) -> set[str]:
        """The ids of trails that would begin in units that were read with all around them."""
        whole = units - partly
        return whole | {unit_node_id(unit) for unit in whole}

    def stays(self, unit: str, trail_id: str) -> bool:
        """Whether a trail of which a unit was a member before may still have it, though it is none of those told whole.

        A unit that cut trails have too may be on others; but not on one that began in a unit that has a cause by now.
        """
        return unit in self._cut and not (trail_id in self._read and trail_id not in self._begins)


class Companions:
    """Which units were on the same trails when they were looked at last: read at once, they take one round instead of many."""

    def __init__(self) -> None:
        self._trails: dict[str, set[str]] = {}
        self._units: dict[str, set[str]] = {}

    def note(self, members: dict[str, set[str]]) -> None:
        """Remember units and the ids of their trails."""
        found: dict[str, set[str]] = {}
        for unit, ids in members.items():
            for trail_id in ids:
                found.setdefault(trail_id, set()).add(unit)
        for known, new in ((self._units, found), (self._trails, members)):
            for name in new:
                known.pop(name, None)
            known |= new
            for name in list(islice(known, max(0, len(known) - MOST_REMEMBERED))):
                del known[name]

    def of(self, names: Iterable[str]) -> set[str]:
        """Return the units, with those that are not far from them."""
        found = set(names)
        for trail_id in {one for name in found for one in self._trails.get(name, ())}:
            found |= self._units.get(trail_id, set())
        return found


def units_of(trail: Trail, graph: Graph) -> set[str]:
    """Return every trace and every request of a trail."""
    found: set[str] = set()
    spans_of, logs_of = graph.nodes.spans_of, graph.nodes.logs_of
    for node in trail.nodes:
        found.update(span.trace_id for span in spans_of.get(node.node_id, ()))
        found.update(log.trace_id for log in logs_of.get(node.node_id, ()) if log.trace_id)
        if unit := node.keys.get(_UNIT_KEYS.get(node.kind, "")):
            found.add(unit)
    return found
