"""Whose is what an invocation of a batch did: each step is told apart by the record that it speaks of.

Sources of the telling, the surest first: keys or links of the step itself; the log line that reports it; a log line of
one record within the step's time; the lines of one record before and after it, where a function takes one at a time.
"""

from __future__ import annotations

from collections import Counter

from coldtrail.model.trails import Edge
from coldtrail.trails.nodes.notes import CARRIED_KINDS
from coldtrail.trails.nodes.of_signals import Nodes

Told = tuple[str, str]
"""A key's kind and value."""

LOG_STAMP_NS = 1_000_000
"""Log lines are stamped in whole milliseconds, spans are not."""


def is_batch(causes: list[Edge] | None) -> bool:
    """Whether a node with these causes took several messages."""
    return bool(causes) and sum(edge.kind in ("delivers", "redelivers") for edge in causes or ()) > 1


def tell_steps_apart(nodes: Nodes, effects: dict[str, list[Edge]], causes: dict[str, list[Edge]]) -> None:
    """Note in ``nodes.context`` whose each step of a batch is, where that can be told, and that it is in ``nodes.told``."""
    for node_id in nodes.taken_by:
        if is_batch(causes.get(node_id)):
            _tell(nodes, node_id, effects, causes)


def _tell(nodes: Nodes, invocation: str, effects: dict[str, list[Edge]], causes: dict[str, list[Edge]]) -> None:
    steps = _steps(nodes, invocation, effects)
    for step in (invocation, *steps):
        nodes.told.update(edge.effect for edge in effects.get(step, ()) if _sent_for_one(nodes, edge))
    for step in steps:
        told: set[Told] = {
            (key.kind, key.value) for key in nodes.keys[step] if key.kind in CARRIED_KINDS and key.role == "takes"
        }
        told |= {("node", edge.cause) for edge in causes.get(step, ()) if edge.evidence == "link"}
        if told:
            nodes.context.setdefault(step, set()).update(told)
            nodes.told.add(step)
    steps = [step for step in steps if step not in nodes.told and nodes.spans_of.get(step)]
    lines = nodes.lines.get(invocation, [])
    if steps and lines:
        _by_lines(nodes, steps, lines)


def _sent_for_one(nodes: Nodes, edge: Edge) -> bool:
    """Whether an edge leads to a message of which a log line told whose it is, wherever it was sent."""
    return edge.kind == "sends" and edge.effect in nodes.context


def _steps(nodes: Nodes, invocation: str, effects: dict[str, list[Edge]]) -> list[str]:
    """All that happened inside an invocation, at any depth."""
    found: dict[str, None] = {}
    pending = [invocation]
    while pending:
        for edge in effects.get(pending.pop(), ()):
            inside = edge.kind in ("calls", "triggers") and nodes.by_id[edge.effect].kind == "operation"
            if inside and edge.effect not in found:
                found[edge.effect] = None
                pending.append(edge.effect)
    return list(found)


def _by_lines(nodes: Nodes, steps: list[str], lines: list[tuple[int, Told]]) -> None:
    turns = _turns(lines)
    spoken: dict[str, Counter[Told]] = {step: Counter() for step in steps}
    ordered = sorted(steps, key=lambda step: (nodes.spans_of[step][0].start_ns, step))
    for time_ns, told in lines:
        if step := _around(nodes, ordered, time_ns):
            spoken[step][told] += 1
    for step in ordered:
        span = nodes.spans_of[step][0]
        most = spoken[step].most_common(2)
        if most and (len(most) == 1 or most[0][1] > most[1][1]):
            nodes.context[step] = {most[0][0]}
            nodes.told.add(step)
        elif not most:
            within = [
                told for told, first, last in turns if first <= span.start_ns and span.end_ns <= last + LOG_STAMP_NS
            ]
            if len(within) == 1:
                nodes.context[step] = {within[0]}
                nodes.told.add(step)


def _around(nodes: Nodes, ordered: list[str], time_ns: int) -> str | None:
    """The step in whose time a line was written; of several the one that began last."""
    for slack_ns in (0, LOG_STAMP_NS):
        for step in reversed(ordered):
            span = nodes.spans_of[step][0]
            if span.start_ns - slack_ns <= time_ns <= span.end_ns:
                return step
    return None


def _turns(lines: list[tuple[int, Told]]) -> list[tuple[Told, int, int]]:
    """From the first to the last line of each record."""
    first: dict[Told, int] = {}
    last: dict[Told, int] = {}
    for time_ns, told in lines:
        first[told] = min(time_ns, first.get(told, time_ns))
        last[told] = max(time_ns, last.get(told, time_ns))
    return [(told, first[told], last[told]) for told in first]
