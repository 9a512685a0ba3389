"""PagerDuty: Events API v2.

Source: PagerDuty developer documentation, "Events API v2 overview", "Send an Alert Event": actions `trigger`, `acknowledge`
and `resolve` of one `dedup_key`; a summary has at most 1,024 characters.
"""

from __future__ import annotations

from typing import Any

import msgspec

from coldtrail.model.alerting import Notification
from coldtrail.model.routes import PagerDuty
from coldtrail.watch.ways_out.outside import Request
from coldtrail.watch.ways_out.secret import Read
from coldtrail.watch.ways_out.words import lines, time_of

SEVERITIES = {"high": "critical", "medium": "warning", "low": "info"}


def request(way: PagerDuty, message: Notification, read_secret: Read) -> Request:
    """Return the POST."""
    action = {"recovered": "resolve", "acknowledged": "acknowledge"}.get(message.what, "trigger")
    body: dict[str, Any] = {
        "routing_key": read_secret(way.secret),
        "event_action": action,
        "dedup_key": message.dedup_key,
    }
    if action == "trigger":
        body |= _triggers(message)
    return Request(way.endpoint, msgspec.json.encode(body), {"Content-Type": "application/json"})


def _triggers(message: Notification) -> dict[str, Any]:
    scopes = list(dict.fromkeys(part.scope for part in message.parts if part.scope))
    links = [{"href": message.link, "text": "Investigate"}]
    if message.runbook:
        links.append({"href": message.runbook, "text": "Runbook"})
    return {
        "client": "coldtrail",
        "client_url": message.link,
        "links": links,
        "payload": {
            "summary": f"{' '.join(message.title.split())}: {message.why}"[:1024],
            "source": ", ".join(scopes)[:255] or "coldtrail",
            "severity": SEVERITIES[message.severity],
            "timestamp": time_of(message.started_ns),
            "class": message.alert,
            "group": message.group,
            "custom_details": {"why": "\n".join(lines(message)), "value": message.value},
        },
    }
