"""Where a trail went wrong: its first failing step, the step at which it stopped, or what took most of its time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from coldtrail.model.outcomes import Outcome
from coldtrail.model.trails import FAILED, Node, Trail
from coldtrail.trails.story.words import duration_words, failure_words
from coldtrail.trails.workflows.outcomes import worst

WELL = ("complete", "open")


class Cause(Struct, frozen=True):
    """What is most worth looking at of one trail, and the node that shows it. ``kind``: what ``words`` tell of it.

    ``alike``: what causes of other trails share with it where they are the same, without ids.
    """

    trail_id: str
    node_id: str
    service: str
    name: str
    kind: str
    words: str
    alike: str

    @property
    def place(self) -> str:
        """What people call the node."""
        return self.name if self.name.startswith(self.service) else f"{self.service} {self.name}"


class Common(Struct, frozen=True):
    """A cause that ``count`` of the trails share, with the newest of them as the example."""

    cause: Cause
    count: int


class AffectedTrail(Struct, frozen=True):
    """One trail of a list; ``cause`` is None where it was not read whole."""

    trail_id: str
    origin: str
    start_ns: int
    duration_ms: float
    status: str
    outcome: str | None
    node_count: int
    error_count: int
    services: list[str]
    cause: Cause | None


class Affected(Struct, frozen=True):
    """Affected trails, those that are known to show it first, then the newest; and what they have in common."""

    trails: list[AffectedTrail]
    causes: list[Common]


def cause_of(trail: Trail, outcomes: Sequence[Outcome] = ()) -> Cause | None:
    """Return the cause of one trail; None of one that took no time."""
    failed = [node for node in trail.nodes if node.status in FAILED]
    if failed:
        first = min(failed, key=lambda node: (_end(node), -node.start_ns, node.node_id))
        alike = f"{first.status} {first.failure.type if first.failure else ''}"
        return _cause(trail, first, "failed", failure_words(first), alike)
    by_id = {node.node_id: node for node in trail.nodes}
    told = worst(list(outcomes))
    if told and told.status not in WELL and (node := by_id.get(_shown_by(told))):
        return _cause(trail, node, told.status, told.words, told.step)
    longest = max(trail.critical_shares, key=lambda one: one.ms, default=None)
    if longest is None or longest.ms <= 0 or longest.node_id not in by_id:
        return None
    where = f" in {longest.place}" if longest.place else ""
    words = f"{longest.cause}{where} took {duration_words(longest.ms)}, {longest.share:.0%} of the trail"
    return _cause(trail, by_id[longest.node_id], longest.cause, words, longest.place)


def common(causes: Iterable[Cause]) -> list[Common]:
    """Return causes by step and kind, the most frequent first; the first given of each is its example."""
    groups: dict[tuple[str, str, str], list[Cause]] = {}
    for one in causes:
        groups.setdefault((one.service, one.kind, one.alike), []).append(one)
    return sorted((Common(mine[0], len(mine)) for mine in groups.values()), key=lambda one: -one.count)


def _shown_by(outcome: Outcome) -> str:
    if outcome.stopped:
        return outcome.stopped.node_id
    return next((id_ for step in outcome.steps if step.name == outcome.step for id_ in step.node_ids), "")


def _end(node: Node) -> int:
    return node.start_ns if node.end_ns is None else node.end_ns


def _cause(trail: Trail, node: Node, kind: str, words: str, alike: str) -> Cause:
    # A message is called by its id.
    named = alike if node.kind == "message" else f"{node.name} {alike}"
    return Cause(trail.trail_id, node.node_id, node.service, node.name, kind, words, named)
