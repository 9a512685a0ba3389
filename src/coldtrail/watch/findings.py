"""The life of a finding: opened by its first sighting, kept by people, opened again when the trouble returns."""

from __future__ import annotations

from msgspec import structs

from coldtrail.model.findings import Change, Finding, Sighting, State


def opened(sighting: Sighting) -> Finding:
    """Return a new finding, not yet counted."""
    return Finding(
        fingerprint=sighting.fingerprint,
        kind=sighting.kind,
        scope=sighting.scope,
        detail=sighting.detail,
        title=sighting.title,
        severity=sighting.severity,
        advice=sighting.advice,
        evidence=sighting.evidence,
        units=[],
        follows=sighting.follows,
        count=0,
        first_ns=sighting.first_ns,
        last_ns=sighting.last_ns,
    )


def seen(finding: Finding | None, sighting: Sighting, counted: int, now_ns: int) -> tuple[Finding, Change | None]:
    """Return the finding after a sighting, and what changed in its life.

    ``counted``: how often this minute was counted before, because ranges are looked at more than once.
    What was resolved and is seen at a later time has regressed; a late signal of before does not open it.
    """
    before = finding or opened(sighting)
    newest = sighting.last_ns >= before.last_ns
    after = structs.replace(
        before,
        count=before.count + max(0, sighting.count - counted),
        first_ns=min(before.first_ns, sighting.first_ns),
        last_ns=max(before.last_ns, sighting.last_ns),
        units=list(dict.fromkeys((*sighting.units, *before.units) if newest else (*before.units, *sighting.units)))[:5],
    )
    if newest:
        after.title, after.severity, after.advice = sighting.title, sighting.severity, sighting.advice
        after.evidence, after.follows = sighting.evidence, sighting.follows
    if finding is None:
        after.changed_ns = now_ns
        return after, Change(now_ns, "opened")
    if before.state == "resolved" and sighting.last_ns > before.changed_ns:
        after.state, after.regressed, after.changed_ns = "open", True, now_ns
        return after, Change(now_ns, "regressed")
    return after, None


def decided(
    finding: Finding, state: State, by: str, now_ns: int, *, note: str = "", until_ns: int = 0
) -> tuple[Finding, Change]:
    """Return the finding after somebody put it into a state; ``until_ns`` ends a mute (0: never)."""
    after = structs.replace(
        finding,
        state=state,
        changed_ns=now_ns,
        regressed=finding.regressed and state != "resolved",
        muted_until_ns=until_ns if state == "muted" else 0,
    )
    return after, Change(now_ns, state, by, note)


def awake(finding: Finding, now_ns: int) -> Finding:
    """Return the finding as it stands at a time: a mute that ended leaves it open."""
    if finding.state == "muted" and 0 < finding.muted_until_ns <= now_ns:
        return structs.replace(finding, state="open", muted_until_ns=0)
    return finding
