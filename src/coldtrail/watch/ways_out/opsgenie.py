"""Opsgenie: Alert API v2.

Source: Opsgenie API documentation, "Alert API": an alert is made with an `alias`, and closed or acknowledged by it; a message
has at most 130 characters, an alias 512, a description 15,000.
"""

from __future__ import annotations

from typing import Any

import msgspec

from coldtrail.model.alerting import Notification
from coldtrail.model.routes import Opsgenie
from coldtrail.watch.ways_out.outside import Request
from coldtrail.watch.ways_out.secret import Read
from coldtrail.watch.ways_out.words import lines

PRIORITIES = {"high": "P1", "medium": "P3", "low": "P5"}
ACTIONS = {"recovered": "close", "acknowledged": "acknowledge"}


def request(way: Opsgenie, message: Notification, read_secret: Read) -> Request:
    """Return the POST."""
    headers = {"Content-Type": "application/json", "Authorization": f"GenieKey {read_secret(way.secret)}"}
    alerts = f"{way.endpoint.rstrip('/')}/v2/alerts"
    action = ACTIONS.get(message.what)
    if action:
        body: dict[str, Any] = {
            "source": "coldtrail",
            "note": message.why[:25_000],
            "user": message.by[:100] or "coldtrail",
        }
        url = f"{alerts}/{message.dedup_key}/{action}?identifierType=alias"
        return Request(url, msgspec.json.encode(body), headers)
    links = [message.link, *([message.runbook] if message.runbook else [])]
    body = {
        "message": " ".join(message.title.split())[:130],
        "alias": message.dedup_key,
        "description": "\n".join([*lines(message), *links])[:15_000],
        "priority": PRIORITIES[message.severity],
        "source": "coldtrail",
        "entity": message.alert,
        "details": {"link": message.link, "group": message.group},
    }
    return Request(alerts, msgspec.json.encode(body), headers)
