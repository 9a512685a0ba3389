"""Alerts as people define them: what is checked, for how long it must hold, who is told.

One alert is one thing to tell, however many series, findings or components it looks at; `group_by` makes one of each.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from coldtrail.model.durations import Duration, duration_ns
from coldtrail.model.findings import FindingKind, Severity
from coldtrail.model.promql import check

Text = Annotated[str, Meta(max_length=2_000)]
Title = Annotated[str, Meta(max_length=200)]
Expression = Annotated[str, Meta(max_length=16_384)]
Named = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Scope = Annotated[str, Meta(max_length=512)]

Figure = Literal["count", "rate", "error_count", "error_share", "p50_ms", "p95_ms", "p99_ms"]
"""`rate` is per second, `error_share` 0..1."""

LONGEST_NS = 31 * 86_400 * 10**9


class Bounded(Struct, kw_only=True, forbid_unknown_fields=True):
    """What a measured value is compared with: PromQL or a figure of requests, and one bound.

    ``figure`` is read of ``of`` (services, functions or routes) named ``scope`` ("" = each of them) over the last ``over``;
    where fewer than ``least`` requests ran, nothing is said. ``clear``: the value at which it is over again, if another
    than the bound itself: below ``above``, or above ``below``.
    """

    promql: Expression = ""
    figure: Figure | None = None
    of: Literal["service", "function", "route"] = "service"
    scope: Scope = ""
    over: Duration = "5m"
    least: Annotated[int, Meta(ge=0)] = 1
    above: float | None = None
    below: float | None = None
    clear: float | None = None

    def __post_init__(self) -> None:
        if bool(self.promql) == bool(self.figure):
            raise ValueError("give either promql or figure")
        if (self.above is None) == (self.below is None):
            raise ValueError("give either above or below")
        if self.clear is not None and self.above is not None and self.clear > self.above:
            raise ValueError("clear must not be over above: it is the value at which the alert is over")
        if self.clear is not None and self.below is not None and self.clear < self.below:
            raise ValueError("clear must not be under below: it is the value at which the alert is over")
        _within("over", self.over)
        _is_promql(self.promql)

    @property
    def bound(self) -> float:
        """The value beyond which it is wrong."""
        return self.above if self.above is not None else self.below or 0.0

    def breached(self, value: float) -> bool:
        """Whether a value is beyond the bound."""
        return value > self.bound if self.above is not None else value < self.bound

    def cleared(self, value: float) -> bool:
        """Whether a value is well again; between this and the bound all stays as it is."""
        clear = self.bound if self.clear is None else self.clear
        return value <= clear if self.above is not None else value >= clear


class Threshold(Bounded, kw_only=True, tag_field="type", tag="threshold"):
    """A value beyond a bound."""


class Forecast(Bounded, kw_only=True, tag_field="type", tag="forecast"):
    """A value whose course over the last ``look_back`` crosses the bound within ``within``."""

    within: Duration = "4h"
    look_back: Duration = "1h"

    def __post_init__(self) -> None:
        super().__post_init__()
        _within("within", self.within)
        _within("look_back", self.look_back)


class Absence(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="absence"):
    """No traffic of ``scope``, or no series of ``promql``, for ``within``."""

    promql: Expression = ""
    of: Literal["service", "function", "route"] = "service"
    scope: Scope = ""
    within: Duration = "10m"

    def __post_init__(self) -> None:
        if bool(self.promql) == bool(self.scope):
            raise ValueError("give either promql or scope, the name of a service, function or route")
        _within("within", self.within)
        _is_promql(self.promql)


class BurnRate(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="burn_rate"):
    """An objective (None: any) burns its error budget too fast, by the windows that the objective names.

    ``severities``: of those windows; `page` is what somebody must see to now, `ticket` what has days.
    """

    objective: Named | None = None
    severities: tuple[Literal["page", "ticket"], ...] = ("page",)


class FindingCheck(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="finding"):
    """Open findings of some kinds, severities and scopes (() = any) that were seen within ``seen_within``.

    A finding that follows from another one is left to that one.
    """

    kinds: tuple[FindingKind, ...] = ()
    severities: tuple[Severity, ...] = ("high",)
    scopes: Annotated[tuple[Scope, ...], Meta(max_length=200)] = ()
    seen_within: Duration = "1h"


class OutcomeCheck(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="outcome"):
    """How many trails of a workflow (None: each of all) became one of ``outcomes`` in the last ``over``: a count or a share.

    A trail counts when it was decided what became of it: done, or the time of what is missing over.
    """

    workflow: Named | None = None
    outcomes: Annotated[
        tuple[Literal["late", "incomplete", "duplicated", "out_of_order", "failed"], ...], Meta(min_length=1)
    ] = ("late", "incomplete", "duplicated", "out_of_order", "failed")
    measure: Literal["share", "count"] = "count"
    over: Duration = "10m"
    above: Annotated[float, Meta(ge=0)] = 0.0
    clear: Annotated[float, Meta(ge=0)] | None = None

    def __post_init__(self) -> None:
        if self.clear is not None and self.clear > self.above:
            raise ValueError("clear must not be over above: it is the value at which the alert is over")
        _within("over", self.over)


class Component(Struct, kw_only=True, forbid_unknown_fields=True):
    """One part of a capability, and the bounds of its health; a bound of None is not looked at."""

    scope: Annotated[str, Meta(min_length=1, max_length=512)]
    of: Literal["service", "function", "route"] = "service"
    error_share: Annotated[float, Meta(ge=0, le=1)] | None = 0.05
    p95_ms: Annotated[float, Meta(gt=0)] | None = None


class Capability(Struct, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="capability"):
    """The health of what users get, from the figures of its components and the severe findings about them.

    It is unhealthy where more than ``unhealthy_above`` components are. While it fires, other alerts about its
    components are not told: they are parts of the same trouble.
    """

    components: Annotated[tuple[Component, ...], Meta(min_length=1, max_length=200)]
    over: Duration = "5m"
    least: Annotated[int, Meta(ge=0)] = 5
    findings: bool = True
    unhealthy_above: Annotated[int, Meta(ge=0)] = 0


Check = Threshold | Forecast | Absence | BurnRate | FindingCheck | OutcomeCheck | Capability


class Alert(Struct, kw_only=True, forbid_unknown_fields=True):
    """One alert. ``for``: how long it must be wrong before it fires; ``clear_for``: well before it is over.

    ``routes``: who is told; () = the routes that are marked as default. ``repeat``: told again after so long; `0s` = never.
    ``group_by``: labels of which each value is an alert of its own; () = all is one. ``no_data``: what it means
    where nothing is measured. ``inhibits``: names of alerts that are not told while this one fires.
    """

    check: Check
    title: Title = ""
    severity: Severity = "high"
    for_: Duration = msgspec.field(default="0s", name="for")
    clear_for: Duration = "0s"
    repeat: Duration = "4h"
    routes: Annotated[tuple[Named, ...], Meta(max_length=20)] = ()
    group_by: Annotated[tuple[Annotated[str, Meta(max_length=128)], ...], Meta(max_length=10)] = ()
    no_data: Literal["clear", "keep", "fire"] = "clear"
    inhibits: Annotated[tuple[Named, ...], Meta(max_length=200)] = ()
    runbook: Annotated[str, Meta(max_length=2_000, pattern=r"^(https?://\S+)?$")] = ""
    description: Text = ""
    enabled: bool = True

    def __post_init__(self) -> None:
        for name, text in (("for", self.for_), ("clear_for", self.clear_for), ("repeat", self.repeat)):
            _within(name, text)


NEW_FINDING, BUDGET_BURNS, WORKFLOW_OUTCOMES = "new-finding", "budget-burns", "workflow-outcomes"
"""The alerts that are there without set-up; a definition of such a name takes its place."""


def built_in() -> dict[str, Alert]:
    """Return the alerts that nobody has to define. They go to the default routes, so nowhere until there is one."""
    alert = Alert(
        check=FindingCheck(severities=("high",)),
        title="New finding of high severity",
        group_by=("finding",),
        repeat="0s",
    )
    burning = Alert(check=BurnRate(), title="An objective's budget burns", group_by=("objective",), repeat="0s")
    outcome = Alert(
        check=OutcomeCheck(outcomes=("incomplete", "out_of_order", "duplicated")),
        title="A workflow does not end as it should",
        group_by=("workflow",),
        repeat="0s",
    )
    return {NEW_FINDING: alert, BUDGET_BURNS: burning, WORKFLOW_OUTCOMES: outcome}


def _within(name: str, text: str) -> None:
    if duration_ns(text) > LONGEST_NS:
        raise ValueError(f"{name} must be at most 31d, got {text}")


def _is_promql(text: str) -> None:
    if text:
        check(text, "promql")
