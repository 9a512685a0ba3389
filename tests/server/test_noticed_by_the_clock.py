"""What nobody sends, and what only a longer time shows, is noticed as well: real signals, against a real server."""

from __future__ import annotations

import os
import time
import uuid
from typing import Any

from lambda_logs import report, write
from otlp import span, traces
from running import Coldtrail

SOON_S = 90.0
S_NS = 10**9
MINUTE_NS = 60 * S_NS
Spans = list[dict[str, Any]]


def name_of(word: str) -> str:
    return f"{word}-{os.urandom(3).hex()}"


def found(coldtrail: Coldtrail, kind: str, scope: str) -> dict[str, Any]:
    """The one finding of a kind about a scope, whole."""
    answer = coldtrail.eventually(
        "/findings", lambda said: len(said["findings"]) == 1, SOON_S, about=scope, kind=kind, which="all"
    )
    whole: dict[str, Any] = coldtrail.api(f"/findings/{answer['findings'][0]['finding_id']}")
    assert whole["advice"]
    return whole


def message(
    queue: str,
    sender: str,
    consumer: str,
    sent_ns: int,
    taken_ns: int | None,
    *,
    told: bool = True,
    then: str = "",
    trace_id: bytes = b"",
) -> Spans:
    """What is told of one message in a queue: its sending, where ``told``, and its taking, where it was taken.

    ``then``: the id of another message that the consumer sends to the same queue meanwhile.
    """
    url = f"https://sqs.eu-central-1.amazonaws.com/123456789012/{queue}"
    message_id = then or str(uuid.uuid4())
    named = {
        "messaging.system": "aws_sqs",
        "messaging.destination.name": queue,
        "messaging.message.id": message_id,
        "aws.sqs.queue.url": url,
    }
    spans: Spans = []
    if told:
        spans.append(
            span(
                "send",
                service=sender,
                kind=4,
                start_ns=sent_ns,
                attributes={**named, "messaging.operation.type": "send"},
                **({"trace_id": trace_id} if trace_id else {}),
            )
        )
    if taken_ns is not None:
        run = span(
            consumer,
            service=consumer,
            kind=2,
            start_ns=taken_ns,
            duration_ms=20.0,
            attributes={"faas.invocation_id": str(uuid.uuid4()), "faas.trigger": "pubsub"},
        )
        taking = {**named, "messaging.operation.type": "process"}
        spans += [
            run,
            span(
                "process",
                service=consumer,
                kind=5,
                start_ns=taken_ns + 10**6,
                trace_id=run["trace_id"],
                parent=run["span_id"],
                attributes=taking,
            ),
        ]
    return spans


def send(coldtrail: Coldtrail, spans: Spans) -> None:
    assert coldtrail.post("/v1/traces", traces(*spans)).status_code == 200


def test_messages_that_nobody_takes_any_more_grow_old(coldtrail: Coldtrail) -> None:
    queue, sender, consumer, now_ns = name_of("queue"), name_of("sender"), name_of("taker"), time.time_ns()
    spans: Spans = []
    for second in range(400, 100, -10):
        spans += message(queue, sender, consumer, now_ns - second * S_NS, now_ns - second * S_NS + S_NS)
    for second in range(90, 20, -5):
        spans += message(queue, sender, consumer, now_ns - second * S_NS, None)
    send(coldtrail, spans)
    one = found(coldtrail, "aging", queue)
    assert one["evidence"]["age_ms"] >= 60_000
    assert "Nobody takes" in one["title"]


