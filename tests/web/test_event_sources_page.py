"""Event sources in the browser: from the list to the queue, to why a message was given up, to its trail."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from lambda_logs import report, write
from otlp import span, traces
from running import Coldtrail, serving

MS = 10**6


@pytest.fixture(scope="module")
def queued(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    """A server that was told of a queue whose message failed three times, and was then taken from the dead-letter queue."""
    with serving(tmp_path_factory.mktemp("queued") / "data") as running:
        start_ns = time.time_ns() - 600_000 * MS
        sends = [span("send", service="shop", kind=4, start_ns=start_ns, attributes={"messaging.system": "aws_sqs", "messaging.destination.name": "orders", "messaging.message.id": f"m-{number}"}) for number in range(3)]
        running.post("/v1/traces", traces(*sends))
        taken = [("m-0", "bill", "orders", 2_000, ""), *(("m-1", "bill", "orders", 3_000 + 30_000 * number, "AddressError") for number in range(3)), ("m-1", "clerk", "orders-dlq", 120_000, ""), ("m-2", "bill", "orders", 4_000, "")]
        for number, (message, function, queue, at, error) in enumerate(taken):
            request = f"00000000-0000-4000-8000-{number:012d}"
            event = f'{{"level": "INFO", "function_request_id": "{request}", "message": {{"Records": [{{"messageId": "{message}", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:1:{queue}", "body": "x", "attributes": {{}}}}]}}}}'
            fault = [f"[ERROR] {error}: no address\nTraceback (most recent call last):\n  File \"app.py\""] if error else []
            write(running, function, f"START RequestId: {request} Version: 1", event, *fault, report(request) + (f"\nStatus: error\tError Type: {error}" if error else ""), start_ms=start_ns // MS + at)

        def complete(answer: dict[str, list[dict[str, object]]]) -> bool:
            known = {str(one["name"]): one for one in answer["event_sources"]}
            return known.keys() >= {"orders", "orders-dlq"} and (known["orders"]["taken_count"], known["orders"]["poison_count"], known["orders"]["dead_letter_count"]) == (3, 1, 1)

        running.eventually("/event-sources", complete, 90)
        yield running


def test_the_list_leads_to_why_a_message_was_given_up_and_to_its_trail(queued: Coldtrail, page: Page) -> None:
    page.goto(f"{queued.url}/overview")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("e")
    expect(page.get_by_role("status").filter(has_text="1 message fails again and again in orders")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("orders-dlq dead-letter queue"))).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/event-sources/sqs/orders"))
    letters = page.get_by_role("region", name=re.compile("Dead letters"))
    expect(letters.get_by_role("row", name=re.compile("AddressError: no address"))).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("Waiting of 3 messages"))).to_be_visible()
    expect(page.get_by_role("region", name=re.compile("What fails again and again"))).to_contain_text("AddressError: no address")
    letters.get_by_role("link", name="the failing invocation").click()
    expect(page).to_have_url(re.compile("/trail/"))
    expect(page.get_by_text("AddressError").first).to_be_visible()


def test_a_queue_as_a_resource_and_as_an_event_source_lead_to_each_other_and_to_the_map(queued: Coldtrail, page: Page) -> None:
    page.goto(f"{queued.url}/resource/orders?kind=sqs")
    page.get_by_role("link", name="its messages").click()
    expect(page).to_have_url(re.compile("/event-sources/sqs/orders"))
    page.get_by_role("link", name="on the map").click()
    expect(page).to_have_url(re.compile("/map.*sel=sqs"))
    page.get_by_role("complementary", name="About the map").get_by_role("link", name="its messages").click()
    page.get_by_role("link", name="its calls and metrics").click()
    expect(page).to_have_url(re.compile("/resource/orders"))


def test_an_empty_store_says_what_to_do_next(empty: Coldtrail, page: Page) -> None:
    page.goto(f"{empty.url}/event-sources")
    expect(page.get_by_role("heading", name="Event sources")).to_be_visible()
    expect(page.get_by_role("link", name="Connect something")).to_be_visible()
