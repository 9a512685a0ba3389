"""Functions of vectors and scalars. Source: Prometheus documentation, "Query functions"."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import re2

from coldtrail.server.promql.values import NAME, BadQuery, Floats, Ints, Labels, Vector, empty

QUIET = re2.Options()
QUIET.log_errors = False
"""Prometheus has the same engine of regular expressions, which takes linear time whatever the pattern."""

MATHEMATICS: dict[str, Callable[[Any], Any]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "floor": np.floor,
    "exp": np.exp,
    "ln": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "sgn": np.sign,
    "deg": np.degrees,
    "rad": np.radians,
}

_DATES: dict[str, Callable[[Any], Any]] = {
    "minute": lambda at: at.astype("datetime64[m]").astype(int) % 60,
    "hour": lambda at: at.astype("datetime64[h]").astype(int) % 24,
    "day_of_week": lambda at: (at.astype("datetime64[D]").astype(int) + 4) % 7,
    "day_of_month": lambda at: (at.astype("datetime64[D]") - at.astype("datetime64[M]")).astype(int) + 1,
    "month": lambda at: at.astype("datetime64[M]").astype(int) % 12 + 1,
    "year": lambda at: at.astype("datetime64[Y]").astype(int) + 1970,
}
DATES = frozenset(_DATES)


def mathematics(name: str, vector: Vector) -> Vector:
    """Return a vector with a function applied to each value."""
    with np.errstate(all="ignore"):
        return Vector(vector.labels, MATHEMATICS[name](vector.values), vector.present).without_names()


def date(name: str, vector: Vector) -> Vector:
    """Return a part of the date, in UTC, of values that are Unix seconds."""
    seconds = np.nan_to_num(vector.values).astype("int64").astype("datetime64[s]")
    return Vector(vector.labels, _DATES[name](seconds).astype(float), vector.present).without_names()


def clamp(vector: Vector, least: Floats | None, greatest: Floats | None) -> Vector:
    """Return values no less and no greater than the bounds; none where the bounds cross."""
    values = vector.values
    if least is not None:
        values = np.maximum(values, least)
    if greatest is not None:
        values = np.minimum(values, greatest)
    present = vector.present
    if least is not None and greatest is not None:
        present = present & (least <= greatest)
    return Vector(vector.labels, values, present).without_names()


def rounded(vector: Vector, nearest: Floats) -> Vector:
    """Return values rounded to a multiple, halves up."""
    with np.errstate(all="ignore"):
        values = np.floor(vector.values / nearest + 0.5) * nearest
    return Vector(vector.labels, values, vector.present).without_names()


def absent(vector: Vector, labels: Labels) -> Vector:
    """Return 1 at the steps where the vector has nothing."""
    steps = vector.values.shape[1]
    nothing = np.logical_not(vector.present.any(axis=0)).reshape(1, steps)
    return Vector([labels], np.ones((1, steps)), nothing)


def to_scalar(vector: Vector) -> Floats:
    """Return the value of the only series at each step, NaN where there are none or several."""
    alone = vector.present.sum(axis=0) == 1
    values = np.where(vector.present, vector.values, 0.0).sum(axis=0) if len(vector.labels) else 0.0
    found: Floats = np.where(alone, values, np.nan)
    return found


def ordered(vector: Vector, *, descending: bool) -> Vector:
    """Return the series by their values at the last step."""
    last = np.where(vector.present[:, -1], vector.values[:, -1], -np.inf if descending else np.inf)
    rows = np.argsort(-last if descending else last, kind="stable")
    return Vector([vector.labels[row] for row in rows], vector.values[rows], vector.present[rows])


def label_replace(vector: Vector, target: str, replacement: str, source: str, pattern: str) -> Vector:
    """Return series with a label made from another where a pattern matches all of it.

    Raises:
        BadQuery: the pattern is no regular expression, or the label no name.
    """
    _check_label(target)
    try:
        matches = re2.compile(rf"(?s:{pattern})", QUIET)
    except re2.error as error:
        raise BadQuery(f"invalid regular expression in label_replace: {error}") from None
    template = re.sub(r"\$(\w+|\{\w+\})", lambda one: f"\\g<{one[1].strip('{}')}>", replacement.replace("\\", r"\\"))
    labels = []
    for one in vector.labels:
        found = matches.fullmatch(one.get(source, ""))
        try:
            made = found.expand(template) if found else None
        except (re2.error, re.error, IndexError) as error:
            raise BadQuery(f"invalid replacement in label_replace: {error}") from None
        labels.append(one if made is None else _set(one, target, made))
    return vector.named(labels)


def label_join(vector: Vector, target: str, separator: str, sources: list[str]) -> Vector:
    """Return series with a label made from others.

    Raises:
        BadQuery: the label is no name.
    """
    _check_label(target)
    return vector.named(
        [_set(one, target, separator.join(one.get(name, "") for name in sources)) for one in vector.labels]
    )


def _check_label(name: str) -> None:
    if not re.fullmatch(r"[a-zA-Z_]\w*", name, re.ASCII):
        raise BadQuery(f'"{name[:60]}" is no name of a label')


def _set(labels: Labels, name: str, value: str) -> Labels:
    rest = {key: one for key, one in labels.items() if key != name}
    return {**rest, name: value} if value else rest


def histogram_quantile(q: Floats, vector: Vector) -> Vector:
    """Return a quantile of each histogram, from its `_bucket` series: evenly spread within a bucket."""
    steps = vector.values.shape[1]
    groups: dict[tuple[tuple[str, str], ...], list[tuple[float, int]]] = {}
    for row, labels in enumerate(vector.labels):
        try:
            bound = float(labels.get("le", ""))
        except ValueError:
            continue
        key = tuple(sorted((name, value) for name, value in labels.items() if name not in ("le", NAME)))
        groups.setdefault(key, []).append((bound, row))
    found = [(dict(key), _quantiles(q, vector, sorted(buckets))) for key, buckets in groups.items()]
    found = [(labels, values) for labels, values in found if values is not None]
    if not found:
        return empty(steps)
    values = np.array([one for _, one in found])
    return Vector([labels for labels, _ in found], values, ~np.isnan(values))


def _quantiles(q: Floats, vector: Vector, buckets: list[tuple[float, int]]) -> Floats | None:
    """Of one histogram, a quantile a step; None without a bucket for all."""
    bounds = np.array([bound for bound, _ in buckets])
    if len(bounds) < 2 or not np.isinf(bounds[-1]):
        return None
    rows = [row for _, row in buckets]
    # Buckets that are missing at a step, or lost some counts to the way they were worked out, have at least what is below.
    upto: Ints | Any = np.maximum.accumulate(np.where(vector.present[rows], vector.values[rows], 0.0), axis=0)
    total = upto[-1]
    rank = q * total
    at = np.minimum((upto < rank).sum(axis=0), len(bounds) - 1)
    steps = np.arange(len(q))
    with np.errstate(all="ignore"):
        below = np.where(at > 0, upto[np.maximum(at - 1, 0), steps], 0.0)
        low = np.where(at > 0, bounds[np.maximum(at - 1, 0)], 0.0)
        high, inside = bounds[at], upto[at, steps] - below
        value = low + (high - low) * (rank - below) / inside
        value = np.where((at == 0) & (bounds[0] <= 0), bounds[0], value)
        value = np.where(at == len(bounds) - 1, bounds[-2], value)
        value = np.where(q < 0, -np.inf, np.where(q > 1, np.inf, value))
    found: Floats = np.where(total > 0, value, np.nan)
    return found
