"""A search gives the newest that match, however many others carry the value."""

from __future__ import annotations

import time

from otlp import span, traces
from running import Coldtrail


def test_the_newest_are_given_where_very_many_traces_carry_the_value(coldtrail: Coldtrail) -> None:
    now_ns, count = time.time_ns(), 6_000
    sent = [span(f"one of many {number}", attributes={"tenant": "crowded"}, start_ns=now_ns - number * 1_000_000) for number in range(count)]
    for start in range(0, count, 1_000):
        assert coldtrail.post("/v1/traces", traces(*sent[start : start + 1_000])).status_code == 200
    newest = [one["trace_id"].hex() for one in sent[:20]]
    found = coldtrail.eventually("/trails", lambda answer: [row["trail_id"] for row in answer["trails"]] == newest, 40, q="tenant=crowded", limit=20)
    page = coldtrail.api("/trails", q="tenant=crowded", limit=20, cursor=found["cursor"])
    assert [row["trail_id"] for row in page["trails"]] == [one["trace_id"].hex() for one in sent[20:40]]
