"""What failed where it does not show: in a batch that went through, in a write that is missing, in a step that came late."""

from __future__ import annotations

import json
import os
import time
import uuid
from typing import Any

import pytest

from lambda_logs import report, write
from otlp import span, traces
from running import Coldtrail

pytestmark = pytest.mark.both_stores

MS = 10**6


def story(coldtrail: Coldtrail, trail_id: str, of: str) -> dict[str, Any]:
    """The trail, once a sentence of its story speaks of it."""
    return coldtrail.eventually(f"/trails/{trail_id}", lambda answer: any(of in one["text"] for one in answer["story"]))


def sentence(trail: dict[str, Any], of: str) -> dict[str, Any]:
    return next(one for one in trail["story"] if of in one["text"])


def shown(trail: dict[str, Any], of: str) -> dict[str, Any]:
    """The node at which the effect of what a sentence tells shows."""
    return next(node for node in trail["nodes"] if node["node_id"] == sentence(trail, of)["shows_at"])


def test_one_message_of_a_batch_failed_and_came_again(coldtrail: Coldtrail) -> None:
    mark, now_ns = os.urandom(4).hex(), time.time_ns() - 60_000 * MS
    sends = [span("send", service="shop", kind=4, start_ns=now_ns, attributes={"messaging.system": "aws_sqs", "messaging.destination.name": "orders", "messaging.message.id": f"{mark}-{number}"}) for number in range(10)]
    coldtrail.post("/v1/traces", traces(*sends))

    def handed(*numbers: int, count: int) -> str:
        records = [{"messageId": f"{mark}-{number}", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:1:orders", "body": "{}", "attributes": {"ApproximateReceiveCount": str(count), "SentTimestamp": str(now_ns // MS)}} for number in numbers]
        return json.dumps({"Records": records})

    first, again = str(uuid.uuid4()), str(uuid.uuid4())
    answer = {"level": "INFO", "message": "answered", "function_request_id": first, "response": {"batchItemFailures": [{"itemIdentifier": f"{mark}-7"}]}}
    event = {"level": "INFO", "message": json.loads(handed(*range(10), count=1)), "function_request_id": first}
    write(coldtrail, "bill", f"START RequestId: {first} Version: 1", json.dumps(event), json.dumps(answer), report(first), start_ms=now_ns // MS + 500)
    event = {"level": "INFO", "message": json.loads(handed(7, count=2)), "function_request_id": again}
    write(coldtrail, "bill", f"START RequestId: {again} Version: 1", json.dumps(event), report(again), start_ms=now_ns // MS + 30_500)

    trail = story(coldtrail, sends[7]["trace_id"].hex(), "it came again after 30.0 s")
    assert f"{mark}-7"[-12:] + " failed in a batch of 10 in bill, of which 9 went through" in sentence(trail, "came again")["text"]
    assert shown(trail, "came again")["keys"]["request_id"] == again
    assert trail["status"] == "ok"
    for number in (0, 9):
        other = coldtrail.eventually(f"/trails/{sends[number]['trace_id'].hex()}", lambda answer: len(answer["nodes"]) == 3)
        assert not [one for one in other["story"] if "batch" in one["text"] or "came again" in one["text"]]


def request(coldtrail: Coldtrail, *steps: dict[str, Any]) -> str:
    """One request whose steps are calls of one function; each step's `at_ms` is after its beginning. Returns the trace id."""
    start_ns = time.time_ns() - 60_000 * MS
    root = span("POST /checkout", service="checkout", kind=2, start_ns=start_ns, duration_ms=20_000.0)
    made = [span(service="checkout", trace_id=root["trace_id"], parent=root["span_id"], start_ns=start_ns + one.pop("at_ms") * MS, **{"kind": 3, **one}) for one in steps]
    coldtrail.post("/v1/traces", traces(root, *made))
    return root["trace_id"].hex()


def table(operation: str) -> dict[str, str]:
    return {"db.system.name": "aws.dynamodb", "db.collection.name": "orders", "db.operation.name": operation}


def test_a_write_that_failed_shows_where_it_is_read(coldtrail: Coldtrail) -> None:
    trail_id = request(coldtrail, {"name": "PutItem", "at_ms": 10, "attributes": table("PutItem"), "error": "ConnectionError"}, {"name": "Query orders", "at_ms": 4_000, "attributes": table("Query")})
    trail = story(coldtrail, trail_id, "without what it should have written")
    assert sentence(trail, "should have written")["text"] == "The first thing that went wrong: checkout PutItem failed with ConnectionError: it broke; from that, checkout Query orders then read orders without what it should have written"
    assert shown(trail, "should have written")["name"] == "Query orders"


def test_a_write_that_nobody_reads_is_missing_from_its_table(coldtrail: Coldtrail) -> None:
    trail = story(coldtrail, request(coldtrail, {"name": "PutItem", "at_ms": 10, "attributes": table("PutItem"), "error": "ConnectionError"}), "The first thing")
    assert "orders lacks what it should have written, and checkout POST /checkout went on without it" in sentence(trail, "The first thing")["text"]
    assert shown(trail, "The first thing")["kind"] == "request"


def test_a_message_that_was_not_sent_never_left(coldtrail: Coldtrail) -> None:
    queue = {"messaging.system": "aws_sqs", "messaging.destination.name": "invoices", "messaging.operation.type": "send"}
    trail = story(coldtrail, request(coldtrail, {"name": "send invoices", "at_ms": 10, "kind": 4, "attributes": queue, "error": "AccessDenied"}), "The first thing")
    assert "its message never left for invoices, and checkout POST /checkout went on without it" in sentence(trail, "The first thing")["text"]


def test_a_step_that_was_tried_again_makes_the_next_one_late(coldtrail: Coldtrail) -> None:
    trail_id = request(
        coldtrail,
        {"name": "PutItem", "at_ms": 10, "attributes": table("PutItem"), "error": "Throttled"},
        {"name": "PutItem", "at_ms": 4_010, "attributes": table("PutItem")},
        {"name": "POST mail", "at_ms": 4_100},
    )
    trail = story(coldtrail, trail_id, "The first thing")
    assert sentence(trail, "The first thing")["text"].endswith("it was tried again once and went through 4.0 s later, so that checkout POST mail came 4.0 s late")
    assert shown(trail, "The first thing")["name"] == "POST mail"
