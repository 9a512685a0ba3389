"""Why functions start cold, and what warm instances would change: rules and replays, on histories of all shapes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldtrail.analysis.cold_starts import IDLE_S, RULES, Run, decide
from coldtrail.analysis.warm_pool import ONE_VCPU_MB, Arrival, Prices, replay, with_memory, with_warm

S = 10**9
PRICES = Prices(on_demand=0.0000166667, kept_warm=0.0000041667, on_warm=0.0000097222)


def run(at_s: float, instance: str, *, took_s: float = 1.0, cold: bool = False, **more: object) -> Run:
    return Run(int(at_s * S), int((at_s + took_s) * S), instance, cold, ready_ms=400.0 if cold else None, **more)


def causes(*runs: Run, failed_s: tuple[float, ...] = (), whole: bool = True) -> list[str]:
    return [one.cause for one in decide(runs, [int(at * S) for at in failed_s], whole=whole)]


def test_the_first_run_of_all_is_first_traffic_unless_older_ones_were_not_read() -> None:
    assert causes(run(10, "a", cold=True)) == ["first_traffic"]
    assert causes(run(10, "a", cold=True), whole=False) == ["unknown"]


def test_a_run_beside_busy_instances_is_scale_out() -> None:
    assert causes(run(10, "a", took_s=5), run(12, "b", cold=True), run(20, "a"))[-1] == "scale_out"


def test_a_run_beside_a_warm_idle_instance_is_not_explained_by_scale_out() -> None:
    assert causes(run(10, "a", took_s=5), run(10.1, "b", took_s=0.1), run(12, "c", cold=True), run(20, "b")) == ["unknown"]


def test_a_run_after_a_long_quiet_time_is_idle_timeout() -> None:
    assert causes(run(0, "a"), run(IDLE_S + 2, "b", cold=True)) == ["idle_timeout"]


def test_a_new_version_is_a_deployment() -> None:
    assert causes(run(0, "a", version="7"), run(3, "b", cold=True, version="8")) == ["deployment"]


def test_all_instances_replaced_under_traffic_is_a_deployment() -> None:
    before = [run(i, name) for i, name in enumerate("abab")]
    after = [run(10, "c", cold=True), *(run(11 + i, "c", took_s=0.5) for i in range(5))]
    assert causes(*before, *after) == ["deployment"]


def test_a_failed_initialisation_just_before_is_the_cause_of_the_next() -> None:
    assert causes(run(0, "a"), run(30, "b", cold=True), failed_s=(20.0,)) == ["failed_init"]
    assert causes(run(0, "a"), run(30, "a", cold=True)) == ["failed_init"]


def test_provisioned_instances_are_told_apart() -> None:
    assert causes(run(0, "a", cold=True, how="provisioned-concurrency")) == ["provisioned"]


HISTORIES = st.lists(
    st.builds(
        run,
        st.floats(0, 4_000),
        st.sampled_from(["", "a", "b", "c"]),
        took_s=st.floats(0, 20),
        cold=st.booleans(),
        version=st.sampled_from(["", "1", "2"]),
        how=st.sampled_from(["", "on-demand", "snap-start", "provisioned-concurrency"]),
    ),
    max_size=30,
)


@given(runs=HISTORIES, failed=st.lists(st.floats(0, 4_000), max_size=3))
def test_every_cold_start_has_one_of_the_causes_with_a_rule(runs: list[Run], failed: list[float]) -> None:
    decided = decide(runs, [int(at * S) for at in failed])
    assert len(decided) == sum(one.cold for one in runs)
    assert {one.cause for one in decided} <= set(RULES)


@given(runs=HISTORIES, shift_s=st.integers(0, 10**6))
def test_causes_do_not_depend_on_the_hour_nor_on_the_order_of_arrival(runs: list[Run], shift_s: int) -> None:
    numbered = [Run(one.start_ns, one.end_ns, one.instance, one.cold, one.ready_ms, one.how, one.version, str(i)) for i, one in enumerate(runs)]
    later = [
        Run(one.start_ns + shift_s * S, one.end_ns + shift_s * S, one.instance, one.cold, one.ready_ms, one.how, one.version, one.request_id)
        for one in reversed(numbered)
    ]
    assert [one.cause for one in decide(numbered)] == [one.cause for one in decide(later)]


ARRIVALS = st.lists(st.builds(Arrival, st.integers(0, 3_600 * S), st.floats(0, 60_000)), max_size=60)


@given(arrivals=ARRIVALS, warm=st.integers(0, 8))
def test_one_more_warm_instance_never_makes_more_cold_starts(arrivals: list[Arrival], warm: int) -> None:
    fewer, more = replay(arrivals, warm=warm, idle_s=1e9), replay(arrivals, warm=warm + 1, idle_s=1e9)
    assert more.cold_starts <= fewer.cold_starts <= len(arrivals)


@given(arrivals=ARRIVALS)
def test_as_many_warm_instances_as_run_at_once_leave_no_cold_start(arrivals: list[Arrival]) -> None:
    most = replay(arrivals).most_at_once
    assert replay(arrivals, warm=most).cold_starts == 0


@given(arrivals=ARRIVALS)
def test_instances_that_are_kept_for_ever_are_started_as_often_as_so_many_run_at_once(arrivals: list[Arrival]) -> None:
    told = replay(arrivals, idle_s=1e9)
    assert told.cold_starts == told.most_at_once


def test_the_cost_of_warm_instances_is_kept_time_less_what_running_on_them_saves() -> None:
    arrivals = [Arrival(at * 600 * S, 1_000.0) for at in range(6)]
    told = with_warm(arrivals, warm=1, idle_s=300, init_ms=800, memory_mb=1_024, range_s=3_600, prices=PRICES)
    assert (told.cold_starts, told.cold_starts_with, told.saved_init_ms) == (6, 0, 4_800)
    by_hand = 3_600 * 0.0000041667 - 6 * (0.0000166667 - 0.0000097222) - 4.8 * 0.0000166667
    assert told.cost_usd == pytest.approx(by_hand)


def test_memory_halves_initialising_until_one_cpu_and_no_further() -> None:
    told = with_memory(memory_mb=512, other_mb=1_024, init_ms=800, cold_starts=10, run_ms=60_000, prices=PRICES)
    assert (told.init_ms_with, told.saved_init_ms) == (400, 4_000)
    assert told.cost_usd_low == pytest.approx(0)
    assert told.cost_usd_high == pytest.approx(60 * 0.5 * 0.0000166667)
    assert with_memory(memory_mb=ONE_VCPU_MB, other_mb=3_538, init_ms=800, cold_starts=1, run_ms=1, prices=PRICES).saved_init_ms == 0
