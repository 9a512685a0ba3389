"""Objectives: how each stands, one in depth, and those that are proposed."""

from __future__ import annotations

import time
from typing import Annotated, Any

from litestar import Response, Router, get, post
from litestar.datastructures import State
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import PathParameter
from msgspec import Struct, to_builtins

from coldtrail.model.definitions import BadDefinition, read_spec
from coldtrail.model.objectives import BurnWindow, Objective
from coldtrail.model.times import rfc3339
from coldtrail.server.api.checks import warned
from coldtrail.server.api.red import time_range
from coldtrail.server.api.service import Service, json
from coldtrail.server.objectives.detail import Detail, Fired, Point, detail
from coldtrail.server.objectives.rehearsal import rehearsed
from coldtrail.store.entries import entries
from coldtrail.watch.budgets import period
from coldtrail.watch.proposals import Seen, proposals
from coldtrail.watch.standing import Pair, Told, ends_ns

MINUTE_NS = 60 * 10**9
LOOKED_BACK_NS = 6 * 60 * MINUTE_NS
PAST_NS = 7 * 24 * 60 * MINUTE_NS


@get("/objectives", sync_to_thread=True)
def objectives(state: State) -> Response[bytes]:
    """How all objectives stand, worst first: SLI, budget left, burns, alerts that fire, and when the budget will be spent."""
    service: Service = state.service
    now_ns = time.time_ns()
    told = service.objectives.told(now_ns)
    return json(
        {
            "time": rfc3339(now_ns),
            "counting": service.objectives.behind,
            "objectives": [_told(one, now_ns) for one in told],
        }
    )


@get("/objectives/{name:str}", sync_to_thread=True)
def objective(state: State, name: Annotated[str, PathParameter()]) -> Response[bytes]:
    """One objective: its course, what its budget was spent by, its policy, and when its alerts fired."""
    service: Service = state.service
    now_ns = time.time_ns()
    told = service.objectives.told_of(name, now_ns)
    if not told:
        _missing(service, name)
        return json({"name": name, "counting": True}, 202)
    found = detail(service.engine, told.objective, told.budget, now_ns)
    counting = {"counting": service.objectives.behind}
    return json({**_told(told, now_ns), **counting, **_detail(found, told.objective, service)})


def _missing(service: Service, name: str) -> None:
    """Say that there is none, unless one was defined a moment ago."""
    known = service.definitions.get("objective", name)
    if not known:
        raise NotFoundException(f'there is no objective "{name[:80]}"')
    try:
        read_spec("objective", known.spec)
    except BadDefinition as error:
        raise NotFoundException(f'the objective "{name[:80]}" cannot be used: {error}') from None


