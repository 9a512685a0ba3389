"""Durations, names and failures as people say them."""

from __future__ import annotations

from coldtrail.model.trails import Failure, Node, NodeStatus

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
    return FAILURES.get(node.status, "failed") + with_error(node.failure)


def with_error(failure: Failure | None) -> str:
    """Return ` with TYPE: first line of the message`, "" where nothing is known of it."""
    if not failure or not failure.type:
        return ""
    message = failure.message.strip()
    line = message.splitlines()[0][:160] if message else ""
    return f" with {failure.type}" + (f": {line}" if line else "")


def times_words(count: int) -> str:
    """Return how often: `once`, `twice`, `7 times`."""
    return "once" if count == 1 else "twice" if count == 2 else f"{count} times"
