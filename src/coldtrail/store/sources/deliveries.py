"""Write the deliveries of messages as the background pass finds them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from coldtrail.model.deliveries import Handed
from coldtrail.store.engine import Engine

UNNAMED = "unnamed"
"""What a source is called that nobody names."""

MOST_NAME, MOST_MESSAGE = 256, 500

_COLUMNS = [
    *(
        "at",
        "kind",
        "name",
        "message",
        "key",
        "sent_ns",
        "sender",
        "trail_id",
        "slot",
        "how",
        "taker",
        "consumer",
        "taken_ns",
    ),
    *(
        "ended_ns",
        "waited_ms",
        "number",
        "batch",
        "failed",
        "partial",
        "failure_type",
        "failure_message",
        "order_group",
    ),
    *("order_key", "dead_letter_of", "cause", "tries", "last_try", "version", "received"),
]


def save_deliveries(engine: Engine, found: list[Handed], version: int) -> None:
    """Write rows; ``version`` is Unix nanoseconds, and the newest row of a message and slot counts.

    Raises:
        EngineError: the engine refused them.
    """
    if found:
        slots: Counter[str] = Counter()
        rows = []
        for one in found:
            rows.append(_values(one, slots[one.message], version))
            slots[one.message] += 1
        engine.insert("deliveries", rows, _COLUMNS)


def _values(one: Handed, slot: int, version: int) -> list[Any]:
    failure = one.failure
    return [
        _time(one.at_ns),
        one.kind,
        one.name[:MOST_NAME] or UNNAMED,
        one.message,
        one.key,
        one.sent_ns or 0,
        one.sender,
        one.trail_id,
        slot,
        one.how,
        one.taker,
        one.consumer,
        one.taken_ns or 0,
        one.ended_ns or 0,
        one.waited_ms,
        one.number,
        one.batch,
        int(one.failed),
        int(one.partial),
        failure.type[:MOST_NAME] if failure else "",
        failure.message[:MOST_MESSAGE] if failure else "",
        one.order_group[:MOST_NAME],
        one.order_key,
        one.dead_letter_of[:MOST_NAME],
        one.cause[:MOST_MESSAGE],
        one.tries,
        one.last_try,
        version,
        version // 10**9,
    ]


def _time(at_ns: int) -> str:
    """Unix nanoseconds as the engine reads them from text."""
    seconds, ns = divmod(max(0, at_ns), 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{ns:09d}"
