"""Step Functions executions and their states as nodes, from the execution history that they log.

Source: AWS Step Functions Developer Guide, "Using CloudWatch Logs to log execution history" (`id`, `type`, `details`,
`event_timestamp`, `execution_arn`) and "HistoryEvent" of its API reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from coldtrail.model.signals import Log
from coldtrail.model.trails import Edge, Failure, Node, NodeStatus, Wait
from coldtrail.services.service import CLIENT, PRODUCER
from coldtrail.trails.nodes.identity import node_id_of, state_node_id

if TYPE_CHECKING:
    from coldtrail.trails.nodes.of_signals import Nodes

SLACK_NS = 5_000_000

_ENDS: dict[str, NodeStatus] = {
    "ExecutionSucceeded": "ok",
    "ExecutionFailed": "error",
    "ExecutionAborted": "error",
    "ExecutionTimedOut": "timeout",
}


class Run(Struct):
    """One execution: its node, and the nodes and logs of its states in order of entering."""

    node: Node
    states: list[Node]
    logs: dict[str, list[Log]]


def execution(arn: str, logs: list[Log]) -> Run:
    """Make the nodes of one execution from its history, in order of time."""
    ordered = sorted(logs, key=lambda log: (log.time_ns, _number(log), str(log.body)))
    end = next((log for log in ordered if _type(log) in _ENDS), None)
    machine = _machine(arn)
    node = Node(
        node_id=node_id_of("execution_arn", arn),
        kind="execution",
        service=machine,
        name=machine,
        start_ns=ordered[0].time_ns,
        end_ns=end.time_ns if end else None,
        status=_ENDS[_type(end)] if end else "open",
        failure=_failure(end),
        keys={"execution_arn": arn},
        signals=len(ordered),
    )
    run = Run(node, [], {node.node_id: []})
    _add_states(run, arn, machine, ordered)
    return run


def mentioned_execution(arn: str, named_by: list[Node]) -> Run:
    """Make the node of an execution that logs no history from the nodes that name it."""
    within = [node for node in named_by if node.kind == "invocation"] or named_by
    ends = [node.end_ns for node in within]
    machine = _machine(arn)
    node = Node(
        node_id=node_id_of("execution_arn", arn),
        kind="execution",
        service=machine,
        name=machine,
        start_ns=min(node.start_ns for node in within),
        end_ns=None if None in ends else max(end for end in ends if end is not None),
        keys={"execution_arn": arn},
        signals=len(named_by),
    )
    return Run(node, [], {node.node_id: []})


def _machine(arn: str) -> str:
    """The state machine's name: `arn:aws:states:REGION:ACCOUNT:execution:MACHINE:NAME`."""
    return arn.split(":")[6] if arn.count(":") >= 7 else arn


def _add_states(run: Run, arn: str, machine: str, logs: list[Log]) -> None:
    """A state begins with its `...StateEntered` and ends with the next `...StateExited` of its name."""
    entered: dict[str, list[Node]] = {}
    current: Node | None = None
    for log in logs:
        name, kind = _said(log, "details.name"), _type(log)
        if kind.endswith("StateEntered"):
            current = Node(
                node_id=state_node_id(arn, _said(log, "id") or str(log.time_ns)),
                kind="execution",
                service=machine,
                name=name or kind,
                start_ns=log.time_ns,
                end_ns=run.node.end_ns,
                status="open" if run.node.end_ns is None else run.node.status,
                keys={"execution_arn": arn},
                signals=0,
            )
            run.states.append(current)
            run.logs[current.node_id] = []
            entered.setdefault(name, []).append(current)
        elif kind.endswith("StateExited") and (open_ := entered.get(name)):
            current = open_.pop(0)
            current.end_ns, current.status = log.time_ns, "ok"
        elif current is not None and (failure := _failure(log)):
            current.failure = failure
        about = current if current is not None and kind not in _ENDS else run.node
        run.logs[about.node_id].append(log)
        about.signals += about is not run.node
    for state in run.states:
        if state.status in ("ok", "open"):
            state.failure = None if state.status == "ok" else state.failure


