"""From an alert's link to the cause in two clicks, and an investigation that keeps what was looked at."""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from replay import replay

from lambda_logs import report, write
from orders import place
from receiver import Receiver, receiving
from running import HTTP, Coldtrail, serving, wait_for
from signups import ERROR, Overtaken

ENV = {"COLDTRAIL_NOTIFY": '{"allow": ["127.0.0.0/8"], "period_s": 1}'}
SOON_S = 180.0
LINE = "ledger refused the entry"
INVOICE = {"service": "invoice-close-requests"}


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Coldtrail, Receiver]]:
    """A server that tells everything to one webhook."""
    with receiving() as receiver, serving(tmp_path_factory.mktemp("investigations") / "data", env=ENV) as coldtrail:
        define(coldtrail, "route", "on-call", {"to": {"type": "webhook", "url": receiver.url}, "default": True})
        yield coldtrail, receiver


def told_of(receiver: Receiver, *names: str) -> list[dict[str, Any]]:
    """Everything that was told of some names, oldest first."""
    return [one.body for one in list(receiver.told) if any(name in json.dumps(one.body) for name in names)]


def alert_about(coldtrail: Coldtrail, alert: str, name: str) -> dict[str, Any]:
    """Where the group of an alert stands that is about a name, {} while there is none."""
    rows = coldtrail.api("/alerts")["alerts"]
    return next((one for one in rows if one["name"] == alert and name in json.dumps(one)), {})


def wrong(page: Page) -> Locator:
    return page.get_by_role("region", name="Where it goes wrong")


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


def test_an_alert_leads_to_its_cause_in_two_clicks_and_the_way_there_is_kept(page: Page, hooked: tuple[Coldtrail, Receiver]) -> None:
    coldtrail, receiver = hooked
    function, shop = f"ledger-{os.urandom(3).hex()}", f"shop-{os.urandom(3).hex()}"
    fail(coldtrail, function)
    never_packed(coldtrail, shop)
    told = wait_for(lambda: {one["alert"]: one["link"] for one in told_of(receiver, function, shop)}, lambda found: {"new-finding", "workflow-outcomes"} <= found.keys(), SOON_S)

    page.goto(told["workflow-outcomes"])
    expect(wrong(page)).to_contain_text("packed")
    wrong(page).get_by_role("link").first.click()
    expect(page).to_have_url(re.compile(r"/trail/.*sel="))
    expect(page.get_by_text(re.compile("packed")).first).to_be_visible()

    page.goto(told["new-finding"])
    expect(wrong(page)).to_contain_text(f"ConnectionError: {LINE}")
    for shown in ("Scope", "Affected trails", "Findings about it", "Deployments around it", "Suspects"):
        expect(page.get_by_role("region", name=shown)).to_be_visible()
    alert = page.url
    wrong(page).get_by_role("link").first.click()
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


def test_a_dependency_that_times_out_three_times_is_one_alert_that_leads_to_it(page: Page, hooked: tuple[Coldtrail, Receiver]) -> None:
    coldtrail, receiver = hooked
    replay("invoice_close", coldtrail.otlp_http, time.time_ns() - 20 * 10**9)
    (told,) = wait_for(lambda: told_of(receiver, "publish-ledger-entry"), bool, SOON_S)
    # Whoever was told is not told again that the invoice was not closed; whoever was not is.
    define(coldtrail, "route", "billing", {"to": {"type": "webhook", "url": f"{receiver.url}/billing"}})
    define(coldtrail, "alert", "invoices", {"check": {"type": "outcome", "workflow": "invoice-close"}, "routes": ["billing"]})
    steps = [{"name": "closed", "match": {"kind": "message", "service": "invoices-closed"}}]
    define(coldtrail, "workflow", "invoice-close", {"origin": INVOICE, "within": "5s", "steps": steps})
    wait_for(lambda: alert_about(coldtrail, "workflow-outcomes", "invoice-close"), lambda row: row.get("muted") == "part of new-finding", SOON_S)

    page.goto(told["link"])
    expect(wrong(page)).to_contain_text("ledger-api did not answer within 2.8 s")
    wrong(page).get_by_role("link").first.click()
    expect(page).to_have_url(re.compile(r"/trail/.*sel="))
    expect(page.get_by_role("complementary", name="Selected node").locator(".logs")).to_contain_text('"dependency": "ledger-api"')
    page.get_by_role("button", name=re.compile(r"^\d+ more$")).first.click()
    expect(page.locator(".story").get_by_role("button", name=re.compile("^publish-ledger-entry failed with LedgerTimeout"))).to_have_count(3)
    expect(page.locator(".story").get_by_role("button", name=re.compile("^invoice-close SetAside ran"))).to_be_visible()
    wait_for(lambda: told_of(receiver, "invoice-close"), lambda found: "invoices" in {one["alert"] for one in found}, SOON_S)
    told_where = [(one.path, one.body["alert"]) for one in list(receiver.told) if one.body in told_of(receiver, "publish-ledger-entry", "invoice-close")]
    assert sorted(told_where) == [("/", "new-finding"), ("/billing", "invoices")]


def test_steps_out_of_order_are_one_alert_that_names_the_order(page: Page, hooked: tuple[Coldtrail, Receiver]) -> None:
    coldtrail, receiver = hooked
    mark = os.urandom(3).hex()
    signup = Overtaken(mark)
    define(coldtrail, "workflow", f"onboarding-{mark}", signup.workflow())
    signup.tell(coldtrail)
    (told,) = wait_for(lambda: told_of(receiver, mark), bool, SOON_S)
    assert told["alert"] == "workflow-outcomes"
    # The lines of the function that fails of it come later, and are the same trouble.
    signup.fail(coldtrail)
    wait_for(lambda: alert_about(coldtrail, "new-finding", signup.welcome), lambda row: row.get("muted") == "part of workflow-outcomes", SOON_S)

    page.goto(told["link"])
    order = '"profile" is out of order: it began after 2.0 s, before "account" was done after 4.0 s'
    expect(wrong(page)).to_contain_text(order)
    if folder := os.environ.get("SHOTS"):
        page.wait_for_timeout(2500)
        page.screenshot(path=f"{folder}/out-of-order.png", full_page=True)
    wrong(page).get_by_role("link", name=signup.profile).click()
    expect(page).to_have_url(re.compile(r"/trail/.*sel="))
    expect(page.get_by_text(order).first).to_be_visible()
    expect(page.locator(".story")).to_contain_text(ERROR)
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/out-of-order-trail.png", full_page=True)
    assert [one["alert"] for one in told_of(receiver, mark)] == ["workflow-outcomes"]
