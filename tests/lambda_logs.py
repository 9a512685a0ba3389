"""A Lambda function's log stream, delivered as Amazon Data Firehose delivers a CloudWatch Logs subscription."""

from __future__ import annotations

import base64
import gzip
import json
import os
import time
import uuid
from typing import Any

import httpx

from running import Coldtrail

STREAM = "2026/11/21/[7]0a1b2c3d4e5f60718293a4b5c6d7e8f9"


def payload(group: str, lines: list[str], *, stream: str = STREAM, start_ms: int | None = None) -> bytes:
    """One subscription message; line N is N milliseconds after the first."""
    first_ms = time.time_ns() // 10**6 if start_ms is None else start_ms
    events = [{"id": f"{first_ms:014d}{number:020d}{os.urandom(8).hex()}", "timestamp": first_ms + number, "message": line} for number, line in enumerate(lines)]
    document = {"messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": group, "logStream": stream, "subscriptionFilters": ["all"], "logEvents": events}
    return gzip.compress(json.dumps(document).encode())


def deliver(coldtrail: Coldtrail, *records: bytes) -> httpx.Response:
    """One delivery of several records; the answer must repeat its id."""
    request_id = str(uuid.uuid4())
    body: dict[str, Any] = {"requestId": request_id, "timestamp": time.time_ns() // 10**6, "records": [{"data": base64.b64encode(one).decode()} for one in records]}
    answer = coldtrail.post("/aws/firehose", json.dumps(body).encode(), "application/json", x_amz_firehose_request_id=request_id)
    assert answer.json()["requestId"] == request_id
    return answer


def write(coldtrail: Coldtrail, function: str, *lines: str, **more: Any) -> None:
    """Have a function's lines delivered."""
    assert deliver(coldtrail, payload(f"/aws/lambda/{function}", list(lines), **more)).status_code == 200


def report(request_id: str, duration_ms: float = 5.0, more: str = "") -> str:
    """A REPORT line as the text format has it."""
    return f"REPORT RequestId: {request_id}\tDuration: {duration_ms:.2f} ms\tBilled Duration: {duration_ms:.0f} ms\tMemory Size: 128 MB\tMax Memory Used: 60 MB\t{more}"
