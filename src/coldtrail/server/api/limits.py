"""Quotas: how much of each is used over time, and when it will be met if use goes on growing as it does."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get
from litestar.datastructures import State

from coldtrail.analysis.limits import met_at
from coldtrail.model.times import rfc3339
from coldtrail.server.api.service import json
from coldtrail.server.api.service_metrics import points_of, steps_of
from coldtrail.services import ALL_SERVICES
from coldtrail.store.figures.steps import Steps
from coldtrail.store.figures.uses import Use, uses

MOST = 200


@get("/limits", sync_to_thread=True)
def limits(
    state: State, since: str | None = None, until: str | None = None, step: str | None = None, limit: int = MOST
) -> Response[bytes]:
    """Every quota with its use against the limit, the nearest to its limit first; what no signal tells comes last."""
    steps = steps_of(since, until, step)
    overrides: dict[str, float] = state.service.limits
    rows = [_row(one, steps) for one in uses(state.service.engine, ALL_SERVICES, overrides, steps)]
    rows.sort(key=lambda row: (row["share"] is None, -(row["share"] or 0.0), row["id"], row["resource"] or ""))
    return json(
        {
            "since": rfc3339(steps.since_ns),
            "until": rfc3339(steps.until_ns),
            "step_s": steps.step_ns / 1e9,
            "limit_count": len(rows),
            "limits": rows[: max(1, min(limit, 1000))],
        }
    )


def _row(use: Use, steps: Steps) -> dict[str, Any]:
    quota = use.quota
    peak = max(use.values, key=lambda step: use.values[step], default=None)
    used = None if peak is None else use.values[peak]
    return {
        "id": quota.id,
        "name": quota.name,
        "service": use.service.id,
        "service_name": use.service.name,
        "resource": use.resource or None,
        "per": quota.per,
        "soft": quota.soft,
        "unit": quota.unit,
        "per_s": quota.per_s or None,
        "limit": use.limit,
        "default": quota.value or None,
        "overridden": use.overridden,
        "configured": use.configured,
        "used": used,
        "used_at": None if peak is None else rfc3339(steps.since_ns + peak * steps.step_ns),
        "share": None if used is None else used / use.limit,
        "met_at": _met_at(use, steps),
        "explained": quota.explained,
        "documentation": quota.source,
        "source": use.source,
        "how": use.how,
        "points": points_of(use.values, steps),
    }


def _met_at(use: Use, steps: Steps) -> str | None:
    at_s = [(steps.since_ns + step * steps.step_ns) / 1e9 for step in use.values]
    met_s = met_at(at_s, list(use.values.values()), use.limit)
    return None if met_s is None else rfc3339(int(met_s * 1e9))


router = Router(path="/", route_handlers=[limits], tags=["watch"])
