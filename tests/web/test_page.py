"""The page in a real browser, on a real server, with what real clients sent."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from activity import ERROR, Sender
from drawing import most_calls_a_frame
from playwright.sync_api import Browser, Page, expect
from told import Told

from running import HTTP, Coldtrail, serving

AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
MOST_CALLS = 8_000
"""Canvas calls of a frame: what is in sight costs so many, 20,000 spans ten times as many."""


def open_failed_trail(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/trail/{told.failed[-1].trace_id}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("POST /activity")


def test_from_the_failing_function_to_the_log_line_of_one_activity(page: Page, told: Told) -> None:
    page.goto(told.url)
    expect(page.locator(".verdict")).to_contain_text("1 of 4 functions is failing: activity-ingest, 9")
    expect(page.locator(".verdict")).to_contain_text("ConnectionError since")
    page.get_by_role("row", name=re.compile("activity-ingest")).get_by_role("link").first.click()
    expect(page).to_have_url(re.compile("/function/activity-ingest"))
    page.get_by_role("link", name="ConnectionError").click()
    expect(page).to_have_url(re.compile(f"/trail/{told.failed[-1].trace_id}"))
    page.get_by_role("button", name=re.compile("^activity-ingest failed with ConnectionError")).click()
    panel = page.get_by_role("complementary", name="Selected node")
    expect(panel.locator(".logs .error")).to_contain_text(ERROR)
    expect(panel).to_contain_text(told.failed[-1].ingest_request_id)


@pytest.mark.parametrize(("path", "screens"), [("/", {"overview"}), ("/overview", {"overview"}), ("/trails", set())])
def test_the_document_names_what_its_screen_needs_first(told: Told, path: str, screens: set[str]) -> None:
    files = re.findall(r"<([^>]+)>; rel=modulepreload", HTTP.get(f"{told.url}{path}", timeout=60).headers["link"])
    assert {"app", *screens} == {name for file in files if (name := file.removeprefix("/assets/").split("-")[0]) in ("app", "overview", "Trails")}
    assert {HTTP.get(f"{told.url}{file}", timeout=60).status_code for file in files} == {200}


def test_the_story_selects_its_node_and_the_url_keeps_it(page: Page, told: Told) -> None:
    open_failed_trail(page, told)
    page.locator(".story button").last.click()
    expect(page).to_have_url(re.compile("sel="))
    page.reload()
    expect(page.get_by_role("complementary", name="Selected node")).to_contain_text("ConnectionError")
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary", name="Selected node")).to_have_count(0)


def test_waterfall_and_sequence_share_the_selection(page: Page, told: Told) -> None:
    open_failed_trail(page, told)
    page.locator(".story button").last.click()
    page.get_by_text("Sequence", exact=True).click()
    expect(page).to_have_url(re.compile("tab=sequence"))
    expect(page.locator(".sequence .node.selected")).to_have_attribute("aria-label", re.compile("^activity-ingest: invocation, error"))
    page.locator(".sequence .node.selected").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".sequence .node.selected")).to_have_attribute("aria-label", re.compile("^activity-stream"))
    page.get_by_text("Waterfall", exact=True).click()
    expect(page.get_by_role("treeitem")).to_contain_text("activity-stream")


def test_the_waterfall_is_walked_with_keys_and_told_in_words(page: Page, told: Told) -> None:
    open_failed_trail(page, told)
    tree = page.get_by_role("tree")
    tree.focus()
    page.keyboard.press("Home")
    item = page.get_by_role("treeitem")
    expect(item).to_contain_text("activity-api POST /activity: request, ok")
    expect(item).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("j")
    expect(item).to_contain_text("activity-api-post: invocation")
    page.keyboard.press("k")
    page.keyboard.press("ArrowLeft")
    expect(item).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("e")
    expect(item).to_contain_text("activity-ingest: invocation, error")
    expect(item).to_contain_text("waited")


@pytest.mark.parametrize("kind", ["trace_id", "api_request_id", "ingest_request_id", "sequence_number", "user"])
def test_slash_finds_every_identity_of_an_activity(page: Page, told: Told, kind: str) -> None:
    activity = told.failed[2]
    page.goto(f"{told.url}/connect")
    expect(page.get_by_role("heading", name="Connect")).to_be_visible()
    page.keyboard.press("/")
    page.get_by_role("textbox", name="Any id or value").fill(getattr(activity, kind))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/trail/{activity.trace_id}"))


def test_find_takes_an_xray_id_and_back_leads_back(page: Page, told: Told) -> None:
    trace_id = told.failed[0].trace_id
    page.goto(f"{told.url}/connect")
    page.goto(f"{told.url}/find?q=1-{trace_id[:8]}-{trace_id[8:]}")
    expect(page).to_have_url(re.compile(f"/trail/{trace_id}"))
    page.go_back()
    expect(page).to_have_url(re.compile("/connect"))


def test_find_says_so_where_nothing_matches(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/find?q=nobody-ever-sent-this")
    expect(page.get_by_text("Nothing carries nobody-ever-sent-this")).to_be_visible()


def test_trails_are_filtered_by_the_url_and_a_row_opens_with_enter(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/trails?status=error")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(len(told.failed))
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/trail/{told.failed[-1].trace_id}"))


def test_a_filter_that_nothing_passes_names_itself_and_can_be_cleared(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/trails?service=activity-ingest&min_ms=99999999")
    expect(page.locator(".empty")).to_contain_text("service activity-ingest, at least (ms) 99999999")
    page.get_by_role("button", name="Clear the filter").click()
    expect(page.locator("tbody tr").first).to_be_visible()


def test_a_range_without_data_jumps_to_the_nearest(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/trails?t=2026-01-01T00:00:00.000Z..2026-01-01T01:00:00.000Z")
    page.get_by_role("button", name="Jump there").click()
    expect(page.locator("tbody tr").first).to_be_visible()


def test_more_trails_are_loaded_with_the_cursor(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/trails?t=now-6h")
    expect(page.locator("tbody tr")).to_have_count(50)
    more = page.get_by_role("button", name="Load 50 more")
    while more.count():
        before = page.locator("tbody tr").count()
        more.click()
        expect(page.locator("tbody tr")).not_to_have_count(before)
    shown = page.locator("tbody th a").evaluate_all("links => links.map((a) => a.pathname.split('/').pop())")
    assert len(shown) == len(set(shown))
    assert set(shown) >= {one.trace_id for one in told.well + told.failed} | {told.large}


def test_live_mode_shows_what_arrives(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/trails?t=now-15m")
    expect(page.locator("tbody tr").first).to_be_visible()
    page.keyboard.press("l")
    expect(page).to_have_url(re.compile("live=1"))
    expect(page.locator(".live .dot.beating")).to_be_visible()
    sender = Sender(told.otlp_http, seed=99)
    fresh = sender.activity(time.time_ns(), failed=False, user="user-live")
    sender.flush()
    expect(page.locator(f'tbody a[href*="{fresh.trace_id}"]')).to_be_visible(timeout=60_000)


def test_a_functions_logs_are_searched(page: Page, told: Told) -> None:
    user = told.failed[1].user
    page.goto(f"{told.url}/function/activity-ingest")
    page.get_by_role("textbox", name="Search the logs").fill(user)
    expect(page).to_have_url(re.compile(f"q={user}"))
    expect(page.locator(".logs li")).to_have_count(1)
    expect(page.locator(".logs li")).to_contain_text("activity read")


def test_copied_links_have_fixed_times(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/overview?t=now-1h")
    expect(page.locator(".verdict strong")).to_be_visible()
    page.keyboard.press("y")
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert re.search(r"/overview\?t=[\dT:.\-]+Z\.\.[\dT:.\-]+Z$", link)


def test_keys_open_ranges_help_and_screens(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/overview")
    expect(page.locator(".verdict strong")).to_be_visible()
    page.keyboard.press("t")
    page.get_by_role("button", name="last 15 minutes").click()
    expect(page).to_have_url(re.compile("t=now-15m"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(page).to_have_url(re.compile("/connect"))


def test_telemetry_is_text_and_never_markup(page: Page, told: Told) -> None:
    open_failed_trail(page, told)
    page.get_by_role("button", name=re.compile("^activity-api-post ran")).click()
    panel = page.get_by_role("complementary", name="Selected node")
    expect(panel.get_by_text("<b>not markup</b>", exact=True)).to_be_visible()


def test_connect_counts_what_came_in_and_why_some_was_refused(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/connect")
    expect(page.get_by_role("row", name=re.compile("^otlp.http"))).to_contain_text("not an OTLP traces request")
    expect(page.get_by_text(f"OTEL_EXPORTER_OTLP_ENDPOINT={told.otlp_http}").first).to_be_visible()
    page.get_by_role("link", name="See the newest trail").click()
    expect(page).to_have_url(re.compile("/trail/"))


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Coldtrail]:
    """A server of one test's own: what it sends would be in the way of those who need an empty one."""
    with serving(tmp_path / "data") as running:
        yield running


