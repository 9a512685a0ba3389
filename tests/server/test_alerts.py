"""Alerts of a running server: from what was sent to it, over a real webhook, to what people see and decide."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lambda_logs import report, write
from otlp import span, traces
from receiver import Receiver, Told, receiving
from running import COMMAND, HTTP, Coldtrail, serving, wait_for

SOON_S = 180
ENV = {"COLDTRAIL_NOTIFY": '{"allow": ["127.0.0.0/8"], "period_s": 1, "page_url": "https://watch.example"}', "COLDTRAIL_SECRET_HOOK": "hush-hush"}


@pytest.fixture(scope="module")
def hooked(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Coldtrail, Receiver]]:
    with receiving() as receiver, serving(tmp_path_factory.mktemp("alerts") / "data", env=ENV) as coldtrail:
        yield coldtrail, receiver


def client(coldtrail: Coldtrail) -> httpx.Client:
    return httpx.Client(base_url=f"{coldtrail.url}/api/v1", timeout=90)


def define(coldtrail: Coldtrail, kind: str, name: str, spec: dict[str, Any]) -> None:
    answer = HTTP.put(f"{coldtrail.url}/api/v1/definitions/{kind}/{name}", json={"spec": spec, "by": "ada"}, timeout=30)
    assert answer.status_code in (200, 201), answer.text


def hook(coldtrail: Coldtrail, receiver: Receiver, name: str, **more: Any) -> None:
    define(coldtrail, "route", name, {"to": {"type": "webhook", "url": f"{receiver.url}/{name}", "secret": "env:COLDTRAIL_SECRET_HOOK"}, **more})


def requests(coldtrail: Coldtrail, service: str, good: int, bad: int = 0) -> None:
    spans = [span("GET /", service=service, kind=2, error="ValueError" if number < bad else "") for number in range(good + bad)]
    assert coldtrail.post("/v1/traces", traces(*spans)).status_code == 200


def told(receiver: Receiver, path: str) -> list[Told]:
    return [one for one in list(receiver.told) if one.path == f"/{path}"]


def test_a_share_of_errors_is_told_once_signed_and_taken_back(hooked: tuple[Coldtrail, Receiver]) -> None:
    coldtrail, receiver = hooked
    service = f"shop-{os.urandom(3).hex()}"
    hook(coldtrail, receiver, "phone")
    check = {"type": "threshold", "figure": "error_share", "scope": service, "above": 0.2, "over": "5m", "least": 5}
    define(coldtrail, "alert", service, {"check": check, "title": "Shop fails", "routes": ["phone"], "runbook": "https://wiki.example/shop"})
    requests(coldtrail, service, 6, 4)
    (first,) = wait_for(lambda: told(receiver, "phone"), lambda found: len(found) == 1, SOON_S)
    at, _, digest = first.headers["x-coldtrail-signature"].partition(",v1=")
    signed = hmac.new(b"hush-hush", f"{at.removeprefix('t=')}.".encode() + first.raw, hashlib.sha256)
    assert hmac.compare_digest(signed.hexdigest(), digest)
    body = first.body
    assert (body["event"], body["status"], body["title"], body["severity"]) == ("fired", "firing", "Shop fails", "high")
    assert body["why"] == f"{service}: error_share 0.4, over 0.2"
    assert body["link"].startswith(f"https://watch.example/alerts/{service}?at=20")
    assert (body["value"], body["parts"][0]["scope"]) == (0.4, service)

    def row() -> list[tuple[Any, ...]]:
        return [(one["phase"], one["told"], one["scopes"]) for one in coldtrail.api("/alerts")["alerts"] if one["name"] == service]

    wait_for(row, lambda found: found == [("firing", ["phone"], [service])], SOON_S)

    taken = client(coldtrail).post(f"/alerts/{service}/acknowledge", json={"by": "ada", "note": "rolling back"})
    assert taken.status_code == 200
    assert taken.json()["alerts"][0]["acknowledged_by"] == "ada"
    requests(coldtrail, service, 20)
    events = wait_for(lambda: [one.body["event"] for one in told(receiver, "phone")], lambda found: "recovered" in found, SOON_S)
    assert events == ["fired", "acknowledged", "recovered"]
    assert len({one.body["dedup_key"] for one in told(receiver, "phone")}) == 1
    whole = coldtrail.eventually(f"/alerts/{service}", lambda said: all(one["status"] == "sent" for one in said["notifications"]))
    assert [one["what"] for one in whole["history"]] == ["recovered", "acknowledged", "fired"]
    assert whole["history"][-1]["value"] == 0.4
    assert any(point["value"] is not None for point in whole["points"])
    assert client(coldtrail).post(f"/alerts/{service}/acknowledge", json={}).status_code == 400
    assert "hush-hush" not in coldtrail.log.read_text() + json.dumps(whole) + json.dumps(coldtrail.api("/definitions"))


def test_a_capability_is_one_alert_and_its_parts_stay_silent(hooked: tuple[Coldtrail, Receiver]) -> None:
    coldtrail, receiver = hooked
    mark = os.urandom(3).hex()
    render, store_ = f"render-{mark}", f"store-{mark}"
    hook(coldtrail, receiver, f"team-{mark}")
    routes = [f"team-{mark}"]
    for name in (render, store_):
        check = {"type": "threshold", "figure": "error_share", "scope": name, "above": 0.1}
        define(coldtrail, "alert", name, {"check": check, "routes": routes, "for": "2s"})
    parts = [{"scope": render, "error_share": 0.1}, {"scope": store_, "error_share": 0.1}]
    define(coldtrail, "alert", f"pdf-{mark}", {"check": {"type": "capability", "components": parts}, "title": "PDF generation", "routes": routes})
    for name in (render, store_):
        requests(coldtrail, name, 5, 5)

    def rows() -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in coldtrail.api("/alerts")["alerts"] if mark in one["name"]}

    muted = wait_for(rows, lambda found: len(found) == 3 and found[render]["muted"] and found[store_]["muted"], SOON_S)
    assert {muted[name]["muted"] for name in (render, store_)} == {f"part of pdf-{mark}"}
    (one,) = wait_for(lambda: told(receiver, routes[0]), lambda found: len(found) == 1, SOON_S)
    assert one.body["alert"] == f"pdf-{mark}"
    wait_for(rows, lambda found: len(found[f"pdf-{mark}"]["parts"]) == 2, SOON_S)
    assert [one.body["alert"] for one in told(receiver, routes[0])] == [f"pdf-{mark}"]


def test_new_findings_go_to_the_default_route_unless_silenced(hooked: tuple[Coldtrail, Receiver]) -> None:
    coldtrail, receiver = hooked
    mark = os.urandom(3).hex()
    loud, hushed = f"loud-{mark}", f"hushed-{mark}"
    hook(coldtrail, receiver, f"all-{mark}", default=True)
    define(coldtrail, "silence", f"hush-{mark}", {"scopes": [f"hushed-{mark}"], "until": "2099-01-01T00:00:00Z", "reason": "a test"})
    for function in (hushed, loud):
        request_id = str(uuid.uuid4())
        write(coldtrail, function, "[ERROR] ValueError: no lines\nTraceback (most recent call last):", report(request_id, more="Status: error\tError Type: ValueError"))

    def rows() -> dict[str, dict[str, Any]]:
        return {scope: one for one in coldtrail.api("/alerts")["alerts"] for scope in one["scopes"] if one["name"] == "new-finding"}

    found = wait_for(rows, lambda found: {loud, hushed} <= set(found) and found[hushed]["muted"] and found[loud]["told"], SOON_S)
    assert found[hushed]["muted"] == f"silence hush-{mark}"
    ours = wait_for(lambda: [one.body for one in told(receiver, f"all-{mark}") if mark in json.dumps(one.body)], bool, SOON_S)
    assert [one["parts"][0]["scope"] for one in ours] == [loud]
    assert client(coldtrail).delete(f"/definitions/route/all-{mark}").status_code == 200


def test_a_dry_run_says_when_it_would_have_fired(hooked: tuple[Coldtrail, Receiver]) -> None:
    coldtrail, _ = hooked
    service, now_ns = f"past-{os.urandom(3).hex()}", time.time_ns()
    begin_ns = (now_ns // 60_000_000_000 - 30) * 60_000_000_000
    for minute in range(20):
        failing = 8 if 5 <= minute < 9 else 0
        start = begin_ns + minute * 60_000_000_000
        some = [span("GET /", service=service, kind=2, error="ValueError" if number < failing else "", start_ns=start + number * 10**6) for number in range(10)]
        assert coldtrail.post("/v1/traces", traces(*some)).status_code == 200
    coldtrail.eventually("/red", lambda said: any(one["name"] == service and one["count"] == 200 for one in said["groups"]), since="1h")
    check = {"type": "threshold", "figure": "error_share", "scope": service, "above": 0.5, "over": "1m"}
    with client(coldtrail) as asking:
        params = {"since": str(begin_ns), "until": str(begin_ns + 20 * 60_000_000_000)}
        said = asking.post("/alerts/dry-run", json={"spec": {"check": check, "for": "1m", "routes": []}}, params=params).json()
        assert (said["step_s"], said["fired_count"]) == (60, 1)
        assert [one["what"] for one in said["events"]] == ["fired", "recovered"]
        assert [at for at, one in enumerate(said["points"]) if one["breached"]] == [5, 6, 7, 8]
        absent = {"type": "absence", "scope": service, "within": "4m"}
        later = {**params, "until": str(begin_ns + 29 * 60_000_000_000)}
        gone = asking.post("/alerts/dry-run", json={"spec": {"check": absent}}, params=later).json()
        assert [at for at, one in enumerate(gone["points"]) if one["breached"]] == [23, 24, 25, 26, 27, 28], "from four minutes after the last request on"
        ahead = {"type": "forecast", "promql": f'sum(coldtrail_errors_total{{group="service",service="{service}"}})', "above": 45, "within": "10m", "look_back": "5m"}
        rising = asking.post("/alerts/dry-run", json={"spec": {"check": ahead}}, params=params)
        assert rising.status_code == 200, rising.text
        wrong = asking.post("/alerts/dry-run", json={"spec": {"check": {**check, "above": None}}})
        assert (wrong.status_code, "above or below" in wrong.text) == (400, True)
        define(coldtrail, "alert", service, {"check": {"type": "threshold", "promql": f'sum(increase(coldtrail_errors_total{{group="service",service="{service}"}}[2m]))', "above": 5}})
        kept = asking.get(f"/alerts/{service}/dry-run", params=params).json()
        assert kept["fired_count"] == 1
        assert asking.get("/alerts/nobody-made-this/dry-run").status_code == 404


def test_a_route_is_tried_and_says_what_is_wrong(hooked: tuple[Coldtrail, Receiver]) -> None:
    coldtrail, receiver = hooked
    hook(coldtrail, receiver, "tried")
    with client(coldtrail) as asking:
        assert asking.post("/routes/tried/test").json() == {"told": True, "reason": ""}
        assert told(receiver, "tried")[0].body["event"] == "test"
        define(coldtrail, "route", "inside", {"to": {"type": "webhook", "url": "http://169.254.169.254/latest/meta-data"}})
        said = asking.post("/routes/inside/test").json()
        assert said == {"told": False, "reason": "169.254.169.254 is 169.254.169.254, which is not public: allow it with the setting notify.allow"}
        define(coldtrail, "route", "ours", {"to": {"type": "slack", "url": "env:COLDTRAIL_TOKEN"}})
        assert "none that a route may use" in asking.post("/routes/ours/test").json()["reason"]
        assert asking.post("/routes/nobody/test").status_code == 404
        bad = asking.put("/definitions/route/bad", json={"spec": {"to": {"type": "pagerduty", "secret": "plain-text"}}})
        assert (bad.status_code, "plain-text" in bad.text) == (400, False)


def test_the_command_line_shows_alerts(hooked: tuple[Coldtrail, Receiver], tmp_path: Path) -> None:
    coldtrail, _ = hooked
    define(coldtrail, "alert", "quiet", {"check": {"type": "threshold", "figure": "rate", "scope": "nobody", "above": 1e9}, "title": "Too much", "routes": ["nowhere"]})
    listed = subprocess.run([COMMAND, "alerts", "--json", "--url", coldtrail.url], capture_output=True, text=True, check=False)
    (row,) = [one for one in json.loads(listed.stdout)["alerts"] if one["name"] == "quiet"]
    assert [(one["path"], one["message"].partition(":")[0]) for one in row["warnings"]] == [("$.routes[0]", 'there is no route "nowhere"'), ("$.check.scope", 'the service "nobody" was not seen in the last week')]
    shown = subprocess.run([COMMAND, "alerts", "quiet", "--url", coldtrail.url], capture_output=True, text=True, check=True)
    assert "Too much" in shown.stdout
    assert 'there is no route "nowhere"' in shown.stdout


def test_a_last_step_that_never_happens_is_one_alert_without_set_up(hooked: tuple[Coldtrail, Receiver]) -> None:
    coldtrail, receiver = hooked
    mark = os.urandom(3).hex()
    shop = f"close-{mark}"
    hook(coldtrail, receiver, f"late-{mark}", default=True)
    steps = [{"name": "accepted", "match": {"service": shop, "name": "POST /close"}}, {"name": "published", "match": {"service": shop, "name": "publish"}}]
    define(coldtrail, "workflow", shop, {"origin": {"kind": "request", "service": shop, "name": "POST /close"}, "within": "2s", "steps": steps})
    trace_ids = []
    for _ in range(3):
        root = span("POST /close", service=shop, kind=2, start_ns=time.time_ns() - 10 * 10**9)
        assert coldtrail.post("/v1/traces", traces(root)).status_code == 200
        trace_ids.append(root["trace_id"].hex())

    def ours() -> list[dict[str, Any]]:
        return [one.body for one in told(receiver, f"late-{mark}") if one.body["alert"] == "workflow-outcomes" and mark in one.body["group"]]

    (one,) = wait_for(ours, lambda found: len(found) == 1, SOON_S)
    assert (one["group"], one["event"]) == (f"workflow={shop}", "fired")
    assert one["parts"][0]["trail_id"] in trace_ids
    assert re.match(rf"{shop}: [1-3] of [1-3] trails incomplete", one["why"])
    assert '"published"' in one["why"]
    assert client(coldtrail).delete(f"/definitions/route/late-{mark}").status_code == 200


def test_a_budget_that_burns_is_told_without_set_up(hooked: tuple[Coldtrail, Receiver]) -> None:
    coldtrail, receiver = hooked
    mark = os.urandom(3).hex()
    service = f"burns-{mark}"
    hook(coldtrail, receiver, f"slo-{mark}", default=True)
    now_ns = time.time_ns()
    for minute in range(12):
        some = [span("GET /", service=service, kind=2, error="ValueError" if number < 5 else "", start_ns=now_ns - minute * 60 * 10**9 - number) for number in range(10)]
        assert coldtrail.post("/v1/traces", traces(*some)).status_code == 200
    define(coldtrail, "objective", service, {"sli": {"type": "requests", "of": "service", "scope": service}, "target_percent": 99, "title": f"Burns {mark}"})

    def ours() -> list[dict[str, Any]]:
        return [one.body for one in told(receiver, f"slo-{mark}") if one.body["alert"] == "budget-burns" and mark in one.body["group"]]

    (one,) = wait_for(ours, lambda found: len(found) == 1, SOON_S)
    assert f"Burns {mark}: the budget burns " in one["why"]
    assert one["parts"][0]["scope"] == service
    assert client(coldtrail).delete(f"/definitions/route/slo-{mark}").status_code == 200


def test_what_names_nothing_is_kept_with_warnings_and_what_is_no_promql_is_refused_with_its_column(hooked: tuple[Coldtrail, Receiver]) -> None:
    coldtrail, receiver = hooked
    service = f"known-{os.urandom(3).hex()}"
    requests(coldtrail, service, 3)
    coldtrail.eventually("/red", lambda said: any(one["name"] == service for one in said["groups"]), since="now-1h")
    hook(coldtrail, receiver, "there")
    check = {"type": "threshold", "figure": "error_share", "scope": service, "above": 0.2}
    with client(coldtrail) as asking:

        def put(kind: str, spec: dict[str, Any]) -> Any:
            return asking.put(f"/definitions/{kind}/warned", json={"spec": spec}).json()

        def warned(kind: str, spec: dict[str, Any]) -> dict[str, str]:
            return {one["path"]: one["message"] for one in put(kind, spec)["warnings"]}

        # Names of telemetry may be some seconds old.
        wait_for(lambda: warned("alert", {"check": check, "routes": ["there"], "inhibits": ["new-finding"]}), lambda found: found == {}, SOON_S)
        found = warned("alert", {"check": {**check, "scope": service[:-1]}, "routes": ["there", "ther"], "inhibits": ["nobody"]})
        assert found == {
            "$.routes[1]": 'there is no route "ther": did you mean "there"?',
            "$.inhibits[0]": 'there is no alert "nobody"',
            "$.check.scope": f'the service "{service[:-1]}" was not seen in the last week: did you mean "{service}"?',
        }
        promql = {"type": "threshold", "promql": "sum(rate(nothing_total[5m])) / sum(rate(coldtrail_requests_total[5m]))", "above": 1}
        assert warned("alert", {"check": promql, "routes": ["there"]}) == {"$.check.promql": 'the metric "nothing_total" was not seen in the last week'}
        assert warned("objective", {"sli": {"type": "outcomes", "workflow": "nowhere"}, "target_percent": 99}) == {"$.sli.workflow": 'there is no workflow "nowhere"'}
        told = warned("route", {"to": {"type": "slack", "url": "env:NOT_THERE"}, "escalate_to": "nobody", "enabled": False})
        assert (set(told), "NOT_THERE" in told["$.to.url"]) == ({"$.to.url", "$.escalate_to"}, True)
        assert warned("silence", {"alerts": ["known-*x", "new-*"], "until": "2020-01-01T00:00:00Z"})["$.until"] == "it is over already"

        for bad, where, message in (
            ({**promql, "promql": "sum(rate(a[5m]) > 1"}, {"path": "$.check.promql", "line": 1, "column": 4}, "unclosed left parenthesis"),
            ({**promql, "promql": "sum(a) >\n  > 1"}, {"path": "$.check.promql", "line": 2, "column": 3}, '"> 1" cannot stand here'),
        ):
            refused = asking.put("/definitions/alert/refused", json={"spec": {"check": bad}})
            assert (refused.status_code, refused.json()["errors"], message in refused.json()["detail"]) == (400, where, True), refused.text
        metrics = {"sli": {"type": "metrics", "good": "sum(good", "valid": "sum(valid)"}, "target_percent": 99}
        assert asking.put("/definitions/objective/refused", json={"spec": metrics}).json()["errors"] == {"path": "$.sli.good", "line": 1, "column": 4}

        together = [
            {"kind": "alert", "name": "new-one", "spec": {"check": check, "routes": ["comes-with-it"]}},
            {"kind": "route", "name": "comes-with-it", "spec": {"to": {"type": "webhook", "url": "https://example.com"}}},
            {"kind": "alert", "name": "Wrong", "spec": {"check": check}},
        ]
        said = asking.post("/definitions/check", json={"definitions": together, "text": True}).json()["definitions"]
        assert [(one["warnings"], one["error"] and one["error"]["path"]) for one in said] == [([], None), ([], None), ([], "$.name")]
        assert said[0]["text"].startswith("kind: alert\nname: new-one\n")
        assert asking.get("/definitions/alert/new-one").status_code == 404
        names = asking.get("/definitions/names").json()
        assert (service in names["service"], "there" in names["way"], "new-finding" in names["alert"], "error" in names["finding_kind"]) == (True,) * 4
        for kind in ("alert", "objective", "route", "silence"):
            assert asking.delete(f"/definitions/{kind}/warned").status_code == 200
