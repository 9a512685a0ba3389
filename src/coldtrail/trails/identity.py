"""Ids of nodes: the same for all signals that speak of one thing, whichever comes first."""

from __future__ import annotations

import xxhash

from coldtrail.model.trails import KeyKind


def node_id_of(kind: KeyKind, value: str, attempt: int = 1) -> str:
    """Return the id of a node known by a key: xxh64 of kind, NUL and value; later attempts add two hex digits."""
    digest = xxhash.xxh64_hexdigest(f"{kind}\0{value}".encode())
    return digest if attempt == 1 else f"{digest}{min(attempt, 255):02x}"


def unit_node_id(unit: str) -> str:
    """Return the id of the node whose log lines have no trace: an invocation's request id, or an execution's ARN."""
    return node_id_of("execution_arn" if unit.startswith("arn:") else "request_id", unit)


def span_node_id(trace_id: str, span_id: str) -> str:
    """Return the id of a node that is one span."""
    return trace_id + span_id
