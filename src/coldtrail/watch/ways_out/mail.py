"""E-mail over SMTP: plain text, the messages of one alert in one thread.

Sources: RFC 5322 (`Message-ID`, `References`), RFC 3834 (`Auto-Submitted`, so that no answering machine answers).
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from coldtrail.model.alerting import Notification
from coldtrail.model.routes import Email
from coldtrail.watch.ways_out.outside import NotSent, Outside
from coldtrail.watch.ways_out.words import headline, lines, time_of


def letter(way: Email, message: Notification) -> EmailMessage:
    """Return the mail."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = headline(message)
    mail["From"] = way.sender
    mail["To"] = ", ".join(way.to)
    mail["Message-ID"] = f"<{message.id}@coldtrail.invalid>"
    mail["References"] = f"<{message.dedup_key}@coldtrail.invalid>"
    mail["Auto-Submitted"] = "auto-generated"
    links = [message.link, *([f"Runbook: {message.runbook}"] if message.runbook else [])]
    since = f"Since {time_of(message.started_ns)}, severity {message.severity}."
    mail.set_content("\n".join([*lines(message), "", since, "", *links]) + "\n")
    return mail


def send(way: Email, message: Notification, outside: Outside) -> None:
    """Hand a mail over to the server.

    Raises:
        NotSent: it did not take it, or not for one of the receivers.
    """
    if message.what == "acknowledged":
        return
    password = outside.read_secret(way.secret) if way.secret else ""
    address = outside.address_of(way.host, way.port)
    try:
        with _connected(way, address, outside.timeout_s) as server:
            if way.tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if way.user:
                server.login(way.user, password)
            refused = server.send_message(letter(way, message))
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"{way.host} answered {error.smtp_code}") from None
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise NotSent(f"{way.host} could not be told: {type(error).__name__}") from None
    if refused:
        raise NotSent(f"{way.host} refused {len(refused)} of {len(way.to)} receivers")


def _connected(way: Email, address: str, timeout_s: float) -> smtplib.SMTP:
    """Connect to an address that was checked, while TLS goes on checking the name."""

    class Plain(smtplib.SMTP):
        def _get_socket(self, *_: Any) -> Any:
            return socket.create_connection((address, way.port), timeout_s)

    class Wrapped(smtplib.SMTP_SSL):
        def _get_socket(self, *_: Any) -> Any:
            opened = socket.create_connection((address, way.port), timeout_s)
            return self.context.wrap_socket(opened, server_hostname=way.host)

    if way.tls == "tls":
        return Wrapped(way.host, way.port, timeout=timeout_s, context=ssl.create_default_context())
    return Plain(way.host, way.port, timeout=timeout_s)
