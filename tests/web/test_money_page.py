"""Story 5 in the browser: from the list of deployments to the cost that only moved, and the mark on a function's charts."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from lambda_logs import write
from running import HTTP, Coldtrail, serving

MINUTE_NS = 60 * 10**9
DEPLOYED_NS = time.time_ns() // MINUTE_NS * MINUTE_NS - 30 * MINUTE_NS


def report(billed_ms: int) -> str:
    return f"REPORT RequestId: {uuid.uuid4()}\tDuration: {billed_ms - 1}.00 ms\tBilled Duration: {billed_ms} ms\tMemory Size: 512 MB\tMax Memory Used: 90 MB\t"


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    """A function that cost much before a deployment and little after it, and the capacity that came with it."""
    with serving(tmp_path_factory.mktemp("moved") / "data") as running:
        for minute in (-20, -15, -10, 5, 10, 15):
            billed_ms = 180_000 if minute < 0 else 10_000
            write(running, "quotes-price", report(billed_ms), start_ms=(DEPLOYED_NS + minute * MINUTE_NS) // 10**6 + billed_ms)
        body = {
            "application": "quotes",
            "version": "2",
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(DEPLOYED_NS // 10**9)),
            "configuration": {"functions": {"quotes-price": {"provisioned_concurrency": 1}}},
        }
        assert HTTP.post(f"{running.url}/api/v1/deployments", json=body).status_code == 201
        running.eventually("/costs", lambda found: found["trail_count"] == 6 and len(found["groups"]) > 1, since="now-2h")
        yield running


def test_from_a_deployment_to_what_it_only_moved(page: Page, moved: Coldtrail) -> None:
    page.goto(f"{moved.url}/overview")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("d")
    expect(page.get_by_role("heading", name="Deployments")).to_be_visible()
    figures = page.get_by_role("region", name="DORA's figures")
    expect(figures.get_by_role("row", name="quotes production")).to_contain_text("1.0 a month")
    page.get_by_role("link", name="compare costs").click()
    expect(page.get_by_role("status").filter(has_text="per thousand trails")).to_contain_text("The cost only moved")
    changes = page.get_by_role("region", name="Before and after")
    expect(changes.get_by_role("row", name="provisioned concurrency quotes-price")).to_contain_text("+$")
    expect(changes.get_by_role("row", name="all")).to_contain_text("rose")
    expect(page.get_by_label("Compare with")).to_contain_text("before quotes 2")
    page.reload()
    expect(page.get_by_role("status").filter(has_text="per thousand trails")).to_contain_text("The cost only moved")


def test_costs_open_to_their_components_and_say_where_prices_are_from(page: Page, moved: Coldtrail) -> None:
    page.goto(f"{moved.url}/costs?t=now-2h&by=function")
    row = page.get_by_role("row", name="quotes-price").first
    row.get_by_role("button").click()
    expect(page.get_by_role("row", name="requests quotes-price")).to_contain_text("6 requests")
    page.get_by_text("prices used").click()
    expect(page.get_by_role("row", name="lambda.requests")).to_contain_text("AWS Lambda Pricing")
    expect(page.get_by_role("region", name="What would save")).to_contain_text("provisioned concurrency of quotes-price")


def test_a_workflow_alone_can_be_compared(page: Page, moved: Coldtrail) -> None:
    page.goto(f"{moved.url}/costs?t=now-2h&by=workflow")
    page.get_by_role("link", name="only this").click()
    expect(page.get_by_text("Only what quotes-price caused.")).to_be_visible()
    expect(page.get_by_role("row", name="lambda quotes-price")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    expect(page.get_by_text("Only what quotes-price caused.")).to_be_hidden()


def test_without_deployments_the_page_says_how_to_announce_one(page: Page, empty: Coldtrail) -> None:
    page.goto(f"{empty.url}/deployments")
    expect(page.get_by_label("the command of a pipeline", exact=True)).to_contain_text("coldtrail deployment create")
    page.goto(f"{empty.url}/costs")
    expect(page.get_by_text("Nothing has arrived yet")).to_be_visible()


def test_a_deployment_marks_a_functions_charts(page: Page, moved: Coldtrail) -> None:
    with page.expect_response(lambda answer: "/api/v1/deployments" in answer.url) as told:
        page.goto(f"{moved.url}/function/quotes-price?t=now-2h")
    assert [one["version"] for one in told.value.json()["deployments"]] == ["2"]
    plot = page.locator(".chart .u-over").first
    expect(plot).to_be_visible()
    tip = page.locator(".chart").first.locator(".view-tip")

    def over_the_mark() -> bool:
        """The mark is where three quarters of the last two hours are over; it may have moved on by a little since."""
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        assert box
        share = 1 - (time.time_ns() - DEPLOYED_NS) / (120 * MINUTE_NS)
        for aside_px in range(-40, 41, 2):
            page.mouse.move(box["x"] + box["width"] * share + aside_px, box["y"] + 60)
            if "deployed quotes 2" in (tip.text_content() or ""):
                return True
        return False

    deadline = time.monotonic() + 90
    while not over_the_mark():
        assert time.monotonic() < deadline, tip.text_content()
        page.wait_for_timeout(200)


def test_a_trail_says_what_it_cost(page: Page, moved: Coldtrail) -> None:
    """10 s x 0.5 GB x $0.0000166667 and a request, $0.0000835335."""
    newest = moved.api("/trails", since="now-2h")["trails"][0]["trail_id"]
    page.goto(f"{moved.url}/trail/{newest}")
    cost = page.locator(".facts").get_by_text("$0.000084", exact=True)
    expect(cost).to_be_visible()
    expect(cost).to_have_attribute("title", re.compile("duration of quotes-price, 5 GB-seconds"))
