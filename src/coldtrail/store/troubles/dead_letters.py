"""How deep dead-letter queues are, and what is known of the messages in them."""

from __future__ import annotations

from msgspec import Struct

from coldtrail.services.service import CloudWatch
from coldtrail.services.sqs import NAMESPACE, dead_letters_of
from coldtrail.store.engine import Engine
from coldtrail.store.figures.cloudwatch import AT_THE_END_NS, name_of
from coldtrail.store.metrics.charts import chart_of_series
from coldtrail.store.metrics.series import dictionary_of
from coldtrail.store.sources.listed import POISON_TRIES, RANGE

VISIBLE = CloudWatch(NAMESPACE, "ApproximateNumberOfMessagesVisible", by="QueueName")
STEP_NS = 10 * 10**9
MOST_UNITS = 5


class Depth(Struct, frozen=True):
    """How many messages a dead-letter queue held, by time (Unix ns); ``of``: the queue whose they were, by its name."""

    queue: str
    of: str
    points: list[tuple[int, float]]


def depths(engine: Engine, since_ns: int, until_ns: int) -> list[Depth]:
    """Return the depths of queues that are named like a dead-letter queue; both times are multiples of 10 s."""
    name = name_of(VISIBLE)
    series = dictionary_of(engine).series(engine, name, since_ns)
    whose = {queue: of for one in series if (of := dead_letters_of(queue := one.label(VISIBLE.by)))}
    mine = [one for one in series if one.label(VISIBLE.by) in whose]
    if not mine:
        return []
    times = since_ns + AT_THE_END_NS, until_ns + AT_THE_END_NS
    chart = chart_of_series(engine, mine, name, *times, STEP_NS, "max", (VISIBLE.by,))
    return [Depth(queue := line.labels[VISIBLE.by], whose[queue], line.points) for line in chart.series if line.points]


def taken_from(engine: Engine, queues: list[str], since_ns: int, until_ns: int) -> set[str]:
    """Return those of some dead-letter queues out of which somebody took a message: what it was, and why, is told by that."""
    query = f"""SELECT DISTINCT name FROM deliveries
        WHERE {RANGE} AND dead_letter_of != '' AND name IN {{queues:Array(String)}}"""
    rows = engine.rows(query, {"queues": queues, "since": since_ns, "until": until_ns})
    return {name for (name,) in rows}


def tried_in_vain(engine: Engine, queues: list[str], since_ns: int, until_ns: int) -> dict[str, tuple[str, ...]]:
    """Return trails of messages that failed, or came again and again, by the queue that they were in."""
    query = f"""SELECT name, groupUniqArray({MOST_UNITS})(trail_id) FROM deliveries
        WHERE {RANGE} AND (failed OR number >= {POISON_TRIES}) AND kind = 'sqs' AND name IN {{queues:Array(String)}} GROUP BY name"""
    rows = engine.rows(query, {"queues": queues, "since": since_ns, "until": until_ns})
    return {name: tuple(one for one in units if one) for name, units in rows}
