"""A workflow is taken over from a proposal, edited with its errors beside it, and leads to the trail that stopped."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from orders import order
from otlp import traces
from running import Coldtrail, serving

SHOP = "toyshop"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    with serving(tmp_path_factory.mktemp("shop") / "data") as running:
        spans = [one for number in range(20) for one in order(SHOP, packed=int(number > 0), ago_s=90)[1]]
        assert running.post("/v1/traces", traces(*spans)).status_code == 200
        running.eventually("/trails", lambda said: sum(len(one["services"]) > 1 for one in said["trails"]) == 20, 90, service=SHOP, limit=50)
        yield running


def test_from_a_proposal_to_the_trail_that_stopped(shop: Coldtrail, page: Page) -> None:
    page.goto(f"{shop.url}/workflows")
    expect(page.get_by_text("There is no workflow yet")).to_be_visible()
    page.get_by_role("button", name="Accept post-order").click()
    row = page.locator("tr.row-link").filter(has_text="post-order")
    expect(row).to_contain_text("1 incomplete of 20 trails", timeout=60_000)
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name="post-order")).to_be_visible()
    expect(page.locator(".step-line .lost")).to_have_text("−1")
    page.get_by_role("link", name=f'"{SHOP}-pack" is missing').click()
    outcome = page.get_by_role("region", name="Outcome")
    expect(outcome).to_contain_text("which nobody took")
    outcome.get_by_role("button", name=f"{SHOP}-pack").click()
    expect(page.get_by_role("complementary", name="Selected node")).to_contain_text(f"{SHOP}-queue")


def test_what_is_wrong_with_a_text_stands_beside_it(shop: Coldtrail, page: Page) -> None:
    name = f"typed-{os.urandom(3).hex()}"
    page.goto(f"{shop.url}/workflows")
    page.get_by_role("button", name="New workflow").click()
    text = page.get_by_label("The workflow as YAML")
    good = f"kind: workflow\nname: {name}\ntitle: Typed by hand\norigin: {{service: {SHOP}}}\nsteps:\n  - name: packed\n    match: {{service: {SHOP}-pack}}\n"
    text.fill(good.replace("match:", "mtach:"))
    expect(page.get_by_role("listitem").filter(has_text="line 6")).to_be_visible()
    expect(page.get_by_role("button", name="Keep")).to_be_disabled()
    text.fill(good)
    expect(page.get_by_text(f"It can be used as {name}")).to_be_visible()
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("heading", name="Typed by hand")).to_be_visible()
