"""An expression's value at each of a row of times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import promql_parser as parser

from coldtrail.server.promql import binary, functions, windows
from coldtrail.server.promql.aggregate import aggregate
from coldtrail.server.promql.binary import Matching, operate
from coldtrail.server.promql.values import NAME, BadQuery, Floats, Ints, Labels, Line, Value, Vector, empty

LOOKBACK_MS = 5 * 60 * 1000
"""How old a sample may be to be a series' value. Source: Prometheus documentation, "Staleness"."""

MOST_STEPS = 11_000
DEEPEST = 50
"""Levels of an expression."""

Matcher = tuple[str, str, str]
"""A label, `=`, `!=`, `=~` or `!~`, and the value or pattern."""

Select = Callable[[Sequence[Matcher], int, int], list[Line]]
"""Returns the series that match, with their samples from one Unix millisecond up to another."""


def parse(query: str) -> Any:
    """Return the parsed expression.

    Raises:
        BadQuery: it is no PromQL; says where.
    """
    try:
        return parser.parse(query)
    except ValueError as error:
        raise BadQuery(str(error)) from None


def matchers_of(selector: Any) -> list[Matcher]:
    """Return what a selector asks of labels, the metric's name among them.

    Raises:
        BadQuery: it has alternatives, which Prometheus does not have either.
    """
    if selector.matchers.or_matchers:
        raise BadQuery("`or` between matchers is not supported")
    found = [(one.name, _sign(one.op), one.value) for one in selector.matchers.matchers]
    return [(NAME, "=", selector.name), *found] if selector.name else found


def _sign(operator: Any) -> str:
    kinds = parser.MatchOp
    signs = ((kinds.Equal, "="), (kinds.NotEqual, "!="), (kinds.Re, "=~"), (kinds.NotRe, "!~"))
    return next(sign for kind, sign in signs if operator == kind)


