"""Why an alert is not told: somebody silenced it, or it is part of another one that fires. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from coldtrail.model.alerts import Alert, Capability
from coldtrail.model.silences import Silence


class Active(Struct, frozen=True):
    """An alert that fires, or is about to: ``components`` are the scopes that it speaks for."""

    name: str
    inhibits: tuple[str, ...] = ()
    components: tuple[str, ...] = ()


def active_of(name: str, alert: Alert) -> Active:
    """Return what an alert speaks for while it fires."""
    check = alert.check
    components = tuple(one.scope for one in check.components) if isinstance(check, Capability) else ()
    return Active(name, alert.inhibits, components)


def muting(
    name: str,
    alert: Alert,
    scopes: tuple[str, ...],
    now_ns: int,
    silences: dict[str, Silence],
    active: Iterable[Active] = (),
    inhibits: dict[str, tuple[str, ...]] | None = None,
) -> str:
    """Return why an alert about some scopes is not told now, "" where it is.

    ``inhibits``: of each alert the names that it inhibits, so that alerts which inhibit each other do not all stay untold.
    """
    for title, silence in silences.items():
        if silence.holds(now_ns) and silence.matches(name, scopes):
            return f"silence {title}"
    for one in active:
        if one.name != name and (_named(name, one, inhibits or {}) or _part(alert, scopes, one)):
            return f"part of {one.name}"
    return ""


def _named(name: str, one: Active, inhibits: dict[str, tuple[str, ...]]) -> bool:
    if name not in one.inhibits:
        return False
    return not (name < one.name and one.name in _below(name, inhibits))


def _below(name: str, inhibits: dict[str, tuple[str, ...]]) -> set[str]:
    """Everything that an alert inhibits, over any number of others."""
    found, waiting = set[str](), [name]
    while waiting:
        for other in inhibits.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def _part(alert: Alert, scopes: tuple[str, ...], one: Active) -> bool:
    """Whether all that an alert is about are components of another; capabilities speak for themselves."""
    return not isinstance(alert.check, Capability) and bool(scopes) and set(scopes) <= set(one.components)
