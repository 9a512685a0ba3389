"""A field that hands an id from service to service is learned from trails that are certain, and joins what nothing else does."""

from __future__ import annotations

import os
from pathlib import Path

from otlp import span, traces
from running import Coldtrail, serving

COUNT = 30
MESSAGE = {"messaging.system": "aws_sqs", "messaging.destination.name": "orders"}


def told(number: int) -> dict[str, str]:
    """What both services say of an order: its reference, one of a few baskets, and a coupon that others show as well."""
    return {"orderRef": f"ref-{os.urandom(6).hex()}0", "basket": f"basket-{number % 5:04d}", "couponNo": f"coupon-{os.urandom(6).hex()}0"}


def certain_trail(number: int) -> list[dict]:
    """A request, the message that it sends, and the function that takes it: joined by the message's id."""
    said, message = told(number), {**MESSAGE, "messaging.message.id": f"{os.urandom(8).hex()}-{number}"}
    root = span("POST /orders", service="front", kind=2, attributes=said)
    send = span("send", service="front", kind=4, trace_id=root["trace_id"], parent=root["span_id"], attributes={**message, "messaging.operation.type": "send"})
    taken = span("process", service="worker", kind=5, attributes={**message, **said, "messaging.operation.type": "process"})
    elsewhere = span("print", service="printer", attributes={"coupon": said["couponNo"]})
    return [root, send, taken, elsewhere]


def in_force(coldtrail: Coldtrail) -> dict[str, str]:
    return {one["name"]: one["source"] for one in coldtrail.api("/correlation-fields")["fields"]}


def test_a_field_is_learned_from_certain_trails_and_joins_others_without_context(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data) as coldtrail:
        assert "learned" not in in_force(coldtrail).values()
        for number in range(COUNT):
            assert coldtrail.post("/v1/traces", traces(*certain_trail(number))).status_code == 200
        listed = coldtrail.eventually("/correlation-fields", lambda answer: any(one["source"] == "learned" for one in answer["fields"]))
        (learned,) = (one for one in listed["fields"] if one["source"] == "learned")
        assert (learned["name"], learned["confidence"]) == ("orderRef", 1.0)
        assert 20 <= learned["trails"] <= COUNT

        value = f"ref-{os.urandom(6).hex()}0"
        front = span("POST /orders", service="front", kind=2, attributes={"orderRef": value})
        late = span("bill", service="billing", kind=2, start_ns=front["start_ns"] + 10**9, attributes={"orderRef": value})
        for one in (front, late):
            assert coldtrail.post("/v1/traces", traces(one)).status_code == 200
        whole = front["trace_id"].hex()
        trail = coldtrail.eventually(f"/trails/{whole}", lambda found: {node["service"] for node in found["nodes"]} == {"front", "billing"})
        assert [edge["evidence"] for edge in trail["edges"]] == ["correlation_id"]
        coldtrail.eventually("/find", lambda answer: {match["trail_id"] for match in answer["matches"]} == {whole}, q=value)
    with serving(data) as coldtrail:
        assert in_force(coldtrail)["orderRef"] == "learned"
        assert len(coldtrail.api(f"/trails/{whole}")["nodes"]) == 2
    with serving(data, env={"COLDTRAIL_CORRELATION__LEARN": "false"}) as coldtrail:
        assert "orderRef" not in in_force(coldtrail)
