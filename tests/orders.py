"""Orders of a shop, as its signals tell of them: a request, a message on a queue, and the function that packs."""

from __future__ import annotations

import os
import time
import uuid
from typing import Any

from otlp import span, traces
from running import Coldtrail


def order(shop: str, *, packed: int = 1, code: int = 202, ago_s: float = 0.0, order_id: str = "") -> tuple[str, list[dict[str, Any]]]:
    """One order: a request that sends a message, which a function takes so many times; return the trace's id and the spans."""
    trace, message = os.urandom(16), str(uuid.uuid4())
    at_ns = time.time_ns() - int(ago_s * 1e9)
    root = span("POST /order", service=shop, trace_id=trace, kind=2, start_ns=at_ns, duration_ms=20, attributes={"http.response.status_code": code, "order_id": order_id or message})
    queue = {"messaging.message.id": message, "messaging.system": "aws_sqs", "messaging.destination.name": f"{shop}-queue"}
    sent = span("send", service=shop, trace_id=trace, parent=root["span_id"], kind=4, start_ns=at_ns + 5_000_000, attributes=queue)
    taken = [
        span(f"{shop}-pack", service=f"{shop}-pack", kind=5, start_ns=at_ns + (1 + number) * 100_000_000, attributes={"messaging.message.id": message, "messaging.system": "aws_sqs", "faas.invocation_id": str(uuid.uuid4())})
        for number in range(packed)
    ]
    return trace.hex(), [root, sent, *taken]


def place(coldtrail: Coldtrail, shop: str, **what: Any) -> str:
    """Send one order; return the trace's id."""
    trace_id, spans = order(shop, **what)
    assert coldtrail.post("/v1/traces", traces(*spans)).status_code == 200
    return trace_id
