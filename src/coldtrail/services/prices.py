"""What AWS charges for what these services do, by region, with the page it is written on and the month it was read.

A region that a price has no figure for is priced as `BASE_REGION`, and the answer says so: only what was read is listed.
Tiers and free allowances count per month and account. Sources are titles of AWS's price pages; ``as_of`` is when the figure
was last compared with one. The regional Lambda figures were compared with published copies of the AWS price list.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

BASE_REGION = "us-east-1"
HOURS_A_MONTH = 730
"""As AWS's own estimates count (AWS Pricing Calculator, "Assumptions")."""

GB_BYTES = 2**30


class Tier(Struct, frozen=True):
    """From ``above`` units a month on, one unit of ``per`` costs ``usd``."""

    above: Decimal
    usd: Decimal


class Price(Struct, frozen=True):
    """One line of a bill. ``per``: for how many units the figures are; ``free``: units a month that cost nothing.

    ``what``: what it is called in a table of costs; lines of one resource with the same ``what`` are one component.
    """

    id: str
    service: str
    what: str
    unit: str
    per: int
    regions: dict[str, tuple[Tier, ...]]
    source: str
    as_of: str
    free: Decimal = Decimal(0)


Figures = dict[str, tuple[Tier, ...]]

AS_OF = "2026-06"
_M = 1_000_000
_G = 10**9


def _tiers(first: str, *more: tuple[int, str]) -> tuple[Tier, ...]:
    """A first figure, then pairs of (above so many units, figure)."""
    return (Tier(Decimal(0), Decimal(first)), *(Tier(Decimal(above), Decimal(usd)) for above, usd in more))


def _us(first: str, *more: tuple[int, str]) -> Figures:
    """Known for us-east-1 alone."""
    return {BASE_REGION: _tiers(first, *more)}


def _everywhere(first: str, *more: tuple[int, str]) -> Figures:
    """The same in each of the regions."""
    return dict.fromkeys((BASE_REGION, "eu-west-1", "eu-central-1"), _tiers(first, *more))


def _each(virginia: str, ireland: str, frankfurt: str) -> Figures:
    return {BASE_REGION: _tiers(virginia), "eu-west-1": _tiers(ireland), "eu-central-1": _tiers(frankfurt)}


def _price(id_: str, what: str, unit: str, per: int, figures: Figures, source: str, free: int = 0) -> Price:
    return Price(id_, id_.partition(".")[0], what, unit, per, figures, source, AS_OF, Decimal(free))


_LAMBDA = "AWS Lambda Pricing"
_GATEWAY = "Amazon API Gateway Pricing"
_SQS = "Amazon SQS Pricing"
_KINESIS = "Amazon Kinesis Data Streams Pricing"
_DYNAMODB = "Amazon DynamoDB Pricing"
_STATES = "AWS Step Functions Pricing"
_CLOUDWATCH = "Amazon CloudWatch Pricing"
_S3 = "Amazon S3 Pricing"

_X86 = _everywhere("0.0000166667", (6 * _G, "0.000015"), (15 * _G, "0.0000133334"))
_ARM = _everywhere("0.0000133334", (15 * _G // 2, "0.0000120001"), (75 * _G // 4, "0.0000106667"))
_WARM = "provisioned concurrency"
_GB_S = "GB-second"

ALL_PRICES: tuple[Price, ...] = (
    _price("lambda.requests", "requests", "request", _M, _everywhere("0.20"), _LAMBDA, _M),
    _price("lambda.duration.x86_64", "duration", _GB_S, 1, _X86, _LAMBDA, 400_000),
    _price("lambda.duration.arm64", "duration", _GB_S, 1, _ARM, _LAMBDA, 400_000),
    _price(
        "lambda.provisioned.x86_64", _WARM, _GB_S, 1, _each("0.0000041667", "0.0000046460", "0.0000050147"), _LAMBDA
    ),
    _price("lambda.provisioned.arm64", _WARM, _GB_S, 1, _us("0.0000033334"), _LAMBDA),
    _price(
        "lambda.provisioned_duration.x86_64",
        "duration",
        _GB_S,
        1,
        _each("0.0000097222", "0.0000108407", "0.0000117011"),
        _LAMBDA,
    ),
    _price("lambda.provisioned_duration.arm64", "duration", _GB_S, 1, _us("0.0000077778"), _LAMBDA),
    _price(
        "lambda.ephemeral_storage",
        "ephemeral storage",
        _GB_S,
        1,
        _each("0.0000000309", "0.0000000340", "0.0000000367"),
        _LAMBDA,
    ),
    _price(
        "apigateway.rest",
        "requests",
        "request",
        _M,
        _us("3.50", (333 * _M, "2.80"), (1_000 * _M, "2.38"), (20_000 * _M, "1.51")),
        _GATEWAY,
    ),
    _price("apigateway.http", "requests", "request", _M, _us("1.00", (300 * _M, "0.90")), _GATEWAY),
    _price("sqs.standard", "requests", "request", _M, _us("0.40", (100 * _G, "0.30"), (200 * _G, "0.24")), _SQS, _M),
    _price("sqs.fifo", "requests", "request", _M, _us("0.50", (100 * _G, "0.40"), (200 * _G, "0.35")), _SQS),
    _price("sns.requests", "requests", "request", _M, _us("0.50"), "Amazon SNS Pricing", _M),
    _price("eventbridge.events", "events", "event", _M, _us("1.00"), "Amazon EventBridge Pricing"),
    _price("kinesis.put_units", "PUT payload units", "unit", _M, _us("0.014"), _KINESIS),
    _price("kinesis.shard_hours", "shard hours", "shard hour", 1, _us("0.015"), _KINESIS),
    _price(
        "firehose.ingested",
        "ingested",
        "GB",
        1,
        _us("0.029", (500_000, "0.025"), (2_000_000, "0.020")),
        "Amazon Data Firehose Pricing",
    ),
    _price("dynamodb.write_units", "write requests", "unit", _M, _us("0.625"), _DYNAMODB),
    _price("dynamodb.read_units", "read requests", "unit", _M, _us("0.125"), _DYNAMODB),
    _price("dynamodb.write_capacity", "write capacity", "unit-hour", 1, _us("0.00065"), _DYNAMODB),
    _price("dynamodb.read_capacity", "read capacity", "unit-hour", 1, _us("0.00013"), _DYNAMODB),
    _price("s3.write_requests", "write and list requests", "request", 1_000, _us("0.005"), _S3),
    _price("s3.read_requests", "read requests", "request", 1_000, _us("0.0004"), _S3),
    _price("stepfunctions.transitions", "transitions", "transition", 1_000, _everywhere("0.025"), _STATES, 4_000),
    _price("stepfunctions.express_requests", "executions", "request", _M, _us("1.00"), _STATES),
    _price("stepfunctions.express_duration", "duration", _GB_S, 1, _us("0.00001667"), _STATES),
    _price(
        "logs.ingested",
        "log lines ingested",
        "GB",
        1,
        _us("0.50", (10_240, "0.25"), (30_720, "0.10"), (51_200, "0.05")),
        _CLOUDWATCH,
        5,
    ),
    _price("xray.traces", "traces recorded", "trace", _M, _us("5.00"), "AWS X-Ray Pricing", 100_000),
    _price("cloudwatch.metric_updates", "metric updates streamed", "update", 1_000, _us("0.003"), _CLOUDWATCH),
)

PRICES: dict[str, Price] = {price.id: price for price in ALL_PRICES}
