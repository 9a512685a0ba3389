"""What is to be watched of a function or of a managed resource: a chart for each metric that its service declares."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException

from coldtrail.model.times import rfc3339
from coldtrail.server.api.red import time_range
from coldtrail.server.api.service import json
from coldtrail.server.api.times import parse_step
from coldtrail.services import ALL_SERVICES
from coldtrail.services.service import Service
from coldtrail.store.entries import newest_part
from coldtrail.store.figures.steps import Steps
from coldtrail.store.figures.watched import Watched, watch
from coldtrail.store.resources import kinds_of

WATCHED = {one.id: one for one in ALL_SERVICES if one.metrics}
FUNCTION = "lambda"
DAY_NS = 86_400 * 10**9
LEAST_STEP_NS = 60 * 10**9
"""CloudWatch tells by the minute; a finer step would be mostly gaps."""


@get("/functions/{name:str}/metrics", sync_to_thread=True)
def function_metrics(
    state: State, name: str, since: str | None = None, until: str | None = None, step: str | None = None
) -> Response[bytes]:
    """Every metric that is to be watched of a function, and those of the whole account that bear on it."""
    return _answer(state, WATCHED[FUNCTION], name, steps_of(since, until, step))


@get("/resources/{name:str}/metrics", sync_to_thread=True)
def resource_metrics(
    state: State,
    name: str,
    kind: str = "",
    since: str | None = None,
    until: str | None = None,
    step: str | None = None,
) -> Response[bytes]:
    """Every metric that is to be watched of a resource; ``kind`` is a service's id, by default what the name is seen as."""
    steps = steps_of(since, until, step)
    if kind and kind not in WATCHED:
        raise NotFoundException(f'kind is one of {", ".join(WATCHED)}, got "{kind[:60]}"')
    kind = kind or _seen_as(state, name, steps)
    if kind not in WATCHED:
        raise NotFoundException(f'no signal of the last day names "{name[:100]}": say what it is with kind=')
    return _answer(state, WATCHED[kind], name, steps)


def steps_of(since: str | None, until: str | None, step: str | None) -> Steps:
    """Return a range cut into steps of a minute or longer, unless a shorter one is asked for."""
    since_ns, until_ns = time_range(since, until)
    step_ns = parse_step(step, since_ns, until_ns)
    step_ns = step_ns if step else max(step_ns, LEAST_STEP_NS)
    return Steps(since_ns // step_ns * step_ns, -(-until_ns // step_ns) * step_ns, step_ns)


def _seen_as(state: State, name: str, steps: Steps) -> str:
    engine = state.service.engine
    for since_ns in (steps.since_ns, steps.until_ns - DAY_NS):
        counted_ns = newest_part(engine, since_ns, steps.until_ns, steps.step_ns)
        if named := kinds_of(engine, name, counted_ns, steps.until_ns):
            return str(named[0].kind)
    return ""


def _answer(state: State, service: Service, name: str, steps: Steps) -> Response[bytes]:
    return json(
        {
            "name": name,
            "kind": service.id,
            "service": service.name,
            "since": rfc3339(steps.since_ns),
            "until": rfc3339(steps.until_ns),
            "step_s": steps.step_ns / 1e9,
            "metrics": [_metric(one, steps) for one in watch(state.service.engine, service, name, steps)],
        }
    )


def _metric(watched: Watched, steps: Steps) -> dict[str, Any]:
    metric = watched.metric
    return {
        "id": metric.id,
        "name": metric.name,
        "unit": metric.unit,
        "statistic": watched.stat,
        "scope": metric.scope,
        "source": watched.source,
        "how": watched.how,
        "high": metric.high,
        "low": metric.low,
        "trouble": metric.trouble,
        "documentation": metric.source,
        "cloudwatch": [
            {"namespace": one.namespace, "metric": one.metric, "dimension": one.by or None} for one in metric.cloudwatch
        ],
        "points": points_of(watched.values, steps),
    }


def points_of(values: dict[int, float], steps: Steps) -> list[dict[str, Any]]:
    """Return values by step as points in order of time."""
    within = sorted((step, value) for step, value in values.items() if 0 <= step < steps.count)
    return [{"time": rfc3339(steps.since_ns + step * steps.step_ns), "value": value} for step, value in within]


router = Router(path="/", route_handlers=[function_metrics, resource_metrics], tags=["watch"])
