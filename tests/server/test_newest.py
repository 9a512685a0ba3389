"""A search gives the newest that match, however many others carry the value."""

from __future__ import annotations

import json
import os
import time

import httpx

from otlp import span, traces
from running import Coldtrail


def test_the_newest_are_given_where_very_many_traces_carry_the_value(coldtrail: Coldtrail) -> None:
    now_ns, count = time.time_ns(), 6_000
    sent = [
        span(f"one of many {number}", attributes={"tenant": "crowded"}, start_ns=now_ns - number * 1_000_000)
        for number in range(count)
    ]
    for start in range(0, count, 1_000):
        assert coldtrail.post("/v1/traces", traces(*sent[start : start + 1_000])).status_code == 200
    newest = [one["trace_id"].hex() for one in sent[:20]]
    found = coldtrail.eventually(
        "/trails", lambda answer: [row["trail_id"] for row in answer["trails"]] == newest, q="tenant=crowded", limit=20
    )
    page = coldtrail.api("/trails", q="tenant=crowded", limit=20, cursor=found["cursor"])
    assert [row["trail_id"] for row in page["trails"]] == [one["trace_id"].hex() for one in sent[20:40]]


def test_trails_of_many_traces_are_whole_also_where_their_ids_end_in_zero_bytes(coldtrail: Coldtrail) -> None:
    root, tag = (
        span("POST /many", service="zero-ended", kind=2, trace_id=os.urandom(14) + bytes(2)),
        f"zero-{os.urandom(4).hex()}",
    )
    sent = []
    for number in range(30):
        name = {"messaging.system": "aws_sqs", "messaging.message.id": f"{os.urandom(8).hex()}-{number}"}
        sent.append(
            span(
                "send",
                service="zero-ended",
                kind=4,
                trace_id=root["trace_id"],
                parent=root["span_id"],
                attributes={**name, "messaging.operation.type": "send"},
            )
        )
        sent.append(
            span(
                "process",
                service="zero-taker",
                kind=5,
                trace_id=os.urandom(15) + bytes(1),
                attributes={**name, "messaging.operation.type": "process", "tag": tag},
            )
        )
    assert coldtrail.post("/v1/traces", traces(root, *sent)).status_code == 200
    trail = coldtrail.eventually(f"/trails/{root['trace_id'].hex()}", lambda found: len(found["nodes"]) == 91)
    assert len(trail["edges"]) == 90
    alone = [
        span("alone", service="zero-alone", trace_id=os.urandom(15) + bytes(1), attributes={"tag": tag})
        for _ in range(20)
    ]
    assert coldtrail.post("/v1/traces", traces(*alone)).status_code == 200
    found = coldtrail.eventually("/trails", lambda answer: len(answer["trails"]) == 21, q=f"tag={tag}")
    assert {row["trail_id"] for row in found["trails"]} == {one["trace_id"].hex() for one in (root, *alone)}


def test_a_late_span_without_any_key_is_counted_on_a_trail_that_was_put_together_before(coldtrail: Coldtrail) -> None:
    name = {"messaging.system": "aws_sqs", "messaging.message.id": os.urandom(16).hex()}
    root = span("POST /late", service="late-api", kind=2)
    send = span(
        "send",
        service="late-api",
        kind=4,
        trace_id=root["trace_id"],
        parent=root["span_id"],
        attributes={**name, "messaging.operation.type": "send"},
    )
    process = span("process", service="late-taker", kind=5, attributes={**name, "messaging.operation.type": "process"})
    assert coldtrail.post("/v1/traces", traces(root, send, process)).status_code == 200

    def counted(nodes: int, status: str) -> None:
        told = [(root["trace_id"].hex(), nodes, status)]
        coldtrail.eventually(
            "/trails",
            lambda answer: [(row["trail_id"], row["node_count"], row["status"]) for row in answer["trails"]] == told,
            60,
            service="late-api",
        )

    counted(4, "ok")
    for late, nodes in ((process, 5), (root, 6)):
        said = span(
            "render", service=late["service"], trace_id=late["trace_id"], parent=late["span_id"], error="TooLate"
        )
        assert coldtrail.post("/v1/traces", traces(said)).status_code == 200
        counted(nodes, "error")


def test_whoever_listens_is_told_of_every_load(coldtrail: Coldtrail) -> None:
    before = coldtrail.api("/received")["spans"]
    with httpx.stream("GET", f"{coldtrail.url}/api/v1/live", headers=coldtrail.headers, timeout=60) as live:
        assert live.headers["content-type"].startswith("text/event-stream")
        lines = live.iter_lines()
        assert next(lines) == "retry: 2000"
        assert coldtrail.post("/v1/traces", traces(span("told"))).status_code == 200
        told = (json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: "))
        tick = next(one for one in told if one["spans"] > before)
    assert tick.keys() == {"spans", "logs", "metrics", "newest"}
    assert tick["newest"].endswith("Z")
