"""What to watch and the limits in a real browser: every chart of a function and of a queue draws."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import lambda_logs
from running import Coldtrail, serving

sys.path.insert(0, str(Path(__file__).parents[1] / "watched"))

from cloudwatch_table import NAMES, TABLE
from metric_stream import MINUTE_MS, point, record

DRAWN = """figure => {
  const canvas = figure.querySelector('canvas');
  if (!canvas) return false;
  const colours = new Set(new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer));
  return colours.size > 2;
}"""


@pytest.fixture(scope="module")
def streamed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    """A server that was sent every metric of a function and of a queue for ten minutes, growing."""
    with serving(tmp_path_factory.mktemp("watched") / "data") as running:
        last_ms = time.time_ns() // 10**6 // MINUTE_MS * MINUTE_MS - MINUTE_MS
        rows = [row for row in TABLE if row[0] in ("lambda", "sqs")]
        points = [point(namespace, metric, dimensions, last_ms - minute * MINUTE_MS, [value * (20 - minute) for value in values]) for minute in range(15) for _, _, namespace, metric, dimensions, values, _ in rows]
        report = "REPORT RequestId: 0f5d1c9c-5c7e-4b0f-9d53-6a1b2c3d4e5f\tDuration: 12.00 ms\tBilled Duration: 12 ms\tMemory Size: 128 MB\tMax Memory Used: 60 MB\t"
        lines = lambda_logs.payload("/aws/lambda/place", [report])
        queue = lambda_logs.payload("/aws/lambda/place", ['{"level":"INFO","message":"sent","queue_name":"orders","sent_message_id":"8f7c2a70-9c0e-4f8a-b1de-1f2e3d4c5b6a"}'])
        assert lambda_logs.deliver(running, record(*points), lines, queue).status_code == 200
        running.eventually("/limits", lambda answer: any(row["id"] == "sqs.in_flight" and row["used"] for row in answer["limits"]))
        running.eventually("/functions/place", lambda answer: answer["summary"]["count"] == 1)
        running.eventually("/resources/orders", lambda answer: answer["kind"] == "sqs")
        yield running


@pytest.mark.parametrize(("service", "address"), [("lambda", "/function/place"), ("sqs", "/resource/orders?kind=sqs")])
def test_every_metric_to_watch_has_a_chart_that_is_drawn(page: Page, streamed: Coldtrail, service: str, address: str) -> None:
    page.goto(f"{streamed.url}{address}")
    charts = page.locator(".watched figure")
    expect(charts).to_have_count(sum(row[0] == service for row in TABLE))
    for number in range(charts.count()):
        chart = charts.nth(number)
        chart.scroll_into_view_if_needed()
        expect(chart.locator("canvas")).to_be_visible()
        page.wait_for_function(DRAWN, arg=chart.element_handle())
        expect(chart).to_contain_text("CloudWatch, last")
    assert NAMES[service] in page.title() or page.locator("h1").inner_text() == NAMES[service]
    expect(page.get_by_text("Not told by any signal")).to_have_count(0)


def test_limits_are_a_key_away_and_lead_to_what_they_limit(page: Page, streamed: Coldtrail) -> None:
    page.goto(f"{streamed.url}/overview")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("i")
    expect(page).to_have_url(f"{streamed.url}/limits")
    expect(page.get_by_role("status").filter(has_text="limit")).to_be_visible()
    concurrency = page.get_by_role("row").filter(has_text="One sandbox serves one request at a time")
    expect(concurrency).to_contain_text("of 1,000")
    expect(concurrency).to_contain_text("AWS's default")
    age = page.get_by_role("row").filter(has_text="deleted unread")
    expect(age.get_by_role("img")).to_be_visible()
    page.get_by_text("without any use that a signal tells").click()
    expect(page.get_by_text("Requests per second, all APIs")).to_be_visible()
    age.get_by_role("link", name="orders").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("orders")
