"""Slack: an incoming webhook.

Sources: Slack documentation, "Sending messages using incoming webhooks", "Formatting message text" (`&`, `<`, `>` are
written as entities; a link is `<address|text>`).
"""

from __future__ import annotations

import msgspec

from coldtrail.model.alerting import Notification
from coldtrail.model.routes import Slack
from coldtrail.watch.ways_out.outside import Request
from coldtrail.watch.ways_out.secret import Read
from coldtrail.watch.ways_out.words import headline, lines

COLOURS = {"high": "#c92a2a", "medium": "#e67700", "low": "#1971c2"}
WELL = "#2b8a3e"
MOST_TEXT = 2_900


def request(way: Slack, message: Notification, read_secret: Read) -> Request:
    """Return the POST. The address is what must stay secret."""
    links = [f"<{message.link}|Investigate>"] + ([f"<{message.runbook}|Runbook>"] if message.runbook else [])
    text = f"*{_escaped(headline(message))}*\n{_escaped(chr(10).join(lines(message)))}"[:MOST_TEXT]
    body = {
        "text": _escaped(headline(message)),
        "attachments": [
            {
                "color": WELL if message.is_over else COLOURS[message.severity],
                "blocks": [
                    {"type": "section", "text": {"type": "mrkdwn", "text": text}},
                    {"type": "context", "elements": [{"type": "mrkdwn", "text": "  ".join(links)}]},
                ],
            }
        ],
    }
    return Request(read_secret(way.url), msgspec.json.encode(body), {"Content-Type": "application/json"})


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
