"""Which applications a fleet has, and what happens in them: shapes of trails, as steps that follow from one another."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

SERVER, CLIENT, PRODUCER, CONSUMER = 2, 3, 4, 5
BUSINESSES = (
    "accounts", "billing", "booking", "cart", "catalog", "checkout", "claims", "delivery", "fraud", "identity",
    "inventory", "ledger", "loyalty", "media", "notices", "orders", "payments", "pricing", "returns", "search",
)  # fmt: skip
ROLES = ("get", "accept", "project", "publish", "enrich", "archive", "import", "rank", "notify", "partner")
"""What the ten functions of an application do."""

Value = str | int | tuple[str, ...]


@dataclass
class Step:
    """One span of a shape.

    ``after``: the step that it follows from; within one trace it is its child, across a carrier (``carried``) it has a
    trace of its own and a link. ``ids``: attribute to the name of an id that all steps of that name share.
    """

    service: str
    application: str
    name: str
    kind: int
    after: int | None = None
    carried: bool = False
    function: bool = False
    attributes: dict[str, Value] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    typical_ms: float = 5.0


@dataclass
class Shape:
    """How one kind of trail goes; ``weight``: how often it happens, in proportion."""

    steps: list[Step]
    weight: float


def shapes_of(functions: int, seed: int) -> list[Shape]:
    """Return the shapes of a fleet of so many functions, joined within and between applications."""
    dice = random.Random(seed)
    applications = [
        BUSINESSES[number % len(BUSINESSES)]
        + (f"-{number // len(BUSINESSES) + 1}" if number >= len(BUSINESSES) else "")
        for number in range(-(-functions // len(ROLES)))
    ]
    found = []
    for number, application in enumerate(applications):
        names = [f"{application}-{role}" for role in ROLES[: min(len(ROLES), functions - number * len(ROLES))]]
        neighbour = applications[(number + 1) % len(applications)]
        found += _of_application(application, names, neighbour, dice)
    return found


def _of_application(application: str, names: list[str], neighbour: str, dice: random.Random) -> list[Shape]:
    full = len(names) == len(ROLES)
    if not full:
        return [_lookup(application, [name], dice.uniform(1, 4)) for name in names]
    return [
        _lookup(application, names[0:1], dice.uniform(2, 6)),
        _command(application, names[1:3], dice.uniform(1, 4)),
        _announcement(application, names[3:6], dice.uniform(0.5, 2)),
        _import(application, names[6:9], dice.uniform(0.2, 1)),
        _partner(application, names[9], neighbour, dice.uniform(0.2, 0.8)),
    ]


class _Steps(list[Step]):
    """Builds the steps of one shape."""

    def __init__(self, application: str) -> None:
        super().__init__()
        self.application = application

    def put(self, step: Step) -> int:
        self.append(step)
        return len(self) - 1

    def request(self, method: str, route: str) -> int:
        attributes: dict[str, Value] = {"http.request.method": method, "http.route": route, "url.path": route}
        name = f"{self.application}-api"
        return self.put(Step(name, self.application, f"{method} {route}", SERVER, None, attributes=attributes))

    def invocation(
        self, function: str, after: int | None, trigger: str, typical_ms: float, *, application: str = "", **ids: str
    ) -> int:
        carried = after is not None and trigger != "http"
        attributes: dict[str, Value] = {"faas.trigger": trigger, "faas.invoked_name": function}
        if carried:
            sender = self[after or 0].attributes
            attributes |= {name: sender[name] for name in _CARRIER_NAMES if name in sender}
            attributes["messaging.operation.type"] = "process"
        given = {name.replace("__", "."): value for name, value in ids.items()}
        invocation_id = {"faas.invocation_id": f"invocation-{len(self)}"}
        return self.put(
            Step(
                function,
                application or self.application,
                function,
                CONSUMER if carried else SERVER,
                after,
                carried,
                True,
                attributes,
                {**invocation_id, **given},
                typical_ms,
            )
        )

    def call(self, after: int, api: str, method: str, typical_ms: float, **attributes: Value) -> int:
        named = {name.replace("__", "."): value for name, value in attributes.items()}
        caller = self[after]
        about = {"rpc.system": "aws-api", "rpc.service": api, "rpc.method": method, **named}
        return self.put(
            Step(
                caller.service,
                caller.application,
                f"{api}.{method}",
                CLIENT,
                after,
                attributes=about,
                typical_ms=typical_ms,
            )
        )

    def send(self, after: int, system: str, destination: str, attribute: str, an_id: str) -> int:
        caller = self[after]
        about: dict[str, Value] = {
            "messaging.system": system,
            "messaging.destination.name": destination,
            "messaging.operation.type": "send",
        }
        if system == "aws_kinesis":
            about["aws.kinesis.stream_name"] = destination
        name = f"send {destination}"
        ids = {attribute: an_id}
        return self.put(
            Step(caller.service, caller.application, name, PRODUCER, after, attributes=about, ids=ids, typical_ms=6)
        )


_CARRIER_NAMES = ("messaging.system", "messaging.destination.name", "aws.kinesis.stream_name")


def _lookup(application: str, names: list[str], weight: float) -> Shape:
    """GET -> function -> table."""
    steps = _Steps(application)
    request = steps.request("GET", f"/{application}/{names[0].rsplit('-', 1)[-1]}/{{id}}")
    run = steps.invocation(names[0], request, "http", 12)
    table = (f"{application}-items",)
    steps.call(run, "DynamoDB", "GetItem", 4, db__system="dynamodb", aws__dynamodb__table_names=table)
    return Shape(list(steps), weight)


def _command(application: str, names: list[str], weight: float) -> Shape:
    """POST -> function -> queue -> function -> table."""
    steps = _Steps(application)
    request = steps.request("POST", f"/{application}")
    run = steps.invocation(names[0], request, "http", 20)
    table = (f"{application}-items",)
    steps.call(run, "DynamoDB", "PutItem", 6, db__system="dynamodb", aws__dynamodb__table_names=table)
    sent = steps.send(run, "aws_sqs", f"{application}-work", "messaging.message.id", "message")
    taken = steps.invocation(names[1], sent, "pubsub", 35, messaging__message__id="message")
    steps.call(taken, "DynamoDB", "UpdateItem", 7, db__system="dynamodb", aws__dynamodb__table_names=table)
    return Shape(list(steps), weight)


def _announcement(application: str, names: list[str], weight: float) -> Shape:
    """POST -> function -> bus -> two functions, one of which writes an object."""
    steps = _Steps(application)
    request = steps.request("POST", f"/{application}/events")
    run = steps.invocation(names[0], request, "http", 15)
    sent = steps.send(run, "aws_eventbridge", f"{application}-bus", "aws.eventbridge.event_id", "event")
    steps.invocation(names[1], sent, "pubsub", 25, aws__eventbridge__event_id="event")
    archive = steps.invocation(names[2], sent, "pubsub", 60, aws__eventbridge__event_id="event")
    steps.call(archive, "S3", "PutObject", 30, aws__s3__bucket=f"{application}-archive")
    return Shape(list(steps), weight)


def _import(application: str, names: list[str], weight: float) -> Shape:
    """Schedule -> function -> stream -> function -> topic's queue -> function."""
    steps = _Steps(application)
    run = steps.invocation(names[0], None, "timer", 80)
    sent = steps.send(run, "aws_kinesis", f"{application}-records", "aws.kinesis.sequence_number", "record")
    taken = steps.invocation(names[1], sent, "pubsub", 45, aws__kinesis__sequence_number="record")
    told = steps.send(taken, "aws_sqs", f"{application}-notices", "messaging.message.id", "notice")
    steps.invocation(names[2], told, "pubsub", 18, messaging__message__id="notice")
    return Shape(list(steps), weight)


def _partner(application: str, name: str, neighbour: str, weight: float) -> Shape:
    """POST -> function -> the queue of another application -> its function."""
    steps = _Steps(application)
    request = steps.request("POST", f"/{application}/partner")
    run = steps.invocation(name, request, "http", 22)
    sent = steps.send(run, "aws_sqs", f"{neighbour}-work", "messaging.message.id", "message")
    steps.invocation(
        f"{neighbour}-project", sent, "pubsub", 30, application=neighbour, messaging__message__id="message"
    )
    return Shape(list(steps), weight)
