"""Nodes, edges and trails: what really happened, and how we know."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

NodeKind = Literal["request", "invocation", "message", "operation", "execution", "schedule"]
NodeStatus = Literal["ok", "error", "timeout", "out_of_memory", "throttled", "open"]
TrailStatus = Literal["ok", "error", "open"]
RAN_AND_FAILED: tuple[NodeStatus, ...] = ("error", "timeout", "out_of_memory")
"""An invocation's statuses that say it began and failed; one that was throttled never began."""
FAILED: frozenset[NodeStatus] = frozenset((*RAN_AND_FAILED, "throttled"))
"""A node's statuses that say it did not do what it was to do."""
EdgeKind = Literal["calls", "sends", "delivers", "retries", "redelivers", "triggers"]
Evidence = Literal[
    "parent", "link", "header", "message_id", "request_id", "execution", "correlation_id", "payload", "timing"
]
Role = Literal["gives", "takes", "mentions"]
WaitKind = Literal["queue", "stream", "bus", "retry", "throttle", "init", "downstream"]
ShareCause = Literal["work", "wait", "queue", "stream", "bus", "retry", "throttle", "init", "downstream"]
KeyKind = Literal[
    "trace_id",
    "span_id",
    "request_id",
    "message_id",
    "event_id",
    "sequence_number",
    "execution_arn",
    "correlation_id",
    "xray_trace_id",
    "object",
]

JOINING_KINDS: tuple[KeyKind, ...] = (
    "message_id",
    "sequence_number",
    "event_id",
    "request_id",
    "execution_arn",
    "correlation_id",
    "trace_id",
)
"""Keys across which a trail goes on elsewhere."""


class Key(Struct, frozen=True, gc=False):
    """An identity that a signal carries, and what its node did with it.

    ``gives``: the node produced it; ``takes``: the node consumed it; ``mentions``: it only speaks of it.
    """

    kind: KeyKind
    value: str
    role: Role


class Failure(Struct, frozen=True, gc=False):
    """Why a node did not succeed, in the emitter's own words."""

    type: str
    message: str
    stacktrace: str = ""


class Wait(Struct, frozen=True, gc=False):
    """Time that passed without work of the node's own, by what it was spent on.

    ``queue``, ``stream`` (iterator age), ``bus``: between sending and taking. ``retry``: back-off between two
    attempts. ``throttle``: held back by a limit. ``init``: a cold start. ``downstream``: for the answer of another.
    """

    kind: WaitKind
    ms: float


class Node(Struct):
    """One thing that happened, merged from all the signals that speak of it.

    ``end_ns`` is None while the node is open. ``wait_ms`` is the time between cause and start that
    nobody worked (in a queue, a stream, a back-off). ``attempt`` counts from 1. ``clock_offset_ms``: how far the
    emitter's clock was found to be ahead (negative: behind); it has been taken out of ``start_ns`` and ``end_ns``.
    """

    node_id: str
    kind: NodeKind
    service: str
    name: str
    start_ns: int
    end_ns: int | None
    status: NodeStatus = "ok"
    attempt: int = 1
    cold_start: bool | None = None
    init_ms: float | None = None
    wait_ms: float | None = None
    waits: list[Wait] = field(default_factory=list)
    clock_offset_ms: float | None = None
    billed_ms: float | None = None
    memory_mb: int | None = None
    memory_used_mb: int | None = None
    failure: Failure | None = None
    keys: dict[str, str] = field(default_factory=dict)
    signals: int = 1


class Edge(Struct, frozen=True, gc=False):
    """A causal step; a cause always points to its effect. ``waits``: what passed between the two."""

    cause: str
    effect: str
    kind: EdgeKind
    evidence: Evidence
    confidence: float = 1.0
    waits: tuple[Wait, ...] = ()


class Inferred(Struct, frozen=True):
    """An edge that times told, and the two units (a trace id, or a request id known from logs alone) that it joins."""

    edge: Edge
    cause_unit: str
    effect_unit: str


class Share(Struct, frozen=True, gc=False):
    """How much of a trail's duration one node on the critical path accounts for, by cause; shares add up to 1.

    ``place``: the queue, stream, bus or topic that it was waited in, "" where it was none.
    """

    node_id: str
    cause: ShareCause
    ms: float
    share: float
    place: str = ""


class Sentence(Struct, frozen=True, gc=False):
    """One line of the story. ``shows_at``: the node where the effect of what is told shows, "" where it is the same."""

    time_ns: int
    text: str
    node_id: str
    shows_at: str = ""


class Trail(Struct):
    """Everything that followed from one origin. ``nodes`` are in order of start."""

    trail_id: str
    status: TrailStatus
    outcome: str | None
    start_ns: int
    end_ns: int
    nodes: list[Node]
    edges: list[Edge]
    critical_path: list[str]
    story: list[Sentence]
    critical_shares: list[Share] = field(default_factory=list)

    @property
    def origin(self) -> Node:
        """The node from which everything else followed."""
        return self.nodes[0]
