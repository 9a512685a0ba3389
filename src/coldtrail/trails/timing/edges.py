"""Edges by timing, where no key is left: the weakest evidence, weighed against everything else that could be.

Whose effect a function's invocations can be has to be told: by certain edges of the same channel, by a call that names
the function, or by a resource that the call names and the function is known to consume. Only then do times decide
which belongs to which. A node that has a cause is never joined again. See `matching` for how, and for its sources.
"""

from __future__ import annotations

from msgspec import Struct, field
from msgspec.structs import replace

from coldtrail.model.trails import RAN_AND_FAILED, Edge, EdgeKind, Node, Wait, WaitKind
from coldtrail.services.service import CONSUMER
from coldtrail.trails.edges.joins import Joins
from coldtrail.trails.nodes.of_signals import Nodes
from coldtrail.trails.nodes.serving import Habits, Job, is_one_at_a_time, jobs_of, jobs_of_shard
from coldtrail.trails.timing.calibration import confidence_of
from coldtrail.trails.timing.channel_facts import NEVER, Channel
from coldtrail.trails.timing.channels import Channels, channels_of
from coldtrail.trails.timing.could_cause import Side, sides_of
from coldtrail.trails.timing.in_order import LOST, STRANGE, Limits
from coldtrail.trails.timing.matching import SLACK_MS, Delay, Match, Order, Question, Times, match, sent_at
from coldtrail.trails.timing.records_by_time import tell_records_apart

MOST_CONFIDENCE = 0.97
LEAST_CONFIDENCE = 0.3
"""An edge that is much likelier wrong than right is not made; one that may be either says so."""

MOST_EFFECTS = 256
"""Effects of one question; more are asked one stretch of time after another."""

MOST_CAUSES = 1_024
MOST_UNITS = 512
"""Messages of one question."""

SURE = 0.9
MOSTLY = 0.9
"""So many of a shard's invocations must say how many records they had for all to be read as batches and their retries."""

BATCH = 10
"""How many messages an invocation may take where nothing tells: the default of SQS (AWS Lambda Developer Guide)."""

_USUAL: dict[str, tuple[Delay, float]] = {
    "call": (Delay(5.0, 1.2), 60_000.0),
    "bus": (Delay(60.0, 1.2), 60_000.0),
    "queue": (Delay(100.0, 1.5), 60_000.0),
    "stream": (Delay(300.0, 1.2), 60_000.0),
}
"""What delays are before any was seen, and how long at most, by what carries the cause to its effect."""


class Timing(Struct, frozen=True):
    """Which kinds of edges may be inferred from times.

    ``known``: what was inferred before from more signals than these. ``learned``: the channels of earlier signals.
    """

    kinds: frozenset[EdgeKind] = frozenset({"calls", "triggers", "delivers"})
    known: tuple[Edge, ...] = ()
    learned: Channels = field(default_factory=Channels)


def join_by_time(nodes: Nodes, joins: Joins, timing: Timing) -> None:
    """Add the edges that times tell, and tell the records of a batch apart by them. Cheap where all have a cause."""
    _join(nodes, joins, timing)
    tell_records_apart(nodes, joins)


def _join(nodes: Nodes, joins: Joins, timing: Timing) -> None:
    certain = set(joins.caused)
    for edge in timing.known:
        if edge.effect not in certain and edge.cause in nodes.by_id and edge.effect in nodes.by_id:
            joins.add(edge.cause, edge.effect, edge.kind, "timing", edge.confidence, edge.waits)
    effects = _without_cause(nodes, joins)
    if not effects or not timing.kinds:
        return
    channels = channels_of(nodes, joins.edges())
    channels.add(timing.learned)
    sides = sides_of(nodes, joins, channels, set(effects))
    for (_, service), side in sorted(sides.items()):
        if side.channel.kind in timing.kinds:
            left = [node for node in effects[service] if node.node_id not in joins.caused]
            _ask(nodes, joins, side, left, channels)


def _without_cause(nodes: Nodes, joins: Joins) -> dict[str, list[Node]]:
    """Invocations, requests and executions that came from somewhere, by service; first attempts only."""
    later = {node_id for attempts in nodes.attempts.values() for node_id in attempts[1:]}
    found: dict[str, list[Node]] = {}
    for node_id, node in nodes.by_id.items():
        effect = node.kind in ("invocation", "request") or node_id in nodes.states
        if effect and node_id not in joins.caused and node_id not in later:
            found.setdefault(node.service, []).append(node)
    for group in found.values():
        group.sort(key=lambda node: (node.start_ns, node.node_id))
    return found


def _taken(nodes: Nodes, joins: Joins, effects: list[Node]) -> list[int]:
    """How many units each invocation processed, where its spans say so: 0 where they do not."""
    counts = dict.fromkeys((node.node_id for node in effects), 0)
    for (cause, effect), edge in joins.found.items():
        if cause in counts and edge.evidence == "parent":
            spans = nodes.spans_of.get(effect, [])
            counts[cause] += any(span.kind == CONSUMER for span in spans) and nodes.by_id[effect].kind == "operation"
    return [counts[node.node_id] for node in effects]


