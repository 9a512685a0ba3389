"""Alerts: what fires, why, who was told; taking one on, trying a route, and what an alert would have done in the past."""

from __future__ import annotations

import time
from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get, post
from litestar.datastructures import State
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import PathParameter
from msgspec import Meta, Struct

from coldtrail.model.alerting import AlertState, Event, Notification, Observation
from coldtrail.model.alerts import Alert, BurnRate, built_in
from coldtrail.model.definitions import BadDefinition, read_spec
from coldtrail.model.routes import Opsgenie, PagerDuty, Route
from coldtrail.model.times import rfc3339
from coldtrail.server.alerts.clockwork import Alerting, Defined, defined
from coldtrail.server.alerts.looks import CannotLook, reach_of
from coldtrail.server.api.checks import warned_of_alerts
from coldtrail.server.api.red import time_range
from coldtrail.server.api.service import json
from coldtrail.state.alerting import Kept, Message, Stale
from coldtrail.watch.alerting import rules_of
from coldtrail.watch.deciding import Subject, acknowledging, message_of
from coldtrail.watch.rehearsal import Rehearsal, rehearse
from coldtrail.watch.ways_out import NotSent, send

MOST_STEPS = 1_500
STEP_NS = 60 * 10**9
PAST_NS = 3 * 3_600 * 10**9
PHASES = {"firing": 0, "pending": 1, "recovered": 2, "inactive": 3}
SEVERITIES = {"high": 0, "medium": 1, "low": 2}

Name = Annotated[str, PathParameter()]


class Taken(Struct, forbid_unknown_fields=True):
    """Who takes an alert on; ``group`` None: all of its groups that fire."""

    by: Annotated[str, Meta(min_length=1, max_length=200)] = "somebody"
    note: Annotated[str, Meta(max_length=2_000)] = ""
    group: str | None = None


class Proposed(Struct, forbid_unknown_fields=True):
    """An alert that is not kept yet."""

    spec: dict[str, Any]


@get("/alerts", sync_to_thread=True)
def alerts(state: State) -> Response[bytes]:
    """Every alert, those that fire first, then those that are about to, the most severe first."""
    alerting: Alerting = state.service.alerting
    known = defined(alerting.definitions)
    warned = warned_of_alerts(state.service, known.alerts)
    rows = [
        row | {"warnings": warned.get(name, [])}
        for name, alert in known.alerts.items()
        for row in _rows(alerting, name, alert)
    ]
    rows.sort(key=lambda row: (PHASES[row["phase"]], bool(row["muted"]), SEVERITIES[row["severity"]], row["name"]))
    phases = [row["phase"] for row in rows]
    return json(
        {
            "counts": {phase: phases.count(phase) for phase in PHASES},
            "alerts": rows,
            "broken": known.broken,
            "routes": {name: route.default and route.enabled for name, route in known.routes.items()},
            "undelivered_count": len(alerting.book.messages(status="dead", limit=1_000)),
            "leads": alerting.leads,
        }
    )


