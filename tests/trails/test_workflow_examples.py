"""The workflows of the documentation can be used, and tell of trails of the lab what became of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from coldtrail.model.definitions import read_spec
from coldtrail.model.documents import read_text
from coldtrail.model.trails import Edge, Failure, Node, Trail
from coldtrail.model.workflows import Workflow
from coldtrail.server.api.times import parse_time
from coldtrail.trails.workflows.outcomes import outcome
from coldtrail.trails.workflows.proposals import propose

ROOT = Path(__file__).parents[2]
EXAMPLES = [read_text(text, "docs/workflows.md")[0] for text in re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/workflows.md").read_text(), re.DOTALL)]
POSTED = {"http.request.method": ["POST"]}
"""What a span of the API says of a request; the trails are kept without their signals."""


def node(told: dict[str, Any]) -> Node:
    start_ns = parse_time(told["start"], "start")
    failure = Failure(told["failure"], "") if "failure" in told else None
    end_ns = None if told["duration_ms"] is None else start_ns + int(told["duration_ms"] * 1e6)
    return Node(told["node_id"], told["kind"], told["service"], told["name"], start_ns, end_ns, told["status"], told["attempt"], keys=told["keys"], failure=failure)


def lab_trails() -> list[Trail]:
    """One trail of each story and outcome, as the lab's signals were reconstructed."""
    found = []
    for told in json.loads((ROOT / "tests/data/trails/lab.json").read_text()):
        nodes = [node(one) for one in told["nodes"]]
        ends = [one.end_ns or one.start_ns for one in nodes]
        found.append(Trail(nodes[0].node_id, "ok", None, min(one.start_ns for one in nodes), max(ends), nodes, [Edge(*one) for one in told["edges"]], [], []))
    return found


def outcomes_of(name: str) -> dict[str, tuple[str, str]]:
    """Map the outcomes that a workflow gives the lab's trails to the step and the words."""
    spec = next(read_spec("workflow", one.spec) for one in EXAMPLES if one.name == name)
    assert isinstance(spec, Workflow)
    judged = [outcome(name, spec, trail, lambda _: POSTED, trail.end_ns + 86_400 * 10**9) for trail in lab_trails()]
    return {one.status: (one.step, one.words) for one in judged if one}


def test_every_example_of_the_documentation_can_be_used() -> None:
    assert [one.name for one in EXAMPLES] == ["activity-history", "invoice-close", "onboarding", "order"]
    for one in EXAMPLES:
        assert isinstance(read_spec(one.kind, one.spec), Workflow)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("activity-history", {"complete": ""}),
        ("invoice-close", {"complete": "", "failed": "published"}),
        ("onboarding", {"complete": "", "out_of_order": "profile"}),
        ("order", {"complete": ""}),
    ],
)
def test_trails_of_the_lab_come_out_as_its_stories_say(name: str, expected: dict[str, str]) -> None:
    assert {status: step for status, (step, _) in outcomes_of(name).items()} == expected


def test_the_sentence_names_the_cause() -> None:
    assert "LedgerTimeout, 3 attempts in all" in outcomes_of("invoice-close")["failed"][1]
    assert 'before "account" was done' in outcomes_of("onboarding")["out_of_order"][1]


def test_trails_of_one_origin_suggest_a_workflow_by_which_they_are_complete() -> None:
    (order,) = [one for one in lab_trails() if one.origin.service == "orders-api"]
    (proposal,) = propose([order] * 5)
    assert [one.shape.service for one in proposal.usual if one.shape.kind == "invocation"] == ["orders-place", "orders-receipt", "orders-reserve", "orders-ship"]
    assert next(one for one in proposal.usual if one.shape.kind == "message").least_times == 2
    judged = outcome("order", proposal.workflow, order, lambda _: {}, order.end_ns)
    assert judged
    assert judged.status == "complete"
    assert propose([order] * 4) == []
