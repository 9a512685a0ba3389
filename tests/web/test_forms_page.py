"""Alerts, routes, silences and objectives made, tried, changed and removed on the page, without writing a file."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from otlp import span, traces
from receiver import Receiver, receiving
from running import HTTP, Coldtrail, serving

ENV = {"COLDTRAIL_NOTIFY": '{"allow": ["127.0.0.0/8"]}', "COLDTRAIL_SECRET_HOOK": "hush-hush"}
MINUTE_NS = 60 * 10**9


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Coldtrail, Receiver]]:
    """A server that saw half of the shop's requests fail for half an hour, some hours ago."""
    with receiving() as receiver, serving(tmp_path_factory.mktemp("forms") / "data", env=ENV) as running:
        begin_ns = time.time_ns() - 300 * MINUTE_NS
        sent = [
            span("POST /orders", service="shop", kind=2, error="ValueError" if 30 <= minute < 60 and number % 2 else "", start_ns=begin_ns + minute * MINUTE_NS + number)
            for minute in range(90)
            for number in range(10)
        ]
        assert running.post("/v1/traces", traces(*sent)).status_code == 200
        running.eventually("/red", lambda answer: sum(one["count"] for one in answer["groups"]) == 900, group="service", since="now-6h")
        yield running, receiver


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_a_route_an_alert_and_a_silence_are_made_tried_and_changed(shop: tuple[Coldtrail, Receiver], page: Page) -> None:
    coldtrail, receiver = shop
    page.goto(f"{coldtrail.url}/alerts")
    expect(page.get_by_text("Nobody is told of anything yet")).to_be_visible()
    page.get_by_role("link", name="New route").click()
    page.get_by_label("Title").fill("On call")
    page.get_by_label("It is told by").select_option("webhook")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("this is needed")).to_be_visible()
    page.get_by_label("Address").fill(f"{receiver.url}/hook")
    page.get_by_label("Secret").fill("hush-hush")
    expect(page.get_by_text(re.compile("it cannot be written like this"))).to_be_visible()
    page.get_by_label("Secret").fill("env:COLDTRAIL_SECRET_HOOK")
    expect(page.get_by_text(re.compile("it cannot be written like this"))).to_have_count(0)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("region", name="Routes")).to_contain_text(f"webhook at {receiver.url.removeprefix('http://')}")
    page.get_by_role("button", name="Test on-call").click()
    expect(page.get_by_text("It arrived")).to_be_visible()

    page.get_by_role("link", name="New alert").click()
    page.get_by_label("Title").fill("Shop fails")
    expect(page.get_by_label("Short name")).to_have_value("shop-fails")
    page.get_by_label("What is measured").select_option("promql")
    page.get_by_label("Expression").fill("sum(rate(errors_total[5m])")
    expect(page.get_by_text("promql is no PromQL at column 4: unclosed left parenthesis")).to_be_visible()
    page.get_by_label("What is measured").select_option("error_share")
    page.get_by_label("Name", exact=True).fill("shopp")
    expect(page.get_by_text('the service "shopp" was not seen in the last week: did you mean "shop"?')).to_be_visible()
    page.get_by_label("Name", exact=True).fill("shop")
    page.get_by_label("From so many requests on").fill("5")
    page.get_by_label("Bound").fill("0.2")
    page.get_by_role("button", name="Would it have fired?").click()
    expect(page.get_by_role("group", name="Preview")).to_contain_text("It would have fired 1 time in the last 7 days.", timeout=60_000)
    page.get_by_label("Bound").fill("0.3")
    expect(page.get_by_role("group", name="Preview")).to_contain_text("before your last change")
    page.get_by_text("As YAML, for coldtrail apply").click()
    expect(page.get_by_label("the definition", exact=True)).to_contain_text("above: 0.3")
    shot(page, "form-alert")
    page.get_by_role("button", name="Save").click()
    expect(page).to_have_url(re.compile("/alerts/shop-fails"))
    kept = coldtrail.api("/definitions/alert/shop-fails")
    assert (kept["spec"]["check"]["above"], kept["spec"]["check"]["scope"], kept["source"], kept["by"]) == (0.3, "shop", "page", "page")

    page.goto(f"{coldtrail.url}/define/silence")
    page.get_by_label("Title").fill("Nightly import")
    page.get_by_label("Alerts").fill("shop-*, import-*")
    page.get_by_label("It holds").select_option("weekly")
    page.get_by_label("In the clock of").fill("Europe/Berlin")
    page.get_by_label("Sun").uncheck()
    page.get_by_label("Until").fill("")
    expect(page.get_by_text('there is no alert "import-*"')).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("region", name="Silences")).to_contain_text("mon, tue, wed, thu, fri, sat 02:00–04:00 Europe/Berlin")
    assert coldtrail.api("/definitions/silence/nightly-import")["spec"]["alerts"] == ["shop-*", "import-*"]


