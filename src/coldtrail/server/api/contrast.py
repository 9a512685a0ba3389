"""What the affected of a scope have in common, how the scope did before and after a moment, and where its trails went wrong."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, Router, get
from litestar.datastructures import State
from litestar.params import QueryParameter

from coldtrail.analysis.contrast import Contrast, Suspect
from coldtrail.analysis.first_failures import Affected, AffectedTrail, Cause
from coldtrail.model.investigations import LONGEST_ID, MOST_SCOPES, MOST_TRAILS, Ground
from coldtrail.model.times import rfc3339
from coldtrail.server.api.red import time_range
from coldtrail.server.api.service import json
from coldtrail.server.api.times import FAR_NS, parse_time
from coldtrail.server.investigations.affected import MOST, affected
from coldtrail.server.investigations.facts import contrast_of, course_of
from coldtrail.store.contrast.attributes import Contrasted
from coldtrail.store.contrast.units import Bad, Course, Figures, Scope, scope_of

Name = Annotated[str, QueryParameter(min_length=1, max_length=LONGEST_ID)]
Names = Annotated[list[str] | None, QueryParameter(max_items=MOST_TRAILS)]
Ms = Annotated[float | None, QueryParameter(ge=0, le=1e12)]


@get("/contrast", sync_to_thread=True)
def contrast(
    state: State,
    about: Name,
    bad: Bad = "error",
    slower_than_ms: Ms = None,
    since: str | None = None,
    until: str | None = None,
) -> Response[bytes]:
    """Which values the affected of a scope have more often than the others of the same range, the surest first.

    ``about``: a service or function, else any value that spans carry; with ``bad=outcome`` a workflow.
    """
    ground = _ground((about,), bad, slower_than_ms, since, until)
    return json({"about": about, **_range(ground), **contrast_shape(bad, *contrast_of(state.service, about, ground))})


@get("/before-after", sync_to_thread=True)
def before_after(
    state: State,
    about: Name,
    at: str,
    kind: Literal["service", "workflow"] = "service",
    since: str | None = None,
    until: str | None = None,
) -> Response[bytes]:
    """How a scope did before and after a moment: rate, errors and duration, and step by step."""
    ground = _ground((about,), "error", None, since, until, at)
    known = Scope(about, "workflow") if kind == "workflow" else None
    known = known or scope_of(state.service.engine, about, ground.since_ns, ground.until_ns)
    found = course_of(state.service, known, ground)
    return json({"about": about, "kind": known.kind, "at": rfc3339(ground.at_ns), **_range(ground), **_course(found)})


@get("/affected", sync_to_thread=True)
def affected_trails(
    state: State,
    about: Names = None,
    trail: Names = None,
    workflow: Annotated[str, QueryParameter(max_length=LONGEST_ID)] = "",
    bad: Bad = "error",
    slower_than_ms: Ms = None,
    since: str | None = None,
    until: str | None = None,
    limit: Annotated[int, QueryParameter(ge=1, le=100)] = MOST,
) -> Response[bytes]:
    """Affected trails of one or more scopes, with those named first; of the first eight where each went wrong."""
    scopes = tuple((about or [])[:MOST_SCOPES])
    ground = _ground(scopes, bad, slower_than_ms, since, until)
    ground = msgspec.structs.replace(ground, workflow=workflow, trails=tuple(trail or ()))
    return json({**_range(ground), **affected_shape(affected(state.service, ground, limit))})


def _ground(
    scopes: tuple[str, ...], bad: Bad, slow_ms: float | None, since: str | None, until: str | None, at: str = ""
) -> Ground:
    since_ns, until_ns = (min(max(0, one), FAR_NS) for one in time_range(since, until))
    at_ns = min(max(0, parse_time(at, "at")), FAR_NS) if at else since_ns
    return Ground("", scopes, at_ns, since_ns, until_ns, bad=bad, slow_ms=slow_ms)


def _range(ground: Ground) -> dict[str, Any]:
    return {"since": rfc3339(ground.since_ns), "until": rfc3339(ground.until_ns)}


def contrast_shape(bad: Bad, groups: Contrasted, found: Contrast) -> dict[str, Any]:
    """Return a contrast as the API tells it."""
    return {
        "kind": groups.kind,
        "bad": bad,
        "slower_than_ms": groups.slow_above_ms,
        "bad_count": groups.bad_count,
        "other_count": groups.other_count,
        "bad_looked_at": groups.bad_looked_at,
        "other_looked_at": groups.other_looked_at,
        "sampled": groups.sampled,
        "suspects": [_suspect(one) for one in found.suspects],
        "symptoms": [_suspect(one) for one in found.symptoms],
    }


def _suspect(one: Suspect) -> dict[str, Any]:
    return msgspec.structs.asdict(one)


def _course(found: Course) -> dict[str, Any]:
    return {
        "before": _figures(found.before),
        "after": _figures(found.after),
        "points": [{"time": rfc3339(at_ns), **_figures(one)} for at_ns, one in found.points],
    }


def _figures(one: Figures) -> dict[str, Any]:
    return msgspec.structs.asdict(one)


def affected_shape(found: Affected) -> dict[str, Any]:
    """Return affected trails as the API tells them."""
    return {
        "trails": [_trail(one) for one in found.trails],
        "causes": [{**_cause(one.cause), "count": one.count} for one in found.causes],
    }


def _trail(one: AffectedTrail) -> dict[str, Any]:
    told = msgspec.structs.asdict(one)
    told["start"] = rfc3339(told.pop("start_ns"))
    return told | {"cause": _cause(one.cause) if one.cause else None}


def _cause(one: Cause) -> dict[str, Any]:
    told = msgspec.structs.asdict(one)
    del told["alike"]
    return told


router = Router(path="/", route_handlers=[contrast, before_after, affected_trails], tags=["contrast"])
