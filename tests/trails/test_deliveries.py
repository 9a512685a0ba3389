"""Every delivery of every message, as one row: on which source, how long it waited, and why it came again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telling import everything, lines, log, span

from coldtrail.model.deliveries import Handed
from coldtrail.model.signals import Log, Span
from coldtrail.trails.assemble import assemble, build_graph
from coldtrail.trails.deliveries import deliveries_of


def rows(spans: list[Span], logs: list[Log]) -> list[Handed]:
    return deliveries_of(build_graph(spans, logs), {})


def handed(request: str, at_ms: float, function: str, queue: str, message: str, *, count: int = 1, status: str = "success", **more: Any) -> list[Log]:
    """An invocation that logs its event of one message."""
    record = {"messageId": message, "eventSource": "aws:sqs", "eventSourceARN": f"arn:aws:sqs:eu-central-1:1:{queue}", "body": "{}", "messageAttributes": {}, **more}
    record["attributes"] = {"ApproximateReceiveCount": str(count), **more.get("attributes", {})}
    return [*lines(request, at_ms, 10, function, status), log(request, at_ms + 1, "", function, aws__lambda__event=json.dumps({"Records": [record]}))]


def sent(message: str, at_ms: float = 0, queue: str = "orders") -> Span:
    return span(7, at_ms, kind=4, service="post", took_ms=1, messaging__system="aws_sqs", messaging__destination__name=queue, messaging__message__id=message)


def test_redelivery_follows_a_failure_and_a_duplicate_follows_a_success() -> None:
    logs = handed("r1", 100, "mail", "orders", "m-1", status="error") + handed("r2", 30_110, "mail", "orders", "m-1", count=2) + handed("r3", 60_000, "mail", "orders", "m-1", count=3)
    found = rows([sent("m-1")], logs)
    assert [(one.how, one.number, one.waited_ms) for one in found] == [("first", 1, 99.0), ("redelivered", 2, 30_000.0), ("duplicate", 3, pytest.approx(29_880.0))]


def test_an_asynchronous_call_is_retried_by_its_request() -> None:
    retried = [one for one in rows(*everything()) if one.key == "m-9"]
    assert [(one.how, one.consumer, one.failed, one.waited_ms) for one in retried] == [("first", "mail", True, 1_285.0), ("retried", "mail", False, 59_990.0)]


def test_a_message_that_nobody_took_is_one_row_without_a_taker() -> None:
    (only,) = rows([sent("m-1")], [])
    assert (only.how, only.taker, only.sent_ns is not None, only.waited_ms) == ("", "", True, None)


def test_what_a_topic_passed_on_in_a_queues_message_was_not_left_lying() -> None:
    found = rows(*everything())
    assert [(one.key, one.how, one.consumer) for one in found if one.key in ("sns-1", "sqs-1")] == [("sqs-1", "first", "audit")]


@pytest.mark.parametrize(
    ("more", "cause"),
    [
        ({"attributes": {"DeadLetterQueueSourceArn": "arn:aws:sqs:eu-central-1:1:orders"}}, "MailError: no user"),
        ({"messageAttributes": {"ERROR_MESSAGE": {"stringValue": "target is throttled"}}}, "target is throttled"),
        ({}, "MailError: no user"),
    ],
    ids=["the event names its source", "the service wrote why", "another function takes it after failures"],
)
def test_a_dead_letter_names_where_it_came_from_and_why(more: dict[str, Any], cause: str) -> None:
    logs = [one for number in range(3) for one in handed(f"r{number}", 100 + number * 1_000, "mail", "orders", "m-1", count=number + 1, status="error")]
    logs.append(log("r2", 2_105, "platform.fault", "mail", exception__type="MailError", exception__message="no user"))
    logs += handed("dead", 9_000, "clerk", "orders-dlq", "m-1", count=4, **more)
    letter = rows([sent("m-1")], logs)[-1]
    assert (letter.name, letter.dead_letter_of, letter.cause, letter.tries, letter.consumer) == ("orders-dlq", "orders", cause, 3, "clerk")
    assert letter.waited_ms == pytest.approx(9_000 - 2_110, abs=1)


def test_a_message_of_a_failed_asynchronous_call_is_its_functions_dead_letter() -> None:
    logs = lines("failed", 0, 10, "mail", "error") + lines("failed", 60_000, 10, "mail", "error")
    logs += handed("dead", 61_000, "clerk", "mail-dlq", "d-1", messageAttributes={"RequestID": {"stringValue": "failed"}, "ErrorMessage": {"stringValue": "no user"}})
    (letter,) = rows([], logs)
    assert (letter.name, letter.dead_letter_of, letter.cause, letter.tries) == ("mail-dlq", "mail", "no user", 2)


def test_several_consumers_of_one_topic_are_no_dead_letters() -> None:
    spans = [span(1, 0, kind=4, service="post", messaging__system="aws_sns", messaging__destination__name="signups", messaging__message__id="n-1")]
    found = rows(spans, lines("a", 100, 10, "mail", "error", sns_message_id="n-1") + lines("b", 200, 10, "audit", sns_message_id="n-1"))
    assert [(one.kind, one.name, one.consumer, one.how, one.dead_letter_of) for one in found] == [("sns", "signups", "mail", "first", ""), ("sns", "signups", "audit", "first", "")]


@pytest.mark.parametrize(("bus", "name"), [({"aws__eventbridge__bus_name": "shop-bus"}, "shop-bus"), ({}, "shop.orders")], ids=["its sender names the bus", "nobody does"])
def test_an_event_is_on_the_bus_that_its_sender_names(bus: dict[str, str], name: str) -> None:
    event = {"id": "6f87d04b-9f74-4f04-a780-7acf4b0a9b38", "source": "shop.orders", "detail-type": "Placed", "time": "2026-11-21T05:32:12Z", "detail": {}}
    put = span(1, 0, kind=3, service="shop", rpc__method="PutEvents", aws__eventbridge__event_id=event["id"], **bus)
    logs = [*lines("r", 7_000, 10, "reserve"), log("r", 7_001, "", "reserve", aws__lambda__event=json.dumps(event))]
    (only,) = rows([put], logs)
    assert (only.kind, only.name, only.waited_ms) == ("eventbridge", name, 6_995.0)
    trail = assemble([put], logs, "a" * 32)
    assert trail is not None
    assert any(f"after waiting 7.0 s in the bus {name}" in one.text for one in trail.story)
    assert max(trail.critical_shares, key=lambda one: one.ms).place == name


def test_a_stamp_in_whole_seconds_makes_no_wait_of_its_own() -> None:
    """Nobody says that they sent the event, and its `time` is up to a second early."""
    event = {"id": "6f87d04b-9f74-4f04-a780-7acf4b0a9b38", "source": "shop.orders", "detail-type": "Placed", "time": "2026-11-21T05:32:12Z", "detail": {}}
    (soon,) = rows([], [*lines("r", 800, 10, "reserve"), log("r", 801, "", "reserve", aws__lambda__event=json.dumps(event))])
    (late,) = rows([], [*lines("r", 9_800, 10, "reserve"), log("r", 9_801, "", "reserve", aws__lambda__event=json.dumps(event))])
    assert (soon.waited_ms, late.waited_ms) == (0.0, pytest.approx(8_800, abs=1))


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_no_row(dice: Any) -> None:
    spans, logs = everything()
    expected = rows(spans, logs)
    dice.shuffle(spans)
    dice.shuffle(logs)
    assert rows(spans, logs) == expected
