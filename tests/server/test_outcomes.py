"""A trail is told apart from what its workflow says it should be: as it comes, and at the moment when a deadline passes."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

from orders import place
from otlp import span, traces
from running import COMMAND, HTTP, Coldtrail, serving

SOON_S = 180.0


def define(coldtrail: Coldtrail, name: str, spec: dict[str, Any]) -> None:
    answer = HTTP.put(f"{coldtrail.url}/api/v1/definitions/workflow/{name}", json={"spec": spec}, timeout=30)
    assert answer.status_code in (200, 201), answer.text


def shape(shop: str, within: str = "8s") -> dict[str, Any]:
    return {
        "origin": {"kind": "request", "service": shop, "name": "POST /order"},
        "key": "order_id",
        "within": within,
        "steps": [
            {"name": "accepted", "match": {"service": shop, "name": "POST /order"}, "expect": [{"attribute": "http.response.status_code", "equals": 202}]},
            {"name": "queued", "match": {"service": shop, "name": "send"}},
            {"name": "packed", "match": {"kind": "invocation", "service": f"{shop}-pack"}, "at_most": 1},
        ],
        "reconcile": [{"every": "accepted", "has": "packed", "within": "5s"}],
    }


def outcome_of(coldtrail: Coldtrail, trail_id: str, wanted: str, workflow: str) -> dict[str, Any]:
    """The row of a list once it has an outcome."""
    params = {"workflow": workflow, "outcome": wanted}
    rows = coldtrail.eventually("/trails", lambda said: any(one["trail_id"] == trail_id for one in said["trails"]), SOON_S, **params)["trails"]
    row: dict[str, Any] = next(one for one in rows if one["trail_id"] == trail_id)
    assert row["outcome"] == wanted
    return row


def test_each_trail_has_its_outcome_and_is_found_by_it(coldtrail: Coldtrail) -> None:
    shop = f"shop-{os.urandom(3).hex()}"
    define(coldtrail, shop, shape(shop))
    good, twice, rejected, lost = (
        place(coldtrail, shop, ago_s=30),
        place(coldtrail, shop, packed=2, ago_s=30),
        place(coldtrail, shop, code=400, ago_s=30),
        place(coldtrail, shop, packed=0, ago_s=30, order_id="order-17"),
    )
    for trail_id, wanted in ((good, "complete"), (twice, "duplicated"), (rejected, "failed"), (lost, "incomplete")):
        outcome_of(coldtrail, trail_id, wanted, shop)
        (told,) = coldtrail.api(f"/trails/{trail_id}")["workflows"]
        assert (told["name"], told["status"]) == (shop, wanted)
    assert coldtrail.api(f"/trails/{lost}")["outcome"] == "incomplete"
    assert told["step"] == "packed"
    assert told["key"] == "order-17"
    assert [one["state"] for one in told["steps"]] == ["done", "done", "missing"]
    assert told["stopped"]["edge"] == "delivers"
    assert {one["trail_id"] for one in coldtrail.api("/trails", workflow=shop)["trails"]} == {good, twice, rejected, lost}
    assert coldtrail.api("/trails", workflow=f"{shop}-other")["trails"] == []


def test_a_deadline_that_passes_makes_a_trail_incomplete_also_after_a_restart(tmp_path: Path) -> None:
    shop = f"shop-{os.urandom(3).hex()}"
    with serving(tmp_path / "data") as coldtrail:
        never = next(found for within_s in (18, 60, 180) if (found := seen_open(coldtrail, shop, within_s)))
    with serving(tmp_path / "data") as coldtrail:
        outcome_of(coldtrail, never, "incomplete", shop)


def seen_open(coldtrail: Coldtrail, shop: str, within_s: int) -> str:
    """Place an order that is never packed; return its trail if this machine saw it before its deadline, which may be too soon for it."""
    define(coldtrail, shop, shape(shop, f"{within_s}s"))
    trail_id = place(coldtrail, shop, packed=0)
    told = coldtrail.eventually(f"/trails/{trail_id}", lambda said: bool(said["outcome"]), SOON_S)["outcome"]
    listed = coldtrail.eventually("/trails", lambda said: any(one["trail_id"] == trail_id for one in said["trails"]), SOON_S, workflow=shop)["trails"]
    return trail_id if {told, *(one["outcome"] for one in listed if one["trail_id"] == trail_id)} == {"open"} else ""


def test_a_trail_without_any_key_has_an_outcome_too_and_a_new_workflow_judges_the_past(coldtrail: Coldtrail) -> None:
    shop = f"plain-{os.urandom(3).hex()}"
    ids = []
    for with_step in (True, False):
        trace, at_ns = os.urandom(16), time.time_ns() - 60 * 10**9
        root = span("GET /cart", service=shop, trace_id=trace, kind=2, start_ns=at_ns)
        more = [span("load", service=f"{shop}-db", trace_id=trace, parent=root["span_id"], start_ns=at_ns + 10**6)] if with_step else []
        assert coldtrail.post("/v1/traces", traces(root, *more)).status_code == 200
        ids.append(trace.hex())
    coldtrail.eventually("/trails", lambda said: len(said["trails"]) == 2, SOON_S, service=shop)
    define(coldtrail, shop, {"origin": {"service": shop}, "within": "10s", "steps": [{"name": "loaded", "match": {"service": "*-db", "name": "lo*"}}]})
    outcome_of(coldtrail, ids[0], "complete", shop)
    row = outcome_of(coldtrail, ids[1], "incomplete", shop)
    assert row["workflows"] == [{"name": shop, "status": "incomplete", "step": "loaded"}]


def test_a_workflow_says_how_its_trails_came_out_and_what_is_missing_where(coldtrail: Coldtrail) -> None:
    shop = f"shop-{os.urandom(3).hex()}"
    define(coldtrail, shop, shape(shop))
    spec = {"sli": {"type": "outcomes", "workflow": shop}, "target_percent": 90.0}
    assert HTTP.put(f"{coldtrail.url}/api/v1/definitions/objective/{shop}", json={"spec": spec}, timeout=30).status_code == 201
    for packed in (1, 1, 1, 2, 0):
        place(coldtrail, shop, packed=packed, ago_s=60)

    def all_told(said: dict[str, Any]) -> bool:
        return said.get("outcomes") == {"complete": 3, "duplicated": 1, "incomplete": 1}

    whole = coldtrail.eventually(f"/workflows/{shop}", all_told, SOON_S)
    assert whole["missing"] == [{"step": "packed", "count": 1}]
    assert [(one["name"], one["reached_count"]) for one in whole["steps"]] == [("accepted", 5), ("queued", 5), ("packed", 4)]
    assert 90 < whole["p50_ms"] < 130
    (rule,) = whole["reconciled"]
    assert rule["words"] == 'every "accepted" has "packed" within 5s: 4 of 5'
    assert sum(sum(point["outcomes"].values()) for point in whole["points"]) == 5
    (lost,) = [one for one in whole["trails"] if one["status"] == "incomplete"]
    assert (lost["step"], lost["stopped_service"]) == ("packed", f"{shop}-queue")
    listed = next(one for one in coldtrail.api("/workflows")["workflows"] if one["name"] == shop)
    assert {name: listed[name] for name in ("outcomes", "trail_count", "reconciled")} == {name: whole[name] for name in ("outcomes", "trail_count", "reconciled")}
    assert coldtrail.get("/workflows/nothing-of-that-name").status_code == 404
    said = subprocess.run([COMMAND, "workflows", shop, "--url", coldtrail.url], capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "200"}).stdout
    assert rule["words"] in said
    assert lost["trail_id"] in said
    coldtrail.eventually(f"/objectives/{shop}", lambda said: abs((said.get("good_share") or 0) - 0.6) < 1e-9, SOON_S)


def test_what_trails_usually_do_is_proposed_and_can_be_taken_over(coldtrail: Coldtrail) -> None:
    shop = f"usual-{os.urandom(3).hex()}"
    for _ in range(8):
        place(coldtrail, shop, ago_s=90)

    (one,) = coldtrail.eventually(
        "/workflows/proposals", lambda said: [each["trail_count"] for each in said.get("proposals", [])] == [8], SOON_S, service=shop
    )["proposals"]
    assert one["origin"]["service"] == shop
    assert f"{shop}-pack" in [step["service"] for step in one["steps"]]
    assert all(step["share"] == 1.0 for step in one["steps"])
    read = HTTP.post(f"{coldtrail.url}/api/v1/workflows/read", json={"text": one["text"]}, timeout=30).json()
    assert read == {"name": one["name"], "spec": one["spec"], "errors": []}
    define(coldtrail, shop, one["spec"])
    coldtrail.eventually(f"/workflows/{shop}", lambda said: said.get("outcomes") == {"complete": 8}, SOON_S)
    assert coldtrail.api("/workflows/proposals", service=shop) == {"proposals": []}


def test_a_text_that_is_no_workflow_is_told_with_its_line(coldtrail: Coldtrail) -> None:
    text = "kind: workflow\nname: orders\norigin: {service: shop}\nsteps:\n  - name: paid\n    match: {service: pay}\n    within: soon\n"
    for broken, line in ((text, 7), (text.replace("    within: soon", "    widhin: 5s"), 5), ("kind: workflow\nname: [", 2), (text.replace("kind: workflow", "kind: alert"), 1)):
        (error,) = HTTP.post(f"{coldtrail.url}/api/v1/workflows/read", json={"text": broken}, timeout=30).json()["errors"]
        assert error["line"] == line, error
