"""When a backlog is empty: never and unknown are said as such."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldtrail.analysis.backlog import drain
from coldtrail.analysis.poison import Try, poison
from coldtrail.watch.normalise import normalise


@pytest.mark.parametrize(
    ("backlog", "coming", "going", "verdict", "empty_in_s"),
    [
        (0, None, None, "empty", 0.0),
        (100, 1.0, 3.0, "draining", 50.0),
        (100, 0.0, 2.0, "draining", 50.0),
        (100, 3.0, 1.0, "never", None),
        (100, 2.0, 2.0, "never", None),
        (100, 0.0, 0.0, "never", None),
        (100, None, 2.0, "unknown", None),
        (100, 2.0, None, "unknown", None),
        (None, 1.0, 2.0, "unknown", None),
    ],
)
def test_a_backlog_is_empty_when_more_is_taken_than_comes(backlog: float | None, coming: float | None, going: float | None, verdict: str, empty_in_s: float | None) -> None:
    found = drain(backlog, coming, going)
    assert (found.verdict, found.empty_in_s) == (verdict, empty_in_s)
    assert found.why


@given(st.floats(1, 1e9), st.floats(0, 1e6), st.floats(0, 1e6))
def test_what_drains_drains_within_its_rates(backlog: float, coming: float, going: float) -> None:
    found = drain(backlog, coming, going)
    if found.verdict == "draining":
        assert found.empty_in_s is not None
        assert found.empty_in_s * (going - coming) == pytest.approx(backlog)
    else:
        assert going <= coming * 1.02 or going == 0


def failing(key: str, message: str, *, tries: int = 3, through: bool = False) -> Try:
    return Try(f"node-{key}", key, "mail", "trail", tries, through, 1, 2, "MailError", message)


def test_poison_of_one_reason_is_one_group_whatever_differs_in_its_words() -> None:
    found = poison([failing("a", "no user 17 at 10.0.0.1"), failing("b", "no user 99 at 10.0.0.2", tries=5), failing("c", "mailbox full", tries=2, through=True)], normalise)
    assert [(one.messages, one.stuck, one.tries, [two.key for two in one.examples]) for one in found] == [(2, 2, 8, ["b", "a"]), (1, 0, 2, ["c"])]
    assert len({one.fingerprint for one in found}) == 2


def test_a_fingerprint_does_not_depend_on_the_order_of_messages() -> None:
    one, two = failing("a", "no user 17"), failing("b", "no user 18")
    assert [group.fingerprint for group in poison([one, two], normalise)] == [group.fingerprint for group in poison([two, one], normalise)]