def test_what_came_from_a_file_says_so_and_nothing_is_lost_unasked(shop: tuple[Coldtrail, Receiver], page: Page) -> None:
    coldtrail, _ = shop
    components: list[dict[str, Any]] = [{"scope": "shop", "error_share": 0.1}, {"scope": "pdf", "of": "function", "p95_ms": 900}]
    spec = {"title": "Orders", "check": {"type": "capability", "components": components}, "routes": ["gone"], "runbook": "https://wiki.example/"}
    answer = HTTP.put(f"{coldtrail.url}/api/v1/definitions/alert/orders", json={"spec": spec, "by": "ada", "source": "ops/orders.yaml"}, timeout=30)
    assert (answer.status_code, [one["path"] for one in answer.json()["warnings"]]) == (201, ["$.routes[0]", "$.check.components[1].scope"])
    page.goto(f"{coldtrail.url}/define/alert/orders")
    expect(page.get_by_role("note")).to_contain_text("It comes from ops/orders.yaml (ada)")
    expect(page.get_by_text('there is no route "gone"')).to_be_visible()
    expect(page.get_by_text('the function "pdf" was not seen in the last week')).to_be_visible()
    shot(page, "form-capability")
    page.get_by_role("button", name="Remove Components, 2").click()
    page.get_by_label("Runbook").fill("wiki")
    expect(page.get_by_text(re.compile("it cannot be written like this"))).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(re.compile("it cannot be written like this"))).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Overview").first.click()
    expect(page.get_by_role("dialog", name="Leave without saving?")).to_be_visible()
    page.get_by_role("button", name="Stay").click()
    page.get_by_label("Runbook").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page).to_have_url(re.compile("/alerts/orders"))
    kept = coldtrail.api("/definitions/alert/orders")
    assert kept["spec"] == {"title": "Orders", "check": {"type": "capability", "components": components[:1]}, "routes": ["gone"]}
    page.goto(f"{coldtrail.url}/define/alert/orders")
    page.get_by_role("button", name="Remove", exact=True).click()
    page.get_by_role("dialog", name="Remove orders?").get_by_role("button", name="Remove").click()
    expect(page).to_have_url(re.compile("/alerts$"))
    assert coldtrail.get("/definitions/alert/orders").status_code == 404


def test_an_objective_is_made_in_a_form_and_changed(shop: tuple[Coldtrail, Receiver], page: Page) -> None:
    coldtrail, _ = shop
    page.goto(f"{coldtrail.url}/objectives")
    page.get_by_role("link", name="New objective").click()
    page.get_by_label("Title").fill("The shop answers")
    page.get_by_label("Name (needed)").fill("shop")
    page.get_by_label("Target, in %").fill("100")
    expect(page.get_by_text("Expected `float` < 100")).to_be_visible()
    page.get_by_label("Target, in %").fill("99.5")
    page.get_by_role("button", name="What would it have come to?").click()
    expect(page.get_by_role("group", name="Preview").get_by_role("status")).to_contain_text(re.compile(r"83.% of 900 were good since .* alerts? would have fired"))
    page.get_by_role("button", name="Save").click()
    expect(page).to_have_url(re.compile("/objectives/the-shop-answers"))
    expect(page.get_by_role("heading", name="The shop answers")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="Change").click()
    expect(page.get_by_label("Target, in %")).to_have_value("99.5")
    shot(page, "form-objective")
    assert coldtrail.api("/definitions/objective/the-shop-answers")["spec"]["sli"] == {"type": "requests", "of": "service", "scope": "shop"}
