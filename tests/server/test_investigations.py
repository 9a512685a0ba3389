"""An investigation is prepared from what is wrong, keeps its record, and finds what the affected have in common."""

from __future__ import annotations

import json
import os
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from lambda_logs import report, write
from orders import place
from otlp import span, traces
from running import COMMAND, HTTP, Coldtrail, serving

SOON_S = 180.0
ENV = {"COLDTRAIL_NOTIFY": '{"period_s": 1}'}
STREAM_OF_8 = "2026/11/21/[8]1b1b2c3d4e5f60718293a4b5c6d7e8f9"
HOSTILE = "<script>alert(1)</script> | [x](javascript:alert(1))\n# not a heading"


def send(coldtrail: Coldtrail, method: str, path: str, body: Any = None) -> httpx.Response:
    return HTTP.request(method, f"{coldtrail.url}/api/v1{path}", json=body, timeout=60)


def opened(coldtrail: Coldtrail, **start: str) -> dict[str, Any]:
    answer = send(coldtrail, "POST", "/investigations", start)
    assert answer.status_code in (200, 201), answer.text
    made: dict[str, Any] = answer.json()
    return made


def run(coldtrail: Coldtrail, function: str, well: int = 24, failed: int = 12) -> str:
    """Runs of version 7 that go well, and of version 8 for customers of one plan that do not; return a request id of these."""
    ids = [str(uuid.uuid4()) for _ in range(well + failed)]

    def lines(request_id: str, plan: str, *more: str, status: str = "") -> list[str]:
        said = json.dumps({"level": "INFO", "message": "charging", "plan": plan, "region": "eu", "order": request_id[:8], "function_request_id": request_id})
        return [f"START RequestId: {request_id} Version: 7", said, *more, report(request_id, more=status)]

    good = [line for one in ids[:well] for line in lines(one, "basic")]
    bad = [
        line
        for one in ids[well:]
        for line in lines(one, "gold", "[ERROR] ConnectionError: ledger refused\nTraceback (most recent call last):", status="Status: error\tError Type: ConnectionError")
    ]
    write(coldtrail, function, *good)
    write(coldtrail, function, *bad, stream=STREAM_OF_8)
    coldtrail.eventually("/before-after", lambda said: said["before"]["count"] + said["after"]["count"] == well + failed, SOON_S, about=function, at="now")
    return ids[-1]


def finding_about(coldtrail: Coldtrail, scope: str, kind: str = "error") -> dict[str, Any]:
    found = coldtrail.eventually("/findings", lambda said: any(one["kind"] == kind for one in said["findings"]), SOON_S, about=scope)
    one: dict[str, Any] = next(one for one in found["findings"] if one["kind"] == kind)
    return one


def test_what_the_affected_have_and_others_have_not_is_named(coldtrail: Coldtrail) -> None:
    function = f"charge-{os.urandom(3).hex()}"
    run(coldtrail, function)

    def complete(said: dict[str, Any]) -> bool:
        return (said["bad_count"], said["other_count"]) == (12, 24) and len(said["suspects"]) >= 2

    told = coldtrail.eventually("/contrast", complete, SOON_S, about=function)
    suspects = {(one["name"], one["value"]): one for one in told["suspects"]}
    assert {("faas.version", "8"), ("plan", "gold")} <= suspects.keys()
    assert ("region", "eu") not in suspects, "all have it"
    plan = suspects["plan", "gold"]
    assert (plan["bad_count"], plan["other_count"], plan["lift"], plan["services"]) == (12, 0, None, [function])
    assert not told["sampled"]
    assert {one["name"] for one in told["symptoms"]} >= {"error.type"}
    course = coldtrail.api("/before-after", about=function, at="now")
    assert (course["kind"], course["before"]["count"], course["before"]["error_count"]) == ("service", 36, 12)
    assert sum(point["count"] for point in course["points"]) == 36
    affected = coldtrail.eventually("/affected", lambda said: (len(said["trails"]), len(said["causes"])) == (12, 1), SOON_S, about=function)
    (cause,) = affected["causes"]
    looked_at = sum(one["cause"] is not None for one in affected["trails"])
    assert (cause["service"], cause["kind"], cause["count"]) == (function, "failed", looked_at)
    assert 1 <= looked_at <= 8
    assert "ConnectionError: ledger refused" in cause["words"]


