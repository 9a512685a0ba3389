"""Reads the newest trails of the most usual origins, and proposes workflows from them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from coldtrail.model.hex_ids import is_trace_id
from coldtrail.model.trails import Trail
from coldtrail.model.workflows import Workflow
from coldtrail.server.reconstruction.reading import TrailReader, graph_of
from coldtrail.store.engine import Engine
from coldtrail.store.trails.origins import Origin, usual_origins
from coldtrail.trails.assemble import select
from coldtrail.trails.workflows.fitting import like
from coldtrail.trails.workflows.proposals import Proposal, propose

MOST_ORIGINS = 8
TRAILS_EACH = 40
"""Enough for a 99th percentile that is the slowest of them: a deadline is three times that."""

SETTLES_NS = 30 * 10**9
"""A trail that began so shortly before may go on."""


def proposals(
    engine: Engine,
    reader: TrailReader,
    workflows: dict[str, Workflow],
    since_ns: int,
    until_ns: int,
    of_service: str = "",
) -> list[Proposal]:
    """Return what trails of a range suggest, without the origins that a workflow has already; reads some hundred trails.

    ``of_service``: only trails that begin in it, "" for all.
    """
    most = MOST_ORIGINS + len(workflows)
    origins = usual_origins(engine, since_ns, until_ns - SETTLES_NS, most, TRAILS_EACH, of_service)
    without = (origin for origin in origins if not _has_one(origin, workflows.values()))
    found: dict[str, Trail] = {}
    for origin in islice(without, MOST_ORIGINS):
        graph = graph_of(reader.gather({one for one in origin.trail_ids if is_trace_id(one)}, set()))
        for trail_id in origin.trail_ids:
            trail = select(graph, trail_id, told=False) if is_trace_id(trail_id) else None
            if trail is None and (read := reader.trail(trail_id)):
                trail = read[0]
            if trail:
                found[trail.trail_id] = trail
    return propose(list(found.values()))


def _has_one(origin: Origin, workflows: Iterable[Workflow]) -> bool:
    """True if trails of an origin belong to a workflow already."""
    return any(
        of.kind in (None, origin.kind)
        and like(of.service, origin.service)
        and (not origin.name or like(of.name, origin.name))
        for of in (one.origin for one in workflows)
    )
