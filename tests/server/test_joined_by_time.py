"""Where no id is left, times tell which send an invocation followed from, and the answer says that they did."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Sequence

import pytest

from otlp import span, traces
from running import Coldtrail, serving

APART_MS, DELAY_MS = 400, 120


def sends_and_invocations(count: int, delays_ms: Sequence[float] = tuple(DELAY_MS + more for more in range(7))) -> list[tuple[dict, dict]]:
    """Pairs of a put on a stream and the invocation that it led to, each a trace of its own, with no id in common."""
    start_ns, function = time.time_ns() - 120 * 10**9, f"reader-{os.urandom(3).hex()}"
    stream = f"stream-{os.urandom(3).hex()}"
    pairs = []
    for number in range(count):
        at_ns, delay_ms = start_ns + number * APART_MS * 10**6, delays_ms[number % len(delays_ms)]
        put = span("Kinesis.PutRecord", service="writer", kind=3, start_ns=at_ns, attributes={"aws.kinesis.stream_name": stream, "rpc.method": "PutRecord"})
        taken = {"faas.invocation_id": str(uuid.uuid4()), "faas.invoked_name": function, "aws.event_source_arn": f"arn:aws:kinesis:eu-central-1:1:stream/{stream}"}
        invocation = span(function, service=function, kind=5, start_ns=at_ns + int(delay_ms * 10**6), duration_ms=20, attributes=taken)
        pairs.append((put, invocation))
    return pairs


def test_an_invocation_without_any_key_is_joined_to_its_send_by_time(coldtrail: Coldtrail) -> None:
    pairs = sends_and_invocations(12)
    assert coldtrail.post("/v1/traces", traces(*(one for pair in pairs for one in pair))).status_code == 200
    for put, invocation in pairs:
        trail = coldtrail.eventually(f"/trails/{put['trace_id'].hex()}", lambda found: len(found["edges"]) == 1, 180)
        edge = trail["edges"][0]
        assert (edge["evidence"], 0.5 <= edge["confidence"] < 1) == ("timing", True)
        assert [node["keys"]["trace_id"] for node in trail["nodes"]] == [put["trace_id"].hex(), invocation["trace_id"].hex()]
    joined = {put["trace_id"].hex(): 2 for put, _ in pairs}
    coldtrail.eventually("/trails", lambda found: {row["trail_id"]: row["node_count"] for row in found["trails"]} == joined, 180, service=pairs[0][1]["service"])


def test_a_cause_that_came_late_takes_the_place_of_the_one_that_was_guessed_without_it(coldtrail: Coldtrail) -> None:
    pairs = sends_and_invocations(12, (100, 130, 160, 115, 145))
    (put, invocation), (late_put, _) = pairs[5:7]
    late_put["start_ns"] = put["start_ns"] + 30 * 10**6
    others = [one for pair in pairs for one in pair if one not in (invocation, late_put)]
    followed = pairs[6][1]
    followed["start_ns"] = late_put["start_ns"] + 110 * 10**6
    coldtrail.post("/v1/traces", traces(*others))

    def after(sent: dict) -> Callable[[dict], bool]:
        taken = [sent["trace_id"].hex()]
        return lambda found: [node["keys"]["trace_id"] for node in found["nodes"]][1:] == taken

    coldtrail.eventually(f"/trails/{put['trace_id'].hex()}", after(followed), 180)
    coldtrail.post("/v1/traces", traces(invocation, late_put))
    coldtrail.eventually(f"/trails/{put['trace_id'].hex()}", after(invocation), 180)
    coldtrail.eventually(f"/trails/{late_put['trace_id'].hex()}", after(followed), 180)


def test_a_kind_of_edge_that_is_switched_off_is_not_inferred(tmp_path_factory: pytest.TempPathFactory) -> None:
    pairs = sends_and_invocations(6)
    start_ns, called = pairs[0][0]["start_ns"], {"faas.invocation_id": str(uuid.uuid4()), "faas.invoked_name": "called"}
    call = span("Invoke called", service="caller", kind=3, start_ns=start_ns, duration_ms=90, attributes={"faas.invoked_name": "called"})
    answered = span("called", service="called", kind=2, start_ns=start_ns + 5 * 10**6, duration_ms=80, attributes=called)
    with serving(tmp_path_factory.mktemp("off") / "data", env={"COLDTRAIL_INFER_EDGES": '["calls"]'}) as coldtrail:
        coldtrail.post("/v1/traces", traces(call, answered, *(one for pair in pairs for one in pair)))
        coldtrail.eventually(f"/trails/{call['trace_id'].hex()}", lambda found: len(found["nodes"]) == 2)
        assert len(coldtrail.api(f"/trails/{pairs[0][0]['trace_id'].hex()}")["nodes"]) == 1
