"""Dead-letter queues that fill up and that nobody takes from: their depth is all that tells of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from msgspec import Struct

from coldtrail.model.findings import Sighting
from coldtrail.store.engine import Engine
from coldtrail.store.troubles.dead_letters import STEP_NS, Depth, depths, taken_from, tried_in_vain

REACH_NS = 900 * 10**9
MINUTE_NS = 60 * 10**9
STAYS_NS = 15 * 10**9
"""What is gone sooner, somebody takes: that tells more of it."""


class Rise(Struct, frozen=True):
    """So many messages more than before, since a time within a minute (Unix ns)."""

    at_ns: int
    count: int


def filling_up(engine: Engine, now_ns: int) -> Iterator[Sighting]:
    """Every dead-letter queue that holds more messages than before, where no message of it is seen."""
    until_ns = now_ns // STEP_NS * STEP_NS + STEP_NS
    since_ns = until_ns - REACH_NS
    risen = [(one, found) for one in depths(engine, since_ns, until_ns) if (found := rises(one.points, now_ns))]
    if not risen:
        return
    seen = taken_from(engine, [one.queue for one, _ in risen], since_ns, until_ns)
    vain = tried_in_vain(engine, [one.of for one, _ in risen], since_ns, until_ns)
    for one, found in risen:
        if one.queue not in seen:
            yield from (_sighting(one, rise, vain.get(one.of)) for rise in found)


def rises(points: list[tuple[int, float]], now_ns: int) -> list[Rise]:
    """Return by how much a depth grew in each minute, where it has stayed deeper than before since then."""
    ends = {at_ns // MINUTE_NS: value for at_ns, value in points}
    found = []
    for earlier, later in pairwise(ends):
        deeper = [at_ns for at_ns, value in points if at_ns // MINUTE_NS == later and value > ends[earlier]]
        stays = deeper and all(value > ends[earlier] for at_ns, value in points if at_ns >= deeper[0])
        if stays and now_ns - deeper[0] >= STAYS_NS:
            found.append(Rise(deeper[0], int(ends[later] - ends[earlier])))
    return found


def _sighting(one: Depth, rise: Rise, units: tuple[str, ...] | None) -> Sighting:
    return Sighting(
        kind="dead_letter",
        scope=one.of,
        detail=f"{one.queue}: by its depth",
        minute_s=rise.at_ns // MINUTE_NS * 60,
        count=rise.count,
        first_ns=rise.at_ns,
        last_ns=rise.at_ns + STEP_NS,
        title=f"Messages of {one.of} are given up to {one.queue}, and nobody takes them from there",
        severity="high" if units is None else "medium",
        advice="See why they fail, mend that, then redrive the queue; what stays there expires with its retention period.",
        evidence={"queue": one.queue, "message_count": int(one.points[-1][1]), "told_by": "depth"},
        units=units or (),
    )
