"""Invoice-close and onboarding: what happened is in the truth, and coldtrail is told of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from bench.reconstruction.answers import edges_of, things_of
from bench.reconstruction.truth import Thing, TrueTrail, Truth, read_truth

from coldtrail_lab.lab import Lab
from running import Coldtrail, wait_for

CLOSED, CHOSEN = "invoice-9-000004", "invoice-9-000003"


@pytest.fixture(scope="module")
def signups(told: tuple[Coldtrail, Lab]) -> Iterator[dict[bool, str]]:
    """What takes long is under way before the first test; the ids of a signup in order (not sent yet) and of one out of order."""
    _, lab = told
    lab.invoices.close_invoice(CHOSEN, "corr-7b55")
    lab.invoices.close_invoice(CLOSED, "corr-9000004")
    lab.faults.switch("profile-overtakes", 0.5)
    ids = {lab.faults.hits("profile-overtakes", name): name for name in (f"signup-9-{number:06d}" for number in range(20))}
    lab.onboarding.sign_up(ids[True], "user-0001")
    yield ids
    lab.faults.switch("profile-overtakes", 0.0)


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

    return wait_for(ask, there)


def of(truth: Truth, trail: TrueTrail, where: str) -> list[Thing]:
    return [truth.things[name] for name in trail.things if truth.things[name].where == where]



def statuses_of(coldtrail: Coldtrail, function: str, things: list[Thing]) -> list[str]:
    """How the invocations ended, as the function's page says."""
    ids = {one.id for one in things}
    page = coldtrail.eventually(f"/functions/{function}", lambda found: ids <= {one["request_id"] for one in found["invocations"]})
    return sorted(one["status"] for one in page["invocations"] if one["request_id"] in ids)


def is_told(coldtrail: Coldtrail, trail_id: str, truth: Truth, trail: TrueTrail) -> dict[str, Any]:
    """The API's trail, once its things are the truth's, no more and no fewer, and so are its edges."""
    requests = {thing.id: name for name, thing in truth.things.items() if thing.type == "request"}

    def same(found: dict[str, Any]) -> bool:
        told = {node["keys"]["trace_id"]: name for node in found["nodes"] if node["kind"] == "request" for name in requests.values()}
        names = things_of(found, truth, told)
        return set(names.values()) == trail.things and set(edges_of(found, names)) == trail.edges

    return coldtrail.eventually(f"/trails/{trail_id}", same)


@pytest.mark.usefixtures("signups")
def test_an_invoice_that_the_ledger_takes_is_closed(told: tuple[Coldtrail, Lab]) -> None:
    coldtrail, lab = told
    truth, trail = taken(lab, CLOSED, "publish-ledger-entry", 1)
    wait_for(lambda: statuses_of(coldtrail, "publish-ledger-entry", of(truth, trail, "publish-ledger-entry")), lambda found: found == ["ok"])
    wait_for(lambda: coldtrail.api("/logs", q="corr-9000004")["logs"], lambda logs: any("ExecutionSucceeded" in str(one["body"]) for one in logs))
    assert not of(*true_trail(lab, CLOSED), "invoice-close-dlq")


def test_a_profile_that_overtakes_its_account_fails_the_welcome(told: tuple[Coldtrail, Lab], signups: dict[bool, str]) -> None:
    coldtrail, lab = told
    for overtaken, expected in ((True, ["error", "error", "ok"]), (False, ["ok", "ok"])):
        if not overtaken:
            lab.onboarding.sign_up(signups[False], "user-0002")  # by now every function is warm, so it keeps the order
        truth, trail = taken(lab, signups[overtaken], "onboarding-welcome", len(expected))
        welcomes = of(truth, trail, "onboarding-welcome")
        wait_for(lambda things=welcomes: statuses_of(coldtrail, "onboarding-welcome", things), lambda found, good=expected: found == good)
        assert sum(truth.things[cause].where == "sns" for cause, _ in trail.edges) == 2
        register = of(truth, trail, "onboarding-register")[0]
        assert is_told(coldtrail, register.id, truth, trail)["status"] == ("error" if overtaken else "ok")
    coldtrail.eventually("/functions/onboarding-welcome", lambda page: page["errors"] and page["errors"][0]["type"].endswith("ProfileWithoutAccount"))


@pytest.mark.usefixtures("signups")
def test_a_ledger_that_never_answers_is_tried_three_times_and_ends_in_the_dead_letter_queue(told: tuple[Coldtrail, Lab]) -> None:
    coldtrail, lab = told
    truth, trail = taken(lab, CHOSEN, "invoice-close-dlq", 1)
    assert truth.things[trail.origin].where == "eventbridge"
    assert {kind for edge, kind in truth.kinds.items() if edge in trail.edges} == {"sends", "delivers", "calls", "sets_aside"}
    published = of(truth, trail, "publish-ledger-entry")
    assert len(published) == 3
    wait_for(lambda: statuses_of(coldtrail, "publish-ledger-entry", published), lambda found: found == ["error"] * 3)
    logs = coldtrail.eventually("/logs", lambda found: len([one for one in found["logs"] if "timed_out" in str(one["body"])]) == 3, q="corr-7b55")["logs"]
    third = next(one for one in logs if one["attributes"].get("attempt") == 3)
    assert {name: third["attributes"][name] for name in ("workflow", "step", "dependency", "status")} == {
        "workflow": "invoice-close",
        "step": "publish-ledger-entry",
        "dependency": "ledger-api",
        "status": "timed_out",
    }
    assert third["attributes"]["latencyMs"] >= 2_800
    found = coldtrail.eventually("/find", lambda answer: answer["matches"], q="corr-7b55")["matches"]
    told = is_told(coldtrail, found[0]["trail_id"], truth, trail)
    assert told["status"] == "error"
    assert sorted(node["status"] for node in told["nodes"] if node["service"] == "publish-ledger-entry") == ["error"] * 3
