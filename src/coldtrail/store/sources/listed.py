"""Queues, streams, topics, buses and schedules, summed up from the deliveries of their messages."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from coldtrail.store.engine import Engine

MOST_ROWS = 500_000
"""More deliveries than this are not read: a longer range is cut to its newest part, and says so."""

POISON_TRIES = 3
"""A message that failed so often at one consumer, and never went through, is poison."""

TIE_NS = 5_000_000
"""Clocks of senders may differ by so much: what was sent within it has no order."""

RANGE = "at >= fromUnixTimestamp64Nano({since:Int64}) AND at < fromUnixTimestamp64Nano({until:Int64})"


NARROW = """at, kind, name, cityHash64(message) AS m, if(taker = '', 0, cityHash64(taker)) AS t, slot, how, consumer, sent_ns,
  taken_ns, waited_ms, failed, partial, order_group, order_key, dead_letter_of, version"""
"""What is counted; messages and takers as numbers, which takes half of the time that their ids would take."""


def newest(also: str = "", columns: str = NARROW) -> str:
    """Return SQL for one row a delivery of the range, the newest word on it; ``also``: a condition more."""
    message = "m" if columns.startswith(NARROW) else "message"
    return f"SELECT {columns} FROM deliveries WHERE {RANGE}{also} ORDER BY version DESC LIMIT 1 BY {message}, slot"


def ordered(deliveries: str) -> str:
    """Return SQL for deliveries with what came before each at its consumer.

    ``overtaken``: sent before a message that was taken before it. ``waited``: its wait counts.
    """
    return f"""
SELECT *, how = 'first' AND if(order_key != '', ahead_key > order_key, sent_ns > 0 AND ahead_ns > sent_ns + {TIE_NS}) AS overtaken,
  isNotNull(waited_ms) AND how = 'first' AS waited
