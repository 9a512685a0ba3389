"""Aggregations: `sum by (route) (...)`, `topk(5, ...)`. Source: Prometheus documentation, "Aggregation operators"."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from coldtrail.server.promql.values import NAME, BadQuery, Floats, Labels, Vector, empty
from coldtrail.server.promql.windows import quantile


def aggregate(name: str, vector: Vector, labels: list[str], *, without: bool, parameter: Floats | None) -> Vector:
    """Return one series for each group of ``vector``'s; `topk` and `bottomk` return members of the groups.

    Raises:
        BadQuery: there is no such aggregation here.
    """
    steps = vector.values.shape[1]
    if name not in _SIMPLE and name not in _WITH_PARAMETER:
        raise BadQuery(f"{name} is not supported; there are {', '.join((*_SIMPLE, *_WITH_PARAMETER))}")
    if not vector.labels:
        return empty(steps)
    groups: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for number, one in enumerate(vector.labels):
        groups.setdefault(tuple(sorted(_kept(one, labels, without=without).items())), []).append(number)
    if name in ("topk", "bottomk"):
        assert parameter is not None
        return _extremes(vector, list(groups.values()), parameter, greatest=name == "topk")
    values, present = np.zeros((len(groups), steps)), np.zeros((len(groups), steps), dtype=bool)
    for row, members in enumerate(groups.values()):
        inside = vector.present[members]
        present[row] = inside.any(axis=0)
        values[row] = _one(name, np.where(inside, vector.values[members], np.nan), parameter)
    return Vector([dict(key) for key in groups], values, present)


def _kept(labels: Labels, names: list[str], *, without: bool) -> Labels:
    if without:
        return {key: value for key, value in labels.items() if key not in names and key != NAME}
    return {key: value for key, value in labels.items() if key in names}


_WITH_PARAMETER = ("quantile", "topk", "bottomk")
_SIMPLE: dict[str, Callable[[Floats], Floats]] = {
    "sum": lambda values: np.nansum(values, axis=0),
    "avg": lambda values: np.nansum(values, axis=0) / np.maximum((~np.isnan(values)).sum(axis=0), 1),
    "min": lambda values: np.fmin.reduce(values, axis=0),
    "max": lambda values: np.fmax.reduce(values, axis=0),
    "count": lambda values: (~np.isnan(values)).sum(axis=0).astype(float),
    "group": lambda values: np.ones(values.shape[1]),
    "stdvar": lambda values: _variance(values),
    "stddev": lambda values: np.sqrt(_variance(values)),
}


def _variance(values: Floats) -> Floats:
    many = np.maximum((~np.isnan(values)).sum(axis=0), 1)
    mean = np.nansum(values, axis=0) / many
    found: Floats = np.nansum((values - mean) ** 2, axis=0) / many
    return found


def _one(name: str, values: Floats, parameter: Floats | None) -> Floats:
    """``values``: members by steps, NaN where a member has none."""
    if name == "quantile":
        assert parameter is not None
        return np.array(
            [quantile(column[~np.isnan(column)], float(q)) for column, q in zip(values.T, parameter, strict=True)]
        )
    return _SIMPLE[name](values)


def _extremes(vector: Vector, groups: list[list[int]], parameter: Floats, *, greatest: bool) -> Vector:
    chosen = np.zeros_like(vector.present)
    for members in groups:
        values = np.where(vector.present[members], vector.values[members], np.nan)
        order = np.argsort(-values if greatest else values, axis=0, kind="stable")
        rank = np.argsort(order, axis=0, kind="stable")
        chosen[members] = (rank < parameter) & ~np.isnan(values)
    rows = np.flatnonzero(chosen.any(axis=1))
    # The greatest first, by the last step that is asked for.
    last = np.where(chosen[rows, -1], vector.values[rows, -1], -np.inf if greatest else np.inf)
    rows = rows[np.argsort(-last if greatest else last, kind="stable")]
    return Vector([vector.labels[row] for row in rows], vector.values[rows], chosen[rows])
