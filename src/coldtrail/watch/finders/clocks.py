"""Clocks that differ: effects before their causes, which no network makes."""

from __future__ import annotations

from collections.abc import Iterator

from coldtrail.model.findings import Sighting
from coldtrail.store.engine import Engine
from coldtrail.store.troubles.messages import Ahead, Lead, leads, taken_before_sent

LEAST_MS = 1_000.0
"""Between two clocks of the same provider there are some ms."""

LEAST_AHEAD_MS = 5_000.0
"""Ahead of the receipt by so much more than the runs of all other functions."""

LEAST_COUNT, LEAST_SHARE = 3, 0.1


def skewed_clocks(engine: Engine, since_ns: int, until_ns: int) -> Iterator[Sighting]:
    """Every function whose runs begin later than all others say it is, and every sender of messages that are taken before they are sent."""
    told = ahead_of_all(leads(engine, since_ns, until_ns))
    known = {one.ahead for one in told}
    for one in told:
        yield _sighting(one, "", f"The clock of {one.ahead} is {one.skew_ms / 1e3:.0f} s ahead of all others")
    for one in taken_before_sent(engine, since_ns, until_ns, LEAST_MS):
        if _enough(one) and one.ahead not in known:
            yield _sighting(
                one,
                one.behind,
                (
                    f"The clocks of {one.ahead} and {one.behind} differ by {one.skew_ms / 1e3:.1f} s: messages are"
                    " taken before they are sent"
                ),
            )


def ahead_of_all(found: list[Lead]) -> list[Ahead]:
    """Return those functions whose runs are received further before their beginning than those of any other."""
    skewed: list[Ahead] = []
    for one in found:
        others = [other.high_ms for other in found if other is not one]
        if one.count >= LEAST_COUNT and others and one.low_ms >= max(0.0, *others) + LEAST_AHEAD_MS:
            skew_ms = one.low_ms - max(0.0, *others)
            skewed.append(Ahead(one.minute_s, one.function, "", one.count, one.count, skew_ms, one.last_ns, one.units))
    return skewed


def _enough(one: Ahead) -> bool:
    return one.count >= LEAST_COUNT and one.count >= one.of * LEAST_SHARE


def _sighting(one: Ahead, other: str, title: str) -> Sighting:
    return Sighting(
        kind="clock_skew",
        scope=one.ahead,
        detail=other,
        minute_s=one.minute_s,
        count=one.count,
        first_ns=one.minute_s * 10**9,
        last_ns=one.last_ns,
        title=title,
        severity="medium",
        advice=(
            "Waits and orders across this clock are wrong until it is set: see that the host keeps time (NTP, "
            "chrony), and that no code sets times itself."
        ),
        evidence={"skew_ms": round(one.skew_ms), "count": one.count, "of": one.of, "other": other},
        units=one.units,
    )
