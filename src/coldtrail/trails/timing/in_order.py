"""Effects in the order of their causes: queues that serve first come first, shards, FIFO groups.

The order tells more than delays do where a queue's length changes all the time. All assignments that keep it are summed
up exactly (dynamic programming, forwards and backwards, as for a hidden Markov model: L. Rabiner, "A tutorial on hidden
Markov models", Proc. IEEE, 1989). A consumer that has room takes what is there, so a cause that was there and was left
is evidence against an assignment; how soon something is there (the hand-over) is found by trying.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]

LOST = STRANGE = 0.02
"""Which share of the causes has no effect among those seen, and of the effects no cause, before looking."""

SPEAKS_FOR_ITSELF = 0.3
"""By how much an effect's time must be better explained by steady delays than by the order, to give the order up."""

LEFT_BEHIND = 0.03
"""How likely a consumer with room leaves something that is there."""

OFTEN_FULL = 0.2
"""Which share of the starts must reach the limit for it to be one."""

FEWEST = 5
FOREVER_MS = 1e9
HAND_OVERS_MS = tuple(1.5**at for at in range(13))
HAND_OVER_SPREAD = 0.35

CONTINUES_MS = 60.0
"""A start so soon after an end is a consumer that took the next: it tells of no pause."""

PAUSES_MS = tuple(16.0 * 3**at for at in range(8))
SEEN_LATE_MS = 40.0
"""What was sent this shortly before a consumer looked may not have been there yet."""


class Limits(Struct, frozen=True):
    """How many causes each effect can have; ``told``: how many it had, as it says itself.

    ``strange``: which share of them came from elsewhere (again, after a failure), ``lost``: which share of causes has no
    effect in its place, where that is known.
    """

    most: Sequence[int]
    told: bool = False
    strange: float = STRANGE
    lost: float = LOST


class Belief(Struct):
    """For each pair the share of all assignments that have it, and the logarithm of how likely the times are in all."""

    share: Array
    evidence: float


def in_order(
    cause: Indices,
    allowed: Flags,
    gap_ms: Array,
    room_ms: Array | None,
    since_ms: Array,
    causes: int,
    limits: Limits,
    rate: float,
    delays: Sequence[tuple[float, float]],
) -> Belief:
    """Return the belief in pairs of effect (row) and cause (the index in ``cause``), by the likeliest hand-over.

    ``gap_ms``: how long after its cause an effect began. ``room_ms``: how long there had been room for an effect when it
    began (None where that is not known), ``since_ms``: how long ago the last effect had ended. ``rate``: effects per ms.
    ``delays``: centres and spreads of the logarithm of delays (ms) that there may be. O(effects * causes * most that
    one takes).
    """
    row, column = np.nonzero(allowed)
    gaps = np.full((len(cause), causes), -1.0)
    gaps[row, cause[row, column]] = np.maximum(gap_ms[row, column], 0.0)
    tried = [_sum_up(gaps, np.ones_like(gaps), one, limits) for one in HAND_OVERS_MS[::3]]
    if room_ms is not None:
        tried += [_sum_up(gaps, _begins(gaps, room_ms, one, rate), one / 3, limits) for one in HAND_OVERS_MS]
    tried += [_sum_up(gaps, _wakes(gaps, since_ms, one, rate), 1.0, limits) for one in PAUSES_MS]
    tried += [_sum_up(gaps, _lasts(gaps, centre, spread, rate), HAND_OVERS_MS[0], limits) for centre, spread in delays]
    best = max(tried, key=lambda belief: belief.evidence)
    found = np.zeros(cause.shape)
    found[row, column] = np.minimum(best.share[row, cause[row, column]], 1.0)
    return Belief(found, best.evidence + SPEAKS_FOR_ITSELF * len(gaps))


def _there(gaps: Array, hand_over_ms: float) -> Array:
    """How likely something is there for a consumer, so long after it was sent."""
    bend = np.clip((np.log(np.maximum(gaps, 0.01)) - math.log(hand_over_ms)) / (HAND_OVER_SPREAD * 0.55), -60, 60)
    return np.where(gaps >= 0, 1 / (1 + np.exp(-bend)), 0.0)


def room_before(times: Sequence[tuple[float, float]]) -> Array | None:
    """Return for each (start, end), in order of start, how long there had been room for one more when it began.

    What a fifth of the starts reach is taken for the limit of how many run at once; None for less than a few starts.
    """
    running: list[list[float]] = []
    ends: list[float] = []
    for start, end in times:
        ends = [one for one in ends if one > start]
        running.append(ends)
        ends = [*ends, end]
    counts = sorted(len(before) + 1 for before in running)
    if len(counts) < FEWEST:
        return None
    limit = counts[-max(1, int(OFTEN_FULL * len(counts)))]
    room, free_since = [], -math.inf
    for (start, end), before in zip(times, running, strict=True):
        room.append(min(max(0.0, start - free_since), FOREVER_MS))
        if len(before) + 1 >= limit:
            free_since = sorted([*before, end])[len(before) + 1 - limit]
    return np.array(room)


