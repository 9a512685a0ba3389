"""Deployments: announced by the command and the API, guarded like every write, seen in telemetry, and judged by errors."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx

from lambda_logs import write
from otlp import span, traces
from running import COMMAND, HTTP, Coldtrail, serving

MINUTE_NS = 60 * 10**9


def announce(coldtrail: Coldtrail, **told: Any) -> httpx.Response:
    return HTTP.post(f"{coldtrail.url}/api/v1/deployments", json={"application": "shop", "version": "1", **told}, headers=coldtrail.headers)


def at(time_ns: int) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(time_ns // 10**9))}Z"


def test_a_pipeline_announces_a_deployment_and_what_became_of_it(coldtrail: Coldtrail) -> None:
    def say(*more: str) -> dict[str, Any]:
        command = [COMMAND, "deployment", "create", "--application", "books", "--version", "7", "--id", "run-7", "--url", coldtrail.url, "--json", *more]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    began = say("--status", "started", "--commit", "c0ffee", "--committed-at", "2026-11-20T10:00:00+01:00", "--service", "books-api")
    ended = say("--status", "succeeded")
    assert ended == {**began, "status": "succeeded"}
    assert (ended["commit"], ended["committed_at"], ended["services"]) == ("c0ffee", "2026-11-20T09:00:00.000000000Z", ["books-api"])
    answer = coldtrail.api("/deployments", application="books")
    assert [one["id"] for one in answer["deployments"]] == ["run-7"]
    (figures,) = answer["dora"]
    assert (figures["application"], figures["deployment_count"], figures["lead_time_count"], figures["change_fail_rate"]) == ("books", 1, 1, 0)
    assert set(answer["definitions"]) == {"deployment_frequency", "change_lead_time", "change_fail_rate", "failed_deployment_recovery_time", "deployment_rework_rate"}
    listed = subprocess.run([COMMAND, "deployment", "list", "--application", "books", "--url", coldtrail.url], capture_output=True, text=True, check=True)
    assert "books  7  production  succeeded" in listed.stdout


def test_a_deployment_that_says_nonsense_is_refused_with_its_reason(coldtrail: Coldtrail) -> None:
    for told, reason in (
        ({"status": "great"}, "great"),
        ({"when": "now"}, "when"),
        ({"version": ""}, "version"),
        ({"time": "noonish"}, "time must be"),
        ({"configuration": {"functions": {"f": {"provisioned_concurrency": -1}}}}, "provisioned_concurrency"),
        ({"configuration": {"colour": 1}}, "colour"),
    ):
        answer = announce(coldtrail, **told)
        assert answer.status_code == 400, told
        assert reason in answer.json()["detail"]
    assert HTTP.post(f"{coldtrail.url}/api/v1/deployments", content=b"[" * 100_000).status_code == 400


def test_only_who_may_write_may_announce(coldtrail: Coldtrail, tmp_path: Path) -> None:
    url = f"{coldtrail.url}/api/v1/deployments"
    body = {"application": "evil", "version": "1"}
    assert HTTP.post(url, json=body, headers={"origin": "http://evil.example"}).status_code == 403
    assert HTTP.post(url, json=body, headers={"host": "evil.example"}).status_code == 403
    with serving(tmp_path / "data", "--token", "secret", token="secret") as guarded:
        assert HTTP.post(f"{guarded.url}/api/v1/deployments", json=body).status_code == 401
        assert announce(guarded).status_code == 201
        assert guarded.api("/deployments")["deployments"]
    assert not coldtrail.api("/deployments", application="evil")["deployments"]


def test_lists_are_cut_into_pages(coldtrail: Coldtrail) -> None:
    now_ns = time.time_ns()
    for number in range(5):
        assert announce(coldtrail, application="paged", version=str(number), time=at(now_ns - number * MINUTE_NS)).status_code == 201
    seen, cursor = [], None
    for _ in range(3):
        page = coldtrail.api("/deployments", application="paged", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [one["version"] for one in page["deployments"]]
        cursor = page["cursor"]
    assert (seen, cursor) == (["0", "1", "2", "3", "4"], None)
    assert coldtrail.get("/deployments", cursor="%%%").status_code == 400


def test_a_deployment_after_which_errors_rose_has_failed_until_the_next_that_did_not(coldtrail: Coldtrail) -> None:
    deployed_ns = time.time_ns() // MINUTE_NS * MINUTE_NS - 100 * MINUTE_NS
    fine = [span(service="till-pay", kind=2, start_ns=deployed_ns - 5 * MINUTE_NS) for _ in range(60)]
    broken = [span(service="till-pay", kind=2, start_ns=deployed_ns + 5 * MINUTE_NS, error="Broken") for _ in range(20)]
    assert coldtrail.post("/v1/traces", traces(*fine, *broken)).status_code == 200
    for minutes, version in ((0, "1.1"), (90, "1.2")):
        assert announce(coldtrail, application="till", version=version, time=at(deployed_ns + minutes * MINUTE_NS)).status_code == 201
    answer = coldtrail.eventually("/deployments", lambda found: any(one["failed"] for one in found["deployments"]), application="till")
    assert [one["failed"] for one in answer["deployments"]] == [None, "the error rate of its services rose from 0.0% to 100.0% in the hour after it"]
    (figures,) = answer["dora"]
    assert (figures["change_fail_rate"], figures["recovery_time_ms"]) == (0.5, 90 * 60_000)


def test_a_new_version_in_telemetry_is_seen_without_being_announced(coldtrail: Coldtrail) -> None:
    function = f"versioned-{os.urandom(3).hex()}"
    write(coldtrail, function, "first", stream="2026/11/21/[1]0a1b")
    coldtrail.eventually("/logs", lambda found: len(found["logs"]) == 1, service=function)
    time.sleep(1.1)  # versions are told apart by the second of their receipt
    write(coldtrail, function, "second", stream="2026/11/21/[2]0a1b")
    seen = coldtrail.eventually("/deployments", lambda found: any(function in one["services"] for one in found["seen"]))["seen"]
    (mine,) = [one for one in seen if function in one["services"]]
    assert (mine["version"], mine["previous"], mine["attribute"]) == ("2", "1", "faas.version")
