"""More requests in flight than the lab can make: its trails, laid closer together in time.

The lab shares two cores with everything else, so at most a message or two wait on an edge. Trails that have nothing in
common (no batch joins them) are moved in time as wholes, so every duration and wait stays as it truly was, until
``in_flight`` messages wait between two of a story's functions at a time, on average. Sandboxes are renamed, so that none runs two
invocations at once; the order within a shard is not kept, which makes it harder, not easier.
"""

from __future__ import annotations

import re
from collections import defaultdict
from zlib import crc32

from bench.reconstruction.groups import Groups, place
from bench.reconstruction.levels import spans_of
from bench.reconstruction.recording import ExportTraceServiceRequest, LogEvents, Signal
from bench.reconstruction.truth import Truth

LEAST = 0.001
"""Fewer messages than this at a time: what is between the two hands over at once."""

_TIME_FIELDS = ("start_time", "end_time")


def crowded(signals: list[Signal], truth: Truth, in_flight: float) -> list[Signal]:
    """Return the signals with their trails moved together; signals that belong to no trail stay where they are."""
    by_function = factors(truth, in_flight)
    groups = Groups(truth)
    factor = {
        groups.top(name): by_function[one.where] for name, one in truth.things.items() if one.where in by_function
    }
    return _closer(signals, groups, factor)


def called_at_once(signals: list[Signal], truth: Truth, in_flight: float) -> list[Signal]:
    """Return the signals with those trails moved together in which nothing waits for a poller: so many run at a time.

    Each kind of trail by itself, told by its function that starts first.
    """
    groups = Groups(truth)
    polled = {groups.top(name) for pair in waiting(truth) for name, one in truth.things.items() if one.where in pair}
    heads = {
        groups.top(name): one.where
        for name, one in reversed(truth.things.items())
        if one.type == "invocation" and groups.top(name) not in polled
    }
    lasted: dict[str, list[tuple[int, int]]] = defaultdict(list)
    ends: dict[str, int] = {}
    starts: dict[str, int] = {}
    for signal, group in place(signals, groups):
        if group in heads:
            starts[group] = min(starts.get(group, 1 << 62), start_ns(signal))
            ends[group] = max(ends.get(group, 0), end_ns(signal))
    for group, start in starts.items():
        lasted[heads[group]].append((start, ends[group]))
    at_once = {
        head: sum(end - start for start, end in some) / max(1, max(some)[0] - min(some)[0])
        for head, some in lasted.items()
    }
    return _closer(signals, groups, {group: in_flight / at_once[heads[group]] for group in starts})


def _closer(signals: list[Signal], groups: Groups, factor: dict[str, float]) -> list[Signal]:
    """Move each group towards the first, by its factor; what has none stays."""
    placed = place(signals, groups)
    starts: dict[str, int] = {}
    for signal, group in placed:
        if group:
            starts[group] = min(starts.get(group, 1 << 62), start_ns(signal))
    first = min(starts.values(), default=0)
    shifts = {
        group: int((start - first) * (1 - 1 / max(1.0, factor.get(group, 1.0)))) for group, start in starts.items()
    }
    return [moved(signal, shifts[group], group) if shifts.get(group) else signal for signal, group in placed]


def waiting(truth: Truth) -> dict[tuple[str, str], float]:
    """Return how many messages wait between two functions at a time: rate times wait (Little's law).

    A topic's or bus's message counts with the queue's message that it became.
    """
    waits: dict[tuple[str, str], list[float]] = defaultdict(list)
    sent_at: dict[tuple[str, str], list[int]] = defaultdict(list)
    for (message, taker), kind in truth.kinds.items():
        if kind != "delivers" or (sender := _sender(truth, message)) is None:
            continue
        function, sent_ns = sender
        pair = (function, truth.things[taker].where)
        waits[pair].append(max(0.0, (truth.times[message, taker] - sent_ns) / 1e9))
        sent_at[pair].append(sent_ns)
    return {
        pair: sum(waits[pair]) / max(1.0, (max(times) - min(times)) / 1e9)
        for pair, times in sent_at.items()
        if len(times) > 5
    }


def factors(truth: Truth, in_flight: float) -> dict[str, float]:
    """Return by function how much closer its trails must be: the same for all functions of one story."""
    levels = waiting(truth)
    story = {function: function for pair in levels for function in pair}
    for sender, taker in levels:
        old, new = story[taker], story[sender]
        story = {function: new if one == old else one for function, one in story.items()}
    found: dict[str, list[float]] = defaultdict(list)
    for (sender, _), level in levels.items():
        if level >= LEAST:
            found[story[sender]].append(level)
    return {function: in_flight * len(found[one]) / max(LEAST, sum(found[one])) for function, one in story.items()}


def _sender(truth: Truth, message: str) -> tuple[str, int] | None:
    """Return the function that sent a message, and when; None where it came from outside."""
    while causes := truth.causes.get(message):
        cause = causes[0]
        if truth.things[cause].type != "message":
            return truth.things[cause].where, truth.times[cause, message]
        message = cause
    return None


def start_ns(signal: Signal) -> int:
    """Return when the first of a signal happened, Unix nanoseconds."""
    if isinstance(signal, dict):
        return int(signal["start_time"] * 1e9)
    if isinstance(signal, ExportTraceServiceRequest):
        return int(spans_of(signal)[0][1].start_time_unix_nano)
    return int(min(event["timestamp"] for event in signal.events)) * 10**6


def end_ns(signal: Signal) -> int:
    """Return when the last of a signal ended, Unix nanoseconds."""
    if isinstance(signal, dict):
        return int(signal.get("end_time", signal["start_time"]) * 1e9)
    if isinstance(signal, ExportTraceServiceRequest):
        return max(int(span.end_time_unix_nano) for _, span in spans_of(signal))
    return int(max(event["timestamp"] for event in signal.events)) * 10**6


def moved(signal: Signal, shift_ns: int, instance: str) -> Signal:
    """Return a signal so much earlier, of another instance where one is named; an OTLP body is changed in place."""
    if isinstance(signal, dict):
        times = {name: signal[name] - shift_ns / 1e9 for name in _TIME_FIELDS if name in signal}
        children = [moved(one, shift_ns, instance) for one in signal.get("subsegments", [])]
        return {**signal, **times, **({"subsegments": children} if children else {})}
    if isinstance(signal, ExportTraceServiceRequest):
        for resource in signal.resource_spans:
            for pair in resource.resource.attributes:
                if pair.key == "faas.instance":
                    pair.value.string_value = _renamed(pair.value.string_value, instance)
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
    return LogEvents(signal.group, _renamed(signal.stream, instance), events)


def _renamed(stream: str, instance: str) -> str:
    return f"{stream[:-8]}{crc32(instance.encode()):08x}" if instance else stream


_EVENT_TIME = re.compile(r'"event_timestamp": "(\d+)"')


def _restamped(message: str, shift_ms: int) -> str:
    return _EVENT_TIME.sub(lambda found: f'"event_timestamp": "{int(found[1]) - shift_ms}"', message)
