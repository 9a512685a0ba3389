"""Operators between scalars and vectors. Source: Prometheus documentation, "Operators", "Vector matching"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from msgspec import Struct

from coldtrail.server.promql.values import NAME, BadQuery, Floats, Labels, Value, Vector, empty

ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.true_divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARISON: dict[str, Callable[[Any, Any], Any]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}


class Matching(Struct):
    """How series of both sides find each other. ``labels`` None: all of them. ``many``: "left", "right" or "" (one to one)."""

    labels: list[str] | None = None
    on: bool = False
    many: str = ""
    include: tuple[str, ...] = ()

    def key(self, labels: Labels) -> tuple[tuple[str, str], ...]:
        """What must be equal on both sides."""
        if self.on:
            return tuple((name, labels.get(name, "")) for name in sorted(self.labels or []))
        left_out = {NAME, *(self.labels or [])}
        return tuple(sorted((name, value) for name, value in labels.items() if name not in left_out))


def operate(operator: str, left: Value, right: Value, matching: Matching, *, as_bool: bool) -> Value:
    """Return what an operator makes of two values.

    Raises:
        BadQuery: texts, or series that match several others.
    """
    if isinstance(left, str) or isinstance(right, str):
        raise BadQuery(f"a text cannot stand beside {operator}")
    with np.errstate(all="ignore"):
        if isinstance(left, Vector) and isinstance(right, Vector):
            return _vectors(operator, left, right, matching, as_bool=as_bool)
        if isinstance(left, Vector):
            return _with_scalar(operator, left, left.values, right, as_bool=as_bool)
        if isinstance(right, Vector):
            return _with_scalar(operator, right, left, right.values, as_bool=as_bool)
        found: Floats = _apply(operator, left, right).astype(float)
        return found


def _apply(operator: str, left: Any, right: Any) -> Any:
    return (ARITHMETIC.get(operator) or COMPARISON[operator])(left, right)


def _with_scalar(operator: str, vector: Vector, left: Any, right: Any, *, as_bool: bool) -> Vector:
    """One side is the vector's values, the other a scalar."""
    found = np.broadcast_to(_apply(operator, left, right), vector.values.shape)
    if operator in COMPARISON and not as_bool:
        return vector.where(found)
    return Vector(vector.labels, found.astype(float), vector.present).without_names()


def _vectors(operator: str, left: Vector, right: Vector, matching: Matching, *, as_bool: bool) -> Vector:
    if operator in ("and", "or", "unless"):
        return _sets(operator, left, right, matching)
    flipped = matching.many == "right"
    many, one = (right, left) if flipped else (left, right)
    partners: dict[tuple[tuple[str, str], ...], int] = {}
    for number, labels in enumerate(one.labels):
        key = matching.key(labels)
        if key in partners and (one.present[partners[key]] & one.present[number]).any():
            raise BadQuery(
                "found duplicate series for a match on the one side of an operation: many-to-many matching not allowed"
            )
        partners.setdefault(key, number)
    rows = [(row, partners[key]) for row, labels in enumerate(many.labels) if (key := matching.key(labels)) in partners]
    if not rows:
        return empty(left.values.shape[1])
    mine, theirs = [row for row, _ in rows], [row for _, row in rows]
    a, b = many.values[mine], one.values[theirs]
    found = _apply(operator, b, a) if flipped else _apply(operator, a, b)
    present = many.present[mine] & one.present[theirs]
    filters = operator in COMPARISON and not as_bool
    results = [_result(many.labels[row], one.labels[other], matching, keep_name=filters) for row, other in rows]
    if not matching.many and len({tuple(sorted(each.items())) for each in results}) < len(results):
        raise BadQuery("multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)")
    if filters:
        return Vector(results, b if flipped else a, present & found)
    return Vector(results, found.astype(float), present)


def _result(many: Labels, one: Labels, matching: Matching, *, keep_name: bool) -> Labels:
    kept = {key: value for key, value in many.items() if keep_name or key != NAME}
    if not matching.many:
        if matching.on:
            return {
                key: value
                for key, value in kept.items()
                if key in (matching.labels or []) or (keep_name and key == NAME)
            }
        return {key: value for key, value in kept.items() if key not in (matching.labels or [])}
    told = {name: one[name] for name in matching.include if name in one}
    return {key: value for key, value in kept.items() if key not in matching.include} | told


def _sets(operator: str, left: Vector, right: Vector, matching: Matching) -> Vector:
    steps = left.values.shape[1]
    other, basis = (right, left) if operator != "or" else (left, right)
    there: dict[tuple[tuple[str, str], ...], Any] = {}
    for labels, present in zip(other.labels, other.present, strict=True):
        key = matching.key(labels)
        there[key] = there.get(key, np.zeros(steps, dtype=bool)) | present
    none = np.zeros(steps, dtype=bool)
    found = [there.get(matching.key(labels), none) for labels in basis.labels]
    marks = np.array(found, dtype=bool).reshape(len(found), steps)
    if operator == "and":
        return left.where(marks)
    if operator == "unless":
        return left.where(~marks)
    more = right.where(~marks)
    return Vector(
        [*left.labels, *more.labels],
        np.concatenate((left.values, more.values)),
        np.concatenate((left.present, more.present)),
    )