def test_traces_are_contrasted_by_attributes_of_any_of_their_services_and_slow_ones_too(coldtrail: Coldtrail) -> None:
    shop, pdf = f"shop-{os.urandom(3).hex()}", f"pdf-{os.urandom(3).hex()}"
    spans = []
    for number in range(40):
        slow = number % 5 == 0
        root = span("GET /invoice", service=shop, kind=2, duration_ms=900.0 if slow else 20.0, attributes={"customer.plan": "gold" if slow else "basic", "http.route": f"/{shop}"})
        spans.append(root)
        if slow:
            spans.append(span("render", service=pdf, kind=2, trace_id=root["trace_id"], parent=root["span_id"], attributes={"renderer": "v2"}))
    assert coldtrail.post("/v1/traces", traces(*spans)).status_code == 200
    suspects = {("customer.plan", "gold"), ("took part", pdf), ("renderer", "v2")}

    def complete(said: dict[str, Any]) -> bool:
        return (said["bad_count"], said["other_count"]) == (8, 32) and {(one["name"], one["value"]) for one in said["suspects"]} == suspects

    coldtrail.eventually("/contrast", complete, SOON_S, about=shop, bad="slow", slower_than_ms=500)
    usual = coldtrail.api("/contrast", about=shop, bad="slow")
    assert 20 <= usual["slower_than_ms"] <= 900, "the 90th percentile of these, as nothing ran before"
    coldtrail.eventually("/before-after", lambda said: (said["kind"], said["before"]["count"]) == ("value", 40), SOON_S, about=f"/{shop}", at="now")
    coldtrail.eventually("/affected", lambda said: len(said["trails"]) == 8, SOON_S, about=shop, bad="slow", slower_than_ms=500)


