"""What users can do, and whether they can: rate, errors and duration by capability."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get
from litestar.datastructures import State

from coldtrail.model.times import rfc3339
from coldtrail.server.api.map import APPLICATION
from coldtrail.server.api.red import Tell, Wanted, teller
from coldtrail.server.api.resources import whole_minutes
from coldtrail.server.api.service import json
from coldtrail.store.capabilities import Capability, worst_first
from coldtrail.store.capabilities import capabilities as read_capabilities
from coldtrail.store.capabilities import workflows as read_workflows
from coldtrail.store.service_map import tags_of


@get("/capabilities", sync_to_thread=True)
def capabilities(
    state: State,
    since: str | None = None,
    until: str | None = None,
    step: str | None = None,
    points: Wanted = "all",
) -> Response[bytes]:
    """The capabilities of a range of whole minutes, the greatest share of errors first; shaped as the groups of `/red` are."""
    since_ns, until_ns, step_ns = whole_minutes(since, until, step)
    engine = state.service.engine
    tags = tags_of(engine, APPLICATION, since_ns)
    found = read_capabilities(engine, tags, since_ns, until_ns, step_ns) if tags else []
    titles = {name: one.title or name for name, one in state.service.outcomes.workflows.items()}
    found += read_workflows(engine, titles, since_ns, until_ns, step_ns) if titles else []
    return json(
        {
            "since": rfc3339(since_ns),
            "until": rfc3339(until_ns),
            "step_s": step_ns / 1e9,
            "attributes": APPLICATION,
            "groups": [_group(one, teller(points, since_ns, until_ns, step_ns)) for one in worst_first(found)],
        }
    )


def _group(one: Capability, tell: Tell) -> dict[str, Any]:
    told = ("name", "counted", "workflow", "services", "count", "error_count", "p50_ms", "p95_ms", "p99_ms")
    return {
        "kind": "capability",
        **{name: getattr(one, name) for name in told},
        "cold_start_count": 0,
        "previous": {
            "count": one.previous_count,
            "error_count": one.previous_error_count,
            "p95_ms": one.previous_p95_ms,
        },
        "points": tell(one.points),
    }


router = Router(path="/", route_handlers=[capabilities], tags=["red"])
