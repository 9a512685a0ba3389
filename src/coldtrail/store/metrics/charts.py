"""Charts of metrics: one metric, grouped by labels, over a range in steps. The one door for all who draw or judge metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from msgspec import Struct, field

from coldtrail.store.engine import Engine
from coldtrail.store.metrics.cells import Totals, cells_of
from coldtrail.store.metrics.listed import Exemplar, exemplars_of
from coldtrail.store.metrics.series import CUMULATIVE, Filter, Series, dictionary_of, grouped

Stat = Literal["avg", "sum", "min", "max", "count", "rate", "p50", "p90", "p95", "p99"]
STATS: tuple[str, ...] = get_args(Stat)

MOST_SERIES = 20_000
MOST_LINES = 100
MOST_CELLS = 2_000_000
"""Lines times steps that are kept in memory while a question is answered."""

DISTRIBUTIONS = ("histogram", "exponential_histogram", "summary")


class BadQuestion(ValueError):
    """A chart that cannot be drawn; the message says what to ask instead."""


class Line(Struct):
    """One line of a chart; points are (Unix nanoseconds of the step's beginning, value), steps without data left out."""

    labels: dict[str, str]
    points: list[tuple[int, float]]


class Chart(Struct):
    """What was asked for, and ``label_counts``: by which labels one may group, and into how many.

    ``notes`` say what the figures cannot: percentiles that nobody sent, lines that are not shown.
    """

    name: str
    kind: str
    unit: str
    description: str
    stat: Stat
    step_ns: int
    series: list[Line]
    notes: list[str]
    label_counts: dict[str, int] = field(default_factory=dict)
    exemplars: list[Exemplar] = field(default_factory=list)


def series_of(
    engine: Engine,
    name: str,
    since_ns: int,
    until_ns: int,
    step_ns: int,
    stat: Stat | None = None,
    by: Sequence[str] = (),
    filters: Sequence[Filter] = (),
) -> Chart:
    """Return one metric over ``[since_ns, until_ns)``, a line for each combination of the labels ``by``.

    ``filters``: (label, value) pairs that must all hold; labels are attributes of the point and of its resource by their
    OTLP names, CloudWatch's dimensions by theirs, and `service`. Without a ``stat``: a gauge's average, a sum's rate per
    second, a distribution's average.

    For a gauge `avg`, `min`, `max`, `count` and percentiles are of its points, `sum` adds up each series' average. For a sum
    `sum` is what was added in a step, `rate` that per second. For a distribution all are of the values that were measured,
    percentiles from merged buckets; a summary has no others than it was sent with.

    Reads the hours of the range of that metric alone, 1 M points at a time.

    Raises:
        BadQuestion: the statistic has no meaning for the kind, or there is too much of it.
    """
    found = dictionary_of(engine).series(engine, name, since_ns, filters)
    return chart_of_series(engine, found, name, since_ns, until_ns, step_ns, stat, by)


def chart_of(
    engine: Engine,
    name: str,
    since_ns: int,
    until_ns: int,
    step_ns: int,
    stat: Stat | None = None,
    by: Sequence[str] = (),
    filters: Sequence[Filter] = (),
) -> Chart:
    """Return what `series_of` does, and besides the labels to group by and the greatest exemplar of each step.

    Raises:
        BadQuestion: as `series_of`.
    """
    found = dictionary_of(engine).series(engine, name, since_ns, filters)
    chart = chart_of_series(engine, found, name, since_ns, until_ns, step_ns, stat, by)
    values: dict[str, set[str]] = {}
    for one in found:
        for label in ("service", *one.labels):
            values.setdefault(label, set()).add(one.label(label))
    chart.label_counts = {label: len(many) for label, many in values.items()}
    chart.exemplars = exemplars_of(engine, found, since_ns, until_ns, step_ns)
    return chart


def chart_of_series(
    engine: Engine,
    found: list[Series],
    name: str,
    since_ns: int,
    until_ns: int,
    step_ns: int,
    stat: Stat | None,
    by: Sequence[str],
) -> Chart:
    """Return what `series_of` does, of series that were looked up before."""
    if len(found) > MOST_SERIES:
        raise BadQuestion(f"{len(found)} series: filter, so that at most {MOST_SERIES} are left")
    kind, series, notes = _of_one_kind(found)
    chosen: Stat = stat or ("rate" if kind == "sum" else "avg")
    if kind == "gauge" and chosen == "rate":
        raise BadQuestion(f"{name} is a gauge, which has no rate: ask for avg, sum, min, max, count or a percentile")
    first = series[0] if series else None
    chart = Chart(
        name, kind, first.unit if first else "", first.description if first else "", chosen, step_ns, [], notes
    )
    if not series:
        return chart
    labels, groups = grouped(series, by)
    steps = -(-(until_ns - since_ns) // step_ns)
    if len(labels) * steps > MOST_CELLS:
        raise BadQuestion(f"{len(labels)} lines of {steps} steps: filter, group by less, or take a longer step")
    totals = cells_of(engine, series, groups, len(labels), since_ns, until_ns, step_ns, chosen)
    _draw(chart, labels, totals, since_ns, steps)
    return chart


def _of_one_kind(found: list[Series]) -> tuple[str, list[Series], list[str]]:
    """A name should have one kind; where it has several, the one of most series is drawn."""
    kinds = [_kind(one) for one in found]
    kind = max(set(kinds), key=kinds.count, default="")
    others = sorted(set(kinds) - {kind})
    notes = [f"the name is also a {', '.join(others)}, which is not drawn here"] if others else []
    return kind, [one for one, its in zip(found, kinds, strict=True) if its == kind], notes


def _kind(series: Series) -> str:
    """A running total that may fall is read as a gauge is."""
    falls = series.kind == "sum" and not series.is_monotonic and series.temporality == CUMULATIVE
    return "gauge" if falls else series.kind


def _draw(chart: Chart, labels: list[dict[str, str]], totals: Totals, since_ns: int, steps: int) -> None:
    values = totals.values.reshape(len(labels), steps)
    drawn = ~np.isnan(values)
    weight = np.where(drawn, np.abs(values), 0).sum(axis=1)
    order = [int(line) for line in np.argsort(-weight, kind="stable") if drawn[line].any()]
    if len(order) > MOST_LINES:
        chart.notes.append(f"{MOST_LINES} of {len(order)} lines are shown, those with the greatest values")
    for line in order[:MOST_LINES]:
        at = np.flatnonzero(drawn[line])
        times = (since_ns + at * chart.step_ns).tolist()
        chart.series.append(Line(labels[line], list(zip(times, values[line, at].tolist(), strict=True))))
    chart.notes += totals.notes
