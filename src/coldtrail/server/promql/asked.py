"""What an expression asks for, told without any series: which selectors, and whether it could be evaluated at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coldtrail.server.promql.evaluate import Evaluator, Matcher, parse
from coldtrail.server.promql.values import NAME, Line

_AT_MS = 1_600_000_000_000
"""Any time: there is nothing to find."""


def names_asked(query: str) -> list[str]:
    """Return the names of metrics that an expression asks for by name, in order.

    Raises:
        BadQuery: it is none, or asks for what the evaluator does not have.
    """
    asked: dict[str, None] = {}

    def select(matchers: Sequence[Matcher], since_ms: int, until_ms: int) -> list[Line]:  # noqa: ARG001 - as it is asked
        asked.update({value: None for label, sign, value in matchers if label == NAME and sign == "="})
        return []

    at = np.array([_AT_MS], dtype=np.int64)
    Evaluator(select, at, _AT_MS, _AT_MS).value(parse(query))
    return list(asked)
