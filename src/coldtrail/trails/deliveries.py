"""Every delivery of every message of a graph, as one row: where it was, how long it waited, who took it and with what luck.

What a list of queues, streams, buses and schedules counts is summed up from these (`store/event_sources`). Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct, structs

from coldtrail.model.deliveries import Handed, How
from coldtrail.model.trails import FAILED, Node
from coldtrail.trails.assemble import Graph
from coldtrail.trails.nodes.of_signals import Nodes
from coldtrail.trails.nodes.partial_failures import PartialFailure, partial_failures
from coldtrail.trails.nodes.sources import source_of
from coldtrail.trails.story.hold_ups import DELIVERED


class _DeadLetter(Struct, frozen=True):
    """From which ``queue`` a message was taken that had been given up: that ``of`` this source or function."""

    of: str
    queue: str
    cause: str
    tries: int
    last_try: str


class _Told(Struct):
    """What a row needs besides its two ends."""

    graph: Graph
    partial: dict[tuple[str, str], PartialFailure]
    trail_ids: Mapping[str, str]


def deliveries_of(graph: Graph, trail_ids: Mapping[str, str], but: Collection[str] = ()) -> list[Handed]:
    """Return the deliveries of all messages ``but`` some; ``trail_ids``: message node to a trail that it is on.

    O(nodes + edges).
    """
    nodes = list(graph.nodes.by_id.values())
    failed = partial_failures(graph.nodes, graph.effects, nodes, graph.edges)
    told = _Told(graph, {(one.message, one.taker): one for one in failed if not one.behind}, trail_ids)
    return [
        row for node in nodes if node.kind == "message" and node.node_id not in but for row in _of_message(told, node)
    ]


def _of_message(told: _Told, message: Node) -> Iterable[Handed]:
    nodes, effects = told.graph.nodes, told.graph.effects.get(message.node_id, ())
    takers = [nodes.by_id[edge.effect] for edge in effects if edge.kind in DELIVERED]
    takers.sort(key=lambda node: (nodes.delivery.get((message.node_id, node.node_id), 1), node.start_ns, node.node_id))
    if not takers:
        # A topic or a rule that passed it on in another message has done with it.
        if not any(edge.kind == "triggers" for edge in effects):
            yield _begun(told, message, "")
        return
    first = min(takers, key=lambda node: (node.start_ns, node.node_id))
    by_consumer: dict[str, list[Node]] = {}
    for taker in takers:
        by_consumer.setdefault(taker.service, []).append(taker)
    for consumer, mine in by_consumer.items():
        others = by_consumer[first.service] if consumer != first.service else []
        yield from _to_consumer(told, message, mine, _dead_letter(told, message, mine[0], others))


def _begun(told: _Told, message: Node, taker: str) -> Handed:
    nodes = told.graph.nodes
    givers = [nodes.by_id[one] for one in nodes.givers[message.node_id]]
    guessed = {edge.cause for edge in told.graph.causes.get(message.node_id, ()) if edge.evidence == "correlation_id"}
    known = bool(givers) or nodes.facts[message.node_id].sent_ns is not None
    key = next(iter(message.keys.values()), "")
    handed = nodes.handed.get((message.node_id, taker))
    source = source_of(nodes, message.node_id, taker)
    group = handed.order_group if handed and handed.service in ("kinesis", "sqs") else ""
    return Handed(
        message=message.node_id,
        key=key,
        kind=source.kind,
        name=source.name,
        at_ns=message.start_ns,
        sent_ns=message.start_ns if known else None,
        sender=min((node.service for node in givers if node.node_id not in guessed), default=""),
        trail_id=told.trail_ids.get(message.node_id, ""),
        order_group=group.partition(":")[0],
        order_key=key.zfill(64) if "sequence_number" in message.keys else "",
    )


def _to_consumer(told: _Told, message: Node, takers: list[Node], dead: _DeadLetter | None) -> Iterable[Handed]:
    """The deliveries to one function, in order, and the attempts that Lambda made of each."""
    nodes = told.graph.nodes
    attempts = [(taker, _attempts(nodes, taker)) for taker in takers]
    tries = [(taker, one, number) for taker, ones in attempts for number, one in enumerate(ones)]
    went_through = False
    before: Node | None = None
    for place, (taker, attempt, number) in enumerate(tries, start=1):
        begun = _begun(told, message, taker.node_id)
        partial = told.partial.get((message.node_id, attempt.node_id))
        failed = attempt.status in FAILED or partial is not None
        how: How = (
            "first" if before is None else "retried" if number else "duplicate" if went_through else "redelivered"
        )
        since = before or (nodes.by_id[dead.last_try] if dead and dead.last_try else None)
        since_ns = begun.sent_ns if since is None else since.end_ns or since.start_ns
        yield structs.replace(
            begun,
            name=dead.queue if dead else begun.name,
            how=how,
            taker=attempt.node_id,
            consumer=attempt.service,
            taken_ns=attempt.start_ns,
            ended_ns=attempt.end_ns,
            waited_ms=None if since_ns is None else max(0.0, (attempt.start_ns - since_ns) / 1e6),
            number=place,
            batch=len(nodes.taken_by.get(taker.node_id, ())),
            failed=failed,
            partial=partial is not None,
            failure=partial.failure if partial else attempt.failure if failed else None,
            dead_letter_of=dead.of if dead else "",
            cause=dead.cause if dead else "",
            tries=dead.tries if dead else 0,
            last_try=dead.last_try if dead else "",
        )
        went_through = went_through or not failed
        before = attempt


def _attempts(nodes: Nodes, taker: Node) -> list[Node]:
    """The attempts of one request that begin with this delivery."""
    same = nodes.attempts.get(taker.keys.get("request_id", ""), [])
    return [nodes.by_id[one] for one in same[same.index(taker.node_id) :]] if taker.node_id in same else [taker]


def _dead_letter(told: _Told, message: Node, taker: Node, others: list[Node]) -> _DeadLetter | None:
    """Whether a consumer took the message from a dead-letter queue: the event says so, or who took it before failed.

    ``others``: the deliveries to the consumer that had it first; a topic's or a bus's message goes to several anyway.
    """
    nodes = told.graph.nodes
    handed = nodes.handed.get((message.node_id, taker.node_id))
    source = source_of(nodes, message.node_id)
    tried = [one for one in others if one.status in FAILED and one.start_ns <= taker.start_ns]
    if facts_of := nodes.facts[message.node_id].request:
        tried = tried or [nodes.by_id[one] for one in nodes.attempts.get(facts_of, ())]
    of = handed.dead_letter_source.rpartition(":")[2] if handed else ""
    if not of and tried and (source.kind == "sqs" or facts_of):
        of = tried[-1].service if facts_of else source.name
    if not of and not (handed and handed.dead_letter_cause):
        return None
    queue = source_of(nodes, message.node_id, taker.node_id).name
    queue = "" if queue == of else queue
    cause = handed.dead_letter_cause if handed else ""
    tries = max(len(tried), handed.receive_count - 1 if handed and not facts_of else 0)
    last = tried[-1] if tried else None
    if not cause and last and last.failure:
        cause = f"{last.failure.type}: {last.failure.message}".removesuffix(": ")
    return _DeadLetter(
        of or "unknown", queue or f"dead letters of {of}", cause[:1_000], tries, last.node_id if last else ""
    )
