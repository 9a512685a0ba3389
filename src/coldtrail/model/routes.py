"""Routes: where an alert is told, and to whom next where nobody acknowledges it.

What is secret is never written down here, but where it is: `env:NAME` (a variable of the process) or `file:/path`.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from coldtrail.model.alerts import Named, Text, Title
from coldtrail.model.durations import Duration

Secret = Annotated[str, Meta(pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]{0,127}|file:/[^\x00]{1,1000})$")]
Url = Annotated[str, Meta(pattern=r"^https?://[^\s/?#]+[^\s]*$", max_length=2_000)]
Address = Annotated[str, Meta(pattern=r"^[^\s<>,@]+@[^\s<>,@]+$", max_length=320)]


OF_SNS = re.compile(
    r"([a-z0-9-]+\.)?sns(-fips)?\.[a-z]{2}(-[a-z]+)+-[0-9]\.(vpce\.)?(amazonaws\.com(\.cn)?|api\.aws)", re.IGNORECASE
)
"""Source: AWS General Reference, "Amazon Simple Notification Service endpoints and quotas"; of VPC endpoints, AWS PrivateLink."""


class Webhook(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="webhook"):
    """A POST of JSON, signed with ``secret`` where there is one."""

    url: Url
    secret: Secret = ""


class Slack(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="slack"):
    """An incoming webhook of Slack. Its address is the secret."""

    url: Secret


class PagerDuty(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="pagerduty"):
    """An Events API v2 integration. ``secret``: its routing key."""

    secret: Secret
    endpoint: Url = "https://events.pagerduty.com/v2/enqueue"


class Opsgenie(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="opsgenie"):
    """An API integration of Opsgenie. ``secret``: its key; of the EU, ``endpoint`` is `https://api.eu.opsgenie.com`."""

    secret: Secret
    endpoint: Url = "https://api.opsgenie.com"


class Email(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="email"):
    """Mail through an SMTP server; ``secret`` is the password of ``user``."""

    to: Annotated[tuple[Address, ...], Meta(min_length=1, max_length=50)]
    sender: Address
    host: Annotated[str, Meta(min_length=1, max_length=253, pattern=r"^[^\s/]+$")]
    port: Annotated[int, Meta(ge=1, le=65_535)] = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    user: Annotated[str, Meta(max_length=320)] = ""
    secret: Secret = ""

    def __post_init__(self) -> None:
        if bool(self.user) != bool(self.secret):
            raise ValueError("user and secret go together")
        if self.user and self.tls == "none":
            raise ValueError("a password is not sent without TLS: take starttls or tls")


class Alertmanager(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="alertmanager"):
    """An Alertmanager, which routes on: ``url`` is its address without `/api/v2/alerts`. ``secret``: a bearer token."""

    url: Url
    secret: Secret = ""


class Sns(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="sns"):
    """A topic of Amazon SNS; one whose name ends in `.fifo` keeps the messages of an alert in order.

    ``access_key_id`` and ``secret`` (the secret access key): who publishes; without them what this process runs as.
    ``endpoint``: another one than the region's, such as a VPC endpoint. This process's own credentials go to AWS alone.
    """

    topic_arn: Annotated[str, Meta(pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$")]
    endpoint: Url = ""
    access_key_id: Annotated[str, Meta(pattern=r"^([A-Za-z0-9]{1,128})?$")] = ""
    secret: Secret = ""

    def __post_init__(self) -> None:
        if bool(self.access_key_id) != bool(self.secret):
            raise ValueError("access_key_id and secret go together")
        if self.endpoint and not self.secret and not _is_of_aws(self.endpoint):
            raise ValueError("endpoint is none of AWS, so access_key_id and secret are needed")

    @property
    def region(self) -> str:
        """Where the topic is."""
        return self.topic_arn.split(":")[3]


WayOut = Webhook | Slack | PagerDuty | Opsgenie | Email | Alertmanager | Sns


class Route(Struct, kw_only=True, forbid_unknown_fields=True):
    """Where alerts are told. ``default``: also those that name no route.

    Where nobody acknowledges within ``escalate_after``, ``escalate_to`` (another route) is told too.
    ``recovered``: also that it is over.
    """

    to: WayOut
    title: Title = ""
    description: Text = ""
    default: bool = False
    recovered: bool = True
    escalate_after: Duration = "15m"
    escalate_to: Named | None = None
    enabled: bool = True


def _is_of_aws(url: str) -> bool:
    """Whether an address is one of SNS itself, reached over TLS."""
    parts = urlsplit(url)
    return parts.scheme == "https" and bool(OF_SNS.fullmatch(parts.hostname or ""))
