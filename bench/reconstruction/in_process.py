"""The same reconstruction without a server: signals translated, read and joined in this process, stretch by stretch.

A server answers as this does, later; what it costs here is the reconstruction's own CPU, so that a way of joining can be
tried in a minute. What the server adds (the store's walks, their bounds) is left out, and only it tells of that.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from bench.reconstruction.recording import XRAY_HEADER, ExportTraceServiceRequest, LogEvents, Signal
from coldtrail.model.signals import Attributes, Event, Link, Log, Resource, Span
from coldtrail.model.trails import Edge
from coldtrail.receivers.cloudwatch_logs import translate_payload
from coldtrail.receivers.xray.documents import translate_datagram
from coldtrail.store.anyvalue import plain
from coldtrail.trails.assemble import Graph, build_graph, select
from coldtrail.trails.nodes.identity import unit_node_id
from coldtrail.trails.timing.channels import Channels, channels_of
from coldtrail.trails.timing.edges import Timing

STRETCH_NS = 30 * 10**9
REACH_NS = 60 * 10**9


class Answers(Struct):
    """The graph of everything, with what times told; how many nodes it has, and the CPU seconds that it took."""

    graph: Graph
    nodes: int
    took_s: float

    def ask(self, request_id: str) -> dict[str, Any] | None:
        """Return the trail around a request, as the API gives it."""
        trail = select(self.graph, unit_node_id(request_id), told=False)
        if trail is None:
            return None
        return {
            "trail_id": trail.trail_id,
            "nodes": [
                {"node_id": node.node_id, "kind": node.kind, "service": node.service, "keys": node.keys}
                for node in trail.nodes
            ],
            "edges": [
                {"from": edge.cause, "to": edge.effect, "evidence": edge.evidence, "confidence": edge.confidence}
                for edge in trail.edges
            ],
        }


def reconstruct(taught: list[Signal], signals: list[Signal]) -> Answers:
    """Reconstruct ``signals`` by what ``taught`` teaches: certain edges first, then stretch by stretch what times tell."""
    spans, logs = read(signals)
    learned = _learned(*read(taught))
    began_s = time.process_time()
    found = list(infer(spans, logs, learned)) if taught else []
    graph = build_graph(spans, logs, Timing(frozenset(), known=tuple(found)))
    return Answers(graph, len(graph.nodes.by_id), time.process_time() - began_s)


def _learned(spans: list[Span], logs: list[Log]) -> Channels:
    graph = build_graph(spans, logs)
    return channels_of(graph.nodes, graph.edges)


def infer(spans: list[Span], logs: list[Log], learned: Channels) -> Iterator[Edge]:
    """Yield what times tell of each half minute, read with the minute before it, newest first as the server does."""
    units = _units(spans, logs)
    starts = sorted({start // STRETCH_NS for start, _, _ in units.values()})
    learned = _with(learned, spans, logs)
    told: list[Edge] = []
    for stretch in reversed(starts):
        since, until = stretch * STRETCH_NS - REACH_NS, (stretch + 1) * STRETCH_NS
        inside = [one for one in units.values() if one[0] < until and one[0] >= since]
        graph = build_graph(
            [span for _, group, _ in inside for span in group],
            [log for _, _, group in inside for log in group],
            Timing(learned=learned, known=tuple(told)),
        )
        known = {(edge.cause, edge.effect) for edge in told}
        for edge in graph.edges:
            begun = graph.nodes.by_id[edge.effect].start_ns // STRETCH_NS == stretch
            if edge.evidence == "timing" and (edge.cause, edge.effect) not in known and begun:
                told.append(edge)
    yield from told


def _with(learned: Channels, spans: list[Span], logs: list[Log]) -> Channels:
    learned.add(_learned(spans, logs))
    return learned


def _units(spans: list[Span], logs: list[Log]) -> dict[str, tuple[int, list[Span], list[Log]]]:
    """Traces, and requests known from logs alone: when each began, and its signals."""
    trace_of: dict[str, str] = {}
    for span in spans:
        if isinstance(request_id := span.attributes.get("faas.invocation_id"), str):
            trace_of[request_id] = span.trace_id
    found: dict[str, tuple[int, list[Span], list[Log]]] = {}
    for span in spans:
        _put(found, span.trace_id, span.start_ns)[1].append(span)
    for log in logs:
        own = log.attributes.get("faas.invocation_id") or log.attributes.get("aws.step_functions.execution.arn")
        unit = log.trace_id or trace_of.get(str(own), "") or str(own or "")
        _put(found, unit, log.time_ns)[2].append(log)
    return found


def _put(
    found: dict[str, tuple[int, list[Span], list[Log]]], unit: str, at_ns: int
) -> tuple[int, list[Span], list[Log]]:
    start, spans, logs = found.get(unit, (at_ns, [], []))
    found[unit] = (min(start, at_ns), spans, logs)
    return found[unit]


def read(signals: list[Signal]) -> tuple[list[Span], list[Log]]:
    """Translate signals as the listeners would, and read them as the store would."""
    spans: list[Span] = []
    logs: list[Log] = []
    for signal in signals:
        if isinstance(signal, ExportTraceServiceRequest):
            spans += _spans(signal)
            continue
        if isinstance(signal, LogEvents):
            exports = translate_payload(_subscription(signal)).exports
        else:
            exports = translate_datagram(XRAY_HEADER + json.dumps(signal).encode()).exports
        for export in exports:
            if export.signal == "traces":
                spans += _spans(ExportTraceServiceRequest.FromString(export.body))
            elif export.signal == "logs":
                logs += _logs(ExportLogsServiceRequest.FromString(export.body))
    return spans, logs


def _subscription(events: LogEvents) -> bytes:
    document = {
        "messageType": "DATA_MESSAGE",
        "owner": "123456789012",
        "logGroup": events.group,
        "logStream": events.stream,
        "subscriptionFilters": ["coldtrail"],
        "logEvents": events.events,
    }
    return json.dumps(document).encode()


def _attributes(pairs: Any) -> Attributes:
    return {pair.key: plain(pair.value) for pair in pairs}


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for group in request.resource_spans:
        resource = Resource(_attributes(group.resource.attributes))
        for scope in group.scope_spans:
            for span in scope.spans:
                yield Span(
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    name=span.name,
                    start_ns=span.start_time_unix_nano,
                    end_ns=span.end_time_unix_nano,
                    parent_span_id=span.parent_span_id.hex(),
                    kind=span.kind,
                    status_code=span.status.code,
                    status_message=span.status.message,
                    attributes=_attributes(span.attributes),
                    events=tuple(
                        Event(one.name, one.time_unix_nano, _attributes(one.attributes)) for one in span.events
                    ),
                    links=tuple(Link(one.trace_id.hex(), one.span_id.hex()) for one in span.links),
                    resource=resource,
                )


def _logs(request: ExportLogsServiceRequest) -> Iterator[Log]:
    for group in request.resource_logs:
        resource = Resource(_attributes(group.resource.attributes))
        for scope in group.scope_logs:
            for record in scope.log_records:
                yield Log(
                    time_ns=record.time_unix_nano,
                    observed_time_ns=record.observed_time_unix_nano,
                    severity_number=record.severity_number,
                    severity_text=record.severity_text,
                    event_name=record.event_name,
                    body=plain(record.body),
                    attributes=_attributes(record.attributes),
                    trace_id=record.trace_id.hex(),
                    span_id=record.span_id.hex(),
                    resource=resource,
                )
