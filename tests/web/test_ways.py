"""Ways to get somewhere: the palette, the heatmap, a dropped file."""

from __future__ import annotations

import json
import re
import time

from playwright.sync_api import Page, expect
from told import Told

from running import HTTP, wait_for


def test_ctrl_k_goes_to_a_function_by_a_few_letters(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/connect")
    expect(page.get_by_role("heading", name="Connect")).to_be_visible()
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name=re.compile("Go to"))
    box.fill("ingest")
    expect(page.get_by_role("option", name=re.compile("^activity-ingest function"))).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/function/activity-ingest"))


def test_ctrl_k_goes_to_a_stream_and_to_any_value(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/overview")
    expect(page.locator(".verdict strong")).to_be_visible()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name=re.compile("Go to")).fill("stream")
    page.get_by_role("option", name=re.compile("^activity-stream Kinesis stream")).click()
    expect(page).to_have_url(re.compile("/resource/activity-stream"))
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name=re.compile("Go to")).fill(told.asked)
    page.get_by_role("option", name=re.compile("everything about it")).click()
    expect(page).to_have_url(re.compile(f"/about/{told.asked}"))


def test_a_cell_of_the_heatmap_narrows_the_list(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/trails?status=error")
    expect(page.locator("tbody tr")).to_have_count(len(told.failed))
    heat = page.locator(".heatmap canvas")
    expect(heat).to_be_visible()
    where = page.wait_for_function(
        """() => {
          const canvas = document.querySelector(".heatmap canvas"), box = canvas.getBoundingClientRect();
          const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height), ratio = canvas.width / box.width;
          for (let x = 60; x < canvas.width; x++) for (let y = 8; y < canvas.height - 24; y++) {
            const [r, g, b] = pixels.data.slice((y * canvas.width + x) * 4, (y * canvas.width + x) * 4 + 3);
            if (r > 150 && g < 80 && b < 80) return { x: (x + 2) / ratio, y: (y + 1) / ratio };
          }
          return null;
        }"""
    ).json_value()
    heat.click(position=where)
    expect(page).to_have_url(re.compile("min_ms="))
    expect(page).to_have_url(re.compile(r"t=[\dT:.\-]+Z\.\."))
    expect(page.locator("tbody tr")).not_to_have_count(len(told.failed))
    expect(page.locator("tbody tr").first).to_be_visible()


def test_a_dropped_xray_document_opens_its_trail(page: Page, told: Told) -> None:
    now = time.time()
    trace_id = f"1-{int(now):08x}-{'d0' * 12}"
    document = {"trace_id": trace_id, "id": "70de5b6f19ff9a0a", "name": "dropped-shop", "start_time": now - 2, "end_time": now - 1}
    page.goto(f"{told.url}/connect")
    page.get_by_label("Files to take in").set_input_files({"name": "segment.json", "mimeType": "application/json", "buffer": json.dumps(document).encode()})
    expect(page).to_have_url(re.compile(f"/trail/{trace_id[2:].replace('-', '')}"), timeout=60_000)
    expect(page.get_by_role("heading", level=1)).to_contain_text("dropped-shop")


def test_a_file_that_is_nothing_known_is_told_so(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/connect")
    page.get_by_label("Files to take in").set_input_files({"name": "holiday.txt", "mimeType": "text/plain", "buffer": b"just some text"})
    expect(page.get_by_role("region", name="Drop a file")).to_contain_text("holiday.txt")
    expect(page.get_by_role("region", name="Drop a file")).to_contain_text("this is no OTLP request")


def test_otlp_lines_as_a_collector_writes_them_are_taken_in(told: Told) -> None:

    spans = [
        {"traceId": f"{n:032x}", "spanId": f"{n:016x}", "name": f"line {n}", "kind": 2, "startTimeUnixNano": str(time.time_ns()), "endTimeUnixNano": str(time.time_ns() + 10**6)}
        for n in (0xD1, 0xD2)
    ]
    body = "\n".join(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}) for span in spans)
    answer = HTTP.post(f"{told.url}/api/v1/drop", content=body.encode(), timeout=30).json()
    assert answer == {"kind": "OTLP traces, JSON", "accepted": 2, "refused": 0, "reasons": [], "trace_ids": [f"{0xD1:032x}", f"{0xD2:032x}"]}
    wait_for(lambda: HTTP.get(f"{told.url}/api/v1/trails/{0xD2:032x}", timeout=30).status_code, lambda status: status == 200)
