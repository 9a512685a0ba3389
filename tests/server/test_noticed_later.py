"""What is noticed only with time: silence, loss, quotas, an hour unlike other weeks', advice, what comes back. One server, restarted.

The second start has its clock seven minutes ahead, so that silence need not be waited for; all else is as it is.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import lambda_logs
from otlp import span, traces
from running import HTTP, Coldtrail, serving

sys.path.insert(0, str(Path(__file__).parents[1] / "watched"))

from metric_stream import point, record

SOON_S = 180.0
S_NS = 10**9
MINUTE_NS = 60 * S_NS
AHEAD_S = 420
QUARTER_S, WEEK_S = 900, 7 * 86_400
SILENT, DROPPED, TOPIC, FULL, SHOP, ROOMY, QUEUE, PARCELS, BOOKS = "stock-count", "mailer", "signups", "orders", "checkout", "thumbnails", "invoices", "parcels", "books"
CLOCK = """
import os, time
_now_ns, _ahead_ns = time.time_ns, int(os.environ["AHEAD_S"]) * 10**9
time.time_ns = lambda: _now_ns() + _ahead_ns
time.time = lambda: time.time_ns() / 1e9
"""
Spans = list[dict[str, Any]]


def run_of(function: str, at_ns: int, **more: Any) -> dict[str, Any]:
    return span(function, service=function, kind=2, start_ns=at_ns, attributes={"faas.invocation_id": str(uuid.uuid4()), "faas.trigger": "pubsub"}, **more)


def message(system: str, name: str, at_ns: int, consumer: str, tries: int, error: str = "") -> Spans:
    """One message that was sent, and taken so many times."""
    named = {"messaging.system": system, "messaging.destination.name": name, "messaging.message.id": str(uuid.uuid4())}
    spans = [span("send", service=f"{name}-sender", kind=4, start_ns=at_ns, attributes={**named, "messaging.operation.type": "send"})]
    for number in range(tries):
        run = run_of(consumer, at_ns + (number + 1) * S_NS, error=error)
        about = {**named, "messaging.operation.type": "process", "aws.sqs.approximate_receive_count": number + 1}
        spans += [run, span("process", service=consumer, kind=5, start_ns=run["start_ns"] + 10**6, trace_id=run["trace_id"], parent=run["span_id"], error=error, attributes=about)]
    return spans


def weeks(later_s: int) -> Spans:
    """A shop that fails every other request in the last whole quarters of an hour, and never did at this hour of earlier weeks."""
    start_s = (later_s - 120) // QUARTER_S * QUARTER_S - QUARTER_S
    spans: Spans = []
    for week in range(3):
        # The quarter that is judged may become the next one until somebody looks.
        for quarter in range(2) if week == 0 else range(-1, 3):
            first_s = start_s - week * WEEK_S + quarter * QUARTER_S
            spans += [span("GET /pay", service=SHOP, kind=2, start_ns=(first_s + each) * S_NS, error="" if week or each % 2 else "PaymentError") for each in range(40)]
    return spans


def tell(coldtrail: Coldtrail) -> None:
    now_ns = time.time_ns()
    # What ran before all else has not just begun, and what is lost is lost within one minute.
    spans, minute_ns = [run_of(SILENT, now_ns - second * S_NS) for second in range(230, 0, -5)], now_ns // MINUTE_NS * MINUTE_NS - MINUTE_NS
    for number in range(12):
        spans += message("aws_sns", TOPIC, minute_ns - (90 - 2 * number) * S_NS, f"{TOPIC}-mail", 1)
    for number in range(8):
        spans += message("aws_sns", TOPIC, minute_ns + (10 + number) * S_NS, "", 0)
    spans += message("aws_sqs", QUEUE, now_ns - 60 * S_NS, f"{QUEUE}-taker", 7, "ValueError")
    assert coldtrail.post("/v1/traces", traces(*spans, *weeks(now_ns // S_NS + AHEAD_S))).status_code == 200
    reports = [f"REPORT RequestId: {uuid.uuid4()}\tDuration: 12.00 ms\tBilled Duration: 12 ms\tMemory Size: 1024 MB\tMax Memory Used: 90 MB\t" for _ in range(24)]
    at_ms = now_ns // 10**6 - 60_000
    points = [
        point("AWS/Lambda", "AsyncEventsDropped", {"FunctionName": DROPPED}, at_ms, [3, 1]),
        *(point("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": f"{PARCELS}-dlq"}, at_ms - ago * 60_000, [depth]) for ago, depth in ((2, 1), (1, 1), (0, 4))),
        point("AWS/SQS", "ApproximateNumberOfMessagesNotVisible", {"QueueName": FULL}, at_ms, [90_000, 102_000]),
    ]
    assert lambda_logs.deliver(coldtrail, lambda_logs.payload(f"/aws/lambda/{ROOMY}", reports), record(*points)).status_code == 200
    coldtrail.eventually(f"/functions/{ROOMY}", lambda said: said["summary"]["count"] == len(reports), SOON_S)
    coldtrail.eventually("/limits", lambda said: any(one["id"] == "sqs.in_flight" and one["used"] for one in said["limits"]), SOON_S)
    for kind, name, count in (("sns", TOPIC, 20), ("sqs", QUEUE, 1)):
        coldtrail.eventually(f"/event-sources/{kind}/{name}", lambda said, count=count: said.get("message_count") == count, SOON_S)


def fail(coldtrail: Coldtrail, message: str) -> str:
    request_id = str(uuid.uuid4())
    failure = f'[ERROR] ValueError: {message}\nTraceback (most recent call last):\n  File "/var/task/app.py", line 7, in handler'
    lambda_logs.write(coldtrail, BOOKS, f"START RequestId: {request_id} Version: 7", failure, lambda_logs.report(request_id, more="Status: error\tError Type: ValueError"))
    return request_id


def about(coldtrail: Coldtrail, good: Callable[[list[dict[str, Any]]], bool], **params: Any) -> list[dict[str, Any]]:
    """What is noticed about the books."""
    found: list[dict[str, Any]] = coldtrail.eventually("/findings", lambda said: good(said["findings"]), SOON_S, about=BOOKS, **params)["findings"]
    return found


def resolve(coldtrail: Coldtrail) -> None:
    """A failure is one finding, however often; somebody resolves it."""
    first = fail(coldtrail, "order o-17 has no lines")
    fail(coldtrail, "order o-18 has no lines")
    (one,) = about(coldtrail, lambda found: bool(found) and found[0]["count"] == 2)
    assert (one["kind"], one["severity"], one["state"]) == ("error", "high", "open")
    assert "ValueError" in one["title"]
    assert "o-17" not in one["title"]
    whole = coldtrail.api(f"/findings/{one['finding_id']}")
    assert whole["evidence"]["failed_count"] in (1, 2), "of the newest minute"
    assert sum(minute["count"] for minute in whole["points"]) == 2
    assert whole["trail_ids"]
    assert first in str([coldtrail.api(f"/trails/{trail}")["nodes"] for trail in whole["trail_ids"]])
    decision = {"state": "resolved", "by": "ada", "note": "rolled back"}
    assert HTTP.post(f"{coldtrail.url}/api/v1/findings/{one['finding_id']}", json=decision, timeout=30).status_code == 200
    assert about(coldtrail, lambda found: not found) == []


@pytest.fixture(scope="module")
def later(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    folder = tmp_path_factory.mktemp("later")
    (folder / "sitecustomize.py").write_text(CLOCK)
    with serving(folder / "data") as coldtrail:
        tell(coldtrail)
        resolve(coldtrail)
    ahead = {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]), "AHEAD_S": str(AHEAD_S)}
    with serving(folder / "data", env=ahead) as coldtrail:
        yield coldtrail


def found(coldtrail: Coldtrail, kind: str, scope: str) -> list[dict[str, Any]]:
    """What is noticed of a kind about a scope, whole."""
    answer = coldtrail.eventually("/findings", lambda said: bool(said["findings"]), SOON_S, about=scope, kind=kind, which="all")
    return [coldtrail.api(f"/findings/{one['finding_id']}") for one in answer["findings"]]


def test_a_function_that_is_asked_for_nothing_any_more_has_vanished(later: Coldtrail) -> None:
    (one,) = found(later, "vanished", SILENT)
    assert (one["severity"], one["title"]) == ("medium", f"{SILENT} is not asked for anything any more, after about 12 runs a minute")
    assert one["evidence"]["silent_s"] >= 30


def test_events_that_are_lost_are_told_by_the_metric_and_by_nobody_taking_them(later: Coldtrail) -> None:
    (counted,) = found(later, "dropped", DROPPED)
    assert (counted["severity"], counted["count"], counted["evidence"]["told_by"]) == ("high", 4, "AsyncEventsDropped")
    (untaken,) = found(later, "dropped", TOPIC)
    assert (untaken["severity"], untaken["evidence"]["told_by"]) == ("high", "untaken")
    assert untaken["trail_ids"]


def test_a_quota_of_which_four_fifths_are_used_is_told_before_it_is_met(later: Coldtrail) -> None:
    (one,) = found(later, "quota", FULL)
    assert (one["severity"], one["evidence"]["used"], one["evidence"]["limit"]) == ("medium", 102_000, 120_000)
    assert one["title"].startswith(f"{FULL} uses 85% of ")


def test_a_dead_letter_queue_that_fills_up_unread_is_told_by_its_depth(later: Coldtrail) -> None:
    (one,) = found(later, "dead_letter", PARCELS)
    assert (one["severity"], one["count"], one["evidence"]["queue"], one["evidence"]["message_count"]) == ("high", 3, f"{PARCELS}-dlq", 4)


def test_an_hour_that_is_unlike_the_same_hour_of_other_weeks_is_told(later: Coldtrail) -> None:
    (one,) = found(later, "unusual", SHOP)
    assert one["title"] == f"{SHOP} fails more often than is usual at this hour: 50.0% instead of 0.0%"
    assert (one["severity"], one["evidence"]["error_count"], one["evidence"]["count"]) == ("medium", 20, 40)


def test_settings_that_do_not_fit_are_advised_on(later: Coldtrail) -> None:
    (memory,) = found(later, "advice", ROOMY)
    assert (memory["severity"], memory["title"]) == ("low", f"{ROOMY} used at most 90 of its 1024 MB: 128 MB would do")
    (queue,) = found(later, "advice", QUEUE)
    assert queue["title"] == f"{QUEUE} has no dead-letter queue: a message was tried 7 times in vain"


def test_a_failure_comes_back_after_it_was_resolved(later: Coldtrail) -> None:
    (kept,) = about(later, lambda found: len(found) == 1, which="all")
    assert (kept["state"], kept["count"]) == ("resolved", 2), "what was looked at before the restart is counted once"
    fail(later, "order o-99 has no lines")
    (back,) = about(later, lambda found: bool(found) and found[0]["count"] == 3)
    assert (back["state"], back["regressed"]) == ("open", True)
    assert [change["what"] for change in later.api(f"/findings/{back['finding_id']}")["history"]] == ["regressed", "resolved", "opened"]


def test_what_is_well_is_told_of_by_nothing_else(later: Coldtrail) -> None:
    for kind, scope in (("vanished", SILENT), ("dead_letter", PARCELS)):
        found(later, kind, scope)
    high = {(one["kind"], one["scope"]) for one in later.api("/findings", which="all", severity="high", limit=200)["findings"]}
    assert high - {("error", BOOKS)} == {("dropped", DROPPED), ("dropped", TOPIC), ("dead_letter", PARCELS), ("error", f"{QUEUE}-taker")}
