"""Story 2: from one log line with a correlation id to the whole trail, in one search."""

from __future__ import annotations

import re
import time

from playwright.sync_api import Page, expect
from replay import replay
from told import Told

from running import HTTP, wait_for

CORRELATION = "corr-7b55"


def test_from_a_correlation_id_to_the_third_attempt_and_the_dead_letter_queue(page: Page, told: Told) -> None:
    # Long ago, so that no other test's hour has it.
    replay("invoice_close", told.otlp_http, time.time_ns() - 26 * 3600 * 10**9)

    def matches() -> list[dict]:
        return HTTP.get(f"{told.url}/api/v1/find", params={"q": CORRELATION}, timeout=60).json()["matches"]

    wait_for(matches, lambda found: len({one["trail_id"] for one in found}) == 1 and {"publish-ledger-entry", "invoice-close"} <= {one["service"] for one in found})
    page.goto(f"{told.url}/connect")
    expect(page.get_by_role("heading", name="Connect")).to_be_visible()
    page.keyboard.press("/")
    page.get_by_role("textbox", name="Any id or value").fill(CORRELATION)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/trail/"))
    page.get_by_role("button", name=re.compile(r"^\d+ more$")).first.click()
    attempts = page.locator(".story").get_by_role("button", name=re.compile("^publish-ledger-entry failed with LedgerTimeout"))
    expect(attempts).to_have_count(3)
    attempts.last.click()
    panel = page.get_by_role("complementary", name="Selected node")
    expect(panel.locator(".logs")).to_contain_text('"dependency": "ledger-api"')
    expect(panel.locator(".logs")).to_contain_text('"attempt": 3, "status": "timed_out"')
    page.locator(".story").get_by_role("button", name=re.compile("^invoice-close SetAside ran")).click()
    expect(panel).to_contain_text("invoice-close-dlq")
    # The message that was set aside is an effect of that step.
    panel.locator(".causes").get_by_role("button").last.click()
    expect(panel).to_contain_text("message")
