"""Which nodes a step of a workflow means, and what the signals of a node say."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from coldtrail.model.signals import AttributeValue, Span
from coldtrail.model.trails import Node
from coldtrail.model.workflows import Expectation, Match
from coldtrail.trails.assemble import Graph

Said = Mapping[str, list[AttributeValue]]
"""Attributes by name, each with every value that a signal of the node gives it; its keys by their kind as well."""

Asked = Callable[[str], Said]
"""What the signals of a node say, by its id."""

MOST_SIGNALS = 200
"""Of one node that are asked for attributes."""


def said_in(graph: Graph) -> Asked:
    """Return what asks the signals of a graph's nodes; each node is read once."""
    known: dict[str, dict[str, list[AttributeValue]]] = {}

    def said(node_id: str) -> Said:
        if node_id not in known:
            known[node_id] = _said(graph, node_id)
        return known[node_id]

    return said


def _said(graph: Graph, node_id: str) -> dict[str, list[AttributeValue]]:
    found: dict[str, list[AttributeValue]] = {}
    signals = [
        *graph.nodes.spans_of.get(node_id, ())[:MOST_SIGNALS],
        *graph.nodes.logs_of.get(node_id, ())[:MOST_SIGNALS],
    ]
    for one in signals:
        attributes = {**one.resource.attributes, **one.attributes} if isinstance(one, Span) else one.attributes
        for name, value in attributes.items():
            values = found.setdefault(name, [])
            if value not in values:
                values.append(value)
    node = graph.nodes.by_id.get(node_id)
    for name, value in node.keys.items() if node else ():
        found.setdefault(name, [value])
    return found


def fits(match: Match, node: Node, said: Asked) -> bool:
    """Return whether a node is one of those that are meant."""
    return (
        (match.kind is None or node.kind == match.kind)
        and (not match.service or like(match.service, node.service))
        and (not match.name or like(match.name, node.name))
        and all(
            any(like(pattern, text_of(value)) for value in said(node.node_id).get(name, ()))
            for name, pattern in match.attributes.items()
        )
    )


def like(pattern: str, text: str) -> bool:
    """Return whether a text is like a pattern, in which `*` is any number of characters; "" is like any."""
    if not pattern:
        return True
    head, *rest = pattern.split("*")
    if not rest:
        return text == head
    if not text.startswith(head):
        return False
    *middle, tail = rest
    at = len(head)
    for part in middle:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(text) - at >= len(tail) and text.endswith(tail)


def text_of(value: AttributeValue) -> str:
    """Return a value as patterns see it: `true`, `202`, `corr-7b55`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def unmet(expected: Expectation, nodes: list[Node], said: Asked) -> str:
    """Return in words what of an expectation is not met by the nodes of a step, "" where it is."""
    values = [value for node in nodes for value in said(node.node_id).get(expected.attribute, ())]
    if not values:
        return f"nothing says {expected.attribute}"
    wrong = next((value for value in values if not _meets(expected, value)), None)
    return "" if wrong is None else f"{expected.attribute} is {text_of(wrong)[:120]}, not {_wanted(expected)}"


def _meets(expected: Expectation, value: AttributeValue) -> bool:
    wanted = [*expected.one_of, *([] if expected.equals is None else [expected.equals])]
    if wanted and text_of(value) not in [text_of(one) for one in wanted] and value not in wanted:
        return False
    number = _number(value)
    low, high = expected.at_least, expected.at_most
    return not (low is not None and (number is None or number < low)) and not (
        high is not None and (number is None or number > high)
    )


def _number(value: AttributeValue) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _wanted(expected: Expectation) -> str:
    words = []
    if expected.equals is not None or expected.one_of:
        wanted = [*([] if expected.equals is None else [expected.equals]), *expected.one_of]
        words.append(" or ".join(text_of(one) for one in wanted))
    if expected.at_least is not None:
        words.append(f"at least {expected.at_least:g}")
    if expected.at_most is not None:
        words.append(f"at most {expected.at_most:g}")
    return " and ".join(words)
