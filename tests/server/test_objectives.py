"""Objectives over HTTP: counted from what was sent, without tests and probes, kept over a restart, told with what spent the budget."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from otlp import span, traces
from running import COMMAND, HTTP, Coldtrail, serving

MINUTE_NS = 60 * 10**9


@pytest.fixture(scope="module")
def coldtrail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    """A server of this file's own: only the busiest entries are proposed."""
    with serving(tmp_path_factory.mktemp("objectives") / "data") as running:
        yield running


def request(service: str, at_ns: int, *, error: str = "", ms: float = 5.0, **attributes: Any) -> list[dict[str, Any]]:
    """One request to an entry, and the function below it, which is what fails."""
    trace_id, root = os.urandom(16), os.urandom(8)
    http = {"http.route": f"/{service}/x", "http.request.method": "GET", "http.response.status_code": 500 if error else 200}
    return [
        span(f"GET /{service}/x", service=service, kind=2, trace_id=trace_id, span_id=root, start_ns=at_ns, duration_ms=ms, error=error, attributes={**http, **attributes}),
        span("work", service=f"{service}-worker", kind=2, trace_id=trace_id, parent=root, start_ns=at_ns + 10**6, duration_ms=ms / 2, error=error,
             attributes={"faas.invoked_name": f"{service}-worker", "faas.invocation_id": trace_id.hex()}),
    ]  # fmt: skip


def define(running: Coldtrail, name: str, sli: dict[str, Any], target_percent: float = 99.0, **more: Any) -> httpx.Response:
    spec = {"sli": sli, "target_percent": target_percent, **more}
    return HTTP.put(f"{running.url}/api/v1/definitions/objective/{name}", json={"spec": spec}, timeout=30)


def counted(running: Coldtrail, counts: dict[str, tuple[int, int]], state: str = "") -> dict[str, dict[str, Any]]:
    """Wait until each objective has counted so many (valid, bad) events, and is in ``state``; return all by name."""

    def told(answer: dict[str, Any]) -> bool:
        found = {one["name"]: one for one in answer["objectives"] if one["name"] in counts}
        as_counted = {name: (one["valid_count"], one["bad_count"]) for name, one in found.items()} == counts
        return as_counted and all(not state or one["state"] == state for one in found.values())

    answer = running.eventually("/objectives", told, 180)
    return {one["name"]: one for one in answer["objectives"]}


