"""Outcomes: what became of a trail against a workflow, and of each of its steps."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from coldtrail.model.trails import EdgeKind
from coldtrail.model.workflows import OutcomeStatus

StepState = Literal[
    "done", "late", "duplicated", "out_of_order", "wrong", "unwanted", "failed", "missing", "waiting", "absent"
]
"""`wrong`: an attribute is not what it must be. `unwanted`: it must not happen and did. `failed`: tried, never with success,
and its time is over. `missing`: nothing of it was seen, and its time is over. `waiting`: it has time left. `absent`: it
need not happen, or must not, and did not."""


class StepOutcome(Struct, frozen=True):
    """What became of one step. ``node_ids``: the first nodes of ``count`` that are it, in order of start.

    ``done_ns``: when it had happened as often as it must. ``words``: what is wrong, "" where nothing is.
    """

    name: str
    state: StepState
    required: bool
    node_ids: tuple[str, ...]
    count: int
    failed_count: int
    started_ns: int | None
    done_ns: int | None
    deadline_ns: int
    words: str = ""


class Stop(Struct, frozen=True):
    """Where a trail stopped: the last node reached, and the kind of edge that should have led on to the next step."""

    node_id: str
    service: str
    name: str
    edge: EdgeKind
    words: str


class Outcome(Struct, frozen=True):
    """What became of a trail. ``step``: the first step that makes it what it is, "" where it is complete.

    ``done_ns``: when the step that a user notices was done. ``deadline_ns``: when it may change by time alone, None = never.
    """

    workflow: str
    trail_id: str
    status: OutcomeStatus
    start_ns: int
    steps: tuple[StepOutcome, ...]
    step: str
    stopped: Stop | None
    done_ns: int | None
    deadline_ns: int | None
    key: str
    words: str
