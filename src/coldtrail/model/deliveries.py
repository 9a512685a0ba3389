"""Deliveries: each time that a message was handed to a function, as one row."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from coldtrail.model.trails import Failure

How = Literal["", "first", "redelivered", "duplicate", "retried"]
"""``redelivered``: after a delivery to the same function failed; ``duplicate``: after one that went through; ``retried``:
another attempt of the same request, as Lambda makes them of asynchronous calls. "": nobody was seen to take it."""


class Handed(Struct, frozen=True):
    """One delivery of one message; times in Unix nanoseconds.

    ``kind`` and ``name``: of the queue, topic, bus, stream, table, bucket or schedule; the name is "" where nobody tells it.
    ``sender``: who is told to have sent it; "" where nobody is, or somebody is only likely to have. ``at_ns``: when it was
    sent, or first taken where nobody says when. ``waited_ms``: from its sending to the first delivery to
    this consumer, from the end of the attempt before to a later one; None where that is not told.
    ``number``: which delivery to this consumer. ``batch``: messages in the invocation. ``partial``: it failed in an
    invocation that succeeded. ``order_group``: the shard or FIFO group; ``order_key``: sorts as it was sent within it.
    ``dead_letter_of``: it was taken from the dead-letter queue of this source (or function), for ``cause``, after
    ``tries`` in vain, the last of them ``last_try`` (a node).
    """

    message: str
    key: str
    kind: str
    name: str
    at_ns: int
    sent_ns: int | None
    sender: str
    trail_id: str
    how: How = ""
    taker: str = ""
    consumer: str = ""
    taken_ns: int | None = None
    ended_ns: int | None = None
    waited_ms: float | None = None
    number: int = 0
    batch: int = 0
    failed: bool = False
    partial: bool = False
    failure: Failure | None = None
    order_group: str = ""
    order_key: str = ""
    dead_letter_of: str = ""
    cause: str = ""
    tries: int = 0
    last_try: str = ""
