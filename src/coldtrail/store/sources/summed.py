"""The messages of one resource, summed up: how many, how long they waited, who took them and with what luck."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from coldtrail.store.sources.attempts import Asked, Rows
from coldtrail.store.sources.messages import Consumer, MessagePoint, Messages
from coldtrail.store.sources.told import FAR, NEVER, Ints, Marks, attempts_of, pairs_of

MOST_ROWS = 200_000
"""So many deliveries of a range are looked at, the newest first."""

MOST_CONSUMERS = 50

Numbers = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]


class Deliveries(Struct):
    """A row an attempt at a message, in Unix nanoseconds; ``who`` 0 where nobody was seen to take it.

    ``message``: a number counted from 0. ``sent``: `NEVER` where nobody was seen to send it. ``first`` and ``last``: when
    this consumer's signals name the message, at any attempt.
    """

    key: Numbers
    message: Ints
    sent: Ints
    who: Numbers
    attempt: Numbers
    first: Ints
    last: Ints
    failed: Marks

    def where(self, keep: npt.NDArray[Any]) -> Deliveries:
        """Return those that are marked, or those at these places."""
        return Deliveries(*(getattr(self, name)[keep] for name in self.__struct_fields__))

    def newest(self) -> Deliveries:
        """Return as many as are looked at, the newest first."""
        order = np.argsort(-np.where(self.sent < NEVER, self.sent, self.first), kind="stable")
        found = self.where(order[:MOST_ROWS])
        found.message = np.unique(found.message, return_inverse=True)[1]
        return found


def deliveries_of(rows: Rows, failed: Numbers) -> Deliveries:
    """Return what rows of `attempts.ROW` tell; ``failed``: the attempts that failed. Pure."""
    keys, place = np.unique(rows["key"], return_inverse=True)
    giving, taking = rows["giving"] == 1, rows["who"] != 0
    sent = np.full(len(keys), NEVER, dtype=np.int64)
    np.minimum.at(sent, place[giving], rows["first"][giving])
    pairs = pairs_of(rows)
    kept = attempts_of(rows, pairs, taking)
    _, pair = np.unique(pairs, return_inverse=True)
    first, last = np.full(len(rows), NEVER, dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
    np.minimum.at(first, pair[taking], rows["first"][taking])
    np.maximum.at(last, pair[taking], rows["last"][taking])
    untaken = np.setdiff1d(np.arange(len(keys)), place[kept])
    none, never = np.zeros(len(untaken), dtype=np.uint64), np.full(len(untaken), NEVER, dtype=np.int64)
    message = np.concatenate((place[kept], untaken))
    did_fail = np.isin(rows["attempt"][kept], failed) & (rows["requested"][kept] == 1)
    return Deliveries(
        key=keys[message],
        message=message,
        sent=sent[message],
        who=np.concatenate((rows["who"][kept], none)),
        attempt=np.concatenate((rows["attempt"][kept], none)),
        first=np.concatenate((first[pair[kept]], never)),
        last=np.concatenate((last[pair[kept]], 0 * never)),
        failed=np.concatenate((did_fail, none == 1)),
    ).newest()


class Counted(Struct):
    """A place a message. ``again``: its deliveries beyond the first of each consumer."""

    sent: Ints
    first: Ints
    last: Ints
    again: Ints

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.sent)

    @property
    def was_sent(self) -> Marks:
        """Of which somebody was seen to send them."""
        return self.sent < NEVER

    @property
    def was_taken(self) -> Marks:
        """Of which somebody was seen to take them."""
        return self.first < NEVER

    @property
    def waits_ms(self) -> Floats:
        """How long those that were sent and taken waited."""
        both = self.was_sent & self.was_taken
        return _ms(self.sent[both], self.first[both])

    @property
    def ages_ms(self) -> Floats:
        """How old they were when they were last told of."""
        both = self.was_sent & self.was_taken
        return _ms(self.sent[both], self.last[both])

    def where(self, places: Ints) -> Counted:
        """Return those at some places."""
        return Counted(*(getattr(self, name)[places] for name in self.__struct_fields__))


def counted(found: Deliveries) -> Counted:
    """Return what deliveries come to, message by message. Pure."""
    count = int(found.message.max()) + 1 if len(found.message) else 0
    sent, first, last = (np.full(count, start, dtype=np.int64) for start in (NEVER, NEVER, 0))
    np.minimum.at(sent, found.message, found.sent)
    np.minimum.at(first, found.message, found.first)
    np.maximum.at(last, found.message, found.last)
    return Counted(sent, first, last, _again(found, count))


def sum_up(asked: Asked, since_ns: int, until_ns: int, step_ns: int) -> Messages:
    """Return what is known of the messages of a range."""
    found = deliveries_of(asked.told(), asked.failed())
    all_ = counted(found)
    taken, ages = int(all_.was_taken.sum()), all_.ages_ms
    p50, p95, longest = _spread(all_.waits_ms)
    return Messages(
        count=all_.count,
        sent=int(all_.was_sent.sum()),
        taken=taken,
        untaken=all_.count - taken if taken else None,
        redelivered=int((all_.again > 0).sum()),
        redeliveries=int(all_.again.sum()),
        wait_p50_ms=p50,
        wait_p95_ms=p95,
        wait_max_ms=longest,
        age_max_ms=float(ages.max()) if len(ages) else None,
        points=list(_points(all_, since_ns, until_ns, step_ns)),
        consumers=_consumers(asked, found),
    )


def _ms(since: Ints, until: Ints) -> Floats:
    return np.maximum(0.0, (until - since) / 1e6)


def _spread(waits_ms: Floats) -> tuple[float | None, float | None, float | None]:
    """p50, p95 and the greatest."""
    if not len(waits_ms):
        return None, None, None
    ordered = np.sort(waits_ms)
    p50, p95 = (float(ordered[min(len(ordered) - 1, int(len(ordered) * share))]) for share in (0.5, 0.95))
    return p50, p95, float(ordered[-1])


def _again(found: Deliveries, count: int) -> Ints:
    """Deliveries of each message beyond the first of each consumer."""
    message, who = found.message[found.who != 0], found.who[found.who != 0]
    _, firsts = np.unique(who * FAR ^ message.astype(np.uint64), return_index=True)
    return np.bincount(message, minlength=count) - np.bincount(message[firsts], minlength=count)


def _points(all_: Counted, since_ns: int, until_ns: int, step_ns: int) -> Iterator[MessagePoint]:
    at = np.where(all_.was_sent, all_.sent, all_.first)
    within = np.flatnonzero((at >= since_ns) & (at < until_ns))
    step = (at[within] - since_ns) // step_ns
    order = np.argsort(step, kind="stable")
    steps, begins = np.unique(step[order], return_index=True)
    for one, begin, end in zip(steps, begins, [*begins, len(order)][1:], strict=True):
        mine = all_.where(within[order[begin:end]])
        untaken = int((~mine.was_taken).sum())
        yield MessagePoint(since_ns + int(one) * step_ns, mine.count, untaken, *_spread(mine.waits_ms))


def _consumers(asked: Asked, found: Deliveries) -> list[Consumer]:
    by_who = [found.where(found.who == who) for who in np.unique(found.who[found.who != 0])]
    named = asked.services([int(mine.key[0]) for mine in by_who])
    failing = [mine.where(mine.failed) for mine in by_who]
    why = asked.reasons([(int(one.key[0]), int(one.attempt[0])) for one in failing if len(one.key)])
    consumers = []
    for mine, failed in zip(by_who, failing, strict=True):
        type_, message = why.get(int(failed.attempt[0]), ("", "")) if len(failed.key) else ("", "")
        consumers.append(
            Consumer(
                service=named[int(mine.who[0])],
                message_count=len(np.unique(mine.message)),
                deliveries=len(mine.key),
                attempts=len(np.unique(mine.attempt)),
                failed_attempts=len(np.unique(failed.attempt)),
                failure_type=type_,
                failure_message=message,
                last_seen_ns=int(mine.last.max()),
            )
        )
    return sorted(consumers, key=lambda one: (-one.deliveries, one.service))[:MOST_CONSUMERS]
