"""Amazon SNS: one message to a topic, in the form that each of its subscribers reads.

Sources: Amazon SNS API Reference, "Publish" (a subject has at most 100 characters, ASCII, no line breaks; a message 256 KiB; with
`MessageStructure=json` each protocol may get a text of its own), Amazon SNS Developer Guide, "Message attributes", "Message
deduplication for FIFO topics" (an id holds for five minutes), "Message grouping for FIFO topics".
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec

from coldtrail.model.alerting import Notification
from coldtrail.model.routes import Sns
from coldtrail.watch.ways_out.outside import NotSent, Outside, Request
from coldtrail.watch.ways_out.webhook import body_of
from coldtrail.watch.ways_out.words import headline, lines

MOST_BODY_BYTES = 120 << 10
MOST_TEXT_BYTES = 60 << 10
MOST_SUBJECT = 100
MOST_SMS_BYTES = 140
CLIENTS = 8


def published(way: Sns, message: Notification) -> dict[str, Any]:
    """Return what `Publish` is called with: JSON for programs, a text for mail, a line for phones, and attributes to filter by."""
    told = headline(message)
    links = [message.link, *([f"Runbook: {message.runbook}"] if message.runbook else [])]
    text = "\n".join([told, *lines(message), "", *links])
    forms = {"default": _body(message), "email": _cut(text, MOST_TEXT_BYTES), "sms": _cut(told, MOST_SMS_BYTES)}
    asked = {
        "TopicArn": way.topic_arn,
        "Subject": _subject(told),
        "Message": msgspec.json.encode(forms).decode(),
        "MessageStructure": "json",
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in _attributes(message) if value
        },
    }
    if way.topic_arn.endswith(".fifo"):
        asked |= {"MessageGroupId": message.dedup_key, "MessageDeduplicationId": message.id}
    return asked


def send(way: Sns, message: Notification, outside: Outside) -> None:
    """Publish a message.

    Raises:
        NotSent: the topic did not take it, or there are no credentials for it.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    secret = outside.read_secret(way.secret) if way.secret else ""
    try:
        client = _client(way.region, way.endpoint, way.access_key_id, secret, outside)
        client.publish(**published(way, message))
    except ClientError as error:
        told, status = error.response.get("Error", {}), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        raise NotSent(f"SNS answered {status} {told.get('Code', '')}: {_line(told.get('Message', ''))}") from None
    except BotoCoreError as error:
        raise NotSent(f"SNS could not be asked: {type(error).__name__}: {_line(str(error))}") from None


@lru_cache(CLIENTS)
def _client(region: str, endpoint: str, access_key_id: str, secret: str, outside: Outside) -> Any:
    """Return a client whose requests are signed by it and sent by ``outside``, to an address that was checked."""
    import boto3
    from botocore.awsrequest import AWSResponse
    from botocore.config import Config

    def sent(request: Any, **_: Any) -> Any:
        body = request.body.encode() if isinstance(request.body, str) else bytes(request.body or b"")
        headers = {name: _text(value) for name, value in request.headers.items()}
        answer = outside.exchange(Request(request.url, body, headers))
        return AWSResponse(request.url, answer.status, answer.headers, _Raw(answer.body))

    keys = {"aws_access_key_id": access_key_id, "aws_secret_access_key": secret} if access_key_id else {}
    client = boto3.session.Session(**keys, region_name=region).client(
        "sns", endpoint_url=endpoint or None, config=Config(retries={"total_max_attempts": 1})
    )
    client.meta.events.register("before-send.sns", sent)
    return client


class _Raw:
    """A body that was read, as botocore reads one."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._body


def _attributes(message: Notification) -> list[tuple[str, str]]:
    return [
        ("event", message.what),
        ("status", "recovered" if message.is_over else "firing"),
        ("alert", message.alert),
        ("group", message.group),
        ("severity", message.severity),
        ("dedup_key", message.dedup_key),
    ]


def _body(message: Notification) -> str:
    """The body of a webhook; of too many parts as many as have room."""
    body = body_of(message)
    while True:
        text = msgspec.json.encode(body)
        if len(text) <= MOST_BODY_BYTES or not body["parts"]:
            return _cut(text.decode(), MOST_BODY_BYTES)
        body["parts"] = body["parts"][: len(body["parts"]) // 2]


def _subject(told: str) -> str:
    plain = "".join(letter if " " <= letter <= "~" else "?" for letter in " ".join(told.split()))
    return plain[:MOST_SUBJECT]


def _cut(text: str, most_bytes: int) -> str:
    return text.encode()[:most_bytes].decode(errors="ignore")


def _line(text: str) -> str:
    return " ".join(text.split())[:200]


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
