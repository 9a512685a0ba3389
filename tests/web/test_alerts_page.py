"""From a message to the cause in two clicks, and what people do about an alert on the page."""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path

from playwright.sync_api import Page, expect

from lambda_logs import report, write
from receiver import receiving
from running import HTTP, serving, wait_for

ENV = {"COLDTRAIL_NOTIFY": '{"allow": ["127.0.0.0/8"], "period_s": 1}', "COLDTRAIL_SECRET_HOOK": "hush"}
SOON_S = 180.0


def test_a_message_leads_to_the_failing_trail_in_two_clicks(page: Page, tmp_path: Path) -> None:
    function = f"ledger-{os.urandom(3).hex()}"
    with receiving() as receiver, serving(tmp_path / "data", env=ENV) as coldtrail:
        page.goto(f"{coldtrail.url}/alerts")
        expect(page.get_by_role("status").first).to_contain_text("Nothing fires")
        expect(page.get_by_text("Nobody is told of anything yet")).to_be_visible()
        to = {"type": "webhook", "url": receiver.url, "secret": "env:COLDTRAIL_SECRET_HOOK"}
        assert HTTP.put(f"{coldtrail.url}/api/v1/definitions/route/on-call", json={"spec": {"to": to, "default": True}}, timeout=30).status_code == 201
        request_id = str(uuid.uuid4())
        write(
            coldtrail,
            function,
            f"START RequestId: {request_id} Version: 7",
            "[ERROR] ConnectionError: ledger refused\nTraceback (most recent call last):",
            report(request_id, more="Status: error\tError Type: ConnectionError"),
        )
        (told,) = wait_for(lambda: [one.body for one in receiver.told], lambda found: len(found) == 1, SOON_S)
        assert told["link"].startswith(f"{coldtrail.url}/alerts/new-finding?at=")
        page.goto(told["link"])
        expect(page.get_by_role("status").first).to_contain_text("Firing, since")
        expect(page.get_by_role("heading", name="What is wrong")).to_be_visible()
        page.get_by_role("link", name="The finding").click()
        page.get_by_role("region", name="Trails that show it").get_by_role("link").first.click()
        expect(page).to_have_url(re.compile(r"/trail/"))
        expect(page.get_by_text("ledger refused").first).to_be_visible()

        page.go_back()
        page.go_back()
        expect(page.get_by_role("region", name="Findings about it").get_by_role("link").first).to_be_visible()
        page.get_by_role("button", name="Acknowledge").click()
        expect(page.get_by_role("status").first).to_contain_text("Acknowledged by page")
        page.get_by_role("button", name="Would it have fired?").click()
        expect(page.get_by_text(re.compile("In the last 7 days it would"))).to_be_visible()
        page.get_by_role("button", name="Silence", exact=True).click()
        expect(page.get_by_text("Silenced.")).to_be_visible()

        page.keyboard.press("g")
        page.keyboard.press("a")
        expect(page).to_have_url(re.compile(r"/alerts$"))
        check = {"type": "absence", "scope": function}
        assert HTTP.put(f"{coldtrail.url}/api/v1/definitions/alert/typed", json={"spec": {"check": check, "routes": ["on-cal"]}}, timeout=30).status_code == 201
        expect(page.get_by_role("row").filter(has_text="Typed")).to_contain_text('there is no route "on-cal": did you mean "on-call"?')
        page.get_by_role("button", name="Test on-call").click()
        expect(page.get_by_text("It arrived")).to_be_visible()
        expect(page.get_by_role("region", name="Silences")).to_contain_text("new-finding")
        page.get_by_role("button", name=re.compile("^End ")).click()
        expect(page.get_by_role("region", name="Silences")).not_to_contain_text("new-finding")
        if folder := os.environ.get("SHOTS"):
            page.screenshot(path=f"{folder}/alerts.png", full_page=True)
            page.goto(told["link"])
            expect(page.get_by_role("heading", name="Who was told")).to_be_visible()
            page.wait_for_timeout(1500)
            page.screenshot(path=f"{folder}/alert.png", full_page=True)
    assert wait_for(receiver.events, lambda found: "test" in found)[:2] == ["fired", "acknowledged"]
