"""Ids of nodes: the same for all signals that speak of one thing, whichever comes first."""

from __future__ import annotations

import xxhash

from coldtrail.model.trails import KeyKind

KEY_DIGITS, ATTEMPT_DIGITS, STATE_DIGITS = 16, 2, 6
"""Hex digits of a node that a key names, and what a later attempt or a state of an execution appends."""

MERGED_DIGITS = (KEY_DIGITS, KEY_DIGITS + ATTEMPT_DIGITS, KEY_DIGITS + STATE_DIGITS)
"""How long the ids are that begin with the hash of a key."""


def node_id_of(kind: KeyKind, value: str, attempt: int = 1) -> str:
    """Return the id of a node known by a key: xxh64 of kind, NUL and value; later attempts add two hex digits."""
    digest = xxhash.xxh64_hexdigest(f"{kind}\0{value}".encode())
    return digest if attempt == 1 else f"{digest}{min(attempt, 255):02x}"


def state_node_id(arn: str, event_id: str) -> str:
    """Return the id of a state of an execution: the execution's, and six hex digits for the event that entered it.

    So whoever has it finds the execution. A history has at most 25,000 events (AWS Step Functions Developer Guide,
    "Quotas related to state machine executions"); what is no such number is hashed.
    """
    number = int(event_id) if event_id.isdecimal() and len(event_id) < 8 else xxhash.xxh32_intdigest(event_id.encode())
    return f"{node_id_of('execution_arn', arn)}{number % 16**STATE_DIGITS:0{STATE_DIGITS}x}"


def unit_node_id(unit: str) -> str:
    """Return the id of the node whose log lines have no trace: an invocation's request id, or an execution's ARN."""
    return node_id_of("execution_arn" if unit.startswith("arn:") else "request_id", unit)


def span_node_id(trace_id: str, span_id: str) -> str:
    """Return the id of a node that is one span."""
    return trace_id + span_id
