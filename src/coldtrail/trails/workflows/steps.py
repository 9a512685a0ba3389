"""What became of each step of a workflow in one trail."""

from __future__ import annotations

from msgspec import Struct

from coldtrail.model.outcomes import StepOutcome, StepState
from coldtrail.model.trails import FAILED, Edge, Node, Trail
from coldtrail.model.workflows import Step, Workflow
from coldtrail.trails.story.words import duration_words, failure_words, times_words, who
from coldtrail.trails.workflows.fitting import Asked, fits, unmet

MOST_NODES = 20
"""Of one step that an outcome names."""


class Found(Struct):
    """The nodes of one step: all, those that went through in order of their end, and those that failed."""

    step: Step
    nodes: list[Node]
    through: list[Node]
    failed: list[Node]
    deadline_ns: int

    @property
    def done(self) -> Node | None:
        """The node with which it had happened as often as it must."""
        return self.through[self.step.at_least - 1] if len(self.through) >= self.step.at_least else None


def find_steps(workflow: Workflow, trail: Trail, said: Asked) -> dict[str, Found]:
    """Return the nodes of each step; they are the same in whatever order the trail's nodes come."""
    found: dict[str, Found] = {}
    for step in workflow.steps:
        nodes = [node for node in trail.nodes if fits(step.match, node, said)]
        nodes.sort(key=lambda node: (node.start_ns, node.node_id))
        through = [node for node in nodes if node.status == "ok"]
        through.sort(key=lambda node: (end_of(node), node.node_id))
        failed = [node for node in nodes if node.status in FAILED]
        found[step.name] = Found(step, nodes, through, failed, workflow.deadline_ns(step, trail.start_ns))
    return found


def end_of(node: Node) -> int:
    """When a node ended, or began where it has not."""
    return node.start_ns if node.end_ns is None else node.end_ns


def judge(found: dict[str, Found], trail: Trail, said: Asked, now_ns: int) -> list[StepOutcome]:
    """Return what became of each step at a moment."""
    causes = _causes(trail.edges)
    return [_judged(one, found, causes, trail.start_ns, said, now_ns) for one in found.values()]


def _causes(edges: list[Edge]) -> dict[str, list[str]]:
    causes: dict[str, list[str]] = {}
    for edge in edges:
        causes.setdefault(edge.effect, []).append(edge.cause)
    return causes


def _judged(
    one: Found, found: dict[str, Found], causes: dict[str, list[str]], start_ns: int, said: Asked, now_ns: int
) -> StepOutcome:
    state, words = _state(one, found, causes, start_ns, said, now_ns)
    return StepOutcome(
        name=one.step.name,
        state=state,
        required=one.step.needed,
        node_ids=tuple(node.node_id for node in one.nodes[:MOST_NODES]),
        count=len(one.through),
        failed_count=len(one.failed),
        started_ns=one.nodes[0].start_ns if one.nodes else None,
        done_ns=end_of(one.done) if one.done else None,
        deadline_ns=one.deadline_ns,
        words=words,
    )


def _state(
    one: Found, found: dict[str, Found], causes: dict[str, list[str]], start_ns: int, said: Asked, now_ns: int
) -> tuple[StepState, str]:
    step, done = one.step, one.done
    if step.forbidden:
        return ("unwanted", f"{who(one.nodes[0])} must not happen") if one.nodes else ("absent", "")
    if early := next((name for name in step.after if _comes_before(one, found[name], causes)), ""):
        return "out_of_order", _early_words(one, found[early], start_ns)
    if done is None:
        return _undone(one, now_ns, start_ns)
    if wrong := next((text for expected in step.expect if (text := unmet(expected, one.through, said))), ""):
        return "wrong", wrong
    if step.at_most is not None and len(one.through) > step.at_most:
        return (
            "duplicated",
            f"it happened {times_words(len(one.through))}, at most {times_words(step.at_most)} is right",
        )
    if end_of(done) > one.deadline_ns:
        late_ms = (end_of(done) - one.deadline_ns) / 1e6
        took = duration_words((end_of(done) - start_ns) / 1e6)
        return "late", f"it took {took}, {duration_words(late_ms)} too long"
    return "done", ""


def _undone(one: Found, now_ns: int, start_ns: int) -> tuple[StepState, str]:
    tried = ""
    if one.failed:
        last = one.failed[-1]
        tried = f"{who(last)} {failure_words(last)}" + (
            f", {len(one.failed)} attempts in all" if len(one.failed) > 1 else ""
        )
    if not one.step.required:
        return ("failed", tried) if one.failed else ("absent", "")
    if now_ns < one.deadline_ns:
        return "waiting", tried
    within = duration_words((one.deadline_ns - start_ns) / 1e6)
    if one.failed:
        return "failed", tried
    if one.through:
        return "missing", f"{len(one.through)} of {one.step.at_least} were seen within {within}"
    return "missing", f"nothing of it was seen within {within}"


def _comes_before(one: Found, earlier: Found, causes: dict[str, list[str]]) -> bool:
    """Whether a step began before the one that must come first was done. What that one led to cannot be too early."""
    if not one.nodes or not earlier.done:
        return False
    first = one.nodes[0]
    if first.start_ns >= end_of(earlier.done):
        return False
    return not _led_to({node.node_id for node in earlier.nodes}, first.node_id, causes)


def _led_to(from_ids: set[str], node_id: str, causes: dict[str, list[str]]) -> bool:
    seen, pending = set[str](), [node_id]
    while pending:
        at = pending.pop()
        if at in from_ids:
            return True
        if at not in seen:
            seen.add(at)
            pending += causes.get(at, ())
    return False


def _early_words(one: Found, earlier: Found, start_ns: int) -> str:
    began = duration_words((one.nodes[0].start_ns - start_ns) / 1e6)
    assert earlier.done
    done = duration_words((end_of(earlier.done) - start_ns) / 1e6)
    return f'it began after {began}, before "{earlier.step.name}" was done after {done}'
