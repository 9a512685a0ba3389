"""Objectives in a real browser: from an empty list over a proposal to what burns, and from there to a trail."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from otlp import span, traces
from running import HTTP, Coldtrail, serving

SECOND_NS = 10**9


def asked(at_ns: int, *, failed: bool) -> list[dict[str, Any]]:
    """One request, and the function below that may fail."""
    trace_id, root = os.urandom(16), os.urandom(8)
    error = "ConnectionError" if failed else ""
    http = {"http.route": "/orders", "http.request.method": "POST", "http.response.status_code": 500 if failed else 200}
    return [
        span("POST /orders", service="shop", kind=2, trace_id=trace_id, span_id=root, start_ns=at_ns, error=error, attributes=http),
        span("store", service="store-order", kind=2, trace_id=trace_id, parent=root, start_ns=at_ns + 10**6, duration_ms=2.0, error=error,
             attributes={"faas.invoked_name": "store-order", "faas.invocation_id": trace_id.hex()}),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def burning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    """A server that saw an hour of orders, of which all of the last minutes failed."""
    with serving(tmp_path_factory.mktemp("burning") / "data") as running:
        now_ns = time.time_ns() // (60 * SECOND_NS) * 60 * SECOND_NS
        sent = [one for number in range(1, 120) for one in asked(now_ns - number * 30 * SECOND_NS, failed=number < 12)]
        assert running.post("/v1/traces", traces(*sent)).status_code == 200
        running.eventually("/objective-proposals", lambda answer: len(answer["proposals"]) == 2)
        yield running


def test_a_proposal_is_accepted_and_what_burns_leads_to_a_trail(burning: Coldtrail, page: Page) -> None:
    page.goto(f"{burning.url}/overview")
    expect(page.get_by_role("heading", name="Entries")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("p")
    expect(page.get_by_text("There is no objective yet")).to_be_visible()
    page.get_by_role("button", name="Accept POST /orders answers").click()
    link = page.get_by_role("link", name="POST /orders answers")
    expect(link).to_be_visible(timeout=60_000)
    row = page.get_by_role("row").filter(has=link)
    expect(row).to_contain_text("90.8", timeout=60_000)
    expect(page.get_by_role("button", name="Accept POST /orders answers")).to_have_count(0)
    link.click()
    expect(page.get_by_role("heading", name="POST /orders answers")).to_be_visible()
    expect(page.get_by_role("heading", name="Windows")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text=re.compile("14.4×"))).to_contain_text("1 h")
    expect(page.locator("figure canvas")).to_have_count(2)
    expect(page.get_by_text("ConnectionError")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="A trail of error ConnectionError").click()
    expect(page).to_have_url(re.compile("/trail/[0-9a-f]{32}"))
    expect(page.get_by_text("store-order").first).to_be_visible()


def test_an_objective_that_burns_comes_first_and_can_be_removed(burning: Coldtrail, page: Page) -> None:

    # The short window of the first test's failures may be over by now.
    late = [one for number in range(40) for one in asked(time.time_ns() - number * SECOND_NS, failed=True)]
    assert burning.post("/v1/traces", traces(*late)).status_code == 200
    spec = {"title": "The shop answers", "policy": "Repair first.", "sli": {"type": "requests", "scope": "shop"}, "target_percent": 99.9}
    assert HTTP.put(f"{burning.url}/api/v1/definitions/objective/shop", json={"spec": spec}).status_code == 201
    burning.eventually("/objectives", lambda answer: answer["objectives"][0]["name"] == "shop" and answer["objectives"][0]["state"] == "page")
    page.goto(f"{burning.url}/objectives")
    expect(page.get_by_role("status").filter(has_text="burns its budget fast")).to_be_visible()
    page.get_by_role("link", name="The shop answers").click()
    expect(page.get_by_role("status").filter(has_text="It burns fast: its budget is overspent")).to_be_visible()
    expect(page.get_by_text("Repair first.")).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Really remove it").click()
    expect(page).to_have_url(re.compile("/objectives"))
    expect(page.get_by_role("link", name="The shop answers")).to_have_count(0, timeout=60_000)