def _ask(nodes: Nodes, joins: Joins, side: Side, effects: list[Node], channels: Channels) -> None:
    """Ask which cause each effect has, one stretch after another."""
    usual, horizon_ms = _USUAL[side.channel.carrier]
    known: list[float] = side.channel.known_ms
    if known:
        horizon_ms = max(1_000.0, 4 * max(known))
    carried = side.channel.carrier in ("queue", "stream")
    order: Order = "any" if not carried else "kept" if side.channel.keeps_order else "usual"
    causes = side.causes
    if carried:
        causes = sorted(causes, key=lambda one: (sent_at(one.times), one.node.node_id))
    jobs = _jobs(nodes, joins, side, effects, channels, [int(sent_at(one.times) * 1e6) for one in causes])
    for some in _stretches(jobs):
        zero, until = some[0].start_ns / 1e6, some[-1].start_ns / 1e6 + SLACK_MS
        asked = [one for one in causes if zero - horizon_ms <= one.times.start <= until][-MOST_CAUSES:]
        question = Question(
            [_since(one.times, zero) for one in asked],
            [_since(Times(one.start_ns / 1e6, None if one.end_ns is None else one.end_ns / 1e6), zero) for one in some],
            usual,
            known,
            horizon_ms,
            side.channel.within,
            order,
            _limits(some, len(asked), channels, side.channel) if carried else None,
        )
        found = match(question)
        if not side.channel.known_ms:
            sure = [one for one in found if one.confidence > SURE]
            known = [question.effects[one.effect].start - question.causes[one.cause].start for one in sure]
        used = _join_jobs(joins, side.channel, [one.node for one in asked], some, found)
        gone = {id(asked[at]) for at in used}
        causes = [one for one in causes if id(one) not in gone]


def _jobs(
    nodes: Nodes, joins: Joins, side: Side, effects: list[Node], channels: Channels, sent_ns: list[int]
) -> list[Job]:
    """What is to be matched: invocations; of a shard, batches with their retries."""
    if side.channel.carrier not in ("queue", "stream"):
        return jobs_of(effects, [0] * len(effects))
    taken = _taken(nodes, joins, effects)
    served = channels.served.get(side.channel.service)
    went_through = [count for node, count in zip(effects, taken, strict=True) if node.status not in RAN_AND_FAILED]
    told = sum(map(bool, went_through)) >= MOSTLY * len(went_through)
    if side.channel.carrier == "stream" and told and served and is_one_at_a_time(effects):
        habits = Habits(served.tries or NEVER, channels.batches.get(side.channel.service, 0))
        return jobs_of_shard(effects, taken, sent_ns, habits)
    # What failed is handed over again: it takes no place in the order.
    through = [at for at, node in enumerate(effects) if node.status in ("ok", "open")]
    return jobs_of([effects[at] for at in through], [taken[at] for at in through])


def _stretches(jobs: list[Job]) -> list[list[Job]]:
    """So many at a time as one question bears."""
    found: list[list[Job]] = []
    units = MOST_UNITS
    for job in jobs:
        if units >= MOST_UNITS or len(found[-1]) >= MOST_EFFECTS:
            found.append([])
            units = 0
        found[-1].append(job)
        units += job.units
    return found


def _join_jobs(joins: Joins, channel: Channel, causes: list[Node], jobs: list[Job], found: list[Match]) -> set[int]:
    """Join what was matched; return the causes that were used."""
    of_job: dict[int, list[Match]] = {}
    for one in found:
        of_job.setdefault(one.effect, []).append(one)
    used = set()
    for at, matches in of_job.items():
        for place, one in enumerate(sorted(matches, key=lambda one: one.cause)):
            confidence = confidence_of(one.confidence)
            if confidence < LEAST_CONFIDENCE:
                continue
            used.add(one.cause)
            for part in jobs[at].parts:
                if jobs[at].units == 0 or part.first <= place < part.first + part.count:
                    _add(joins, channel, causes[one.cause], part.node, confidence)
    return used


def _limits(jobs: list[Job], causes: int, channels: Channels, channel: Channel) -> Limits:
    """How many messages each took: as its spans say, else as many as others were seen to take."""
    told = [job.units for job in jobs]
    served = channels.served.get(channel.service)
    again = served.again / served.deliveries if served and all(len(job.parts) == 1 for job in jobs) else 0.0
    limits = Limits(
        told,
        told=all(told),
        strange=max(STRANGE, again, channel.overtaking),
        lost=max(LOST, channel.overtaking),
    )
    usual = channels.batches.get(channel.service, 0) or (BATCH if causes > 1.2 * len(jobs) else 1)
    return limits if limits.told else replace(limits, most=[count or usual for count in told])


def _since(times: Times, zero: float) -> Times:
    return Times(times.start - zero, None if times.end is None else times.end - zero)


def _add(joins: Joins, channel: Channel, cause: Node, effect: Node, confidence: float) -> None:
    kind: EdgeKind = "delivers" if cause.kind == "message" else channel.kind
    waits: tuple[Wait, ...] = ()
    if channel.carrier != "call":
        carrier: WaitKind = channel.carrier
        waits = (Wait(carrier, max(0.0, (effect.start_ns - cause.start_ns) / 1e6)),)
    joins.add(cause.node_id, effect.node_id, kind, "timing", round(min(MOST_CONFIDENCE, confidence), 3), waits)
