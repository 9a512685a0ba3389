"""OTLP export requests: validated and handed on as they came.

Source: OpenTelemetry Protocol specification (1.x), "OTLP/HTTP Request", "Partial Success"; trace.proto says
which ids are valid. What the engine could not load never reaches the log: ids of a wrong length, all-zero
ids and times that are no times are refused span by span (partial success), the rest is kept.

Text that is not UTF-8 is kept as it came and shown with U+FFFD. Attributes are kept whole, however many and
however large, up to the body's bound; a value is kept as raw bytes however deep it nests.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from coldtrail.model.exports import Export, Malformed, Translation
from coldtrail.model.signals import Signal
from coldtrail.receivers.otlp_json import parse as parse_json
from coldtrail.receivers.otlp_lean import LEAN

LATEST_NS = 4_102_444_800 * 10**9
"""2100-01-01: a later time is a mistake of units, and the engine's calendar ends in 2262."""

_FULL: dict[Signal, type[Message]] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
_ZERO_TRACE, _ZERO_SPAN = bytes(16), bytes(8)
_POINT_KINDS = ("gauge", "sum", "histogram", "exponential_histogram", "summary")

_trace_ids, _span_ids, _parents = attrgetter("trace_id"), attrgetter("span_id"), attrgetter("parent_span_id")
_starts, _ends = attrgetter("start_time_unix_nano"), attrgetter("end_time_unix_nano")
_times, _observed = attrgetter("time_unix_nano"), attrgetter("observed_time_unix_nano")
_links = attrgetter("links")


def accept(signal: Signal, body: bytes, *, json: bool = False) -> Translation:
    """Validate one export request, protobuf or JSON, already decompressed.

    Raises:
        Malformed: it is no such request at all.
    """
    if json:
        body = parse_json(signal, body).SerializeToString()
    try:
        lean: Any = LEAN[signal].FromString(body)
    except DecodeError as error:
        raise Malformed(f"the body is not an OTLP {signal} request: {error}") from None
    items = [item for group in lean.groups for scope in group.scopes for item in scope.items]
    if not items:
        return Translation()
    if signal == "metrics":
        points = [point for item in items for kind in _POINT_KINDS for point in getattr(item, kind).data_points]
        sound, count = _sound_points(points), len(points)
    else:
        sound, count = (_sound_spans(items) if signal == "traces" else _sound_logs(items)), len(items)
    if sound:
        return Translation((Export(signal, body, count),) if count else ())
    return _without_unsound(signal, body)


def _sound_spans(spans: list[Any]) -> bool:
    """Whether every span can be loaded; runs in C over the spans, without a Python step for each."""
    traces, ids = set(map(_trace_ids, spans)), list(map(_span_ids, spans))
    return (
        set(map(len, traces)) == {16}
        and _ZERO_TRACE not in traces
        and set(map(len, ids)) == {8}
        and _ZERO_SPAN not in ids
        and set(map(len, map(_parents, spans))) <= {0, 8}
        and min(map(_starts, spans)) > 0
        and max(map(_starts, spans)) < LATEST_NS
        and max(map(_ends, spans)) < LATEST_NS
        and all(len(link.trace_id) == 16 and len(link.span_id) == 8 for links in map(_links, spans) for link in links)
    )


def _sound_logs(logs: list[Any]) -> bool:
    return (
        set(map(len, map(_trace_ids, logs))) <= {0, 16}
        and set(map(len, map(_span_ids, logs))) <= {0, 8}
        and max(map(_times, logs)) < LATEST_NS
        and max(map(_observed, logs)) < LATEST_NS
    )


def _sound_points(points: list[Any]) -> bool:
    return not points or max(map(_times, points)) < LATEST_NS


def _span_fault(span: Any) -> str:
    if len(span.trace_id) != 16 or span.trace_id == _ZERO_TRACE:
        return "trace_id must be 16 bytes, not all zero"
    if len(span.span_id) != 8 or span.span_id == _ZERO_SPAN:
        return "span_id must be 8 bytes, not all zero"
    if len(span.parent_span_id) not in (0, 8):
        return "parent_span_id must be empty or 8 bytes"
    if not 0 < span.start_time_unix_nano < LATEST_NS:
        return "start_time_unix_nano must be a time between 1970 and 2100"
    if span.end_time_unix_nano >= LATEST_NS:
        return "end_time_unix_nano must be a time before 2100"
    if any(len(link.trace_id) != 16 or len(link.span_id) != 8 for link in span.links):
        return "a link's trace_id must be 16 bytes and its span_id 8"
    return ""


def _log_fault(log: Any) -> str:
    if len(log.trace_id) not in (0, 16):
        return "trace_id must be empty or 16 bytes"
    if len(log.span_id) not in (0, 8):
        return "span_id must be empty or 8 bytes"
    if max(log.time_unix_nano, log.observed_time_unix_nano) >= LATEST_NS:
        return "time_unix_nano must be a time before 2100"
    return ""


def _metric_fault(metric: Any) -> str:
    data = getattr(metric, metric.WhichOneof("data") or "gauge")
    late = any(point.time_unix_nano >= LATEST_NS for point in data.data_points)
    return "time_unix_nano must be a time before 2100" if late else ""


def _without_unsound(signal: Signal, body: bytes) -> Translation:
    """The slow path: drop what is wrong, keep the rest, and say what was dropped and why."""
    try:
        request: Any = _FULL[signal].FromString(body)
    except DecodeError as error:
        raise Malformed(f"the body is not an OTLP {signal} request: {error}") from None
    rejected, kept = 0, 0
    reasons: dict[str, int] = {}
    for scope in _scopes(signal, request):
        items, fault_of = _items(signal, scope)
        good = []
        for item in items:
            size = _size(signal, item)
            if fault := fault_of(item):
                rejected += size
                reasons[fault] = reasons.get(fault, 0) + size
            else:
                good.append(item)
                kept += size
        copies = [type(item).FromString(item.SerializeToString()) for item in good]
        del items[:]
        items.extend(copies)
    exports = (Export(signal, request.SerializeToString(), kept),) if kept else ()
    return Translation(exports, rejected, tuple(f"{count} x {reason}" for reason, count in reasons.items()))


def _scopes(signal: Signal, request: Any) -> list[Any]:
    if signal == "traces":
        return [scope for group in request.resource_spans for scope in group.scope_spans]
    if signal == "logs":
        return [scope for group in request.resource_logs for scope in group.scope_logs]
    return [scope for group in request.resource_metrics for scope in group.scope_metrics]


def _items(signal: Signal, scope: Any) -> tuple[Any, Callable[[Any], str]]:
    if signal == "traces":
        return scope.spans, _span_fault
    if signal == "logs":
        return scope.log_records, _log_fault
    return scope.metrics, _metric_fault


def _size(signal: Signal, item: Any) -> int:
    if signal != "metrics":
        return 1
    which = item.WhichOneof("data")
    return len(getattr(item, which).data_points) if which else 0
