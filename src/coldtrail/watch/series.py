"""What an objective counts, as a series of its own: objectives over the same events share one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec
import xxhash
from msgspec import Struct

from coldtrail.model.objectives import MetricsSli, Objective, OutcomesSli, RequestsSli, Sli
from coldtrail.store.sli.events import Counted, Source

From = Source | Literal["outcome", "metric"]

Key = tuple[str, ...]
"""What is asked for of a row of `Counted`: `service` and a name, `entry`, a method and a route, ..."""


class Series(Struct, frozen=True):
    """One series of good and valid events by minute. ``id`` is the same wherever the same is counted."""

    id: int
    source: From
    key: Key
    threshold_ms: float | None
    synthetic: bool
    sli: Sli

    @property
    def name(self) -> str:
        """What the source is asked for by name, "" where it is told apart later."""
        return self.key[1] if self.source in ("service", "function") else ""


def series_of(objective: Objective) -> Series:
    """Return the series that an objective counts."""
    sli = objective.sli
    told = msgspec.json.encode((sli, objective.synthetic))
    source, key = _asked(sli)
    threshold_ms = None if isinstance(sli, OutcomesSli | MetricsSli) else sli.faster_than_ms
    return Series(xxhash.xxh64_intdigest(told), source, key, threshold_ms, objective.synthetic, sli)


def _asked(sli: Sli) -> tuple[From, Key]:
    if isinstance(sli, OutcomesSli):
        return "outcome", ("outcome", sli.workflow)
    if isinstance(sli, MetricsSli):
        return "metric", ("metric",)
    if not isinstance(sli, RequestsSli):
        return "trail", ("trail", sli.service, sli.name)
    if sli.of == "entry":
        method, _, route = sli.scope.partition(" ")
        return "entry", ("entry", method.upper(), route)
    if sli.of == "route":
        return "entry", ("route", sli.scope)
    return sli.of, (sli.of, sli.scope)


def _keys(source: Source, name: tuple[str, ...]) -> Iterator[Key]:
    if source == "entry":
        yield ("entry", *name)
        yield ("route", name[1])
    elif source == "trail":
        for service in (name[0], ""):
            for named in (name[1], ""):
                yield ("trail", service, named)
    else:
        yield (source, *name)


Tally = dict[tuple[int, int], list[float]]
"""Series and minute (Unix seconds): good and valid events."""


def tally(source: Source, rows: Iterable[Counted], series: Iterable[Series]) -> Tally:
    """Return what the rows of a source come to for each series."""
    asked: dict[Key, list[Series]] = {}
    for one in series:
        asked.setdefault(one.key, []).append(one)
    found: Tally = {}
    for row in rows:
        for key in _keys(source, row.name):
            for one in asked.get(key, ()):
                _add(found.setdefault((one.id, row.minute_s), [0.0, 0.0]), one.threshold_ms, row)
    return found


def _add(sums: list[float], threshold_ms: float | None, row: Counted) -> None:
    answered = row.count - row.failed
    if threshold_ms is None:
        sums[0] += answered
        sums[1] += row.count
        return
    sums[0] += answered if row.least_ms < threshold_ms else 0
    sums[1] += answered