def _type(log: Log) -> str:
    return _said(log, "type") or log.event_name.rpartition(".")[2]


def _said(log: Log, name: str) -> str:
    value = log.attributes.get(name)
    return value if isinstance(value, str) else ""


def _number(log: Log) -> int:
    value = _said(log, "id")
    return int(value) if value.isdecimal() and len(value) < 7 else 0


def _failure(log: Log | None) -> Failure | None:
    if log is None or not (error := _said(log, "details.error")):
        return None
    return Failure(error, _said(log, "details.cause"))


def executions_started(nodes: Nodes) -> dict[str, str]:
    """Return which call (or state of another execution) started which execution."""
    found = {}
    for run_id, carriers in _carriers(nodes).items():
        for node_id in carriers:
            elsewhere = nodes.by_id[node_id].kind == "execution" and node_id not in (run_id, *nodes.states[run_id])
            if elsewhere or _starts(nodes, node_id):
                found[node_id] = run_id
    return found


def _carriers(nodes: Nodes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node_id, keys in nodes.keys.items():
        for key in keys:
            if key.kind == "execution_arn":
                run_id = node_id_of("execution_arn", key.value)
                if run_id in nodes.states:
                    found.setdefault(run_id, []).append(node_id)
    return found


def execution_edges(nodes: Nodes, caused: set[str]) -> list[Edge]:
    """Join executions with their states, and states with the invocations that name the execution.

    An invocation belongs to the state that was entered last before it began; several of one function in one state are
    attempts. O(nodes that carry an execution's ARN).
    """
    carriers = _carriers(nodes)
    edges = []
    for run_id, states in nodes.states.items():
        edges += [Edge(run_id, state, "calls", "execution") for state in states]
        inside = [one for one in carriers.get(run_id, []) if nodes.by_id[one].kind == "invocation"]
        inside = [one for one in inside if one not in caused and not _begins(nodes, run_id, one)]
        edges += [_into(nodes, nodes.by_id[one], states, run_id) for one in inside]
    return edges


def count_attempts(nodes: Nodes, called: dict[str, list[str]]) -> dict[str, tuple[Wait, ...]]:
    """Set the attempts of what each state called (state to invocations); return what each waited since the one before."""
    waits: dict[str, tuple[Wait, ...]] = {}
    for node_ids in called.values():
        last: dict[str, Node] = {}
        for node in sorted((nodes.by_id[one] for one in node_ids), key=lambda node: (node.start_ns, node.node_id)):
            before = last.get(node.service)
            if before is not None:
                node.attempt = max(node.attempt, before.attempt + 1)
                if before.end_ns is not None:
                    waits[node.node_id] = (Wait("retry", max(0.0, (node.start_ns - before.end_ns) / 1e6)),)
            last[node.service] = node
    return waits


def _begins(nodes: Nodes, run_id: str, node_id: str) -> bool:
    """An invocation that names an execution and began before it started it: its log line says so."""
    return nodes.by_id[node_id].start_ns + SLACK_NS < nodes.by_id[run_id].start_ns


def _starts(nodes: Nodes, node_id: str) -> bool:
    spans = nodes.spans_of.get(node_id, [])
    return bool(spans) and nodes.by_id[node_id].kind == "operation" and spans[0].kind in (CLIENT, PRODUCER)


def _into(nodes: Nodes, node: Node, states: list[str], run_id: str) -> Edge:
    within = [nodes.by_id[state] for state in states]
    within = [one for one in within if one.start_ns - SLACK_NS <= node.start_ns <= (one.end_ns or node.start_ns)]
    state = max(within, key=lambda one: (one.start_ns, one.node_id)).node_id if within else run_id
    return Edge(state, node.node_id, "calls", "execution")
