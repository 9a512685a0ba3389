"""What a fact sheet of a managed service says: which signals carry which of its keys, in which role.

Rules are data, evaluated twice: in Python over one signal (`keys_of_span`, `keys_of_log`), and in SQL at
load time (the store renders them). Three kinds of place carry keys: an attribute (`KeyRule`), a field of an
event that a function was handed (`Envelope`), and a propagated header (`propagation`).
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from coldtrail.model.trails import KeyKind, Role

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
"""Span kinds as OTLP numbers them."""

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
EXECUTION_ARN = r'arn:aws[a-z-]*:states:[a-z0-9-]+:[0-9]+:(?:execution|express):[^:"\\]+:[^"\\]+'

Carrier = Literal["function", "queue", "topic", "bus", "stream", "table", "bucket", "api", "workflow", "directory"]


class Condition(Struct, frozen=True):
    """One of the ``attributes`` has one of the ``values``; with ``negated``, none of them has."""

    attributes: tuple[str, ...]
    values: tuple[str, ...]
    negated: bool = False


OPERATION = ("messaging.operation.type", "messaging.operation.name", "messaging.operation", "rpc.method")

RECEIVES = Condition(
    OPERATION, ("receive", "process", "deliver", "settle", "ack", "ReceiveMessage", "GetRecords", "DeleteMessage")
)
"""The span's operation takes messages, whatever its kind: a poll is a CLIENT span since semantic conventions 1.27.

Source: OpenTelemetry semantic conventions, "Messaging spans" ("Operation types"), "AWS SQS".
"""

SENDS = Condition(RECEIVES.attributes, RECEIVES.values, negated=True)


class KeyRule(Struct, frozen=True):
    """One attribute of one kind of signal that carries a key.

    ``attribute``: a name, or ``*.name`` for any attribute whose last dotted part it is. Its value is a text, or a
    list or JSON list of texts (a batch); with ``element``, a JSON list of objects that have the key under this
    name (the same for all rules of an attribute). ``span_kinds``: the span's kind is one of these (any, when empty). ``when``: all of
    these hold. ``event_prefix``: the log record's event name begins so. ``under``: the key is the text of this
    attribute, a slash, and the text of ``attribute``.
    """

    signal: Literal["span", "log"]
    attribute: str
    kind: KeyKind
    role: Role
    span_kinds: tuple[int, ...] = ()
    when: tuple[Condition, ...] = ()
    event_prefix: str = ""
    element: str = ""
    under: str = ""


class Field(Struct, frozen=True):
    """A key in a unit of an event: the text at ``paths`` (dotted), joined by slashes where there are several.

    ``shape``: RE2 that the whole text has to match, where the field's name alone says little. ``url_coded``: the text
    is form-encoded, as S3 writes object keys.
    """

    role: Role
    kind: KeyKind
    paths: tuple[str, ...]
    shape: str = ""
    url_coded: bool = False


class Envelope(Struct, frozen=True):
    """What one unit of an event looks like that a function is handed: a record of a batch, or the whole event.

    ``when``: (dotted path, values); the text there is one of the values, or any where there are none.
    ``payload``: paths of texts that may hold a further event (JSON, or base64 of it where ``base64``).
    The other paths say where the facts of a delivery are; "" where the service does not tell.
    """

    when: tuple[tuple[str, tuple[str, ...]], ...]
    keys: tuple[Field, ...] = ()
    payload: tuple[str, ...] = ()
    base64: bool = False
    destination: str = ""
    sent: str = ""
    receive_count: str = ""
    order_group: str = ""
    dead_letter_source: str = ""
    replay_name: str = ""


class Service(Struct, frozen=True):
    """Everything we know of one managed service, in one place."""

    id: str
    name: str
    carries: Carrier
    keys: tuple[KeyRule, ...] = ()
    envelopes: tuple[Envelope, ...] = ()


def span_key(
    role: Role,
    kind: KeyKind,
    attribute: str,
    *,
    span_kinds: tuple[int, ...] = (),
    when: tuple[Condition, ...] = (),
    under: str = "",
) -> KeyRule:
    """A rule for spans."""
    return KeyRule("span", attribute, kind, role, span_kinds, when, under=under)


def log_key(
    role: Role,
    kind: KeyKind,
    attribute: str,
    *,
    when: tuple[Condition, ...] = (),
    event_prefix: str = "",
    element: str = "",
) -> KeyRule:
    """A rule for log records."""
    return KeyRule("log", attribute, kind, role, when=when, event_prefix=event_prefix, element=element)


def sent_and_received(kind: KeyKind, *attributes: str, when: tuple[Condition, ...] = ()) -> tuple[KeyRule, ...]:
    """Rules for spans whose attributes name a message: who sends it gives it, who receives it takes it."""
    return tuple(
        rule
        for attribute in attributes
        for rule in (
            span_key("gives", kind, attribute, span_kinds=(CLIENT, PRODUCER), when=(SENDS, *when)),
            span_key("takes", kind, attribute, span_kinds=(SERVER, CONSUMER), when=when),
            span_key("takes", kind, attribute, span_kinds=(1, CLIENT, PRODUCER), when=(RECEIVES, *when)),
        )
    )


def takes(kind: KeyKind, *paths: str, shape: str = "") -> Field:
    """A field of an event that the function takes."""
    return Field("takes", kind, paths, shape)


def mentions(kind: KeyKind, *paths: str, url_coded: bool = False) -> Field:
    """A field of an event that the function only hears of."""
    return Field("mentions", kind, paths, url_coded=url_coded)


RESPONSES = ("response", "result", "resp", "output", "sent", "published")
"""Under which names functions log what an SDK call answered."""


def logged_response(kind: KeyKind, name: str, batch: str = "") -> tuple[KeyRule, ...]:
    """Rules for logged answers of a call that sends: the field ``name``, or those in the list ``batch``.

    The bare name is written by senders and receivers alike, so it only mentions.
    """
    single = tuple(log_key("gives", kind, f"{response}.{name}") for response in RESPONSES)
    many = tuple(log_key("gives", kind, f"{response}.{batch}", element=name) for response in RESPONSES if batch)
    return (log_key("mentions", kind, name), *single, *many)
