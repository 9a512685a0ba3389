"""Nodes, edges and trails: what really happened, and how we know."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

NodeKind = Literal["request", "invocation", "message", "operation", "execution", "schedule"]
NodeStatus = Literal["ok", "error", "timeout", "out_of_memory", "throttled", "open"]
TrailStatus = Literal["ok", "error", "open"]
EdgeKind = Literal["calls", "sends", "delivers", "retries", "redelivers", "triggers"]
Evidence = Literal[
    "parent", "link", "header", "message_id", "request_id", "execution", "correlation_id", "payload", "timing"
]
Role = Literal["gives", "takes", "mentions"]
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
]


class Key(Struct, frozen=True):
    """An identity that a signal carries, and what its node did with it.

    ``gives``: the node produced it; ``takes``: the node consumed it; ``mentions``: it only speaks of it.
    """

    kind: KeyKind
    value: str
    role: Role


class Failure(Struct, frozen=True):
    """Why a node did not succeed, in the emitter's own words."""

    type: str
    message: str
    stacktrace: str = ""


class Node(Struct):
    """One thing that happened, merged from all the signals that speak of it.

    ``end_ns`` is None while the node is open. ``wait_ms`` is the time between cause and start that
    nobody worked (in a queue, a stream, a back-off). ``attempt`` counts from 1.
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
    billed_ms: float | None = None
    memory_mb: int | None = None
    memory_used_mb: int | None = None
    failure: Failure | None = None
    keys: dict[str, str] = field(default_factory=dict)
    signals: int = 1


class Edge(Struct, frozen=True):
    """A causal step; a cause always points to its effect."""

    cause: str
    effect: str
    kind: EdgeKind
    evidence: Evidence
    confidence: float = 1.0


class Sentence(Struct, frozen=True):
    """One line of the story."""

    time_ns: int
    text: str
    node_id: str


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

    @property
    def origin(self) -> Node:
        """The node from which everything else followed."""
        return self.nodes[0]
