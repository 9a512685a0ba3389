"""A trail as the API gives it, brought to the truth's words: edges between things, with their evidence."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from bench.reconstruction.truth import Edge, Truth

_KEYS = {
    "request_id": "invocation",
    "message_id": "message",
    "sequence_number": "message",
    "event_id": "message",
    "execution_arn": "execution",
}
_KINDS = {"invocation": "request_id", "execution": "execution_arn"}
_STRONGEST_FIRST = (
    "parent",
    "link",
    "header",
    "message_id",
    "request_id",
    "execution",
    "correlation_id",
    "payload",
    "timing",
)


class Found(Struct, frozen=True):
    """How an answer knows of an edge: the weakest step of its way."""

    evidence: str
    confidence: float


def things_of(trail: dict[str, Any], truth: Truth, requests: dict[str, str]) -> dict[str, str]:
    """Return node id to the name of the thing that it is; nodes that the truth does not speak of are left out.

    ``requests``: trace id (32 hex) to the request that began it.
    """
    found = {}
    for node in trail["nodes"]:
        name = _name(node, truth, requests)
        if name:
            found[node["node_id"]] = name
    return found


def _name(node: dict[str, Any], truth: Truth, requests: dict[str, str]) -> str | None:
    keys = node["keys"]
    if node["kind"] == "message":
        for kind in ("message_id", "sequence_number", "event_id"):
            if kind in keys:
                return f"message:{keys[kind]}"
        return None
    if (wanted := _KINDS.get(node["kind"])) and wanted in keys:
        return f"{_KEYS[wanted]}:{keys[wanted]}"
    if node["kind"] == "request" and (name := requests.get(keys.get("trace_id", ""))):
        return name if truth.things[name].where in ("", node["service"]) else None
    return None


def edges_of(trail: dict[str, Any], names: dict[str, str]) -> dict[Edge, Found]:
    """Return the edges between things.

    A node that is no thing (an operation, a subsegment, the span of one record) belongs to the thing above it, which
    its parents lead to; one without any is passed through.
    """
    owner = _owners(trail, names)
    effects: dict[str, list[dict[str, Any]]] = {}
    for edge in trail["edges"]:
        effects.setdefault(edge["from"], []).append(edge)
    found: dict[Edge, Found] = {}
    for start, cause in owner.items():
        seen = {start}
        pending = [(start, Found("parent", 1.0))]
        while pending:
            node_id, way = pending.pop()
            for edge in effects.get(node_id, []):
                step = _weaker(way, Found(edge["evidence"], edge["confidence"]))
                effect = owner.get(edge["to"])
                if effect is None:
                    if edge["to"] not in seen:
                        seen.add(edge["to"])
                        pending.append((edge["to"], step))
                elif effect != cause:
                    known = found.get((cause, effect))
                    if known is None or step.confidence > known.confidence:
                        found[cause, effect] = step
    return found


def _owners(trail: dict[str, Any], names: dict[str, str]) -> dict[str, str]:
    parents = {edge["to"]: edge["from"] for edge in trail["edges"] if edge["evidence"] == "parent"}
    owner = dict(names)
    for node in trail["nodes"]:
        way: list[str] = []
        node_id = node["node_id"]
        while node_id not in owner and node_id in parents and node_id not in way:
            way.append(node_id)
            node_id = parents[node_id]
        if node_id in owner:
            owner.update(dict.fromkeys(way, owner[node_id]))
    return owner


def _weaker(one: Found, other: Found) -> Found:
    rank = max(_rank(one.evidence), _rank(other.evidence))
    return Found(_STRONGEST_FIRST[rank], one.confidence * other.confidence)


def _rank(evidence: str) -> int:
    return _STRONGEST_FIRST.index(evidence) if evidence in _STRONGEST_FIRST else len(_STRONGEST_FIRST) - 1
