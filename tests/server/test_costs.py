"""Costs through the API: a deployment whose saving only moved, to the cent by hand; by caller, workflow and tenant."""

from __future__ import annotations

import base64
import json
import os
import time
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lambda_logs import write
from otlp import span, traces
from running import HTTP, Coldtrail, serving

MINUTE_NS = 60 * 10**9
HALF_HOUR_NS = 30 * MINUTE_NS
DEPLOYED_NS = time.time_ns() // MINUTE_NS * MINUTE_NS - 2 * HALF_HOUR_NS
BEFORE_NS, AFTER_NS = DEPLOYED_NS - HALF_HOUR_NS, DEPLOYED_NS + HALF_HOUR_NS
CALLS = 4


def at(time_ns: int) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(time_ns // 10**9))}Z"


def report(billed_ms: int, more: str = "") -> str:
    return f"REPORT RequestId: {uuid.uuid4()}\tDuration: {billed_ms - 1}.00 ms\tBilled Duration: {billed_ms} ms\tMemory Size: 512 MB\tMax Memory Used: 90 MB\t{more}"


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    """Four calls in the half hour before a deployment, four in the one after, and what the pipeline said."""
    settings = {"COLDTRAIL_COSTS__LOGS": "elsewhere", "COLDTRAIL_COSTS__TENANT_ATTRIBUTE": "app.tenant"}
    with serving(tmp_path_factory.mktemp("costs") / "data", env=settings) as running:
        for call in range(CALLS):
            write(running, "quotes-price", report(180_000, "Init Duration: 900.00 ms\t"), start_ms=(BEFORE_NS + (call + 5) * MINUTE_NS) // 10**6 + 180_000)
            write(running, "quotes-price", report(10_000), start_ms=(DEPLOYED_NS + (call + 5) * MINUTE_NS) // 10**6 + 10_000)
        body = {
            "application": "quotes",
            "version": "2",
            "time": at(DEPLOYED_NS),
            "services": ["quotes-price"],
            "configuration": {"functions": {"quotes-price": {"provisioned_concurrency": 1}}, "tables": {"quote-rates": {"read_capacity": 5, "write_capacity": 5}}},
        }
        assert HTTP.post(f"{running.url}/api/v1/deployments", json=body).status_code == 201
        yield running


RANGE = {"since": at(DEPLOYED_NS), "until": at(AFTER_NS)}


def test_a_saving_that_only_moved_is_called_so_and_the_sums_are_the_hand_calculation(moved: Coldtrail) -> None:
    """Half an hour each, 512 MB, us-east-1, x86_64.

    Before, 4 calls of 180 s with their init: 4 x 180 s x 0.5 GB = 360 GB-s x $0.0000166667 = $0.006000012.
    After, 4 warm calls of 10 s in provisioned environments: 20 GB-s x $0.0000097222 = $0.000194444.
    One environment: 1,800 s x 0.5 GB = 900 GB-s x $0.0000041667 = $0.00375003.
    Table: 5 x 0.5 h x $0.00013 = $0.000325 and 5 x 0.5 h x $0.00065 = $0.001625.
    Requests, before and after: 4 x $0.20 / 1 M = $0.0000008.
    Per thousand trails x 250: $1.500203 before, $1.4738185 after: $1.451392 fell, $1.4250075 rose.
    """
    both = {**RANGE, "before_since": at(BEFORE_NS), "before_until": at(DEPLOYED_NS)}
    total_usd = Decimal("0.000194444") + Decimal("0.00375003") + Decimal("0.00195") + Decimal("0.0000008")

    def whole(told: dict[str, Any]) -> bool:
        return (told["trail_count"], told["comparison"]["trail_count"], Decimal(told["total_usd"])) == (CALLS, CALLS, total_usd) and told["comparison"]["before_usd"] == "1.500203"

    found = moved.eventually("/costs", whole, **both)
    compared = found["comparison"]
    assert compared["verdict"] == "moved"
    assert {one["what"]: (one["before_usd"], one["after_usd"]) for one in compared["components"]} == {
        "duration": ("1.500003", "0.048611"),
        "provisioned concurrency": ("0", "0.9375075"),
        "write capacity": ("0", "0.40625"),
        "read capacity": ("0", "0.08125"),
        "requests": ("0.0002", "0.0002"),
    }
    assert (compared["before_usd"], compared["after_usd"], compared["fell_usd"], compared["rose_usd"]) == ("1.500203", "1.4738185", "1.451392", "1.4250075")
    assert compared["words"].startswith("The cost only moved: $1.50 before, $1.47 after, per thousand trails.")
    # All of it is the one workflow's: the function's own, and the table that came with its deployment.
    same = ("moved", compared["before_usd"], compared["after_usd"])
    moved.eventually("/costs", lambda told: tuple(told["comparison"][name] for name in ("verdict", "before_usd", "after_usd")) == same, **both, workflow="quotes-price")


def test_where_a_price_is_from_is_told_with_it(moved: Coldtrail) -> None:
    prices = {one["price_id"]: one for one in moved.api("/costs", **RANGE)["prices"]}
    warm = prices["lambda.provisioned.x86_64"]
    assert (warm["usd"], warm["region"], warm["source"], warm["unit"]) == ("0.0000041667", "us-east-1", "AWS Lambda Pricing", "GB-second")
    assert warm["as_of"]


def told(function: str, tenant: str, at_ns: int, **capacity: Any) -> bytes:
    """A request that writes one item."""
    trace_id, parent = os.urandom(16), os.urandom(8)
    put = {"rpc.method": "PutItem", "aws.dynamodb.table_names": ["notes"], **capacity}
    root = span(f"POST /{function}", service=function, kind=2, trace_id=trace_id, span_id=parent, start_ns=at_ns, attributes={"app.tenant": tenant})
    return traces(root, span("PutItem", service=function, kind=3, trace_id=trace_id, parent=parent, start_ns=at_ns, attributes=put))


@pytest.fixture(scope="module")
def shared(moved: Coldtrail) -> Coldtrail:
    """Within one minute: two notes of acme and one of umbrella by `save`, one of acme by `copy` that used 3 units."""
    capacity = {"aws.dynamodb.consumed_capacity": ['{"TableName":"notes","CapacityUnits":3.0}']}
    at_ns = AFTER_NS + 5 * MINUTE_NS
    for function, tenant, more in (("save", "acme", {}), ("save", "acme", {}), ("save", "umbrella", {}), ("copy", "acme", capacity)):
        assert moved.post("/v1/traces", told(function, tenant, at_ns, **more)).status_code == 200
    return moved


NOTES = {"since": at(AFTER_NS + 5 * MINUTE_NS), "until": at(AFTER_NS + 6 * MINUTE_NS)}


def amounts(shared: Coldtrail, by: str) -> dict[str | None, Decimal]:
    """USD a million: one write unit costs 0.625 of them."""
    def notes(found: dict[str, Any]) -> dict[str | None, Decimal]:
        parts = [(group["name"], one) for group in found["groups"] for one in group["components"] if one["resource"] == "notes"]
        return {name: Decimal(one["usd"]) * 1_000_000 for name, one in parts}

    return notes(shared.eventually("/costs", lambda one: one["trail_count"] == 4 and sum(notes(one).values()) > Decimal("3.7"), **NOTES, by=by))


def test_costs_belong_to_who_caused_them(shared: Coldtrail) -> None:
    unit = Decimal("0.625")
    assert amounts(shared, "resource") == {"dynamodb notes": 6 * unit}
    assert amounts(shared, "function") == {"save": 3 * unit, "copy": 3 * unit}
    assert amounts(shared, "workflow") == {"save POST /save": 3 * unit, "copy POST /copy": 3 * unit}
    assert amounts(shared, "tenant") == {"acme": 5 * unit, "umbrella": unit}
    assert amounts(shared, "service") == {"dynamodb": 6 * unit}


def test_what_was_not_told_is_called_an_estimate(shared: Coldtrail) -> None:
    amounts(shared, "resource")
    (line,) = [one for group in shared.api("/costs", **NOTES)["groups"] for one in group["components"] if one["resource"] == "notes"]
    assert line["estimated"]
    assert "consumed capacity unknown" in line["note"]


def streamed(namespace: str, name: str, value: float, count: int, at_ns: int, **dimensions: str) -> str:
    """A data point as a CloudWatch metric stream has it."""
    told = {"namespace": namespace, "metric_name": name, "dimensions": dimensions, "timestamp": at_ns // 10**6, "unit": "Count"}
    place = {"metric_stream_name": "all", "account_id": "123456789012", "region": "us-east-1"}
    return json.dumps({**place, **told, "value": {"max": value, "min": value, "sum": value * count, "count": count}})


def test_capacity_and_its_use_are_as_cloudwatch_tells(moved: Coldtrail) -> None:
    """Ten minutes. Held: 40 units x 10/60 h x $0.00065 = $0.004333333333. One environment of two in use: 2 x 600 s x 128 MB = 150 GB-s
    x $0.0000041667 = $0.000625005. Used on demand: 10 x 60 units x $0.625 / 1 M = $0.000375, though a call told of none.
    A table that no call names: 10 x 100 read units x $0.125 / 1 M = $0.000125. The stream itself: 50 points x $0.003 / 1,000 = $0.00015.
    """
    start_ns = AFTER_NS + 10 * MINUTE_NS
    points = []
    for minute in range(10):
        at_ns = start_ns + minute * MINUTE_NS
        points.append(streamed("AWS/DynamoDB", "ProvisionedWriteCapacityUnits", 40, 1, at_ns, TableName="held"))
        points.append(streamed("AWS/DynamoDB", "ConsumedWriteCapacityUnits", 1, 60, at_ns, TableName="wet"))
        points.append(streamed("AWS/DynamoDB", "ConsumedReadCapacityUnits", 0.5, 200, at_ns, TableName="unseen"))
        points.append(streamed("AWS/Lambda", "ProvisionedConcurrentExecutions", 1, 3, at_ns, FunctionName="warm", Resource="warm:live"))
        points.append(streamed("AWS/Lambda", "ProvisionedConcurrencyUtilization", 0.5, 3, at_ns, FunctionName="warm", Resource="warm:live"))
    record = base64.b64encode("\n".join(points).encode()).decode()
    delivery = {"requestId": "r1", "timestamp": start_ns // 10**6, "records": [{"data": record}]}
    assert moved.post("/aws/firehose", json.dumps(delivery).encode(), "application/json").status_code == 200
    put = {"rpc.method": "PutItem", "aws.dynamodb.table_names": ["wet"]}
    assert moved.post("/v1/traces", traces(span("PutItem", service="rain", kind=3, start_ns=start_ns, attributes=put))).status_code == 200
    wanted = {
        ("held", "write capacity"): "0.004333333333",
        ("warm", "provisioned concurrency"): "0.000625005",
        ("wet", "write requests"): "0.000375",
        ("unseen", "read requests"): "0.000125",
        ("metric stream", "metric updates streamed"): "0.00015",
    }

    def told(found: dict[str, Any]) -> dict[tuple[str, str], str]:
        lines = [one for group in found["groups"] for one in group["components"]]
        return {(one["resource"], one["what"]): one["usd"] for one in lines if (one["resource"], one["what"]) in wanted}

    asked = {"since": at(start_ns), "until": at(start_ns + 10 * MINUTE_NS)}
    moved.eventually("/costs", lambda found: told(found) == wanted, **asked)


def test_nonsense_is_refused_with_its_reason(moved: Coldtrail) -> None:
    for parameters in ({"tolerance": 2}, {"before_since": "yesterday"}, {"by": "colour"}, {"before_since": "now-1h", "before_until": "now-2h"}):
        assert moved.get("/costs", **parameters).status_code == 400, parameters


def test_a_price_that_is_none_of_ours_stops_the_start_with_its_name(tmp_path: Path) -> None:
    from coldtrail.server.settings.settings import BadSettings, read_settings

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        (tmp_path / "coldtrail.toml").write_text('[costs.prices]\nlambda.requests = 0.18\n"sqs.fast" = 1\n')
        with pytest.raises(BadSettings, match=r"sqs\.fast"):
            read_settings({})
        (tmp_path / "coldtrail.toml").write_text("[costs.prices]\nlambda.requests = 0.18\n")
        assert read_settings({}).costs.prices == {"lambda.requests": Decimal("0.18")}


def test_a_trail_has_its_own_price(moved: Coldtrail) -> None:
    """A message of 100 KB is two requests of SQS, 2 x $0.40 / 1 M; a call that nobody measured is none of DynamoDB's: 1 x $0.625 / 1 M."""
    trace_id, parent = os.urandom(16), os.urandom(8)
    send = {"messaging.system": "aws_sqs", "messaging.destination.name": "parcels", "messaging.operation.type": "send", "messaging.message.body.size": 100_000}
    put = {"rpc.method": "PutItem", "aws.dynamodb.table_names": ["parcels"]}
    root = span("POST /parcel", service="parcel", kind=2, trace_id=trace_id, span_id=parent)
    children = [span(name, service="parcel", kind=kind, trace_id=trace_id, parent=parent, attributes=told) for name, kind, told in (("send", 4, send), ("PutItem", 3, put))]
    assert moved.post("/v1/traces", traces(root, *children)).status_code == 200
    found = moved.eventually(f"/trails/{trace_id.hex()}/cost", lambda one: len(one["components"]) == 2)
    assert {(one["service"], one["resource"], one["what"]): one["usd"] for one in found["components"]} == {
        ("sqs", "parcels", "requests"): "0.0000008",
        ("dynamodb", "parcels", "write requests"): "0.000000625",
    }
    assert found["total_usd"] == "0.000001425"
    assert moved.get("/trails/ffffffffffffffffffffffffffffffff/cost").status_code == 404


def test_capacity_that_is_hardly_used_is_told_with_what_it_costs_a_month(moved: Coldtrail) -> None:
    """40 s of 1,800 s: 2 %. $0.00375003 in half an hour is $5.4750438 in 730 hours."""
    ready = lambda found: len(found["advice"]) == 3  # noqa: E731
    (warm,) = [one for one in moved.eventually("/costs/advice", ready, **RANGE)["advice"] if one["service"] == "lambda"]
    assert (warm["kind"], warm["basis"], warm["least_usd_per_month"]) == ("provisioned_concurrency", "model", "0")
    assert Decimal(warm["most_usd_per_month"]) == Decimal("5.475043800000") * (1 - Decimal(40) / 1800).quantize(Decimal("1e-28"))
    assert "2% of the provisioned concurrency" in warm["text"]
