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
    dead_letter_cause: tuple[str, ...] = ()
    replay_name: str = ""


Unit = Literal["count", "ms", "bytes", "MB", "share", "units"]
"""What a figure is in. ``share`` is of 1; ``units`` are a table's capacity units. Times are always milliseconds."""

Statistic = Literal["sum", "avg", "max", "p95"]
Scope = Literal["resource", "account"]


class CloudWatch(Struct, frozen=True):
    """A metric as CloudWatch publishes it.

    ``by``: the dimension whose value is the resource's name; "" for a metric of the whole account and region. ``also``: dimensions
    that such a series may have besides, over which it is added up. ``times``: what turns its unit into ours. ``over``:
    the figure is the sum of this metric divided by the sum of that one, a share. ``endings``: the dimension's value is
    the resource's name and one of these, for what belongs to a resource by custom. ``only``: for the resource of this
    name alone, whose series have the dimensions of ``also`` and do not name it.
    """

    namespace: str
    metric: str
    by: str = ""
    also: tuple[str, ...] = ()
    times: float = 1.0
    over: str = ""
    endings: tuple[str, ...] = ()
    only: str = ""


class Derived(Struct, frozen=True):
    """How the same figure is read from spans, log lines and trails: ``way`` is a name that the store knows."""

    way: str
    how: str


class Metric(Struct, frozen=True):
    """One thing to watch: what it is, what high and low mean, and the trouble that it points to.

    ``cloudwatch``: where CloudWatch has it, the first that was received is shown. ``derived`` None: no span, line or trail
    tells. ``brings``: what would
    bring it where it is absent, if that is more than the namespace in a metric stream.
    """

    id: str
    name: str
    unit: Unit
    stat: Statistic
    high: str
    low: str
    trouble: str
    source: str
    cloudwatch: tuple[CloudWatch, ...]
    derived: Derived | None = None
    scope: Scope = "resource"
    brings: str = ""


class Quota(Struct, frozen=True):
    """A limit of the service: how much, of what, and what one has to know to scale.

    ``id``: `service.name`, as it is written in the settings. ``soft``: AWS raises it when asked. ``per``: what it counts for.
    ``metric``: the id of the metric of this service that is its use, "" where no signal tells. ``per_s``: it counts in
    every so many seconds, so its use is a sum divided by the length of a step, a mean. ``limit_metric``: the metric that
    tells the limit itself, where somebody configures it; then ``value`` is 0.
    """

    id: str
    name: str
    value: float
    unit: Unit
    soft: bool
    per: Literal["account and region", "resource"]
    explained: str
    source: str
    metric: str = ""
    per_s: float = 0.0
    limit_metric: str = ""


class Service(Struct, frozen=True):
    """Everything we know of one managed service, in one place."""

    id: str
    name: str
    carries: Carrier
    keys: tuple[KeyRule, ...] = ()
    envelopes: tuple[Envelope, ...] = ()
    metrics: tuple[Metric, ...] = ()
    quotas: tuple[Quota, ...] = ()


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