class Evaluator:
    """Evaluates expressions at ``at`` (Unix milliseconds, ascending); ``start_ms`` and ``end_ms`` are the whole query's."""

    def __init__(self, select: Select, at: Ints, start_ms: int, end_ms: int) -> None:
        self._select = select
        self._at = at
        self._bounds = (start_ms, end_ms)
        self._level = 0

    def value(self, node: Any) -> Value:
        """Return a vector, a scalar at each time, or a text.

        Raises:
            BadQuery: the expression asks for what there is not.
        """
        self._level += 1
        if self._level > DEEPEST:
            raise BadQuery(f"the expression is deeper than {DEEPEST} levels")
        try:
            return self._value(node)
        finally:
            self._level -= 1

    def _value(self, node: Any) -> Value:
        if isinstance(node, parser.NumberLiteral):
            return np.full(len(self._at), float(node.val))
        if isinstance(node, parser.StringLiteral):
            return str(node.val)
        if isinstance(node, parser.ParenExpr):
            return self.value(node.expr)
        if isinstance(node, parser.UnaryExpr):
            return operate("*", np.full(len(self._at), -1.0), self.value(node.expr), Matching(), as_bool=False)
        if isinstance(node, parser.VectorSelector):
            return self._instant(node)
        if isinstance(node, parser.AggregateExpr):
            return self._aggregate(node)
        if isinstance(node, parser.BinaryExpr):
            return self._binary(node)
        if isinstance(node, parser.Call):
            return self._call(node)
        raise BadQuery("a range such as [5m] stands only in a function such as rate()")

    def vector(self, node: Any) -> Vector:
        """Return the value of an expression that must be a vector."""
        value = self.value(node)
        if not isinstance(value, Vector):
            raise BadQuery("expected a vector, got a scalar or a text")
        return value

    def scalar(self, node: Any) -> Floats:
        """Return the value of an expression that must be a scalar."""
        value = self.value(node)
        if isinstance(value, Vector | str):
            raise BadQuery("expected a scalar, got a vector or a text")
        return value

    def text(self, node: Any) -> str:
        """Return the value of an expression that must be a text."""
        value = self.value(node)
        if not isinstance(value, str):
            raise BadQuery("expected a text")
        return value

    def _times(self, node: Any) -> Ints:
        """When a selector is asked: each step, moved by `offset`, or pinned by `@`."""
        at = self._at
        if node.at is not None:
            kinds = parser.AtModifierType
            pinned = ((kinds.Start, self._bounds[0]), (kinds.End, self._bounds[1]))
            fixed = next((ms for kind, ms in pinned if node.at.type == kind), None)
            at = np.full(len(at), int(node.at.at.timestamp() * 1000) if fixed is None else fixed)
        return at - (int(node.offset.total_seconds() * 1000) if node.offset else 0)

    def _instant(self, node: Any) -> Vector:
        at = self._times(node)
        lines = self._select(matchers_of(node), int(at.min()) - LOOKBACK_MS, int(at.max()))
        return instant(lines, at)

    def _lines(self, node: Any) -> tuple[list[Line], Ints, int]:
        """The samples that a range selector or a subquery needs, the times, and the range in milliseconds."""
        if isinstance(node, parser.ParenExpr):
            return self._lines(node.expr)
        if isinstance(node, parser.MatrixSelector):
            selector, range_ms = node.vector_selector, int(node.range.total_seconds() * 1000)
            at = self._times(selector)
            return self._select(matchers_of(selector), int(at.min()) - range_ms, int(at.max())), at, range_ms
        if isinstance(node, parser.SubqueryExpr):
            return self._subquery(node)
        raise BadQuery("expected a range, such as metric[5m]")

    def _subquery(self, node: Any) -> tuple[list[Line], Ints, int]:
        at, range_ms = self._times(node), int(node.range.total_seconds() * 1000)
        step_ms = int(node.step.total_seconds() * 1000) if node.step else 60_000
        first = (int(at.min()) - range_ms) // step_ms * step_ms + step_ms
        inner = np.arange(first, int(at.max()) + 1, step_ms, dtype=np.int64)
        if len(inner) > MOST_STEPS:
            raise BadQuery(f"a subquery has more than {MOST_STEPS} steps: take a longer one")
        if not len(inner):
            return [], at, range_ms
        below = Evaluator(self._select, inner, *self._bounds)
        below._level = self._level
        vector = below.vector(node.expr)
        rows = zip(vector.labels, vector.values, vector.present, strict=True)
        return (
            [Line(labels, inner[present], values[present]) for labels, values, present in rows if present.any()],
            at,
            range_ms,
        )

    def _aggregate(self, node: Any) -> Vector:
        modifier = node.modifier
        without = modifier is not None and modifier.type == parser.AggModifierType.Without
        parameter = self.scalar(node.param) if node.param is not None and str(node.op) != "count_values" else None
        labels = list(modifier.labels) if modifier is not None else []
        return aggregate(str(node.op), self.vector(node.expr), labels, without=without, parameter=parameter)

    def _binary(self, node: Any) -> Value:
        operator, modifier, matching = str(node.op), node.modifier, Matching()
        if modifier is not None:
            cards = parser.VectorMatchCardinality
            matching.many = {str(cards.ManyToOne): "left", str(cards.OneToMany): "right"}.get(str(modifier.card), "")
            matching.include = tuple(getattr(modifier.group_labels, "labels", modifier.group_labels) or ())
            if modifier.matching is not None:
                matching.labels = list(modifier.matching.labels)
                matching.on = modifier.matching.type == parser.LabelModifierType.Include
        known = operator in binary.ARITHMETIC or operator in binary.COMPARISON or operator in ("and", "or", "unless")
        if not known:
            raise BadQuery(f"the operator {operator} is not supported")
        as_bool = modifier is not None and modifier.return_bool
        return operate(operator, self.value(node.lhs), self.value(node.rhs), matching, as_bool=as_bool)

    def _call(self, node: Any) -> Value:
        name, arguments = node.func.name, node.args
        if name in windows.WINDOW_FUNCTIONS:
            lines, at, range_ms = self._lines(arguments[0])
            ask = windows.WINDOW_FUNCTIONS[name]
            return _over(lines, at, range_ms, ask, keeps_name=name in windows.KEEPS_NAME)
        if name == "predict_linear":
            seconds = self.scalar(arguments[1])
            return _over(*self._lines(arguments[0]), lambda one: windows.predict_linear(one, seconds))
        if name == "quantile_over_time":
            q = self.scalar(arguments[0])
            return _over(*self._lines(arguments[1]), lambda one: windows.quantile_over_time(one, q))
        if name == "absent_over_time":
            found = _over(*self._lines(arguments[0]), windows.WINDOW_FUNCTIONS["present_over_time"])
            return functions.absent(found, _equal_labels(arguments[0]))
        return self._of_vector(name, arguments)

    def _of_vector(self, name: str, arguments: Any) -> Value:
        if name in functions.MATHEMATICS:
            return functions.mathematics(name, self.vector(arguments[0]))
        if name in functions.DATES:
            now = Vector([{}], (self._at / 1000)[None, :], np.ones((1, len(self._at)), dtype=bool))
            return functions.date(name, self.vector(arguments[0]) if arguments else now)
        plain: dict[str, Callable[[], Value]] = {
            "time": lambda: self._at / 1000,
            "pi": lambda: np.full(len(self._at), np.pi),
            "timestamp": lambda: self._timestamp(arguments[0]),
            "vector": lambda: Vector([{}], self.scalar(arguments[0])[None, :], np.ones((1, len(self._at)), dtype=bool)),
            "scalar": lambda: functions.to_scalar(self.vector(arguments[0])),
            "absent": lambda: functions.absent(self.vector(arguments[0]), _equal_labels(arguments[0])),
            "sort": lambda: functions.ordered(self.vector(arguments[0]), descending=False),
            "sort_desc": lambda: functions.ordered(self.vector(arguments[0]), descending=True),
            "clamp": lambda: functions.clamp(
                self.vector(arguments[0]), self.scalar(arguments[1]), self.scalar(arguments[2])
            ),
            "clamp_min": lambda: functions.clamp(self.vector(arguments[0]), self.scalar(arguments[1]), None),
            "clamp_max": lambda: functions.clamp(self.vector(arguments[0]), None, self.scalar(arguments[1])),
            "round": lambda: functions.rounded(
                self.vector(arguments[0]), self.scalar(arguments[1]) if len(arguments) > 1 else np.ones(len(self._at))
            ),
            "histogram_quantile": lambda: functions.histogram_quantile(
                self.scalar(arguments[0]), self.vector(arguments[1])
            ),
            "label_replace": lambda: functions.label_replace(self.vector(arguments[0]), *map(self.text, arguments[1:])),
            "label_join": lambda: functions.label_join(
                self.vector(arguments[0]),
                self.text(arguments[1]),
                self.text(arguments[2]),
                [self.text(one) for one in arguments[3:]],
            ),
        }
        if name not in plain:
            raise BadQuery(f"the function {name} is not supported")
        return plain[name]()

    def _timestamp(self, node: Any) -> Vector:
        if not isinstance(node, parser.VectorSelector):
            found = self.vector(node)
            return Vector(
                found.labels, np.broadcast_to(self._at / 1000, found.values.shape), found.present
            ).without_names()
        at = self._times(node)
        lines = self._select(matchers_of(node), int(at.min()) - LOOKBACK_MS, int(at.max()))
        return instant([Line(one.labels, one.times, one.times / 1000, one.total) for one in lines], at).without_names()


