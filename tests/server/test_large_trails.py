"""A trail that fans out to very many traces is whole, also where nothing but links joins them; one beyond all bounds says so."""

from __future__ import annotations

import os
from typing import Any

import pytest

from otlp import span, traces
from running import Coldtrail


def fan_out(coldtrail: Coldtrail, count: int) -> str:
    """Send a publisher and what so many consumers did of it, each in a trace of its own; return the publisher's trace id."""
    tag = os.urandom(3).hex()
    root = span("publish", service=f"fan-out-{tag}", kind=4)
    cause = [(root["trace_id"], root["span_id"])]
    took = [span("process", service=f"fan-in-{tag}", kind=5, links=cause, start_ns=root["start_ns"] + 10**7) for _ in range(count)]
    assert coldtrail.post("/v1/traces", traces(root, *took)).status_code == 200
    return root["trace_id"].hex()


def said_last(trail: dict[str, Any]) -> str:
    return trail["story"][-1]["text"] if trail.get("story") else ""


@pytest.mark.parametrize("count", [3, 800])
def test_those_who_only_link_to_a_message_are_found_from_it(coldtrail: Coldtrail, count: int) -> None:
    trail_id = fan_out(coldtrail, count)
    trail = coldtrail.eventually(f"/trails/{trail_id}", lambda found: len(found["nodes"]) == 1 + count)
    assert {edge["evidence"] for edge in trail["edges"]} == {"link"}
    assert "not read to its end" not in said_last(trail)


def test_a_trail_beyond_all_bounds_says_that_it_goes_on(coldtrail: Coldtrail) -> None:
    trail_id = fan_out(coldtrail, 2_600)
    coldtrail.eventually(f"/trails/{trail_id}", lambda found: "not read to its end" in said_last(found))
