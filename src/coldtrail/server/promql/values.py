"""What an expression is worth: series of samples before a time is chosen, vectors and scalars after. Times are Unix milliseconds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from msgspec import Struct

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Labels = dict[str, str]

NAME = "__name__"


class BadQuery(ValueError):
    """A query that cannot be answered; the message says why."""


class Line(Struct):
    """One series. ``total``: a counter of which every increase is known, so that nothing has to be extrapolated.

    ``before``: a total's value ahead of its first sample.
    """

    labels: Labels
    times: Ints
    values: Floats
    total: bool = False
    before: float = 0.0


class Vector(Struct):
    """Series over all steps: ``values`` and ``present`` are (series, steps)."""

    labels: list[Labels]
    values: Floats
    present: Bools

    def named(self, labels: list[Labels]) -> Vector:
        """Return the same values under other labels."""
        return Vector(labels, self.values, self.present)

    def without_names(self) -> Vector:
        """Return it without metric names, as what was worked out from a metric is no longer that metric."""
        return self.named([{key: value for key, value in one.items() if key != NAME} for one in self.labels])

    def where(self, present: Bools) -> Vector:
        """Return the samples that are marked as well."""
        return Vector(self.labels, self.values, self.present & present)


def empty(steps: int) -> Vector:
    """Return a vector without series."""
    return Vector([], np.empty((0, steps)), np.empty((0, steps), dtype=bool))


Value = Vector | Floats | str
"""A vector, a scalar (one number a step), or a text."""
