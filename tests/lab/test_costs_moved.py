"""A deployment makes a function cheap, and its costs reappear as provisioned concurrency and table capacity."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from bench.reconstruction.recording import Relay

from coldtrail_lab.deployments import Announcer
from coldtrail_lab.lab import Lab
from coldtrail_lab.meters import Metric, Statistics
from coldtrail_lab.metric_stream import MetricStream
from running import HTTP, Coldtrail

Counted = dict[tuple[str, str, str], Statistics]


def counted(found: dict[Metric, Statistics]) -> Counted:
    """Metrics by namespace, name and the value of the first dimension."""
    return {(metric.namespace, metric.name, metric.dimensions[0][1] if metric.dimensions else ""): kept for metric, kept in found.items()}


def statuses(lab: Lab, numbers: range) -> list[int]:
    return [lab.quotes.ask(f"quote-5-{number:06d}", "kayak")[0] for number in numbers]


@pytest.fixture(scope="module")
def periods(told: tuple[Coldtrail, Lab]) -> tuple[Counted, Counted]:
    """What the lab's resources counted during three calls of version 1 and, after the deployment, three of version 2."""
    _, lab = told
    lab.meters.take()
    assert statuses(lab, range(3)) == [200, 200, 200]
    lab.drain()
    before = counted(lab.meters.take())
    assert lab.deploy()
    assert HTTP.post(f"{lab.control_url}/deploy").json() == {"deployed": False}  # it runs already
    assert statuses(lab, range(3, 6)) == [200, 200, 200]
    lab.drain()
    return before, counted(lab.meters.take())


