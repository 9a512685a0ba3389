"""Clocks that differ: effects before their causes, which no network makes."""

from __future__ import annotations

from collections.abc import Iterator

from coldtrail.model.findings import Sighting
from coldtrail.store.engine import Engine
from coldtrail.store.troubles_messages import Ahead, taken_before_sent, told_before_begun

LEAST_MS = 1_000.0
"""Between two clocks of the same provider there are some ms."""

LEAST_AHEAD_S = 5.0
"""Against our own clock, which may be off as well, and is read in whole seconds."""

LEAST_COUNT, LEAST_SHARE = 3, 0.1


def skewed_clocks(engine: Engine, since_ns: int, until_ns: int) -> Iterator[Sighting]:
    """Every function whose runs are told before they begin, and every sender of messages that are taken before they are sent."""
    told = [one for one in told_before_begun(engine, since_ns, until_ns, LEAST_AHEAD_S) if _enough(one)]
    known = {one.ahead for one in told}
    for one in told:
        yield _sighting(one, "", f"The clock of {one.ahead} is {one.skew_ms / 1e3:.0f} s ahead of the time of receipt")
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
