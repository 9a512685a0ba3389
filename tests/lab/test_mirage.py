"""The mirage: orders are slow while no function is; the time passes on the bus, and grows with its load."""

from __future__ import annotations

import itertools
import random
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coldtrail_lab.bus import QueueingLaw
from coldtrail_lab.lab import Lab
from coldtrail_lab.stories.mirage.story import FEW_SHOPS
from running import Coldtrail, wait_for

SHOPS = 51
"""So many count their stock with that share of the fault; where the tests are slow, the schedule also fires by itself."""


def deliveries(lab: Lab, subject: str, function: str) -> list[dict[str, Any]]:
    return [line for line in list(lab.truth.lines) if line.get("subject") == subject and line["effect"].get("function") == function and "wait_ms" in line]


def counts_of(trail: dict[str, Any]) -> set[str]:
    return {node["keys"]["request_id"] for node in trail["nodes"] if node["service"] == "stock-count"}


@pytest.fixture(scope="module")
def orders(told: tuple[Coldtrail, Lab]) -> dict[str, dict[str, Any]]:
    """What the truth says of the delivery to `orders-reserve` of an order on a quiet bus, and of one behind a stock count."""
    _, lab = told
    lab.mirage.place_order("order-4-000001", "user-0001")  # every function is warm after this
    wait_for(lambda: deliveries(lab, "order-4-000001", "orders-ship"), bool)
    wait_for(lab.mirage.idle, bool)
    lab.mirage.place_order("order-4-000002", "user-0001")
    wait_for(lambda: deliveries(lab, "order-4-000002", "orders-ship"), bool)
    lab.faults.switch("busy-bus", 0.4)
    lab.mirage.schedule.fire()
    wait_for(lab.mirage.bus.length, lambda waiting: waiting >= 30)
    lab.mirage.place_order("order-4-000003", "user-0001")
    wait_for(lambda: deliveries(lab, "order-4-000003", "orders-ship"), bool)
    wait_for(lab.mirage.idle, bool)
    lab.faults.switch("busy-bus", 0.0)
    return {name: deliveries(lab, f"order-4-{number:06d}", "orders-reserve")[0] for name, number in (("quiet", 2), ("busy", 3))}


def test_an_order_behind_a_stock_count_waits_longer(orders: dict[str, dict[str, Any]]) -> None:
    assert orders["busy"]["ahead"] > 10 > orders["quiet"]["ahead"]
    # So many times 120 ms on average; less than a third of that is one chance in a thousand.
    assert orders["busy"]["wait_ms"] > orders["busy"]["ahead"] * 120 / 3


@pytest.mark.parametrize("which", ["quiet", "busy"])
def test_the_trail_shows_the_wait_and_no_function_does(told: tuple[Coldtrail, Lab], orders: dict[str, dict[str, Any]], which: str) -> None:
    coldtrail, lab = told
    truth = orders[which]
    place = next(line for line in lab.truth.lines if line["effect"].get("id") == truth["cause"]["id"])["cause"]["id"]

    def whole(found: dict[str, Any]) -> bool:
        ran = [node for node in found["nodes"] if node["kind"] == "invocation" and node["status"] == "ok"]
        waited = [node["wait_ms"] for node in ran if node["keys"].get("request_id") == truth["effect"]["id"]]
        named = which == "quiet" or any("in the bus orders" in one["text"] for one in found["story"])
        return named and {node["service"] for node in ran} == {"orders-place", "orders-reserve", "orders-receipt", "orders-ship"} and waited != [] and waited[0] is not None

    trail = coldtrail.eventually(f"/trails/{place}", whole)
    invocations = {node["keys"]["request_id"]: node for node in trail["nodes"] if node["kind"] == "invocation"}
    told_ms = invocations[truth["effect"]["id"]]["wait_ms"]
    # The sender's line comes after the event was taken, and the function starts after it was handed over: later where all is slow.
    assert truth["wait_ms"] / 2 - 500 <= told_ms <= truth["wait_ms"] + 5_000
    if which == "busy":
        assert max(node["duration_ms"] for node in invocations.values()) < truth["wait_ms"] / 2


def test_a_schedule_is_the_origin_of_its_trail(told: tuple[Coldtrail, Lab], orders: dict[str, dict[str, Any]]) -> None:
    coldtrail, lab = told
    all_fired = [line for line in lab.truth.lines if line["kind"] == "triggers"]
    assert {line["cause"]["type"] for line in all_fired} == {"schedule"}
    counted = {line["effect"]["id"] for line in lab.truth.lines if line["effect"].get("function") == "stock-count"}
    seen: set[str] = set()
    for fired in all_fired:
        trail = coldtrail.eventually(f"/trails/{fired['effect']['id']}", lambda found: len(counts_of(found)) in (SHOPS, FEW_SHOPS))
        assert trail["status"] == "ok"
        seen |= counts_of(trail)
    assert seen == counted
    taken = coldtrail.eventually("/find", lambda found: found["matches"], q=fired["cause"]["id"])["matches"]
    assert fired["effect"]["function"] in {match["service"] for match in taken}


def test_the_bus_says_in_its_metrics_how_long_events_waited(told: tuple[Coldtrail, Lab], orders: dict[str, dict[str, Any]]) -> None:
    _, lab = told
    counted = lab.meters.take()
    found = {(metric.name, dict(metric.dimensions).get("RuleName")): kept for metric, kept in counted.items() if metric.namespace == "AWS/Events"}
    assert found["IngestionToInvocationStartLatency", "order-placed"].max >= orders["busy"]["wait_ms"]
    due = found["Invocations", "stock-count-due"].sum
    assert due >= SHOPS
    assert (due - SHOPS) % FEW_SHOPS == 0
    assert found["TriggeredRules", "stock-count-due"].sum == due
    assert found["Invocations", "order-placed"].sum == 2 * found["TriggeredRules", "order-placed"].sum
    assert found["FailedInvocations", "order-placed"].sum == 0
    assert ("Invocations", "stock-recount") not in found  # a schedule is no rule of the bus
    asynchronous = {dict(metric.dimensions)["FunctionName"]: kept for metric, kept in counted.items() if metric.name == "AsyncEventAge"}
    assert asynchronous["stock-count"].count == due


gaps = st.lists(st.floats(0, 2), min_size=1, max_size=60)


@given(gaps=gaps, seed=st.integers(0, 99), servers=st.integers(1, 3))
def test_nothing_leaves_before_it_came_and_the_same_seed_gives_the_same_times(gaps: list[float], seed: int, servers: int) -> None:
    arrivals = list(itertools.accumulate(gaps))
    first, second = (QueueingLaw(seed, servers) for _ in range(2))
    leaves = [first.leaves_s(at) for at in arrivals]
    assert leaves == [second.leaves_s(at) for at in arrivals]
    assert all(left > came for left, came in zip(leaves, arrivals, strict=True))
    assert servers > 1 or leaves == sorted(leaves)


@pytest.mark.parametrize("load", [0.3, 0.6, 0.9])
def test_the_wait_is_that_of_a_single_server_queue(load: float) -> None:
    """M/M/1: the mean time in the system is the service time / (1 - load)."""
    mean_s, count = 0.1, 40_000
    law, dice = QueueingLaw(1, 1, mean_s, 0.0), random.Random(2)
    arrivals = itertools.accumulate(dice.expovariate(load / mean_s) for _ in range(count))
    waited_s = statistics.mean(law.leaves_s(at) - at for at in arrivals)
    assert waited_s == pytest.approx(mean_s / (1 - load), rel=0.15)
