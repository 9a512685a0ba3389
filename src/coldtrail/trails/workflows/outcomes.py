"""What became of a trail against its workflow: complete, or which step is missing and where it stopped."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from coldtrail.model.outcomes import Outcome, StepOutcome, StepState, Stop
from coldtrail.model.trails import FAILED, EdgeKind, Node, Trail
from coldtrail.model.workflows import WORST_FIRST, OutcomeStatus, Workflow
from coldtrail.trails.story.words import duration_words, failure_words, who
from coldtrail.trails.workflows.fitting import Asked, fits, text_of
from coldtrail.trails.workflows.steps import Found, end_of, find_steps, judge

_MAKES: dict[StepState, OutcomeStatus] = {
    "out_of_order": "out_of_order",
    "wrong": "failed",
    "unwanted": "failed",
    "failed": "failed",
    "missing": "incomplete",
    "duplicated": "duplicated",
    "late": "late",
    "waiting": "open",
}
"""What a step makes of its trail; other states make nothing of it."""

LONGEST_KEY = 200


def outcome(name: str, workflow: Workflow, trail: Trail, said: Asked, now_ns: int) -> Outcome | None:
    """Return what became of a trail at a moment; None where the workflow is not of such trails.

    ``said``: what the signals of a node say. ``now_ns``: Unix nanoseconds.
    """
    if not fits(workflow.origin, trail.origin, said):
        return None
    found = find_steps(workflow, trail, said)
    steps = judge(found, trail, said, now_ns)
    status, step = _whole(steps, trail.origin)
    last = next(one for one in steps if one.name == workflow.last)
    aim = step if status in ("failed", "incomplete", "open") else _awaited(steps)
    stopped = _stop(found, aim, trail) if aim else None
    return Outcome(
        workflow=name,
        trail_id=trail.trail_id,
        status=status,
        start_ns=trail.start_ns,
        steps=tuple(steps),
        step=step,
        stopped=stopped,
        done_ns=last.done_ns,
        deadline_ns=_next_deadline(steps),
        key=_key(workflow.key, trail, said),
        words=_words(status, step, steps, stopped, trail, last),
    )


def pass_deadlines(one: Outcome, now_ns: int) -> Outcome:
    """Return what an outcome is once time has passed and nothing else came; steps that waited are missing or failed."""
    steps = [_passed(step, one.start_ns) if _over(step, now_ns) else step for step in one.steps]
    made = [(WORST_FIRST.index(_MAKES[step.state]), step) for step in steps if step.state in _MAKES and _counts(step)]
    status, name = one.status, one.step
    if made and (status == "open" or min(index for index, _ in made) < WORST_FIRST.index(status)):
        index, at = _first(made)
        status, name = WORST_FIRST[index], at.name
    step = next((each for each in steps if each.name == name), None)
    words = one.words if step is None or name == "" else _said(step, one.stopped)
    return structs.replace(
        one,
        status=status,
        step=name,
        steps=tuple(steps),
        deadline_ns=_next_deadline(steps),
        words=words,
    )


def _over(step: StepOutcome, now_ns: int) -> bool:
    return step.state == "waiting" and step.deadline_ns <= now_ns


def _passed(step: StepOutcome, start_ns: int) -> StepOutcome:
    if step.failed_count:
        return structs.replace(step, state="failed")
    within = duration_words((step.deadline_ns - start_ns) / 1e6)
    seen = f"only {step.count} of it" if step.count else "nothing of it"
    return structs.replace(step, state="missing", words=f"{seen} was seen within {within}")


def _next_deadline(steps: Iterable[StepOutcome]) -> int | None:
    return min((one.deadline_ns for one in steps if one.state == "waiting"), default=None)


def _awaited(steps: list[StepOutcome]) -> str:
    """The step whose time is over first, "" where none is awaited."""
    waiting = [one for one in steps if one.state == "waiting"]
    return min(waiting, key=lambda one: one.deadline_ns).name if waiting else ""


def worst(outcomes: Iterable[Outcome]) -> Outcome | None:
    """Return the outcome that is told of a trail of several workflows, None where it is of none."""
    return min(outcomes, key=lambda one: (WORST_FIRST.index(one.status), one.workflow), default=None)


def _whole(steps: list[StepOutcome], origin: Node) -> tuple[OutcomeStatus, str]:
    """The worst that a step makes of the trail, and the first step that does; an origin that failed is not tried again."""
    made = [(WORST_FIRST.index(_MAKES[one.state]), one) for one in steps if one.state in _MAKES and _counts(one)]
    if origin.kind == "request" and origin.status in FAILED:
        at = next((one for one in steps if one.state in ("failed", "missing", "waiting", "wrong")), None)
        if not made or WORST_FIRST[min(index for index, _ in made)] != "out_of_order":
            return "failed", at.name if at else ""
    if not made:
        return "complete", ""
    index, step = _first(made)
    return WORST_FIRST[index], _awaited(steps) if WORST_FIRST[index] == "open" else step.name


def _first(made: list[tuple[int, StepOutcome]]) -> tuple[int, StepOutcome]:
    """The worst, and the first step of those that make it."""
    return min(made, key=lambda pair: pair[0])


def _counts(one: StepOutcome) -> bool:
    """A step that need not happen may fail, but what it does must be right."""
    return one.required or one.state != "failed"


def _key(key: str, trail: Trail, said: Asked) -> str:
    """The business key: the value on the node nearest to the origin that has one."""
    if not key:
        return ""
    for node in trail.nodes:
        if values := said(node.node_id).get(key):
            return text_of(values[0])[:LONGEST_KEY]
    return ""


def _stop(found: dict[str, Found], name: str, trail: Trail) -> Stop | None:
    """The last node reached on the way to a step: from the last step before it, as far as it led."""
    names = list(found)
    effects = _effects(trail)
    if found[name].failed:
        return _stopped_at(found[name].failed[-1], found[name], effects)
    before = [*found[name].step.after, *reversed(names[: names.index(name)])]
    begun = next((found[one] for one in before if found[one].nodes and not found[one].step.forbidden), None)
    later = {node.node_id for one in names[names.index(name) + 1 :] for node in found[one].nodes}
    origin = trail.origin
    reached = _reached(begun.nodes if begun else [origin], later, trail, effects) or [origin]
    failed = [node for node in reached if node.status in FAILED]
    last = max(failed or reached, key=lambda node: (node.start_ns, end_of(node), node.node_id))
    return _stopped_at(last, found[name], effects)


def _effects(trail: Trail) -> dict[str, list[str]]:
    effects: dict[str, list[str]] = {}
    for edge in trail.edges:
        effects.setdefault(edge.cause, []).append(edge.effect)
    return effects


def _reached(roots: list[Node], besides: set[str], trail: Trail, effects: dict[str, list[str]]) -> list[Node]:
    """All that followed from some nodes, without what led to other steps."""
    by_id = {node.node_id: node for node in trail.nodes}
    first = {node.node_id for node in roots}
    seen: set[str] = set()
    pending = [node.node_id for node in roots]
    while pending:
        node_id = pending.pop()
        if node_id not in seen and node_id not in besides:
            seen.add(node_id)
            pending += effects.get(node_id, ())
    return [by_id[one] for one in sorted(seen) if one in first or besides.isdisjoint(effects.get(one, ()))]


def _stopped_at(node: Node, wanted: Found, effects: dict[str, list[str]]) -> Stop:
    untaken = node.kind == "message" and node.node_id not in effects
    words = f"{who(node)} ({node.kind}), which {'nobody took' if untaken else _went(node)}"
    return Stop(node.node_id, node.service, node.name, _edge(node, wanted), words)


def _went(node: Node) -> str:
    if node.status in FAILED:
        return failure_words(node)
    return "is still open" if node.status == "open" else "went well"


def _edge(node: Node, wanted: Found) -> EdgeKind:
    """Which kind of edge should have followed."""
    if node.status in FAILED and wanted.failed:
        return "retries"
    if node.kind == "message":
        return "delivers"
    if wanted.step.match.kind == "message":
        return "sends"
    return "calls" if node.kind in ("request", "invocation", "execution") else "triggers"


def _words(
    status: OutcomeStatus, name: str, steps: list[StepOutcome], stopped: Stop | None, trail: Trail, last: StepOutcome
) -> str:
    if status == "complete":
        took = f" after {duration_words((last.done_ns - trail.start_ns) / 1e6)}" if last.done_ns else ""
        return f'"{last.name}" was done{took}'
    step = next((step for step in steps if step.name == name), None)
    if trail.origin.kind == "request" and trail.origin.status in FAILED and status == "failed":
        said = f"the origin {who(trail.origin)} {failure_words(trail.origin)}"
        return said + (f', and "{name}" is not done' if step and step.done_ns is None else "")
    assert step
    return _said(step, stopped)


_STATE_WORDS: dict[StepState, str] = {
    "out_of_order": "is out of order",
    "wrong": "is wrong",
    "unwanted": "happened",
    "failed": "failed",
    "missing": "is missing",
    "duplicated": "is duplicated",
    "late": "is late",
    "waiting": "is awaited",
}


def _said(step: StepOutcome, stopped: Stop | None) -> str:
    """The sentence: which step makes the trail what it is, why, and how far it came."""
    said = f'"{step.name}" {_STATE_WORDS[step.state]}' + (f": {step.words}" if step.words else "")
    told = stopped is not None and step.state in ("missing", "waiting")
    return said + (f"; the trail came as far as {stopped.words}" if stopped and told else "")
