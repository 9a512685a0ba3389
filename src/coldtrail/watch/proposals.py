"""Objectives that fit what is seen today: proposed, so that the first one is a click away. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from coldtrail.model.objectives import Objective, RequestsSli

LEAST_REQUESTS = 20
TARGETS = (99.9, 99.5, 99.0, 98.0, 95.0, 90.0)
LATENCY_TARGET = 95.0
MOST = 12


class Seen(Struct, frozen=True):
    """What is known of an entry: its requests of a while."""

    method: str
    route: str
    count: int
    error_count: int
    p95_ms: float | None


class Proposal(Struct, frozen=True):
    """An objective under a name, and why it is proposed."""

    name: str
    objective: Objective
    why: str


def proposals(entries: Iterable[Seen]) -> list[Proposal]:
    """Return objectives for entries, the busiest first: the highest usual target that is met, and a round threshold above p95."""
    found: list[Proposal] = []
    for one in sorted(entries, key=lambda seen: -seen.count):
        if one.count >= LEAST_REQUESTS and one.method and one.route and len(found) < MOST:
            found += _of(one)
    return found


def _of(one: Seen) -> list[Proposal]:
    scope = f"{one.method} {one.route}"
    good_percent = 100 * (1 - one.error_count / one.count)
    target = next((target for target in TARGETS if target <= good_percent), TARGETS[-1])
    answers = Proposal(
        name_of(one, "answers"),
        Objective(sli=RequestsSli(of="entry", scope=scope), target_percent=target, title=f"{scope} answers"),
        f"{one.count:,} requests, {good_percent:.2f} % without a failure",
    )
    if one.p95_ms is None:
        return [answers]
    threshold_ms = round_up(one.p95_ms * 1.2)
    sli = RequestsSli(of="entry", scope=scope, faster_than_ms=threshold_ms)
    quick = Objective(sli=sli, target_percent=LATENCY_TARGET, title=f"{scope} takes less than {threshold_ms:g} ms")
    return [answers, Proposal(name_of(one, "is-quick"), quick, f"95 % took less than {one.p95_ms:,.0f} ms")]


def name_of(one: Seen, what: str) -> str:
    """Return a name for an objective: `post-orders-id-answers`."""
    words = re.sub(r"[^a-z0-9]+", "-", f"{one.method} {one.route}".lower()).strip("-") or "entry"
    return f"{words[: 62 - len(what)].strip('-')}-{what}"


def round_up(value: float) -> float:
    """Return the next of 1, 2, 3, 5 and 10 times a power of ten."""
    power = 10 ** (len(str(int(value))) - 1) if value >= 1 else 1
    return float(next(step * power for step in (1, 2, 3, 5, 10, 20) if step * power >= value))
