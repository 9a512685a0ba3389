"""The JSON of an outcome."""

from __future__ import annotations

from typing import Any

from coldtrail.model.outcomes import Outcome, StepOutcome, Stop
from coldtrail.model.times import rfc3339


def outcome(one: Outcome) -> dict[str, Any]:
    """Return what became of a trail against one workflow."""
    return {
        "name": one.workflow,
        "status": one.status,
        "step": one.step or None,
        "words": one.words,
        "key": one.key,
        "stopped": stop(one.stopped) if one.stopped else None,
        "done": _time(one.done_ns),
        "took_ms": (one.done_ns - one.start_ns) / 1e6 if one.done_ns else None,
        "deadline": _time(one.deadline_ns),
        "steps": [_step(step, one.start_ns) for step in one.steps],
    }


def stop(one: Stop) -> dict[str, Any]:
    """Return where a trail stopped, and the kind of edge that should have followed."""
    return {"node_id": one.node_id, "service": one.service, "name": one.name, "edge": one.edge, "words": one.words}


def _step(one: StepOutcome, start_ns: int) -> dict[str, Any]:
    return {
        "name": one.name,
        "state": one.state,
        "required": one.required,
        "node_ids": one.node_ids,
        "count": one.count,
        "failed_count": one.failed_count,
        "started": _time(one.started_ns),
        "done": _time(one.done_ns),
        "took_ms": (one.done_ns - start_ns) / 1e6 if one.done_ns else None,
        "deadline": _time(one.deadline_ns),
        "words": one.words,
    }


def _time(at_ns: int | None) -> str | None:
    return rfc3339(at_ns) if at_ns else None
