"""Which signals belong together: trails that a batch joins are one group, and no signal speaks of two groups."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bench.reconstruction.levels import REQUEST, spans_of
from bench.reconstruction.recording import ExportTraceServiceRequest, LogEvents, Recording, Signal
from bench.reconstruction.truth import Edge, Truth, read_truth


class Groups:
    """Things that are joined by any true edge, or by those that ``joined`` says yes to."""

    def __init__(self, truth: Truth, joined: Callable[[Edge], bool] = lambda edge: True) -> None:
        self._above: dict[str, str] = {}
        for edge in filter(joined, [*truth.kinds, *truth.silent]):
            cause, effect = edge
            self._above[self.top(cause)] = self.top(effect)
        self._names = {thing.id: name for name, thing in truth.things.items()}

    def top(self, name: str) -> str:
        """Return the name that stands for the group."""
        while (above := self._above.setdefault(name, name)) != name:
            self._above[name] = self._above[above]
            name = above
        return name

    def of_id(self, identity: str) -> str:
        """Return the group of the thing with this id, or ""."""
        name = self._names.get(identity)
        return self.top(name) if name else ""


def place(signals: list[Signal], groups: Groups) -> list[tuple[Signal, str]]:
    """Cut the signals into pieces of one group each; "" for what belongs to none."""
    pieces = [piece for signal in signals for piece in _split(signal, groups)]
    return _by_trace(pieces, groups)


def first_trails(recording: Recording, trails: int) -> tuple[list[Signal], Truth]:
    """Return the signals and the truth of the first so many trails of a recording, in whole groups."""
    truth = read_truth(recording.truth)
    groups = Groups(truth)
    origins = [name for name in truth.things if not truth.causes.get(name)]
    kept = {groups.top(name) for name in origins[:trails]}
    lines = [line for line in recording.truth if groups.of_id(line["effect"]["id"]) in kept]
    signals = [signal for signal, group in place(list(recording.signals()), groups) if group in kept]
    return signals, read_truth(lines)


def _split(signal: Signal, groups: Groups) -> list[tuple[Signal, str]]:
    """Cut log deliveries into the pieces of one group each; the others are of one group already."""
    if isinstance(signal, dict):
        aws = signal.get("aws") or {}
        own = aws.get("request_id") or (aws.get("api_gateway") or {}).get("request_id") or ""
        return [(signal, groups.of_id(own))]
    if isinstance(signal, ExportTraceServiceRequest):
        return [(one, "") for one in _each_span(signal)]
    return [
        (LogEvents(signal.group, signal.stream, events), group)
        for events, group in _runs(signal.events, groups)
        if events
    ]


def _runs(events: list[dict[str, Any]], groups: Groups) -> list[tuple[list[dict[str, Any]], str]]:
    """Cut events where the group changes; lines before the first that names one belong to that one."""
    runs: list[tuple[list[dict[str, Any]], str]] = [([], "")]
    for event in events:
        named = _named(event["message"], groups)
        run, group = runs[-1]
        if not named or not group or named == group:
            run.append(event)
            runs[-1] = (run, group or named)
        else:
            starts_before = len(run) > 0 and run[-1]["message"].startswith("INIT_START")
            runs.append(([run.pop(), event] if starts_before else [event], named))
    return runs


def _named(message: str, groups: Groups) -> str:
    """The group of the invocation, request or execution that a line names as its own."""
    if '"previous_event_id"' in message:
        return groups.of_id(str(json.loads(message)["execution_arn"]))
    found = REQUEST.search(message)
    return groups.of_id(found[1]) if found else ""


def _each_span(request: ExportTraceServiceRequest) -> list[ExportTraceServiceRequest]:
    found = []
    for group in request.resource_spans:
        for scope in group.scope_spans:
            for span in scope.spans:
                one = ExportTraceServiceRequest()
                resource = one.resource_spans.add(resource=group.resource)
                resource.scope_spans.add(scope=scope.scope).spans.append(span)
                found.append(one)
    return found


def _by_trace(placed: list[tuple[Signal, str]], groups: Groups) -> list[tuple[Signal, str]]:
    """Give spans and subsegments the group of their trace, by the invocation in it (traces are apart by now)."""
    known: dict[str, str] = {}
    for signal, group in placed:
        if isinstance(signal, dict) and group:
            known[signal["trace_id"]] = group
        elif isinstance(signal, ExportTraceServiceRequest):
            for _, span in spans_of(signal):
                for pair in span.attributes:
                    if pair.key == "faas.invocation_id":
                        known[span.trace_id.hex()] = groups.of_id(pair.value.string_value)
    result: list[tuple[Signal, str]] = []
    for signal, group in placed:
        if isinstance(signal, dict):
            group = group or known.get(signal["trace_id"], "")
        elif isinstance(signal, ExportTraceServiceRequest):
            group = known.get(spans_of(signal)[0][1].trace_id.hex(), "")
        result.append((signal, group))
    return result