def test_the_place_where_the_chain_breaks_is_named_with_who_used_to_tell(coldtrail: Coldtrail) -> None:
    queue, sender, consumer, now_ns = name_of("queue"), name_of("sender"), name_of("taker"), time.time_ns()
    spans: Spans = []
    for second in range(300, 30, -10):
        at_ns = now_ns - second * S_NS
        spans += message(queue, sender, consumer, at_ns, at_ns + S_NS // 10, told=second > 150)
    send(coldtrail, spans)
    one = found(coldtrail, "lost_context", queue)
    assert one["evidence"]["senders"] == [sender]
    assert sender in one["advice"]


def test_a_clock_that_is_wrong_is_told_by_effects_before_their_causes(coldtrail: Coldtrail) -> None:
    queue, sender, consumer, now_ns = name_of("queue"), name_of("sender"), name_of("taker"), time.time_ns()
    send(
        coldtrail,
        [
            one
            for second in range(100, 40, -10)
            for one in message(queue, sender, consumer, now_ns - second * S_NS, now_ns - (second + 7) * S_NS)
        ],
    )
    one = found(coldtrail, "clock_skew", sender)
    assert 6_900 <= one["evidence"]["skew_ms"] <= 7_100
    assert one["evidence"]["other"] == consumer


def test_a_function_that_feeds_itself_is_told_with_its_turns(coldtrail: Coldtrail) -> None:
    queue, function, now_ns = name_of("queue"), name_of("echo"), time.time_ns()
    url = f"https://sqs.eu-central-1.amazonaws.com/123456789012/{queue}"
    spans, given = message(queue, "starter", function, 0, None)[:0], str(uuid.uuid4())
    for turn in range(5):
        at_ns, next_id = now_ns - (60 - turn) * S_NS, str(uuid.uuid4())
        run = span(
            function,
            service=function,
            kind=2,
            start_ns=at_ns,
            duration_ms=20.0,
            attributes={"faas.invocation_id": str(uuid.uuid4()), "faas.trigger": "pubsub"},
        )
        named = {"messaging.system": "aws_sqs", "messaging.destination.name": queue, "aws.sqs.queue.url": url}
        inner = {"service": function, "trace_id": run["trace_id"], "parent": run["span_id"]}
        spans += [
            run,
            span(
                "process",
                kind=5,
                start_ns=at_ns + 10**6,
                attributes={**named, "messaging.message.id": given, "messaging.operation.type": "process"},
                **inner,
            ),
            span(
                "send",
                kind=4,
                start_ns=at_ns + 2 * 10**6,
                attributes={**named, "messaging.message.id": next_id, "messaging.operation.type": "send"},
                **inner,
            ),
        ]
        given = next_id
    send(coldtrail, spans)
    one = found(coldtrail, "recursion", function)
    assert one["severity"] == "high"
    assert one["evidence"]["turns"] == 4, "the last message is still on its way"


def calls(service: str, host: str, at_ns: int, count: int, error: str = "") -> Spans:
    run = span(service, service=service, kind=2, start_ns=at_ns, attributes={"faas.invocation_id": str(uuid.uuid4())})
    inner = {"service": service, "kind": 3, "trace_id": run["trace_id"], "parent": run["span_id"], "error": error}
    return [
        run,
        *(
            span(
                "GET",
                start_ns=at_ns + turn * 10**6,
                attributes={"server.address": host, "error.type": error} if error else {"server.address": host},
                **inner,
            )
            for turn in range(count)
        ),
    ]


def test_retries_that_multiply_are_a_storm_and_a_thing_called_for_the_first_time_is_told(coldtrail: Coldtrail) -> None:
    service, host, fresh = name_of("caller"), f"{name_of('api')}.example", f"{name_of('new')}.example"
    now_ns = time.time_ns() // MINUTE_NS * MINUTE_NS
    spans = [
        one
        for minute in range(12, 1, -1)
        for run in range(24)
        for one in calls(service, host, now_ns - minute * MINUTE_NS + run * S_NS, 1)
    ]
    spans += [one for run in range(24) for one in calls(service, host, now_ns - MINUTE_NS + run * S_NS, 6, "503")]
    spans += calls(service, fresh, now_ns - MINUTE_NS + 30 * S_NS, 1)
    send(coldtrail, spans)
    storm = found(coldtrail, "retry_storm", host)
    assert (storm["evidence"]["caller"], storm["evidence"]["usual_calls_a_run"]) == (service, 1.0)
    assert storm["evidence"]["calls_a_run"] > 5
    assert found(coldtrail, "new_dependency", service)["evidence"]["called"] == fresh


def test_requests_that_wait_for_a_function_to_be_set_up_are_told_by_their_route(coldtrail: Coldtrail) -> None:
    function, route, now_ns = name_of("front"), f"/{name_of('orders')}", time.time_ns()
    spans: Spans = []
    for second in range(100, 20, -4):
        at_ns, request_id = now_ns - second * S_NS, str(uuid.uuid4())
        request = span(
            f"GET {route}",
            service="edge",
            kind=2,
            start_ns=at_ns,
            duration_ms=1_300.0,
            attributes={"http.request.method": "GET", "http.route": route},
        )
        run = {"faas.invocation_id": request_id, "faas.coldstart": second % 8 == 0}
        spans += [
            request,
            span(
                function,
                service=function,
                kind=2,
                start_ns=at_ns + S_NS,
                trace_id=request["trace_id"],
                parent=request["span_id"],
                attributes=run,
            ),
        ]
        cold = f"\tInit Duration: 900.00 ms\tXRAY TraceId: 1-{request['trace_id'].hex()[:8]}-{request['trace_id'].hex()[8:]}\tSegmentId: {os.urandom(8).hex()}\tSampled: true"
        if second % 8 == 0:
            write(coldtrail, function, report(request_id, 20.0, more=cold), start_ms=at_ns // 10**6 + 1_020)
    send(coldtrail, spans)
    one = found(coldtrail, "cold_starts", function)
    assert one["evidence"]["route"].endswith(route)
    assert 0.4 <= one["evidence"]["cold_count"] / one["evidence"]["request_count"] <= 0.6


def test_requests_that_take_nearly_as_long_as_the_gateway_waits_are_told(coldtrail: Coldtrail) -> None:
    route, now_ns = f"/{name_of('report')}", time.time_ns()
    send(
        coldtrail,
        [
            span(
                "GET",
                service="edge",
                kind=2,
                start_ns=now_ns - 60 * S_NS,
                duration_ms=26_000.0,
                attributes={"http.request.method": "GET", "http.route": route},
            )
        ],
    )
    one = found(coldtrail, "near_timeout", f"GET {route}")
    assert (one["severity"], one["evidence"]["timeout_ms"]) == ("low", 29_000)
