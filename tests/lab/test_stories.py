"""Invoice-close and onboarding: what happened is in the truth, and coldtrail is told of it."""

from __future__ import annotations

from typing import Any

from bench.reconstruction.truth import Thing, TrueTrail, Truth, read_truth

from coldtrail_lab.lab import Lab
from running import Coldtrail, wait_for


def true_trail(lab: Lab, subject: str) -> tuple[Truth, TrueTrail]:
    truth = read_truth([line for line in lab.truth.lines if line.get("subject") == subject])
    return truth, max(truth.trails(), key=lambda trail: len(trail.things))


def taken(lab: Lab, subject: str, function: str, times: int) -> tuple[Truth, TrueTrail]:
    """The true trail of a subject, once a function was invoked that often in it."""

    def there(found: tuple[Truth, TrueTrail]) -> bool:
        truth, trail = found
        return sum(truth.things[name].where == function for name in trail.things) >= times

    def ask() -> Any:
        return true_trail(lab, subject) if any(line.get("subject") == subject for line in lab.truth.lines) else (Truth(), TrueTrail("", set(), set()))

    return wait_for(ask, there, 60)


def of(truth: Truth, trail: TrueTrail, where: str) -> list[Thing]:
    return [truth.things[name] for name in trail.things if truth.things[name].where == where]



def statuses_of(coldtrail: Coldtrail, function: str, things: list[Thing]) -> list[str]:
    """How the invocations ended, as the function's page says."""
    page = coldtrail.api(f"/functions/{function}")
    ids = {one.id for one in things}
    return sorted(one["status"] for one in page["invocations"] if one["request_id"] in ids)


def test_a_ledger_that_never_answers_is_tried_three_times_and_ends_in_the_dead_letter_queue(told: tuple[Coldtrail, Lab]) -> None:
    coldtrail, lab = told
    lab.invoices.close_invoice("invoice-9-000003", "corr-7b55")
    truth, trail = taken(lab, "invoice-9-000003", "invoice-close-dlq", 1)
    assert truth.things[trail.origin].where == "eventbridge"
    assert {kind for edge, kind in truth.kinds.items() if edge in trail.edges} == {"sends", "delivers", "calls", "sets_aside"}
    published = of(truth, trail, "publish-ledger-entry")
    assert len(published) == 3
    wait_for(lambda: statuses_of(coldtrail, "publish-ledger-entry", published), lambda found: found == ["error"] * 3, 40)
    logs = coldtrail.eventually("/logs", lambda found: len([one for one in found["logs"] if "timed_out" in str(one["body"])]) == 3, 30, q="corr-7b55")["logs"]
    third = next(one for one in logs if one["attributes"].get("attempt") == 3)
    assert {name: third["attributes"][name] for name in ("workflow", "step", "dependency", "status")} == {
        "workflow": "invoice-close",
        "step": "publish-ledger-entry",
        "dependency": "ledger-api",
        "status": "timed_out",
    }
    assert third["attributes"]["latencyMs"] >= 2_800


def test_an_invoice_that_the_ledger_takes_is_closed(told: tuple[Coldtrail, Lab]) -> None:
    coldtrail, lab = told
    lab.invoices.close_invoice("invoice-9-000004", "corr-9000004")
    truth, trail = taken(lab, "invoice-9-000004", "publish-ledger-entry", 1)
    wait_for(lambda: statuses_of(coldtrail, "publish-ledger-entry", of(truth, trail, "publish-ledger-entry")), lambda found: found == ["ok"], 40)
    wait_for(lambda: coldtrail.api("/logs", q="corr-9000004")["logs"], lambda logs: any("ExecutionSucceeded" in str(one["body"]) for one in logs), 40)
    assert not of(*true_trail(lab, "invoice-9-000004"), "invoice-close-dlq")


def test_a_profile_that_overtakes_its_account_fails_the_welcome(told: tuple[Coldtrail, Lab]) -> None:
    coldtrail, lab = told
    lab.onboarding.sign_up("signup-9-000001", "user-0001")
    truth, trail = taken(lab, "signup-9-000001", "onboarding-welcome", 2)
    wait_for(lambda: statuses_of(coldtrail, "onboarding-welcome", of(truth, trail, "onboarding-welcome")), lambda found: found == ["ok", "ok"], 40)
    lab.faults.switch("profile-overtakes", 1.0)
    lab.onboarding.sign_up("signup-9-000002", "user-0002")
    truth, trail = taken(lab, "signup-9-000002", "onboarding-welcome", 3)
    lab.faults.switch("profile-overtakes", 0.0)
    welcomes = of(truth, trail, "onboarding-welcome")
    wait_for(lambda: statuses_of(coldtrail, "onboarding-welcome", welcomes), lambda found: found == ["error", "error", "ok"], 40)
    fan_out = [effect for cause, effect in trail.edges if truth.things[cause].where == "sns"]
    assert len(fan_out) == 2
    coldtrail.eventually("/functions/onboarding-welcome", lambda page: page["errors"] and page["errors"][0]["type"].endswith("ProfileWithoutAccount"), 30)
