"""Batches of the Lambda Telemetry API, and CloudEvents in their three modes."""

from __future__ import annotations

import json
import os
import uuid

import httpx
import pytest

from running import HTTP, Coldtrail


def post(coldtrail: Coldtrail, path: str, body: object, content_type: str = "application/json", **headers: str) -> httpx.Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HTTP.post(f"{coldtrail.otlp_http}{path}", content=raw, headers={"content-type": content_type, **coldtrail.headers, **headers})


def batch(request_id: str, function: str) -> list[dict]:
    return [
        {"time": "2026-11-21T08:00:00.000Z", "type": "platform.initStart", "record": {"initializationType": "on-demand", "phase": "init", "functionName": function, "functionVersion": "7", "runtimeVersion": "python:3.11.v9"}},
        {"time": "2026-11-21T08:00:00.300Z", "type": "platform.start", "record": {"requestId": request_id, "version": "7"}},
        {"time": "2026-11-21T08:00:00.310Z", "type": "function", "record": f"[INFO]\t2026-11-21T08:00:00.310Z\t{request_id}\thello from {request_id}\n"},
        {"time": "2026-11-21T08:00:00.320Z", "type": "function", "record": {"level": "WARN", "message": "structured", "requestId": request_id, "order_id": "o-1"}},
        {
            "time": "2026-11-21T08:00:00.400Z",
            "type": "platform.report",
            "record": {"requestId": request_id, "metrics": {"durationMs": 100.5, "billedDurationMs": 101, "memorySizeMB": 128, "maxMemoryUsedMB": 64, "initDurationMs": 299.9}, "status": "success"},
        },
    ]


def test_a_batch_of_the_telemetry_api_is_a_full_invocation(coldtrail: Coldtrail) -> None:
    request_id, function = str(uuid.uuid4()), f"fn-{os.urandom(4).hex()}"
    assert post(coldtrail, "/aws/telemetry", batch(request_id, function)).status_code == 200
    trail = coldtrail.eventually(f"/trails/{request_id}", lambda found: found["nodes"][0]["init_ms"])
    node = trail["nodes"][0]
    assert (node["kind"], node["service"], node["status"], node["duration_ms"], node["cold_start"], node["init_ms"]) == ("invocation", function, "ok", 100.5, True, 299.9)
    bodies = [log["body"] for log in coldtrail.eventually("/logs", lambda found: len(found["logs"]) == 4, request_id=request_id)["logs"]]
    assert any(f"hello from {request_id}" in body for body in bodies)


def test_the_sender_may_say_whose_the_telemetry_is(coldtrail: Coldtrail) -> None:
    request_id, function = str(uuid.uuid4()), f"fn-{os.urandom(4).hex()}"
    assert post(coldtrail, f"/aws/telemetry?function={function}", batch(request_id, "other")[1:]).status_code == 200
    assert coldtrail.eventually(f"/trails/{request_id}", lambda found: found["nodes"])["nodes"][0]["service"] == function


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'[{"type": "platform.start"}]', b"[" * 5_000, b"\xff\xfe"])
def test_what_is_no_batch_is_refused_with_a_reason(coldtrail: Coldtrail, body: bytes) -> None:
    answer = post(coldtrail, "/aws/telemetry", body)
    assert (answer.status_code, bool(answer.json()["message"])) == (400, True)


def event(**more: object) -> dict:
    return {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "/shop/orders", "type": "com.example.order.placed", "subject": "order-7", "time": "2026-11-21T08:00:00.123456Z", "data": {"total": 12.5}, **more}


def test_a_structured_event_is_found_by_its_id_and_keeps_its_trace(coldtrail: Coldtrail) -> None:
    trace_id = os.urandom(16).hex()
    sent = event(traceparent=f"00-{trace_id}-{os.urandom(8).hex()}-01", tenant="t-1")
    assert post(coldtrail, "/cloudevents", sent, "application/cloudevents+json").status_code == 200
    log = coldtrail.eventually("/logs", lambda found: found["logs"], trace_id=trace_id)["logs"][0]
    assert (log["event_name"], log["service"], json.loads(log["body"]), log["time"]) == (sent["type"], "orders", sent["data"], "2026-11-21T08:00:00.123456000Z")
    said = {"cloudevents.event_id": sent["id"], "cloudevents.event_source": "/shop/orders", "cloudevents.event_subject": "order-7", "cloudevents.event_spec_version": "1.0", "cloudevents.tenant": "t-1"}
    assert {name: log["attributes"][name] for name in said} == said
    assert coldtrail.eventually("/find", lambda found: found["matches"], q=sent["id"])["matches"][0]["service"] == "orders"


def test_an_event_in_binary_mode_and_a_batch_land_too(coldtrail: Coldtrail) -> None:
    single, first, second = (str(uuid.uuid4()) for _ in range(3))
    assert post(coldtrail, "/cloudevents", {"a": 1}, **{"ce-id": single, "ce-source": "urn:a", "ce-type": "made", "ce-specversion": "1.0"}).status_code == 200
    several = [event(id=first), {"id": "no type"}, event(id=second, time="yesterday"), event(id=second)]
    answer = post(coldtrail, "/cloudevents", several, "application/cloudevents-batch+json")
    assert (answer.status_code, answer.json()["rejected"], len(answer.json()["reasons"])) == (200, 2, 2)
    for one in (single, first, second):
        coldtrail.eventually("/logs", lambda found: len(found["logs"]) == 1, q=one)


@pytest.mark.parametrize(("body", "kind"), [(b"{}", "application/json"), (b"{", "application/cloudevents+json"), (b"{}", "application/cloudevents-batch+json")])
def test_what_is_no_event_is_refused(coldtrail: Coldtrail, body: bytes, kind: str) -> None:
    assert post(coldtrail, "/cloudevents", body, kind).status_code == 400
