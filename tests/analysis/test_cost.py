"""What usage costs: against sums written out by hand, and what must hold of any usage."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldtrail.analysis.bill import Assumptions, Held, function_lines, resource_lines
from coldtrail.analysis.cost import (
    Cost,
    Line,
    PriceBook,
    by_caller,
    by_membership,
    by_resource,
    by_service,
    group,
    price_lines,
    total,
)
from coldtrail.server.settings.costs import Costs
from coldtrail.services.prices import ALL_PRICES, PRICES
from coldtrail.store.costs.usage import Fact, Ran, Used

HOUR = Decimal(1)
MONTH = Decimal(730)


def ran(function: str, count: int, billed_ms: float, memory_mb: int | None = 512, **more: object) -> Ran:
    figures = {"reported": True, "init_count": 0, "init_billed_ms": 0.0, "duration_p50_ms": None, "duration_p95_ms": None, "memory_used_mb": None, "last_ns": 0}
    return Ran(function=function, memory_mb=memory_mb, count=count, billed_ms=billed_ms, **(figures | more))  # type: ignore[arg-type]


def line(price_id: str, quantity: str) -> Line:
    return Line(PRICES[price_id].service, "one", price_id, Decimal(quantity))


def usd(price_id: str, quantity: str, hours: Decimal = HOUR, **book: object) -> Decimal:
    return total(price_lines([line(price_id, quantity)], PriceBook(**book), hours))  # type: ignore[arg-type]


def test_a_functions_bill_is_the_hand_calculation() -> None:
    """3 M requests of 120 ms at 1,536 MB, the example of AWS's price page, without the free tier.

    3,000,000 x 0.120 s x 1.5 GB = 540,000 GB-s; x $0.0000166667 = $9.000018. Requests: 3 x $0.20 = $0.60. $9.600018.
    """
    lines = function_lines([ran("orders", 3_000_000, 3_000_000 * 120.0, 1536)], [], [], HOUR, Assumptions())
    assert total(price_lines(lines, PriceBook(), HOUR)) == Decimal("9.600018")


def test_the_free_tier_of_a_month_is_taken_off() -> None:
    """(540,000 - 400,000) GB-s x $0.0000166667 = $2.333338; (3 M - 1 M) requests = $0.40. A tenth of a month: a tenth of it."""
    lines = function_lines([ran("orders", 3_000_000, 3_000_000 * 120.0, 1536)], [], [], MONTH, Assumptions())
    free = PriceBook(free_tier=True)
    assert total(price_lines(lines, free, MONTH)) == Decimal("2.733338")
    tenth = function_lines([ran("orders", 300_000, 300_000 * 120.0, 1536)], [], [], MONTH / 10, Assumptions())
    assert total(price_lines(tenth, free, MONTH / 10)) == Decimal("0.2733338")


def test_arm_and_init_and_a_missing_memory_size_are_told() -> None:
    """1,000 ms at 1 GB on arm64: $0.0000133334, and a request: $0.0000002."""
    facts = [Fact("thumb", "arm64", None, "eu-west-1")]
    lines = function_lines([ran("thumb", 1, 1000.0, 1024)], facts, [], HOUR, Assumptions())
    assert total(price_lines(lines, PriceBook(), HOUR)) == Decimal("0.0000135334")
    guessed = function_lines([ran("thumb", 1, 1000.0, None, reported=False)], facts, [], HOUR, Assumptions())
    assert all(one.estimated for one in guessed)
    assert "128 MB" in guessed[1].note


def test_provisioned_concurrency_is_paid_for_by_the_hour_and_makes_warm_attempts_cheaper() -> None:
    """5 environments x 3,600 s x 0.5 GB = 9,000 GB-s x $0.0000041667 = $0.0375003.

    100 attempts x 200 ms x 0.5 GB = 10 GB-s, of which one cold start of 1,000 ms (0.5 GB-s) beside the environments:
    0.5 x $0.0000166667 = $0.00000833335; the others 9.5 x $0.0000097222 = $0.0000923609; requests $0.00002.
    """
    held = [Held("lambda", "price", "provisioned_concurrency", Decimal(5), "the settings")]
    attempts = [ran("price", 100, 20_000.0, 512, init_count=1, init_billed_ms=1000.0)]
    costs = price_lines(function_lines(attempts, [], held, HOUR, Assumptions()), PriceBook(), HOUR)
    assert {cost.price.id: cost.usd for cost in costs} == {
        "lambda.requests": Decimal("0.00002"),
        "lambda.duration.x86_64": Decimal("0.00000833335"),
        "lambda.provisioned_duration.x86_64": Decimal("0.0000923609"),
        "lambda.provisioned.x86_64": Decimal("0.0375003"),
    }


@pytest.mark.parametrize(
    ("used", "price_id", "amount"),
    [
        # 1,000 requests of 100 KB: two chunks each; 2,000 x $0.40 / 1 M.
        (Used("sqs", "orders", "SendMessage", "a", 1_000, 2_000, 1_000), "sqs.standard", "0.0008"),
        (Used("sqs", "orders.fifo", "SendMessage", "a", 1_000, 1_000, 1_000), "sqs.fifo", "0.0005"),
        (Used("sns", "done", "Publish", "a", 1_000, 1_000, 1_000), "sns.requests", "0.0005"),
        (Used("eventbridge", "bus", "PutEvents", "a", 10, 1_000, 10), "eventbridge.events", "0.001"),
        # 1,000 records in 100 calls: 1,000 PUT payload units x $0.014 / 1 M.
        (Used("kinesis", "clicks", "PutRecords", "a", 100, 1_000, 100), "kinesis.put_units", "0.000014"),
        # 2 GB x $0.029.
        (Used("firehose", "archive", "PutRecordBatch", "a", 9, 2 * 2**30, 9), "firehose.ingested", "0.058"),
        # 400 writes told 1,000 units, 600 others are taken for one each: 1,600 x $0.625 / 1 M.
        (Used("dynamodb", "acts", "PutItem", "a", 1_000, 1_000, 400), "dynamodb.write_units", "0.001"),
        # 1,000 eventually consistent reads: 500 x $0.125 / 1 M.
        (Used("dynamodb", "acts", "GetItem", "a", 1_000, 0, 0), "dynamodb.read_units", "0.0000625"),
        (Used("s3", "files", "PutObject", "a", 1_000, 1_000, 0), "s3.write_requests", "0.005"),
        (Used("s3", "files", "GetObject", "a", 1_000, 1_000, 0), "s3.read_requests", "0.0004"),
        (Used("stepfunctions", "close", "transition", "a", 1_000, 1_000, 1_000), "stepfunctions.transitions", "0.025"),
        (Used("apigateway", "api", "access", "a", 1_000, 1_000, 1_000), "apigateway.rest", "0.0035"),
        (Used("logs", "a", "ingest", "a", 9, 3 * 2**30, 9), "logs.ingested", "1.50"),
        (Used("cloudwatch", "metric stream", "update", "", 2_000, 2_000, 2_000), "cloudwatch.metric_updates", "0.006"),
        (Used("xray", "a", "root segment", "a", 1_000, 0, 0), "xray.traces", "0.005"),
    ],
)
def test_each_service_is_billed_by_its_own_unit(used: Used, price_id: str, amount: str) -> None:
    (cost,) = price_lines(resource_lines([used], [], Assumptions()), PriceBook(), HOUR)
    assert (cost.price.id, cost.usd) == (price_id, Decimal(amount))


def test_what_costs_nothing_has_no_line() -> None:
    free = [Used("s3", "files", "DeleteObject", "a", 9, 9, 0), Used("kinesis", "clicks", "GetRecords", "a", 9, 9, 0)]
    assert resource_lines(free, [], Assumptions()) == []
    express = Assumptions(express_machines=frozenset({"close"}))
    calls = [Used("stepfunctions", "close", operation, "a", 4, 4, 4) for operation in ("start", "transition")]
    (only,) = resource_lines(calls, [], express)
    assert (only.price_id, only.quantity) == ("stepfunctions.express_requests", 4)


def test_a_request_that_both_an_access_log_and_x_ray_tell_of_is_billed_once() -> None:
    calls = [Used("apigateway", "api", "access", "api", 7, 7, 7), Used("apigateway", "api/prod", "root segment", "api", 7, 0, 0)]
    assert [(one.resource, one.quantity) for one in resource_lines(calls, [], Assumptions()) if one.service == "apigateway"] == [("api", 7)]


def test_a_table_with_provisioned_capacity_is_not_billed_by_request_and_belongs_to_those_who_use_it() -> None:
    """40 write units x 1 h x $0.00065 = $0.026; three quarters of the writes are of `a`."""
    calls = [Used("dynamodb", "rates", "PutItem", caller, count, 0, 0) for caller, count in (("a", 3), ("b", 1))]
    costs = price_lines(resource_lines(calls, [Held("dynamodb", "rates", "write_capacity", Decimal(40), "metrics")], Assumptions()), PriceBook(), HOUR)
    assert [(cost.price.id, cost.usd) for cost in costs] == [("dynamodb.write_capacity", Decimal("0.026"))]
    assert {name: sum(part.usd for part in parts) for name, parts in group(costs, by_caller).items()} == {"a": Decimal("0.0195"), "b": Decimal("0.0065")}


def test_capacity_that_nobody_was_seen_to_use_belongs_to_those_it_came_with() -> None:
    held = [Held("dynamodb", "rates", "write_capacity", Decimal(40), "a deployment", ("a", "b"))]
    costs = price_lines(resource_lines([], held, Assumptions()), PriceBook(), HOUR)
    assert {name: sum(part.usd for part in parts) for name, parts in group(costs, by_caller).items()} == {"a": Decimal("0.013"), "b": Decimal("0.013")}


def test_tiers_count_over_all_resources_of_a_price() -> None:
    """200 M + 200 M requests of an HTTP API: 300 M x $1.00 and 100 M x $0.90 = $390, half of it each."""
    calls = [Used("apigateway", name, "access", name, 200_000_000, 0, 0) for name in ("one", "two")]
    costs = price_lines(resource_lines(calls, [], Assumptions(gateway="http")), PriceBook(), MONTH)
    assert [cost.usd for cost in costs] == [Decimal(195), Decimal(195)]


def test_a_region_without_a_figure_is_priced_as_the_base_region_and_says_so() -> None:
    book = PriceBook("eu-central-1")
    assert usd("lambda.provisioned.x86_64", "1000000", region="eu-central-1") == Decimal("5.0147")
    assert book.region_of(PRICES["lambda.provisioned.x86_64"]) == "eu-central-1"
    assert book.region_of(PRICES["sqs.standard"]) == "us-east-1"
    assert usd("sqs.standard", "1000000", overrides={"sqs.standard": Decimal("0.47")}) == Decimal("0.47")
    assert PriceBook(overrides={"sqs.standard": Decimal(1)}).region_of(PRICES["sqs.standard"]) == "settings"


@pytest.mark.parametrize("price", ALL_PRICES, ids=lambda price: price.id)
def test_every_price_says_where_it_is_from_and_gets_no_dearer_with_quantity(price: object) -> None:
    assert price.source  # type: ignore[attr-defined]
    assert price.as_of  # type: ignore[attr-defined]
    for tiers in price.regions.values():  # type: ignore[attr-defined]
        assert tiers[0].above == 0
        assert [tier.above for tier in tiers] == sorted(tier.above for tier in tiers)
        assert [tier.usd for tier in tiers] == sorted((tier.usd for tier in tiers), reverse=True)


LINES = st.builds(
    Line,
    service=st.sampled_from(["lambda", "sqs"]),
    resource=st.sampled_from(["a", "b", "c"]),
    price_id=st.sampled_from([price.id for price in ALL_PRICES]),
    quantity=st.decimals(0, 10**12, places=3),
    callers=st.lists(st.tuples(st.sampled_from(["f", "g", ""]), st.decimals(0, 1000, places=2)), max_size=4).map(tuple),
)


@settings(deadline=None)
@given(st.lists(LINES, max_size=20))
def test_however_costs_are_grouped_the_sum_is_the_same(lines: list[Line]) -> None:
    costs: list[Cost] = price_lines(lines, PriceBook(), HOUR)
    members = {"checkout": {"f": 3, "g": 1}, "report": {"g": 5}}
    for grouping in (by_service, by_resource, by_caller, by_membership(members)):
        parts = [part for many in group(costs, grouping).values() for part in many]
        assert sum((part.usd for part in parts), Decimal(0)) == total(costs)


@settings(deadline=None)
@given(st.sampled_from(ALL_PRICES), st.decimals(0, 10**13, places=2), st.decimals(0, 10**13, places=2))
def test_more_never_costs_less(price: object, some: Decimal, more: Decimal) -> None:
    book = PriceBook()
    both = book.charge(price, some + more, HOUR)  # type: ignore[arg-type]
    assert both >= book.charge(price, some, HOUR)  # type: ignore[arg-type]


def test_every_price_and_setting_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/costs.md").read_text()
    for price in ALL_PRICES:
        (row,) = [text for text in page.splitlines() if text.startswith(f"| `{price.id}` |")]
        assert f"| {price.regions['us-east-1'][0].usd}" in row, row
    for name in Costs.model_fields:
        assert name in page, name
