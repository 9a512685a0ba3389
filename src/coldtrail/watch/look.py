"""One look over a range: everything that the finders know to see, as sightings."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import structs

from coldtrail.model.findings import Sighting
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import EngineError
from coldtrail.watch.finders import FINDERS
from coldtrail.watch.normalise import normalise
from coldtrail.watch.same_failure import completed


def look(engine: Engine, since_ns: int, until_ns: int, refused: Callable[[str, EngineError], None]) -> list[Sighting]:
    """Return what is seen in ``[since_ns, until_ns)``, both on whole minutes; asking again gives the same.

    ``refused`` is told of a finder whose question the engine refused; the others see what they see.

    Raises:
        EngineError: a passing fault of the engine, such as being away.
    """
    seen = list[Sighting]()
    for finder in FINDERS:
        try:
            seen += finder(engine, since_ns, until_ns)
        except EngineError as error:
            if error.passing:
                raise
            refused(finder.__name__, error)
    return _causes_told(merged(completed(seen)))


def merged(sightings: Iterable[Sighting]) -> list[Sighting]:
    """Return sightings, those of one trouble in one minute as one."""
    found: dict[tuple[str, int], Sighting] = {}
    for seen in sightings:
        key = (seen.fingerprint, seen.minute_s)
        found[key] = together(found[key], seen) if key in found else seen
    return list(found.values())


def _causes_told(sightings: list[Sighting]) -> list[Sighting]:
    """Say of a failing dependency which function's failure it is the cause of: both tell the same message."""
    failures = {_words(seen): seen.fingerprint for seen in sightings if seen.severity == "high" and _words(seen)}
    return [
        structs.replace(seen, follows=failures[_words(seen)])
        if seen.kind == "dependency" and _words(seen) in failures
        else seen
        for seen in sightings
    ]


def _words(seen: Sighting) -> str:
    return normalise(str(seen.evidence.get("message", "")))


def together(one: Sighting, other: Sighting) -> Sighting:
    """Return two sightings of one trouble in one minute as one; messages that differ in their ids alone meet here."""
    first, last = sorted((one, other), key=lambda sighting: sighting.last_ns)
    return Sighting(
        kind=last.kind,
        scope=last.scope,
        detail=last.detail,
        minute_s=last.minute_s,
        count=one.count + other.count,
        first_ns=min(one.first_ns, other.first_ns),
        last_ns=last.last_ns,
        title=last.title,
        severity=last.severity,
        advice=last.advice,
        evidence=last.evidence,
        units=tuple(dict.fromkeys((*last.units, *first.units)))[:5],
        follows=last.follows or first.follows,
    )
