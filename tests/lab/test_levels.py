"""The levels of context are made rightly from a recording, and answers are scored rightly."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from bench.reconstruction.__main__ import at_level, requests_of
from bench.reconstruction.compare import compare
from bench.reconstruction.levels import named_ids, spans_of
from bench.reconstruction.recording import ExportTraceServiceRequest, LogEvents, Recording, Relay, Signal
from bench.reconstruction.truth import Truth, read_truth

from coldtrail_lab.context import without_ids
from coldtrail_lab.lab import Lab
from running import wait_for


@pytest.fixture(scope="module")
def recording() -> Iterator[Recording]:
    with Relay() as relay, Lab(otlp_http=relay.url, xray=relay.xray, contexts={"": "all"}) as lab:
        for number in (1, 2):
            lab.post_activity(f"user-000{number}", {"id": f"activity-5-00000{number}", "type": "run"})
        lab.invoices.close_invoice("invoice-5-000001", "corr-5000001")
        lab.onboarding.sign_up("signup-5-000001", "user-0003")
        assert lab.drain(180)

        def recorded() -> Recording:
            return Recording(5, list(relay.deliveries), list(lab.truth.lines))

        def whole(one: Recording) -> bool:
            """All that happened was told: what a function says at its end comes a little later than its truth."""
            truth = read_truth(one.truth)
            return ids_of(truth, "message") | ids_of(truth, "invocation") <= named_ids(at("all", one))

        yield wait_for(recorded, whole)


def spans(signals: list[Signal]) -> list[Any]:
    return [span for signal in signals if isinstance(signal, ExportTraceServiceRequest) for _, span in spans_of(signal)]


def at(level: str, recording: Recording) -> list[Signal]:
    taught, signals, _ = at_level(level, list(recording.signals()), read_truth(recording.truth))
    return [*taught, *signals]


def ids_of(truth: Truth, kind: str) -> set[str]:
    return {thing.id for thing in truth.things.values() if thing.type == kind}


def test_a_call_is_a_trail_with_everything_that_followed(recording: Recording) -> None:
    truth = read_truth(recording.truth)
    assert sorted(len(trail.things) for trail in truth.trails()) == [6, 6, 6, 11]
    assert ids_of(truth, "message") | ids_of(truth, "invocation") <= named_ids(at("all", recording))


def test_without_propagation_every_invocation_is_a_trace_of_its_own_and_ids_stay(recording: Recording) -> None:
    signals = at("ids", recording)
    invocations: dict[bytes, set[str]] = {}
    for span in spans(signals):
        assert not span.links
        named = [pair.value.string_value for pair in span.attributes if pair.key == "faas.invocation_id"]
        invocations.setdefault(span.trace_id, set()).update(named)
    assert all(len(found) == 1 for found in invocations.values())
    assert ids_of(read_truth(recording.truth), "message") <= named_ids(signals)


def test_a_bare_function_is_known_from_its_lines_alone(recording: Recording) -> None:
    signals = at("half", recording)
    groups = {signal.group.removeprefix("/aws/lambda/") for signal in signals if isinstance(signal, LogEvents) and "/lambda/" in signal.group}
    bare = set(sorted(groups)[1::2])
    emitters = {name for signal in signals if isinstance(signal, ExportTraceServiceRequest) for name, _ in spans_of(signal)}
    assert emitters
    assert not emitters & bare
    assert bare <= groups


@pytest.mark.parametrize("level", ["timing", "crowd"])
def test_with_ids_stripped_only_the_unit_that_speaks_is_named(recording: Recording, level: str) -> None:
    truth = read_truth(recording.truth)
    words = named_ids(at(level, recording))
    assert not ids_of(truth, "message") & words
    assert ids_of(truth, "invocation") | ids_of(truth, "execution") <= words
    assert not [word for word in words if word.startswith(("activity-5-", "invoice-5-", "signup-5-", "corr-", "act-"))]


def test_crowding_moves_trails_and_changes_no_duration(recording: Recording) -> None:
    def durations(signals: list[Signal]) -> list[int]:
        return sorted(span.end_time_unix_nano - span.start_time_unix_nano for span in spans(signals))

    assert durations(at("crowd", recording)) == durations(at("timing", recording))


def test_a_line_keeps_the_id_of_its_own_invocation_alone() -> None:
    own, other = "0ff24557-46c9-4550-9397-067dd22710d6", "b067a8ce-5414-46e3-bfe2-bff0d206be84"
    assert without_ids(f"START RequestId: {own} Version: $LATEST").count(own) == 1
    assert without_ids(f"notify user-0042 of activity-1-000002 messageId={other} now").split() == ["notify", "of", "now"]
    assert without_ids(f'{{"function_request_id": "{own}", "message_id": "{other}", "message": "stored"}}') == f'{{"function_request_id": "{own}", "message": "stored"}}'


def perfect(truth: Truth, start: str) -> dict[str, Any]:
    """The API's answer, were it made of the truth."""
    kinds = {"message": "message_id", "invocation": "request_id", "execution": "execution_arn", "request": "trace_id"}
    trail = next(one for one in truth.trails() if start in one.things)
    nodes = [truth.things[name] for name in trail.things]
    return {
        "trail_id": trail.origin,
        "nodes": [{"node_id": one.name, "kind": one.type, "service": one.where, "keys": {kinds[one.type]: one.id}} for one in nodes],
        "edges": [{"from": cause, "to": effect, "kind": "calls", "evidence": "message_id", "confidence": 0.95} for cause, effect in trail.edges],
    }


def test_an_answer_made_of_the_truth_is_exact_and_a_changed_one_is_not(recording: Recording) -> None:
    truth = read_truth(recording.truth)
    requests = {thing.id: thing.name for thing in truth.things.values() if thing.type == "request"}
    words = {thing.id for thing in truth.things.values()}
    assert len(requests_of(at("all", recording), truth)) == len(requests) == 3

    right = compare("all", truth, words, requests, lambda request_id: perfect(truth, f"invocation:{request_id}"), set())
    assert (right.trails, right.exact, right.precision, right.recall, right.foreign) == (4, 4, 1.0, 1.0, 0)
    assert right.bins == {"0.90-1.00": [right.right, 0]}

    def mistaken(request_id: str) -> dict[str, Any]:
        """What a message led to is said to have come straight from the origin."""
        answer = copy.deepcopy(perfect(truth, f"invocation:{request_id}"))
        moved = next(edge for edge in answer["edges"] if edge["to"].startswith("invocation:") and edge["from"].startswith("message:"))
        moved["from"] = answer["trail_id"]
        return answer

    wrong = compare("all", truth, words, requests, mistaken, set())
    assert (wrong.exact, wrong.wrong, wrong.missing) == (0, 4, 4)
