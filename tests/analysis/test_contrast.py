"""What the affected have in common: a planted cause is found, chance is not, and little evidence says little."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from coldtrail.analysis.contrast import MOST, contrast, score
from coldtrail.store.contrast.attributes import FAILING_STEP, LEAST, TOOK_PART, Counted

Unit = dict[str, str]
totals = st.integers(1, 400)


def counted(bad: list[Unit], others: list[Unit]) -> list[Counted]:
    """What the store would count of two groups."""
    mine = Counter(pair for one in bad for pair in one.items())
    theirs = Counter(pair for one in others for pair in one.items())
    return [Counted("svc", name, value, count, theirs[name, value]) for (name, value), count in mine.items()]


def units(dice: random.Random, count: int, names: int = 30) -> list[Unit]:
    """Units with attributes that have nothing to do with anything, some rare, some usual, and an id each."""
    return [{f"name{n}": f"v{dice.randrange(1 + n % 7)}" for n in range(names)} | {"order_id": str(dice.random())} for _ in range(count)]


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(12, 100), st.integers(30, 200), st.floats(0.0, 0.15))
def test_a_planted_cause_is_the_first_suspect(seed: int, bad_count: int, other_count: int, leak: float) -> None:
    dice = random.Random(seed)
    bad, others = units(dice, bad_count), units(dice, other_count)
    for one in bad:
        one["faas.version"] = "8"
    for one in others:
        one["faas.version"] = "8" if dice.random() < leak / 2 else "7"
    first = contrast(counted(bad, others), bad_count, other_count).suspects[0]
    assert (first.name, first.value, first.bad_share) == ("faas.version", "8", 1.0)
    assert first.lift is None or first.lift > 1


def test_chance_makes_no_suspects() -> None:
    dice, wrongly = random.Random(7), 0
    for _ in range(30):
        everyone = units(dice, 240)
        wrongly += len(contrast(counted(everyone[:60], everyone[60:]), 60, 180).suspects)
    assert wrongly <= 1, "of 3,500 values that say nothing"


@given(totals, totals, st.data())
def test_a_score_is_never_more_than_the_difference_and_none_where_others_have_it_as_often(bad_total: int, other_total: int, data: st.DataObject) -> None:
    bad, others = data.draw(st.integers(0, bad_total)), data.draw(st.integers(0, other_total))
    found = score(bad, bad_total, others, other_total)
    difference = bad / bad_total - others / other_total
    assert 0 <= found <= max(0.0, difference) + 1e-9
    if bad < LEAST or difference <= 0:
        assert found == 0


@given(st.integers(LEAST, 60), st.integers(0, 60), st.integers(1, 60), st.integers(2, 6))
def test_more_of_the_same_evidence_never_scores_less(bad: int, missing: int, others: int, times: int) -> None:
    once = score(bad, bad + missing, others // 4, others)
    assert score(bad * times, (bad + missing) * times, others // 4 * times, others * times) >= once - 1e-9


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_the_order_of_what_was_counted_changes_nothing_and_answers_are_bounded(seed: int) -> None:
    dice = random.Random(seed)
    rows = [Counted(dice.choice("ab"), f"n{n}", "v", 40, dice.randrange(10)) for n in range(60)]
    shuffled = dice.sample(rows, len(rows))
    assert contrast(rows, 40, 40) == contrast(shuffled, 40, 40)
    assert len(contrast(rows, 40, 40).suspects) == MOST


def test_how_something_failed_is_no_suspect_and_several_services_that_say_the_same_are_one() -> None:
    rows = [
        Counted("api", "faas.version", "8", 30, 0),
        Counted("ingest", "faas.version", "8", 30, 0),
        Counted("ingest", "error.type", "ConnectionError", 30, 0),
        Counted("", FAILING_STEP, "ingest: PutItem", 30, 0),
        Counted("", TOOK_PART, "pdf-v2", 30, 2),
    ]
    found = contrast(rows, 30, 300)
    assert [(one.name, one.services) for one in found.suspects] == [("faas.version", ("api", "ingest")), ("took part", ())]
    assert {one.name for one in found.symptoms} == {"error.type", "failing step"}


def test_of_what_tells_the_affected_apart_as_well_where_they_ran_comes_last() -> None:
    rows = [Counted("s", name, "x", 30, 0) for name in ("faas.instance", "host.name", "plan", "faas.version")]
    assert [one.name for one in contrast(rows, 30, 60).suspects] == ["faas.version", "plan", "faas.instance", "host.name"]


def test_nobody_to_compare_with_is_no_contrast() -> None:
    assert contrast([Counted("s", "n", "v", 9, 0)], 9, 0).suspects == []
