"""From usage to the lines of a bill: what AWS counts for what telemetry saw, and what had to be assumed where it did not say.

Sources: AWS Lambda Developer Guide ("Understanding the Lambda execution environment lifecycle": init is billed, and is in the
REPORT line's billed duration; "Configuring provisioned concurrency"), the price pages named in `services/prices.py`, Amazon
DynamoDB Developer Guide ("Read and write requests": an eventually consistent read of up to 4 KB is half a unit).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from coldtrail.analysis.cost import Line
from coldtrail.services.prices import GB_BYTES
from coldtrail.store.costs.usage import Fact, Ran, Used

Architecture = Literal["x86_64", "arm64"]
Capacity = Literal["provisioned_concurrency", "read_capacity", "write_capacity", "shards", "ephemeral_storage_mb"]

FREE_STORAGE_MB = 512
LEAST_MEMORY_MB = 128
ZERO = Decimal(0)
MB_A_GB = 1024


class Held(Struct, frozen=True):
    """Capacity that is paid for whether it is used or not. ``unit_hours``: units times the hours they were there.

    ``owners``: the functions that it came with, to whom it belongs where nobody was seen to use it.
    """

    service: str
    resource: str
    what: Capacity
    unit_hours: Decimal
    source: str
    owners: tuple[str, ...] = ()


class Assumptions(Struct, frozen=True):
    """What telemetry does not tell. ``memory_mb`` and ``architectures`` are by function."""

    architecture: Architecture = "x86_64"
    gateway: Literal["rest", "http"] = "rest"
    express_machines: frozenset[str] = frozenset()
    logs_in_cloudwatch: bool = True
    memory_mb: Mapping[str, int] = {}
    architectures: Mapping[str, Architecture] = {}


_ARMS = ("arm64", "aarch64")


def architecture_of(function: str, facts: Iterable[Fact], assumed: Assumptions) -> Architecture:
    """Return what a function runs on: as somebody set it, as its emitters say (`host.arch`), else the default."""
    if function in assumed.architectures:
        return assumed.architectures[function]
    told = next((one.architecture for one in facts if one.function == function and one.architecture), "")
    if told:
        return "arm64" if told in _ARMS else "x86_64"
    return assumed.architecture


def function_lines(
    attempts: Iterable[Ran], facts: list[Fact], held: list[Held], hours: Decimal, assumed: Assumptions
) -> list[Line]:
    """Return the requests, durations, provisioned concurrency and storage of functions over a range of ``hours``."""
    warm = {one.resource: one for one in held if one.what == "provisioned_concurrency"}
    storage = {one.resource: one for one in held if one.what == "ephemeral_storage_mb"}
    memories: dict[str, int] = {}
    lines: list[Line] = []
    for one in attempts:
        arch = architecture_of(one.function, facts, assumed)
        memory_mb = one.memory_mb or _memory_mb(one.function, facts, assumed)
        memories[one.function] = memory_mb or LEAST_MEMORY_MB
        covered = min(Decimal(1), warm[one.function].unit_hours / hours) if one.function in warm else ZERO
        lines += _attempt_lines(one, arch, memory_mb, covered)
        if one.function in storage:
            extra_mb = storage[one.function].unit_hours / hours - FREE_STORAGE_MB
            lines.append(
                _line(one.function, "lambda.ephemeral_storage", extra_mb / MB_A_GB * Decimal(one.billed_ms) / 1000)
            )
    for name, one_held in warm.items():
        memory_mb = memories.get(name) or _memory_mb(name, facts, assumed) or LEAST_MEMORY_MB
        gb_s = one_held.unit_hours * 3600 * memory_mb / MB_A_GB
        price = f"lambda.provisioned.{architecture_of(name, facts, assumed)}"
        lines.append(_line(name, price, gb_s, note=f"concurrency as {one_held.source} tells"))
    return lines


def _memory_mb(function: str, facts: list[Fact], assumed: Assumptions) -> int | None:
    told = next((one.memory_mb for one in facts if one.function == function and one.memory_mb), None)
    return assumed.memory_mb.get(function) or told


def _attempt_lines(one: Ran, arch: Architecture, memory_mb: int | None, covered: Decimal) -> list[Line]:
    """Cold starts run beside the provisioned environments, warm attempts in them."""
    note = "" if one.reported else "no REPORT line: billed as its spans lasted"
    if memory_mb is None:
        note = f"memory size unknown, taken for {LEAST_MEMORY_MB} MB; {note}".rstrip("; ")
    gb = Decimal(memory_mb or LEAST_MEMORY_MB) / MB_A_GB
    billed_s = Decimal(repr(one.billed_ms)) / 1000
    in_warm_s = (billed_s - Decimal(repr(one.init_billed_ms)) / 1000) * (1 if covered else 0)
    estimated = not one.reported or memory_mb is None
    lines = [_line(one.function, "lambda.requests", Decimal(one.count), estimated=not one.reported)]
    if billed_s > in_warm_s:
        lines.append(_line(one.function, f"lambda.duration.{arch}", (billed_s - in_warm_s) * gb, estimated, note))
    if in_warm_s:
        assumed = "; ".join(
            part for part in ("attempts without a cold start ran in provisioned environments", note) if part
        )
        lines.append(_line(one.function, f"lambda.provisioned_duration.{arch}", in_warm_s * gb, True, assumed))
    return lines


def _line(function: str, price: str, quantity: Decimal, estimated: bool = False, note: str = "") -> Line:
    return Line("lambda", function, price, quantity, ((function, Decimal(1)),), estimated, note)


_WRITES = ("put", "update", "delete", "batchwrite", "transactwrite", "write")
_S3_WRITES = ("put", "copy", "post", "list", "create", "upload", "complete")
_S3_FREE = ("delete", "abort")
_TAKES_OF_STREAM = ("getrecords", "getsharditerator", "describe", "list", "receive", "process", "subscribe")


def resource_lines(calls: Iterable[Used], held: list[Held], assumed: Assumptions) -> list[Line]:
    """Return the lines of everything but functions: one a resource and price, with its callers."""
    calls = list(calls)
    found: dict[tuple[str, str, str], _Sum] = {}
    for one in _of_gateways(calls):
        for price_id, quantity, guessed, note in _billed(one, assumed):
            key = (price_id.partition(".")[0], one.name, price_id)
            found.setdefault(key, _Sum()).add(one.caller, quantity, guessed, note)
    provisioned = {(one.resource, one.what) for one in held if one.service == "dynamodb"}
    lines = []
    for (service, resource, price_id), one_sum in found.items():
        if (resource, price_id.rpartition(".")[2].replace("_units", "_capacity")) not in provisioned:
            lines.append(one_sum.line(service, resource, price_id))
    return lines + _held_lines(held, found)


class _Sum:
    """Quantities of one price and resource, by caller."""

    def __init__(self) -> None:
        self.callers: dict[str, Decimal] = {}
        self.guessed = False
        self.notes: dict[str, None] = {}

    def add(self, caller: str, quantity: Decimal, guessed: bool, note: str) -> None:
        self.callers[caller] = self.callers.get(caller, ZERO) + quantity
        self.guessed |= guessed
        if note:
            self.notes[note] = None

    def line(self, service: str, resource: str, price_id: str) -> Line:
        quantity = sum(self.callers.values(), ZERO)
        callers = tuple(sorted(self.callers.items()))
        return Line(service, resource, price_id, quantity, callers, self.guessed, "; ".join(self.notes))


_HELD_PRICES = {
    "read_capacity": "dynamodb.read_capacity",
    "write_capacity": "dynamodb.write_capacity",
    "shards": "kinesis.shard_hours",
}


def _held_lines(held: list[Held], found: Mapping[tuple[str, str, str], _Sum]) -> list[Line]:
    """Capacity is on behalf of those who use the resource, as much as they do."""
    lines = []
    for one in held:
        if one.what not in _HELD_PRICES:
            continue
        users: dict[str, Decimal] = {}
        for (service, resource, _), its in found.items():
            if (service, resource) == (one.service, one.resource):
                for caller, quantity in its.callers.items():
                    users[caller] = users.get(caller, ZERO) + quantity
        if not users:
            users = dict.fromkeys(one.owners, Decimal(1))
        note = f"capacity as {one.source} tells"
        lines.append(
            Line(
                one.service,
                one.resource,
                _HELD_PRICES[one.what],
                one.unit_hours,
                tuple(sorted(users.items())),
                False,
                note,
            )
        )
    return lines


_GATEWAY_WAYS = (("access",), ("segment", "root segment"))
"""Access logs and X-Ray tell of the same requests; the surer of those that are there counts."""


def _of_gateways(calls: list[Used]) -> list[Used]:
    told = {one.operation for one in calls if one.kind == "apigateway"}
    way = next((ways for ways in _GATEWAY_WAYS if told & set(ways)), ())
    return [one for one in calls if one.kind != "apigateway" or one.operation in way]


_Billed = tuple[str, Decimal, bool, str]


def _billed(one: Used, assumed: Assumptions) -> list[_Billed]:
    """(price, quantity, estimated, note) of one kind of call."""
    done = one.operation.lower().replace("_", "")
    units = Decimal(repr(one.units))
    count = Decimal(one.count)
    unsure = one.known < one.count
    size_note = "message sizes unknown: one unit a request" if unsure else ""
    match one.kind:
        case "apigateway":
            price: list[_Billed] = [
                (f"apigateway.{assumed.gateway}", count, False, f"priced as a {assumed.gateway.upper()} API")
            ]
            return price + ([("xray.traces", count, False, "")] if one.operation == "root segment" else [])
        case "cloudwatch":
            return [("cloudwatch.metric_updates", count, False, "points that were delivered twice are counted twice")]
        case "xray":
            return [("xray.traces", count, False, "")]
        case "sqs":
            return [("sqs.fifo" if one.name.endswith(".fifo") else "sqs.standard", units, unsure, size_note)]
        case "sns":
            return [("sns.requests", units, unsure, size_note)]
        case "eventbridge":
            return [("eventbridge.events", units, unsure, size_note)]
        case "kinesis":
            return [] if done.startswith(_TAKES_OF_STREAM) else [("kinesis.put_units", units, unsure, size_note)]
        case "firehose":
            return [("firehose.ingested", units / GB_BYTES, unsure, "record sizes unknown" if unsure else "")]
        case "dynamodb":
            return _of_table(one, done, units)
        case "s3":
            reads = not done.startswith(_S3_WRITES)
            return (
                []
                if done.startswith(_S3_FREE)
                else [("s3.read_requests" if reads else "s3.write_requests", count, False, "")]
            )
        case "stepfunctions":
            return _of_workflow(one, count, assumed)
        case "logs" if assumed.logs_in_cloudwatch:
            return [("logs.ingested", units / GB_BYTES, False, "")]
        case _:
            return []


def _of_table(one: Used, done: str, units: Decimal) -> list[_Billed]:
    writes = done.startswith(_WRITES)
    each = Decimal(1) if writes else Decimal("0.5")
    unknown = one.count - one.known
    note = f"consumed capacity unknown: {each} a request" if unknown else ""
    return [(f"dynamodb.{'write' if writes else 'read'}_units", units + each * unknown, unknown > 0, note)]


def _of_workflow(one: Used, count: Decimal, assumed: Assumptions) -> list[_Billed]:
    """A transition each time a step begins, and the one from the start (AWS Step Functions Pricing, "Pricing examples")."""
    if one.name in assumed.express_machines:
        return [("stepfunctions.express_requests", count, False, "")] if one.operation == "start" else []
    return [("stepfunctions.transitions", count, False, "")]
