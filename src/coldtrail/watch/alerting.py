"""The life of an alert: inactive, pending, firing, recovered; and when who is told. Pure: the clock is a parameter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct, structs

from coldtrail.model.alerting import MOST_PARTS, AlertState, Event, Happening, Observation, Sample
from coldtrail.model.alerts import Alert
from coldtrail.model.durations import duration_ns
from coldtrail.model.routes import Route

GROWS_AFTER_NS = 60 * 10**9
"""More parts of the same trouble are told of at most so often."""


class Rung(Struct, frozen=True):
    """A route, and how long after the first telling it is told, unless somebody acknowledged."""

    after_ns: int
    route: str


class Rules(Struct, frozen=True):
    """What the state machine needs to know of an alert. ``repeat_ns`` 0: never."""

    for_ns: int = 0
    clear_for_ns: int = 0
    repeat_ns: int = 0
    ladder: tuple[Rung, ...] = ()


def rules_of(alert: Alert, routes: dict[str, Route]) -> Rules:
    """Return an alert's rules, with the ladder of routes that tell of it."""
    return Rules(
        duration_ns(alert.for_), duration_ns(alert.clear_for), duration_ns(alert.repeat), ladder_of(alert, routes)
    )


def ladder_of(alert: Alert, routes: dict[str, Route]) -> tuple[Rung, ...]:
    """Return the routes of an alert, and of whom they escalate to, each once with its earliest time."""
    first = alert.routes or tuple(name for name, route in routes.items() if route.default)
    waiting, found = [Rung(0, name) for name in first], dict[str, int]()
    while waiting:
        rung = waiting.pop()
        route = routes.get(rung.route)
        if route is None or not route.enabled or found.get(rung.route, rung.after_ns + 1) <= rung.after_ns:
            continue
        found[rung.route] = rung.after_ns
        if route.escalate_to:
            waiting.append(Rung(rung.after_ns + duration_ns(route.escalate_after), route.escalate_to))
    return tuple(
        sorted((Rung(after, name) for name, after in found.items()), key=lambda one: (one.after_ns, one.route))
    )


def grouped(alert: Alert, samples: Iterable[Sample]) -> dict[str, Observation]:
    """Return what was seen of each group; all is one group, "", unless the alert says otherwise."""
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(_group(alert.group_by, sample.labels), []).append(sample)
    return {group: _together(many) for group, many in groups.items()}


def unseen(alert: Alert) -> Observation:
    """Return what it means that nothing was measured of a group."""
    fires, clears = alert.no_data == "fire", alert.no_data == "clear"
    return Observation(fires, clears, None, "nothing is measured")


def step(
    rules: Rules, state: AlertState, seen: Observation | None, now_ns: int, muted: str = ""
) -> tuple[AlertState, list[Event]]:
    """Return the state after a look, and what happened. ``seen`` None: it could not be looked; time passes all the same.

    ``muted``: the silence, or the alert that this one is part of, because of which nobody is told; "" = none.
    """
    events: list[Event] = []
    if seen is not None:
        state, events = _moved(rules, structs.replace(state, seen=seen, looked_ns=now_ns), seen, now_ns)
    if state.phase == "firing":
        state, more = _told(rules, state, now_ns, muted)
        if events and more and more[0].what == "told":
            return state, [structs.replace(events[0], routes=more[0].routes)]
        return state, [*events, *more]
    return structs.replace(state, muted=""), events


def acknowledged(state: AlertState, by: str, now_ns: int, note: str = "") -> tuple[AlertState, Event]:
    """Return the state after somebody took an alert on: it is neither repeated nor escalated until it is over."""
    after = structs.replace(state, acknowledged_by=by, acknowledged_ns=now_ns)
    return after, Event("acknowledged", now_ns, state.seen, state.told, by, note)


