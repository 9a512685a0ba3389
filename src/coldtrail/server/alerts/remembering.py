"""Series for PromQL of alerts, read once a round however many alerts ask for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from coldtrail.server.prometheus.names import Exposed
from coldtrail.server.prometheus.series import Selection
from coldtrail.server.promql.evaluate import Matcher
from coldtrail.server.promql.values import Line
from coldtrail.store.engine import Engine
from coldtrail.store.red import Grouping

DAY_MS = 24 * 3_600_000


class Remembering(Selection):
    """A selection that reads the names, and each series, once a round."""

    def __init__(self, engine: Engine, until_ms: int) -> None:
        super().__init__(engine)
        self._until_ms = until_ms
        self._names: list[Exposed] = []
        self._lines: dict[Any, list[Line]] = {}
        self._red_read: dict[Any, list[Line]] = {}

    def names(self, since_ms: int) -> list[Exposed]:
        """Return every name of the last day or longer."""
        self._names = self._names or super().names(min(since_ms, self._until_ms - DAY_MS))
        return self._names

    def lines(self, matchers: Sequence[Matcher], since_ms: int, until_ms: int) -> list[Line]:
        """Return the series that match."""
        key = (tuple(matchers), since_ms, until_ms)
        if key not in self._lines:
            self._lines[key] = super().lines(matchers, since_ms, until_ms)
        return self._lines[key]

    def _red_lines(self, name: str, grouping: Grouping, since_ms: int, until_ms: int) -> Iterable[Line]:
        """One read answers every service that alerts ask about by name; buckets are too many to be kept."""
        if name.endswith("_bucket"):
            return super()._red_lines(name, grouping, since_ms, until_ms)
        key = (name, grouping, since_ms, until_ms)
        if key not in self._red_read:
            self._red_read[key] = list(super()._red_lines(name, grouping, since_ms, until_ms))
        return self._red_read[key]
