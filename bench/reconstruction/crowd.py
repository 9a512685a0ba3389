"""More requests in flight than the lab can make: its trails, laid closer together in time.

The lab shares two cores with everything else, so at most a message or two wait on an edge. Trails that have nothing in
common (no batch joins them) are moved in time as wholes, so every duration and wait stays as it truly was, until the
messages of a story wait ``in_flight`` at a time on an edge on average. Sandboxes are renamed, so that none runs two
invocations at once; the order within a shard is not kept, which makes it harder, not easier.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from typing import Any

from bench.reconstruction.levels import REQUEST, spans_of
from bench.reconstruction.recording import ExportTraceServiceRequest, LogEvents, Signal
from bench.reconstruction.truth import Truth

_TIME_FIELDS = ("start_time", "end_time")


class Groups:
    """Things that are joined by any true edge, and which story they are of."""

    def __init__(self, truth: Truth) -> None:
        self._above: dict[str, str] = {}
        for cause, effect in [*truth.kinds, *truth.silent]:
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


def crowded(signals: list[Signal], truth: Truth, in_flight: float) -> list[Signal]:
    """Return the signals with their trails moved together; signals that belong to no trail stay where they are."""
    groups = Groups(truth)
    placed = [(signal, group) for signal in signals for signal, group in _split(signal, groups)]
    placed = _by_trace(placed, groups)
    starts: dict[str, int] = {}
    for signal, group in placed:
        if group:
            starts[group] = min(starts.get(group, 1 << 62), _start_ns(signal))
    factor = in_flight / max(0.01, waiting_on_an_edge(truth))
    first = min(starts.values())
    shifts = {group: int((start - first) * (1 - 1 / max(1.0, factor))) for group, start in starts.items()}
    return [_moved(signal, shifts.get(group, 0), group) for signal, group in placed]


def waiting_on_an_edge(truth: Truth) -> float:
    """Return how many messages wait on an edge at a time, on average over edges: rate times wait (Little's law)."""
    waits: dict[tuple[str, str], list[float]] = defaultdict(list)
    spans: dict[tuple[str, str], list[int]] = defaultdict(list)
    for edge, kind in truth.kinds.items():
        if kind != "delivers":
            continue
        message, taker = edge
        for sender in truth.causes.get(message, []):
            key = (truth.things[sender].where, truth.things[taker].where)
            sent, taken = truth.times.get((sender, message), 0), truth.times[edge]
            waits[key].append(max(0.0, (taken - sent) / 1e9))
            spans[key].append(sent)
    levels = [
        sum(waits[key]) / max(1.0, (max(times) - min(times)) / 1e9) for key, times in spans.items() if len(times) > 5
    ]
    return sum(levels) / max(1, len(levels))


def _split(signal: Signal, groups: Groups) -> list[tuple[Signal, str]]:
    """Cut log deliveries into the pieces of one group each; the others are of one group already."""
    if isinstance(signal, dict):
        aws = signal.get("aws") or {}
        own = aws.get("request_id") or (aws.get("api_gateway") or {}).get("request_id") or ""
        return [(signal, groups.of_id(own))]
    if isinstance(signal, ExportTraceServiceRequest):
        return [(one, "") for one in _each_span(signal)]
    pieces: list[tuple[Signal, str]] = []
    current = ""
    waiting: list[dict[str, Any]] = []
    for event in signal.events:
        named = _named(event["message"], groups)
        current = named or current
        if not current:
            waiting.append(event)
            continue
        pieces.append((LogEvents(signal.group, signal.stream, [*waiting, event]), current))
        waiting = []
    if waiting:
        pieces.append((LogEvents(signal.group, signal.stream, waiting), ""))
    return pieces


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


def _start_ns(signal: Signal) -> int:
    if isinstance(signal, dict):
        return int(signal["start_time"] * 1e9)
    if isinstance(signal, ExportTraceServiceRequest):
        return int(spans_of(signal)[0][1].start_time_unix_nano)
    return int(min(event["timestamp"] for event in signal.events)) * 10**6


def _moved(signal: Signal, shift_ns: int, group: str) -> Signal:
    if isinstance(signal, dict):
        times = {name: signal[name] - shift_ns / 1e9 for name in _TIME_FIELDS if name in signal}
        children = [_moved(one, shift_ns, group) for one in signal.get("subsegments", [])]
        return {**signal, **times, **({"subsegments": children} if children else {})}
    if isinstance(signal, ExportTraceServiceRequest):
        for resource in signal.resource_spans:
            for pair in resource.resource.attributes:
                if pair.key == "faas.instance":
                    pair.value.string_value = _renamed(pair.value.string_value, group)
        for _, span in spans_of(signal):
            span.start_time_unix_nano -= shift_ns
            span.end_time_unix_nano -= shift_ns
            for event in span.events:
                event.time_unix_nano -= shift_ns
        return signal
    shift_ms = shift_ns // 10**6
    events = [
        {**event, "timestamp": event["timestamp"] - shift_ms, "message": _restamped(event["message"], shift_ms)}
        for event in signal.events
    ]
    return LogEvents(signal.group, _renamed(signal.stream, group), events)


def _renamed(stream: str, group: str) -> str:
    return f"{stream[:-8]}{abs(hash(group)) % 16**8:08x}" if group else stream


_EVENT_TIME = re.compile(r'"event_timestamp": "(\d+)"')


def _restamped(message: str, shift_ms: int) -> str:
    return _EVENT_TIME.sub(lambda found: f'"event_timestamp": "{int(found[1]) - shift_ms}"', message)
