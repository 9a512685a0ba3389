"""Which effect belongs to which cause, where only times are known: the likeliest one-to-one assignment.

Every pairing that the constraints allow gets a weight, how likely its delay is against both ends being strangers; what
share of all assignments has a pair is found by belief propagation, and that share is the confidence. Delays are learned
on the way: from pairs that are certain, and from the assignment itself (expectation maximisation, from several
beginnings, the likeliest kept). Sources: Williams and Lau, "Approximate evaluation of marginal association
probabilities with belief propagation" (IEEE Trans. Aerospace and Electronic Systems, 2014); Ashok et al., "TraceWeaver:
Distributed Request Tracing for Microservices Without Application Modification" (SIGCOMM 2024).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from msgspec import Struct

from coldtrail.trails.timing.delays import Model, beginnings, learn
from coldtrail.trails.timing.in_order import (
    LOST,
    Array,
    Belief,
    Flags,
    Indices,
    Limits,
    in_order,
    room_before,
    since_last_end,
)

Order = Literal["kept", "usual", "any"]

SLACK_MS = 2.0
"""Log lines are stamped in whole milliseconds; a clock may differ by as much."""

MOST_CANDIDATES = 48
"""Causes that are weighed for one effect: the newest before it."""

IN_ORDER = 0.8
"""How far the order is trusted where it explains the times: queues keep it roughly."""

KEPT = 0.98
"""How far it is trusted where it is known to be kept, and how many causes each effect had."""

LONGEST_CALL_MS = 1_000.0
"""A cause that lasts longer than this is taken to have sent in its first second."""

ROUNDS = 12
SWEEPS = 24


class Times(Struct, frozen=True):
    """When something began and ended, in milliseconds from any moment; ``end`` None where unknown."""

    start: float
    end: float | None = None


def sent_at(cause: Times) -> float:
    """When a call put its message on a queue or a shard: half-way, as far as one can tell."""
    return cause.start if cause.end is None else cause.start + min(cause.end - cause.start, LONGEST_CALL_MS) / 2


class Delay(Struct, frozen=True):
    """A log-normal delay: the median in ms, and the standard deviation of its logarithm."""

    median_ms: float
    spread: float


class Match(Struct, frozen=True):
    """An effect (by index) and its cause (by index), with the share of all explanations that have the pair."""

    cause: int
    effect: int
    confidence: float


class Question(Struct, frozen=True):
    """Causes and effects of one channel, each in order of start; where order counts, causes as they were `sent_at`.

    ``known_ms``: delays of certain pairs of the channel. ``horizon_ms``: no effect comes later than that after its
    cause. ``within``: an effect ends before its cause does (a call that is waited for). ``order``: effects come in
    the order of their causes (``kept``), may do so (``usual``), or do so by chance alone (``any``). ``limits``: how
    many causes each effect can have (a batch); one, where nothing is said.
    """

    causes: Sequence[Times]
    effects: Sequence[Times]
    expected: Delay
    known_ms: Sequence[float] = ()
    horizon_ms: float = 60_000.0
    within: bool = False
    order: Order = "any"
    limits: Limits | None = None

    @property
    def most(self) -> Limits:
        """How many causes each effect can have."""
        return self.limits or Limits([1] * len(self.effects))


class Pairs(Struct):
    """Pairs that the constraints allow, one row per effect; ``cause`` is -1 where a row is shorter."""

    cause: Indices
    allowed: Flags
    gap: Array
    end_gap: Array
    causes: int


def match(question: Question) -> list[Match]:
    """Return the assignment, in order of effects; effects that fit no cause are left out."""
    if not question.causes or not question.effects:
        return []
    pairs = _pairs(question)
    if not pairs.allowed.any():
        return []
    fits = [_fit(question, pairs, one, drifting) for one in beginnings(question, pairs) for drifting in (False, True)]
    best, _ = max(fits, key=lambda fit: fit[0].evidence)
    if question.order != "any":
        delays = {(round(float(np.median(one.centre)), 2), round(one.spread, 2)) for _, one in fits}
        kept = in_order(
            pairs.cause,
            pairs.allowed,
            np.exp(pairs.gap) - 0.5,
            _room_before(question),
            since_last_end([(one.start, one.start if one.end is None else one.end) for one in question.effects]),
            pairs.causes,
            question.most,
            _rate(question),
            sorted(delays),
        )
        if question.order == "kept" or kept.evidence > best.evidence:
            trust = KEPT if question.order == "kept" and question.most.told else IN_ORDER
            best = Belief(trust * kept.share + (1 - trust) * best.share, kept.evidence)
    return _decide(pairs, best.share, question.most.most)


def _room_before(question: Question) -> Array | None:
    if any(one.end is None for one in question.effects):
        return None
    return room_before([(one.start, one.end or one.start) for one in question.effects])


def _pairs(question: Question) -> Pairs:
    earliest = np.array([one.start for one in question.causes])
    starts = np.array([sent_at(one) for one in question.causes]) if question.order != "any" else earliest
    effects = np.array([one.start for one in question.effects])
    ahead = float(np.max(starts - earliest))
    last = np.searchsorted(starts, effects + SLACK_MS + ahead, side="right")
    width = min(MOST_CANDIDATES * max(question.most.most), max(1, int(last.max())))
    cause = last[:, None] - 1 - np.arange(width)[None, :]
    safe = np.maximum(cause, 0)
    gap = effects[:, None] - starts[safe]
    allowed = (cause >= 0) & (gap <= question.horizon_ms) & (effects[:, None] - earliest[safe] >= -SLACK_MS)
    end_gap = np.zeros_like(gap)
    if question.within:
        ends = np.array([np.inf if one.end is None else one.end for one in question.causes])
        ended = np.array([-np.inf if one.end is None else one.end for one in question.effects])
        end_gap = ends[safe] - ended[:, None]
        allowed &= end_gap >= -SLACK_MS
    return Pairs(np.where(allowed, safe, -1), allowed, _log(gap), _log(end_gap), len(starts))


def _log(gap_ms: Array) -> Array:
    """Logarithms of gaps; what is stamped as before its cause was at once."""
    finite = np.where(np.isfinite(gap_ms), gap_ms, 0.0)
    return np.log(np.maximum(finite, 0.0) + 0.5)


def _fit(question: Question, pairs: Pairs, model: Model, drifting: bool) -> tuple[Belief, Model]:
    """Alternate between believing and learning; ``drifting``: the delay changes slowly, as a queue's length does."""
    model = copy.copy(model)
    model.lost = max(LOST, 1 - sum(question.most.most) / len(question.causes))
    model.strange = max(LOST, 1 - len(question.causes) / len(question.effects))
    belief = _believe(question, pairs, model)
    for _ in range(ROUNDS):
        before = belief.evidence
        learn(question, pairs, belief.share, model, drifting)
        belief = _believe(question, pairs, model)
        if abs(belief.evidence - before) < 1e-3:
            break
    return belief, model