@get("/objective-proposals", sync_to_thread=True)
def proposed(state: State) -> Response[bytes]:
    """Objectives that fit the entries of the last six hours: a name, a body to PUT as a definition, and why."""
    until_ns = -(-time.time_ns() // MINUTE_NS) * MINUTE_NS
    found = entries(state.service.engine, until_ns - LOOKED_BACK_NS, until_ns, LOOKED_BACK_NS)
    seen = [Seen(one.method, one.route, one.count, one.error_count, one.p95_ms) for one in found]
    return json(
        {
            "proposals": [
                {"name": one.name, "why": one.why, "spec": _without_defaults(one.objective)} for one in proposals(seen)
            ]
        }
    )


class Proposed(Struct, forbid_unknown_fields=True):
    """An objective that is not kept yet."""

    spec: dict[str, Any]


@post("/objectives/dry-run", sync_to_thread=True, status_code=200)
def dry_run(state: State, data: Proposed, since: str | None = None, until: str | None = None) -> Response[bytes]:
    """Say what an objective that is not kept yet would have come to in the past, and when its alerts would have fired."""
    try:
        asked = read_spec("objective", data.spec)
        warned(state.service, "proposed", asked)
    except BadDefinition as error:
        raise ClientException(str(error), extra=error.where) from None
    assert isinstance(asked, Objective)
    since_ns, until_ns = time_range(since, until, PAST_NS)
    found = rehearsed(state.service.engine, asked, since_ns, min(until_ns, time.time_ns()))
    bad = found.valid - found.good
    return json(
        {
            "since": rfc3339(found.since_ns),
            "until": rfc3339(found.until_ns),
            "target": round(asked.target_percent / 100, 8),
            "good_count": found.good,
            "valid_count": found.valid,
            "bad_count": bad,
            "good_share": found.good / found.valid if found.valid else None,
            "budget_spent": bad / (asked.budget_share * found.valid) if found.valid else None,
            "events": [_fired(one) for one in found.fired],
            "fired_count": len(found.fired),
        }
    )


def _without_defaults(one: Objective) -> dict[str, Any]:
    sli = {key: value for key, value in to_builtins(one.sli).items() if value is not None}
    return {"title": one.title, "sli": sli, "target_percent": one.target_percent, "window": one.window}


def _told(one: Told, now_ns: int) -> dict[str, Any]:
    within = period(one.objective.window, now_ns)
    return {
        "name": one.name,
        "title": one.objective.title or one.name,
        "owner": one.objective.owner,
        "sli": to_builtins(one.objective.sli),
        "synthetic": one.objective.synthetic,
        "target": round(one.objective.target_percent / 100, 8),
        "window": one.objective.window,
        "since": rfc3339(within.start_ns),
        "until": rfc3339(within.end_ns),
        "state": one.state,
        "good_count": one.budget.good,
        "valid_count": one.budget.valid,
        "bad_count": one.budget.bad,
        "allowed_count": one.budget.allowed,
        "good_share": one.budget.sli,
        "budget_left": one.budget.left,
        "spent_at": None if one.spent_ns is None else rfc3339(one.spent_ns),
        "burns": [_pair(pair) for pair in one.pairs],
        "points": [{"time": rfc3339(at), "good_share": share} for at, share in one.points],
    }


def _pair(one: Pair) -> dict[str, Any]:
    return {
        **_window(one.window),
        "long_burn": one.long_burn,
        "short_burn": one.short_burn,
        "bad_count": one.long_bad,
        "valid_count": one.long_valid,
        "firing_since": None if one.since is None else rfc3339(ends_ns(one.since)),
    }


def _window(one: BurnWindow) -> dict[str, Any]:
    return {
        "severity": one.severity,
        "factor": one.factor,
        "long_s": one.long_minutes * 60,
        "short_s": one.short_minutes * 60,
    }


def _detail(found: Detail, objective: Objective, service: Service) -> dict[str, Any]:
    units = sorted({one.trace_id for one in found.contributors if one.trace_id})
    trails = service.trails.trails_of(units)
    return {
        "description": objective.description,
        "policy": objective.policy,
        "least_bad": objective.least_bad,
        "step_s": found.step_ns / 1e9,
        "course": [_point(one) for one in found.points],
        "history": [_fired(one) for one in found.fired],
        "looked_at_share": found.looked_at,
        "contributors": [
            {
                "by": one.by,
                "name": one.name,
                "count": one.count,
                "share": one.share,
                "trail_id": next(iter(trails.get(one.trace_id, ())), one.trace_id) or None,
            }
            for one in found.contributors
        ],
    }


def _point(one: Point) -> dict[str, Any]:
    return {
        "time": rfc3339(one.start_ns),
        "good_count": one.good,
        "valid_count": one.valid,
        "good_share": one.good / one.valid if one.valid else None,
        "budget_left": one.left,
    }


def _fired(one: Fired) -> dict[str, Any]:
    return {
        **_window(one.window),
        "fired": rfc3339(one.fired_ns),
        "cleared": None if one.cleared_ns is None else rfc3339(one.cleared_ns),
        "long_burn": one.long_burn,
        "short_burn": one.short_burn,
    }


router = Router(path="/", route_handlers=[objectives, proposed, dry_run, objective], tags=["objectives"])
