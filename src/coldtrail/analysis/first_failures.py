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
    by_id, told = {node.node_id: node for node in trail.nodes}, worst(list(outcomes))
    failed = [node for node in trail.nodes if node.status in FAILED]
    first = min(failed, key=lambda node: (_end(node), -node.start_ns, node.node_id), default=None)
    early = by_id.get(_shown_by(told)) if told and told.status == "out_of_order" else None
    # What comes too early is why something fails later.
    if first and not (early and early.start_ns <= _end(first)):
        shown = _told_best(first, failed)
        alike = f"{first.status} {first.failure.type if first.failure else ''}"
        return _cause(trail, shown, "failed", failure_words(shown), alike)
    if told and told.status not in WELL and (node := by_id.get(_shown_by(told))):
        return _cause(trail, node, told.status, told.words, told.step)
    longest = max(trail.critical_shares, key=lambda one: one.ms, default=None)
    if longest is None or longest.ms <= 0 or longest.node_id not in by_id:
        return None
    where = f" in {longest.place}" if longest.place else ""
    words = f"{longest.cause}{where} took {duration_words(longest.ms)}, {longest.share:.0%} of the trail"
    return _cause(trail, by_id[longest.node_id], longest.cause, words, longest.place)


def _told_best(one: Node, failed: Sequence[Node]) -> Node:
    """The attempt that says how one failed: a message that it has not may be with another attempt."""
    if not one.failure or one.failure.message:
        return one
    same = (one.service, one.name, one.status, one.failure.type)
    others = (each for each in failed if each.failure and each.failure.message)
    return next(
        (each for each in others if each.failure and (each.service, each.name, each.status, each.failure.type) == same),
        one,
    )


def common(causes: Iterable[Cause]) -> list[Common]:
    """Return causes by step and kind, the most frequent first; the first given of each is its example."""
    groups: dict[tuple[str, str, str], list[Cause]] = {}
    for one in causes:
        groups.setdefault((one.service, one.kind, one.alike), []).append(one)
    return sorted((Common(mine[0], len(mine)) for mine in groups.values()), key=lambda one: -one.count)


def _shown_by(outcome: Outcome) -> str:
    """What happened and should not have, or not then; else where the trail stopped."""
    at = next((id_ for step in outcome.steps if step.name == outcome.step for id_ in step.node_ids), "")
    stopped = outcome.stopped.node_id if outcome.stopped else ""
    return at or stopped if outcome.status in ("out_of_order", "duplicated", "late") else stopped or at


def _end(node: Node) -> int:
    return node.start_ns if node.end_ns is None else node.end_ns


def _cause(trail: Trail, node: Node, kind: str, words: str, alike: str) -> Cause:
    # A message is called by its id.
    named = alike if node.kind == "message" else f"{node.name} {alike}"
    return Cause(trail.trail_id, node.node_id, node.service, node.name, kind, words, named)
