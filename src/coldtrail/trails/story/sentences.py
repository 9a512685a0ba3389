"""The story of a trail in plain sentences: what began it, what waited, what failed, what was tried again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct

from coldtrail.model.trails import FAILED, Edge, Node, Sentence, WaitKind
from coldtrail.trails.nodes.partial_failures import PartialFailure
from coldtrail.trails.story.hold_ups import HoldUp
from coldtrail.trails.story.shows_elsewhere import Touch
from coldtrail.trails.story.went_wrong import NOTHING, went_wrong
from coldtrail.trails.story.words import duration_words, failure_words, who, with_error

MOST_SENTENCES = 60
NOTABLE_WAIT_MS = 1_000.0
NOTABLE_OFFSET_MS = 20.0

_VERB = {"request": "was called", "invocation": "ran", "message": "was sent", "execution": "ran", "schedule": "fired"}
_WAITED: dict[WaitKind, str] = {
    "retry": "after a back-off of {}",
    "throttle": "after {} of being held back by a limit",
}


NOWHERE: Mapping[str, str] = MappingProxyType({})


class Besides(Struct, frozen=True):
    """What the rest of the graph tells of a trail: what held it up, what failed of its batches, what its steps touched.

    ``places``: message to where it was, in words (`the bus orders`).
    """

    held_up: Sequence[HoldUp] = ()
    partial: Sequence[PartialFailure] = ()
    touched: Mapping[str, Touch] = NOTHING
    places: Mapping[str, str] = NOWHERE


ALONE = Besides()


def story(nodes: list[Node], edges: list[Edge], besides: Besides = ALONE) -> list[Sentence]:
    """Return the sentences in order of time; operations are told only where they failed or were tried again."""
    by_id = {node.node_id: node for node in nodes}
    causes: dict[str, Edge] = {}
    for edge in edges:
        causes.setdefault(edge.effect, edge)
    told = [
        Sentence(
            node.start_ns, _sentence(node, causes.get(node.node_id), by_id, besides, node is nodes[0]), node.node_id
        )
        for node in nodes
        if node is nodes[0] or node.kind != "operation" or _worth_telling(node, causes, by_id)
    ]
    extra = [_held_up(one, by_id) for one in besides.held_up if one.taker in by_id]
    extra += [_partial(one, by_id) for one in besides.partial]
    extra += _clocks(nodes)
    if wrong := went_wrong(nodes, edges, besides.touched):
        extra.append(wrong)
    return _fewest(told, extra, by_id)


def _fewest(told: list[Sentence], extra: list[Sentence], by_id: dict[str, Node]) -> list[Sentence]:
    """At most `MOST_SENTENCES`: the beginning, what explains the rest, failures, then the others; in order of time."""
    if len(told) + len(extra) > MOST_SENTENCES:
        ranked = sorted(told[1:], key=lambda one: by_id[one.node_id].status not in FAILED)
        told = [told[0], *ranked[: max(0, MOST_SENTENCES - 1 - len(extra))]]
    return [told[0], *sorted([*told[1:], *extra[: MOST_SENTENCES - 1]], key=lambda one: one.time_ns)]


def _worth_telling(node: Node, causes: dict[str, Edge], by_id: dict[str, Node]) -> bool:
    """A failed or repeated operation, where no failed cause tells already what went wrong here."""
    if node.attempt > 1:
        return True
    above = causes.get(node.node_id)
    return node.status in FAILED and (above is None or by_id[above.cause].status not in FAILED)


def _sentence(node: Node, above: Edge | None, by_id: dict[str, Node], besides: Besides, origin: bool) -> str:
    parts = [who(node), _did(node, origin)]
    if node.attempt > 1:
        parts.append(f"on attempt {node.attempt}")
    asides = _waits(node, above, by_id, besides.places)
    if node.cold_start:
        asides.append("on a cold start" + (f" of {duration_words(node.init_ms)}" if node.init_ms else ""))
    if node.end_ns is not None and node.kind in ("invocation", "request"):
        asides.append(f"in {duration_words((node.end_ns - node.start_ns) / 1e6)}")
    if above and above.confidence < 1 and node.kind != "message":
        asides.append(f"joined by {above.evidence.replace('_', ' ')}")
    return " ".join(parts) + (", " + ", ".join(asides) if asides else "")


def _waits(node: Node, above: Edge | None, by_id: dict[str, Node], places: Mapping[str, str]) -> list[str]:
    """What a node waited for before it began, where it was long."""
    asides = []
    for wait in node.waits:
        if wait.ms < NOTABLE_WAIT_MS or wait.kind in ("init", "downstream"):
            continue
        cause = by_id.get(above.cause) if above else None
        where = f" in {places.get(cause.node_id, cause.service)}" if cause and cause.kind == "message" else ""
        asides.append(_WAITED.get(wait.kind, "after waiting {}" + where).format(duration_words(wait.ms)))
    return asides


def _did(node: Node, origin: bool) -> str:
    if node.status in FAILED:
        return failure_words(node)
    if node.status == "open":
        return "has not ended yet"
    return _VERB.get(node.kind, "began" if origin else "ran")


def _held_up(one: HoldUp, by_id: dict[str, Node]) -> Sentence:
    """A record that waited for one that had nothing to do with it."""
    text = (
        f"{by_id[one.message].name} waited {duration_words(one.waited_ms)} behind a poison record, {one.behind_name}, "
        f"that was tried {one.tries} times in vain"
    )
    return Sentence(by_id[one.taker].start_ns, text, one.message, one.taker)


def _partial(one: PartialFailure, by_id: dict[str, Node]) -> Sentence:
    """A message that failed where its invocation did not; told once, and not on the trails of the others in the batch."""
    message, taker = by_id[one.message], by_id[one.taker]
    ended_ns = taker.start_ns if taker.end_ns is None else taker.end_ns
    through = one.size - one.failed
    went = f"of which {through} went through" if through else "all of which failed"
    if one.behind:
        text = f"{message.name} came again {duration_words(one.later_ms)} after its batch of {one.size} in {who(taker)}"
        text += ", because a record before it had failed there"
    else:
        batch = (
            f"in a batch of {one.size} in {who(taker)}, {went}" if one.size > 1 else f"in {who(taker)}, which succeeded"
        )
        text = f"{message.name} failed{with_error(one.failure)} {batch}; "
        text += f"it came again after {duration_words(one.later_ms)}" if one.again else "it was not seen to come again"
    return Sentence(ended_ns, text, one.message, one.again if one.again in by_id else one.taker)


def _clocks(nodes: list[Node]) -> list[Sentence]:
    """Whose clock was wrong, once each."""
    said: dict[tuple[str, float], Sentence] = {}
    for node in nodes:
        offset_ms = node.clock_offset_ms
        if offset_ms is None or abs(offset_ms) < NOTABLE_OFFSET_MS:
            continue
        way = "ahead" if offset_ms > 0 else "behind"
        text = f"The clock of {node.service} is {duration_words(abs(offset_ms))} {way}; its times here are corrected"
        said.setdefault((node.service, offset_ms), Sentence(node.start_ns, text, node.node_id))
    return list(said.values())
