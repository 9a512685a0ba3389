"""Investigations: what is looked into, where it began, what was looked at, and what people noted."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Origin = Literal["alert", "finding", "trail", "value"]
InvestigationState = Literal["open", "closed"]
EntryKind = Literal["note", "look"]

MOST_INVESTIGATIONS = 1_000
MOST_ENTRIES = 500
MOST_SCOPES = 5
MOST_TRAILS = 20
LONGEST_NAME = 200
LONGEST_NOTE = 5_000
LONGEST_TITLE = 300
LONGEST_LINK = 2_000
LONGEST_ID = 1_024


class Began(Struct, frozen=True):
    """What an investigation began with: an alert's name and group, a finding's or trail's id, or any value."""

    kind: Origin
    id: str
    group: str = ""


class Ground(Struct, frozen=True):
    """What is looked into, and when. Times are Unix nanoseconds.

    ``symptom`` says what was wrong in a sentence. ``scopes``: the services, functions or resources that it is about;
    ``workflow``: that whose outcomes it is about, "" for none; ``trails``: some that are known to show it. ``at_ns`` is the
    moment, within ``[since_ns, until_ns)``. ``bad``: the affected failed, were slower than ``slow_ms`` (None: than is
    usual), or did not end as the workflow has it.
    """

    symptom: str
    scopes: tuple[str, ...]
    at_ns: int
    since_ns: int
    until_ns: int
    workflow: str = ""
    trails: tuple[str, ...] = ()
    bad: Literal["error", "slow", "outcome"] = "error"
    slow_ms: float | None = None


class Investigation(Struct, frozen=True):
    """One investigation."""

    id: str
    name: str
    state: InvestigationState
    began: Began
    ground: Ground
    by: str
    created_ns: int
    changed_ns: int


class Entry(Struct, frozen=True):
    """One line of an investigation's record: a note in somebody's words, or a screen of the page that was looked at.

    ``link`` is a screen's path and query, "" of a note on none; ``text`` its title, or the note.
    """

    id: int
    kind: EntryKind
    time_ns: int
    by: str
    text: str
    link: str = ""
