"""How long effects take after their causes: where learning begins, and what each belief teaches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from coldtrail.trails.timing.in_order import LOST, Array

if TYPE_CHECKING:
    from coldtrail.trails.timing.matching import Pairs, Question

LEAST_SPREAD = 0.03
"""No delay is steadier than this: a model that fits a few pairs exactly would shut out all others."""

OFTEN = 20.0
"""How many causes and effects count as much as what is assumed before looking (`LOST`)."""

NEIGHBOURS = 8
"""Effects on each side that tell how long a queue is just now."""


class Model(Struct):
    """What the delays look like: log gaps around ``centre`` (one per effect), and gaps at the end likewise."""

    centre: Array
    spread: float
    end_centre: float
    end_spread: float
    lost: float
    strange: float


def beginnings(question: Question, pairs: Pairs) -> list[Model]:
    """Where to begin to learn: what certain pairs took, or what is usual, the nearest cause, first come first served."""
    size = len(question.effects)
    usual = math.log(question.expected.median_ms + 0.5)
    if question.known_ms:
        known = np.log(np.maximum(np.array(question.known_ms), 0.0) + 0.5)
        centre, spread = _robust(known)
        # Few examples say little of the spread: what is usual counts as five of them.
        spread = math.sqrt((len(known) * spread**2 + 5 * question.expected.spread**2) / (len(known) + 5))
        return [_model(size, centre, spread)]
    found = [_model(size, usual, question.expected.spread)]
    rows = np.where(pairs.allowed, pairs.gap, np.inf)
    nearest = rows.min(axis=1)
    if np.isfinite(nearest).any():
        found.append(_model(size, *_robust(nearest[np.isfinite(nearest)])))
    found.append(_model(size, *_first_come(question)))
    if mode := _mode(pairs):
        found.append(_model(size, mode, 0.25))
    return found


def _model(size: int, centre: float, spread: float) -> Model:
    return Model(np.full(size, centre), max(spread, LEAST_SPREAD), 1.0, 1.5, LOST, LOST)


def _robust(logs: Array) -> tuple[float, float]:
    """Median, and the deviation that a normal distribution with this interquartile range has."""
    low, middle, high = np.percentile(logs, (25, 50, 75))
    return float(middle), float(max((high - low) / 1.349, LEAST_SPREAD))


def _first_come(question: Question) -> tuple[float, float]:
    """Delays if effects came in the order of causes; where more are of one kind, their newest are left over."""
    count = min(len(question.causes), len(question.effects))
    gaps = [max(0.0, question.effects[at].start - question.causes[at].start) for at in range(count)]
    return _robust(np.log(np.array(gaps) + 0.5))


def _mode(pairs: Pairs) -> float | None:
    """The delay that most pairs share: strangers' delays lie anywhere, those of causes and effects heap up."""
    logs = pairs.gap[pairs.allowed]
    if logs.size < 20:
        return None
    gaps = np.exp(logs)
    edges = np.exp(np.linspace(0.0, max(0.1, float(logs.max())) + 1e-6, 60))
    counts, _ = np.histogram(gaps, edges)
    # Strangers are spread evenly over time, so a bin holds as many of them as it is wide.
    width = np.diff(edges)
    rate = counts.sum() / (edges[-1] - edges[0])
    surplus = (counts - rate * width) / np.sqrt(rate * width + 1.0)
    top = int(np.argmax(surplus))
    return float(np.log((edges[top] + edges[top + 1]) / 2))


def learn(question: Question, pairs: Pairs, share: Array, model: Model, drifting: bool) -> None:
    """Move a model towards what a belief says of the delays: each pair counts by its share, certain pairs whole."""
    weight = share.sum()
    if weight < 1.0:
        return
    counted = OFTEN * LOST
    model.lost = (pairs.causes - min(weight, pairs.causes) + counted) / (pairs.causes + OFTEN)
    per_effect = share.sum(axis=1)
    model.strange = float(np.maximum(1 - per_effect, 0.0).sum() + counted) / (len(per_effect) + OFTEN)
    gaps = np.where(pairs.allowed, pairs.gap, 0.0)
    mean = (share * gaps).sum(axis=1) / np.maximum(per_effect, 1e-12)
    if drifting:
        model.centre = _smooth(mean, per_effect)
    else:
        known = np.log(np.maximum(np.array(question.known_ms), 0.0) + 0.5)
        total = (share * gaps).sum() + known.sum()
        model.centre = np.full(len(mean), total / (weight + known.size))
    residual = (share * (gaps - model.centre[:, None]) ** 2).sum()
    if not drifting and question.known_ms:
        residual += ((known - model.centre[0]) ** 2).sum()
        weight += known.size
    model.spread = max(LEAST_SPREAD, math.sqrt((residual + 0.05) / (weight + 1.0)))
    if question.within:
        finite = np.where(pairs.allowed, pairs.end_gap, 0.0)
        mass = share.sum()
        model.end_centre = float((share * finite).sum() / mass)
        spread = (share * (finite - model.end_centre) ** 2).sum()
        model.end_spread = max(LEAST_SPREAD, math.sqrt((spread + 0.05) / (mass + 1.0)))


def _smooth(mean: Array, weight: Array) -> Array:
    """The mean of each effect's neighbours, itself left out."""
    size = len(mean)
    totals = np.concatenate(([0.0], np.cumsum(mean * weight)))
    weights = np.concatenate(([0.0], np.cumsum(weight)))
    low = np.maximum(np.arange(size) - NEIGHBOURS, 0)
    high = np.minimum(np.arange(size) + NEIGHBOURS + 1, size)
    total = totals[high] - totals[low] - mean * weight
    mass = weights[high] - weights[low] - weight
    overall = totals[-1] / max(weights[-1], 1e-12)
    return np.asarray((total + overall) / (mass + 1.0))
