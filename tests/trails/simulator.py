"""Workloads with a known truth: who caused what, with ten requests in flight, and the times that everyone would see."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass

IN_FLIGHT = 10


@dataclass
class Workload:
    """Causes and effects as (start ms, end ms) in order of start; ``truth``: effect index to the indices of its causes."""

    causes: list[tuple[float, float]]
    effects: list[tuple[float, float]]
    truth: dict[int, set[int]]


def arrivals(dice: random.Random, count: int, every_ms: float) -> list[float]:
    at, found = 1_000.0, []
    for _ in range(count):
        at += dice.expovariate(1 / every_ms)
        found.append(at)
    return found


def lognormal(dice: random.Random, median_ms: float, spread: float) -> float:
    return median_ms * 2.718281828459045 ** dice.gauss(0.0, spread)


def _told(pairs: list[tuple[tuple[float, float], tuple[float, float]]]) -> Workload:
    """Sort both sides, and remember who belongs to whom."""
    causes = sorted(range(len(pairs)), key=lambda at: pairs[at][0])
    effects = sorted(range(len(pairs)), key=lambda at: pairs[at][1])
    place = {at: number for number, at in enumerate(causes)}
    return Workload([pairs[at][0] for at in causes], [pairs[at][1] for at in effects], {number: {place[at]} for number, at in enumerate(effects)})


def calls(dice: random.Random, count: int) -> Workload:
    """Calls that are waited for: the caller's span encloses the callee's; service times vary widely."""
    pairs = []
    for at in arrivals(dice, count, 120.0 / IN_FLIGHT):
        begun = at + lognormal(dice, 2.0, 0.4)
        ended = begun + lognormal(dice, 100.0, 0.6)
        pairs.append(((at, ended + lognormal(dice, 2.0, 0.4)), (begun, ended)))
    return _told(pairs)


def handed_over(dice: random.Random, count: int, spread: float = 0.12) -> Workload:
    """Asynchronous invocations: a dispatch that varies little, then work that varies much."""
    pairs = []
    for at in arrivals(dice, count, 200.0 / IN_FLIGHT):
        begun = at + lognormal(dice, 20.0, spread)
        pairs.append(((at - 5.0, at), (begun, begun + lognormal(dice, 180.0, 0.5))))
    return _told(pairs)


def queued(dice: random.Random, count: int, workers: int = 4) -> Workload:
    """A queue before a few workers (M/G/c, first come first served) with a little jitter in the hand-over."""
    service_ms = 80.0
    free = [0.0] * workers
    pairs = []
    for at in arrivals(dice, count, service_ms * 1.12 / workers):
        begun = max(at, heapq.heappop(free)) + lognormal(dice, 8.0, 0.2)
        ended = begun + lognormal(dice, service_ms * 0.85, 0.5)
        heapq.heappush(free, ended)
        pairs.append(((at - 3.0, at), (begun, ended)))
    return _told(pairs)


def streamed(dice: random.Random, count: int, batch: int = 5) -> Workload:
    """A shard: one consumer at a time takes up to ``batch`` records, in order."""
    sent = arrivals(dice, count, 20.0)
    effects, truth, taken, now = [], {}, 0, 0.0
    while taken < count:
        now = max(now, sent[taken]) + lognormal(dice, 15.0, 0.2)
        ready = [at for at in range(taken, min(count, taken + batch)) if sent[at] <= now - 4.0] or [taken]
        ended = now + lognormal(dice, 60.0, 0.3)
        truth[len(effects)] = set(ready)
        effects.append((now, ended))
        taken, now = taken + len(ready), ended
    return Workload([(at - 3.0, at) for at in sent], effects, truth)


def in_flight(workload: Workload) -> float:
    """How many requests are between their cause's start and their effect's end, on the average."""
    total = sum(workload.effects[effect][1] - workload.causes[cause][0] for effect, causes in workload.truth.items() for cause in causes)
    return total / (workload.causes[-1][0] - workload.causes[0][0])


def with_losses(dice: random.Random, workload: Workload, share: float = 0.03) -> Workload:
    """Some effects that were never told of, and some that came from elsewhere."""
    kept = [at for at in range(len(workload.effects)) if dice.random() >= share]
    span = workload.effects[-1][0]
    effects = [(workload.effects[at], workload.truth[at]) for at in kept]
    effects += [((begun := dice.uniform(1_000, span), begun + 50.0), set()) for _ in range(int(share * len(kept)))]
    effects.sort(key=lambda one: one[0])
    return Workload(workload.causes, [one for one, _ in effects], {at: causes for at, (_, causes) in enumerate(effects)})
