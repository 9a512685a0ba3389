"""What was seen becomes findings: counted once, however often a range is looked at."""

from __future__ import annotations

from collections.abc import Sequence

from coldtrail.model.findings import Change, Finding, Sighting
from coldtrail.state.findings import Findings
from coldtrail.watch.findings import seen

MINUTE_S = 60


def notice(
    findings: Findings, sightings: Sequence[Sighting], now_ns: int, marks: dict[str, int] | None = None
) -> list[tuple[Finding, Change]]:
    """Keep what was seen, with ``marks`` of how far was looked; return the findings that opened or regressed."""
    if not sightings:
        findings.save([], {}, [], marks)
        return []
    fingerprints = {sighting.fingerprint for sighting in sightings}
    since_s = min(sighting.minute_s for sighting in sightings)
    until_s = max(sighting.minute_s for sighting in sightings) + MINUTE_S
    known = findings.of(fingerprints)
    counted = findings.counted(fingerprints, since_s, until_s)
    changed: dict[str, Change] = {}
    for sighting in sorted(sightings, key=lambda one: one.minute_s):
        one, minute = sighting.fingerprint, sighting.minute_s
        before = counted.get((one, minute), 0)
        known[one], change = seen(known.get(one), sighting, before, now_ns)
        counted[one, minute] = max(before, sighting.count)
        if change:
            changed.setdefault(one, change)
    findings.save(
        [known[one] for one in sorted(fingerprints)],
        {
            (sighting.fingerprint, sighting.minute_s): counted[sighting.fingerprint, sighting.minute_s]
            for sighting in sightings
        },
        list(changed.items()),
        marks,
    )
    return [(known[one], change) for one, change in changed.items()]
