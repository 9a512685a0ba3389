"""The lab is real: what its functions do is seen in what coldtrail is told."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from coldtrail_lab.lab import Lab
from running import Coldtrail, wait_for


def newest(coldtrail: Coldtrail, function: str) -> dict:
    return coldtrail.api(f"/functions/{function}")["invocations"][0]


def test_an_activity_is_followed_from_the_call_to_the_table_and_the_notification(told: tuple[Coldtrail, Lab]) -> None:
    coldtrail, lab = told
    status, answer = lab.post_activity("user-0042", {"id": "activity-1", "type": "run"})
    assert status == 202
    assert lab.drain()
    match = coldtrail.eventually("/find", lambda found: found["matches"], q=answer["id"])["matches"][0]
    whole = {"activity-api", "activity-api-post", "activities", "activity-ingest", "notifications", "activity-notify"}

    def settled(found: dict) -> bool:
        """All told: segments that were sent while in progress have ended, every REPORT line and the table's call are in."""
        invocations = [node for node in found["nodes"] if node["kind"] == "invocation"]
        calls = {node["name"].lower() for node in found["nodes"] if node["service"] == "activity-ingest" and node["kind"] == "operation"}
        named = whole <= {node["service"] for node in found["nodes"]} and "dynamodb" in calls
        return named and found["status"] != "open" and all(node["cold_start"] for node in invocations)

    trail = coldtrail.eventually(f"/trails/{match['trail_id']}", settled)
    assert trail["status"] == "ok"
    truth = {line["effect"]["id"] for line in lab.truth.lines if line["effect"]["type"] == "invocation" and line.get("subject") == "activity-1"}
    assert truth == {node["keys"]["request_id"] for node in trail["nodes"] if node["kind"] == "invocation"}
    assert [node["cold_start"] for node in trail["nodes"] if node["kind"] == "invocation"] == [True, True, True]
    assert not any(node["status"] == "open" for node in trail["nodes"])
    status, history = lab.get_history("user-0042")
    assert (status, history["activities"]) == (200, [{"id": "activity-1", "type": "run"}])


def test_a_second_call_reuses_the_sandbox(told: tuple[Coldtrail, Lab]) -> None:
    coldtrail, lab = told
    lab.post_activity("user-0001", {"id": "activity-2", "type": "swim"})
    assert lab.drain()
    page = coldtrail.eventually("/functions/activity-api-post", lambda found: found["summary"]["count"] == 2 and found["summary"]["init_p50_ms"])
    assert page["summary"]["cold_start_count"] == 1
    assert page["summary"]["init_p50_ms"] > 50
    assert page["summary"]["memory_used_max_mb"] > 20


def test_a_dropped_connection_is_a_connection_error_with_three_attempts(told: tuple[Coldtrail, Lab]) -> None:
    coldtrail, lab = told
    lab.faults.switch("connection-errors", 1.0)
    _, answer = lab.post_activity("user-0007", {"id": "activity-3-x", "type": "ride"})
    assert lab.drain()
    lab.faults.switch("connection-errors", 0.0)
    match = coldtrail.eventually("/find", lambda found: found["matches"], q=answer["id"])["matches"][0]

    def failed(found: dict) -> bool:
        """All three attempts have ended, and the lines that name the error are in."""
        attempts = [node for node in found["nodes"] if node["kind"] == "invocation" and node["service"] == "activity-ingest"]
        return len(attempts) == 3 and all(node["failure"] and node["failure"]["type"] == "ConnectionError" for node in attempts)

    trail = coldtrail.eventually(f"/trails/{match['trail_id']}", failed)
    ingests = [node for node in trail["nodes"] if node["kind"] == "invocation" and node["service"] == "activity-ingest"]
    assert [(node["attempt"], node["failure"]["type"]) for node in ingests] == [(1, "ConnectionError"), (2, "ConnectionError"), (3, "ConnectionError")]
    assert sum(edge["kind"] == "redelivers" for edge in trail["edges"]) == 2
    coldtrail.eventually("/functions/activity-ingest", lambda page: page["errors"] and page["errors"][0]["type"] == "ConnectionError")


@pytest.mark.parametrize(("fault", "status"), [("timeout", "timeout"), ("out-of-memory", "out_of_memory"), ("crash-init", "error")])
def test_what_happens_to_a_sandbox_is_told_as_it_was(told: tuple[Coldtrail, Lab], fault: str, status: str) -> None:
    coldtrail, lab = told
    lab.faults.switch(fault, 1.0)
    message = lab.aws.client("sqs").send_message(QueueUrl=lab.story.queue_url, MessageBody='{"user_id": "user-9", "activity_id": "a"}')
    try:
        wait_for(lambda: coldtrail.api("/functions/activity-notify", since="now-15m"), lambda page: any(one["status"] == status for one in page["invocations"]))
    finally:
        lab.faults.switch(fault, 0.0)
    coldtrail.eventually("/functions/activity-notify", lambda page: page["errors"])
    wait_for(lambda: lab.story.waiting(), lambda waiting: waiting == 0)
    taken = [line for line in lab.truth.lines if line["cause"].get("id") == message["MessageId"]]
    assert taken[0]["kind"] == "delivers"


def test_ctrl_c_leaves_no_process(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    command = [sys.executable, "-m", "coldtrail_lab", "run", "--otlp-http", "http://127.0.0.1:9", "--xray", "127.0.0.1:9", "--rate", "4", "--ready-file", str(ready)]
    command += ["--story", "mirage", "--story", "costs-moved", "--schedule-s", "1", "--metrics-s", "1", "--deploy-after", "0.5", "--api", "http://127.0.0.1:9"]
    lab = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    wait_for(ready.exists, bool)
    wait_for(lambda: _children(lab.pid), lambda found: len(found) >= 2)
    children = _children(lab.pid)
    lab.send_signal(signal.SIGINT)
    assert lab.wait(180) == 0
    assert "stopped" in lab.communicate()[0]
    wait_for(lambda: [pid for pid in children if Path(f"/proc/{pid}").exists()], lambda left: not left)


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(stat.parent.name))
        except (OSError, ValueError, IndexError):
            continue
    return found


