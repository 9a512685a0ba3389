"""What there is to look into, of an alert, a finding, a trail or any value: its scope, its moment, and the trails that show it."""

from __future__ import annotations

import time
from collections import Counter

from msgspec import structs

from coldtrail.analysis.first_failures import cause_of
from coldtrail.model.alerting import AlertState, Event, Observation
from coldtrail.model.alerts import Alert, Bounded, OutcomeCheck
from coldtrail.model.findings import Finding
from coldtrail.model.investigations import LONGEST_NAME, MOST_SCOPES, MOST_TRAILS, Began, Ground
from coldtrail.model.trails import FAILED, Trail
from coldtrail.server.alerts.clockwork import defined
from coldtrail.server.api.service import Service
from coldtrail.store.trails.summaries import unit_of
from coldtrail.trails.story.words import duration_words, who
from coldtrail.trails.workflows.outcomes import worst

MINUTE_NS = 60 * 10**9
BEFORE_NS, AFTER_NS = 30 * MINUTE_NS, 15 * MINUTE_NS
LONGEST_NS = 6 * 60 * MINUTE_NS
MOST_LIVE = 12
SLOW_KINDS = ("slower", "near_timeout", "cold_starts")
DURATIONS = ("p50_ms", "p95_ms", "p99_ms")


class Unknown(LookupError):
    """There is nothing of that name; the message says what was looked for."""


def ground_of(service: Service, began: Began, at_ns: int | None = None) -> tuple[str, Ground]:
    """Return a name and the ground of what an investigation begins with; ``at_ns`` None: when it was seen last.

    Raises:
        Unknown: there is no such alert, finding or trail, or nothing carries the value.
    """
    if began.kind == "alert":
        return _of_alert(service, began, at_ns)
    if began.kind == "finding":
        found = service.findings.of([began.id]).get(began.id)
        if not found:
            raise Unknown(f'there is no finding "{began.id[:40]}"')
        return found.title[:LONGEST_NAME], _of_finding(service, found, at_ns or _moment_of(found))
    if began.kind == "trail":
        return _of_trail(service, began.id)
    return _of_value(service, began.id)


def _of_alert(service: Service, began: Began, at_ns: int | None) -> tuple[str, Ground]:
    book = service.alerting.book
    alert = defined(service.alerting.definitions).alerts.get(began.id)
    states = {group: kept.state for (_, group), kept in book.states(began.id).items()}
    if not alert and not states:
        raise Unknown(f'there is no alert "{began.id[:80]}"')
    state = states.get(began.group) or next(iter(states.values()), AlertState())
    at_ns = at_ns or state.since_ns or time.time_ns()
    seen = _seen_at([event for group, event in book.events(began.id) if group == began.group], at_ns) or state.seen
    title = (alert and alert.title) or began.id.replace("-", " ").capitalize()
    if seen and seen.parts and began.group:
        title = f"{title}: {seen.parts[0].name}"
    return title[:LONGEST_NAME], _of_observation(service, alert, seen, at_ns)


def _seen_at(events: list[Event], at_ns: int) -> Observation | None:
    """What an alert saw when it fired, at the moment or before it; events are the newest first."""
    fired = [one for one in events if one.what == "fired" and one.seen]
    return next((one.seen for one in fired if one.time_ns <= at_ns + MINUTE_NS), fired[-1].seen if fired else None)


def _of_observation(service: Service, alert: Alert | None, seen: Observation | None, at_ns: int) -> Ground:
    parts = seen.parts if seen else ()
    scopes = (seen.scopes if seen else ())[:MOST_SCOPES]
    trails = tuple(dict.fromkeys(part.trail_id for part in parts if part.trail_id))[:MOST_TRAILS]
    ground = Ground(seen.why if seen else "", scopes, *_around(at_ns), trails=trails)
    check = alert.check if alert else None
    if isinstance(check, OutcomeCheck) and parts:
        return structs.replace(ground, workflow=parts[0].name, bad="outcome")
    if isinstance(check, Bounded) and check.figure in DURATIONS and check.above is not None:
        return structs.replace(ground, bad="slow", slow_ms=check.above)
    ids = [part.finding_id for part in parts if part.finding_id][:MOST_SCOPES]
    known = service.findings.of(ids)
    of_findings = [_of_finding(service, known[one], at_ns) for one in ids if one in known]
    # An alert fires some time after what it tells of began.
    began_ns = [one.first_ns for one in known.values() if ground.since_ns <= one.first_ns <= at_ns]
    ground = structs.replace(ground, at_ns=min(began_ns, default=at_ns))
    trails += tuple(trail for one in of_findings for trail in one.trails)
    slow = bool(of_findings) and all(one.bad == "slow" for one in of_findings)
    return structs.replace(ground, trails=tuple(dict.fromkeys(trails))[:MOST_TRAILS], bad="slow" if slow else "error")


