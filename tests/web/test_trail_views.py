"""The trail as waterfall, sequence and graph: one selection, one zoom, edges that say how they are known."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from drawing import most_calls_a_frame
from playwright.sync_api import Page, expect
from told import Told

from running import wait_for

VIEWS = [("waterfall", "Waterfall"), ("sequence", "Sequence"), ("graph", "Graph")]
MOST_CALLS = 8_000
"""Canvas calls of a frame: what is in sight costs so many, 5,000 nodes several times as many."""


def test_all_three_views_share_the_selection(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/trail/{told.failed[-1].trace_id}")
    page.get_by_role("button", name=re.compile("^activity-stream .* was sent")).click()
    panel = page.get_by_role("complementary", name="Selected node").get_by_role("heading", level=2)
    expect(panel).to_contain_text("activity-stream")
    page.get_by_text("Graph", exact=True).click()
    expect(page).to_have_url(re.compile("tab=graph"))
    item = page.get_by_role("treeitem")
    expect(item).to_contain_text("activity-stream")
    page.get_by_role("tree").focus()
    page.keyboard.press("ArrowRight")
    expect(panel).to_contain_text("activity-ingest")
    page.get_by_text("Sequence", exact=True).click()
    expect(page.locator(".sequence .node.selected")).to_have_attribute("aria-label", re.compile("^activity-ingest: invocation, error"))
    page.get_by_text("Waterfall", exact=True).click()
    expect(item).to_contain_text("activity-ingest: invocation, error")


def test_keys_lead_up_to_causes_and_down_to_effects(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/trail/{told.failed[-1].trace_id}")
    page.get_by_role("button", name=re.compile("^activity-ingest failed with")).click()
    panel = page.get_by_role("complementary", name="Selected node").get_by_role("heading", level=2)
    expect(panel).to_have_text("activity-ingest")
    for cause in ("activity-stream", "activity-api-post"):
        page.keyboard.press("[")
        expect(panel).to_contain_text(cause)
    page.keyboard.press("]")
    expect(panel).to_contain_text("activity-stream")
    page.get_by_role("button", name=re.compile("^activity-ingest$")).click()
    expect(panel).to_have_text("activity-ingest")


def test_the_zoom_is_in_the_url_and_shared(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/trail/{told.failed[-1].trace_id}")
    expect(page.get_by_role("tree")).to_be_visible()
    page.get_by_role("tree").focus()
    page.keyboard.press("Home")
    page.keyboard.press("+")
    page.keyboard.press("+")
    expect(page).to_have_url(re.compile(r"z=[\d.]+\.\.[\d.]+"))
    page.keyboard.press("v")
    page.keyboard.press("s")
    # The consumer ran 900 ms later, outside of what is zoomed to.
    expect(page.locator(".sequence .node")).not_to_have_count(0)
    expect(page.locator('.sequence .node[aria-label^="activity-ingest"]')).to_have_count(0)
    page.reload()
    expect(page.locator(".sequence .node")).not_to_have_count(0)
    expect(page.locator('.sequence .node[aria-label^="activity-ingest"]')).to_have_count(0)
    page.locator(".sequence .node").first.focus()
    page.keyboard.press("0")
    expect(page.locator('.sequence .node[aria-label^="activity-ingest"]')).to_have_count(1)
    expect(page).not_to_have_url(re.compile("z="))


def point_at(page: Page, where: Callable[[], list[float]], tip: str, said: str) -> None:
    """Point there until it says so: what is above may still load and move it."""

    def told() -> str:
        x, y = where()
        page.mouse.move(x - 1, y)
        page.mouse.move(x, y)
        return "".join(page.locator(tip).all_text_contents())

    wait_for(told, lambda text: said in text)


def test_an_inferred_edge_is_dashed_and_says_how_it_is_known(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/trail/{told.inferred}?tab=sequence")
    step = page.locator(".sequence .step.inferred")
    expect(step).to_have_count(1)
    middle_of = "(path) => { const box = path.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }"
    point_at(page, lambda: step.locator(".reach").evaluate(middle_of), ".sequence .view-tip", "inferred from a propagated header, 90 % sure")
    page.locator(".sequence .node").last.click()
    expect(page.locator(".causes .inferred")).to_contain_text("inferred from a propagated header, 90 % sure")
    page.get_by_text("Graph", exact=True).click()
    edge = page.wait_for_function("() => document.querySelector('.graph')?.graph?.layout.arrows.find((one) => !one.certain)")
    middle_of = """(arrow) => {
          const view = document.querySelector(".graph").graph;
          const box = document.querySelector(".graph-scroller").getBoundingClientRect();
          const [x0, x1] = [arrow.from.x + 188, arrow.to.x];
          const scroller = document.querySelector(".graph-scroller");
          return [box.left + ((x0 + x1) / 2) * view.scale - scroller.scrollLeft, box.top + ((arrow.from.y + arrow.to.y) / 2 + 19) * view.scale - scroller.scrollTop];
        }"""
    point_at(page, lambda: page.evaluate(middle_of, edge), ".graph .view-tip", "inferred from a propagated header, 90 % sure")


@pytest.mark.parametrize(("tab", "name"), VIEWS)
def test_five_thousand_nodes_stay_smooth_in_every_view(page: Page, told: Told, tab: str, name: str) -> None:
    page.goto(f"{told.url}/trail/{told.broad}?tab={tab}")
    expect(page.get_by_text("5,000 nodes")).to_be_visible(timeout=60_000)
    expect(page.locator(f".view.{tab}")).to_be_visible()
    page.wait_for_function("(tab) => document.querySelector('.' + tab)[tab].drawTimesMs.length > 0", arg=tab)
    move = """(i, tab) => {
          const view = document.querySelector("." + tab)[tab];
          if (tab === "sequence") view.setWindow({ fromMs: 500 * i, toMs: 500 * i + 60000 });
          else document.querySelector(`.${tab}-scroller`).scrollTop = 300 * (i + 1);
        }"""
    if tab == "sequence":  # elements, not a canvas
        page.evaluate(f"for (let i = 0; i < 40; i++) ({move})(i, 'sequence')")
    else:
        assert most_calls_a_frame(page, move, 40, tab) < MOST_CALLS
    assert page.evaluate("document.querySelectorAll('*').length") < 1200


def test_the_critical_path_says_where_the_time_went(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/trail/{told.failed[-1].trace_id}")
    shares = page.get_by_role("region", name="Where the time went")
    expect(shares).to_contain_text("waited in the stream")
    shares.get_by_role("button").first.click()
    expect(page.get_by_role("complementary", name="Selected node")).to_be_visible()