def invocations(page: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted(page["invocations"], key=lambda one: one["time"])


def test_no_call_of_the_new_version_starts_cold(told: tuple[Coldtrail, Lab], periods: tuple[Counted, Counted]) -> None:
    coldtrail, _ = told
    page = coldtrail.eventually("/functions/quotes-price", lambda found: found["summary"]["count"] == 6 and set(found["summary"]["versions"]) == {"1", "2"} and all(one["duration_ms"] for one in found["invocations"]))
    ran = invocations(page)
    assert [one["cold_start"] for one in ran] == [True, False, False, False, False, False]
    assert ran[0]["init_ms"] > 900
    assert min(one["duration_ms"] for one in ran[:3]) > 800
    billed = [coldtrail.api(f"/nodes/{one['node_id']}")["node"]["billed_ms"] for one in ran]
    assert billed[0] >= ran[0]["duration_ms"] + ran[0]["init_ms"]
    assert sum(billed[3:]) < sum(billed[:3])


def test_sandboxes_that_are_kept_ready_say_so_in_their_lines(told: tuple[Coldtrail, Lab], periods: tuple[Counted, Counted]) -> None:
    coldtrail, _ = told

    def ready(found: dict[str, Any]) -> bool:
        told = Counter(one["event_name"] for one in found["logs"])
        return (told["platform.initReport"], told["platform.initStart"], told["platform.start"]) == (1, 2, 6)

    logs = coldtrail.eventually("/logs", ready, service="quotes-price", limit=200)["logs"]
    kinds = {one["event_name"]: one["attributes"].get("aws.lambda.initialization_type") for one in reversed(logs)}
    assert kinds["platform.initReport"] == "provisioned-concurrency"
    started = [one["attributes"]["aws.lambda.initialization_type"] for one in logs if one["event_name"] == "platform.initStart"]
    assert sorted(started) == ["on-demand", "provisioned-concurrency"]
    versions = {one["attributes"]["faas.version"] for one in logs if one["event_name"] == "platform.start"}
    assert versions == {"1", "2"}


def test_what_the_function_saves_is_used_elsewhere(periods: tuple[Counted, Counted]) -> None:
    before, after = periods
    provisioned = ("AWS/Lambda", "ProvisionedConcurrencyInvocations", "quotes-price")
    assert provisioned not in before
    assert after[provisioned].sum == 3
    assert 0 < after["AWS/Lambda", "ProvisionedConcurrencyUtilization", "quotes-price"].max <= 1
    written = ("AWS/DynamoDB", "ConsumedWriteCapacityUnits", "quote-rates")
    assert written not in before
    assert after[written].sum == 3 * 4 + 1  # four neighbours a call, and once the product itself
    assert after["AWS/DynamoDB", "ConsumedReadCapacityUnits", "quote-rates"].sum == 3
    assert ("AWS/DynamoDB", "ProvisionedWriteCapacityUnits", "quote-rates") not in before
    assert after["AWS/DynamoDB", "ProvisionedWriteCapacityUnits", "quote-rates"].max == 5
    quotes = ("AWS/DynamoDB", "ConsumedWriteCapacityUnits", "quotes")
    assert before[quotes].sum == after[quotes].sum == 3


def test_what_is_counted_is_what_happened(periods: tuple[Counted, Counted]) -> None:
    for period in periods:
        assert period["AWS/Lambda", "Invocations", "quotes-price"].sum == 3
        assert period["AWS/Lambda", "Errors", "quotes-price"].sum == 0
        assert period["AWS/ApiGateway", "Count", "quotes-api"].sum == 3
        assert period["AWS/ApiGateway", "5XXError", "quotes-api"].sum == 0
        assert period["AWS/SQS", "NumberOfMessagesSent", "offers"].sum == 3
        assert period["AWS/SQS", "NumberOfMessagesDeleted", "offers"].sum == 3
        assert period["AWS/SQS", "ApproximateNumberOfMessagesVisible", "offers"].max == 0


def test_coldtrail_is_told_of_the_deployment_and_charts_what_it_moved(told: tuple[Coldtrail, Lab], periods: tuple[Counted, Counted]) -> None:
    coldtrail, lab = told
    (deployment,) = coldtrail.eventually("/deployments", lambda found: len(found["deployments"]) == 1, application="quotes")["deployments"]
    assert (deployment["version"], deployment["environment"], deployment["status"]) == ("2", "lab", "succeeded")
    assert statuses(lab, range(6, 7)) == [200]
    lab.drain()
    MetricStream(lab.meters, lab.firehose, 60).close()  # what was counted since is handed over
    moved = {f"amazonaws.com/AWS/{name}" for name in ("Lambda/ProvisionedConcurrentExecutions", "DynamoDB/ProvisionedWriteCapacityUnits", "DynamoDB/ConsumedWriteCapacityUnits", "SQS/ApproximateAgeOfOldestMessage")}
    coldtrail.eventually("/metrics", lambda found: moved <= {one["name"] for one in found["metrics"]}, limit=500)

    def written(found: dict[str, Any]) -> bool:
        return [point["value"] for one in found["series"] for point in one["points"] if point["value"]] == [4.0]

    name = "amazonaws.com/AWS/DynamoDB/ConsumedWriteCapacityUnits"
    coldtrail.eventually(f"/metrics/{name}", written, stat="sum", filter="TableName=quote-rates", step="60s")


def test_a_deployment_is_announced_to_whoever_listens() -> None:
    with Relay() as relay:
        configuration = {"functions": {"quotes-price": {"provisioned_concurrency": 2}}}
        assert Announcer(relay.url, "secret")("quotes", "2", "ab" * 20, 1_795_248_461_002_000_000, ["quotes-price"], configuration)
        (told,) = relay.deliveries
    assert told.path == "/api/v1/deployments"
    assert json.loads(told.body) == {
        "application": "quotes",
        "version": "2",
        "environment": "lab",
        "status": "succeeded",
        "commit": "ab" * 20,
        "time": "2026-11-21T08:07:41.002000000Z",
        "services": ["quotes-price"],
        "configuration": {"functions": {"quotes-price": {"provisioned_concurrency": 2}}},
    }
    assert not Announcer("http://127.0.0.1:9")("quotes", "2", "", 0)
    assert not Announcer()("quotes", "2", "", 0)