def test_an_investigation_is_prepared_from_an_alert_and_its_record_outlives_a_restart(tmp_path: Path) -> None:
    function = f"pay-{os.urandom(3).hex()}"
    with serving(tmp_path / "data", env=ENV) as coldtrail:
        request_id = run(coldtrail, function, well=12, failed=6)
        one = finding_about(coldtrail, function)
        alerts = coldtrail.eventually("/alerts", lambda said: any(row["name"] == "new-finding" and row["phase"] == "firing" for row in said["alerts"]), SOON_S)
        row = next(row for row in alerts["alerts"] if row["name"] == "new-finding" and row["phase"] == "firing")
        from_alert = opened(coldtrail, kind="alert", id="new-finding", group=row["group"], by="ada")
        assert from_alert["scopes"] == [function]
        assert from_alert["since"] < from_alert["at"] < from_alert["until"]
        assert "ConnectionError" in from_alert["symptom"]
        prepared = coldtrail.api("/investigations/prepared", kind="alert", id="new-finding", group=row["group"])
        assert (prepared["scopes"], prepared["at"]) == (from_alert["scopes"], from_alert["at"])
        again = send(coldtrail, "POST", "/investigations", {"kind": "alert", "id": "new-finding", "group": row["group"]})
        assert (again.status_code, again.json()["id"]) == (200, from_alert["id"]), "one alert is looked into once"

        from_finding = opened(coldtrail, kind="finding", id=one["finding_id"])
        assert (from_finding["scopes"], from_finding["name"]) == ([function], one["title"])
        assert from_finding["trail_ids"]
        trail_id = from_finding["trail_ids"][0]
        assert opened(coldtrail, kind="trail", id=trail_id)["trail_ids"] == [trail_id]
        assert opened(coldtrail, kind="value", id=request_id)["scopes"] == [function]

        path = f"/investigations/{from_alert['id']}"
        for screen in (f"/trail/{trail_id}", f"/trail/{trail_id}", f"/function/{function}"):
            assert send(coldtrail, "POST", f"{path}/entries", {"kind": "look", "text": "A screen", "link": screen, "by": "ada"}).status_code == 201
        noted = send(coldtrail, "POST", f"{path}/entries", {"kind": "note", "text": HOSTILE, "by": "ada"}).json()
        assert send(coldtrail, "POST", path, {"name": "Ledger refuses"}).json()["name"] == "Ledger refuses"
        text = coldtrail.get(f"{path}.md")
        assert text.headers["content-type"] == "text/markdown; charset=utf-8"
        assert "attachment" in text.headers["content-disposition"]
        for told in ("# Ledger refuses", "## Symptom", "## Scope", "## Where it goes wrong", "## Affected trails", "## Findings", "## Suspects", "## Record"):
            assert told in text.text.splitlines()
        assert f"/trail/{trail_id}" in text.text
        assert "<script>" not in text.text
        assert "plan = gold" in text.text
    with serving(tmp_path / "data", env=ENV) as coldtrail:
        kept = coldtrail.api(path)
        assert (kept["name"], kept["state"], kept["by"]) == ("Ledger refuses", "open", "ada")
        assert [(entry["kind"], entry["link"]) for entry in kept["entries"]] == [("look", f"/trail/{trail_id}"), ("look", f"/function/{function}"), ("note", "")]
        assert kept["entries"][2]["text"] == HOSTILE
        left = send(coldtrail, "DELETE", f"{path}/entries/{noted['id']}").json()["entries"]
        assert len(left) == 2
        assert send(coldtrail, "POST", path, {"state": "closed"}).json()["state"] == "closed"
        listed = coldtrail.api("/investigations")["investigations"]
        assert [one["state"] for one in listed] == ["open", "open", "open", "closed"]
        assert [(one["look_count"], one["note_count"]) for one in coldtrail.api("/investigations", which="closed")["investigations"]] == [(2, 0)]
        assert opened(coldtrail, kind="alert", id="new-finding", group=row["group"])["id"] != kept["id"], "that one is over"
        assert send(coldtrail, "DELETE", path).status_code == 200
        assert coldtrail.get(path).status_code == 404
        assert send(coldtrail, "POST", f"{path}/entries", {"kind": "note", "text": "late"}).status_code == 404


def test_a_step_that_never_happened_is_where_it_goes_wrong(coldtrail: Coldtrail) -> None:
    shop = f"shop-{os.urandom(3).hex()}"
    spec = {
        "origin": {"kind": "request", "service": shop, "name": "POST /order"},
        "within": "5s",
        "steps": [{"name": "accepted", "match": {"service": shop, "name": "POST /order"}}, {"name": "packed", "match": {"kind": "invocation", "service": f"{shop}-pack"}}],
    }
    assert send(coldtrail, "PUT", f"/definitions/workflow/{shop}", {"spec": spec}).status_code == 201
    for number in range(12):
        place(coldtrail, shop, packed=int(number >= 4), ago_s=30)

    def complete(said: dict[str, Any]) -> bool:
        return (said["bad_count"], said["other_count"]) == (4, 8)

    told = coldtrail.eventually("/contrast", complete, SOON_S, about=shop, bad="outcome")
    assert told["kind"] == "workflow"
    affected = coldtrail.eventually("/affected", lambda said: (len(said["trails"]), len(said["causes"])) == (4, 1), SOON_S, workflow=shop, bad="outcome")
    (cause,) = affected["causes"]
    assert (cause["kind"], cause["count"]) == ("incomplete", sum(one["cause"] is not None for one in affected["trails"]))
    assert "packed" in cause["words"]
    ground = coldtrail.api("/investigations/prepared", kind="trail", id=affected["trails"][0]["trail_id"])
    assert (ground["workflow"], ground["bad"]) == (shop, "outcome")
    coldtrail.eventually("/before-after", lambda said: (said["before"]["count"], said["before"]["error_count"]) == (12, 4), SOON_S, about=shop, kind="workflow", at="now")


