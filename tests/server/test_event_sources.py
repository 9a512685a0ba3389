"""What is told of queues, streams, buses and schedules: waiting, what came again and why, poison, what was given up."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from lambda_logs import report, write
from otlp import span, traces
from running import Coldtrail, serving

MS = 10**6


@dataclass
class Sender:
    """Sends messages and has functions handed them, at moments of one's choice; times are milliseconds since ``start_ms``."""

    coldtrail: Coldtrail
    start_ms: int

    def send(self, queue: str, *messages: tuple[str, int]) -> None:
        spans = [span("send", service="shop", kind=4, duration_ms=1.0, start_ns=(self.start_ms + at) * MS, attributes={"messaging.system": "aws_sqs", "messaging.destination.name": queue, "messaging.message.id": message}) for message, at in messages]
        assert self.coldtrail.post("/v1/traces", traces(*spans)).status_code == 200

    def take(self, function: str, queue: str, at: int, *messages: str, count: int = 1, error: str = "", failed: tuple[str, ...] = (), dead: dict[str, Any] | None = None, group: str = "") -> str:
        """An invocation that logs its event; with ``error`` it fails, of ``failed`` it reports that they did."""
        request = str(uuid.uuid4())
        more: dict[str, Any] = {"attributes": {"ApproximateReceiveCount": str(count), **({"MessageGroupId": group} if group else {})}, "messageAttributes": {}}
        if dead:
            more["attributes"] |= {"DeadLetterQueueSourceArn": dead["of"]} if "of" in dead else {}
            more["messageAttributes"] = {name: {"stringValue": value, "dataType": "String"} for name, value in dead.get("attributes", {}).items()}
        records = [{"messageId": one, "eventSource": "aws:sqs", "eventSourceARN": f"arn:aws:sqs:eu-central-1:1:{queue}", "body": "{}", **more} for one in messages]
        lines = [json.dumps({"level": "INFO", "message": {"Records": records}, "function_request_id": request})]
        if failed:
            lines.append(json.dumps({"level": "INFO", "message": "answer", "function_request_id": request, "response": {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}}))
        status = f"\nStatus: error\tError Type: {error}" if error else ""
        fault = [f"[ERROR] {error}: no address for user-{uuid.uuid4()}\nTraceback (most recent call last):\n  File \"app.py\""] if error else []
        write(self.coldtrail, function, f"START RequestId: {request} Version: 1", *lines, *fault, report(request, 5.0) + status, start_ms=self.start_ms + at)
        return request


