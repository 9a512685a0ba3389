"""What the lab's own resources count, as CloudWatch would keep it: per minute the count, sum, least and most of a metric."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

Dimensions = tuple[tuple[str, str], ...]


@dataclass
class Statistics:
    """A metric of one period. Source: Amazon CloudWatch API reference, "StatisticSet"."""

    count: float = 0.0
    sum: float = 0.0
    min: float = float("inf")
    max: float = float("-inf")

    def add(self, value: float) -> None:
        """Take one value."""
        self.count += 1
        self.sum += value
        self.min = min(self.min, value)
        self.max = max(self.max, value)


@dataclass(frozen=True)
class Metric:
    """Which metric: as CloudWatch names it. ``dimensions`` are in the order in which they were given."""

    namespace: str
    name: str
    unit: str
    dimensions: Dimensions


class Meters:
    """Takes values from any thread and hands over a period's statistics.

    ``watched``: asked before each hand-over, to add what is a state and not an event (a queue's depth).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Metric, Statistics] = {}
        self._levels: dict[tuple[str, str], int] = {}
        self.watched: list[Callable[[], None]] = []

    def add(self, namespace: str, name: str, value: float = 1.0, unit: str = "Count", **dimensions: str) -> None:
        """Take one value of a metric."""
        metric = Metric(namespace, name, unit, tuple(dimensions.items()))
        with self._lock:
            self._kept.setdefault(metric, Statistics()).add(value)

    def shift(self, namespace: str, name: str, change: int) -> None:
        """Raise or lower a level of the whole account; what it rises to is a value."""
        with self._lock:
            level = self._levels[namespace, name] = self._levels.get((namespace, name), 0) + change
        if change > 0:
            self.add(namespace, name, level)

    def take(self) -> dict[Metric, Statistics]:
        """Return what was counted since the last time, and begin anew."""
        for watch in list(self.watched):
            watch()
        with self._lock:
            kept, self._kept = self._kept, {}
        return kept