def instant(lines: list[Line], at: Ints) -> Vector:
    """Return each series' newest value at each time, unless it is stale; a total stays what it was."""
    if not lines:
        return empty(len(at))
    values, present = np.zeros((len(lines), len(at))), np.zeros((len(lines), len(at)), dtype=bool)
    for row, one in enumerate(lines):
        newest = np.searchsorted(one.times, at, side="right") - 1
        known = newest >= 0
        if not one.total and len(one.times):
            known &= one.times[np.maximum(newest, 0)] > at - LOOKBACK_MS
        if len(one.times):
            values[row] = one.values[np.maximum(newest, 0)]
            present[row] = known
    return Vector([one.labels for one in lines], values, present)


def _over(
    lines: list[Line],
    at: Ints,
    range_ms: int,
    ask: Callable[[windows.Window], windows.Answer],
    *,
    keeps_name: bool = False,
) -> Vector:
    if not lines:
        return empty(len(at))
    found = [ask(windows.window(one, at, range_ms)) if len(one.times) else _nothing(len(at)) for one in lines]
    values, present = np.array([one for one, _ in found]), np.array([one for _, one in found])
    vector = Vector([one.labels for one in lines], values, present)
    return vector if keeps_name else vector.without_names()


def _nothing(steps: int) -> windows.Answer:
    return np.zeros(steps), np.zeros(steps, dtype=bool)


def _equal_labels(node: Any) -> Labels:
    """The labels that a selector asks for by equality: what is absent is named by them."""
    selector = node.vector_selector if isinstance(node, parser.MatrixSelector) else node
    if not isinstance(selector, parser.VectorSelector):
        return {}
    return {name: value for name, sign, value in matchers_of(selector) if sign == "=" and name != NAME}
