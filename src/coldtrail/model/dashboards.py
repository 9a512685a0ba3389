"""Dashboards: rows of panels, each a question that coldtrail answers by itself.

A panel's ``width`` is in twelfths of the page. A panel without a name of a resource, function or route shows the busiest or worst
of its kind, so a dashboard can be shared between accounts.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec import Meta, Struct

from coldtrail.model.promql import check

Title = Annotated[str, Meta(max_length=120)]
Name = Annotated[str, Meta(max_length=500)]
Text = Annotated[str, Meta(max_length=4_000)]
Width = Annotated[int, Meta(ge=2, le=12)]
Many = Annotated[int, Meta(ge=1, le=50)]
Measure = Literal["requests", "errors", "duration"]
Group = Literal["function", "service", "route", "entry", "capability"]

MOST_ROWS = 40
MOST_PANELS_IN_A_ROW = 6
MOST_PANELS = 60
"""A page asks for all panels that it shows."""

_RANGE = re.compile(r"now-[1-9][0-9]{0,4}[smhd]")


class _Panel(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", omit_defaults=True, kw_only=True):
    title: Title = ""
    width: Width = 6


class RedPanel(_Panel, frozen=True, kw_only=True, tag="red"):
    """Rate, errors and duration: of one by ``name`` as charts, or of all of a group as a table, worst first."""

    group: Group = "function"
    name: Name = ""
    limit: Many = 8


class WatchedPanel(_Panel, frozen=True, kw_only=True, tag="watched"):
    """A metric that a managed service declares, of one resource by ``name``, or of the busiest of the service."""

    service: Annotated[str, Meta(min_length=1, max_length=40)]
    metric: Annotated[str, Meta(min_length=1, max_length=60)]
    name: Name = ""


class MetricPanel(_Panel, frozen=True, kw_only=True, tag="metric"):
    """A received metric by name. ``by``: a label to draw a line for each value of; ``where``: `label=value`."""

    metric: Annotated[str, Meta(min_length=1, max_length=300)]
    stat: Literal["", "avg", "sum", "min", "max", "count", "rate", "p50", "p90", "p95", "p99"] = ""
    by: Name = ""
    where: Name = ""

    def __post_init__(self) -> None:
        if self.where and "=" not in self.where:
            raise ValueError(f'where is a label and its value, "label=value", got "{self.where[:60]}"')


class PromqlPanel(_Panel, frozen=True, kw_only=True, tag="promql"):
    """An expression of PromQL over the range, a line for each series."""

    query: Text
    unit: Literal["", "ms", "s", "bytes", "share", "per_s"] = ""

    def __post_init__(self) -> None:
        _check_promql(self.query)


class FigurePanel(_Panel, frozen=True, kw_only=True, tag="figure"):
    """One figure of the range. ``warn`` and ``bad``: from where on it is so; where ``bad`` is below ``warn``, less is worse.

    ``measure``: `requests` (count), `error_share` (0..1), `p50_ms`, `p95_ms`, `p99_ms` of all of a ``group`` or of ``name``;
    `findings` (open now); `cost_usd`; `promql` (the last value of ``query``).
    """

    measure: Literal["requests", "error_share", "p50_ms", "p95_ms", "p99_ms", "findings", "cost_usd", "promql"]
    group: Group = "function"
    name: Name = ""
    query: Text = ""
    unit: Literal["", "ms", "s", "bytes", "share", "per_s"] = ""
    warn: float | None = None
    bad: float | None = None
    width: Width = 3

    def __post_init__(self) -> None:
        if self.measure == "promql":
            _check_promql(self.query)
        elif self.query:
            raise ValueError(f'query belongs to the measure "promql", not to "{self.measure}"')
        if self.measure.endswith("_ms") and not self.name:
            raise ValueError("name is needed: a percentile of all together would hide the slow one")


class TrailsPanel(_Panel, frozen=True, kw_only=True, tag="trails"):
    """The newest trails that pass a filter."""

    service: Name = ""
    status: Literal["", "ok", "error", "open"] = ""
    q: Name = ""
    min_ms: Annotated[float, Meta(ge=0)] | None = None
    limit: Many = 8
    width: Width = 12


class FindingsPanel(_Panel, frozen=True, kw_only=True, tag="findings"):
    """What is wrong, the most severe first. ``about``: a function, queue or what else one is about."""

    severity: Literal["", "high", "medium", "low"] = ""
    about: Name = ""
    limit: Many = 8
    width: Width = 12


class SourcesPanel(_Panel, frozen=True, kw_only=True, tag="event_sources"):
    """Queues, streams, buses and schedules, worst first."""

    limit: Many = 8
    width: Width = 12


class LimitsPanel(_Panel, frozen=True, kw_only=True, tag="limits"):
    """Quotas, nearest to their limit first."""

    limit: Many = 6


class CostsPanel(_Panel, frozen=True, kw_only=True, tag="costs"):
    """What costs most in the range."""

    by: Literal["resource", "function", "service", "workflow", "tenant"] = "service"
    limit: Many = 8


class TextPanel(_Panel, frozen=True, kw_only=True, tag="text"):
    """Words: paragraphs, `#` headings, `-` lists, `**strong**`, `code` and `[links](/trails)`; anything else is shown as it is."""

    text: Text
    width: Width = 12


Panel = (
    RedPanel
    | WatchedPanel
    | MetricPanel
    | PromqlPanel
    | FigurePanel
    | TrailsPanel
    | FindingsPanel
    | SourcesPanel
    | LimitsPanel
    | CostsPanel
    | TextPanel
)


class Row(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Panels side by side; what is wider than the page goes on below."""

    panels: Annotated[list[Panel], Meta(max_length=MOST_PANELS_IN_A_ROW)]
    title: Title = ""


class Dashboard(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One dashboard. ``range``: what it shows where the link does not say, as `now-24h`."""

    title: Annotated[str, Meta(min_length=1, max_length=120)]
    rows: Annotated[list[Row], Meta(max_length=MOST_ROWS)]
    description: Annotated[str, Meta(max_length=1_000)] = ""
    range: Annotated[str, Meta(max_length=12)] = ""

    def __post_init__(self) -> None:
        if not self.title.strip():
            raise ValueError("title is needed")
        if self.range and not _RANGE.fullmatch(self.range):
            raise ValueError(f'range must be like "now-24h", got "{self.range}"')
        if (many := sum(len(row.panels) for row in self.rows)) > MOST_PANELS:
            raise ValueError(f"rows have {many} panels together; a dashboard has at most {MOST_PANELS}")


def _check_promql(query: str) -> None:
    if not query.strip():
        raise ValueError("query is needed: an expression of PromQL")
    check(query, "query")
