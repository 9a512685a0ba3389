"""Where a text stops being PromQL, and what an expression asks for; without a server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldtrail.model.promql import BadExpression, check
from coldtrail.server.promql.asked import names_asked
from coldtrail.server.promql.values import BadQuery

GOOD = "sum by (service) (rate(errors_total{code=~'5..'}[5m])) / on (service) sum(rate(requests_total[5m])) > 0.05"


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("sum(rate(x[5m])", 4, "unclosed left parenthesis"),
        ("sum(x)) > 1", 7, "unexpected right parenthesis"),
        ("a +", 4, "something is missing at its end"),
        ("a{b=}", 5, '"}" cannot stand here'),
        ("1 +* 2", 4, '"* 2" cannot stand here'),
        ("sum(a) by by (x)", 11, '"by (x)" cannot stand here'),
        ("rate(errors_total)", 1, "expected type matrix"),
        ("1 + unknown_fn(a)", 5, "unknown function"),
        ("topk(a)", 7, "wrong number of arguments"),
        ("rate(errors_total[5 m])", 21, "unexpected character"),
        ("x and on (a b) c", 13, '"b) c" cannot stand here'),
    ],
)
def test_what_is_no_promql_is_told_with_its_column(text: str, column: int, said: str) -> None:
    check(GOOD, "promql")
    with pytest.raises(BadExpression, match=f"^promql is no PromQL at column {column}: ") as told:
        check(text, "promql")
    assert said in str(told.value)
    assert (told.value.line, told.value.column) == (1, column)


def test_a_line_is_told_where_there_are_several() -> None:
    with pytest.raises(BadExpression, match="at line 3, column 13: ") as told:
        check("a and\n  on(x)\n  groupleft b", "good")
    assert (told.value.field, told.value.line, told.value.column) == ("good", 3, 13)


@given(at=st.integers(0, len(GOOD)), sign=st.sampled_from([")", "}", "]", "$", "=="]))
def test_a_fault_is_always_told_within_the_text(at: int, sign: str) -> None:
    text, told = f"{GOOD[:at]} {sign} {GOOD[at:]}", None
    try:
        check(text, "promql")
    except BadExpression as error:
        told = error
    if told:
        assert told.column is not None
        assert 1 <= told.column <= len(text) + 1


def test_an_expression_says_which_metrics_it_asks_for() -> None:
    assert names_asked(GOOD) == ["errors_total", "requests_total"]
    assert names_asked("max_over_time(rate(x[5m])[1h:1m]) or absent(y) unless on (a) z") == ["x", "y", "z"]
    assert names_asked('{__name__=~"x.*"} and vector(1)') == []
    with pytest.raises(BadQuery, match="is not supported"):
        names_asked("info(x)")
