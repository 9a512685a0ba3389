"""What is wrong is noticed without anyone asking, once, and what people decide about it lasts."""

from __future__ import annotations

import os
import time
import uuid
from typing import Any

import httpx

from lambda_logs import report, write
from otlp import span, traces
from running import HTTP, Coldtrail

SOON_S = 180.0


def fail(coldtrail: Coldtrail, function: str, message: str) -> str:
    request_id = str(uuid.uuid4())
    write(
        coldtrail,
        function,
        f"START RequestId: {request_id} Version: 7",
        f'[ERROR] ValueError: {message}\nTraceback (most recent call last):\n  File "/var/task/app.py", line 7, in handler',
        f"END RequestId: {request_id}",
        report(request_id, more="Status: error\tError Type: ValueError"),
    )
    return request_id


def about(coldtrail: Coldtrail, scope: str, good: Any, **params: Any) -> list[dict[str, Any]]:
    answer = coldtrail.eventually("/findings", lambda said: good(said["findings"]), SOON_S, about=scope, **params)
    found: list[dict[str, Any]] = answer["findings"]
    return found


def decide(coldtrail: Coldtrail, finding_id: str, **decision: str) -> httpx.Response:
    return HTTP.post(f"{coldtrail.url}/api/v1/findings/{finding_id}", json=decision, timeout=30)


def test_each_kind_of_trouble_is_told_apart(coldtrail: Coldtrail) -> None:
    mark = os.urandom(3).hex()
    late, full, dead, lazy, near = (f"{name}-{mark}" for name in ("late", "full", "dead", "lazy", "near"))
    ids = {name: str(uuid.uuid4()) for name in (late, full, dead, lazy, near)}
    for name, request_id in ids.items():
        lines = {
            late: (f"2026-11-21T05:00:03.000Z {request_id} Task timed out after 3.00 seconds\n", report(request_id, 3000, "Status: timeout")),
            full: (
                f"RequestId: {request_id} Error: Runtime exited with error: signal: killed\nRuntime.ExitError",
                report(request_id, more="Status: error\tError Type: Runtime.OutOfMemory"),
            ),
            dead: (
                "[ERROR] Runtime.ImportModuleError: Unable to import module 'app': No module named 'boto9'\nTraceback (most recent call last):",
                report(request_id, more="Status: error\tError Type: Runtime.ImportModuleError"),
            ),
            lazy: (f'{{"level": "ERROR", "message": "order {mark}-1 was dropped", "function_request_id": "{request_id}"}}', report(request_id)),
            near: (f"REPORT RequestId: {request_id}\tDuration: 5.00 ms\tBilled Duration: 5 ms\tMemory Size: 128 MB\tMax Memory Used: 127 MB\t",),
        }[name]
        write(coldtrail, name, f"START RequestId: {request_id} Version: 7", *lines)
    wanted = {late: "timeout", full: "out_of_memory", dead: "failed_init", lazy: "error_line", near: "near_out_of_memory"}
    for name, kind in wanted.items():
        (one,) = about(coldtrail, name, lambda found, kind=kind: [finding["kind"] for finding in found] == [kind])
        assert one["advice"]
        assert one["count"] == 1


def test_a_failing_dependency_is_named_and_follows_from_nothing_else(coldtrail: Coldtrail) -> None:
    host = f"ledger-{os.urandom(3).hex()}.example"
    call = span("POST", kind=3, error="ReadTimeout", attributes={"server.address": host, "error.type": "ReadTimeout"})
    assert coldtrail.post("/v1/traces", traces(call)).status_code == 200
    (one,) = about(coldtrail, host, lambda found: len(found) == 1)
    assert (one["kind"], one["severity"], one["follows"]) == ("dependency", "medium", None)
    assert coldtrail.api(f"/findings/{one['finding_id']}")["trail_ids"] == [call["trace_id"].hex()]


def test_a_decision_that_makes_no_sense_is_refused_with_what_to_do(coldtrail: Coldtrail) -> None:
    assert decide(coldtrail, "0" * 16, state="resolved").status_code == 404
    function = f"odd-{os.urandom(3).hex()}"
    fail(coldtrail, function, "no")
    (one,) = about(coldtrail, function, lambda found: len(found) == 1)
    for bad in ({"state": "gone"}, {"state": "resolved", "until": "now"}, {"state": "muted", "until": "soon"}, {}, {"state": "open", "by": ""}):
        answer = decide(coldtrail, one["finding_id"], **bad)
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), answer.text
    assert coldtrail.api(f"/findings/{one['finding_id']}")["state"] == "open"


def test_a_function_that_becomes_slow_is_found_by_what_was_usual(coldtrail: Coldtrail) -> None:
    function, now_ms = f"calm-{os.urandom(3).hex()}", time.time_ns() // 10**6
    first_ms = now_ms // 60_000 * 60_000 - 8 * 60_000
    for minute in range(8):
        lines = [report(str(uuid.uuid4()), 12.0 if minute < 7 else 480.0) for _ in range(12)]
        write(coldtrail, function, *lines, start_ms=first_ms + minute * 60_000 + 5_000)
    (one,) = about(coldtrail, function, lambda found: len(found) == 1)
    assert (one["kind"], one["severity"], one["count"]) == ("slower", "medium", 12)
    assert "480 ms instead of 12" in one["title"]


def test_a_message_that_fails_each_time_is_told_apart_from_why_it_fails(coldtrail: Coldtrail) -> None:
    function, message_id = f"taker-{os.urandom(3).hex()}", str(uuid.uuid4())
    queue, trace_id = f"jobs-{os.urandom(3).hex()}", os.urandom(16)
    url = f"https://sqs.eu-central-1.amazonaws.com/123456789012/{queue}"
    start_ns = time.time_ns() - 60 * 10**9
    named = {"messaging.system": "aws_sqs", "messaging.destination.name": queue, "messaging.message.id": message_id, "aws.sqs.queue.url": url}
    sent = span("send", service="sender", kind=4, trace_id=trace_id, start_ns=start_ns, attributes={**named, "messaging.operation.type": "send"})
    taken = []
    for attempt in range(1, 4):
        at_ns = start_ns + attempt * 10 * 10**9
        handled = span(function, service=function, kind=2, start_ns=at_ns, error="ValueError", attributes={"faas.invocation_id": str(uuid.uuid4()), "faas.trigger": "pubsub"})
        read = {**named, "messaging.operation.type": "process", "aws.sqs.approximate_receive_count": attempt}
        taken += [handled, span("process", service=function, kind=5, start_ns=at_ns + 10**6, error="ValueError", trace_id=handled["trace_id"], parent=handled["span_id"], attributes=read)]
    assert coldtrail.post("/v1/traces", traces(sent, *taken)).status_code == 200
    (one,) = about(coldtrail, queue, lambda found: [finding["kind"] for finding in found] == ["poison_message"])
    (cause,) = about(coldtrail, function, lambda found: len(found) == 1)
    assert (cause["kind"], cause["severity"], cause["count"]) == ("error", "high", 3)
    assert one["follows"] == cause["finding_id"]
