"""Dashboards in the browser: composed by mouse and by keys, saved, exported, imported under another name."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from playwright.sync_api import Browser, Page, expect

from coldtrail.receivers.attributes import key_value
from lambda_logs import report, write
from otlp import span, traces
from running import Coldtrail, serving

AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
PANELS = "[data-panel]"


@pytest.fixture(scope="module")
def served(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    """A server that was told of a few invocations, and of an application that takes orders."""
    with serving(tmp_path_factory.mktemp("dashboards-page") / "data") as running:
        for _ in range(3):
            request = str(uuid.uuid4())
            write(running, "bill", f"START RequestId: {request} Version: 1", report(request), start_ms=time.time_ns() // 10**6 - 120_000)
        for number in range(4):
            order = span("POST /orders", service="orders-api", kind=2, start_ns=time.time_ns() - 180 * 10**9, attributes={"http.route": "/orders", "http.request.method": "POST"}, **({"error": "Refused"} if number == 0 else {}))
            request = ExportTraceServiceRequest.FromString(traces(order))
            request.resource_spans[0].resource.attributes.append(key_value("service.namespace", "ordering"))
            running.post("/v1/traces", request.SerializeToString()).raise_for_status()
        running.eventually("/capabilities", lambda answer: [one["count"] for one in answer["groups"]] == [4])
        running.eventually("/watched", lambda answer: bool(answer["series"]), service="lambda", metric="invocations")
        yield running


def titles(page: Page) -> list[str]:
    """The panels in their order, by the first word of their titles."""
    return [str(label).split(":")[0] for label in page.locator(PANELS).evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")]


def new(page: Page, served: Coldtrail, title: str) -> None:
    page.goto(f"{served.url}/dashboards")
    page.get_by_role("button", name="New").click()
    page.get_by_label("Title").fill(title)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name=f"Editing {title}")).to_be_visible()


def test_a_dashboard_is_composed_saved_exported_and_imported_under_another_name(page: Page, served: Coldtrail, tmp_path: Path) -> None:
    new(page, served, "Billing of today")
    page.get_by_role("button", name=re.compile("^Text")).click()
    page.get_by_label("Text (needed)").fill("**Call Ada** <img src=x onerror=alert(1)>")
    page.get_by_label("Title", exact=True).last.fill("Words")
    page.get_by_role("button", name=re.compile("^What to watch")).click()
    page.get_by_label("Metric").select_option("invocations")
    page.get_by_label("Title", exact=True).last.fill("Work")
    page.get_by_role("button", name=re.compile("^Single figure")).click()
    page.get_by_label("Figure").select_option("requests")
    page.get_by_label("Of", exact=True).select_option("function")
    page.get_by_label("Title", exact=True).last.fill("Runs")
    expect(page.locator("[data-panel]").filter(has_text="Runs").locator(".figure strong")).to_have_text("3")
    assert titles(page) == ["Words", "Work", "Runs"]
    # By keys: into the first row, then narrower.
    page.get_by_role("button", name="close").click()
    page.locator(PANELS).filter(has_text="Runs").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-panel='1.0']:focus")).to_contain_text("Runs")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("[data-panel='1.0']:focus")).to_have_attribute("aria-label", re.compile("4 of 12 wide"))
    assert titles(page) == ["Words", "Runs", "Work"]
    # By mouse: the words below all others, and back into the first row.
    page.locator(".drag").first.drag_to(page.locator("[data-panel='1.1']"))
    expect(page.locator("[data-panel='0.1']")).to_contain_text("Words")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-panel='0.0']")).to_contain_text("Words")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Billing of today", exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_role("region", name="Runs").locator(".figure strong")).to_have_text("3")
    expect(page.get_by_role("region", name="Words")).to_contain_text("Call Ada <img src=x onerror=alert(1)>")
    expect(page.get_by_role("img", name=re.compile("Invocations over time: bill"))).to_be_visible()

    with page.expect_download() as download:
        page.get_by_role("link", name="Export").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    shared = json.loads(file.read_text())
    assert (file.name, shared["spec"]["title"], len(shared["spec"]["rows"])) == ("billing-of-today.json", "Billing of today", 2)

    page.get_by_role("link", name="Dashboards").click()
    page.get_by_label("Import a dashboard from a file").set_input_files(file)
    expect(page.get_by_label("Name")).to_have_value("billing-of-today-2")
    page.get_by_label("Title").fill("Theirs")
    page.get_by_label("Name").fill("theirs")
    page.get_by_role("button", name="Import").last.click()
    expect(page).to_have_url(re.compile("/dashboards/theirs"))
    expect(page.get_by_role("region", name="Runs").locator(".figure strong")).to_have_text("3")
    kept = served.api("/dashboards/theirs")
    assert (kept["spec"]["rows"], kept["source"]) == (shared["spec"]["rows"], file.name)

    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page).to_have_url(re.compile("/dashboards$"))
    expect(page.get_by_role("link", name="Theirs")).to_have_count(0)
    assert served.get("/dashboards/theirs").status_code == 404


def test_what_is_not_saved_is_not_lost_without_a_question_and_a_refusal_stands_at_its_field(page: Page, served: Coldtrail) -> None:
    new(page, served, "Kept")
    page.get_by_role("button", name=re.compile("^PromQL")).click()
    page.get_by_label("Expression (needed)").fill("rate(")
    page.get_by_role("link", name="Trails", exact=True).click()
    expect(page.get_by_role("dialog", name="Leave without saving?")).to_be_visible()
    page.get_by_role("button", name="Stay").click()
    page.get_by_role("button", name="Save", exact=True).click()
    field = page.get_by_label("Expression (needed)")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text(re.compile("query is no PromQL")).first).to_be_visible()
    field.fill("")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("this is needed")).to_be_visible()
    field.fill("sum(coldtrail_requests_total{group='function'})")
    page.keyboard.press("Control+s")
    expect(page.get_by_role("heading", name="Kept", exact=True)).to_be_visible()
    page.get_by_role("link", name="Edit").click()
    page.locator(PANELS).press("Delete")
    page.get_by_role("link", name="Trails", exact=True).click()
    page.get_by_role("button", name="Leave").click()
    expect(page).to_have_url(re.compile("/trails"))
    assert len(served.api("/dashboards/kept")["spec"]["rows"]) == 1


def test_a_starter_is_kept_as_ones_own_and_comes_back_when_that_is_deleted(page: Page, served: Coldtrail) -> None:
    page.goto(f"{served.url}/overview")
    expect(page.get_by_role("heading", level=1)).to_be_attached()
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.get_by_role("row", name=re.compile("Cost of today.*starter set")).get_by_role("link").click()
    expect(page).to_have_url(re.compile("t=now-24h"))
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    page.get_by_role("link", name="Edit").click()
    page.get_by_role("button", name="Remove By function").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("region", name="By service")).to_be_visible()
    expect(page.get_by_role("region", name="By function")).to_have_count(0)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("row", name=re.compile("Cost of today.*starter set"))).to_be_visible()


def test_a_panel_fails_alone_and_is_asked_for_again(page: Page, served: Coldtrail) -> None:
    page.route("**/api/v1/limits*", lambda route: route.fulfill(status=503, content_type="application/problem+json", body='{"title": "Store away"}'))
    page.goto(f"{served.url}/dashboards/critical-health")
    limits = page.get_by_role("region", name="Nearest to their limit")
    limits.scroll_into_view_if_needed()
    expect(limits.get_by_role("alert")).to_contain_text("Store away")
    expect(page.get_by_role("region", name="Requests that failed").locator(".figure strong")).to_be_visible()
    page.unroute("**/api/v1/limits*")
    limits.get_by_role("button", name="Retry").click()
    expect(limits.get_by_role("alert")).to_have_count(0)


def test_a_panel_is_made_wider_with_the_mouse(page: Page, served: Coldtrail) -> None:
    page.goto(f"{served.url}/dashboards/api-gateway?tab=edit")
    panel = page.locator("[data-panel='0.0']")
    expect(panel).to_have_attribute("aria-label", re.compile("3 of 12 wide"))
    panel.locator(".grip").hover(position={"x": 5, "y": 20})
    page.mouse.down()
    grip, row = panel.locator(".grip").bounding_box(), page.locator(".board-row").first.bounding_box()
    assert grip
    assert row
    page.mouse.move(grip["x"] + 5 + row["width"] * 2 / 12, grip["y"] + 20, steps=5)
    page.mouse.up()
    expect(panel).to_have_attribute("aria-label", re.compile("5 of 12 wide"))
    expect(page.get_by_text("Not saved yet.")).to_be_visible()


def test_the_overview_tells_what_users_can_do_and_leads_to_what_is_behind(page: Page, served: Coldtrail) -> None:
    page.goto(f"{served.url}/overview")
    row = page.get_by_role("region", name=re.compile("^Capabilities")).get_by_role("row", name=re.compile("^ordering"))
    expect(row).to_contain_text("25")
    row.get_by_role("link", name="ordering").click()
    expect(page).to_have_url(re.compile("/map.*q=ordering"))
    expect(page.get_by_text("orders-api").first).to_be_visible()


def test_a_file_that_is_no_dashboard_says_why(page: Page, served: Coldtrail, tmp_path: Path) -> None:
    page.goto(f"{served.url}/dashboards")
    for name, content, said in (("a.json", "{", "not JSON"), ("b.json", '{"kind": "alert", "spec": {}}', "no dashboard")):
        (tmp_path / name).write_text(content)
        page.get_by_label("Import a dashboard from a file").set_input_files(tmp_path / name)
        expect(page.get_by_role("alert")).to_contain_text(said)
    (tmp_path / "c.json").write_text('{"kind": "dashboard", "name": "c", "spec": {"title": "C", "rows": [{"panels": [{"kind": "riddle"}]}]}}')
    page.get_by_label("Import a dashboard from a file").set_input_files(tmp_path / "c.json")
    page.get_by_role("dialog").get_by_role("button", name="Import").click()
    expect(page.get_by_role("alert")).to_contain_text("$.rows[0].panels[0].kind")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_screens_are_accessible_and_fit_the_window(browser: Browser, served: Coldtrail, theme: str) -> None:
    context = browser.new_context(color_scheme=theme, viewport={"width": 1280, "height": 900}, bypass_csp=True)
    page = context.new_page()
    found = []
    for path, shown in (("/dashboards", "table"), ("/dashboards/critical-health", ".figure strong"), ("/dashboards/lambda?tab=edit", ".chart canvas")):
        page.goto(f"{served.url}{path}")
        expect(page.locator(shown).first).to_be_visible()
        page.wait_for_load_state("networkidle")
        if "edit" in path:
            page.get_by_role("button", name=re.compile("^Edit ")).first.click()
            expect(page.locator(".panel-form")).to_be_visible()
        page.add_script_tag(path=AXE)
        result = page.evaluate("(rules) => axe.run(rules)", {} if theme == "light" else {"runOnly": ["color-contrast"]})
        found += [f"{path}: {one['id']} {one['nodes'][0]['html'][:120]}" for one in result["violations"] if one["impact"] in ("serious", "critical")]
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth") <= 0, (path, width)
    context.close()
    assert found == []
