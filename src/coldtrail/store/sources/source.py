"""One queue, stream, topic, bus or schedule: who took what with what luck, what came again and again, what was given up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from coldtrail.store.engine import Engine
from coldtrail.store.sources.listed import (
    FIGURES,
    NARROW,
    STEP,
    EventSource,
    Figures,
    Point,
    figures_of,
    newest,
    ordered,
    parameters_of,
)
from coldtrail.store.trails.durations import CELLS_PER_DOUBLING, Cell

MOST_LISTED = 100
MOST_TROUBLED = 2_000

_MINE = " AND kind = {kind:String} AND name = {name:String}"


class Consumer(Struct):
    """Who takes messages of the source; the failure is the newest."""

    name: str
    figures: Figures
    failure_type: str
    failure_message: str


class OrderGroup(Struct):
    """A shard or FIFO group: how many messages, and how long they waited."""

    name: str
    count: int
    wait_p95_ms: float | None
    failed: int


class Troubled(Struct):
    """A message that failed at a consumer; ``through``: it went through in the end."""

    message: str
    key: str
    consumer: str
    trail_id: str
    taker: str
    tries: int
    through: bool
    first_ns: int
    last_ns: int
    failure_type: str
    failure_message: str


class PartialBatch(Struct):
    """A batch that went through but for ``failed`` of its ``size`` messages."""

    taker: str
    consumer: str
    trail_id: str
    time_ns: int
    size: int
    failed: int
    failure_type: str
    failure_message: str


class DeadLetter(Struct):
    """A message that was given up: taken out of the dead-letter queue ``queue`` (by ``taker``), where it came from ``origin``."""

    message: str
    key: str
    queue: str
    origin: str
    consumer: str
    taker: str
    trail_id: str
    sent_ns: int
    taken_ns: int
    cause: str
    tries: int
    last_try: str
    failed: bool


class Detail(Struct):
    """Everything of one source. ``attempts``: so many messages took so many deliveries to one consumer."""

    source: EventSource
    cells: list[Cell]
    attempts: list[tuple[int, int, int]]
    consumers: list[Consumer]
    groups: list[OrderGroup]
    troubled: list[Troubled]
    partial: list[PartialBatch]
    dead: list[DeadLetter]


def event_source(engine: Engine, kind: str, name: str, since_ns: int, until_ns: int, step_ns: int) -> Detail | None:
    """Return one source over a range, None where no message of it was seen; reads its deliveries some times over."""
    asked = _Asked(engine, kind, name, since_ns, until_ns, step_ns)
    source = asked.source()
    if source is None:
        return None
    troubled = asked.troubled()
    source.poison = sum(one.tries >= 3 and not one.through for one in troubled)
    dead = asked.dead()
    source.dead_letters = len({one.message for one in dead if one.origin == name})
    return Detail(
        source, asked.cells(), asked.attempts(), asked.consumers(), asked.groups(), troubled, asked.partial(), dead
    )


class _Asked:
    """The questions about one source."""

    def __init__(self, engine: Engine, kind: str, name: str, since_ns: int, until_ns: int, step_ns: int) -> None:
        self._engine = engine
        self._kind, self._name = kind, name
        self._since_ns, self._step_ns = since_ns, step_ns
        self._parameters = {**parameters_of(since_ns, until_ns, step_ns), "kind": kind, "name": name}
        self._newest = newest(_MINE)
        self._whole = newest(_MINE, "*")
        self._ordered = ordered(self._newest)

    def _rows(self, query: str, settings: dict[str, Any] | None = None) -> Iterable[tuple[Any, ...]]:
        return self._engine.rows(query, self._parameters, settings or {})

    def source(self) -> EventSource | None:
        """Its figures, whole and by step."""
        query = (
            f"SELECT {STEP} AS step, {FIGURES} FROM ({self._ordered}) GROUP BY GROUPING SETS ((), (step)) ORDER BY step"
        )
        whole: Figures | None = None
        points = []
        for step, *row in self._rows(query, {"group_by_use_nulls": 1}):
            if step is None:
                whole = figures_of(tuple(row))
            else:
                points.append(Point(self._since_ns + step * self._step_ns, figures_of(tuple(row))))
        return EventSource(self._kind, self._name, whole, points) if whole and whole.messages else None

    def cells(self) -> list[Cell]:
        """How long messages waited over time: counts by step and half octave; those that failed as errors."""
        rows = self._rows(
            f"""SELECT {STEP} AS step, toInt32(floor(log2(greatest(waited_ms, 0.001)) * {CELLS_PER_DOUBLING})) AS height,
              count(), countIf(failed)
            FROM ({self._newest}) WHERE how = 'first' AND isNotNull(waited_ms) GROUP BY step, height ORDER BY step, height"""
        )
        return [
            Cell(
                self._since_ns + step * self._step_ns,
                2.0 ** (height / CELLS_PER_DOUBLING),
                2.0 ** ((height + 1) / CELLS_PER_DOUBLING),
                count,
                failed,
            )
            for step, height, count, failed in rows
        ]

    def attempts(self) -> list[tuple[int, int, int]]:
        """(deliveries, messages that took so many, of which never went through)."""
        rows = self._rows(
            f"""SELECT n, count(), countIf(NOT through) FROM (
              SELECT count() AS n, countIf(NOT failed) > 0 AS through FROM ({self._newest}) WHERE t != 0
              GROUP BY m, consumer)
            GROUP BY n ORDER BY n LIMIT 50"""
        )
        return [(n, count, lost) for n, count, lost in rows]

    def consumers(self) -> list[Consumer]:
        """Who took, the one with most deliveries first."""
        told = ordered(newest(_MINE, f"{NARROW}, failure_type, failure_message"))
        rows = self._rows(
            f"""SELECT consumer, {FIGURES}, argMaxIf(failure_type, taken_ns, failed),
              argMaxIf(failure_message, taken_ns, failed)
            FROM ({told}) WHERE consumer != '' GROUP BY consumer ORDER BY count() DESC LIMIT {MOST_LISTED}"""
        )
        return [Consumer(name, figures_of(tuple(row)), kind, message) for name, *row, kind, message in rows]

    def groups(self) -> list[OrderGroup]:
        """Shards or FIFO groups, those whose messages waited longest first."""
        rows = self._rows(
            f"""SELECT order_group, uniqExact(m), quantileTDigestIf(0.95)(ifNull(waited_ms, 0), isNotNull(waited_ms)) AS p95,
              countIf(failed)
            FROM ({self._newest}) WHERE order_group != '' AND how = 'first' GROUP BY order_group ORDER BY p95 DESC LIMIT 20"""
        )
        return [OrderGroup(name, n, None if p95 != p95 else round(p95, 3), failed) for name, n, p95, failed in rows]

    def troubled(self) -> list[Troubled]:
        """Messages that failed at least twice at one consumer, the most tried first."""
        rows = self._rows(
            f"""SELECT message, any(key), consumer, any(trail_id), argMaxIf(taker, taken_ns, failed), countIf(failed) AS tries,
              toBool(countIf(NOT failed) > 0), min(taken_ns), max(taken_ns), argMaxIf(failure_type, taken_ns, failed),
              argMaxIf(failure_message, taken_ns, failed)
            FROM ({self._whole}) WHERE taker != '' GROUP BY message, consumer HAVING tries > 1
            ORDER BY tries DESC, message LIMIT {MOST_TROUBLED}"""
        )
        return [Troubled(*row) for row in rows]

    def partial(self) -> list[PartialBatch]:
        """Batches of which a part failed, the newest first."""
        rows = self._rows(
            f"""SELECT taker, any(consumer), any(trail_id), max(taken_ns) AS last, max(batch), uniqExact(message),
              any(failure_type), any(failure_message)
            FROM ({self._whole}) WHERE partial GROUP BY taker ORDER BY last DESC LIMIT {MOST_LISTED}"""
        )
        return [PartialBatch(*row) for row in rows]

    def dead(self) -> list[DeadLetter]:
        """Messages taken out of dead-letter queues: of this queue, or that came from this source; the newest first."""
        of = " AND dead_letter_of != '' AND (dead_letter_of = {name:String} OR (kind = {kind:String} AND name = {name:String}))"
        rows = self._rows(
            f"""SELECT message, key, name, dead_letter_of, consumer, taker, trail_id, sent_ns, taken_ns, cause, tries,
              last_try, toBool(failed)
            FROM ({newest(of, "*")}) ORDER BY taken_ns DESC LIMIT 1 BY message LIMIT {MOST_LISTED}"""
        )
        return [DeadLetter(*row) for row in rows]
