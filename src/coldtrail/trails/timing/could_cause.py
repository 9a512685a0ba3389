"""What can have caused something in a service, as far as channels tell, and has not been told to have led elsewhere."""

from __future__ import annotations

from collections import Counter, defaultdict

from msgspec import Struct, field

from coldtrail.model.trails import Node
from coldtrail.trails.edges.joins import Joins
from coldtrail.trails.nodes.of_signals import Nodes
from coldtrail.trails.timing.channel_facts import Channel
from coldtrail.trails.timing.channels import Channels
from coldtrail.trails.timing.matching import SLACK_MS, Times

_SCHEDULED = ("TaskScheduled", "LambdaFunctionScheduled")
_TASK_ENDS = tuple(f"{task}{end}" for task in ("Task", "LambdaFunction") for end in ("Succeeded", "Failed", "TimedOut"))


class Cause(Struct, frozen=True):
    """One chance to cause something: a node, or one attempt of a state."""

    node: Node
    times: Times


class Side(Struct):
    """What is joined in one question."""

    channel: Channel
    causes: list[Cause] = field(default_factory=list)


def sides_of(nodes: Nodes, joins: Joins, channels: Channels, services: set[str]) -> dict[tuple[int, str], Side]:
    """Causes that have no effect in a service to which their channel leads; calls that were waited for come first."""
    led = {(edge.cause, nodes.by_id[edge.effect].service) for edge in joins.found.values()}
    led |= {
        (giver, nodes.by_id[taker].service)
        for message, givers in nodes.givers.items()
        for taker in nodes.takers[message]
        for giver in givers
    }
    found: dict[tuple[int, str], Side] = {}
    for node_id in sorted(nodes.by_id):
        node = nodes.by_id[node_id]
        for channel in channels.of(nodes, node):
            if channel.service in services and (node_id, channel.service) not in led:
                rank = 0 if channel.within else 1
                side = found.setdefault((rank, channel.service), Side(channel))
                side.channel = side.channel.merged(channel)
                side.causes += [Cause(node, times) for times in _chances(nodes, node)]
    gave = _gave(nodes, joins)
    for side in found.values():
        side.causes = _told_once(nodes, _nearest(nodes, joins, side.causes))
        gone = _known_above(joins, side, gave)
        side.causes = [one for one in side.causes if one.node.node_id not in gone]
    return found


def _gave(nodes: Nodes, joins: Joins) -> Counter[tuple[str, str]]:
    """How many messages of a sender each service took."""
    return Counter(
        (giver, service)
        for message, givers in nodes.givers.items()
        for service in {nodes.by_id[taker].service for taker in nodes.takers[message]}
        for giver in {*givers, *joins.causes.get(message, ())}
    )


def _known_above(joins: Joins, side: Side, gave: Counter[tuple[str, str]]) -> set[str]:
    """Calls of which only the invocation around them is known to have sent: where it sent as many messages as it made calls,
    they are those messages.
    """
    service, below = side.channel.service, defaultdict[str, set[str]](set)
    for one in side.causes:
        above, seen = one.node.node_id, set[str]()
        while above and above not in seen and (above, service) not in gave:
            seen.add(above)
            above = min(joins.causes.get(above, ()), default="")
        if (above, service) in gave and seen:
            below[above].add(one.node.node_id)
    return {call for above, calls in below.items() if gave[above, service] >= len(calls) for call in calls}


def _chances(nodes: Nodes, node: Node) -> list[Times]:
    """When a node may have caused something: in its time; a state, each time that it scheduled its task."""
    scheduled = [
        log.time_ns
        for log in nodes.logs_of.get(node.node_id, ())
        if node.kind == "execution" and log.event_name.endswith(_SCHEDULED)
    ]
    end = None if node.end_ns is None else node.end_ns / 1e6
    if not scheduled:
        return [Times(node.start_ns / 1e6, end)]
    ended = sorted(log.time_ns for log in nodes.logs_of[node.node_id] if log.event_name.endswith(_TASK_ENDS))
    return [Times(at_ns / 1e6, next((one / 1e6 for one in ended if one >= at_ns), end)) for at_ns in sorted(scheduled)]


def _nearest(nodes: Nodes, joins: Joins, causes: list[Cause]) -> list[Cause]:
    """Without those that only led to another cause here: the function around a call, the call that sent a message.

    Nor invocations of a function whose calls are told of: those without such a call did not send.
    """
    named = {one.node.node_id for one in causes}
    farther: set[str] = set()
    for node_id in named:
        pending, seen = [node_id], {node_id}
        while pending:
            current = pending.pop()
            for above in (*joins.causes.get(current, ()), *nodes.givers.get(current, ())):
                if above not in seen:
                    seen.add(above)
                    farther |= {above} & named
                    if nodes.by_id[current].kind != "invocation":
                        pending.append(above)
    calling = {one.node.service for one in causes if one.node.kind == "operation"}
    return [
        one
        for one in causes
        if one.node.node_id not in farther and not (one.node.kind == "invocation" and one.node.service in calling)
    ]


def _told_once(nodes: Nodes, causes: list[Cause]) -> list[Cause]:
    """In order of start. A call that two instrumentations tell of is one: the inner, which is nearer to the wire."""
    ordered = sorted(causes, key=lambda one: (one.times.start, one.node.node_id))
    kept: list[Cause] = []
    for cause in ordered:
        last = kept[-1] if kept else None
        if (
            last is not None
            and last.node.node_id != cause.node.node_id
            and last.node.kind == cause.node.kind == "operation"
            and last.node.service == cause.node.service
            and last.times.end is not None
            and cause.times.end is not None
            and cause.times.end <= last.times.end + SLACK_MS
            and _instrumented_by(nodes, last.node) != _instrumented_by(nodes, cause.node)
        ):
            kept.pop()
        kept.append(cause)
    return kept


def _instrumented_by(nodes: Nodes, node: Node) -> bool:
    """Whether X-Ray's SDK tells of a call, or OpenTelemetry's."""
    return any("aws.xray.type" in span.attributes for span in nodes.spans_of.get(node.node_id, ()))
