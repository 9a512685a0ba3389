"""API v1 as a whole: its description, and pages that lose and double nothing."""

from __future__ import annotations

import os
import time
import uuid
from typing import Any

import pytest

from lambda_logs import report, write
from otlp import logs, span, traces
from running import Coldtrail

pytestmark = pytest.mark.both_stores


def test_the_description_names_every_promised_path(coldtrail: Coldtrail) -> None:
    paths = coldtrail.api("/openapi.json")["paths"]
    promised = ["health", "find", "trails", "trails/{trail_id}", "nodes/{node_id}", "spans", "logs", "red"]
    assert [path for path in promised if f"/api/v1/{path}" not in paths] == []


def test_pages_of_trails_lose_and_double_nothing(coldtrail: Coldtrail) -> None:
    service = f"paged-{os.urandom(3).hex()}"
    sent = [span(service=service, kind=2, start_ns=1_795_000_000 * 10**9 + number * 700_000_000) for number in range(23)]
    for start in range(0, 23, 5):
        coldtrail.post("/v1/traces", traces(*sent[start : start + 5]))
    coldtrail.eventually("/trails", lambda answer: len(answer["trails"]) == 23, service=service, limit=100)
    found, cursor = [], None
    while True:
        page = coldtrail.api("/trails", service=service, limit=4, **({"cursor": cursor} if cursor else {}))
        found += [row["trail_id"] for row in page["trails"]]
        cursor = page["cursor"]
        if not cursor:
            break
    assert found == [one["trace_id"].hex() for one in reversed(sent)]


def test_pages_of_logs_and_spans_lose_and_double_nothing(coldtrail: Coldtrail) -> None:
    marker, trace_id = f"m{os.urandom(4).hex()}", os.urandom(16)
    coldtrail.post("/v1/logs", logs(*({"body": f"{marker} {number}", "time_ns": 1_795_000_000 * 10**9 + number} for number in range(7))))
    coldtrail.post("/v1/traces", traces(*(span(f"s{number}", trace_id=trace_id) for number in range(7))))
    coldtrail.eventually("/logs", lambda answer: len(answer["logs"]) == 7, q=marker)
    coldtrail.eventually("/spans", lambda answer: len(answer["spans"]) == 7, trace_id=trace_id.hex())
    for path, name, key, query in (("/logs", "logs", "body", {"q": marker}), ("/spans", "spans", "span_id", {"trace_id": trace_id.hex()})):
        found, cursor = [], None
        while True:
            page = coldtrail.api(path, limit=3, **query, **({"cursor": cursor} if cursor else {}))
            found += [one[key] for one in page[name]]
            cursor = page["cursor"]
            if not cursor:
                break
        assert (len(found), len(set(found))) == (7, 7)


def test_a_function_is_charted_step_by_step_and_as_a_whole(coldtrail: Coldtrail) -> None:
    name, now_ms = f"steps-{os.urandom(3).hex()}", time.time_ns() // 10**6
    for minutes in (1, 5, 9):
        request_id = str(uuid.uuid4())
        write(coldtrail, name, f"START RequestId: {request_id} Version: 1", report(request_id, 7.0), start_ms=now_ms - minutes * 60_000)

    def group(answer: dict[str, Any]) -> dict[str, Any]:
        return next((one for one in answer["groups"] if one["name"] == name), {"count": 0})

    found = group(coldtrail.eventually("/red", lambda answer: group(answer)["count"] == 3, group="function", step="60"))
    assert [point["count"] for point in found["points"]] == [1, 1, 1]
