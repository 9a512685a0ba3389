"""A sighting made of what the store counted in one minute."""

from __future__ import annotations

from typing import Any

from coldtrail.model.findings import FindingKind, Severity, Sighting
from coldtrail.store.troubles.failures import Group


def sighting(
    group: Group,
    kind: FindingKind,
    detail: str,
    title: str,
    severity: Severity,
    advice: str,
    *,
    scope: str = "",
    follows: str = "",
    **evidence: Any,
) -> Sighting:
    """Return the sighting of a group; ``scope``: what it is about, where that is not the group's own.

    ``follows``: the fingerprint of the finding of which this one is a consequence.
    """
    return Sighting(
        kind=kind,
        scope=scope or group.scope,
        detail=detail,
        minute_s=group.minute_s,
        count=group.count,
        first_ns=group.first_ns,
        last_ns=group.last_ns,
        title=title,
        severity=severity,
        advice=advice,
        evidence=evidence,
        units=group.units,
        follows=follows,
    )