def test_an_empty_server_says_what_to_do_and_turns_green_at_the_first_span(page: Page, fresh: Coldtrail) -> None:
    page.goto(fresh.url)
    expect(page.get_by_text("Nothing has arrived yet")).to_be_visible()
    page.get_by_role("link", name="Connect something").click()
    expect(page.locator(".arrivals")).to_contain_text("Waiting for the first span")
    sender = Sender(fresh.otlp_http)
    sender.activity(time.time_ns(), failed=False)
    sender.flush()
    expect(page.locator(".arrivals.on")).to_contain_text("Received 3 spans")
    page.get_by_role("link", name="See the newest trail").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("POST /activity")
    expect(page.get_by_text("settling, more may arrive")).to_be_visible()


def test_an_unknown_trail_says_what_failed_and_offers_retry(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/trail/{'0' * 31}1")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Could not get the trail.")
    expect(alert.get_by_role("button", name="Retry")).to_be_visible()


def test_one_panel_fails_alone(page: Page, told: Told) -> None:
    page.route("**/api/v1/logs?*", lambda route: route.fulfill(status=503, content_type="application/problem+json", body='{"title": "Busy", "detail": "too many queries"}'))
    page.goto(f"{told.url}/function/activity-ingest")
    expect(page.get_by_role("alert")).to_contain_text("Could not get the logs. Busy: too many queries")
    expect(page.get_by_role("link", name="ConnectionError")).to_be_visible()


