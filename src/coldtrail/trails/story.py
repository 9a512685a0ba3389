"""The story of a trail in plain sentences: what began it, what waited, what failed, what was tried again."""

from __future__ import annotations

from coldtrail.model.trails import Edge, Node, Sentence

MOST_SENTENCES = 60
NOTABLE_WAIT_MS = 1_000.0

_VERB = {"request": "was called", "invocation": "ran", "message": "was sent", "execution": "ran", "schedule": "fired"}
_FAILED = {
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


def story(nodes: list[Node], edges: list[Edge]) -> list[Sentence]:
    """Return the sentences in order of time; operations are told only where they failed."""
    causes: dict[str, str] = {edge.effect: edge.cause for edge in edges}
    by_id = {node.node_id: node for node in nodes}
    told = [
        Sentence(
            node.start_ns, _sentence(node, by_id.get(causes.get(node.node_id, "")), node is nodes[0]), node.node_id
        )
        for node in nodes
        if node is nodes[0]
        or node.kind != "operation"
        or (node.status in _FAILED and not _told_above(node, causes, by_id))
    ]
    if len(told) <= MOST_SENTENCES:
        return told
    failed = {node.node_id for node in nodes if node.status in _FAILED}
    kept = [told[0]] + [sentence for sentence in told[1:] if sentence.node_id in failed]
    return (kept + [one for one in told[1:] if one.node_id not in failed])[:MOST_SENTENCES]


def _told_above(node: Node, causes: dict[str, str], by_id: dict[str, Node]) -> bool:
    """Whether a failed cause tells already what went wrong here."""
    above = by_id.get(causes.get(node.node_id, ""))
    return above is not None and above.status in _FAILED


def _sentence(node: Node, cause: Node | None, origin: bool) -> str:
    who = (
        f"{node.service} {node.name}"
        if node.kind in ("request", "operation") and node.name != node.service
        else node.name
    )
    parts = [who, _did(node, origin)]
    if node.attempt > 1:
        parts.append(f"on attempt {node.attempt}")
    if node.status in _FAILED and node.failure and node.failure.type:
        message = node.failure.message.strip().splitlines()[0][:160] if node.failure.message.strip() else ""
        parts.append(f"with {node.failure.type}" + (f": {message}" if message else ""))
    asides = []
    if node.wait_ms and node.wait_ms >= NOTABLE_WAIT_MS:
        where = f" in {cause.service}" if cause and cause.kind == "message" else ""
        asides.append(f"after waiting {duration_words(node.wait_ms)}{where}")
    if node.cold_start:
        asides.append("on a cold start" + (f" of {duration_words(node.init_ms)}" if node.init_ms else ""))
    if node.end_ns is not None and node.kind in ("invocation", "request"):
        asides.append(f"in {duration_words((node.end_ns - node.start_ns) / 1e6)}")
    return " ".join(parts) + (", " + ", ".join(asides) if asides else "")


def _did(node: Node, origin: bool) -> str:
    if node.status in _FAILED:
        return _FAILED[node.status]
    if node.status == "open":
        return "has not ended yet"
    return _VERB.get(node.kind, "began" if origin else "ran")
