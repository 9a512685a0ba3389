"""Messages that are given up, that poison a queue or stream, that come back each time, and that are done twice."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from coldtrail.model.findings import Sighting, fingerprint
from coldtrail.store.engine import Engine
from coldtrail.store.troubles.failures import given_up, poisoned, taken_again
from coldtrail.watch.finders.failures import failure_detail, kind_of
from coldtrail.watch.finders.told import sighting
from coldtrail.watch.normalise import normalise


def given_up_messages(engine: Engine, since_ns: int, until_ns: int) -> Iterator[Sighting]:
    """Every source whose messages ended in a dead-letter queue, by the reason."""
    for group in given_up(engine, since_ns, until_ns):
        queue, error_type, message = group.texts
        reason = error_type.rpartition(".")[2] or normalise(message)
        yield sighting(
            group,
            kind="dead_letter",
            detail=f"{queue}: {reason}",
            title=f"Messages of {group.scope} are given up to {queue}" + (f": {reason}" if reason else ""),
            severity="high",
            advice="Mend the cause, then redrive the queue; the trail shows every attempt and why it failed.",
            queue=queue,
            type=error_type,
            message=message[:1000],
            tries=group.figures[0],
        )


def poison_messages(engine: Engine, since_ns: int, until_ns: int) -> Iterator[Sighting]:
    """Every source with messages that fail each time; what fails them is the consumer's own finding."""
    for group in poisoned(engine, since_ns, until_ns):
        consumer, error_type, message = group.texts
        failure = kind_of("error", error_type)
        yield sighting(
            group,
            kind="poison_message",
            detail=f"{consumer}: {failure_detail('error', error_type, message)}",
            title=f"{consumer} fails on the same messages of {group.scope} each time",
            severity="medium",
            advice=(
                "Report failed items of a batch alone, give the queue a dead-letter queue, and bisect the batches"
                " of a stream."
            ),
            consumer=consumer,
            type=error_type,
            message=message[:1000],
            tries=group.figures[0],
            follows=fingerprint(failure, consumer, failure_detail("error", error_type, message)) if error_type else "",
        )


def messages_taken_again(engine: Engine, since_ns: int, until_ns: int) -> Iterator[Sighting]:
    """Every consumer that took messages again with which it had been through: twice, or each time that the queue hands them out."""
    for group in taken_again(engine, since_ns, until_ns):
        (consumer,), (returned, tries) = group.texts, group.figures
        returning = sighting(
            group,
            kind="poison_message",
            detail=f"{consumer}: comes back",
            title=f"The same messages of {group.scope} come back to {consumer} each time, though it succeeds",
            severity="medium",
            advice=(
                "It reports them as failed (`batchItemFailures`): let it log why. Or the queue's visibility time-out is"
                " shorter than its work: make that six times the function's time-out."
            ),
            consumer=consumer,
            tries=tries,
        )
        if returned:
            yield structs.replace(returning, count=int(returned))
        yield sighting(
            group,
            kind="duplicate",
            detail=consumer,
            title=f"{consumer} does messages of {group.scope} twice",
            severity="medium",
            advice="Delivery is at least once: make the work idempotent by the message's id or a business key.",
            consumer=consumer,
            follows=returning.fingerprint if returned else "",
        )
