"""Which metrics there are, and a chart of one."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, Router, get
from litestar.datastructures import State
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import Parameter

from coldtrail.model.times import rfc3339
from coldtrail.server.api.red import time_range
from coldtrail.server.api.service import json
from coldtrail.server.api.times import parse_step
from coldtrail.store.metrics.charts import BadQuestion, Stat, chart_of
from coldtrail.store.metrics.listed import Metric, list_metrics


@get("/metrics", sync_to_thread=True)
def metrics(
    state: State,
    service: str = "",
    q: str = "",
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
    cursor: str = "",
) -> Response[bytes]:
    """List metrics by name, those of a service or with a part of the name."""
    found = list_metrics(state.service.engine, service, q, cursor, limit + 1)
    more = len(found) > limit
    return json({"metrics": [_metric(one) for one in found[:limit]], "cursor": found[limit - 1].name if more else None})


def _metric(one: Metric) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind,
        "unit": one.unit,
        "description": one.description,
        "series_count": one.series_count,
        "point_count": one.point_count,
        "last_seen": rfc3339(one.last_seen_ns),
    }


@get("/metrics/{name:path}", sync_to_thread=True)
def metric(
    state: State,
    name: str,
    since: str | None = None,
    until: str | None = None,
    step: str | None = None,
    stat: Stat | None = None,
    by: Annotated[list[str] | None, Parameter(query="by")] = None,
    filters: Annotated[list[str] | None, Parameter(query="filter")] = None,
) -> Response[bytes]:
    """Chart one metric: a line for each combination of the labels ``by``, and exemplars that lead to trails."""
    engine = state.service.engine
    since_ns, until_ns = time_range(since, until)
    step_ns = parse_step(step, since_ns, until_ns)
    since_ns, until_ns = since_ns // step_ns * step_ns, -(-until_ns // step_ns) * step_ns
    name = name.removeprefix("/")
    try:
        chart = chart_of(
            engine, name, since_ns, until_ns, step_ns, stat, by or [], [_pair(one) for one in filters or []]
        )
    except BadQuestion as error:
        raise ClientException(str(error)) from None
    if not chart.kind:
        known = list_metrics(engine, exact=name, limit=1)
        if not known:
            raise NotFoundException(f'no metric "{name[:200]}" was received')
        chart.kind, chart.unit, chart.description = known[0].kind, known[0].unit, known[0].description
    return json(
        {
            "name": name,
            "kind": chart.kind,
            "unit": chart.unit,
            "description": chart.description,
            "since": rfc3339(since_ns),
            "until": rfc3339(until_ns),
            "step_s": step_ns / 1e9,
            "stat": chart.stat,
            "labels": [{"name": label, "value_count": many} for label, many in sorted(chart.label_counts.items())],
            "series": [
                {
                    "labels": line.labels,
                    "points": [{"time": rfc3339(time_ns), "value": value} for time_ns, value in line.points],
                }
                for line in chart.series
            ],
            "exemplars": [
                {
                    "time": rfc3339(one.time_ns),
                    "value": one.value,
                    "trace_id": one.trace_id,
                    "span_id": one.span_id,
                    "labels": one.labels,
                }
                for one in chart.exemplars
            ],
            "notes": chart.notes,
        }
    )


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise ClientException(f'filter must be NAME=VALUE, got "{text[:60]}"')
    return name, value


router = Router(path="/", route_handlers=[metrics, metric], tags=["metrics"])
