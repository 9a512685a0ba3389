"""The life of a finding: counted once however often a range is looked at, opened again only by what came later."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from coldtrail.model.findings import Sighting
from coldtrail.state import BadState, open_database
from coldtrail.state.findings import Findings, Wanted
from coldtrail.watch.findings import awake, decided
from coldtrail.watch.normalise import MOST_CHARACTERS, normalise
from coldtrail.watch.notice import notice
from coldtrail.watch.same_failure import completed

MINUTE_NS = 60 * 10**9


def sighting(minute: int, count: int = 1, detail: str = "ValueError", last_ns: int | None = None) -> Sighting:
    first = minute * MINUTE_NS
    last = first + 5 if last_ns is None else last_ns
    return Sighting("error", "f", detail, minute * 60, count, first, last, f"f fails with {detail}", "high", units=(f"unit-{minute}",))


def book(folder: Path) -> Findings:
    return Findings(open_database(f"sqlite:///{folder / 'state.db'}"))


@settings(deadline=None, max_examples=30)
@given(looks=some.lists(some.tuples(some.integers(0, 5), some.integers(1, 9)), min_size=1, max_size=25))
def test_looking_again_and_in_any_order_counts_every_occurrence_once(tmp_path_factory: pytest.TempPathFactory, looks: list[tuple[int, int]]) -> None:
    kept = book(tmp_path_factory.mktemp("state"))
    for minute, count in looks:
        notice(kept, [sighting(minute, count)], now_ns=10 * MINUTE_NS)
    most = {minute: max(count for at, count in looks if at == minute) for minute, _ in looks}
    (finding,) = kept.listed(Wanted(), 10)
    assert finding.count == sum(most.values())
    assert (finding.first_ns, finding.last_ns) == (min(most) * MINUTE_NS, max(most) * MINUTE_NS + 5)
    assert dict(kept.minutes(finding.fingerprint, 0, 10**6)) == {minute * 60: count for minute, count in most.items()}
    assert [change.what for change in kept.history(finding.fingerprint)] == ["opened"]


def test_what_was_resolved_comes_back_only_when_it_is_seen_later(tmp_path: Path) -> None:
    kept = book(tmp_path)
    ((opened, _),) = notice(kept, [sighting(1)], now_ns=2 * MINUTE_NS)
    resolved, change = decided(opened, "resolved", "ada", 3 * MINUTE_NS, note="rolled back")
    kept.save([resolved], {}, [(opened.fingerprint, change)])
    assert notice(kept, [sighting(2)], now_ns=4 * MINUTE_NS) == [], "a late signal of before is no regression"
    ((back, change),) = notice(kept, [sighting(5)], now_ns=6 * MINUTE_NS)
    assert (back.state, back.regressed, change.what) == ("open", True, "regressed")
    assert [(one.what, one.by) for one in kept.history(opened.fingerprint)] == [("regressed", "coldtrail"), ("resolved", "ada"), ("opened", "coldtrail")]


def test_a_mute_ends_at_its_time(tmp_path: Path) -> None:
    kept = book(tmp_path)
    ((opened, _),) = notice(kept, [sighting(1)], now_ns=2 * MINUTE_NS)
    muted, _ = decided(opened, "muted", "ada", 3 * MINUTE_NS, until_ns=9 * MINUTE_NS)
    assert [awake(muted, minute * MINUTE_NS).state for minute in (8, 9)] == ["muted", "open"]
    forever, _ = decided(opened, "muted", "ada", 3 * MINUTE_NS)
    assert awake(forever, 10**6 * MINUTE_NS).state == "muted"


def test_a_database_of_a_newer_coldtrail_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    database = open_database(url)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    with pytest.raises(BadState, match="upgrade coldtrail"):
        open_database(url)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order o-17 of user-4 failed", "order o-9311 of user-77812 failed"),
        ("no item 5c2b1a44-1111-4222-8333-123456789abc", "no item 00000000-aaaa-4222-8333-123456789abc"),
        ("connect to 10.0.0.1:8080 timed out after 3.00 s", "connect to 10.12.0.9:443 timed out after 12.5 s"),
        ("GET https://a.example/x?id=1 answered 503", "GET https://a.example/y answered 503"),
        ("at 2026-11-21T05:32:12.5Z <object at 0x7f00aa>", "at 2027-01-01 00:00:00 <object at 0x1>"),
    ],
)
def test_messages_that_differ_in_ids_alone_are_one(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


def test_messages_that_say_something_else_stay_apart() -> None:
    said = ["ledger did not answer", "ledger refused", "table is missing", "type is missing"]
    assert len({normalise(one) for one in said}) == len(said)


@given(some.text(max_size=3_000))
def test_any_message_is_bounded_and_normalised_once_and_for_all(message: str) -> None:
    once = normalise(message)
    assert len(once) <= MOST_CHARACTERS
    assert "\n" not in once


def failure(minute: int, message: str = "", *, type_: str = "LedgerTimeout", count: int = 1) -> Sighting:
    at_ns = minute * MINUTE_NS
    told = {"type": type_, "message": message}
    return Sighting("error", "publish", f"{type_}: {normalise(message)}", minute * 60, count, at_ns, at_ns + 5, f"publish fails with {type_}: {message}", "high", evidence=told)


def test_a_failure_whose_message_comes_later_or_never_is_one_finding(tmp_path: Path) -> None:
    late = "ledger did not answer within 2.8 s"
    kept = book(tmp_path)
    for seen in ([failure(1)], [failure(1, late), failure(2, late)], [failure(3)], [failure(4, late.replace("2.8", "3.1"))]):
        notice(kept, seen, now_ns=9 * MINUTE_NS)
    (one,) = kept.listed(Wanted(), 10)
    assert (one.count, one.evidence["message"]) == (4, "ledger did not answer within 3.1 s")
    notice(kept, [failure(5, "no such account"), failure(5, type_="KeyError")], now_ns=9 * MINUTE_NS)
    assert {finding.detail for finding in kept.listed(Wanted(), 10)} == {"LedgerTimeout: ", "LedgerTimeout: no such account", "KeyError: "}


def test_a_failure_without_its_message_is_the_one_that_was_seen_with_it_last(tmp_path: Path) -> None:
    kept = book(tmp_path)
    notice(kept, [failure(1, "refused")], now_ns=9 * MINUTE_NS)
    assert notice(kept, [failure(2)], now_ns=9 * MINUTE_NS) == []
    (one,) = kept.listed(Wanted(), 10)
    assert (one.count, one.detail, one.evidence["message"]) == (2, "LedgerTimeout: refused", "refused")
    both = completed([failure(3), failure(3, "refused", count=2), failure(3, "full"), failure(3, type_="KeyError")])
    assert [seen.detail for seen in both] == ["LedgerTimeout: refused", "LedgerTimeout: refused", "LedgerTimeout: full", "KeyError: "]
