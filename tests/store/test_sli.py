"""What objectives read of the store and keep in it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import stores
from coldtrail.model.outcomes import Outcome, StepOutcome, StepState
from coldtrail.model.workflows import OutcomeStatus
from coldtrail.store.engine import Engine
from coldtrail.store.outcomes.counts import outcome_counts
from coldtrail.store.outcomes.kept import save_outcomes
from coldtrail.store.schema.migrate import migrate
from coldtrail.store.sli.events import count_outcomes
from coldtrail.store.sli.minutes import hours_of, last_saved_s, minutes_of, save_minutes

NS = 10**9
COLUMNS = ["workflow", "trail_id", "start", "status", "done_ns", "deadlines_ns", "dones_ns", "version", "received"]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(stores.dsn(tmp_path / "data"))
    migrate(engine, dict.fromkeys(("spans", "logs", "metrics"), 10 * 86_400))
    yield engine
    engine.close()


def test_the_newest_word_on_a_minute_counts_and_hours_are_their_minutes(engine: Engine) -> None:
    hour_s, series = int(time.time()) // 3_600 * 3_600, 2**63 + 5
    save_minutes(engine, [(series, hour_s, 3.0, 4.0), (series, hour_s + 60, 1.0, 1.0), (7, hour_s, 9.0, 9.0)], 1_000 * NS)
    save_minutes(engine, [(series, hour_s, 4.0, 5.0)], 2_000 * NS)
    kept = minutes_of(engine, [series], hour_s - 60, hour_s + 600)
    assert sorted(kept.tolist()) == [(series, hour_s, 4.0, 5.0), (series, hour_s + 60, 1.0, 1.0)]
    assert hours_of(engine, [series], hour_s, hour_s + 3_600).tolist() == [(series, hour_s, 5.0, 6.0)]
    assert last_saved_s(engine) == 2_000


def test_an_outcome_counts_when_it_was_decided(engine: Engine) -> None:
    """Done, or its first deadline passed without; what failed before counts when it began, and what is open not at all."""
    began_s = int(time.time()) // 60 * 60 - 3_600

    def trail(number: int, status: str, start_s: int, done_s: int, dues_s: list[int], dones_s: list[int]) -> list[object]:
        start = f"{datetime.fromtimestamp(start_s, UTC):%Y-%m-%d %H:%M:%S}"
        times = [[one * NS for one in some] for some in (dues_s, dones_s)]
        return ["orders", f"trail-{number}", start, status, done_s * NS, *times, number, int(time.time())]

    rows = [
        trail(1, "complete", began_s, began_s + 65, [0, began_s + 600], [began_s + 5, began_s + 65]),
        trail(2, "incomplete", began_s, 0, [0, began_s + 600], [began_s + 5, 0]),
        trail(3, "open", began_s, 0, [began_s + 9_000], [0]),
        trail(4, "failed", began_s + 120, 0, [began_s + 700], [0]),
    ]
    engine.insert("outcomes", rows, COLUMNS)
    found = count_outcomes(engine, "orders", ("complete",), began_s - 600, began_s + 1_200)
    assert found == {began_s + 60: (1, 1), began_s + 120: (0, 1), began_s + 600: (0, 1)}
    assert count_outcomes(engine, "orders", ("incomplete",), began_s + 600, began_s + 660) == {began_s + 600: (1, 1)}
    assert count_outcomes(engine, "nothing", ("complete",), began_s - 600, began_s + 1_200) == {}


def became(number: int, status: OutcomeStatus, state: StepState, began_s: int, done_s: int = 0) -> Outcome:
    """A trail whose last step has two minutes."""
    times = {"started_ns": None, "done_ns": done_s * NS or None, "deadline_ns": (began_s + 120) * NS}
    step = StepOutcome(name="shipped", state=state, required=True, node_ids=(), count=0, failed_count=0, **times)
    return Outcome(
        workflow="orders", trail_id=f"trail-{number}", status=status, start_ns=began_s * NS, steps=(step,), step="shipped",
        stopped=None, done_ns=done_s * NS or None, deadline_ns=None, key="", words="",
    )  # fmt: skip


def test_alerts_count_an_outcome_when_it_was_decided_however_often_it_is_judged_again(engine: Engine) -> None:
    now_s = int(time.time()) // 60 * 60
    began_s = now_s - 3_600
    trails = [
        became(1, "complete", "done", began_s, began_s + 60),
        became(2, "late", "late", began_s, began_s + 300),
        became(3, "incomplete", "missing", began_s),
        became(4, "open", "waiting", began_s),
    ]
    failed, again = became(5, "failed", "failed", began_s), became(6, "duplicated", "duplicated", now_s - 30)
    save_outcomes(engine, trails, (began_s + 400) * NS)
    save_outcomes(engine, [failed], (began_s + 30) * NS)
    expected = {(began_s + 60, "complete"), (began_s + 300, "late"), (began_s + 120, "incomplete"), (began_s, "failed")}
    for judged_s in (began_s + 500, now_s - 5):
        save_outcomes(engine, [*trails, failed], judged_s * NS)
        found = outcome_counts(engine, began_s - 60, now_s)
        assert {(one.minute_s, one.status) for one in found} == expected
        assert outcome_counts(engine, now_s - 600, now_s) == []
    engine.command("OPTIMIZE TABLE outcomes FINAL")
    merged = {(one.minute_s, one.status) for one in outcome_counts(engine, began_s - 60, now_s)}
    # Who only knows the last word takes the end of its time.
    assert merged == expected - {(began_s, "failed")} | {(began_s + 120, "failed")}
    save_outcomes(engine, [again], (now_s - 1) * NS)
    assert [(one.status, one.count, one.trail_id) for one in outcome_counts(engine, now_s - 600, now_s)] == [("duplicated", 1, "trail-6")]
