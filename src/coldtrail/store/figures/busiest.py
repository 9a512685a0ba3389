"""One metric that a service declares, of the busiest of its resources: a line each."""

from __future__ import annotations

from msgspec import Struct, structs

from coldtrail.services.service import Metric, Service
from coldtrail.store.engine import Engine
from coldtrail.store.figures.cloudwatch import known_names, received_by_resource
from coldtrail.store.figures.steps import Steps
from coldtrail.store.figures.watched import Told, Watched, watch
from coldtrail.store.functions.minutes import by_function
from coldtrail.store.resources import list_resources

MOST_LINES = 6
"""Resources that spans name are read one by one; a chart tells no more lines apart."""


class LineOf(Struct):
    """One resource's values by step; ``source`` as in `watched`."""

    name: str
    source: Told
    stat: str
    values: dict[int, float]


def watch_one(engine: Engine, service: Service, metric: Metric, name: str, steps: Steps) -> Watched:
    """Return one metric of one resource."""
    return watch(engine, structs.replace(service, metrics=(metric,)), name, steps)[0]


def watch_busiest(engine: Engine, service: Service, metric: Metric, steps: Steps) -> list[LineOf]:
    """Return a metric of those that CloudWatch tells the greatest values of, then of those that spans and lines say work most."""
    known = known_names(engine, (metric,))
    told = received_by_resource(engine, metric, steps, known) if known else {}
    greatest = sorted(told, key=lambda name: -max(told[name].values(), default=0))[:MOST_LINES]
    lines = [LineOf(name, "cloudwatch", metric.stat, told[name]) for name in greatest]
    if metric.scope == "account" and not lines:
        return _shown("", watch_one(engine, service, metric, "", steps))
    for name in names_of(engine, service, steps):
        if name not in told and len(lines) < MOST_LINES:
            lines += _shown(name, watch_one(engine, service, metric, name, steps))
    return lines


def names_of(engine: Engine, service: Service, steps: Steps, most: int = MOST_LINES) -> list[str]:
    """Return the resources of a service that spans and lines name in the range, the busiest first."""
    if service.id == "lambda":
        rows = by_function(engine, steps.since_ns, steps.until_ns)
        return [str(row[0]) for row in sorted(rows, key=lambda row: (-row[2], row[0]))[:most]]
    listed = list_resources(engine, steps.since_ns, steps.until_ns)
    return [one.name for one in listed if one.kind == service.id][:most]


def _shown(name: str, one: Watched) -> list[LineOf]:
    return [LineOf(name, one.source, one.stat, one.values)] if one.values else []
