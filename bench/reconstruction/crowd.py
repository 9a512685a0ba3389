"""More requests in flight than the lab can make: its trails, laid closer together in time.

The lab shares two cores with everything else, so at most a message or two wait on an edge. Trails that have nothing in
common (no batch joins them) are moved in time as wholes, so every duration and wait stays as it truly was, until the
messages of a story wait ``in_flight`` at a time on an edge on average. Sandboxes are renamed, so that none runs two
invocations at once; the order within a shard is not kept, which makes it harder, not easier.
"""

from __future__ import annotations

import re
from collections import defaultdict

from bench.reconstruction.groups import Groups, place
from bench.reconstruction.levels import spans_of
from bench.reconstruction.recording import ExportTraceServiceRequest, LogEvents, Signal
from bench.reconstruction.truth import Truth

_TIME_FIELDS = ("start_time", "end_time")


def crowded(signals: list[Signal], truth: Truth, in_flight: float) -> list[Signal]:
    """Return the signals with their trails moved together; signals that belong to no trail stay where they are."""
    groups = Groups(truth)
    placed = place(signals, groups)
    starts: dict[str, int] = {}
    for signal, group in placed:
        if group:
            starts[group] = min(starts.get(group, 1 << 62), start_ns(signal))
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


def start_ns(signal: Signal) -> int:
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
