"""What the affected have in common that the others of the same scope do not. Pure.

A value is scored by the lower end of an interval for the difference between the two shares that have it, so a great
difference that rests on few counts for less than a smaller one that rests on many; where the interval reaches zero, nothing
is said. Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
Medicine 17 (1998), method 10, of Wilson's score intervals. At 99.995 %: of a thousand values that say nothing, one is
listed by chance in one contrast of forty (Bonferroni's correction).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from msgspec import Struct

from coldtrail.store.contrast.attributes import FAILING_STEP, LEAST, TOOK_PART, Counted

Z = 4.0556
"""The two-sided 99.995 % quantile of the normal distribution."""

MOST = 20
WORDS = {TOOK_PART: "took part", FAILING_STEP: "failing step"}

_HOW_IT_FAILED = re.compile(
    r"^(error|exception|err$|http\.(response\.)?status_code|aws\.xray\.(http\.response\.status|fault|error|throttle|cause)"
    r"|aws\.lambda\.(status|duration_ms|billed|max_memory|phase)|otel\.status|rpc\.\w+\.status_code|db\.response\.status_code"
    r"|level$|severity|message$|msg$|stack|status(code)?$|event_?name$|result$|outcome$|duration|latency|elapsed)",
    re.IGNORECASE,
)

_WHERE = re.compile(r"instance|stream|host|container|pod|process\.pid|thread", re.IGNORECASE)
"""Names of where something ran: of values that tell the affected apart as well, they say least."""


class Suspect(Struct, frozen=True):
    """A value that is over-represented among the affected.

    ``services``: who says so, () where it is about all of them. Shares are of those that were looked at; ``lift`` is their
    quotient, None where no other has the value; ``score`` 0..1, of which 1 tells the affected apart for certain.
    """

    name: str
    value: str
    services: tuple[str, ...]
    bad_count: int
    bad_share: float
    other_count: int
    other_share: float
    lift: float | None
    score: float


class Contrast(Struct, frozen=True):
    """What may be a cause, and what only tells how it failed; each the highest score first, bounded."""

    suspects: list[Suspect]
    symptoms: list[Suspect]


def contrast(counted: Iterable[Counted], bad_total: int, other_total: int, most: int = MOST) -> Contrast:
    """Rank the values of two groups, of which ``bad_total`` and ``other_total`` were looked at."""
    found = [one for counts in _merged(counted) if (one := _suspect(*counts, bad_total, other_total))]
    found.sort(key=lambda one: (-one.score, -one.bad_count, bool(_WHERE.search(one.name)), one.name, one.value))
    told = [is_symptom(one.name) for one in found]
    suspects = [one for one, how in zip(found, told, strict=True) if not how]
    symptoms = [one for one, how in zip(found, told, strict=True) if how]
    return Contrast(suspects[:most], symptoms[:most])


def is_symptom(name: str) -> bool:
    """Whether an attribute tells how something failed, which all that failed have and none of the others."""
    return name == WORDS[FAILING_STEP] or bool(_HOW_IT_FAILED.match(name))


def score(bad_count: int, bad_total: int, other_count: int, other_total: int) -> float:
    """Return the lower end of the interval for the difference of two shares, 0 where it reaches zero or too few have it."""
    if bad_count < LEAST or not other_total:
        return 0.0
    share, other_share = bad_count / bad_total, other_count / other_total
    low, _ = _wilson(bad_count, bad_total)
    _, high = _wilson(other_count, other_total)
    return max(0.0, share - other_share - math.hypot(share - low, high - other_share))


def _wilson(count: int, total: int) -> tuple[float, float]:
    share, square = count / total, Z * Z / total
    middle = (share + square / 2) / (1 + square)
    half = Z * math.sqrt(share * (1 - share) / total + square / (4 * total)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)


def _merged(counted: Iterable[Counted]) -> list[tuple[str, str, tuple[str, ...], int, int]]:
    """One row for what several services say of the very same ones."""
    groups: dict[tuple[str, str, int, int], list[str]] = {}
    for one in counted:
        groups.setdefault((one.name, one.value, one.bad_count, one.other_count), []).append(one.service)
    return [
        (WORDS.get(name, name), value, tuple(sorted(filter(None, services))), bad, others)
        for (name, value, bad, others), services in groups.items()
    ]


def _suspect(
    name: str, value: str, services: tuple[str, ...], bad: int, others: int, bad_total: int, other_total: int
) -> Suspect | None:
    bad, others = min(bad, bad_total), min(others, other_total)
    scored = score(bad, bad_total, others, other_total)
    if scored <= 0:
        return None
    share, other_share = bad / bad_total, others / other_total
    lift = share / other_share if others else None
    return Suspect(name, value, services, bad, share, others, other_share, lift, scored)