def _moved(rules: Rules, state: AlertState, seen: Observation, now_ns: int) -> tuple[AlertState, list[Event]]:
    if state.phase == "firing":
        return _well_again(rules, state, seen, now_ns)
    if not seen.breached:
        return (_phase(state, "inactive", now_ns) if state.phase == "pending" else state), []
    if state.phase != "pending":
        state = _phase(state, "pending", now_ns)
    if now_ns - state.since_ns < rules.for_ns:
        return state, []
    # A new episode: nothing of the last one is left.
    return AlertState(phase="firing", since_ns=now_ns, looked_ns=now_ns, seen=seen), [Event("fired", now_ns, seen)]


def _well_again(rules: Rules, state: AlertState, seen: Observation, now_ns: int) -> tuple[AlertState, list[Event]]:
    if not seen.cleared or seen.breached:
        return structs.replace(state, clear_since_ns=0), []
    clear_since_ns = state.clear_since_ns or now_ns
    if now_ns - clear_since_ns < rules.clear_for_ns:
        return structs.replace(state, clear_since_ns=clear_since_ns), []
    # Whoever was told is told that it is over, also while it is muted: what was opened elsewhere must be closed there.
    over = Event("recovered", now_ns, seen, state.told)
    return _phase(structs.replace(state, clear_since_ns=0), "recovered", now_ns), [over]


def _told(rules: Rules, state: AlertState, now_ns: int, muted: str) -> tuple[AlertState, list[Event]]:
    if muted:
        newly = [Event("muted", now_ns, state.seen, note=muted)] if state.muted != muted else []
        return structs.replace(state, muted=muted), newly
    state = structs.replace(state, muted="")
    due = _due(rules, state, now_ns)
    if due is None:
        return state, []
    what, routes = due
    names = tuple(part.name for part in state.seen.parts) if state.seen else ()
    after = structs.replace(
        state,
        first_told_ns=state.first_told_ns or now_ns,
        last_told_ns=now_ns,
        told=tuple(dict.fromkeys((*state.told, *routes))),
        told_parts=tuple(dict.fromkeys((*state.told_parts, *names)))[-1_000:],
    )
    return after, [Event(what, now_ns, state.seen, routes)]


def _due(rules: Rules, state: AlertState, now_ns: int) -> tuple[Happening, tuple[str, ...]] | None:
    """Return what is to be told now, and to whom; routes that were told before count as told."""
    if state.acknowledged_by:
        return None
    if not state.told:
        first = tuple(rung.route for rung in rules.ladder if rung.after_ns == 0)
        return ("told", first) if first else None
    passed_ns = now_ns - state.first_told_ns
    next_ = tuple(one.route for one in rules.ladder if one.after_ns <= passed_ns and one.route not in state.told)
    if next_:
        return "escalated", next_
    known = tuple(rung.route for rung in rules.ladder if rung.route in state.told)
    names = {part.name for part in state.seen.parts} if state.seen and state.seen.breached else set()
    since_ns = now_ns - state.last_told_ns
    if known and since_ns >= GROWS_AFTER_NS and not names <= set(state.told_parts):
        return "grew", known
    if known and rules.repeat_ns and since_ns >= rules.repeat_ns:
        return "repeated", known
    return None


def _phase(state: AlertState, phase: Any, now_ns: int) -> AlertState:
    return structs.replace(state, phase=phase, since_ns=now_ns)


def _group(by: Sequence[str], labels: dict[str, Any]) -> str:
    return ",".join(f"{name}={labels.get(name, '')}" for name in by)


def _together(samples: list[Sample]) -> Observation:
    """Return samples as one: wrong where any is, well where all are; told by the worst."""
    ordered = sorted(samples, key=lambda one: (not one.breached, -one.excess, one.part.name))
    wrong = [one.part for one in ordered if one.breached]
    worst = ordered[0].part
    why = worst.why + (f", and {len(wrong) - 1} more" if len(wrong) > 1 else "")
    clear = all(one.cleared and not one.breached for one in samples)
    return Observation(bool(wrong), clear, worst.value, why, tuple(wrong[:MOST_PARTS]))
