"""What nobody sends, and what only a longer time shows, is noticed as well: real signals, against a real server."""

from __future__ import annotations

import os
import time
import uuid
from typing import Any

import pytest

from lambda_logs import report, write
from otlp import span, traces
from running import Coldtrail

SOON_S = 180.0
S_NS = 10**9
MINUTE_NS = 60 * S_NS
Spans = list[dict[str, Any]]


class Names:
    """Names of this run alone, made as they are asked for."""

    def __getattr__(self, word: str) -> str:
        name = f"{word}-{os.urandom(3).hex()}"
        setattr(self, word, name)
        return name


def named(queue: str, message_id: str, operation: str) -> dict[str, Any]:
    url = f"https://sqs.eu-central-1.amazonaws.com/123456789012/{queue}"
    return {"messaging.system": "aws_sqs", "messaging.destination.name": queue, "messaging.message.id": message_id, "aws.sqs.queue.url": url, "messaging.operation.type": operation}


def run_of(function: str, at_ns: int) -> dict[str, Any]:
    return span(function, service=function, kind=2, start_ns=at_ns, duration_ms=20.0, attributes={"faas.invocation_id": str(uuid.uuid4()), "faas.trigger": "pubsub"})


def inside(run: dict[str, Any], name: str, kind: int, later_ms: int, attributes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A span of the same function within a run."""
    where = {"service": run["service"], "trace_id": run["trace_id"], "parent": run["span_id"]}
    return span(name, kind=kind, start_ns=run["start_ns"] + later_ms * 10**6, attributes=attributes, **where, **more)


def message(queue: str, sender: str, consumer: str, sent_ns: int, taken_ns: int | None, *, told: bool = True) -> Spans:
    """What is told of one message: its sending, where ``told``, and its taking, where it was taken."""
    message_id = str(uuid.uuid4())
    spans: Spans = []
    if told:
        spans.append(span("send", service=sender, kind=4, start_ns=sent_ns, attributes=named(queue, message_id, "send")))
    if taken_ns is not None:
        run = run_of(consumer, taken_ns)
        spans += [run, inside(run, "process", 5, 1, named(queue, message_id, "process"))]
    return spans


def returning(queue: str, consumer: str, sent_ns: int, times: int) -> Spans:
    """A message that its consumer is handed each few seconds, though nothing it says fails."""
    message_id = str(uuid.uuid4())
    spans = [span("send", service=f"{queue}-sender", kind=4, start_ns=sent_ns, attributes=named(queue, message_id, "send"))]
    for number in range(times):
        run = run_of(consumer, sent_ns + (5 * number + 1) * S_NS)
        spans += [run, inside(run, "process", 5, 1, named(queue, message_id, "process"))]
    return spans


def record_of(stream: str, sender: str, consumer: str, sent_ns: int, *, told: bool) -> Spans:
    """A record of a stream of which both ends speak by its order and cart, and the sender, where ``told``, by its number."""
    number = {"messaging.system": "aws_kinesis", "messaging.destination.name": stream, "messaging.message.id": f"49{uuid.uuid4().int:054d}"}
    about = {"order.id": f"order-{uuid.uuid4()}", "cart.id": f"cart-{uuid.uuid4()}"}
    put, taken = run_of(sender, sent_ns), run_of(consumer, sent_ns + S_NS)
    put["attributes"] |= about
    sent = [inside(put, "send", 4, 1, {**number, "messaging.operation.type": "send"})] if told else []
    return [put, *sent, taken, inside(taken, "process", 5, 1, {**number, **about, "messaging.operation.type": "process"})]


def calls(service: str, host: str, at_ns: int, count: int, error: str = "") -> Spans:
    run = run_of(service, at_ns)
    attributes = {"server.address": host} | ({"error.type": error} if error else {})
    return [run, *(inside(run, "GET", 3, turn, attributes, error=error) for turn in range(count))]


def turns(queue: str, function: str, at_ns: int, count: int) -> Spans:
    """A function that sends on what it takes, to where it took it from."""
    spans, given = list[dict[str, Any]](), str(uuid.uuid4())
    for turn in range(count):
        run, sent = run_of(function, at_ns + turn * S_NS), str(uuid.uuid4())
        spans += [run, inside(run, "process", 5, 1, named(queue, given, "process")), inside(run, "send", 4, 2, named(queue, sent, "send"))]
        given = sent
    return spans


def request(service: str, route: str, at_ns: int, duration_ms: float) -> dict[str, Any]:
    attributes = {"http.request.method": "GET", "http.route": route}
    return span(f"GET {route}", service=service, kind=2, start_ns=at_ns, duration_ms=duration_ms, attributes=attributes)


def cold_requests(coldtrail: Coldtrail, route: str, function: str, now_ns: int) -> Spans:
    """Twenty requests, every other of which waits for a function to be set up."""
    spans: Spans = []
    for number in range(20):
        at_ns, request_id = now_ns - (100 - 4 * number) * S_NS, str(uuid.uuid4())
        asked = request("edge", route, at_ns, 1_300.0)
        about = {"faas.invocation_id": request_id, "faas.coldstart": number % 2 == 0}
        spans += [asked, span(function, service=function, kind=2, start_ns=at_ns + S_NS, trace_id=asked["trace_id"], parent=asked["span_id"], attributes=about)]
        xray = f"1-{asked['trace_id'].hex()[:8]}-{asked['trace_id'].hex()[8:]}"
        if number % 2 == 0:
            more = f"Init Duration: 900.00 ms\tXRAY TraceId: {xray}\tSegmentId: {os.urandom(8).hex()}\tSampled: true"
            write(coldtrail, function, report(request_id, 20.0, more=more), start_ms=at_ns // 10**6 + 1_020)
    return spans


@pytest.fixture(scope="module")
def told(coldtrail: Coldtrail) -> Names:
    """Everything is sent at once, so that it is waited for once."""
    names, now_ns = Names(), time.time_ns()
    minute_ns = now_ns // MINUTE_NS * MINUTE_NS
    spans: Spans = []
    for second in range(400, 100, -10):
        spans += message(names.stuck, names.filler, names.sleeper, now_ns - second * S_NS, now_ns - (second - 1) * S_NS)
    for second in range(90, 20, -5):
        spans += message(names.stuck, names.filler, names.sleeper, now_ns - second * S_NS, None)
    for second in range(300, 30, -10):
        spans += message(names.broken, names.teller, names.reader, now_ns - second * S_NS, now_ns - second * S_NS + S_NS // 10, told=second > 150)
    for second in range(300, 30, -10):
        spans += record_of(names.guessed, names.putter, names.getter, now_ns - second * S_NS, told=second > 150)
    for second in range(60, 30, -10):
        spans += returning(names.circle, names.silent, now_ns - second * S_NS, 3)
    for second in range(100, 40, -10):
        spans += message(names.early, names.fast, names.right, now_ns - second * S_NS, now_ns - (second + 7) * S_NS)
    spans += turns(names.echoes, names.echo, now_ns - 60 * S_NS, 5)
    for minute in range(12, 1, -1):
        spans += [one for run in range(24) for one in calls(names.caller, names.api, minute_ns - minute * MINUTE_NS + run * S_NS, 1)]
    spans += [one for run in range(24) for one in calls(names.caller, names.api, minute_ns - MINUTE_NS + run * S_NS, 6, "503")]
    spans += calls(names.caller, names.fresh, minute_ns - MINUTE_NS + 30 * S_NS, 1)
    spans += cold_requests(coldtrail, f"/{names.orders}", names.front, now_ns)
    spans.append(request("edge", f"/{names.slow}", now_ns - 60 * S_NS, 26_000.0))
    assert coldtrail.post("/v1/traces", traces(*spans)).status_code == 200
    return names


def found(coldtrail: Coldtrail, kind: str, scope: str, **evidence: Any) -> dict[str, Any]:
    """The one finding of a kind about a scope, whole, once its evidence is that: what came is looked at a few times while the rest comes."""
    answer = coldtrail.eventually("/findings", lambda said: len(said["findings"]) == 1, SOON_S, about=scope, kind=kind, which="all")
    path = f"/findings/{answer['findings'][0]['finding_id']}"
    whole = coldtrail.eventually(path, lambda said: {**said["evidence"], **evidence} == said["evidence"], SOON_S)
    assert whole["advice"]
    return whole


def test_messages_that_nobody_takes_any_more_grow_old(coldtrail: Coldtrail, told: Names) -> None:
    one = found(coldtrail, "aging", told.stuck)
    assert one["evidence"]["age_ms"] >= 60_000
    assert "Nobody takes" in one["title"]


def test_the_place_where_the_chain_breaks_is_named_with_who_used_to_tell(coldtrail: Coldtrail, told: Names) -> None:
    one = found(coldtrail, "lost_context", told.broken, senders=[told.teller])
    assert told.teller in one["advice"]


def test_a_sender_that_stops_to_tell_is_named_also_where_it_can_be_guessed(coldtrail: Coldtrail, told: Names) -> None:
    found(coldtrail, "lost_context", told.guessed, senders=[told.putter], named_count=0)


def test_messages_that_come_back_although_nothing_fails_are_poison_and_no_trouble_of_their_own_as_duplicates(coldtrail: Coldtrail, told: Names) -> None:
    one = found(coldtrail, "poison_message", told.circle, consumer=told.silent, tries=3.0)
    assert "batchItemFailures" in one["advice"]
    coldtrail.eventually("/findings", lambda said: [twice["follows"] for twice in said["findings"]] == [one["finding_id"]], SOON_S, about=told.circle, kind="duplicate")


def test_a_clock_that_is_wrong_is_told_by_effects_before_their_causes(coldtrail: Coldtrail, told: Names) -> None:
    one = found(coldtrail, "clock_skew", told.fast, other=told.right)
    assert 6_900 <= one["evidence"]["skew_ms"] <= 7_100


def test_a_function_that_feeds_itself_is_told_with_its_turns(coldtrail: Coldtrail, told: Names) -> None:
    # The last of five messages is still on its way.
    assert found(coldtrail, "recursion", told.echo, turns=4)["severity"] == "high"


def test_retries_that_multiply_are_a_storm_and_a_thing_called_for_the_first_time_is_told(coldtrail: Coldtrail, told: Names) -> None:
    storm = found(coldtrail, "retry_storm", told.api, caller=told.caller, usual_calls_a_run=1.0)
    assert storm["evidence"]["calls_a_run"] > 5
    found(coldtrail, "new_dependency", told.caller, called=told.fresh)


def test_requests_that_wait_for_a_function_to_be_set_up_are_told_by_their_route(coldtrail: Coldtrail, told: Names) -> None:
    found(coldtrail, "cold_starts", told.front, route=f"GET /{told.orders}", cold_count=10, request_count=20)


def test_requests_that_take_nearly_as_long_as_the_gateway_waits_are_told(coldtrail: Coldtrail, told: Names) -> None:
    assert found(coldtrail, "near_timeout", f"GET /{told.slow}", timeout_ms=29_000)["severity"] == "low"