@pytest.fixture(scope="module")
def told(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    """A server that was told of one hour's messages."""
    with serving(tmp_path_factory.mktemp("sources") / "data") as running:
        sender = Sender(running, time.time_ns() // MS - 1_800_000)
        queue_with_trouble(sender)
        bus_that_waits(sender)
        schedule(sender)
        running.eventually("/event-sources", whole)
        yield running


ORDERS = {"message": 8, "sent": 8, "taken": 7, "untaken": 1, "redelivery": 3, "retry": 0, "duplicate": 1, "out_of_order": 1, "failed": 4, "partial_batch": 1, "poison": 1, "dead_letter": 1, "consumer": 1}


def whole(answer: dict[str, Any]) -> bool:
    """Whether all that was sent is told; the background pass takes up one trail after the other."""
    listed = {(one["kind"], one["name"], one["message_count"], one["taken_count"]) for one in answer["event_sources"]}
    complete = listed >= {("sqs", "orders", 8, 7), ("sqs", "orders-dlq", 1, 1), ("eventbridge", "shop-bus", 4, 4), ("schedule", "nightly", 1, 1)}
    return complete and counted(one_of(answer, "orders")) == ORDERS


def counted(source: dict[str, Any]) -> dict[str, int]:
    return {name: source[f"{name}_count"] for name in ORDERS}


def queue_with_trouble(sender: Sender) -> None:
    """Eight messages: m0..m3 in a batch of which m3 fails; m4 is poison and dies; m5 comes twice; m6 overtakes m7's elder; m7 waits on."""
    sender.send("orders", *((f"{MARK}m{number}", number * 100) for number in range(8)))
    sender.take("bill", "orders", 2_000, *(f"{MARK}m{number}" for number in range(4)), failed=(f"{MARK}m3",))
    sender.take("bill", "orders", 32_000, f"{MARK}m3", count=2)
    for number in range(3):
        sender.take("bill", "orders", 3_000 + number * 30_000, f"{MARK}m4", count=number + 1, error="AddressError")
    sender.take("clerk", "orders-dlq", 120_000, f"{MARK}m4", count=4, dead={"of": "arn:aws:sqs:eu-central-1:1:orders"})
    sender.take("bill", "orders", 5_000, f"{MARK}m6")
    sender.take("bill", "orders", 6_000, f"{MARK}m5")
    sender.take("bill", "orders", 8_000, f"{MARK}m5", count=2)


def bus_that_waits(sender: Sender) -> None:
    """Two events that their senders tell of, two whose `time` alone says when they came; the last waits 9 s."""
    puts = [span("PutEvents", service="shop", kind=3, start_ns=(sender.start_ms + 10_000 * number) * MS, duration_ms=20.0, attributes={"rpc.service": "EventBridge", "rpc.method": "PutEvents", "aws.eventbridge.bus_name": "shop-bus", "aws.eventbridge.event_id": event_id(number)}) for number in range(4)]
    sender.coldtrail.post("/v1/traces", traces(*puts))
    for number in range(4):
        at = datetime.fromtimestamp((sender.start_ms + 10_000 * number) / 1e3, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        hand(sender, "reserve", 10_000 * number + (9_000 if number == 3 else 300), {"id": event_id(number), "source": "shop.orders", "detail-type": "Order placed", "time": at, "detail": {}})


def schedule(sender: Sender) -> None:
    due = datetime.fromtimestamp(sender.start_ms / 1e3, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    hand(sender, "recount", 2_500, {"schedule-arn": "arn:aws:scheduler:eu-central-1:1:schedule/default/nightly", "scheduled-time": due, "execution-id": f"{MARK}e-{uuid.uuid4()}", "attempt-number": "1"})


def hand(sender: Sender, function: str, at: int, event: dict[str, Any]) -> None:
    request = str(uuid.uuid4())
    line = json.dumps({"level": "INFO", "message": event, "function_request_id": request})
    write(sender.coldtrail, function, f"START RequestId: {request} Version: 1", line, report(request), start_ms=sender.start_ms + at)


MARK = os.urandom(4).hex()


def event_id(number: int) -> str:
    return f"{MARK}-0000-4000-8000-00000000000{number}"


def one_of(answer: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in answer["event_sources"] if one["name"] == name)


def detail(told: Coldtrail, kind: str, name: str) -> dict[str, Any]:
    return told.api(f"/event-sources/{kind}/{name}")


def test_a_queue_is_summed_up_by_what_became_of_its_messages(told: Coldtrail) -> None:
    answer = told.api("/event-sources")
    orders = one_of(answer, "orders")
    assert counted(orders) == ORDERS
    assert (orders["carries"], orders["backlog"], orders["backlog_from"]) == ("queue", 1, "messages")
    assert answer["event_sources"][0]["name"] in ("orders", "orders-dlq")
    assert answer["message_count"] <= answer["messages_named"] + 1


def test_waiting_is_from_sending_to_the_first_delivery(told: Coldtrail) -> None:
    orders = detail(told, "sqs", "orders")
    assert orders["wait_max_ms"] == pytest.approx(5_500, abs=20)
    assert sum(cell["count"] for cell in orders["cells"]) == 7
    assert all(cell["low_ms"] < cell["high_ms"] for cell in orders["cells"])
    assert {(one["deliveries"], one["message_count"], one["never_through_count"]) for one in orders["attempts"]} == {(1, 4, 0), (2, 2, 0), (3, 1, 1)}


def test_poison_is_known_by_its_fingerprint(told: Coldtrail) -> None:
    found = [one for one in detail(told, "sqs", "orders")["poison"] if one["stuck_count"]]
    assert [(one["consumer"], one["failure_type"], one["try_count"], one["message_count"]) for one in found] == [("bill", "AddressError", 3, 1)]
    assert found[0]["failure_message"] == "no address for user-<id>"
    assert found[0]["messages"][0]["message_id"] == f"{MARK}m4"
    trail = told.api(f"/trails/{found[0]['messages'][0]['trail_id']}")
    assert found[0]["messages"][0]["node_id"] in {node["node_id"] for node in trail["nodes"]}


def test_a_batch_of_which_a_part_failed_is_listed_with_its_trail(told: Coldtrail) -> None:
    batches = detail(told, "sqs", "orders")["partial_batches"]
    assert [(one["consumer"], one["size"], one["failed_count"]) for one in batches] == [("bill", 4, 1)]
    assert told.api(f"/nodes/{batches[0]['node_id']}")["node"]["status"] == "ok"


@pytest.mark.parametrize(("name", "holds"), [("orders", False), ("orders-dlq", True)])
def test_a_dead_letter_says_why_it_is_there(told: Coldtrail, name: str, holds: bool) -> None:
    answer = detail(told, "sqs", name)
    letters = answer["dead_letters"]
    assert [(one["message_id"], one["queue"], one["origin"], one["try_count"], one["consumer"]) for one in letters] == [(f"{MARK}m4", "orders-dlq", "orders", 3, "clerk")]
    assert letters[0]["cause"].startswith("AddressError: no address for user-")
    assert told.api(f"/nodes/{letters[0]['last_try_node_id']}")["node"]["failure"]["type"] == "AddressError"
    assert answer["holds_dead_letters"] is holds


def test_the_wait_in_a_bus_is_the_bus_s_on_its_page_and_on_the_trail(told: Coldtrail) -> None:
    bus = detail(told, "eventbridge", "shop-bus")
    assert (bus["carries"], bus["message_count"], bus["taken_count"]) == ("bus", 4, 4)
    assert bus["wait_max_ms"] == pytest.approx(8_980, abs=30)
    found = told.api("/find", q=event_id(3))["matches"][0]["trail_id"]
    trail = told.api(f"/trails/{found}")
    assert any("in the bus shop-bus" in one["text"] for one in trail["story"])
    waited = max(trail["critical_shares"], key=lambda one: one["ms"])
    assert (waited["cause"], waited["place"]) == ("bus", "shop-bus")


def test_a_schedule_waits_from_when_it_was_due(told: Coldtrail) -> None:
    nightly = detail(told, "schedule", "nightly")
    assert (nightly["consumers"][0]["service"], nightly["taken_count"]) == ("recount", 1)
    assert 1_400 <= nightly["wait_max_ms"] <= 3_500


def test_what_nobody_saw_is_not_there(told: Coldtrail) -> None:
    assert told.get("/event-sources/sqs/nowhere").status_code == 404
    assert "kind is one of" in told.get("/event-sources/carrier-pigeon/x").json()["detail"]
