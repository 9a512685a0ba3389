"""Ways out: how people are told. One module each, which says what is sent; `outside` sends it, and says to whom it may go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coldtrail.model.alerting import Notification
from coldtrail.model.routes import Alertmanager, Email, Opsgenie, PagerDuty, Slack, Sns, WayOut, Webhook
from coldtrail.watch.ways_out import alertmanager, mail, opsgenie, pagerduty, slack, sns, webhook
from coldtrail.watch.ways_out.outside import NotSent, Outside, Request
from coldtrail.watch.ways_out.secret import Read

__all__ = ["NotSent", "Outside", "send"]

Writes = Callable[[Any, Notification, Read], Request | None]

WRITES: dict[type[Any], Writes] = {
    Webhook: webhook.request,
    Slack: slack.request,
    PagerDuty: pagerduty.request,
    Opsgenie: opsgenie.request,
    Alertmanager: alertmanager.request,
}


def send(way: WayOut, message: Notification, outside: Outside) -> None:
    """Tell somebody, and return when they took it. What a way has no word for is not sent.

    Raises:
        NotSent: they did not take it; says why, and whether they said when to come again.
    """
    if isinstance(way, Email):
        mail.send(way, message, outside)
        return
    if isinstance(way, Sns):
        sns.send(way, message, outside)
        return
    request = WRITES[type(way)](way, message, outside.read_secret)
    if request:
        outside.post(request)
