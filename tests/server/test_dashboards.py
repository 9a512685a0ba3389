"""Dashboards over HTTP: the starter set, people's own in its place, files, and what is drawn of the busiest resources."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from coldtrail.model.definitions import BadDefinition, read_spec
from coldtrail.server.starter import starters
from coldtrail.services import ALL_SERVICES
from lambda_logs import report, write
from running import HTTP, Coldtrail, serving

DEFINITION = "/api/v1/definitions/dashboard"


@pytest.fixture(scope="module")
def served(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coldtrail]:
    """A server of its own, told of a busy function and a quiet one."""
    with serving(tmp_path_factory.mktemp("dashboards") / "data") as running:
        for function, many in (("busy", 3), ("quiet", 1)):
            for _ in range(many):
                request = str(uuid.uuid4())
                write(running, function, f"START RequestId: {request} Version: 1", report(request), start_ms=time.time_ns() // 10**6 - 90_000)
        yield running


def put(running: Coldtrail, name: str, spec: dict[str, Any]) -> httpx.Response:
    return HTTP.put(f"{running.url}{DEFINITION}/{name}", json={"spec": spec}, timeout=30)


def listed(running: Coldtrail) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in running.api("/dashboards")["dashboards"]}


def test_every_starter_is_valid_and_asks_only_for_metrics_that_services_declare() -> None:
    declared = {(service.id, metric.id) for service in ALL_SERVICES for metric in service.metrics}
    panels = [panel for one in starters().values() for row in one.spec["rows"] for panel in row["panels"]]
    asked = {(one["service"], one["metric"]) for one in panels if one["kind"] == "watched"}
    assert asked
    assert asked <= declared
    assert {"critical-health", "lambda", "queues-and-streams", "api-gateway", "cost-of-today"} <= starters().keys()


def test_the_starter_set_is_listed_and_ones_own_of_the_same_name_stands_in_its_place(served: Coldtrail) -> None:
    starting = listed(served)["lambda"]
    assert (starting["starter"], starting["changed"]) == (True, None)
    assert starting["panel_count"] == sum(len(row["panels"]) for row in served.api("/dashboards/lambda")["spec"]["rows"])
    assert put(served, "lambda", {"title": "Ours", "rows": [{"panels": [{"kind": "red", "group": "function"}]}]}).status_code == 201
    ours = listed(served)["lambda"]
    assert (ours["title"], ours["starter"], ours["replaces_starter"], ours["panel_count"]) == ("Ours", False, True, 1)
    assert HTTP.delete(f"{served.url}{DEFINITION}/lambda").status_code == 200
    assert listed(served)["lambda"]["starter"] is True
    assert served.get("/dashboards/nobody-made-this").status_code == 404


def test_a_dashboards_file_is_read_back_as_the_same_dashboard_under_another_name(served: Coldtrail) -> None:
    answer = served.get("/dashboards/critical-health/file")
    assert 'filename="critical-health.json"' in answer.headers["content-disposition"]
    shared = json.loads(answer.content)
    assert (shared["kind"], shared["name"]) == ("dashboard", "critical-health")
    assert put(served, "ours-again", shared["spec"]).status_code == 201
    assert served.api("/dashboards/ours-again")["spec"] == served.api("/dashboards/critical-health")["spec"]
    assert HTTP.delete(f"{served.url}{DEFINITION}/ours-again").status_code == 200


@pytest.mark.parametrize(
    ("panel", "said", "path"),
    [
        ({"kind": "promql", "query": "rate("}, "query is no PromQL", "$.rows[0].panels[0].query"),
        ({"kind": "red", "width": 13}, "12", "$.rows[0].panels[0].width"),
        ({"kind": "watched", "service": "sqs"}, "metric", "$.rows[0].panels[0]"),
        ({"kind": "riddle"}, "riddle", "$.rows[0].panels[0].kind"),
        ({"kind": "text", "text": "a", "colour": "red"}, "colour", "$.rows[0].panels[0]"),
        ({"kind": "metric", "metric": "m", "where": "route"}, "where", "$.rows[0].panels[0]"),
        ({"kind": "figure", "measure": "p95_ms"}, "name is needed", "$.rows[0].panels[0]"),
        ({"kind": "figure", "measure": "requests", "query": "up"}, "query belongs", "$.rows[0].panels[0]"),
        ({"kind": "trails", "min_ms": -1}, "0", "$.rows[0].panels[0].min_ms"),
    ],
)
def test_a_panel_that_cannot_be_drawn_is_refused_with_its_place(panel: dict[str, Any], said: str, path: str) -> None:
    with pytest.raises(BadDefinition, match=said) as told:
        read_spec("dashboard", {"title": "T", "rows": [{"panels": [panel]}]})
    assert told.value.path == path


@pytest.mark.parametrize(
    "spec",
    [
        {"title": "", "rows": []},
        {"title": "T", "rows": [], "range": "yesterday"},
        {"title": "T", "rows": [{"panels": [{"kind": "red"}] * 7}]},
        {"title": "T", "rows": [{"panels": [{"kind": "red"}] * 6}] * 11},
    ],
)
def test_a_dashboard_has_bounds(spec: dict[str, Any]) -> None:
    with pytest.raises(BadDefinition):
        read_spec("dashboard", spec)


def test_a_refusal_over_http_names_the_field(served: Coldtrail) -> None:
    refused = put(served, "broken", {"title": "T", "rows": [{"panels": [{"kind": "red", "width": 1}]}]})
    assert (refused.status_code, refused.json()["errors"]) == (400, {"path": "$.rows[0].panels[0].width"})
    assert "broken" not in listed(served)


def test_a_metric_without_a_name_is_drawn_of_the_busiest_and_with_one_of_that_alone(served: Coldtrail) -> None:
    def sums(answer: dict[str, Any]) -> dict[str, float]:
        return {one["name"]: sum(point["value"] for point in one["points"]) for one in answer["series"]}

    asked = {"service": "lambda", "metric": "invocations", "since": "now-15m"}
    served.eventually("/watched", lambda answer: list(sums(answer).items()) == [("busy", 3), ("quiet", 1)], **asked)
    served.eventually("/watched", lambda answer: sums(answer) == {"quiet": 1}, name="quiet", **asked)
    served.eventually("/watched", lambda answer: answer["names"] == ["busy", "quiet"], service="lambda", since="now-15m")


def test_what_no_signal_tells_says_what_would_bring_it(served: Coldtrail) -> None:
    answer = served.api("/watched", service="firehose", metric="freshness")
    assert answer["series"] == []
    assert "CloudWatch metric stream" in answer["absent"]


def test_what_can_be_watched_is_listed_and_anything_else_is_not_found(served: Coldtrail) -> None:
    services = {one["id"]: [metric["id"] for metric in one["metrics"]] for one in served.api("/watched")["services"]}
    assert sum(map(len, services.values())) == sum(len(one.metrics) for one in ALL_SERVICES)
    assert served.get("/watched", service="riddle").status_code == 404
    assert served.get("/watched", service="sqs", metric="riddle").status_code == 404