@get("/alerts/{name:str}", sync_to_thread=True)
def alert(state: State, name: Name, since: str | None = None, until: str | None = None) -> Response[bytes]:
    """One alert: where it stands, the values that it looked at, what happened, and who was told."""
    alerting: Alerting = state.service.alerting
    known = defined(alerting.definitions)
    one = _known(known, name)
    since_ns, until_ns = time_range(since, until, PAST_NS)
    points, failing = _points(alerting, known, one, since_ns, until_ns)
    return json(
        {
            "name": name,
            "spec": msgspec.to_builtins(one),
            "built_in": name in built_in() and alerting.definitions.get("alert", name) is None,
            "since": rfc3339(since_ns),
            "until": rfc3339(until_ns),
            "groups": _rows(alerting, name, one),
            "warnings": warned_of_alerts(state.service, {name: one}).get(name, []),
            "points": points,
            "points_failing": failing,
            "routes": [
                {"route": rung.route, "after_s": rung.after_ns // 10**9} for rung in rules_of(one, known.routes).ladder
            ],
            "history": [{"group": group, **_event(event)} for group, event in alerting.book.events(name)],
            "notifications": [_message(message) for message in alerting.book.messages(name)],
        }
    )


@post("/alerts/{name:str}/acknowledge", sync_to_thread=True, status_code=200)
def acknowledge(state: State, name: Name, data: Taken) -> Response[bytes]:
    """Take an alert on: it is not repeated nor escalated until it is over."""
    alerting: Alerting = state.service.alerting
    known = defined(alerting.definitions)
    one = _known(known, name)
    subject = Subject(name, one, rules_of(one, known.routes), alerting.page_url())
    for _ in range(5):
        kept = alerting.book.states(name)
        firing = {group: there for (_, group), there in kept.items() if there.state.phase == "firing"}
        taken = {group: there for group, there in firing.items() if data.group in (None, group)}
        if not taken:
            raise ClientException(f'"{name}" does not fire, so there is nothing to acknowledge')
        now_ns = time.time_ns()
        turns = [acknowledging(subject, group, there, data.by, data.note, now_ns) for group, there in taken.items()]
        try:
            alerting.book.save(turns, now_ns)
        except Stale:
            continue
        alerting.told()
        return json({"alerts": _rows(alerting, name, one)})
    raise ClientException(f'"{name}" changes all the time: try again', status_code=409)


@get("/alerts/{name:str}/dry-run", sync_to_thread=True)
def dry_run(state: State, name: Name, since: str | None = None, until: str | None = None) -> Response[bytes]:
    """Say when an alert would have fired over a range of the past, and who would have been told."""
    alerting: Alerting = state.service.alerting
    known = defined(alerting.definitions)
    return json(_rehearsed(alerting, known, _known(known, name), since, until))


@post("/alerts/dry-run", sync_to_thread=True, status_code=200)
def dry_run_of(state: State, data: Proposed, since: str | None = None, until: str | None = None) -> Response[bytes]:
    """Say the same of an alert that is not kept yet."""
    alerting: Alerting = state.service.alerting
    try:
        proposed = read_spec("alert", data.spec)
    except BadDefinition as error:
        raise ClientException(str(error), extra=error.where) from None
    assert isinstance(proposed, Alert)
    return json(_rehearsed(alerting, defined(alerting.definitions), proposed, since, until))


@post("/routes/{name:str}/test", sync_to_thread=True, status_code=200)
def try_route(state: State, name: Name) -> Response[bytes]:
    """Send a test now, and say whether it was taken."""
    alerting: Alerting = state.service.alerting
    route = defined(alerting.definitions).routes.get(name)
    if route is None:
        raise NotFoundException(f'there is no route "{name[:80]}"')
    try:
        for message in _tests(alerting, name, route):
            send(route.to, message, alerting.outside)
    except NotSent as error:
        return json({"told": False, "reason": str(error)})
    return json({"told": True, "reason": ""})


def _tests(alerting: Alerting, name: str, route: Route) -> list[Notification]:
    """A test; where it opens something, also that it is over."""
    now_ns = time.time_ns()
    alert = Alert(check=built_in()["new-finding"].check, title=f"A test of the route {name}", severity="low")
    subject = Subject("test", alert, rules_of(alert, {}), alerting.page_url())
    seen = Observation(True, False, None, "Somebody tries whether this arrives. Nothing is wrong.")
    first = message_of(subject, f"route={name}", AlertState(), Event("test", now_ns, seen), name)
    if not isinstance(route.to, PagerDuty | Opsgenie):
        return [first]
    return [first, message_of(subject, f"route={name}", AlertState(), Event("recovered", now_ns, seen), name)]


def _rehearsed(alerting: Alerting, known: Defined, one: Alert, since: str | None, until: str | None) -> dict[str, Any]:
    since_ns, until_ns = time_range(since, until, 24 * 3_600 * 10**9)
    if isinstance(one.check, BurnRate):
        raise ClientException("when an objective burned is shown on its own page")
    try:
        step_ns, done = _rehearsal(alerting, known, one, since_ns, until_ns)
    except CannotLook as error:
        raise ClientException(str(error)) from None
    return {
        "since": rfc3339(since_ns),
        "until": rfc3339(until_ns),
        "step_s": step_ns // 10**9,
        "points": _shown(done),
        "events": [{"group": group, **_event(event)} for group, event in done.events],
        "fired_count": sum(event.what == "fired" for _, event in done.events),
    }


def _rehearsal(alerting: Alerting, known: Defined, one: Alert, since_ns: int, until_ns: int) -> tuple[int, Rehearsal]:
    # Roll-ups are by the minute: between two of them one would look into what came later.
    since_ns, until_ns = since_ns // STEP_NS * STEP_NS, min(until_ns, time.time_ns())
    step_ns = STEP_NS * max(1, -(-(until_ns - since_ns) // (MOST_STEPS * STEP_NS)))
    times_ns = [*range(since_ns + step_ns, until_ns, step_ns), max(until_ns, since_ns + 1)]
    samples = alerting.looks(times_ns, reach_of([one])).samples(one.check)
    return step_ns, rehearse(one, rules_of(one, known.routes), times_ns, samples)


def _points(
    alerting: Alerting, known: Defined, one: Alert, since_ns: int, until_ns: int
) -> tuple[list[dict[str, Any]], str]:
    if isinstance(one.check, BurnRate):
        return [], ""
    try:
        return _shown(_rehearsal(alerting, known, one, since_ns, until_ns)[1]), ""
    except CannotLook as error:
        return [], str(error)


def _shown(done: Rehearsal) -> list[dict[str, Any]]:
    return [
        {"time": rfc3339(one.time_ns), "value": one.value, "breached": one.breached, "firing": one.firing_count > 0}
        for one in done.moments
    ]


def _known(known: Defined, name: str) -> Alert:
    found = known.alerts.get(name)
    if not found:
        broken = known.broken.get(f"alert {name}")
        if broken:
            raise ClientException(f'the alert "{name}" cannot be read: {broken}')
        raise NotFoundException(f'there is no alert "{name[:80]}"')
    return found


def _rows(alerting: Alerting, name: str, one: Alert) -> list[dict[str, Any]]:
    kept: dict[str, Kept] = {group: there for (_, group), there in alerting.book.states(name).items()}
    if not kept:
        return [_row(alerting, name, "", one, AlertState())]
    return [_row(alerting, name, group, one, there.state) for group, there in kept.items()]


def _row(alerting: Alerting, name: str, group: str, one: Alert, state: AlertState) -> dict[str, Any]:
    latest = alerting.latest.get((name, group))
    seen = state.seen if state.phase in ("firing", "pending") or latest is None else latest
    title = one.title or name.replace("-", " ").capitalize()
    return {
        "name": name,
        "group": group,
        "title": title,
        "severity": one.severity,
        "type": msgspec.to_builtins(one.check)["type"],
        "enabled": one.enabled,
        "phase": state.phase,
        "since": rfc3339(state.since_ns) if state.since_ns else None,
        "value": seen.value if seen else None,
        "why": seen.why if seen else "",
        "scopes": list(seen.scopes) if seen else [],
        "parts": [part.as_json() for part in seen.parts] if seen else [],
        "muted": state.muted,
        "acknowledged_by": state.acknowledged_by if state.phase == "firing" else "",
        "told": list(state.told) if state.phase == "firing" else [],
        "failing": alerting.failing.get(name, ""),
        "runbook": one.runbook,
    }


def _event(event: Event) -> dict[str, Any]:
    seen = event.seen
    return {
        "time": rfc3339(event.time_ns),
        "what": event.what,
        "by": event.by,
        "note": event.note,
        "routes": list(event.routes),
        "value": seen.value if seen else None,
        "why": seen.why if seen else "",
        "parts": [part.as_json() for part in seen.parts] if seen else [],
    }


def _message(one: Message) -> dict[str, Any]:
    return {
        "id": one.message.id,
        "dedup_key": one.message.dedup_key,
        "group": one.message.group,
        "route": one.route,
        "what": one.message.what,
        "status": one.status,
        "tries": one.tries,
        "created": rfc3339(one.created_ns),
        "sent": rfc3339(one.sent_ns) if one.sent_ns else None,
        "next_try": rfc3339(one.next_ns) if one.status == "waiting" else None,
        "error": one.error,
    }


router = Router(
    path="/",
    route_handlers=[alerts, alert, acknowledge, dry_run, dry_run_of, try_route],
    tags=["alerts"],
)
