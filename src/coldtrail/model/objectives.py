"""Objectives: which share of events is to be good over a window, and how fast the rest may be spent before somebody is told.

Sources: Google, "The Site Reliability Workbook", chapters 2 ("Implementing SLOs") and 5 ("Alerting on SLOs"): events are
good or valid, the budget is what the target leaves, and an alert looks at a long and a short window.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from coldtrail.model.durations import Duration, duration_ns
from coldtrail.model.promql import check

MINUTE_NS = 60 * 10**9
DAY_NS = 1_440 * MINUTE_NS

Scope = Annotated[str, Meta(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f]+$")]
Part = Annotated[str, Meta(max_length=512, pattern=r"^[^\x00-\x1f]*$")]
Milliseconds = Annotated[float, Meta(gt=0, le=86_400_000)]
Expression = Annotated[str, Meta(min_length=1, max_length=16_384)]
Of = Literal["service", "function", "route", "entry"]

BurnSeverity = Literal["page", "ticket"]
"""`page`: somebody must act now. `ticket`: within days."""

CALENDAR = ("week", "month", "quarter")
"""Windows that begin with a Monday, the first of a month, or of January, April, July and October, in UTC."""

LONGEST_DAYS = 92
LONGEST_PAIR_DAYS = 31


class RequestsSli(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="requests"):
    """Requests to a service, a route or an entry (`POST /orders`), or invocations of a function.

    Good is what did not fail. With ``faster_than_ms`` only what did not fail is valid, and good is what took less.
    """

    of: Of = "service"
    scope: Scope
    faster_than_ms: Milliseconds | None = None


class TrailsSli(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="trails"):
    """Trails by the service and the name of their origin ("" = any), end to end: as of requests, once they have ended."""

    service: Part = ""
    name: Part = ""
    faster_than_ms: Milliseconds | None = None


class OutcomesSli(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="outcomes"):
    """Trails of a workflow that have an outcome; ``good``: which of them are."""

    workflow: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    good: Annotated[
        tuple[Literal["complete", "late", "incomplete", "duplicated", "out_of_order", "failed"], ...],
        Meta(min_length=1, max_length=6),
    ] = ("complete",)


class MetricsSli(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="metrics"):
    """Two PromQL expressions that count the events of one minute, such as `sum(increase(answers_total[1m]))`."""

    good: Expression
    valid: Expression

    def __post_init__(self) -> None:
        check(self.good, "good")
        check(self.valid, "valid")


Sli = RequestsSli | TrailsSli | OutcomesSli | MetricsSli


class BurnWindow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two windows that must both burn more than ``factor`` times as fast as the budget lasts."""

    severity: BurnSeverity
    factor: Annotated[float, Meta(gt=0, le=10_000)]
    long: Duration
    short: Duration

    def __post_init__(self) -> None:
        for name, text in (("long", self.long), ("short", self.short)):
            if duration_ns(text) % MINUTE_NS or not duration_ns(text):
                raise ValueError(f"{name} must be whole minutes, got {text}")
        if not duration_ns(self.short) < duration_ns(self.long) <= LONGEST_PAIR_DAYS * DAY_NS:
            raise ValueError(f"short must be shorter than long, and long at most {LONGEST_PAIR_DAYS}d")

    @property
    def long_minutes(self) -> int:
        """The long window in minutes."""
        return duration_ns(self.long) // MINUTE_NS

    @property
    def short_minutes(self) -> int:
        """The short window in minutes."""
        return duration_ns(self.short) // MINUTE_NS


class Objective(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One objective. ``window``: a number of days that rolls (`30d`), or `week`, `month` or `quarter` of the calendar.

    ``windows``: what alerts look at; () = those of the Workbook, for the same shares of the budget. ``least_bad``: so many
    bad events must lie in the long window, so that one failure among few requests tells nobody. ``synthetic``: count
    what tests and probes sent as well. ``policy``: what is done when the budget is spent.
    """

    sli: Sli
    target_percent: Annotated[float, Meta(gt=0, lt=100)]
    window: Annotated[str, Meta(pattern=r"^([0-9]{1,3}[dw]|week|month|quarter)$")] = "30d"
    title: Annotated[str, Meta(max_length=200)] = ""
    description: Annotated[str, Meta(max_length=2_000)] = ""
    owner: Annotated[str, Meta(max_length=200)] = ""
    policy: Annotated[str, Meta(max_length=10_000)] = ""
    synthetic: bool = False
    windows: Annotated[tuple[BurnWindow, ...], Meta(max_length=8)] = ()
    least_bad: Annotated[int, Meta(ge=1, le=1_000_000)] = 3

    def __post_init__(self) -> None:
        if self.window not in CALENDAR and not 1 <= duration_ns(self.window) // DAY_NS <= LONGEST_DAYS:
            raise ValueError(f"window must be 1d to {LONGEST_DAYS}d, or week, month or quarter, got {self.window}")

    @property
    def budget_share(self) -> float:
        """The share of events that may be bad, 0..1."""
        return (100 - self.target_percent) / 100


class Burning(Struct, frozen=True):
    """One pair of windows that fires: how many times too fast each burns, and the events of the long one."""

    window: BurnWindow
    long_burn: float
    short_burn: float
    bad_count: float
    valid_count: float
    since_ns: int


class Burn(Struct, frozen=True):
    """An objective that burns its budget too fast: one of each severity, however many of its windows fire.

    ``objective``: its name. ``values``: the windows that fire, the fastest first. ``since_ns``: when the first of them fired.
    ``budget_left``: share of the budget that is left, below 0 where more was spent.
    """

    objective: str
    title: str
    severity: BurnSeverity
    values: tuple[Burning, ...]
    since_ns: int
    budget_left: float
    sli: Sli
