"""The map and the cold starts in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from told import Told

AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"


def test_the_map_leads_from_a_function_to_its_queue_by_key_and_by_click(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/map")
    stream = page.get_by_role("treeitem", name=re.compile("activity-stream, stream"))
    expect(stream).to_be_visible()
    page.get_by_role("treeitem", name=re.compile("activity-api-post, function")).click()
    expect(page).to_have_url(re.compile("sel=service"))
    page.get_by_role("tree", name=re.compile("Service map")).press("ArrowRight")
    expect(stream).to_have_attribute("aria-selected", "true")
    panel = page.get_by_role("complementary", name="About the map")
    expect(panel).to_contain_text("activity-stream")
    expect(panel).to_contain_text("waited p95")
    panel.get_by_role("link", name="open").click()
    expect(page).to_have_url(re.compile("/resource/activity-stream"))


def test_the_map_shows_only_what_was_asked_for_and_its_neighbours(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/map?q=activity-ingest")
    expect(page.get_by_role("treeitem", name=re.compile("activity-stream, stream"))).to_be_visible()
    expect(page.get_by_role("treeitem", name=re.compile("activity-api, api"))).to_have_count(0)
    page.get_by_label("Only with").fill("nothing has this name")
    expect(page.get_by_text("Nothing on the map has that name")).to_be_visible()


def test_cold_starts_are_told_on_their_screen(page: Page, told: Told) -> None:
    page.goto(told.url)
    expect(page.locator(".verdict")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page.get_by_role("heading", level=1)).to_have_text("Cold starts")
    expect(page.locator(".verdict")).to_contain_text("invocations started cold")
    page.get_by_role("row", name=re.compile("activity-ingest")).first.click()
    expect(page).to_have_url(re.compile("service=activity-ingest"))
    expect(page.get_by_role("heading", name="What if")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_there_is_no_serious_barrier(browser: Browser, told: Told, theme: str) -> None:
    context = browser.new_context(color_scheme=theme, bypass_csp=True)
    page = context.new_page()
    found = []
    for path, ready in (("/map?sel=kinesis/activity-stream", "[data-node]"), ("/cold-starts?service=activity-ingest", ".verdict")):
        page.goto(f"{told.url}{path}")
        expect(page.locator(ready).first).to_be_visible()
        expect(page.locator(".skeleton")).to_have_count(0)
        page.add_script_tag(path=AXE)
        result = page.evaluate("() => axe.run()")
        found += [(path, one["id"], one["nodes"][0]["html"][:200]) for one in result["violations"] if one["impact"] in ("serious", "critical")]
    context.close()
    assert found == []