def test_objectives_count_what_came_and_keep_it_over_a_restart(tmp_path: Path) -> None:
    """60 requests over half an hour: ten of the newest fail, ten others are slow, and five are a probe's."""
    now_ns = time.time_ns() // MINUTE_NS * MINUTE_NS - 2 * MINUTE_NS
    sent: list[dict[str, Any]] = []
    for number in range(60):
        probe = {"synthetic": True} if number >= 55 else {}
        sent += request("shop", now_ns - number * 30 * 10**9, error="TimeoutError" if number < 10 else "", ms=400.0 if 10 <= number < 20 else 5.0, **probe)
    slis: dict[str, dict[str, Any]] = {
        "service": {"type": "requests", "scope": "shop"},
        "with-probes": {"type": "requests", "scope": "shop"},
        "quick": {"type": "requests", "scope": "shop", "faster_than_ms": 100},
        "function": {"type": "requests", "of": "function", "scope": "shop-worker"},
        "entry": {"type": "requests", "of": "entry", "scope": "GET /shop/x"},
        "trails": {"type": "trails", "service": "shop", "faster_than_ms": 100},
    }
    expected = {"service": (55, 10), "with-probes": (60, 10), "quick": (45, 10), "function": (55, 10), "entry": (55, 10), "trails": (45, 10)}
    # Windows that still hold the failures when this machine is slow.
    burning = [{"severity": "page", "factor": 10, "long": "6h", "short": "2h"}, {"severity": "ticket", "factor": 5, "long": "1d", "short": "6h"}]
    with serving(tmp_path / "data") as running:
        assert running.post("/v1/traces", traces(*sent)).status_code == 200
        running.eventually("/red", lambda answer: sum(one["count"] for one in answer["groups"]) == 120, group="service", since="now-2h")
        for name, sli in slis.items():
            assert define(running, name, sli, synthetic=name == "with-probes", windows=burning, policy="Stop, and repair." if name == "service" else "").status_code == 201
        for name in ("service", "entry", "trails"):
            spec = {"sli": slis[name], "target_percent": 99.0, "windows": burning}
            came_to = HTTP.post(f"{running.url}/api/v1/objectives/dry-run", json={"spec": spec}, timeout=60).json()
            assert ((came_to["valid_count"], came_to["bad_count"]), {one["severity"] for one in came_to["events"]}) == (expected[name], {"page", "ticket"})
        told = counted(running, expected, "page")
        assert abs(told["service"]["good_share"] - 45 / 55) < 1e-9

        def spent(answer: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
            return {(each["by"], each["name"]): each for each in answer["contributors"]}

        def whole(answer: dict[str, Any]) -> bool:
            counts = {key: each["count"] for key, each in spent(answer).items()}
            by_both = (counts.get(("error", "TimeoutError")), counts.get(("function", "shop-worker")))
            return by_both == (10, 10) and {each["severity"] for each in answer["history"]} == {"page", "ticket"}

        one = running.eventually("/objectives/service", whole)
        assert len(running.api(f"/trails/{spent(one)['error', 'TimeoutError']['trail_id']}")["nodes"]) >= 2
        assert one["policy"] == "Stop, and repair."
        assert one["course"][-1]["budget_left"] == one["budget_left"]

        late = request("shop", now_ns - 20 * MINUTE_NS, error="TimeoutError")
        assert running.post("/v1/traces", traces(*late)).status_code == 200
        counted(running, {"service": (56, 11), "entry": (56, 11), "function": (56, 11), "with-probes": (61, 11)})
    with serving(tmp_path / "data") as running:
        counted(running, {"service": (56, 11), "entry": (56, 11), "function": (56, 11), "quick": (45, 10)}, "page")
        assert HTTP.delete(f"{running.url}/api/v1/definitions/objective/service").status_code == 200
        running.eventually("/objectives", lambda answer: {one["name"] for one in answer["objectives"]} == set(expected) - {"service"})


def test_what_cannot_be_an_objective_is_refused_with_the_field(coldtrail: Coldtrail) -> None:
    good = {"type": "requests", "scope": "a"}
    assert "target_percent" in define(coldtrail, "one", good, 100).json()["detail"] + str(define(coldtrail, "one", good, 100).json())
    assert "whole minutes" in define(coldtrail, "one", good, windows=[{"severity": "page", "factor": 2, "long": "1h", "short": "90s"}]).text
    assert "shorter" in define(coldtrail, "one", good, windows=[{"severity": "page", "factor": 2, "long": "5m", "short": "5m"}]).text
    assert "window must be" in define(coldtrail, "one", good, window="200d").text
    assert define(coldtrail, "one", {"type": "requests"}).status_code == 400
    assert coldtrail.get("/objectives/nobody-made-this").status_code == 404
    wrong = HTTP.post(f"{coldtrail.url}/api/v1/objectives/dry-run", json={"spec": {"sli": good, "target_percent": 100}}, timeout=30)
    assert (wrong.status_code, "target_percent" in wrong.text) == (400, True)


def test_entries_are_proposed_and_what_is_proposed_can_be_accepted(coldtrail: Coldtrail) -> None:
    name = f"proposed{os.urandom(3).hex()}a"
    now_ns = time.time_ns() - 5 * MINUTE_NS
    sent = [one for number in range(40) for one in request(name, now_ns + number * 10**6)]
    assert coldtrail.post("/v1/traces", traces(*sent)).status_code == 200

    def ours(answer: dict[str, Any]) -> list[dict[str, Any]]:
        return [one for one in answer["proposals"] if name in one["name"]]

    found = ours(coldtrail.eventually("/objective-proposals", lambda answer: len(ours(answer)) == 2))
    for one in found:
        assert HTTP.put(f"{coldtrail.url}/api/v1/definitions/objective/{one['name']}", json={"spec": one["spec"]}).status_code == 201
    told = counted(coldtrail, {one["name"]: (40, 0) for one in found})
    assert {told[one["name"]]["state"] for one in found} == {"ok"}


def test_a_metric_is_counted_by_the_minute(coldtrail: Coldtrail) -> None:
    name = f"metric{os.urandom(3).hex()}"
    at_ns = time.time_ns() // MINUTE_NS * MINUTE_NS - 10 * MINUTE_NS
    sent = [one for number in range(20) for one in request(name, at_ns + number * 10**9, error="E" if number < 5 else "")]
    assert coldtrail.post("/v1/traces", traces(*sent)).status_code == 200
    coldtrail.eventually("/red", lambda answer: (name, 20, 5) in {(one["name"], one["count"], one["error_count"]) for one in answer["groups"]}, group="service", since="now-1h")
    all_ = f'sum(increase(coldtrail_requests_total{{service="{name}"}}[1m]))'
    bad = f'sum(increase(coldtrail_errors_total{{service="{name}"}}[1m]))'
    assert define(coldtrail, name, {"type": "metrics", "good": f"{all_} - {bad}", "valid": all_}).status_code == 201
    counted(coldtrail, {name: (20, 5)})


def test_the_command_line_shows_the_worst_first_and_one_in_depth(coldtrail: Coldtrail) -> None:
    import subprocess

    name = f"cli{os.urandom(3).hex()}"
    now_ns = time.time_ns() - MINUTE_NS
    sent = [one for number in range(30) for one in request(name, now_ns + number * 10**6, error="Broken")]
    assert coldtrail.post("/v1/traces", traces(*sent)).status_code == 200
    assert define(coldtrail, name, {"type": "requests", "scope": name}).status_code == 201
    counted(coldtrail, {name: (30, 30)})
    coldtrail.eventually(f"/objectives/{name}", lambda answer: answer.get("state") == "page" and bool(answer["contributors"]))
    env = {**os.environ, "COLUMNS": "160"}
    listed = subprocess.run([COMMAND, "objectives", "--url", coldtrail.url], capture_output=True, text=True, env=env)
    assert (listed.returncode, "burns: page" in listed.stdout, name in listed.stdout) == (1, True, True)
    one = subprocess.run([COMMAND, "objectives", name, "--url", coldtrail.url], capture_output=True, text=True, env=env)
    assert "error: Broken" in one.stdout
    assert "14.4x" in one.stdout