def test_what_is_not_there_and_what_is_too_much_is_refused(coldtrail: Coldtrail) -> None:
    for kind in ("alert", "finding", "trail", "value"):
        answer = send(coldtrail, "POST", "/investigations", {"kind": kind, "id": f"none-{uuid.uuid4()}"})
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json"), answer.text
    one = span("GET /", service="bounds", kind=2)
    assert coldtrail.post("/v1/traces", traces(one)).status_code == 200
    trail_id = one["trace_id"].hex()
    coldtrail.eventually(f"/trails/{trail_id}", lambda said: bool(said["nodes"]))
    made = opened(coldtrail, kind="trail", id=trail_id, name="x" * 200)
    path = f"/investigations/{made['id']}"
    look, note = {"kind": "look", "text": "A screen"}, {"kind": "note", "text": "found"}
    refused: list[dict[str, Any]] = [
        look,
        {**look, "link": "https://evil.example/"},
        {**look, "link": "//evil.example/"},
        {**look, "link": "/\\evil.example"},
        {**look, "link": "/trail/a b"},
        {**look, "link": "/" + "a" * 2_001},
        {**look, "link": "/find", "text": "a" * 301},
        {**note, "text": "a" * 5_001},
        {**note, "text": "  \n"},
        {**note, "by": ""},
        {**note, "more": 1},
        {"kind": "alarm", "text": "found"},
    ]
    for body in refused:
        answer = send(coldtrail, "POST", f"{path}/entries", body)
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), (body, answer.text[:200])
    for body in ({"name": ""}, {"name": "x" * 201}, {"state": "gone"}):
        assert send(coldtrail, "POST", path, body).status_code == 400, body
    assert send(coldtrail, "DELETE", f"{path}/entries/99999999").status_code == 404
    assert coldtrail.get("/contrast").status_code == 400
    assert coldtrail.get("/contrast", about="x", bad="ugly").status_code == 400
    for at in ("soon", "²", "9" * 5_000, "now-" + "9" * 5_000 + "h"):
        assert coldtrail.get("/before-after", about="x", at=at).status_code == 400, at[:20]
    assert coldtrail.api("/contrast", about=f"nobody-{time.time_ns()}")["suspects"] == []
    with httpx.Client(base_url=f"{coldtrail.url}/api/v1", timeout=90) as client:
        statuses = [client.post(f"{path}/entries", json=note).status_code for _ in range(501)]
    assert statuses == [201] * 500 + [400]
    assert send(coldtrail, "DELETE", path).status_code == 200


def test_of_several_who_open_one_at_once_all_meet_in_the_same(coldtrail: Coldtrail) -> None:
    root = span("GET /meet", service=f"meet-{os.urandom(3).hex()}", kind=2, error="ValueError")
    assert coldtrail.post("/v1/traces", traces(root)).status_code == 200
    start = {"kind": "trail", "id": root["trace_id"].hex(), "by": "ada"}
    coldtrail.eventually("/investigations/prepared", lambda said: bool(said["symptom"]), SOON_S, kind="trail", id=start["id"])
    with ThreadPoolExecutor(8) as people:
        answers = list(people.map(lambda _: send(coldtrail, "POST", "/investigations", start), range(8)))
    assert sorted(one.status_code for one in answers) == [200] * 7 + [201]
    (id_,) = {one.json()["id"] for one in answers}

    def said(*arguments: str) -> str:
        return subprocess.run([COMMAND, "investigations", *arguments, "--url", coldtrail.url], capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "200"}).stdout

    assert send(coldtrail, "POST", f"/investigations/{id_}/entries", {"kind": "note", "text": "It met.", "by": "ada"}).status_code == 201
    assert "It met." in said(id_)
    assert said(id_, "--markdown").startswith("# ")
    assert id_ in {one["id"] for one in json.loads(said("--json", "--which", "open"))["investigations"]}
