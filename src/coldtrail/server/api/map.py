"""The service map: functions, queues, streams, tables, APIs and hosts, and what went between them."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get
from litestar.datastructures import State

from coldtrail.analysis.service_map import MapEdge, MapNode, ServiceMap, Told, draw
from coldtrail.model.times import rfc3339
from coldtrail.server.api.resources import whole_minutes
from coldtrail.server.api.service import json
from coldtrail.store import service_map as read
from coldtrail.store.engine import Engine

APPLICATION = ("service.namespace", "aws.application", "aws.tag.application", "application")
"""Resource attributes that say which application a function or service belongs to, the best first."""


def map_of(engine: Engine, since_ns: int, until_ns: int, group: str) -> ServiceMap:
    """Return the map of a range of whole minutes; ``group``: `application`, `none`, or the name of a resource attribute."""
    attributes = APPLICATION if group == "application" else () if group == "none" else (group,)
    hops, hop_scale = read.hops(engine, since_ns, until_ns)
    carried, carried_scale = read.carried(engine, since_ns, until_ns)
    told = Told(
        worked=read.worked(engine, since_ns, until_ns),
        calls=read.calls_made(engine, since_ns, until_ns),
        hops=hops,
        carried=carried,
        guessed=read.guessed(engine, since_ns, until_ns),
        entry_services=read.entry_services(engine, since_ns, until_ns),
        tags=read.tags_of(engine, attributes, since_ns) if attributes else {},
        hop_scale=hop_scale,
        carried_scale=carried_scale,
    )
    return draw(told)


@get("/map", sync_to_thread=True)
def service_map(
    state: State, since: str | None = None, until: str | None = None, group: str = "application"
) -> Response[bytes]:
    """The service map of a range: nodes and edges with volume, errors, latency and waiting."""
    since_ns, until_ns, _ = whole_minutes(since, until, None)
    found = map_of(state.service.engine, since_ns, until_ns, group[:200])
    return json(
        {
            "since": rfc3339(since_ns),
            "until": rfc3339(until_ns),
            "group": group[:200],
            "nodes": [node_of(one) for one in found.nodes],
            "edges": [edge_of(one) for one in found.edges],
            "left_out": found.left_out,
        }
    )


def node_of(node: MapNode) -> dict[str, Any]:
    """A node as the API tells it."""
    told = {name: getattr(node, name) for name in node.__struct_fields__}
    colds = node.cold_start_count
    return {**told, "cold_start_share": None if colds is None or not node.count else colds / node.count}


def edge_of(edge: MapEdge) -> dict[str, Any]:
    """An edge as the API tells it."""
    told = {name: getattr(edge, name) for name in edge.__struct_fields__ if name not in ("cause", "effect")}
    return {"from": edge.cause, "to": edge.effect, **told, "inferred": edge.evidence == "timing"}


router = Router(path="/", route_handlers=[service_map], tags=["map"])
