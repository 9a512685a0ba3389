"""Which attributes name the queue, stream, topic, bus, table or bucket that a span or log record speaks of.

Sources: OpenTelemetry semantic conventions ("Messaging attributes", "AWS attributes", "Database attributes"),
AWS X-Ray Developer Guide ("X-Ray segment documents": `queue_url`, `table_name`), Powertools for AWS Lambda and
common structured logs (`stream_name`, `queue_name`). Rules are data, evaluated in Python and rendered as SQL.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from coldtrail.model.signals import Attributes, AttributeValue
from coldtrail.store.anyvalue import sql_text

Form = Literal["whole", "last", "listed"]
"""``last``: the last part of a URL or ARN; ``listed``: the first of a list."""


class Resource(Struct, frozen=True):
    """A managed resource by kind (an id of `services/`) and name."""

    kind: str
    name: str


class Naming(Struct, frozen=True):
    """One attribute that names a resource; ``systems``: only where this attribute has one of these values."""

    kind: str
    attribute: str
    form: Form = "whole"
    system: str = ""
    systems: tuple[str, ...] = ()


def _messaging(kind: str, *systems: str) -> Naming:
    return Naming(kind, "messaging.destination.name", "last", "messaging.system", systems)


SPAN_NAMINGS = (
    Naming("kinesis", "aws.kinesis.stream_name"),
    Naming("sqs", "aws.sqs.queue.url", "last"),
    Naming("sqs", "aws.queue_url", "last"),
    Naming("sns", "aws.sns.topic.arn", "last"),
    Naming("eventbridge", "aws.eventbridge.bus_name"),
    _messaging("kinesis", "aws_kinesis", "kinesis"),
    _messaging("sqs", "aws_sqs", "AmazonSQS", "sqs"),
    _messaging("sns", "aws_sns", "AmazonSNS", "sns"),
    _messaging("eventbridge", "aws_eventbridge", "eventbridge"),
    Naming("dynamodb", "aws.table_name"),
    Naming("dynamodb", "aws.dynamodb.table_names", "listed"),
    Naming("dynamodb", "db.collection.name", "whole", "db.system.name", ("aws.dynamodb", "dynamodb")),
    Naming("s3", "aws.s3.bucket"),
    Naming("s3", "aws.xray.aws.bucket_name"),
)
LOG_NAMINGS = (
    Naming("kinesis", "stream_name"),
    Naming("sqs", "queue_name"),
    Naming("sns", "topic_name"),
    Naming("eventbridge", "bus_name"),
    Naming("eventbridge", "event_bus_name"),
)
CARRIES = {
    "kinesis": "stream",
    "sqs": "queue",
    "sns": "topic",
    "eventbridge": "bus",
    "dynamodb": "table",
    "s3": "bucket",
}
"""What a kind of resource is called; those before the table carry messages."""

MESSAGE_KINDS = ("kinesis", "sqs", "sns", "eventbridge")

_OPERATIONS = ("rpc.method", "db.operation.name", "messaging.operation.name", "messaging.operation.type")


def resource_of(attributes: Attributes) -> Resource | None:
    """Return the resource that a span's attributes name, None where they name none."""
    for rule in SPAN_NAMINGS:
        if rule.attribute in attributes and (not rule.system or attributes.get(rule.system) in rule.systems):
            name = _name(attributes[rule.attribute], rule.form)
            if name:
                return Resource(rule.kind, name)
    return None


def operation_of(attributes: Attributes) -> str:
    """Return what was done to the resource (`PutItem`, `send`), "" where it is not told."""
    for name in _OPERATIONS:
        if isinstance(value := attributes.get(name), str) and value:
            return value.rsplit("/", 1)[-1]
    return ""


def _name(value: AttributeValue, form: Form) -> str:
    if form == "listed":
        value = value[0] if isinstance(value, list) and value else ""
    text = value if isinstance(value, str) else ""
    return text.replace(":", "/").rsplit("/", 1)[-1] if form == "last" else text


def sql_resource(rules: tuple[Naming, ...]) -> str:
    """Return SQL for the Tuple(kind, name) that a row's `attributes` name; ('', '') where they name none."""
    cases = ", ".join(f"{_sql_condition(rule)}, ('{rule.kind}', {_sql_name(rule)})" for rule in rules)
    return f"multiIf({cases}, ('', ''))"


def sql_resources(rules: tuple[Naming, ...]) -> str:
    """Return SQL for all Tuples(kind, name) that a row's `attributes` name."""
    cases = ", ".join(f"if({_sql_condition(rule)}, ('{rule.kind}', {_sql_name(rule)}), ('', ''))" for rule in rules)
    return f"arrayFilter(one -> one.2 != '', [{cases}])"


def sql_names_any(rules: tuple[Naming, ...]) -> str:
    """Return SQL that is true where a row has one of the naming attributes at all; reads the names alone."""
    names = ", ".join(f"'{name}'" for name in sorted({rule.attribute for rule in rules}))
    return f"hasAny(mapKeys(attributes), [{names}])"


def sql_operation() -> str:
    """Return SQL for `operation_of`, the span's name where it is not told."""
    named = ", ".join(f"nullIf({sql_text(_attribute(name))}, '')" for name in _OPERATIONS)
    return f"arrayElement(splitByChar('/', coalesce({named}, toString(name))), -1)"


def _attribute(name: str) -> str:
    return f"attributes['{name}']"


def _sql_condition(rule: Naming) -> str:
    has = f"mapContains(attributes, '{rule.attribute}')"
    if not rule.system:
        return has
    values = ", ".join(f"'{value}'" for value in rule.systems)
    return f"({has} AND {sql_text(_attribute(rule.system))} IN ({values}))"


def _sql_name(rule: Naming) -> str:
    raw = _attribute(rule.attribute)
    if rule.form == "listed":
        # ArrayValue (tag 0x2a) of AnyValue (0x0a) of string (0x0a), lengths of one byte each.
        text = f"if(startsWith({raw}, '*'), substring({raw}, 7, reinterpretAsUInt8(substring({raw}, 6, 1))), '')"
    else:
        text = sql_text(raw)
    return f"arrayElement(splitByRegexp('[/:]', {text}), -1)" if rule.form == "last" else text
