"""Figures of a queue, stream, topic or bus from its messages: what waits, how old it is, what is being worked on.

A message is known by its key. Messages sent before the range still wait in it, so an hour before it is read as well.
"""

from __future__ import annotations

import time

from msgspec import structs

from coldtrail.store.engine import Engine
from coldtrail.store.figures.steps import Figures, Steps
from coldtrail.store.resource_names import Resource

LOOK_BACK_NS = 3600 * 10**9

WORK = ("messages.done", "messages.in_flight")
"""What is told of attempts only with their invocations."""


def figures_of_messages(engine: Engine, resource: Resource, steps: Steps) -> Figures:
    """Return the figures of the messages on a resource; reads who named it, and the keys of messages a day around."""
    return figures_of_many(engine, resource.kind, [resource.name], steps)[resource.name]


def figures_of_many(
    engine: Engine, kind: str, names: list[str], steps: Steps, *, work: bool = True
) -> dict[str, Figures]:
    """Return the figures of the messages on some resources of one kind, by name; reads as much for many as for one.

    Without ``work`` those of `WORK` are left out, and no invocation is read.
    """
    from coldtrail.store.sources.attempts import WORKED, Asked, nothing
    from coldtrail.store.sources.told import Told, figures_of_told

    early_ns = steps.since_ns - max(LOOK_BACK_NS, steps.until_ns - steps.since_ns)
    asked = Asked(engine, kind, names, early_ns, steps.until_ns)
    rows = asked.told()
    worked = asked.worked(rows) if work else nothing(WORKED)
    # The last step may end after now, until when nothing can have waited.
    until_now = structs.replace(steps, until_ns=min(steps.until_ns, time.time_ns()))
    found = {}
    for name, mine in zip(names, asked.of_each(rows), strict=True):
        figures = figures_of_told(Told.of(mine, worked), until_now) if len(mine) else {}
        found[name] = figures if work else {way: values for way, values in figures.items() if way not in WORK}
    return found
