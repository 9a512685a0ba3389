"""Trails: the list, one trail in full or in columns, one node with its signals, and find."""

from __future__ import annotations

import base64
import time
from typing import Any

from litestar import Response, Router, get
from litestar.datastructures import State
from litestar.exceptions import ClientException, NotFoundException

from coldtrail.model.times import rfc3339
from coldtrail.model.trails import Trail
from coldtrail.model.workflows import WORST_FIRST
from coldtrail.server.api import shapes
from coldtrail.server.api.columns import columns
from coldtrail.server.api.outcome import outcome
from coldtrail.server.api.red import time_range
from coldtrail.server.api.service import Service, json
from coldtrail.server.api.times import FAR_NS
from coldtrail.server.reconstruction.reading import node_of_carrier
from coldtrail.store.outcomes.kept import Told, outcomes_of
from coldtrail.store.resource_names import operation_of, resource_of
from coldtrail.store.trails.lists import Filters, TrailRow
from coldtrail.store.trails.summaries import unit_of
from coldtrail.trails.assemble import Graph, trail_ids_of
from coldtrail.trails.workflows.outcomes import worst

MOST = 500
MOST_LIVE = 12
"""How many matches of one search are walked to their trail at once, where the background pass has not been yet."""


def _before(cursor: str | None) -> tuple[int, str] | None:
    if not cursor:
        return None
    try:
        start_ns, _, trail_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        return int(start_ns), trail_id
    except (ValueError, UnicodeDecodeError):
        raise ClientException("cursor must be one that an earlier answer gave") from None


def _row(row: TrailRow, told: list[Told]) -> dict[str, Any]:
    return {
        "trail_id": row.trail_id,
        "origin": row.origin_name or row.origin_service,
        "origin_service": row.origin_service,
        "origin_kind": row.origin_kind,
        "origin_node_id": row.origin_node_id,
        "start": rfc3339(row.start_ns),
        "duration_ms": row.duration_ms,
        "status": row.status,
        "outcome": min((one.status for one in told), key=WORST_FIRST.index, default=None),
        "workflows": [{"name": one.workflow, "status": one.status, "step": one.step} for one in told],
        "node_count": row.node_count,
        "error_count": row.error_count,
        "cold_start_count": row.cold_start_count,
        "services": row.services,
    }


@get("/trails", sync_to_thread=True)
def trails(
    state: State,
    service: str = "",
    status: str = "",
    workflow: str = "",
    outcome: str = "",
    min_ms: float | None = None,
    max_ms: float | None = None,
    since: str | None = None,
    until: str | None = None,
    q: str = "",
    limit: int = 50,
    cursor: str | None = None,
) -> Response[bytes]:
    """Trails, newest first. ``q`` is a value that a span or log of the trail carries, or `name=value`."""
    limit = max(1, min(limit, MOST))
    since_ns, until_ns = time_range(since, until, FAR_NS) if since or until else (0, FAR_NS)
    filters = Filters(
        since_ns=max(0, since_ns),
        until_ns=until_ns,
        service=service,
        status=status,
        workflow=workflow,
        outcome=outcome,
        min_ms=min_ms,
        max_ms=max_ms,
        q=q,
        before=_before(cursor),
    )
    rows = state.service.trails.newest(filters, limit)
    more = None
    if len(rows) == limit:
        more = base64.urlsafe_b64encode(f"{rows[-1].start_ns} {rows[-1].trail_id}".encode()).decode()
    told = outcomes_of(state.service.engine, [row.trail_id for row in rows])
    return json({"trails": [_row(row, told.get(row.trail_id, [])) for row in rows], "cursor": more})


def _read(state: State, trail_id: str) -> tuple[Trail, Graph]:
    service: Service = state.service
    found = service.trails.trail(trail_id)
    if not found:
        raise NotFoundException(
            f'no trail, trace or node with the id "{trail_id[:100]}"; new data is visible within 2 s'
        )
    return found


@get("/trails/{trail_id:str}", sync_to_thread=True)
def trail(state: State, trail_id: str) -> Response[bytes]:
    """One trail by its id, by a trace id in either form, or by one of its nodes."""
    found, graph = _read(state, trail_id)
    return json(shapes.trail(found) | _outcomes(state, found, graph))


@get("/trails/{trail_id:str}/columns", sync_to_thread=True)
def trail_columns(state: State, trail_id: str) -> Response[bytes]:
    """One trail for the page: columns with a dictionary, and its logs."""
    found, graph = _read(state, trail_id)
    return json(columns(found, graph) | _outcomes(state, found, graph))


def _outcomes(state: State, found: Trail, graph: Graph) -> dict[str, Any]:
    """What became of a trail against its workflows, at this moment."""
    service: Service = state.service
    told = service.outcomes.of(found, graph, time.time_ns())
    most = worst(told)
    return {"outcome": most.status if most else None, "workflows": [outcome(one) for one in told]}


@get("/nodes/{node_id:str}", sync_to_thread=True)
def node(state: State, node_id: str, trail: str = "") -> Response[bytes]:
    """One node with all the signals that speak of it, and the trails it is part of.

    ``trail``: a trail that it is on; a node without a key of its own, such as a state of an execution, is found by it.
    """
    _, graph = _read(state, trail or node_id)
    key = node_id.lower()
    one = graph.nodes.by_id.get(key)
    if one is None:
        owner = graph.nodes.owner.get((key[:32], key[32:]))
        one = graph.nodes.by_id.get(owner or "")
    if one is None:
        raise NotFoundException(f'no node with the id "{node_id[:100]}"')
    return json(
        {
            "node": shapes.node(one),
            "resource": _resource(graph, one.node_id),
            "trail_ids": trail_ids_of(graph, [one.node_id]),
            "spans": [shapes.span(span) for span in graph.nodes.spans_of.get(one.node_id, [])],
            "logs": [shapes.log(log) for log in graph.nodes.logs_of.get(one.node_id, [])],
        }
    )


def _resource(graph: Graph, node_id: str) -> dict[str, str] | None:
    """The queue, stream, table or bucket that the node's spans name."""
    for span in graph.nodes.spans_of.get(node_id, []):
        if found := resource_of(span.attributes):
            return {"kind": found.kind, "name": found.name, "operation": operation_of(span.attributes) or span.name}
    return None


@get("/find", sync_to_thread=True)
def find(state: State, q: str) -> Response[bytes]:
    """Anything with this identity or attribute value: trace, request, message, sequence number, correlation id, any value."""
    if not q.strip():
        raise ClientException("q must be an id or a value to look for")
    service: Service = state.service
    carriers = service.trails.find(q)
    units = {unit_of(carrier) for carrier in carriers} - {""}
    trail_ids = service.trails.trails_of(sorted(units), MOST_LIVE)
    matches = [
        {
            "trail_id": trail_id,
            "key_kind": carrier.kind,
            "node_id": node_of_carrier(carrier),
            "service": carrier.service,
            "time": rfc3339(carrier.time_ns),
        }
        for carrier in carriers
        for trail_id in trail_ids.get(unit_of(carrier), [])
    ]
    return json({"matches": _distinct(matches)})


def _distinct(matches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per trail and node, under the most telling kind of key."""
    kept: dict[tuple[str, str], dict[str, Any]] = {}
    for match in matches:
        kept.setdefault((match["trail_id"], match["node_id"]), match)
    return list(kept.values())


router = Router(path="/", route_handlers=[trails, trail, trail_columns, node, find], tags=["trails"])
