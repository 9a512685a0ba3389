"""Cold starts as the API tells them, from the lines that Lambda's platform writes and from spans."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from lambda_logs import report, write
from otlp import span, traces
from running import Coldtrail, serving

MINUTE_MS = 60_000
RUNS_OF_RESIZE = 5


def stream(version: str, instance: str) -> str:
    return f"2026/11/21/[{version}]{instance:0>32}"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    with serving(tmp_path_factory.mktemp("cold") / "data") as running:
        now_ms = time.time_ns() // 10**6
        tell(running, now_ms - 30 * MINUTE_MS)
        yield running


def tell(running: Coldtrail, at_ms: int) -> None:
    """`resize`: first traffic, a second instance beside a busy one, a pause, a new version. `snap`: SnapStart. `ready`: made ready ahead."""

    def ran(function: str, instance: str, offset_ms: int, took_ms: float, more: str = "", version: str = "7") -> str:
        request_id = str(uuid.uuid4())
        write(running, function, report(request_id, took_ms, more), stream=stream(version, instance), start_ms=at_ms + offset_ms + int(took_ms))
        return request_id

    ran("resize", "a", 0, 5_000, "Init Duration: 400.00 ms\t")
    ran("resize", "b", 2_000, 100, "Init Duration: 600.00 ms\t")
    ran("resize", "a", 10_000, 100)
    ran("resize", "c", 10 * MINUTE_MS, 100, "Init Duration: 500.00 ms\t")
    ran("resize", "d", 10 * MINUTE_MS + 5_000, 100, "Init Duration: 500.00 ms\t", version="8")
    ran("snap", "s", 0, 20, "Restore Duration: 250.00 ms\tBilled Restore Duration: 250 ms\t")
    ahead = {"time": "2026-11-21T09:00:00.000Z", "type": "platform.initReport", "record": {"initializationType": "provisioned-concurrency", "phase": "init", "status": "success", "metrics": {"durationMs": 900.0}}}
    write(running, "ready", json.dumps(ahead), report(str(uuid.uuid4())), stream=stream("7", "p"), start_ms=at_ms)
    trace = os.urandom(16)
    entry = span("GET /thumb", service="api", kind=2, trace_id=trace, start_ns=(at_ms - 1_000) * 10**6, duration_ms=1_000, attributes={"http.route": "/thumb"})
    traced = span("thumb", service="thumb", kind=2, trace_id=trace, parent=entry["span_id"], start_ns=(at_ms - 600) * 10**6, duration_ms=500, attributes={"faas.invocation_id": str(uuid.uuid4()), "faas.coldstart": True})
    running.post("/v1/traces", traces(entry, traced)).raise_for_status()


def whole(answer: dict[str, Any]) -> bool:
    return answer["total"]["count"] == RUNS_OF_RESIZE + 3 and answer["provisioned_count"] == 1


def test_rates_and_durations_are_told_by_function_version_and_how_it_was_made_ready(started: Coldtrail) -> None:
    answer = started.eventually("/cold-starts", whole)
    assert (answer["total"]["cold_start_count"], answer["total"]["cold_start_share"]) == (6, 6 / 8)
    told = {(one["function"], one["version"], one["initialization_type"]): (one["count"], one["cold_start_count"]) for one in answer["groups"]}
    assert told == {
        ("resize", "7", ""): (1 + 3, 3),
        ("resize", "8", ""): (1, 1),
        ("snap", "7", "snap-start"): (1, 1),
        ("ready", "7", "provisioned-concurrency"): (1, 0),
        ("thumb", "", ""): (1, 1),
    }
    old = next(one for one in answer["groups"] if one["function"] == "resize" and one["version"] == "7")
    assert (old["memory_mb"], old["init_p50_ms"]) == (128, pytest.approx(500))
    snap = next(one for one in answer["groups"] if one["function"] == "snap")
    assert (snap["initialization_type"], snap["restore_p50_ms"], snap["init_p50_ms"]) == ("snap-start", 250, None)


def test_causes_are_told_with_their_rules(started: Coldtrail) -> None:
    answer = started.eventually("/cold-starts", whole)
    told = [one["cause"] for one in reversed(answer["cold_starts"]) if one["function"] == "resize"]
    assert told == ["first_traffic", "scale_out", "idle_timeout", "deployment"]
    assert {one["cause"]: one["count"] for one in answer["causes"]}["scale_out"] == 1
    assert all(one["rule"] for one in answer["causes"])


def test_the_trail_of_a_request_shows_what_its_cold_start_was_of_it(started: Coldtrail) -> None:
    answer = started.eventually("/cold-starts", lambda answer: whole(answer) and answer["trails"]["walked_count"] == 6)
    origins = {one["service"]: one for one in answer["trails"]["origins"]}
    assert origins["api"]["is_user_facing"] is True


def test_a_what_if_runs_the_observed_invocations_again(started: Coldtrail) -> None:
    started.eventually("/cold-starts", whole)
    answer = started.api("/cold-starts", service="resize", warm=2, memory_mb=256)["what_if"]
    assert [(one["warm"], one["cold_starts"], one["cold_starts_with"]) for one in answer["warm"]] == [(2, 3, 0)]
    assert answer["warm"][0]["saved_init_ms"] == pytest.approx(3 * 500)
    assert answer["memory"][0]["init_ms_with"] == pytest.approx(250)
    assert started.get("/cold-starts", warm=-1).status_code == 400
    assert started.get("/cold-starts", memory_mb=1).status_code == 400
