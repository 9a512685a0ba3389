"""OTLP export requests: validated and handed on as they came.

Source: OpenTelemetry Protocol specification (1.x), "OTLP/HTTP Request", "Partial Success"; trace.proto says
which ids are valid. What the engine could not load never reaches the log: ids of a wrong length, all-zero
ids and times that are no times are refused span by span (partial success), the rest is kept.

Text that is not UTF-8 is kept as it came and shown with U+FFFD. Attributes are kept whole, however many and
however large, up to the body's bound; a value is kept as raw bytes however deep it nests, and shown as JSON text
from its 64th level on.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from google.protobuf.message import DecodeError

from coldtrail.model.exports import Export, Malformed, Translation
from coldtrail.model.signals import Signal
from coldtrail.receivers.bounds import check_json, check_protobuf
from coldtrail.receivers.otlp_filter import without
from coldtrail.receivers.otlp_json import parse as parse_json
from coldtrail.receivers.otlp_lean import COUNTED, ITEM, LEAN, SPAN_COLUMNS, STATUS

LATEST_NS = 4_102_444_800 * 10**9
"""2100-01-01: a later time is a mistake of units, and the engine's calendar ends in 2262."""

_ZERO_TRACE, _ZERO_SPAN = bytes(16), bytes(8)
_ENUM = range(256)
"""Numbers of enumerations that the store has room for; OTLP uses 0 to 24 of them."""
_POINT_KINDS = ("gauge", "sum", "histogram", "exponential_histogram", "summary")

_trace_ids, _span_ids, _severities = attrgetter("trace_id"), attrgetter("span_id"), attrgetter("severity_number")
_starts, _times = attrgetter("start_time_unix_nano"), attrgetter("time_unix_nano")
_observed = attrgetter("observed_time_unix_nano")


def accept(signal: Signal, body: bytes, *, json: bool = False) -> Translation:
    """Validate one export request, protobuf or JSON, already decompressed.

    Raises:
        Malformed: it is no such request at all.
        TooLarge: it holds more items than there is memory for.
    """
    if json:
        check_json(body)
        body = parse_json(signal, body).SerializeToString()
    check_protobuf(signal, body)
    try:
        sound, count = _SOUND[signal](body)
    except DecodeError:
        raise Malformed(f"the body is not an OTLP {signal} request: it is not protobuf, or cut short") from None
    if sound:
        return Translation((Export(signal, body, count),) if count else ())
    return _without_unsound(signal, body, count)


def _sound_spans(body: bytes) -> tuple[bool, int]:
    """Whether every span can be loaded, and how many there are; runs in C, without a Python step for each.

    A body in which one span says an id twice and another does not at all is not told apart: the engine takes the last, and zeros.
    """
    counted: Any = COUNTED.FromString(body)
    count = sum(len(scope.items) for group in counted.groups for scope in group.scopes)
    columns: Any = SPAN_COLUMNS.FromString(body)
    return not count or _are_sound(columns.groups.scopes.items, count), count


def _are_sound(spans: Any, count: int) -> bool:
    traces, ids, starts = spans.trace_id[:], spans.span_id[:], spans.start_time_unix_nano[:]
    return (
        len(traces) == len(ids) == len(starts) == count
        and set(map(len, traces)) == {16}
        and _ZERO_TRACE not in traces
        and set(map(len, ids)) == {8}
        and _ZERO_SPAN not in ids
        and set(map(len, spans.parent_span_id)) <= {0, 8}
        and min(starts) > 0
        and max(starts) < LATEST_NS
        and max(spans.end_time_unix_nano, default=0) < LATEST_NS
        and all(map(_ENUM.__contains__, set(spans.kind)))
        and all(map(_is_status, set(spans.status)))
        and all(map(_is_link, spans.links))
    )


def _is_link(link: Any) -> bool:
    return len(link.trace_id) == 16 and len(link.span_id) == 8


