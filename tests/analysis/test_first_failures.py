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


def early(node_id: str) -> Outcome:
    steps = (StepOutcome("profile", "out_of_order", True, (node_id,), 1, 0, 2, 3, 5, "it began too early"),)
    stop = Stop("api", "api", "api", "calls", "nothing more came")
    return Outcome("signup", "t" * 32, "out_of_order", 0, steps, "profile", stop, None, None, "", '"profile" is out of order')


def test_what_came_too_early_is_the_cause_of_what_fails_later_and_of_nothing_before_it() -> None:
    profile = node("profile", 20, 5)
    welcome = node("welcome", 30, 5, status="error", failure=Failure("ProfileWithoutAccount", "none"))
    cause = cause_of(trail(node("api", 0, 9), profile, welcome), [early("profile")])
    assert cause is not None
    assert (cause.node_id, cause.kind, cause.words) == ("profile", "out_of_order", '"profile" is out of order')
    refused = node("api", 0, 9, status="error", failure=Failure("Refused", "no"))
    before = cause_of(trail(refused, profile), [early("profile")])
    assert before is not None
    assert (before.node_id, before.kind) == ("api", "failed")


def test_of_attempts_that_fail_alike_the_one_that_says_why_is_shown() -> None:
    attempts = [Node(f"try-{number}", "invocation", "publish", "publish", number * MS, (number + 1) * MS, "error", failure=Failure("LedgerTimeout", said)) for number, said in ((1, ""), (2, "no answer"))]
    cause = cause_of(trail(*attempts))
    assert cause is not None
    assert (cause.node_id, cause.words) == ("try-2", "failed with LedgerTimeout: no answer")
    alone = cause_of(trail(attempts[0], node("other", 3, 1, status="error", failure=Failure("LedgerTimeout", "no answer"))))
    assert alone is not None
    assert alone.node_id == "try-1"
