"""Story 1's six questions about one user, each answered on the page; and the pages of what lies behind the functions."""

from __future__ import annotations

import re

from activity import ERROR
from playwright.sync_api import Locator, Page, expect
from told import Told


def question(page: Page, start: str) -> Locator:
    return page.locator(".told-answers > div").filter(has=page.locator("dt", has_text=start)).locator("dd")


def test_six_questions_about_one_user_are_answered_on_one_page(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/connect")
    expect(page.get_by_role("heading", name="Connect")).to_be_visible()
    page.keyboard.press("/")
    page.get_by_role("textbox", name="Any id or value").fill(told.asked)
    page.get_by_role("link", name="Everything about it").click()
    expect(page).to_have_url(re.compile(f"/about/{told.asked}"))
    endpoint = question(page, "Does the endpoint work")
    expect(endpoint).to_contain_text("POST /activity returned 202 2 times")
    expect(endpoint).to_contain_text("GET /users/{id}/history returned 200 once")
    behind = question(page, "Did the function behind it succeed")
    expect(behind).to_contain_text("activity-api-post succeeded 2 times of 2")
    expect(behind).to_contain_text("activity-history-get succeeded once")
    expect(question(page, "What is stored")).to_contain_text("activities: 1 Query, 1 PutItem; all succeeded")
    expect(page.get_by_role("row", name=re.compile("PutItem activities activity-ingest ok"))).to_be_visible()
    validating = question(page, "Is the function that takes and checks it failing")
    expect(validating).to_contain_text(f"activity-ingest failed 1 of 2 times (ConnectionError: {ERROR}")
    stream = question(page, "How is the stream")
    expect(stream).to_contain_text("activity-stream: 2 messages, half waited up to")
    expect(question(page, "Does ingestion err or lag")).to_contain_text("It errs: 1 of 2 deliveries failed, and does not lag")


def test_from_the_users_failing_function_to_its_log_line(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/about/{told.asked}")
    question(page, "Is the function that takes and checks it failing").get_by_role("link", name="show it").click()
    expect(page).to_have_url(re.compile(f"/trail/{told.failed[0].trace_id}"))
    expect(page.get_by_role("complementary", name="Selected node").locator(".logs .error")).to_contain_text(ERROR)


def test_the_overview_lists_entries_with_their_answers(page: Page, told: Told) -> None:
    page.goto(told.url)
    posted = page.get_by_role("row", name=re.compile("^POST .activity"))
    # A test of live mode may have sent one more.
    expect(posted).to_contain_text(re.compile("202 ×7[678]"))
    read = page.get_by_role("row", name=re.compile("^GET .users.{id}.history"))
    expect(read).to_contain_text("200 ×1")
    read.get_by_role("link", name=re.compile("^200 at")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("GET /users/{id}/history")


def test_a_stream_says_how_it_is_doing(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/overview")
    page.get_by_role("row", name=re.compile("^activity-stream Kinesis stream")).get_by_role("link").click()
    expect(page.locator(".verdict strong")).to_contain_text(re.compile("The stream delivers, but activity-ingest fails 7 of 7[678] attempts, ConnectionError"))
    facts = page.locator(".summary")
    expect(facts).to_contain_text(re.compile(r"messages\s*7[678]"))
    expect(facts).to_contain_text(re.compile(r"waited p50\s*8\d\d"))
    expect(facts).to_contain_text(re.compile(r"backlog\s*unknown"))
    expect(page.get_by_text("How many wait in it right now is not in the telemetry received")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^activity-api-post send"))).to_contain_text(re.compile("7[678]"))
    expect(page.locator(".trails-table tbody tr")).to_have_count(8)


def test_a_table_says_who_writes_and_reads_it(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/resource/activities")
    expect(page.locator(".verdict strong")).to_have_text("All calls to it succeed")
    expect(page.get_by_role("row", name=re.compile("^activity-ingest PutItem"))).to_contain_text(str(len(told.well)))
    expect(page.get_by_role("row", name=re.compile("^activity-history-get Query"))).to_be_visible()


def test_a_message_and_a_table_call_of_a_trail_lead_to_their_pages(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/trail/{told.well[-1].trace_id}")
    page.get_by_role("button", name=re.compile("^activity-stream .* was sent")).click()
    panel = page.get_by_role("complementary", name="Selected node")
    panel.get_by_role("link", name="how it is doing").click()
    expect(page).to_have_url(re.compile(r"/resource/activity-stream\?.*kind=kinesis"))
    expect(page.get_by_role("heading", level=1)).to_have_text("activity-stream")


def test_a_resource_that_nobody_named_is_said_to_be_unknown(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/resource/no-such-queue")
    expect(page.get_by_role("alert")).to_contain_text("names a queue, stream, table or bucket")


def test_a_users_id_on_a_node_leads_to_everything_about_the_user(page: Page, told: Told) -> None:
    page.goto(f"{told.url}/trail/{told.failed[0].trace_id}")
    page.get_by_role("button", name=re.compile("POST .activity was called")).click()
    page.get_by_role("complementary", name="Selected node").get_by_role("link", name="about").first.click()
    expect(page).to_have_url(re.compile(f"/about/{told.asked}"))
    expect(question(page, "Does the endpoint work")).to_contain_text("POST /activity returned 202 2 times")
