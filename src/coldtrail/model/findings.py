"""Findings: something wrong that was noticed without anyone asking, once, however often it happens."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import xxhash
from msgspec import Struct

Severity = Literal["high", "medium", "low"]
"""`high`: users notice it, or work is lost. `medium`: it follows from another finding, or soon will be one. `low`: advice."""

State = Literal["open", "acknowledged", "resolved", "muted"]

FindingKind = Literal[
    "error",
    "timeout",
    "out_of_memory",
    "crash",
    "failed_init",
    "near_out_of_memory",
    "near_timeout",
    "error_line",
    "dependency",
    "throttle",
    "execution",
    "dead_letter",
    "poison_message",
    "duplicate",
    "slower",
    "vanished",
    "new_dependency",
    "recursion",
    "retry_storm",
    "aging",
    "cold_starts",
    "clock_skew",
    "lost_context",
    "dropped",
    "quota",
    "unusual",
    "advice",
]


class Sighting(Struct, frozen=True):
    """How often one trouble was seen within one minute.

    ``scope`` is what it is about (a function, a queue, a state machine), ``detail`` what tells it from other troubles of the
    same kind there. ``units`` are some of the traces (32 hex) and requests that show it. ``follows``: the fingerprint
    of the finding that this one is an effect of, where one is known.
    """

    kind: FindingKind
    scope: str
    detail: str
    minute_s: int
    count: int
    first_ns: int
    last_ns: int
    title: str
    severity: Severity
    advice: str = ""
    evidence: dict[str, Any] = msgspec.field(default_factory=dict)
    units: tuple[str, ...] = ()
    follows: str = ""

    @property
    def fingerprint(self) -> str:
        """16 hex digits: the same trouble has the same one on every day and every installation."""
        return fingerprint(self.kind, self.scope, self.detail)


def fingerprint(kind: FindingKind, scope: str, detail: str) -> str:
    """Return the fingerprint of a trouble, 16 hex digits."""
    return xxhash.xxh64_hexdigest(f"{kind}\0{scope}\0{detail}".encode())


class Change(Struct, frozen=True):
    """One step in a finding's life: what was done (`opened`, `regressed`, or a state), when, by whom, and why."""

    time_ns: int
    what: str
    by: str = "coldtrail"
    note: str = ""


class Finding(Struct):
    """One trouble over all the time it was seen."""

    fingerprint: str
    kind: FindingKind
    scope: str
    detail: str
    title: str
    severity: Severity
    advice: str
    evidence: dict[str, Any]
    units: list[str]
    follows: str
    count: int
    first_ns: int
    last_ns: int
    state: State = "open"
    regressed: bool = False
    muted_until_ns: int = 0
    """0: until somebody opens it again."""
    changed_ns: int = 0
