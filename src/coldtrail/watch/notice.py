"""What was seen becomes findings: counted once, however often a range is looked at."""

from __future__ import annotations

from collections.abc import Sequence

from coldtrail.model.findings import Change, Finding, Sighting
from coldtrail.state.findings import Findings, Wanted
from coldtrail.watch.findings import seen
from coldtrail.watch.look import merged
from coldtrail.watch.same_failure import alike_of, bare_fingerprint, is_bare, known_as

MINUTE_S = 60
ALIKE_NS = 24 * 3_600 * 10**9
MOST_ALIKE = 50


def notice(
    findings: Findings, sightings: Sequence[Sighting], now_ns: int, marks: dict[str, int] | None = None
) -> list[tuple[Finding, Change]]:
    """Keep what was seen, with ``marks`` of how far was looked; return the findings that opened or regressed."""
    if not sightings:
        findings.save([], {}, [], marks)
        return []
    sightings = _as_known(findings, sightings)
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


def _as_known(findings: Findings, sightings: Sequence[Sighting]) -> Sequence[Sighting]:
    """Failures that were seen without their message before, or are now, under the fingerprint that they are known by."""
    names = {name for one in sightings for name in (one.fingerprint, bare_fingerprint(one)) if name}
    known = findings.of(names)
    alike: dict[str, Finding] = {}
    for one in sightings:
        if is_bare(one) and one.fingerprint not in known:
            wanted = Wanted(kind=one.kind, scope=one.scope, since_ns=one.last_ns - ALIKE_NS)
            if other := alike_of(one, findings.listed(wanted, MOST_ALIKE)):
                alike[one.fingerprint] = other
    found = known_as(sightings, known, alike)
    return sightings if found == list(sightings) else merged(found)
