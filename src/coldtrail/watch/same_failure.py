"""A failure of which only the type was told: its message comes with another line, later, or never.

It is no trouble of its own beside the same failure with its message; the two get one fingerprint, whichever was seen first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import structs

from coldtrail.model.findings import Finding, Sighting, fingerprint
from coldtrail.watch.normalise import normalise

KINDS = ("error", "crash", "failed_init")
"""Those that are told apart by type and message: `type: message`."""

Identity = tuple[str, str, str]
"""Kind, scope and type of a failure."""


def completed(sightings: Iterable[Sighting]) -> list[Sighting]:
    """Return sightings of one look, those without a message as the same failure with one, the most frequent, where it was seen."""
    found = list(sightings)
    told: dict[Identity, Counter[str]] = {}
    for one in found:
        if message_of(one):
            told.setdefault(_identity(one), Counter())[one.fingerprint] += one.count
    by_name = {one.fingerprint: one for one in found}
    usual = {identity: by_name[counts.most_common(1)[0][0]] for identity, counts in told.items()}
    return [_as(one, usual[_identity(one)]) if is_bare(one) and _identity(one) in usual else one for one in found]


def is_bare(one: Sighting | Finding) -> bool:
    """Whether it is a failure of which only the type is known."""
    return one.kind in KINDS and one.detail.endswith(": ")


def message_of(one: Sighting | Finding) -> str:
    """Return a failure's message without its ids, "" where none is known or it is no failure."""
    return normalise(str(one.evidence.get("message", ""))) if one.kind in KINDS else ""


def bare_fingerprint(one: Sighting) -> str:
    """Return the fingerprint that a failure has while only its type is known, "" of anything else."""
    return (
        fingerprint(one.kind, one.scope, _type(one.detail) + ": ") if one.kind in KINDS and ": " in one.detail else ""
    )


def known_as(
    sightings: Sequence[Sighting], known: Mapping[str, Finding], alike: Mapping[str, Finding]
) -> list[Sighting]:
    """Return sightings, those of failures that are known otherwise under the fingerprint that they are known by.

    ``known``: findings by fingerprint; ``alike``: of bare sightings by fingerprint, the one with a message that was seen last.
    """
    renamed: dict[str, Finding] = {}
    for one in sightings:
        mine = one.fingerprint
        if mine not in known and (other := alike.get(mine) if is_bare(one) else _bare(one, known)):
            renamed[mine] = other
    return [_followed(_known(one, renamed.get(one.fingerprint)), renamed) for one in sightings]


def _bare(one: Sighting, known: Mapping[str, Finding]) -> Finding | None:
    """The finding that was opened while the message was not known yet."""
    bare = known.get(bare_fingerprint(one))
    return bare if bare and bare.state != "resolved" and message_of(bare) in ("", message_of(one)) else None


def alike_of(one: Sighting, listed: Iterable[Finding]) -> Finding | None:
    """Return the first finding that tells the same failure with its message."""
    return next((other for other in listed if message_of(other) and _type(other.detail) == _type(one.detail)), None)


def _as(one: Sighting, other: Sighting | Finding) -> Sighting:
    return structs.replace(one, detail=other.detail, title=other.title, evidence=other.evidence)


def _known(one: Sighting, other: Finding | None) -> Sighting:
    if other is None:
        return one
    return _as(one, other) if is_bare(one) else structs.replace(one, detail=other.detail)


def _followed(one: Sighting, renamed: Mapping[str, Finding]) -> Sighting:
    return structs.replace(one, follows=renamed[one.follows].fingerprint) if one.follows in renamed else one


def _identity(one: Sighting) -> Identity:
    return one.kind, one.scope, _type(one.detail)


def _type(detail: str) -> str:
    return detail.partition(": ")[0]
