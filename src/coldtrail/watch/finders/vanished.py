"""Traffic that vanishes: a function that ran all the time, and does not any more. Nothing errs when nothing is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import ceil

from msgspec import structs

from coldtrail.model.findings import Sighting
from coldtrail.store.engine import Engine
from coldtrail.store.troubles.pulses import Pulse, minutes_of, pulses

BEFORE_S = 1_800
"""What is usual is what was in the half hour before."""

LEAST_KNOWN_S, LEAST_SECONDS = 120, 20
"""Of a shorter time, or fewer seconds with a run, nobody knows what is usual."""

LEAST_SILENT_S = 30
GAPS, SHARE = 7.0, 0.9
"""So many times as long as this share of the pauses of the time before were at most. If runs come by chance alone, that is 2.3
times the mean pause, and a pause of seven times that comes once in ten million."""

HABIT_PLACE, HABITS = 3, 2.0
"""And so many times as long as the third longest: where runs come in bursts it is of another kind than most. The longest two may be
one incident, which is no habit, and would hide for half an hour that a schedule is dead."""

DAY_S = 86_400
TOGETHER_S = 60
MANY, MOST_SHARE = 5, 0.6
"""So many at once, of all: it is not they that fell silent, but what tells of them."""


def vanished_traffic(engine: Engine, now_ns: int) -> Iterator[Sighting]:
    """Every function that fell silent against what was usual in the half hour before, and does not pause every day."""
    now_s = now_ns // 10**9
    known = pulses(engine, now_ns - BEFORE_S * 10**9, now_ns)
    began_s = min((one.seconds[0] for one in known), default=now_s)
    silent = {one.function: (one, at) for one in known if (at := silent_since(one, began_s, now_s)) is not None}
    if not silent:
        return
    if len(silent) >= MANY and len(silent) >= MOST_SHARE * len(known):
        yield _all_silent(silent)
        return
    ran = minutes_of(engine, sorted(silent), now_ns - DAY_S * 10**9, now_ns)
    found = [
        _sighting(one, at) for one, at in silent.values() if not pauses(ran.get(one.function, []), at - one.seconds[-1])
    ]
    yield from followed(found)


def silent_since(one: Pulse, began_s: int, now_s: int) -> int | None:
    """Return since when a function is silent for longer than can be chance (Unix s); None where it is not.

    ``began_s``: since when anything is known. What began later than that, and ends, is a job that is done.
    """
    first, last = one.seconds[0], one.seconds[-1]
    known_s = last - first
    if known_s < LEAST_KNOWN_S or len(one.seconds) < LEAST_SECONDS:
        return None
    pauses_s = sorted(after - before for before, after in pairwise(one.seconds))
    usual_s, habit_s, longest_s = pauses_s[ceil(SHARE * (len(pauses_s) - 1))], pauses_s[-HABIT_PLACE], pauses_s[-1]
    every_s = known_s / (len(one.seconds) - 1)
    if first - began_s > max(longest_s, 3 * every_s, 30.0):
        return None
    due_s = max(LEAST_SILENT_S, GAPS * usual_s, HABITS * habit_s) + max(0, one.late_s)
    return int(last + due_s) if now_s - last >= due_s else None


def pauses(minutes: list[int], silent_s: int) -> bool:
    """Whether a function was silent for about as long before within the day; ``minutes``: in which it ran (Unix s)."""
    gaps = [after - before for before, after in pairwise(minutes)]
    return any(gap > max(silent_s, 120) for gap in gaps)


def followed(found: list[Sighting]) -> list[Sighting]:
    """Say of those that fell silent shortly after another one that they follow from it."""
    ordered = sorted(found, key=lambda one: (one.first_ns, one.scope))
    if len(ordered) < 2:
        return ordered
    first = ordered[0]
    near = [one for one in ordered[1:] if one.first_ns - first.first_ns <= TOGETHER_S * 10**9]
    return [structs.replace(one, follows=first.fingerprint) if one in near else one for one in ordered]


def _sighting(one: Pulse, noticed_s: int) -> Sighting:
    last = one.seconds[-1]
    each_minute = one.count / max(1, last - one.seconds[0]) * 60
    return Sighting(
        kind="vanished",
        scope=one.function,
        detail="",
        minute_s=last // 60 * 60,
        count=1,
        first_ns=last * 10**9,
        last_ns=noticed_s * 10**9,
        title=f"{one.function} is not asked for anything any more, after about {each_minute:.0f} runs a minute",
        severity="medium",
        advice=(
            "Look upstream: a trigger or schedule that was switched off, a caller that fails before it calls, a "
            "rule whose pattern does not match any more."
        ),
        evidence={"last_run_s": last, "usual_a_minute": round(each_minute, 1), "silent_s": noticed_s - last},
    )


def _all_silent(silent: Mapping[str, tuple[Pulse, int]]) -> Sighting:
    last = max(one.seconds[-1] for one, _ in silent.values())
    return Sighting(
        kind="vanished",
        scope="everything",
        detail="",
        minute_s=last // 60 * 60,
        count=1,
        first_ns=last * 10**9,
        last_ns=max(at for _, at in silent.values()) * 10**9,
        title=f"Nothing is heard any more of {len(silent)} functions at once",
        severity="medium",
        advice=(
            "Either nobody asks for anything, or what brings the telemetry has stopped: see the log subscription,"
            " the collector, and the page of what is received."
        ),
        evidence={"functions": sorted(silent)[:50], "last_run_s": last},
    )