def test_twenty_thousand_spans_scroll_and_zoom_within_the_draw_budget(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/trail/{told.large}")
    expect(page.get_by_text("20,000 nodes")).to_be_visible(timeout=60_000)
    move = """(i) => {
          if (i < 60) document.querySelector(".waterfall-scroller").scrollTop = 900 * (i + 1);
          else document.querySelector(".waterfall").waterfall.zoom({ fromMs: 400 * (i - 60), toMs: 400 * (i - 60) + 9000 });
        }"""
    assert most_calls_a_frame(page, move, 90) < MOST_CALLS
    assert page.evaluate("document.querySelectorAll('*').length") < 600


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_serious_accessibility_finding(browser: Browser, told: Told, theme: str) -> None:
    context = browser.new_context(color_scheme=theme, viewport={"width": 1440, "height": 900}, bypass_csp=True)
    page = context.new_page()
    trail = f"/trail/{told.failed[-1].trace_id}"
    found = []
    about = [f"/about/{told.asked}", "/resource/activity-stream"]
    for path in ["/overview", "/trails", trail, f"{trail}?tab=sequence", f"{trail}?tab=graph", "/function/activity-ingest", *about, "/limits", "/connect"]:
        page.goto(f"{told.url}{path}")
        page.wait_for_load_state("networkidle")
        expect(page.locator(".skeleton")).to_have_count(0)
        if path == trail:
            page.locator(".story button").last.click()
            expect(page.locator(".panel .pairs").first).to_be_visible()
        page.add_script_tag(path=AXE)
        # What does not depend on colours is checked in one theme.
        result = page.evaluate("(rules) => axe.run(rules)", {} if theme == "light" else {"runOnly": ["color-contrast"]})
        assert len(result["passes"]) > (10 if theme == "light" else 0)
        found += [f"{path}: {one['id']}" for one in result["violations"] if one["impact"] in ("serious", "critical")]
    context.close()
    assert found == []


def test_the_theme_is_kept_and_never_flashes(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/overview")
    before = page.locator("html").get_attribute("data-mantine-color-scheme")
    page.get_by_role("button", name=re.compile("(Light|Dark) theme")).click()
    page.goto(f"{told.url}/connect", wait_until="commit")
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark" if before == "light" else "light")


@pytest.mark.parametrize("width", [390, 1280])
def test_no_screen_is_wider_than_the_window(page: Page, told: Told, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for path in ["/overview", "/trails", f"/trail/{told.failed[-1].trace_id}", "/function/activity-ingest", f"/about/{told.asked}", "/resource/activity-stream", "/limits", "/connect"]:
        page.goto(f"{told.url}{path}")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth") <= 0, path
