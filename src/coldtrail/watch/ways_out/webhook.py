"""Webhook: the message as JSON, signed so that its receiver knows who sent it, and that it is no old one sent again.

`X-Coldtrail-Signature: t=UNIX_SECONDS,v1=HEX`, the HMAC-SHA256 of `UNIX_SECONDS.BODY` with the route's secret.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any

import msgspec

from coldtrail.model.alerting import Notification
from coldtrail.model.routes import Webhook
from coldtrail.watch.ways_out.outside import Request
from coldtrail.watch.ways_out.secret import Read
from coldtrail.watch.ways_out.words import headline, time_of


def request(way: Webhook, message: Notification, read_secret: Read) -> Request:
    """Return the POST; a receiver tells a message that comes twice by `Idempotency-Key`."""
    body = msgspec.json.encode(body_of(message))
    headers = {"Content-Type": "application/json", "Idempotency-Key": message.id}
    if way.secret:
        headers["X-Coldtrail-Signature"] = signature(body, read_secret(way.secret), int(time.time()))
    return Request(way.url, body, headers)


def signature(body: bytes, secret: str, at_s: int) -> str:
    """Return what the header holds."""
    digest = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"


def body_of(message: Notification) -> dict[str, Any]:
    """Return the body."""
    return {
        "id": message.id,
        "dedup_key": message.dedup_key,
        "event": message.what,
        "status": "recovered" if message.is_over else "firing",
        "alert": message.alert,
        "group": message.group,
        "headline": headline(message),
        "title": message.title,
        "severity": message.severity,
        "why": message.why,
        "value": message.value,
        "parts": [part.as_json() for part in message.parts],
        "started": time_of(message.started_ns),
        "time": time_of(message.time_ns),
        "link": message.link,
        "runbook": message.runbook,
        "description": message.description,
        "by": message.by,
    }