FROM (
  SELECT *, max(if(how = 'first', sent_ns, 0)) OVER before AS ahead_ns, max(if(how = 'first', order_key, '')) OVER before AS ahead_key
  FROM ({deliveries})
  WINDOW before AS (PARTITION BY cityHash64(kind, name, consumer, order_group) ORDER BY taken_ns, sent_ns, order_key
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)"""


FIGURES = """uniqExact(m), uniqExactIf(m, sent_ns > 0), uniqExactIf(m, t != 0),
  countIf(how = 'redelivered'), countIf(how = 'retried'), countIf(how = 'duplicate'), countIf(overtaken), countIf(failed),
  uniqExactIf(t, partial), quantilesTDigestIf(0.5, 0.95)(ifNull(waited_ms, 0), waited), maxIf(waited_ms, waited),
  uniqExactIf(consumer, consumer != ''), uniqExactIf(m, dead_letter_of != ''), max(greatest(taken_ns, sent_ns)),
  uniqExactIf(m, sent_ns >= {recent:Int64}), uniqExactIf(m, taken_ns >= {recent:Int64} AND NOT failed)"""

RECENT_SHARE = 6
"""The present rate is that of the last sixth of a range."""

STEP = "intDiv(toUnixTimestamp64Nano(at) - {since:Int64}, {step:Int64})"


class Figures(Struct):
    """What is counted of some deliveries.

    ``messages``: distinct ones, of which so many were ``sent`` by someone seen and ``taken``. ``redelivered``, ``retried``
    and ``duplicates`` are deliveries beyond the first. ``overtaken``: taken after one that was sent later. ``partial``:
    batches of which a part failed. ``dead``: messages taken out of a dead-letter queue. ``recently_taken``: with success.
    """

    messages: int
    sent: int
    taken: int
    redelivered: int
    retried: int
    duplicates: int
    overtaken: int
    failed: int
    partial: int
    wait_p50_ms: float | None
    wait_p95_ms: float | None
    wait_max_ms: float | None
    consumers: int
    dead: int
    last_ns: int
    recently_sent: int
    recently_taken: int

    @property
    def untaken(self) -> int | None:
        """Sent, and not seen taken; None where nothing is ever seen taken, so that nobody can tell."""
        return self.messages - self.taken if self.taken else None


class Point(Struct):
    """One step."""

    start_ns: int
    figures: Figures


class EventSource(Struct):
    """One source. ``dead_letters``: messages of it that were seen in its dead-letter queue; ``poison``: see `POISON_TRIES`."""

    kind: str
    name: str
    figures: Figures
    points: list[Point] = field(default_factory=list)
    dead_letters: int = 0
    poison: int = 0


def recent_ns(since_ns: int, until_ns: int) -> int:
    """Return from when on the present rate is counted."""
    return until_ns - (until_ns - since_ns) // RECENT_SHARE


def parameters_of(since_ns: int, until_ns: int, step_ns: int) -> dict[str, Any]:
    """Return what the queries bind."""
    return {"since": since_ns, "until": until_ns, "step": step_ns, "recent": recent_ns(since_ns, until_ns)}


def messages_seen(engine: Engine, since_ns: int, until_ns: int) -> int:
    """Return about how many messages the telemetry of a range names, assembled yet or not."""
    rows = engine.rows(
        """SELECT uniqCombined(key_hash) FROM message_keys
        WHERE time >= fromUnixTimestamp64Nano({since:Int64}) AND time < fromUnixTimestamp64Nano({until:Int64})""",
        {"since": since_ns, "until": until_ns},
    )
    return int(rows[0][0])


def newest_part(engine: Engine, since_ns: int, until_ns: int, step_ns: int) -> int:
    """Return the beginning, or where a range has more deliveries than are read a later one, a whole step."""
    while until_ns - since_ns > step_ns:
        count = engine.rows(f"SELECT count() FROM deliveries WHERE {RANGE}", {"since": since_ns, "until": until_ns})
        if count[0][0] <= MOST_ROWS:
            break
        since_ns = until_ns - max(step_ns, (until_ns - since_ns) // 2 // step_ns * step_ns)
    return since_ns


def event_sources(engine: Engine, since_ns: int, until_ns: int, step_ns: int) -> list[EventSource]:
    """Return every source whose messages were sent (or first taken) in the range; reads each delivery of it once or twice."""
    parameters = parameters_of(since_ns, until_ns, step_ns)
    rows = engine.rows(
        f"""SELECT kind, name, {STEP} AS step, {FIGURES} FROM ({ordered(newest())})
        GROUP BY GROUPING SETS ((kind, name), (kind, name, step)) ORDER BY step""",
        parameters,
        {"group_by_use_nulls": 1},
    )
    found = {(row[0], row[1]): EventSource(row[0], row[1], figures_of(row[3:])) for row in rows if row[2] is None}
    for row in rows:
        if row[2] is not None:
            found[row[0], row[1]].points.append(Point(since_ns + row[2] * step_ns, figures_of(row[3:])))
    _add_trouble(engine, parameters, found)
    return list(found.values())


def _add_trouble(engine: Engine, parameters: dict[str, Any], found: dict[tuple[str, str], EventSource]) -> None:
    """How many messages of each source are poison, and how many were given up."""
    for kind, name, dead_of, poison, dead in engine.rows(
        f"""SELECT kind, name, dead_letter_of, countIf(tries >= {POISON_TRIES} AND NOT through), countIf(dead_letter_of != '')
        FROM (
          SELECT kind, name, dead_letter_of, countIf(failed) AS tries, countIf(NOT failed) > 0 AS through
          FROM ({newest()}) WHERE t != 0 GROUP BY kind, name, dead_letter_of, m, consumer)
        GROUP BY kind, name, dead_letter_of""",
        parameters,
    ):
        if source := found.get((kind, name)):
            source.poison += poison
        for origin in found.values() if dead_of else ():
            origin.dead_letters += dead if origin.name == dead_of else 0


def figures_of(row: tuple[Any, ...]) -> Figures:
    """Return the figures of a row of `FIGURES`."""
    *counts, quantiles, longest, consumers, dead, last_ns, sent, taken = row
    p50, p95 = (_figure(one) for one in quantiles)
    told = [*counts, p50, p95, _figure(longest), consumers, dead, last_ns, sent, taken]
    return Figures(*told)


def _figure(value: Any) -> float | None:
    """A figure of the engine, None where it has none."""
    return None if value is None or value != value else round(float(value), 3)
