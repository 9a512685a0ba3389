"""The lab's truth as a graph: things, causes and effects, and what followed from each origin."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

Edge = tuple[str, str]

SILENT_KINDS = ("retries",)
"""True, but an answer need not have it: a second attempt follows from the same cause as the first."""


class Thing(Struct, frozen=True):
    """A request, invocation, message or execution; ``name`` is its type and id."""

    name: str
    type: str
    id: str
    where: str = ""


class TrueTrail(Struct):
    """Everything that followed from one origin."""

    origin: str
    things: set[str]
    edges: set[Edge]


class Truth(Struct):
    """The whole truth. ``subjects``: edge to what it was about; ``silent``: edges that an answer may have."""

    things: dict[str, Thing] = field(default_factory=dict)
    kinds: dict[Edge, str] = field(default_factory=dict)
    subjects: dict[Edge, str] = field(default_factory=dict)
    silent: set[Edge] = field(default_factory=set)
    effects: dict[str, list[str]] = field(default_factory=dict)
    causes: dict[str, list[str]] = field(default_factory=dict)
    times: dict[Edge, int] = field(default_factory=dict)
    """When the lab wrote an edge down, Unix nanoseconds."""

    def reached(self, start: str) -> TrueTrail:
        """Follow effects; behind a batch only what is about the same subject as the message that led there."""
        trail = TrueTrail(start, {start}, set())
        seen = set()
        pending = [(start, "")]
        while pending:
            cause, subject = pending.pop()
            for effect in self.effects.get(cause, []):
                edge = (cause, effect)
                about = self.subjects.get(edge, "")
                if subject and about and about != subject:
                    continue
                trail.edges.add(edge)
                trail.things.add(effect)
                state = (effect, subject or about)
                if state not in seen:
                    seen.add(state)
                    pending.append(state)
        return trail

    def trails(self) -> list[TrueTrail]:
        """One trail per origin."""
        return [self.reached(name) for name in self.things if not self.causes.get(name)]


def _thing(document: dict[str, str]) -> Thing:
    where = document.get("function") or document.get("queue") or document.get("service", "")
    return Thing(f"{document['type']}:{document['id']}", document["type"], document["id"], where)


def read_truth(lines: list[dict[str, Any]]) -> Truth:
    """Build the graph of the lab's lines."""
    truth = Truth()
    for line in lines:
        cause, effect = _thing(line["cause"]), _thing(line["effect"])
        edge = (cause.name, effect.name)
        for thing in (cause, effect):
            truth.things.setdefault(thing.name, thing)
        if line["kind"] in SILENT_KINDS:
            truth.silent.add(edge)
            continue
        truth.subjects[edge] = line.get("subject") or truth.subjects.get(edge, "")
        if edge not in truth.kinds:
            truth.kinds[edge] = line["kind"]
            truth.times[edge] = line["time_ns"]
            truth.effects.setdefault(cause.name, []).append(effect.name)
            truth.causes.setdefault(effect.name, []).append(cause.name)
    return truth
