"""Workflows learned from trails: for trails of one kind of origin, which steps they usually have, how often and when."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from msgspec import Struct, field

from coldtrail.model.trails import Node, NodeKind, Trail
from coldtrail.model.workflows import MOST_STEPS, Match, Step, Workflow
from coldtrail.trails.workflows.steps import end_of

ALWAYS = 0.95
"""A step that so many trails have is required: some of them were cut short by faults."""

NOW_AND_THEN = 0.1
"""A step that fewer have is no part of the proposal."""

ROOM = 3.0
"""A proposed deadline is so many times the 99th percentile, rounded up."""

SHORTEST_S = 5
FEWEST_TRAILS = 5
_NICE_S = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 172_800, 604_800)
_NO_NAME = re.compile(r"[^a-z0-9]+")


class Shape(Struct, frozen=True, order=True):
    """What makes nodes of several trails the same step. ``name`` is "" where it is another in each trail."""

    kind: NodeKind
    service: str
    name: str


class Usual(Struct, frozen=True):
    """One usual step: the share of trails that have it, how often those have it, and when it was done after the origin."""

    name: str
    shape: Shape
    share: float
    least_times: int
    most_times: int
    p50_ms: float
    p99_ms: float


class Proposal(Struct, frozen=True):
    """A workflow that trails of one origin suggest."""

    name: str
    origin: Shape
    trail_count: int
    usual: tuple[Usual, ...]
    workflow: Workflow


class _Seen(Struct):
    times: list[int] = field(default_factory=list)
    done_ms: list[float] = field(default_factory=list)


def shape_of(node: Node) -> Shape:
    """Return the shape of a node; a message's name is its own."""
    return Shape(node.kind, node.service, "" if node.kind in ("message", "schedule") else node.name)


def propose(trails: Sequence[Trail]) -> list[Proposal]:
    """Return a proposal for each origin that enough of the trails have, the one of most trails first."""
    by_origin: dict[Shape, list[Trail]] = {}
    for trail in trails:
        by_origin.setdefault(shape_of(trail.origin), []).append(trail)
    found = [_proposal(origin, some) for origin, some in by_origin.items() if len(some) >= FEWEST_TRAILS]
    kept = [one for one in found if one]
    return sorted(kept, key=lambda one: (-one.trail_count, one.name))


def _proposal(origin: Shape, trails: list[Trail]) -> Proposal | None:
    seen: dict[Shape, _Seen] = {}
    for trail in trails:
        _count(trail, seen)
    shares = {shape: len(one.times) / len(trails) for shape, one in seen.items()}
    shapes = [shape for shape, share in shares.items() if share >= NOW_AND_THEN and shape != origin]
    shapes.sort(key=lambda shape: (float(np.median(seen[shape].done_ms)), shape))
    # Of too many, those go first that the fewest trails have.
    dropped = sorted(shapes, key=lambda shape: shares[shape])[: max(0, len(shapes) - MOST_STEPS)]
    shapes = [shape for shape in shapes if shape not in dropped]
    if not any(shares[shape] >= ALWAYS for shape in shapes):
        return None
    names = _names(shapes)
    usual = tuple(
        Usual(
            names[shape],
            shape,
            round(shares[shape], 4),
            min(seen[shape].times),
            max(seen[shape].times),
            float(np.percentile(seen[shape].done_ms, 50)),
            float(np.percentile(seen[shape].done_ms, 99)),
        )
        for shape in shapes
    )
    return Proposal(_slug(origin.name or origin.service), origin, len(trails), usual, _workflow(origin, usual))


def _count(trail: Trail, seen: dict[Shape, _Seen]) -> None:
    leads = {edge.cause for edge in trail.edges}
    times: Counter[Shape] = Counter()
    first: dict[Shape, int] = {}
    for node in trail.nodes:
        if node.status != "ok" or (node.kind == "operation" and node.node_id in leads):
            continue
        shape = shape_of(node)
        times[shape] += 1
        first[shape] = min(first.get(shape, end_of(node)), end_of(node))
    for shape, count in times.items():
        one = seen.setdefault(shape, _Seen())
        one.times.append(count)
        one.done_ms.append((first[shape] - trail.start_ns) / 1e6)


def _workflow(origin: Shape, usual: Sequence[Usual]) -> Workflow:
    steps = tuple(
        Step(
            name=one.name,
            match=_match(one.shape),
            required=one.share >= ALWAYS,
            within=_nice(one.p99_ms) if one.share >= ALWAYS else "",
            # How often it happens is only proposed where it never varied.
            at_least=one.least_times if one.least_times == one.most_times else 1,
        )
        for one in usual
    )
    longest_ms = max(one.p99_ms for one in usual)
    return Workflow(origin=_match(origin), steps=steps, within=_nice(longest_ms))


def _match(shape: Shape) -> Match:
    return Match(kind=shape.kind, service=shape.service, name=shape.name if shape.name != shape.service else "")


def _nice(p99_ms: float) -> str:
    """A deadline with room, as people would write it."""
    wanted_s = max(SHORTEST_S, math.ceil(p99_ms * ROOM / 1000))
    seconds = next((one for one in _NICE_S if one >= wanted_s), _NICE_S[-1])
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % length == 0 and seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _names(shapes: Sequence[Shape]) -> dict[Shape, str]:
    """A short name for each, none twice."""
    names: dict[Shape, str] = {}
    for shape in shapes:
        base = _slug(shape.name or shape.service)
        tries = (base, f"{_slug(shape.service)}-{base}"[:60], *(f"{base[:55]}-{number}" for number in range(2, 999)))
        names[shape] = next(one for one in tries if one not in names.values())
    return names


def _slug(text: str) -> str:
    return _NO_NAME.sub("-", text.lower()).strip("-")[:60].strip("-") or "step"