def _begins(gaps: Array, room_ms: Array, hand_over_ms: float, rate: float) -> Array:
    """How much likelier an effect begins just then: a hand-over after its cause was there and there was room for it."""
    waited = np.log(np.maximum(np.minimum(gaps, room_ms[:, None]), 0.1))
    far = (waited - math.log(hand_over_ms)) / HAND_OVER_SPREAD
    density = np.exp(-0.5 * far**2 - waited) / (HAND_OVER_SPREAD * math.sqrt(2 * math.pi))
    return np.asarray(0.9 * density / rate + 0.1)


def since_last_end(times: Sequence[tuple[float, float]]) -> Array:
    """Return for each (start, end), in order of start, how long before it any other had ended last; at least 0."""
    ends = np.sort(np.array([end for _, end in times]))
    starts = np.array([start for start, _ in times])
    before = np.searchsorted(ends, starts, side="right") - 1
    return np.where(before >= 0, starts - ends[np.maximum(before, 0)], FOREVER_MS)


def _wakes(gaps: Array, since_ms: Array, pause_ms: float, rate: float) -> Array:
    """How much likelier an effect begins just then, if consumers that found nothing look again after at most a pause.

    Then the first that it took came after the last look, which found nothing, and within the pause. What follows at once
    on an end says nothing: there was more to take.
    """
    within = np.minimum(pause_ms, since_ms + SEEN_LATE_MS)[:, None]
    fits = (gaps >= 0) & (gaps <= within)
    density = np.where(fits, (1 - LEFT_BEHIND) / (within * rate), LEFT_BEHIND)
    return np.where(since_ms[:, None] <= CONTINUES_MS, 1.0, density)


def _lasts(gaps: Array, centre: float, spread: float, rate: float) -> Array:
    """How much likelier an effect begins just then, where delays are usually so long: a log-normal density."""
    logs = np.log(np.maximum(gaps, 0.0) + 0.5)
    density = np.exp(-0.5 * ((logs - centre) / spread) ** 2 - logs) / (spread * math.sqrt(2 * math.pi))
    return np.asarray(0.9 * density / rate + 0.1)


def _sum_up(gaps: Array, likelier: Array, hand_over_ms: float, limits: Limits) -> Belief:
    """Forwards: ``taken[effect, count, decided]`` sums up what leads to so many causes decided, ``count`` by this effect.

    ``likelier``: how much likelier the first of them makes it that the effect begins just then. A cause that has no
    effect is decided when the next one is taken, or at the end, so that each way is counted once.
    """
    effects, causes = gaps.shape
    there = _there(gaps, hand_over_ms)
    rest = there * (1 - limits.lost) / limits.lost
    first = rest * likelier
    closing = np.ones((effects, causes + 1))
    closing[:, :-1] = 1 - (1 - LEFT_BEHIND) * there
    taken = np.zeros((effects, max(limits.most) + 1, causes + 1))
    before, scale = np.zeros(causes + 1), 0.0
    before[0] = 1.0
    scales = np.zeros(effects)
    for at in range(effects):
        runs, scales[at] = taken[at], scale
        runs[0] = before
        limit = limits.most[at]
        for count in range(limit):
            odds = rest[at] if count else first[at]
            runs[count + 1, 1:] = odds * np.cumsum(runs[count, :-1])
        if limits.told:
            before = (runs[: limit + 1] * _short(limit, limits.strange)[:, None]).sum(axis=0)
        else:
            before = (STRANGE * runs[0] + runs[1:limit].sum(axis=0)) * closing[at] + runs[limit]
        top = before.max()
        before = before / top
        scale += math.log(top)
    whole = scale + math.log(before.sum())
    strangers = causes * math.log(limits.lost)
    return Belief(_shares(first, rest, closing, taken, limits, scales, whole), whole + strangers)


def _short(limit: int, strange: float) -> Array:
    """What it costs that some of the units that an effect says it had came from somewhere else, by how many did not."""
    return np.asarray(strange ** np.arange(limit, -1, -1, dtype=np.float64))


def _shares(
    first: Array, rest: Array, closing: Array, taken: Array, limits: Limits, scales: Array, whole: float
) -> Array:
    """Backwards: what follows from each point, and so the share of each pair in all that there is."""
    effects, causes = rest.shape
    share = np.zeros((effects, causes))
    after, scale = np.ones(causes + 1), 0.0
    for at in range(effects - 1, -1, -1):
        follows = after
        limit = limits.most[at]
        short = _short(limit, limits.strange)
        factor = math.exp(min(700.0, scales[at] + scale - whole))
        for count in range(limit - 1, -1, -1):
            worth = (rest[at] if count else first[at]) * follows[1:]
            share[at] += np.cumsum(taken[at, count, :-1]) * worth * factor
            ended = after * short[count] if limits.told else after * closing[at] * (1.0 if count else STRANGE)
            follows = ended
            follows[:-1] += np.cumsum(worth[::-1])[::-1]
        top = follows.max()
        after = follows / top
        scale += math.log(top)
    return share
