"""The whole fleet as a stream of bodies in order of time."""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from coldtrail_lab.fleet.plan import shapes_of
from coldtrail_lab.fleet.points import SeriesMaker, series_of
from coldtrail_lab.fleet.trails import ShapeMaker

HOUR_S = 3_600.0
MOST_SPANS_A_BODY, LEAST_SPANS_A_BODY = 1_000, 20
BODIES_A_SHAPE = 8
"""At least so many, as far as the least size of a body allows."""
TAIL_S = 5.0
"""What follows from the last trails ends by then."""
SERIES_A_BODY, STEPS_A_BODY = 80, 50
OVERLAP = 40
"""So many bodies' trails overlap in time: every one of the shapes goes on all the time."""


@dataclass(order=True)
class Body:
    """One OTLP/HTTP request. ``at_ns``: when the last of it happens; ``path``: where it is posted."""

    at_ns: int
    path: str = field(compare=False)
    data: bytes = field(compare=False)
    items: int = field(compare=False)


@dataclass
class Fleet:
    """``functions`` whose ``spans`` and ``metric_points`` spread over ``over_s`` seconds until ``until_ns`` (default: now).

    ``reports``: also a `REPORT` line of every invocation. ``ids``: the share of trails that carry request and message ids; the
    others are known by their traces and links alone, and have no lines. Memory is that of a body and of one template a step.
    """

    functions: int = 200
    spans: int = 5_000_000
    metric_points: int = 0
    over_s: float = HOUR_S
    seed: int = 7
    until_ns: int = 0
    reports: bool = True
    ids: float = 1.0

    def __post_init__(self) -> None:
        """Plan it."""
        self.until_ns = self.until_ns or time.time_ns()
        self.shapes = shapes_of(self.functions, self.seed)
        self.series = series_of(self.shapes) if self.metric_points else []

    def bodies(self) -> Iterator[Body]:
        """Yield everything, in order of time; spans, lines and points are each a little more than was asked for."""
        return heapq.merge(self._trails(), self._points())

    @property
    def _since_ns(self) -> int:
        return self.until_ns - int(self.over_s * 1e9)

    def _trails(self) -> Iterator[Body]:
        named, unnamed = ([ShapeMaker(shape, ids=ids) for shape in self.shapes] for ids in (True, False))
        weights = np.array([shape.weight for shape in self.shapes])
        a_body = self.spans // (BODIES_A_SHAPE * len(named))
        a_body = max(LEAST_SPANS_A_BODY, min(MOST_SPANS_A_BODY, a_body))
        span_ns = max(self.over_s - TAIL_S, self.over_s / 2) * 1e9
        spread_ns = int(min(span_ns / 2, OVERLAP * a_body / max(1, self.spans) * span_ns))
        made = number = 0
        while made < self.spans:
            dice = np.random.default_rng((self.seed, number))
            # Every shape once, so that no function is missing; then as often as each happens.
            chosen = number if number < len(named) else int(dice.choice(len(named), p=weights / weights.sum()))
            with_ids = dice.random() < self.ids
            maker = (named if with_ids else unnamed)[chosen]
            count = max(1, min(a_body, self.spans - made) // maker.spans_a_trail)
            since_ns = self._since_ns + int((span_ns - spread_ns) * made / self.spans)
            spans, lines = maker.bodies(dice, count, since_ns, spread_ns)
            yield Body(since_ns + spread_ns, "/v1/traces", spans, count * maker.spans_a_trail)
            if self.reports and with_ids:
                yield Body(since_ns + spread_ns, "/v1/logs", lines, count * maker.lines_a_trail)
            made += count * maker.spans_a_trail
            number += 1

    def _points(self) -> Iterator[Body]:
        if not self.series:
            return
        makers = [SeriesMaker(series) for series in self.series]
        steps = -(-self.metric_points // len(makers))
        step_ns = int(self.over_s * 1e9 / steps)
        for first in range(0, steps, STEPS_A_BODY):
            at = np.arange(first + 1, min(first + STEPS_A_BODY, steps) + 1, dtype=np.int64)
            times_ns = self._since_ns + at * step_ns
            for begin in range(0, len(makers), SERIES_A_BODY):
                dice = np.random.default_rng((self.seed, first, begin, 1))
                some = makers[begin : begin + SERIES_A_BODY]
                data = b"".join(maker.group(dice, times_ns, step_ns) for maker in some)
                yield Body(int(times_ns[-1]), "/v1/metrics", data, len(some) * len(at))
