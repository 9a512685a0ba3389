"""What a service says is to be watched, for one resource: from CloudWatch where it told, else derived, else absent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from msgspec import Struct, structs

from coldtrail.services.service import Metric, Service
from coldtrail.store.engine import Engine
from coldtrail.store.entries import newest_part
from coldtrail.store.figures.apis import figures_of_api
from coldtrail.store.figures.calls import figures_of_calls, figures_of_failures
from coldtrail.store.figures.cloudwatch import received
from coldtrail.store.figures.executions import figures_of_executions
from coldtrail.store.figures.functions import figures_of_functions
from coldtrail.store.figures.messages import WORK, figures_of_many, figures_of_messages
from coldtrail.store.figures.steps import Figures, Steps
from coldtrail.store.resource_names import Resource

Told = Literal["cloudwatch", "derived", "absent"]


class Watched(Struct):
    """One metric of one resource. ``stat``: the statistic that the values are; ``values`` by step."""

    metric: Metric
    source: Told
    stat: str
    how: str
    values: dict[int, float]


_FAMILIES: dict[str, Callable[[Engine, Resource, Steps], Figures]] = {
    "api": lambda engine, one, steps: figures_of_api(engine, one.name.partition("/")[0], steps),
    "execution": lambda engine, one, steps: figures_of_executions(engine, one.name, steps),
    "calls": figures_of_calls,
    "failures": figures_of_failures,
    "messages": figures_of_messages,
}
"""By the first part of a derivation's name: what reads all of its kind at once."""

_OF_FUNCTIONS = ("function", "account")
_OF_ATTRIBUTES = ("api", "failures")
"""These read spans' attributes, and so of a range with very many spans the newest part alone."""


def watch(engine: Engine, service: Service, name: str, steps: Steps) -> list[Watched]:
    """Return every metric that the service declares, for one resource, in the order of the declaration."""
    label = name.partition("/")[0] if service.id == "apigateway" else name
    told = received(engine, service.metrics, label, steps)
    untold = (one for one in service.metrics if one.id not in told)
    figures = derive(engine, Resource(service.id, name), steps, untold)
    watched = []
    for one in service.metrics:
        if found := told.get(one.id):
            how = f"{found.published.namespace} {found.published.metric} of a metric stream"
            watched.append(Watched(one, "cloudwatch", found.stat, how, found.values))
        elif one.derived and (values := figures.get(one.derived.way)):
            watched.append(Watched(one, "derived", one.stat, one.derived.how, values))
        else:
            watched.append(Watched(one, "absent", one.stat, brings(one), {}))
    return watched


def derive(engine: Engine, resource: Resource, steps: Steps, metrics: Iterable[Metric]) -> Figures:
    """Return the figures of the metrics that spans, lines and keys tell; each kind of source is read once."""
    figures: Figures = {}
    ways = {one.derived.way for one in metrics if one.derived}
    families = {way.partition(".")[0] for way in ways}
    if not families.isdisjoint(_OF_FUNCTIONS):
        figures |= figures_of_functions(engine, resource.name, steps, ways)
    for family in sorted(families.difference(_OF_FUNCTIONS)):
        if family == "messages" and not ways.intersection(WORK):
            figures |= figures_of_many(engine, resource.kind, [resource.name], steps, work=False)[resource.name]
        elif family in _OF_ATTRIBUTES:
            counted_ns = newest_part(engine, steps.since_ns, steps.until_ns, steps.step_ns)
            figures |= _FAMILIES[family](engine, resource, structs.replace(steps, counted_ns=counted_ns))
        else:
            figures |= _FAMILIES[family](engine, resource, steps)
    return figures


def brings(metric: Metric) -> str:
    """Return what would bring a metric that no signal tells."""
    if metric.brings:
        return metric.brings
    namespaces = sorted({one.namespace for one in metric.cloudwatch})
    also = f", or {metric.derived.how}" if metric.derived else ""
    return f"The namespace {' or '.join(namespaces)} of a CloudWatch metric stream brings it{also}."
