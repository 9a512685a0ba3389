"""Where a trail went wrong: what failed first, where it stopped, or what took longest."""

from __future__ import annotations

from typing import Any

from coldtrail.analysis.first_failures import cause_of, common
from coldtrail.model.outcomes import Outcome, StepOutcome, Stop
from coldtrail.model.trails import Failure, Node, Share, Trail

MS = 10**6


def node(name: str, start_ms: int, took_ms: int, **more: Any) -> Node:
    return Node(name, "invocation", name, name, start_ms * MS, (start_ms + took_ms) * MS, **more)


def trail(*nodes: Node, shares: tuple[Share, ...] = ()) -> Trail:
    return Trail("t" * 32, "ok", None, 0, 10**9, list(nodes), [], [], [], list(shares))


def stopped(status: str = "incomplete") -> Outcome:
    steps = (StepOutcome("packed", "missing", True, (), 0, 0, None, None, 5),)
    stop = Stop("queue", "shop", "send", "delivers", "nothing took the message")
    return Outcome("order", "t" * 32, status, 0, steps, "packed", stop, None, None, "", "packed never happened")  # type: ignore[arg-type]


def test_the_failure_that_ended_first_is_the_cause_though_its_callers_began_earlier() -> None:
    api = node("api", 0, 90, status="error", failure=Failure("BadGateway", "502"))
    ledger = node("ledger", 10, 30, status="timeout", failure=Failure("Sandbox.Timedout", "timed out after 30 s"))
    cause = cause_of(trail(api, ledger), [stopped()])
    assert cause is not None
    assert (cause.node_id, cause.kind) == ("ledger", "failed")
    assert cause.words == "timed out with Sandbox.Timedout: timed out after 30 s"


def test_without_a_failure_the_step_at_which_it_stopped_is_the_cause() -> None:
    cause = cause_of(trail(node("api", 0, 9), node("queue", 2, 3)), [stopped()])
    assert cause is not None
    assert (cause.node_id, cause.kind, cause.words) == ("queue", "incomplete", "packed never happened")


def test_of_a_trail_that_went_well_what_took_longest_is_told() -> None:
    shares = (Share("api", "work", 100.0, 0.1), Share("queue", "queue", 900.0, 0.9, "orders"))
    cause = cause_of(trail(node("api", 0, 100), node("queue", 100, 900), shares=shares), [stopped("complete")])
    assert cause is not None
    assert (cause.node_id, cause.words) == ("queue", "queue in orders took 900 ms, 90% of the trail")
    assert cause_of(trail(node("api", 0, 0))) is None


def test_causes_that_differ_in_their_message_alone_are_one() -> None:
    def failing(name: str, message: str) -> Trail:
        return trail(node(name, 0, 5, status="error", failure=Failure("ValueError", message)))

    causes = [cause_of(failing(name, message)) for name, message in (("a", "order 1"), ("b", "order 7"), ("a", "order 2"))]
    told = common(one for one in causes if one)
    assert [(one.cause.service, one.count) for one in told] == [("a", 2), ("b", 1)]
