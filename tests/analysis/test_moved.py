"""Reduced, increased, or only moved: the rule, at its edges."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldtrail.analysis.moved import compare, words

PRICE = ("lambda", "price", "duration")
WARM = ("lambda", "price", "provisioned concurrency")
TABLE = ("dynamodb", "rates", "write capacity")


def told(before: dict[tuple[str, str, str], str], after: dict[tuple[str, str, str], str], trails: tuple[int, int] = (1_000, 1_000)) -> str:
    return compare({one: Decimal(usd) for one, usd in before.items()}, {one: Decimal(usd) for one, usd in after.items()}, *trails).verdict


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ({PRICE: "1"}, {PRICE: "0.5"}, "reduced"),
        ({PRICE: "1"}, {PRICE: "1.5"}, "increased"),
        ({PRICE: "1"}, {PRICE: "1.01"}, "unchanged"),
        ({PRICE: "1"}, {PRICE: "0.98"}, "unchanged"),
        ({PRICE: "1"}, {PRICE: "0.979"}, "reduced"),
        ({PRICE: "1"}, {PRICE: "0.4", WARM: "0.4", TABLE: "0.2"}, "moved"),
        # Of 0.6 that one lost, the others gained 0.45: three quarters. A little less, and it was reduced.
        ({PRICE: "1"}, {PRICE: "0.4", WARM: "0.45"}, "moved"),
        ({PRICE: "1"}, {PRICE: "0.4", WARM: "0.44"}, "reduced"),
        ({PRICE: "1"}, {PRICE: "0.4", WARM: "0.80"}, "moved"),
        ({PRICE: "1"}, {PRICE: "0.4", WARM: "0.81"}, "increased"),
        # What is lost beside is too little to speak of.
        ({PRICE: "1", TABLE: "0.01"}, {PRICE: "1.01"}, "unchanged"),
        ({}, {}, "unchanged"),
    ],
)
def test_the_rule_at_its_edges(before: dict[tuple[str, str, str], str], after: dict[tuple[str, str, str], str], verdict: str) -> None:
    assert told(before, after) == verdict


def test_more_traffic_alone_is_no_change() -> None:
    assert told({PRICE: "1"}, {PRICE: "3"}, (1_000, 3_000)) == "unchanged"


def test_without_trails_there_is_nothing_to_compare() -> None:
    found = compare({PRICE: Decimal(1)}, {}, 5, 0)
    assert found.verdict == "unknown"
    assert "nothing to compare" in words(found)


def test_the_words_name_what_fell_and_what_rose() -> None:
    found = compare({PRICE: Decimal(1)}, {PRICE: Decimal("0.4"), WARM: Decimal("0.6")}, 1_000, 1_000)
    assert words(found) == "The cost only moved: $1.00 before, $1.00 after, per thousand trails. Most of it: duration of price fell by $0.60, provisioned concurrency of price rose by $0.60."


AMOUNTS = st.dictionaries(st.sampled_from([PRICE, WARM, TABLE]), st.decimals(0, 1000, places=6))


@settings(deadline=None)
@given(AMOUNTS, AMOUNTS, st.integers(1, 10**6), st.integers(1, 10**6))
def test_backwards_the_verdict_is_its_opposite(before: dict[tuple[str, str, str], Decimal], after: dict[tuple[str, str, str], Decimal], some: int, others: int) -> None:
    there, back = compare(before, after, some, others), compare(after, before, others, some)
    opposite = {"reduced": "increased", "increased": "reduced"}
    assert back.verdict == opposite.get(there.verdict, there.verdict)
    assert abs(there.rose_usd - there.fell_usd - (there.after_usd - there.before_usd)) < Decimal("1e-15")
