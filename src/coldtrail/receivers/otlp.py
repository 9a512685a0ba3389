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
from itertools import chain
from operator import attrgetter
from typing import Any

from google.protobuf.message import DecodeError

from coldtrail.model.exports import Export, Malformed, Translation
from coldtrail.model.signals import Signal
from coldtrail.receivers.bounds import check_json, check_protobuf
from coldtrail.receivers.otlp_filter import without
from coldtrail.receivers.otlp_json import parse as parse_json
from coldtrail.receivers.otlp_lean import ITEM, LEAN, STATUS

LATEST_NS = 4_102_444_800 * 10**9
"""2100-01-01: a later time is a mistake of units, and the engine's calendar ends in 2262."""

_ZERO_TRACE, _ZERO_SPAN = bytes(16), bytes(8)
_ENUM = range(256)
"""Numbers of enumerations that the store has room for; OTLP uses 0 to 24 of them."""
_POINT_KINDS = ("gauge", "sum", "histogram", "exponential_histogram", "summary")

_trace_ids, _span_ids, _parents = attrgetter("trace_id"), attrgetter("span_id"), attrgetter("parent_span_id")
_starts, _ends = attrgetter("start_time_unix_nano"), attrgetter("end_time_unix_nano")
_times, _observed = attrgetter("time_unix_nano"), attrgetter("observed_time_unix_nano")
_links, _kinds, _statuses = attrgetter("links"), attrgetter("kind"), attrgetter("status")
_severities = attrgetter("severity_number")


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
        lean: Any = LEAN[signal].FromString(body)
    except DecodeError:
        raise Malformed(f"the body is not an OTLP {signal} request: it is not protobuf, or cut short") from None
    items = [item for group in lean.groups for scope in group.scopes for item in scope.items]
    if not items:
        return Translation()
    if signal == "metrics":
        points = [point for item in items for point in _points(item)]
        sound, count = _sound_metrics(items, points), len(points)
    else:
        sound, count = (_sound_spans(items) if signal == "traces" else _sound_logs(items)), len(items)
    if sound:
        return Translation((Export(signal, body, count),) if count else ())
    return _without_unsound(signal, body, count)


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
        and all(map(_ENUM.__contains__, set(map(_kinds, spans))))
        and all(map(_is_status, set(map(_statuses, spans))))
        and all(map(_is_link, chain.from_iterable(filter(None, map(_links, spans)))))
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


def _sound_logs(logs: list[Any]) -> bool:
    return (
        set(map(len, map(_trace_ids, logs))) <= {0, 16}
        and set(map(len, map(_span_ids, logs))) <= {0, 8}
        and max(map(_times, logs)) < LATEST_NS
        and max(map(_observed, logs)) < LATEST_NS
        and all(map(_ENUM.__contains__, set(map(_severities, logs))))
    )


def _sound_metrics(metrics: list[Any], points: list[Any]) -> bool:
    return not points or (
        min(map(_times, points)) > 0
        and max(map(_times, points)) < LATEST_NS
        and max(map(_starts, points)) < LATEST_NS
        and not any(map(_has_odd_temporality, metrics))
        and not any(map(_has_odd_buckets, metrics))
    )


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