def _moment_of(found: Finding) -> int:
    """When it began; of one that has been there for long, when it was seen last."""
    return found.first_ns if found.last_ns - found.first_ns < LONGEST_NS else found.last_ns


def _of_finding(service: Service, found: Finding, at_ns: int) -> Ground:
    _, since_ns, until_ns = _around(at_ns)
    return Ground(
        symptom=found.title,
        scopes=(found.scope,),
        at_ns=at_ns,
        since_ns=min(since_ns, max(found.first_ns - BEFORE_NS, at_ns - LONGEST_NS)),
        until_ns=max(until_ns, min(found.last_ns + MINUTE_NS, at_ns + LONGEST_NS)),
        trails=_trails_of(service, found.units),
        bad="slow" if found.kind in SLOW_KINDS else "error",
    )


def _of_trail(service: Service, trail_id: str) -> tuple[str, Ground]:
    read = service.trails.trail(trail_id)
    if not read:
        raise Unknown(f'no trail, trace or node has the id "{trail_id[:100]}"')
    trail, graph = read
    outcomes = service.outcomes.of(trail, graph, time.time_ns())
    cause, told = cause_of(trail, outcomes), worst(outcomes)
    failed = any(node.status in FAILED for node in trail.nodes)
    told_bad = told is not None and told.status not in ("complete", "open")
    at_ns, since_ns, until_ns = _around(trail.start_ns)
    ground = Ground(
        symptom=f"{cause.place} {cause.words}" if cause else "",
        scopes=_scopes_of(trail, cause.service if cause else ""),
        at_ns=at_ns,
        since_ns=since_ns,
        until_ns=max(until_ns, min(trail.end_ns + MINUTE_NS, at_ns + LONGEST_NS)),
        workflow=told.workflow if told and told_bad and not failed else "",
        trails=(trail.trail_id,),
        bad="error" if failed else "outcome" if told_bad else "slow",
    )
    took = duration_words((trail.end_ns - trail.start_ns) / 1e6)
    return f"{who(trail.origin)}, {trail.status}, {took}"[:LONGEST_NAME], ground


def _scopes_of(trail: Trail, first: str) -> tuple[str, ...]:
    """Where it went wrong, whatever else failed, and where it began."""
    failed = [node.service for node in trail.nodes if node.status in FAILED]
    return tuple(dict.fromkeys(one for one in (first, *failed, trail.origin.service) if one))[:MOST_SCOPES]


def _of_value(service: Service, value: str) -> tuple[str, Ground]:
    carriers = service.trails.find(value)
    if not carriers:
        raise Unknown(f'nothing carries "{value[:100]}"; new data is visible within 2 s')
    units = list(dict.fromkeys(unit for one in carriers if (unit := unit_of(one))))
    trails = _trails_of(service, units)
    if len(trails) == 1:
        _, ground = _of_trail(service, trails[0])
        return value[:LONGEST_NAME], ground
    services = [name for name, _ in Counter(one.service for one in carriers if one.service).most_common(MOST_SCOPES)]
    times_ns = [one.time_ns for one in carriers]
    at_ns, since_ns, until_ns = _around(max(times_ns))
    since_ns = min(since_ns, max(min(times_ns), at_ns - LONGEST_NS))
    symptom = f"{value[:200]} was seen in {len(trails)} trails"
    return value[:LONGEST_NAME], Ground(symptom, tuple(services), at_ns, since_ns, until_ns, trails=trails)


def _trails_of(service: Service, units: list[str]) -> tuple[str, ...]:
    known = service.trails.trails_of(units, most_live=MOST_LIVE)
    return tuple(dict.fromkeys(trail for unit in units for trail in known[unit]))[:MOST_TRAILS]


def _around(at_ns: int) -> tuple[int, int, int]:
    return at_ns, max(0, at_ns - BEFORE_NS), at_ns + AFTER_NS
