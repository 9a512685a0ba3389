"""Silences: when alerts are not told, once or every week (a maintenance window)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta, Struct

from coldtrail.model.alerts import Scope, Text, Title

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class Weekly(Struct, kw_only=True, forbid_unknown_fields=True):
    """A window on some days of each week, in the clock of a place; one that ends before it begins ends on the next day."""

    begins: Clock
    ends: Clock
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = DAYS  # type: ignore[assignment]
    zone: Annotated[str, Meta(max_length=64)] = "UTC"

    def __post_init__(self) -> None:
        if self.begins == self.ends:
            raise ValueError("begins and ends must differ")
        zone_of(self.zone)

    def holds(self, at_ns: int) -> bool:
        """Whether a moment lies in the window."""
        local = datetime.fromtimestamp(at_ns / 1e9, UTC).astimezone(zone_of(self.zone))
        at = f"{local:%H:%M}"
        today, yesterday = DAYS[local.weekday()] in self.days, DAYS[(local - timedelta(days=1)).weekday()] in self.days
        if self.begins < self.ends:
            return today and self.begins <= at < self.ends
        return (today and at >= self.begins) or (yesterday and at < self.ends)


class Silence(Struct, kw_only=True, forbid_unknown_fields=True):
    """While it holds, the alerts that it matches are not told; what they do is kept all the same.

    ``alerts`` and ``scopes`` are names, with `*` for any letters; () matches all. ``since`` and ``until``: RFC 3339; with
    ``weekly`` they bound the weeks.
    """

    alerts: Annotated[tuple[Annotated[str, Meta(max_length=63)], ...], Meta(max_length=200)] = ()
    scopes: Annotated[tuple[Scope, ...], Meta(max_length=200)] = ()
    since: datetime | None = None
    until: datetime | None = None
    weekly: Weekly | None = None
    title: Title = ""
    reason: Text = ""

    def __post_init__(self) -> None:
        if self.until is None and self.weekly is None:
            raise ValueError("give until, or weekly: a silence without an end is a forgotten one")
        for one in (self.since, self.until):
            if one is not None and one.tzinfo is None:
                raise ValueError("a time needs its zone, such as 2026-11-21T18:00:00Z")
        if self.since and self.until and self.since >= self.until:
            raise ValueError("until must be after since")

    def holds(self, at_ns: int) -> bool:
        """Whether it holds at a moment."""
        at_s = at_ns / 1e9
        if (self.since and at_s < self.since.timestamp()) or (self.until and at_s >= self.until.timestamp()):
            return False
        return self.weekly is None or self.weekly.holds(at_ns)

    def matches(self, alert: str, scopes: tuple[str, ...]) -> bool:
        """Whether it is about an alert; one with several scopes only where each of them is silenced."""
        if self.alerts and not any(fnmatchcase(alert, pattern) for pattern in self.alerts):
            return False
        if not self.scopes:
            return True
        return bool(scopes) and all(any(fnmatchcase(one, pattern) for pattern in self.scopes) for one in scopes)


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone.

    Raises:
        ValueError: this machine knows none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f'this machine knows no time zone "{name[:64]}"; UTC is always there') from None