def _believe(question: Question, pairs: Pairs, model: Model) -> Belief:
    belief = _propagate(pairs, _weights(question, pairs, model), np.array(question.most.most))
    strangers = pairs.causes * math.log(model.lost) + len(question.effects) * math.log(model.strange)
    return Belief(belief.share, belief.evidence + strangers)


def _rate(question: Question) -> float:
    """Effects per millisecond."""
    return len(question.effects) / max(question.effects[-1].start - question.effects[0].start, 1.0)


def _weights(question: Question, pairs: Pairs, model: Model) -> Array:
    """How likely each pair is, against its cause being lost and its effect coming from elsewhere."""
    density = _density(pairs.gap, model.centre[:, None], model.spread)
    rate = _rate(question)
    if question.within:
        density = density * _density(pairs.end_gap, model.end_centre, model.end_spread)
        rate = rate / max(1.0, question.horizon_ms / 100)
    odds = density * (1 - model.lost) / (model.lost * model.strange * rate * np.array(question.most.most)[:, None])
    return np.where(pairs.allowed, np.minimum(odds, 1e12), 0.0)


def _density(logs: Array, centre: Array | float, spread: float) -> Array:
    """Log-normal density per ms, with a twentieth of it spread four times as wide: some delays are out of the ordinary."""
    one = np.exp(-0.5 * ((logs - centre) / spread) ** 2) / spread
    wide = np.exp(-0.5 * ((logs - centre) / (4 * spread)) ** 2) / (4 * spread)
    return np.asarray((0.95 * one + 0.05 * wide) / np.exp(logs) / math.sqrt(2 * math.pi))


def _propagate(pairs: Pairs, weights: Array, limits: Indices) -> Belief:
    """Sum-product messages between causes and effects, until they settle (Williams and Lau, algorithm 1)."""
    index = np.maximum(pairs.cause, 0).ravel()
    to_cause = np.ones_like(weights)
    size = pairs.causes
    to_effect = np.zeros_like(weights)
    sums: Array = np.zeros(size)
    for _ in range(SWEEPS):
        carried = weights * to_cause
        sums = np.bincount(index, carried.ravel(), size).astype(np.float64)
        to_effect = weights / (1.0 + np.maximum(sums[pairs.cause] - carried, 0.0))
        total = to_effect.sum(axis=1, keepdims=True)
        others = np.maximum(total - to_effect, 0.0)
        updated = _room(others, limits)
        settled = float(np.abs(updated - to_cause).max()) < 1e-4
        to_cause = updated
        if settled:
            break
    carried = weights * to_cause
    sums = np.bincount(index, carried.ravel(), size).astype(np.float64)
    share = np.where(pairs.allowed, carried / (1.0 + sums[pairs.cause]), 0.0)
    evidence = np.log1p(sums).sum() + np.log1p(to_effect.sum(axis=1)).sum() - np.log1p(to_effect * to_cause).sum()
    return Belief(share, float(evidence))


def _room(others: Array, limits: Indices) -> Array:
    """How likely an effect still has room for one more cause, when the others want it so much.

    Poisson: that fewer than its limit have it, against that many at most; 1 / (1 + others) for a limit of one.
    """
    term = np.ones_like(others)
    below = np.zeros_like(others)
    at_most = np.zeros_like(others)
    for count in range(int(limits.max()) + 1):
        below += np.where(limits[:, None] > count, term, 0.0)
        at_most += np.where(limits[:, None] >= count, term, 0.0)
        term = term * others / (count + 1)
    return np.asarray(below / at_most)


def _decide(pairs: Pairs, share: Array, most: Sequence[int]) -> list[Match]:
    """The pairs with the largest shares first, each cause once and each effect up to its limit."""
    rows, columns = np.nonzero(share > 0.05)
    values = share[rows, columns]
    taken: set[int] = set()
    room: dict[int, int] = {}
    found = []
    for at in np.lexsort((columns, rows, -values)):
        effect, cause = int(rows[at]), int(pairs.cause[rows[at], columns[at]])
        if cause in taken or room.get(effect, 0) >= most[effect]:
            continue
        taken.add(cause)
        room[effect] = room.get(effect, 0) + 1
        found.append(Match(cause, effect, float(min(values[at], 1.0))))
    return sorted(found, key=lambda one: (one.effect, one.cause))
