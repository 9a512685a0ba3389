"""Quotas against their use through the API, with the account's own values from the settings."""

from __future__ import annotations

import time
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import lambda_logs
from coldtrail.server.settings.settings import BadSettings, read_settings
from coldtrail.services import ALL_SERVICES
from running import Coldtrail

MINUTES = 40


@pytest.fixture(scope="module")
def growing(server: Coldtrail) -> Coldtrail:
    """The server, once it knows a function whose memory grows by a megabyte a minute."""
    now_ms = time.time_ns() // 10**6
    records = []
    for minute in range(MINUTES):
        line = f"REPORT RequestId: {uuid.uuid4()}\tDuration: 600.00 ms\tBilled Duration: 600 ms\tMemory Size: 128 MB\tMax Memory Used: {60 + minute} MB\t"
        records.append(lambda_logs.payload("/aws/lambda/growing", [line], start_ms=now_ms - (MINUTES - minute) * 60_000))
    assert lambda_logs.deliver(server, *records).status_code == 200
    server.eventually("/functions/growing/metrics", lambda answer: len(answer["metrics"][0]["points"]) == MINUTES)
    return server


def row(answer: dict[str, Any], quota: str, resource: str | None = None) -> dict[str, Any]:
    return next(one for one in answer["limits"] if one["id"] == quota and (resource is None or one["resource"] == resource))


def test_use_is_held_against_the_limit_that_somebody_configured(growing: Coldtrail) -> None:
    answer = growing.eventually("/limits", lambda answer: row(answer, "lambda.memory", "growing")["used"] == 60 + MINUTES - 1, limit=1000)
    memory = row(answer, "lambda.memory", "growing")
    assert (memory["resource"], memory["limit"], memory["configured"], memory["overridden"]) == ("growing", 128, True, False)
    assert (memory["used"], memory["source"]) == (60 + MINUTES - 1, "derived")
    assert memory["share"] == pytest.approx((60 + MINUTES - 1) / 128)


def test_a_steady_rise_says_when_the_limit_is_met(growing: Coldtrail) -> None:
    memory = row(growing.api("/limits", limit=1000), "lambda.memory", "growing")
    last, met = (datetime.fromisoformat(text[:19] + "+00:00") for text in (memory["points"][-1]["time"], memory["met_at"]))
    assert (met - last).total_seconds() == pytest.approx((128 - memory["used"]) * 60, rel=0.1)
    assert row(growing.api("/limits", limit=1000), "lambda.duration", "growing")["met_at"] is None


def test_values_of_the_account_are_read_back_as_overridden(growing: Coldtrail) -> None:
    answer = growing.api("/limits", limit=1000)
    account, duration = row(answer, "stepfunctions.start_execution"), row(answer, "lambda.duration", "growing")
    assert (account["limit"], account["default"], account["overridden"]) == (600, 150, True)
    assert (duration["limit"], duration["overridden"], duration["share"]) == (3000, True, pytest.approx(0.2))
    assert row(answer, "sqs.in_flight")["overridden"] is False


def test_the_nearest_to_its_limit_comes_first_and_what_nothing_tells_last(growing: Coldtrail) -> None:
    shares = [one["share"] for one in growing.api("/limits", limit=1000)["limits"]]
    told = [share for share in shares if share is not None]
    assert told == sorted(told, reverse=True)
    assert shares[len(told) :] == [None] * (len(shares) - len(told))


def test_every_quota_is_listed_with_its_source_and_its_unit_of_scale(growing: Coldtrail) -> None:
    listed = {one["id"]: one for one in growing.api("/limits", limit=1000)["limits"]}
    declared = {quota.id for service in ALL_SERVICES for quota in service.quotas}
    assert set(listed) == declared
    assert all(one["explained"] for one in listed.values())
    assert all("Guide" in one["documentation"] or "Reference" in one["documentation"] for one in listed.values())


def test_every_quota_and_its_default_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/limits.md").read_text()
    for service in ALL_SERVICES:
        for quota in service.quotas:
            told = f"| `{quota.id}` | {quota.value:,.0f}" if quota.value else f"| `{quota.id}` | as configured"
            assert told in page, quota.id


def test_a_quotas_use_is_a_metric_of_the_same_service() -> None:
    for service in ALL_SERVICES:
        metrics = {one.id: one for one in service.metrics}
        for quota in service.quotas:
            assert not quota.metric or metrics[quota.metric].unit == quota.unit, quota.id
            assert not quota.limit_metric or quota.limit_metric in metrics, quota.id
            assert quota.id.partition(".")[0] == service.id
            assert quota.value or quota.limit_metric, quota.id


@pytest.mark.parametrize(("given", "said"), [({"lambda.sandboxes": 5}, 'has no quota "lambda.sandboxes"'), ({"lambda.memory": 0}, "greater than 0"), ({"lambda.memory/place": "much"}, "number")])
def test_a_limit_that_is_none_is_refused_with_its_reason(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadSettings, match=said):
        read_settings({"limits": given})
