"""Workflows: the shape that a kind of trail should have, from its origin to what a user notices in the end."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from coldtrail.model.durations import Duration, duration_ns
from coldtrail.model.trails import NodeKind

Pattern = Annotated[str, Meta(max_length=512)]
"""The whole of a text, in upper or lower case as it stands; `*` is any number of characters. "" = any text."""

StepName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Field = Annotated[str, Meta(min_length=1, max_length=256)]
"""The name of an attribute, or of a kind of key such as `correlation_id`."""

Scalar = Annotated[str, Meta(max_length=1024)] | bool | int | float
Times = Annotated[int, Meta(ge=0, le=100_000)]

OutcomeStatus = Literal["complete", "late", "incomplete", "duplicated", "out_of_order", "failed", "open"]
WORST_FIRST: tuple[OutcomeStatus, ...] = (
    "out_of_order",
    "failed",
    "incomplete",
    "duplicated",
    "late",
    "open",
    "complete",
)
"""Where several are true of a trail, or of its workflows, the first is told."""

MOST_STEPS = 60


class Match(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which nodes are meant: all that is given must fit. A message's service is its queue, stream, topic or bus."""

    kind: NodeKind | None = None
    service: Pattern = ""
    name: Pattern = ""
    attributes: Annotated[dict[Field, Pattern], Meta(max_length=16)] = {}

    def __post_init__(self) -> None:
        if not (self.kind or self.service or self.name or self.attributes):
            raise ValueError("give at least one of kind, service, name and attributes")


class Expectation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an attribute must be on every node of the step that has it; one node at least must have it."""

    attribute: Field
    equals: Scalar | None = None
    one_of: Annotated[tuple[Scalar, ...], Meta(max_length=64)] = ()
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        if self.equals is None and not self.one_of and self.at_least is None and self.at_most is None:
            raise ValueError("give one of equals, one_of, at_least and at_most")


class Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One step. ``within``: its deadline after the origin, "" = the workflow's. ``after``: steps that come before it.

    ``at_most`` 0: it must not happen, such as a message in a dead-letter queue. Only what succeeded is counted, so a retry
    that goes through is no duplicate of the attempt that failed.
    """

    name: StepName
    match: Match
    required: bool = True
    within: Duration | Literal[""] = ""
    after: Annotated[tuple[StepName, ...], Meta(max_length=MOST_STEPS)] = ()
    at_least: Annotated[int, Meta(ge=1, le=100_000)] = 1
    at_most: Times | None = None
    expect: Annotated[tuple[Expectation, ...], Meta(max_length=16)] = ()

    def __post_init__(self) -> None:
        if self.at_most and self.at_most < self.at_least:
            raise ValueError(f"at_most must be at_least ({self.at_least}) or more, got {self.at_most}")

    @property
    def forbidden(self) -> bool:
        """Whether it must not happen."""
        return self.at_most == 0

    @property
    def needed(self) -> bool:
        """Whether a trail without it is incomplete."""
        return self.required and not self.forbidden


class Reconciliation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Every trail with step ``every`` has step ``has`` as well, ``within`` so long of it."""

    every: StepName
    has: StepName
    within: Duration


class Workflow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A workflow. ``origin``: the first node of its trails. ``within``: by when all of it is done, after the origin began.

    ``key``: the attribute or kind of key by which people speak of one trail (`order_id`, `correlation_id`). ``final``: the
    step that a user would notice; "" = the last one that is required.
    """

    origin: Match
    steps: Annotated[tuple[Step, ...], Meta(min_length=1, max_length=MOST_STEPS)]
    within: Duration = "5m"
    key: Annotated[str, Meta(max_length=256)] = ""
    final: StepName | Literal[""] = ""
    reconcile: Annotated[tuple[Reconciliation, ...], Meta(max_length=16)] = ()
    title: Annotated[str, Meta(max_length=200)] = ""
    description: Annotated[str, Meta(max_length=2_000)] = ""
    owner: Annotated[str, Meta(max_length=200)] = ""

    def __post_init__(self) -> None:
        names = [step.name for step in self.steps]
        if twice := next((name for name in names if names.count(name) > 1), ""):
            raise ValueError(f'there are two steps "{twice}"')
        if not any(step.needed for step in self.steps):
            raise ValueError("at least one step must be required")
        for step in self.steps:
            self._check_known(step.after, names, f'step "{step.name}" comes after')
        for one in self.reconcile:
            self._check_known((one.every, one.has), names, "reconcile names")
        self._check_known((self.final,) if self.final else (), names, "final is")
        if circle := self._circle():
            raise ValueError(f'step "{circle}" comes after itself')

    @staticmethod
    def _check_known(used: tuple[str, ...], names: list[str], what: str) -> None:
        if unknown := next((name for name in used if name not in names), ""):
            raise ValueError(f'{what} "{unknown}", which is no step; there are {", ".join(names)}')

    def _circle(self) -> str:
        """The first step that comes after itself, by however many others."""
        after = {step.name: step.after for step in self.steps}
        for name in after:
            seen, pending = set[str](), list(after[name])
            while pending:
                one = pending.pop()
                if one not in seen:
                    seen.add(one)
                    pending += after[one]
            if name in seen:
                return name
        return ""

    @property
    def last(self) -> str:
        """The step that a user would notice."""
        return self.final or next(step.name for step in reversed(self.steps) if step.needed)

    def deadline_ns(self, step: Step, start_ns: int) -> int:
        """By when a step is done, in Unix nanoseconds, of a trail that began at ``start_ns``."""
        return start_ns + duration_ns(step.within or self.within)
