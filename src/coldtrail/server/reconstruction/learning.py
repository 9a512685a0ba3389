"""Correlation fields learned on the way: what certain trails hand from service to service, and no two trails share.

Few trails are looked at, a field has to be sure among them, and then some of its values are looked up in all that is
stored: one that two trails ever showed ends it. Only then is the field used, for what is received from then on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from itertools import islice

import structlog

from coldtrail.model.signals import Log, Span
from coldtrail.model.trails import Trail
from coldtrail.services import rulebook, use_rules
from coldtrail.services.correlation import LearnedField, learn_correlation_fields, may_correlate
from coldtrail.store.engine import Engine
from coldtrail.store.keys.learned import keep_field, learned_fields, units_with_value
from coldtrail.store.keys.views import follow_rules
from coldtrail.store.trails.lists import trails_of
from coldtrail.trails.assemble import Graph

log = structlog.get_logger(__name__)

MOST_TRAILS = 400
MOST_A_BATCH = 30
MOST_A_TRAIL = 200
"""Trails that are remembered, that one batch adds, and samples of each: a few megabytes, and a hundredth of the pass."""

NEW_TRAILS = 20
PERIOD_S, MOST_PERIOD_S = 10.0, 60.0
"""How long after the last time at least: twice as long after each time that told nothing new, up to a minute."""

LOOK_UPS = 10
MOST_FIELDS = 16

Sample = tuple[str, str, str, str]
"""Unit (trace or request), service, name, value."""


class Learning:
    """What is learned of one store. ``configured``: the fields of the settings; with ``on`` false nothing is learned.

    `note` and `run` may be called by two threads.
    """

    def __init__(self, engine: Engine, configured: Iterable[str], *, on: bool) -> None:
        self._engine = engine
        self._configured = tuple(configured)
        self._on = on
        self._samples: dict[str, set[Sample]] = {}
        self._new: set[str] = set()
        self._refused: set[str] = set()
        self._due_s = 0.0
        self._period_s = PERIOD_S
        self._full = False
        self._lock = threading.Lock()

    def use_what_was_learned(self) -> None:
        """Put the configured fields in force, and those that were learned before."""
        learned = [kept.field.name for kept in learned_fields(self._engine)] if self._on else []
        self._full = len(learned) >= MOST_FIELDS
        use_rules((*self._configured, *learned[:MOST_FIELDS]))

    def note(self, trails: Iterable[Trail], graph: Graph) -> None:
        """Remember what some certain trails of a batch show; a trail that is told again is remembered as it is now."""
        if not self._on or self._full:
            return
        found = {trail.trail_id: _samples(trail, graph) for trail in islice(filter(_is_certain, trails), MOST_A_BATCH)}
        with self._lock:
            for trail_id, samples in found.items():
                self._samples.pop(trail_id, None)
                self._samples[trail_id] = samples
            self._new |= found.keys()
            while len(self._samples) > MOST_TRAILS:
                del self._samples[next(iter(self._samples))]

    @property
    def is_due(self) -> bool:
        """Whether enough was noted, and long enough ago since the last time, to learn from."""
        enough = self._on and not self._full and len(self._new) >= NEW_TRAILS
        return enough and time.monotonic() >= self._due_s

    def run(self) -> str:
        """Learn at most one field from what was noted; return its name, "" where there is none."""
        if not self.is_due:
            return ""
        with self._lock:
            self._new.clear()
        name = ""
        try:
            name = self._learn()
        finally:
            self._period_s = PERIOD_S if name else min(2 * self._period_s, MOST_PERIOD_S)
            self._due_s = time.monotonic() + self._period_s
        return name

    def _learn(self) -> str:
        for field, values in self._sure():
            if self._recurs(values):
                self._refused.add(field.name)
                continue
            keep_field(self._engine, field, int(time.time()))
            self.use_what_was_learned()
            follow_rules(self._engine)
            log.info("a correlation field was learned", field=field.name, trails=field.trails)
            return field.name
        return ""

    def _sure(self) -> list[tuple[LearnedField, list[str]]]:
        """Sure fields that are not in force yet, each with some of its values of different trails."""
        with self._lock:
            samples = {one for some in self._samples.values() for one in some}
        trails = trails_of(self._engine, sorted({unit for unit, _, _, _ in samples}))
        # A trail's id changes as its beginning becomes known, its units do not; what several trails share tells nothing.
        alone = {unit: next(iter(ids)) for unit, ids in trails.items() if len(ids) == 1}
        told = [(alone[unit], service, name, value) for unit, service, name, value in samples if unit in alone]
        known = set(rulebook().correlation_fields)
        found = []
        for field in learn_correlation_fields(told):
            if field.sure and field.name not in self._refused and known.isdisjoint(_names(field.name)):
                values = {trail_id: value for trail_id, _, name, value in told if name == field.name}
                found.append((field, list(values.values())[:LOOK_UPS]))
        return found

    def _recurs(self, values: list[str]) -> bool:
        """Whether two trails of all that is stored show one of the values."""
        told = [units for value in values if (units := units_with_value(self._engine, value))]
        trails = trails_of(self._engine, sorted({unit for units in told for unit in units}))
        # A batch is part of several trails: what counts is whether one has all that show the value.
        return any(not set.intersection(*(set(trails.get(unit, (unit,))) for unit in units)) for units in told)


def _names(name: str) -> tuple[str, ...]:
    """A field's name, and the names of which the rules know it already (`app.` before it, or as the last part)."""
    return (name, name.removeprefix("app."), name.rpartition(".")[2])


def _is_certain(trail: Trail) -> bool:
    services = {node.service for node in trail.nodes if node.kind != "message"}
    return len(services) > 1 and all(edge.confidence == 1.0 for edge in trail.edges)


def _samples(trail: Trail, graph: Graph) -> set[Sample]:
    found: set[Sample] = set()
    for node in trail.nodes:
        signals: list[Span | Log] = [
            *graph.nodes.spans_of.get(node.node_id, ()),
            *graph.nodes.logs_of.get(node.node_id, ()),
        ]
        for signal in signals:
            unit = signal.trace_id or signal.attributes.get("faas.invocation_id")
            if isinstance(unit, str) and unit and len(found) < MOST_A_TRAIL:
                # What is a key already joins by itself.
                keys = {key.value for key in graph.nodes.carried.keys(signal)}
                found |= {
                    (unit, node.service, name, value)
                    for name, value in signal.attributes.items()
                    if isinstance(value, str) and value not in keys and may_correlate(name, value)
                }
    return found