def _is_status(raw: bytes) -> bool:
    """Whether a status is a message with a code that there may be; there are few distinct ones in a body."""
    try:
        status: Any = STATUS.FromString(raw)
    except DecodeError:
        return False
    return status.code in _ENUM


def _items(signal: Signal, body: bytes) -> list[Any]:
    lean: Any = LEAN[signal].FromString(body)
    return [item for group in lean.groups for scope in group.scopes for item in scope.items]


def _sound_logs(body: bytes) -> tuple[bool, int]:
    logs = _items("logs", body)
    sound = not logs or (
        set(map(len, map(_trace_ids, logs))) <= {0, 16}
        and set(map(len, map(_span_ids, logs))) <= {0, 8}
        and max(map(_times, logs)) < LATEST_NS
        and max(map(_observed, logs)) < LATEST_NS
        and all(map(_ENUM.__contains__, set(map(_severities, logs))))
    )
    return sound, len(logs)


def _sound_metrics(body: bytes) -> tuple[bool, int]:
    """Points are counted, as the protocol counts what it rejects."""
    metrics = _items("metrics", body)
    points = [point for metric in metrics for point in _points(metric)]
    sound = not points or (
        min(map(_times, points)) > 0
        and max(map(_times, points)) < LATEST_NS
        and max(map(_starts, points)) < LATEST_NS
        and not any(map(_has_odd_temporality, metrics))
        and not any(map(_has_odd_buckets, metrics))
    )
    return sound, len(points)


def _has_odd_buckets(metric: Any) -> bool:
    """Whether a histogram has not one bucket more than bounds, or none of both. Source: opentelemetry-proto, `metrics.proto`."""
    told = ((one.bucket_counts, one.explicit_bounds) for one in metric.histogram.data_points)
    return any((buckets or bounds) and len(buckets) != len(bounds) + 8 for buckets, bounds in told)


def _has_odd_temporality(metric: Any) -> bool:
    return any(getattr(metric, kind).aggregation_temporality not in _ENUM for kind in _POINT_KINDS)


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
    if span.kind not in _ENUM or not _is_status(span.status):
        return "kind and status.code must be numbers of their enumerations"
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
    if log.severity_number not in _ENUM:
        return "severity_number must be a number of its enumeration"
    return ""


def _metric_fault(metric: Any) -> str:
    points = _points(metric)
    if any(
        not point.time_unix_nano or max(point.time_unix_nano, point.start_time_unix_nano) >= LATEST_NS
        for point in points
    ):
        return "time_unix_nano must be a time between 1970 and 2100"
    if _has_odd_buckets(metric):
        return "bucket_counts must be one more than explicit_bounds"
    return "aggregation_temporality must be a number of its enumeration" if _has_odd_temporality(metric) else ""


def _points(metric: Any) -> list[Any]:
    return [point for kind in _POINT_KINDS for point in getattr(metric, kind).data_points]


_SOUND: dict[Signal, Callable[[bytes], tuple[bool, int]]] = {
    "traces": _sound_spans,
    "logs": _sound_logs,
    "metrics": _sound_metrics,
}
_FAULT_OF: dict[Signal, Callable[[Any], str]] = {"traces": _span_fault, "logs": _log_fault, "metrics": _metric_fault}


def _without_unsound(signal: Signal, body: bytes, items: int) -> Translation:
    """The slow path: drop what is wrong, keep the rest, and say what was dropped and why."""
    reasons: dict[str, int] = {}

    def is_unsound(item: Any) -> bool:
        fault = _FAULT_OF[signal](item)
        if fault:
            reasons[fault] = reasons.get(fault, 0) + (len(_points(item)) if signal == "metrics" else 1)
        return bool(fault)

    kept = without(body, ITEM[signal], is_unsound)
    rejected = sum(reasons.values())
    exports = (Export(signal, kept, items - rejected),) if items > rejected else ()
    return Translation(exports, rejected, tuple(f"{count} x {reason}" for reason, count in reasons.items()))
