"""A shard's batches with their retries, told from how each invocation ended and what it says it had."""

from __future__ import annotations

import random

import pytest

from coldtrail.model.trails import Node
from coldtrail.trails.nodes.serving import Habits, Part, is_one_at_a_time, jobs_of_shard
from coldtrail.trails.timing.calibration import confidence_of
from coldtrail.trails.timing.channel_facts import Channel

MS = 10**6


def invocation(number: int, at_ms: float, status: str, took_ms: float = 80) -> Node:
    return Node(f"{number:016x}", "invocation", "ingest", "ingest", int(at_ms * MS), int((at_ms + took_ms) * MS), status)  # type: ignore[arg-type]


def served(dice: random.Random, records: int, poison: set[int], most: int, tries: int) -> tuple[list[Node], list[int], list[list[int]]]:
    """What a consumer does with records that were all there: its invocations, what each says it had, what it really had."""
    nodes: list[Node] = []
    told: list[int] = []
    truth: list[list[int]] = []
    now = [1_000.0]

    def process(batch: list[int], tried: int) -> None:
        first_bad = next((at for at, one in enumerate(batch) if one in poison), None)
        nodes.append(invocation(len(nodes), now[0], "ok" if first_bad is None else "error"))
        told.append(len(batch) if first_bad is None else first_bad + 1)
        truth.append(batch)
        now[0] += 80 + dice.uniform(1, 20)
        if first_bad is None:
            return
        if len(batch) > 1:
            process(batch[: len(batch) // 2], tried + 1)
            process(batch[len(batch) // 2 :], tried + 1)
        elif tried + 1 < tries:
            process(batch, tried + 1)

    left = list(range(records))
    while left:
        process(left[:most], 0)
        left = left[most:]
    return nodes, told, truth


@pytest.mark.parametrize("seed", range(6))
def test_each_invocation_of_a_shard_has_the_records_that_it_really_had(seed: int) -> None:
    dice = random.Random(seed)
    poison = {at for at in range(200) if dice.random() < 0.1}
    nodes, told, truth = served(dice, 200, poison, most=10, tries=3)
    jobs = jobs_of_shard(nodes, told, [at * MS for at in range(200)], Habits(tries=3, most=10))
    had: dict[str, list[int]] = {}
    gone = 0
    for job in jobs:
        for part in job.parts:
            had[part.node.node_id] = list(range(gone + part.first, gone + part.first + part.count))
        gone += job.units
    right = sum(had.get(node.node_id) == batch for node, batch in zip(nodes, truth, strict=True))
    assert gone == 200
    assert right >= 0.95 * len(nodes)


def test_a_batch_that_went_through_is_a_job_of_its_own() -> None:
    nodes = [invocation(1, 100, "ok"), invocation(2, 200, "ok")]
    jobs = jobs_of_shard(nodes, [3, 2], [], Habits(tries=3, most=10))
    assert [(job.units, job.parts) for job in jobs] == [(3, [Part(nodes[0], 0, 3)]), (2, [Part(nodes[1], 0, 2)])]


def test_a_failure_that_fits_nothing_is_left_out() -> None:
    nodes = [invocation(1, 100, "error"), invocation(2, 200, "ok"), invocation(3, 300, "ok")]
    jobs = jobs_of_shard(nodes, [4, 9, 1], [], Habits(tries=3, most=4))
    assert [job.parts[0].node.node_id for job in jobs] == [nodes[1].node_id, nodes[2].node_id]


def test_invocations_that_overlap_are_not_one_shards() -> None:
    assert is_one_at_a_time([invocation(1, 100, "ok"), invocation(2, 180, "ok")])
    assert not is_one_at_a_time([invocation(1, 100, "ok"), invocation(2, 140, "ok")])


def test_a_channel_keeps_its_order_where_certain_effects_that_could_have_overtaken_did_not() -> None:
    at = [float(ms) for ms in range(0, 4_000, 100)]
    steady = Channel("f", "triggers", "queue", known_ms=[1_000.0] * 40, known_at_ms=at)
    swapped = Channel("f", "triggers", "queue", known_ms=[1_000.0 + 250.0 * (one % 2) for one in range(40)], known_at_ms=at)
    apart = Channel("f", "triggers", "queue", known_ms=[10.0] * 40, known_at_ms=at)
    assert steady.keeps_order
    assert not swapped.keeps_order
    assert swapped.overtaking > 0.3
    assert not apart.keeps_order


def test_a_surer_pair_is_never_given_less_confidence() -> None:
    given = [confidence_of(share / 100) for share in range(101)]
    assert given == sorted(given)
    assert given[0] == 0.0
    assert given[-1] == 1.0
