"""The affected trails of what is looked into, and where each of them went wrong."""

from __future__ import annotations

import time

from msgspec import structs

from coldtrail.analysis.first_failures import WELL, Affected, AffectedTrail, Cause, cause_of, common
from coldtrail.model.investigations import Ground
from coldtrail.server.api.service import Service
from coldtrail.store.outcomes.kept import outcomes_of
from coldtrail.store.trails.lists import Filters, TrailRow
from coldtrail.store.trails.summaries import summary
from coldtrail.trails.workflows.outcomes import worst

MOST = 20
MOST_WALKED = 8
MOST_WALKED_S = 10.0
"""So many of the newest are read whole, until so long has passed; each is a walk over keys, some through 20,000 nodes."""


def affected(service: Service, ground: Ground, limit: int = MOST) -> Affected:
    """Return the affected trails of a ground; costs a look at the list a scope, and `MOST_WALKED` walks."""
    rows = {row.trail_id: row for row in _listed(service, ground, limit)}
    ids = list(dict.fromkeys((*ground.trails, *rows)))[:limit]
    outcome_of = {id_: told[0].status for id_, told in outcomes_of(service.engine, list(rows)).items() if told}
    until_s = time.monotonic() + MOST_WALKED_S
    found = [
        _walked(service, one) if number < MOST_WALKED and time.monotonic() < until_s else None
        for number, one in enumerate(ids)
    ]
    trails = [
        one or _told(rows[id_], outcome_of.get(id_), None)
        for id_, one in zip(ids, found, strict=True)
        if one or id_ in rows
    ]
    unique = list({one.trail_id: one for one in trails}.values())
    return Affected(unique, common(one.cause for one in unique if one.cause))


def _listed(service: Service, ground: Ground, limit: int) -> list[TrailRow]:
    if ground.workflow:
        wanted = Filters(ground.since_ns, ground.until_ns, workflow=ground.workflow)
        rows = service.trails.newest(wanted, limit * 5)
        told = outcomes_of(service.engine, [row.trail_id for row in rows])
        mine = {id_: one.status for id_, many in told.items() for one in many if one.workflow == ground.workflow}
        return [row for row in rows if mine.get(row.trail_id, "open") not in WELL]
    found: list[TrailRow] = []
    for scope in ground.scopes:
        found += _of_scope(service, ground, scope, limit)
    return sorted(found, key=lambda row: row.start_ns, reverse=True)


def _of_scope(service: Service, ground: Ground, scope: str, limit: int) -> list[TrailRow]:
    wanted = Filters(ground.since_ns, ground.until_ns)
    if ground.bad == "error":
        wanted = structs.replace(wanted, status="error")
    elif ground.slow_ms is not None:
        wanted = structs.replace(wanted, min_ms=ground.slow_ms)
    for narrowed in (structs.replace(wanted, service=scope), structs.replace(wanted, q=scope)):
        if rows := service.trails.newest(narrowed, limit):
            # Without a bound the slowest of the newest are the affected.
            return _slowest(rows) if ground.bad == "slow" and ground.slow_ms is None else rows
    return []


def _slowest(rows: list[TrailRow]) -> list[TrailRow]:
    return sorted(rows, key=lambda row: -row.duration_ms)[: max(1, len(rows) // 4)]


def _walked(service: Service, trail_id: str) -> AffectedTrail | None:
    read = service.trails.trail(trail_id)
    if not read:
        return None
    trail, graph = read
    outcomes = service.outcomes.of(trail, graph, time.time_ns())
    most = worst(outcomes)
    return _told(summary(trail), most.status if most else None, cause_of(trail, outcomes))


def _told(row: TrailRow, outcome: str | None, cause: Cause | None) -> AffectedTrail:
    return AffectedTrail(
        trail_id=row.trail_id,
        origin=row.origin_name or row.origin_service,
        start_ns=row.start_ns,
        duration_ms=row.duration_ms,
        status=row.status,
        outcome=outcome,
        node_count=row.node_count,
        error_count=row.error_count,
        services=row.services,
        cause=cause,
    )
