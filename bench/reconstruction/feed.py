"""Signals to a running coldtrail, in the protocols in which the lab sends them."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import time
import uuid

import httpx

from bench.reconstruction.recording import XRAY_HEADER, ExportTraceServiceRequest, LogEvents, Signal
from bench.server import Server

RECORDS_A_DELIVERY = 100
BODIES_A_REQUEST = 50
"""As a collector in between would batch them. The lab's functions send each by itself, as an SDK does at the end of an invocation."""

DATAGRAMS_A_BURST = 50


def feed(server: Server, signals: list[Signal], bodies_a_request: int = BODIES_A_REQUEST) -> None:
    """Send everything, so many exports of spans in one request, and return when all of it is loaded."""
    with httpx.Client(base_url=server.otlp_http, timeout=60) as client:
        traces = [signal for signal in signals if isinstance(signal, ExportTraceServiceRequest)]
        for start in range(0, len(traces), bodies_a_request):
            together = ExportTraceServiceRequest()
            for signal in traces[start : start + bodies_a_request]:
                together.MergeFrom(signal)
            _post(client, "/v1/traces", together.SerializeToString(), "application/x-protobuf")
        logs = [signal for signal in signals if isinstance(signal, LogEvents)]
        for start in range(0, len(logs), RECORDS_A_DELIVERY):
            send_logs(client, logs[start : start + RECORDS_A_DELIVERY])
    _send_segments(server, [signal for signal in signals if isinstance(signal, dict)])
    server.settle(1.0)


def send_logs(client: httpx.Client, logs: list[LogEvents]) -> None:
    """One Firehose delivery."""
    request_id = str(uuid.uuid4())
    records = [{"data": base64.b64encode(_subscription(events)).decode()} for events in logs]
    body = json.dumps({"requestId": request_id, "timestamp": time.time_ns() // 10**6, "records": records}).encode()
    headers = {"x-amz-firehose-request-id": request_id, "x-amz-firehose-protocol-version": "1.0"}
    _post(client, "/aws/firehose", body, "application/json", headers)


def _subscription(events: LogEvents) -> bytes:
    document = {
        "messageType": "DATA_MESSAGE",
        "owner": "123456789012",
        "logGroup": events.group,
        "logStream": events.stream,
        "subscriptionFilters": ["coldtrail"],
        "logEvents": events.events,
    }
    return gzip.compress(json.dumps(document).encode(), 1)


def _post(
    client: httpx.Client, path: str, body: bytes, content_type: str, headers: dict[str, str] | None = None
) -> None:
    for _ in range(50):
        answer = client.post(path, content=body, headers={"content-type": content_type, **(headers or {})})
        if answer.status_code == 200:
            return
        if answer.status_code not in (429, 503):
            break
        time.sleep(float(answer.headers.get("retry-after", 1)))
    raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:300]}")


def _send_segments(server: Server, segments: list[dict[str, object]]) -> None:
    """UDP as the X-Ray SDK sends it, in bursts that the listener's buffer holds; none may be lost."""
    before = server.get("/received")["spans"]
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for number, segment in enumerate(segments):
        sender.sendto(XRAY_HEADER + json.dumps(segment).encode(), server.xray)
        if number % DATAGRAMS_A_BURST == DATAGRAMS_A_BURST - 1:
            time.sleep(0.03)
    deadline = time.monotonic() + 30
    while server.get("/received")["spans"] < before + len(segments):
        if time.monotonic() > deadline:
            raise RuntimeError("X-Ray datagrams were lost on the way; feed again")
        time.sleep(0.1)
