"""What names the managed resource that a span or log record speaks of: rules as data, by the id of its service.

Sources: OpenTelemetry semantic conventions ("Messaging attributes", "AWS attributes", "Database attributes", "FaaS
attributes", "HTTP spans"), AWS X-Ray Developer Guide ("X-Ray segment documents": `queue_url`, `table_name`), Powertools
for AWS Lambda and common structured logs (`stream_name`, `queue_name`).
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from coldtrail.model.signals import Attributes, AttributeValue

Form = Literal["whole", "last", "listed"]
"""``last``: the last part of a URL or ARN; ``listed``: the first of a list."""


class Resource(Struct, frozen=True):
    """A managed resource by kind (an id of `services/`) and name."""

    kind: str
    name: str


class Naming(Struct, frozen=True):
    """One attribute that names a resource; ``systems``: only where the attribute ``system`` has one of these values."""

    kind: str
    attribute: str
    form: Form = "last"
    system: str = ""
    systems: tuple[str, ...] = ()


def _messaging(kind: str, *systems: str) -> Naming:
    form: Form = "whole" if kind == "eventbridge" else "last"
    return Naming(kind, "messaging.destination.name", form, "messaging.system", systems)


SPAN_NAMINGS = (
    Naming("kinesis", "aws.kinesis.stream_name"),
    Naming("sqs", "aws.sqs.queue.url"),
    Naming("sqs", "aws.queue_url"),
    Naming("sns", "aws.sns.topic.arn"),
    Naming("eventbridge", "aws.eventbridge.bus_name", "whole"),
    _messaging("kinesis", "aws_kinesis", "aws.kinesis", "kinesis"),
    _messaging("sqs", "aws_sqs", "AmazonSQS", "sqs"),
    _messaging("sns", "aws_sns", "aws.sns", "AmazonSNS", "sns"),
    _messaging("eventbridge", "aws_eventbridge", "aws.eventbridge", "eventbridge"),
    Naming("dynamodb", "aws.table_name"),
    Naming("dynamodb", "aws.dynamodb.table_names", "listed"),
    Naming("dynamodb", "db.collection.name", "last", "db.system.name", ("aws.dynamodb", "dynamodb")),
    Naming("s3", "aws.s3.bucket"),
    Naming("s3", "aws.xray.aws.bucket_name"),
    Naming("stepfunctions", "aws.step_functions.state_machine.arn"),
)
"""The first that fits names it. A bus of a partner has slashes in its name, so buses are taken whole."""

LOG_NAMINGS = (
    Naming("kinesis", "stream_name"),
    Naming("sqs", "queue_name"),
    Naming("sns", "topic_name"),
    Naming("eventbridge", "bus_name", "whole"),
    Naming("eventbridge", "event_bus_name", "whole"),
)

CARRIES = {
    "kinesis": "stream",
    "sqs": "queue",
    "sns": "topic",
    "eventbridge": "bus",
    "dynamodb": "table",
    "s3": "bucket",
    "stepfunctions": "workflow",
}
"""What a kind of resource is called; those before the table carry messages."""

MESSAGE_KINDS = ("kinesis", "sqs", "sns", "eventbridge")

KINDS_OF_KEYS = {"sequence_number": ("kinesis",), "message_id": ("sqs", "sns"), "event_id": ("eventbridge",)}
"""On which kinds of resource a key of a message can be: a log line may tell of two resources and a message of each."""

OPERATIONS = (
    "rpc.method",
    "db.operation.name",
    "messaging.operation.name",
    "messaging.operation.type",
    "db.operation",
    "messaging.operation",
)

OPERATIONS_OF_HTTP = ("http.request.method", "http.method")

INVOKED = ("faas.invoked_name", "aws.xray.aws.function_name")
"""Of a client span: the function that it calls."""

HOSTS = ("server.address", "net.peer.name", "http.host", "url.full", "http.url")
"""Of a client span: where it goes; a URL stands for its host."""

DATABASES = ("db.system.name", "db.system")


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
    for name in OPERATIONS:
        if isinstance(value := attributes.get(name), str) and value:
            return value.rsplit("/", 1)[-1]
    return ""


def _name(value: AttributeValue, form: Form) -> str:
    if form == "listed":
        value = value[0] if isinstance(value, list) and value else ""
    text = value if isinstance(value, str) else ""
    return text if form == "whole" else text.replace(":", "/").rsplit("/", 1)[-1]
