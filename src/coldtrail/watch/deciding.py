"""One alert's turn: what was seen of each of its groups, what becomes of them, and the messages that tell of it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urlencode

import xxhash
from msgspec import Struct, structs

from coldtrail.model.alerting import AlertState, Event, Notification, Observation, key_of
from coldtrail.model.alerts import Alert, FindingCheck
from coldtrail.state.alerting import Kept, Turn
from coldtrail.watch.alerting import Rules, acknowledged, step, unseen
from coldtrail.watch.ways_out.words import time_of

MOST_GROUPS = 1_000
"""Alerts of one definition at a time: more are one trouble, told by the first of them."""

NEW = Kept(0, AlertState())
Mute = Callable[[str, Observation | None, tuple[str, ...]], str]
"""Why a group is not told, "" where it is: by what was seen of it now, and the scopes that it is about."""


class Subject(Struct, frozen=True):
    """An alert by its name, with what its messages need: `page_url` is where links lead.

    ``untold_of_recovery``: routes that want to hear of troubles only.
    """

    name: str
    alert: Alert
    rules: Rules
    page_url: str
    untold_of_recovery: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        """What it is called."""
        return self.alert.title or self.name.replace("-", " ").capitalize()


def turns_of(
    subject: Subject,
    seen: dict[str, Observation] | None,
    kept: dict[str, Kept],
    now_ns: int,
    mute: Mute,
) -> list[Turn]:
    """Return the next states of an alert's groups, of those that change. ``seen`` None: it could not be looked."""
    groups = dict.fromkeys((*kept, *list(seen or {})[:MOST_GROUPS]))
    turns = []
    for group in groups:
        before = kept.get(group, NEW)
        one = None if seen is None else seen.get(group, unseen(subject.alert))
        state, events = step(subject.rules, before.state, one, now_ns, mute(group, one, _scopes(one, before.state)))
        if events or _differs(before.state, state):
            messages = tuple(
                (route, message_of(subject, group, before.state, event, route))
                for event in events
                for route in event.routes
                if event.what != "recovered" or route not in subject.untold_of_recovery
            )
            turns.append(Turn(subject.name, group, before.version, state, tuple(events), messages))
    return turns


def acknowledging(subject: Subject, group: str, before: Kept, by: str, note: str, now_ns: int) -> Turn:
    """Return the turn of an alert that somebody takes on."""
    state, event = acknowledged(before.state, by, now_ns, note)
    told = tuple((route, message_of(subject, group, before.state, event, route)) for route in event.routes)
    return Turn(subject.name, group, before.version, state, (event,), told)


def ending(name: str, group: str, before: Kept, page_url: str, now_ns: int) -> Turn:
    """Return the last turn of an alert that was removed or switched off: what it opened elsewhere is closed there."""
    subject = Subject(name, Alert(check=FindingCheck()), Rules(), page_url)
    over = Observation(False, True, None, "the alert was removed or switched off")
    return turns_of(subject, {group: over}, {group: before}, now_ns, lambda *_: "")[0]


def message_of(subject: Subject, group: str, before: AlertState, event: Event, route: str) -> Notification:
    """Return what one route is told of an event. The same event gives the same message, however often it is made."""
    key = key_of(subject.name, group)
    seen = event.seen
    started_ns = event.time_ns if event.what == "fired" else before.since_ns or event.time_ns
    return Notification(
        id=xxhash.xxh64_hexdigest(f"{key}\0{event.what}\0{event.time_ns}\0{route}".encode()),
        dedup_key=f"coldtrail-{key}",
        what=event.what,
        alert=subject.name,
        group=group,
        title=subject.title
        if not seen or not group or not seen.parts
        else f"{subject.title}: {seen.parts[0].name}"[:300],
        severity=subject.alert.severity,
        why=event.note if event.what == "acknowledged" and event.note else (seen.why if seen else ""),
        started_ns=started_ns,
        time_ns=event.time_ns,
        link=link_of(subject, group, started_ns),
        value=seen.value if seen else None,
        parts=seen.parts if seen else (),
        runbook=subject.alert.runbook,
        description=subject.alert.description,
        by=event.by if event.what == "acknowledged" else "",
    )


def link_of(subject: Subject, group: str, at_ns: int) -> str:
    """Return where an alert is investigated: its page, at the moment that it began."""
    asked = {"at": time_of(at_ns)} | ({"group": group} if group else {})
    return f"{subject.page_url.rstrip('/')}/alerts/{quote(subject.name)}?{urlencode(asked)}"


def _scopes(seen: Observation | None, before: AlertState) -> tuple[str, ...]:
    if seen is not None and seen.scopes:
        return seen.scopes
    return before.seen.scopes if before.seen else ()


def _differs(before: AlertState, after: AlertState) -> bool:
    """Whether a state is worth a write: not for the values of one that is well."""
    if after.phase in ("pending", "firing") and before.seen != after.seen:
        return True
    bare = {"looked_ns": 0, "seen": None}
    return structs.replace(before, **bare) != structs.replace(after, **bare)
