"""A message that failed in a batch whose invocation succeeded is told on its own trail, and on no other."""

from __future__ import annotations

import pytest
from msgspec import structs
from telling import lines, log, span

from coldtrail.model.signals import Log, Span
from coldtrail.services import failed_items
from coldtrail.trails.assemble import assemble


def sent(number: int) -> Span:
    return span(1, 0, trace=f"{number}", kind=4, service="post", messaging__message__id=f"m-{number}")


def batch(*extra: Log, taken: int = 4, again: dict[int, int], later_ms: float = 30_100) -> list[Log]:
    """An invocation that takes all messages and succeeds, and those of ``again`` once more, received so often."""
    found = [log("first", 102 + number, function="mail", message_id=f"m-{number}", receive_count=1) for number in range(taken)]
    found += [*lines("first", 100, 50, function="mail"), *extra]
    for number, count in again.items():
        found += [log(f"again-{number}", later_ms + 50 + number, function="mail", message_id=f"m-{number}", receive_count=count), *lines(f"again-{number}", later_ms + 50, 5, function="mail")]
    return found


def partial(logs: list[Log], number: int, kind: str = "failed") -> list[str]:
    trail = assemble([sent(one) for one in range(4)], logs, f"{number}" * 32)
    assert trail is not None
    return [one.text for one in trail.story if f"m-{number} {kind}" in one.text or "came again" in one.text]


def test_what_came_again_after_a_success_failed_in_its_batch_and_the_others_did_not() -> None:
    logs = batch(again={2: 2})
    assert partial(logs, 2) == ["message m-2 failed in a batch of 4 in mail, of which 3 went through; it came again after 30.0 s"]
    assert [partial(logs, number) for number in (0, 1, 3)] == [[], [], []]


@pytest.mark.parametrize("again", [{}, {0: 2, 1: 2, 2: 2, 3: 2}, {2: 1}], ids=["nothing came again", "all came again", "a duplicate, counted once"])
def test_what_does_not_tell_of_a_part_is_not_told_as_one(again: dict[int, int]) -> None:
    logs = batch(again=again)
    assert [partial(logs, number) for number in range(4)] == [[], [], [], []]


def said(request: str, at_ms: float, body: str) -> Log:
    return structs.replace(log(request, at_ms, function="mail"), body=body)


def test_what_the_function_answered_goes_before_what_came_again() -> None:
    logs = batch(said("first", 149, '{"response": {"batchItemFailures": [{"itemIdentifier": "m-1"}]}}'), again={})
    assert partial(logs, 1) == ["message m-1 failed in a batch of 4 in mail, of which 3 went through; it was not seen to come again"]
    assert partial(logs, 2) == []


def test_why_it_failed_is_told_where_one_line_can_only_be_about_it() -> None:
    skipped = log("first", 120, function="mail", exception__type="AddressError", exception__message="no such user")
    assert "m-3 failed with AddressError: no such user in a batch of 4" in partial(batch(skipped, again={3: 2}), 3)[0]
    assert "AddressError" not in partial(batch(skipped, again={2: 2, 3: 2}), 3)[0]


def test_records_behind_the_one_that_failed_came_again_because_of_it() -> None:
    spans = [span(1, 0, trace=f"{number}", kind=4, service="post", aws__kinesis__sequence_number=f"10{number}") for number in range(3)]
    logs = [log("first", 102 + number, sequence_number=f"10{number}") for number in range(3)]
    logs += [*lines("first", 100, 50), said("first", 149, "{'batchItemFailures': [{'itemIdentifier': '101'}]}")]
    logs += [log("again", 1_152 + number, sequence_number=f"10{number}") for number in (1, 2)] + lines("again", 1_150, 50)
    told = []
    for number in range(3):
        trail = assemble(spans, [structs.replace(one, resource=logs[0].resource) for one in logs], f"{number}" * 32)
        assert trail is not None
        told.append([one.text.partition(" ")[2].partition(" ")[2] for one in trail.story if "batch" in one.text])
    assert told == [[], ["failed in a batch of 3 in ingest, of which 2 went through; it came again after 1.0 s"], ["came again 1.0 s after its batch of 3 in ingest, because a record before it had failed there"]]


@pytest.mark.parametrize("text", [
    '{"batchItemFailures":[{"itemIdentifier":"a-1"},{"itemIdentifier":"a-2"}]}',
    r'{"message": "{\"batchItemFailures\": [{\"itemIdentifier\": \"a-1\"}, {\"itemIdentifier\": \"a-2\"}]}"}',
    "RESPONSE {'batchItemFailures': [{'itemIdentifier': 'a-1'}, {'itemIdentifier': 'a-2'}]}",
    "INFO { batchItemFailures: [\n  { itemIdentifier: 'a-1' },\n  { itemIdentifier: 'a-2' }\n] }",
], ids=["json", "json in json", "python", "node.js"])
def test_an_answer_is_understood_as_it_is_printed(text: str) -> None:
    assert failed_items(said("r", 0, text)) == ("a-1", "a-2")


def test_an_answer_without_failures_reports_none() -> None:
    assert failed_items(said("r", 0, '{"batchItemFailures": []} and {"itemIdentifier": "b"}')) == ()
