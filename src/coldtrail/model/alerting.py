"""What becomes of an alert: what was seen of it, the state it is in, what happened, and what is told to people."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import xxhash
from msgspec import Struct

from coldtrail.model.findings import Severity

Phase = Literal["inactive", "pending", "firing", "recovered"]
Happening = Literal["fired", "told", "grew", "repeated", "escalated", "acknowledged", "muted", "recovered", "test"]
"""`told`: it fired before, while it was muted or had no route. `grew`: more is wrong than was told of. `muted`: only kept."""

MOST_PARTS = 50


class Part(Struct, frozen=True, omit_defaults=True):
    """One series, finding, workflow or component that an alert looked at, and a trail that shows it, where one is known.

    ``scope``: the service, function or resource it is about.
    """

    name: str
    value: float | None
    why: str
    scope: str = ""
    finding_id: str = ""
    trail_id: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it as the API and webhooks tell it."""
        return {
            "name": self.name,
            "value": self.value,
            "why": self.why,
            "scope": self.scope,
            "finding_id": self.finding_id or None,
            "trail_id": self.trail_id or None,
        }


class Observation(Struct, frozen=True):
    """What one look saw of one alert. Between ``breached`` and ``cleared`` nothing changes.

    ``value`` is that of the worst part; ``parts`` those that are wrong, the worst first, at most `MOST_PARTS`.
    """

    breached: bool
    cleared: bool
    value: float | None
    why: str
    parts: tuple[Part, ...] = ()

    @property
    def scopes(self) -> tuple[str, ...]:
        """What it is about, each once."""
        return tuple(dict.fromkeys(part.scope for part in self.parts if part.scope))


class AlertState(Struct, frozen=True, omit_defaults=True):
    """Where one alert stands. Times are Unix nanoseconds, 0 = never.

    ``since_ns``: when the phase began. ``clear_since_ns``: since when it is well while it fires. ``told``: the routes that
    were told in this episode, ``told_parts`` what of. ``muted``: why it is not told just now.
    """

    phase: Phase = "inactive"
    since_ns: int = 0
    clear_since_ns: int = 0
    first_told_ns: int = 0
    last_told_ns: int = 0
    told: tuple[str, ...] = ()
    told_parts: tuple[str, ...] = ()
    acknowledged_by: str = ""
    acknowledged_ns: int = 0
    muted: str = ""
    looked_ns: int = 0
    seen: Observation | None = None


class Event(Struct, frozen=True):
    """One thing that happened to an alert, and the routes that are to be told of it; () = it is only kept."""

    what: Happening
    time_ns: int
    seen: Observation | None
    routes: tuple[str, ...] = ()
    by: str = "coldtrail"
    note: str = ""


class Notification(Struct, frozen=True, omit_defaults=True):
    """What a way out tells. ``dedup_key`` is the same from the first telling of an alert to its recovery, and the next time.

    ``id`` is that of this one message: a receiver that sees it twice has seen one.
    """

    id: str
    dedup_key: str
    what: Happening
    alert: str
    group: str
    title: str
    severity: Severity
    why: str
    started_ns: int
    time_ns: int
    link: str
    value: float | None = None
    parts: tuple[Part, ...] = ()
    runbook: str = ""
    description: str = ""
    by: str = ""

    @property
    def is_over(self) -> bool:
        """Whether it says that all is well again."""
        return self.what == "recovered"


class Sample(Struct, frozen=True):
    """One measured thing, before alerts are made of it. ``excess`` orders samples: the most wrong has the most."""

    part: Part
    breached: bool
    cleared: bool
    excess: float
    labels: dict[str, Any] = msgspec.field(default_factory=dict)


def key_of(alert: str, group: str) -> str:
    """Return the key of one alert, 16 hex digits: the same on every day and after every restart."""
    return xxhash.xxh64_hexdigest(f"{alert}\0{group}".encode())
