"""Durations, names and failures as people say them."""

from __future__ import annotations

from coldtrail.model.trails import Node, NodeStatus

FAILURES: dict[NodeStatus, str] = {
    "error": "failed",
    "timeout": "timed out",
    "out_of_memory": "ran out of memory",
    "throttled": "was throttled",
}


def duration_words(ms: float) -> str:
    """Return a duration as people say it: `340 ms`, `1.2 s`, `4 min 5 s`."""
    if ms < 1_000:
        return f"{ms:.0f} ms"
    if ms < 60_000:
        return f"{ms / 1_000:.1f} s"
    minutes, seconds = divmod(round(ms / 1_000), 60)
    return f"{minutes} min {seconds} s"


def who(node: Node) -> str:
    """Return what a sentence calls a node."""
    if node.kind in ("request", "operation", "execution") and node.name != node.service:
        return f"{node.service} {node.name}"
    return node.name


def failure_words(node: Node) -> str:
    """Return what became of a node that did not succeed, and with which error."""
    did = FAILURES.get(node.status, "failed")
    if not node.failure or not node.failure.type:
        return did
    message = node.failure.message.strip()
    line = message.splitlines()[0][:160] if message else ""
    return f"{did} with {node.failure.type}" + (f": {line}" if line else "")
