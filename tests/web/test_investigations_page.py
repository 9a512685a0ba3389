"""From an alert's link to the cause in two clicks, and an investigation that keeps what was looked at."""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path

from playwright.sync_api import Page, expect

from lambda_logs import report, write
from orders import place
from receiver import receiving
from running import HTTP, Coldtrail, serving, wait_for

ENV = {"COLDTRAIL_NOTIFY": '{"allow": ["127.0.0.0/8"], "period_s": 0.5}'}
SOON_S = 180.0
LINE = "ledger refused the entry"


def define(coldtrail: Coldtrail, kind: str, name: str, spec: dict[str, object]) -> None:
    answer = HTTP.put(f"{coldtrail.url}/api/v1/definitions/{kind}/{name}", json={"spec": spec}, timeout=30)
    assert answer.status_code == 201, answer.text


def fail(coldtrail: Coldtrail, function: str) -> None:
    request_id = str(uuid.uuid4())
    failure = f"[ERROR] ConnectionError: {LINE}\nTraceback (most recent call last):"
    write(coldtrail, function, f"START RequestId: {request_id} Version: 7", failure, report(request_id, more="Status: error\tError Type: ConnectionError"))


def never_packed(coldtrail: Coldtrail, shop: str) -> None:
    steps = [{"name": "accepted", "match": {"service": shop, "name": "POST /order"}}, {"name": "packed", "match": {"kind": "invocation", "service": f"{shop}-pack"}}]
    define(coldtrail, "workflow", shop, {"origin": {"kind": "request", "service": shop, "name": "POST /order"}, "within": "2s", "steps": steps})
    place(coldtrail, shop, packed=0)


def test_an_alert_leads_to_its_cause_in_two_clicks_and_the_way_there_is_kept(page: Page, tmp_path: Path) -> None:
    function, shop = f"ledger-{os.urandom(3).hex()}", f"shop-{os.urandom(3).hex()}"
    with receiving() as receiver, serving(tmp_path / "data", env=ENV) as coldtrail:
        define(coldtrail, "route", "on-call", {"to": {"type": "webhook", "url": receiver.url}, "default": True})
        fail(coldtrail, function)
        never_packed(coldtrail, shop)
        told = wait_for(lambda: {one.body["alert"]: one.body["link"] for one in receiver.told}, lambda found: {"new-finding", "workflow-outcomes"} <= found.keys(), SOON_S)

        page.goto(told["workflow-outcomes"])
        wrong = page.get_by_role("region", name="Where it goes wrong")
        expect(wrong).to_contain_text("packed")
        wrong.get_by_role("link").first.click()
        expect(page).to_have_url(re.compile(r"/trail/.*sel="))
        expect(page.get_by_text(re.compile("packed")).first).to_be_visible()

        page.goto(told["new-finding"])
        expect(wrong).to_contain_text(f"ConnectionError: {LINE}")
        for shown in ("Scope", "Affected trails", "Findings about it", "Deployments around it", "Suspects"):
            expect(page.get_by_role("region", name=shown)).to_be_visible()
        alert = page.url
        wrong.get_by_role("link").first.click()
        expect(page).to_have_url(re.compile(r"/trail/.*sel="))
        expect(page.get_by_text(LINE).first).to_be_visible()

        page.goto(alert)
        page.get_by_role("button", name="Investigate").click()
        expect(page).to_have_url(re.compile(r"/investigations/[0-9a-f]{16}"))
        address = page.url
        expect(page.get_by_role("region", name="From near")).to_contain_text(LINE)
        page.get_by_role("region", name="Affected trails").get_by_role("link").first.click()
        bar = page.get_by_role("complementary", name="Investigation")
        expect(bar).to_contain_text("Kept in its record.")
        bar.get_by_role("button", name="Add a note").click()
        bar.get_by_label("Note").fill("The ledger refuses since the deployment")
        bar.get_by_role("button", name="Keep").click()
        expect(bar).to_contain_text("Noted.")
        bar.get_by_role("button", name="Leave").click()
        expect(bar).not_to_be_visible()
        page.goto(address)
        record = page.get_by_role("region", name="Record")
        expect(record).to_contain_text("Trail:")
        expect(record).to_contain_text("The ledger refuses since the deployment")
        if folder := os.environ.get("SHOTS"):
            page.wait_for_timeout(1500)
            page.screenshot(path=f"{folder}/investigation.png", full_page=True)
            page.goto(alert)
            page.wait_for_timeout(2500)
            page.screenshot(path=f"{folder}/alert.png", full_page=True)
            page.goto(address)
        with page.expect_download() as downloading:
            page.get_by_role("link", name="Export as Markdown").click()
        assert "The ledger refuses since the deployment" in downloading.value.path().read_text()
        page.get_by_role("button", name="Close", exact=True).click()
        expect(page.get_by_role("button", name="Open again")).to_be_visible()
        page.keyboard.press("g")
        page.keyboard.press("v")
        expect(page).to_have_url(re.compile(r"/investigations$"))
        expect(page.get_by_role("row").filter(has_text="closed")).to_have_count(1)
