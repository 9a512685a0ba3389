"""Dashboards that come with coldtrail and people's own, as a list and as files; and what their panels ask beyond other answers."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.params import PathParameter

from coldtrail.model.definitions import Definition
from coldtrail.model.times import rfc3339
from coldtrail.server.api.service import json
from coldtrail.server.api.service_metrics import WATCHED, points_of, steps_of
from coldtrail.server.starter import starters
from coldtrail.services.service import Metric
from coldtrail.services.service import Service as ManagedService
from coldtrail.state.definitions import Definitions
from coldtrail.store.figures.busiest import LineOf, names_of, watch_busiest, watch_one
from coldtrail.store.figures.watched import brings

Name = Annotated[str, PathParameter()]
MOST_NAMES = 50


@get("/dashboards", sync_to_thread=True)
def dashboards(state: State) -> Response[bytes]:
    """Every dashboard, people's own first; one of the same name as a starter stands in its place."""
    own = {one.name: one for one in _kept(state).listed("dashboard")}
    starting = [one for name, one in starters().items() if name not in own]
    ordered = sorted(own.values(), key=lambda one: str(one.spec["title"]).lower())
    return json({"dashboards": [_brief(one) for one in [*ordered, *starting]]})


@get("/dashboards/{name:str}", sync_to_thread=True)
def dashboard(state: State, name: Name) -> Response[bytes]:
    """One dashboard with its panels."""
    return json(_head(one := _known(state, name)) | {"spec": one.spec})


@get("/dashboards/{name:str}/file", sync_to_thread=True)
def dashboard_file(state: State, name: Name) -> Response[bytes]:
    """One dashboard as the file in which it is shared."""
    one = _known(state, name)
    body = msgspec.json.format(msgspec.json.encode({"kind": one.kind, "name": one.name, "spec": one.spec}), indent=2)
    named = {"content-disposition": f'attachment; filename="{one.name}.json"'}
    return Response(body + b"\n", media_type="application/json", headers=named)


@get("/watched", sync_to_thread=True)
def watched(
    state: State,
    service: str = "",
    metric: str = "",
    name: str = "",
    since: str | None = None,
    until: str | None = None,
    step: str | None = None,
) -> Response[bytes]:
    """What can be watched; or of one ``metric`` of a ``service`` a line for the resource ``name``, or for the busiest of them."""
    steps = steps_of(since, until, step)
    engine = state.service.engine
    if not service:
        return json({"services": [_catalogue(one) for one in WATCHED.values()]})
    if service not in WATCHED:
        raise NotFoundException(f'service is one of {", ".join(WATCHED)}, got "{service[:60]}"')
    of = WATCHED[service]
    if not metric:
        return json({"service": of.id, "names": names_of(engine, of, steps, MOST_NAMES)})
    found = next((one for one in of.metrics if one.id == metric), None)
    if not found:
        raise NotFoundException(
            f'{of.name} has no metric "{metric[:60]}" to watch: {", ".join(one.id for one in of.metrics)}'
        )
    if name:
        one = watch_one(engine, of, found, name, steps)
        lines = [LineOf(name, one.source, one.stat, one.values)] if one.values else []
    else:
        lines = watch_busiest(engine, of, found, steps)
    return json(
        {
            "service": of.id,
            "metric": _metric(found),
            "since": rfc3339(steps.since_ns),
            "until": rfc3339(steps.until_ns),
            "step_s": steps.step_ns / 1e9,
            "absent": "" if lines else brings(found),
            "series": [
                {"name": one.name, "source": one.source, "statistic": one.stat, "points": points_of(one.values, steps)}
                for one in lines
            ],
        }
    )


def _catalogue(service: ManagedService) -> dict[str, Any]:
    return {"id": service.id, "name": service.name, "metrics": [_metric(one) for one in service.metrics]}


def _metric(metric: Metric) -> dict[str, Any]:
    told = ("id", "name", "unit", "scope", "high", "low", "trouble")
    return {name: getattr(metric, name) for name in told} | {"statistic": metric.stat}


def _kept(state: State) -> Definitions:
    kept: Definitions = state.service.definitions
    return kept


def _known(state: State, name: str) -> Definition:
    found = _kept(state).get("dashboard", name) or starters().get(name)
    if not found:
        raise NotFoundException(f'there is no dashboard "{name[:80]}"')
    return found


def _head(one: Definition) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.spec["title"],
        "description": one.spec.get("description", ""),
        "starter": one.changed_ns == 0,
        "replaces_starter": bool(one.changed_ns) and one.name in starters(),
        "by": one.by,
        "source": one.source,
        "changed": rfc3339(one.changed_ns) if one.changed_ns else None,
    }


def _brief(one: Definition) -> dict[str, Any]:
    rows = one.spec["rows"]
    return _head(one) | {"row_count": len(rows), "panel_count": sum(len(row["panels"]) for row in rows)}


router = Router(path="/", route_handlers=[dashboards, dashboard, dashboard_file, watched], tags=["dashboards"])
