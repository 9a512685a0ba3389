"""Alertmanager: the API that Prometheus posts its alerts to, so that its routing tree decides who is told.

Source: Alertmanager's OpenAPI description, `POST /api/v2/alerts`: an alert is its labels; it fires until `endsAt`.
"""

from __future__ import annotations

import msgspec

from coldtrail.model.alerting import Notification
from coldtrail.model.routes import Alertmanager
from coldtrail.watch.ways_out.outside import Request
from coldtrail.watch.ways_out.secret import Read
from coldtrail.watch.ways_out.words import lines, time_of

FIRES_FOR_NS = 7 * 86_400 * 10**9
"""We say when it is over; this ends an alert whose recovery could not be told."""


def request(way: Alertmanager, message: Notification, read_secret: Read) -> Request | None:
    """Return the POST; it has no word for an acknowledgement."""
    if message.what == "acknowledged":
        return None
    labels = {"alertname": message.alert, "severity": message.severity, "source": "coldtrail"}
    labels |= {"group": message.group} if message.group else {}
    annotations = {
        "summary": " ".join(message.title.split()),
        "description": "\n".join(lines(message)),
        "dedup_key": message.dedup_key,
    }
    annotations |= {"runbook_url": message.runbook} if message.runbook else {}
    ends_ns = message.time_ns if message.is_over else message.time_ns + FIRES_FOR_NS
    alert = {
        "labels": labels,
        "annotations": annotations,
        "startsAt": time_of(message.started_ns),
        "endsAt": time_of(ends_ns),
        "generatorURL": message.link,
    }
    headers = {"Content-Type": "application/json"}
    if way.secret:
        headers["Authorization"] = f"Bearer {read_secret(way.secret)}"
    return Request(f"{way.url.rstrip('/')}/api/v2/alerts", msgspec.json.encode([alert]), headers)
