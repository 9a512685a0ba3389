"""Which signals are copies of one another: the one rule by which readers and trails keep each once.

At-least-once senders repeat themselves, X-Ray sends a segment while it is in progress and again when it has
ended, and a log line can be found by its trace and by its request.
"""

from __future__ import annotations

from collections.abc import Iterable

from coldtrail.model.signals import Log, Span


def distinct_spans(spans: Iterable[Span]) -> list[Span]:
    """Return each span once: of copies the finished one, then the longest; in order of start."""
    best: dict[tuple[str, str], Span] = {}
    for span in spans:
        key = (span.trace_id, span.span_id)
        other = best.get(key)
        if other is None or (other is not span and _rank(span) > _rank(other)):
            best[key] = span
    return sorted(best.values(), key=lambda span: (span.start_ns, span.trace_id, span.span_id))


def _rank(span: Span) -> tuple[object, ...]:
    """What says most goes first; the rest only makes the choice the same in every order of arrival."""
    finished = not span.attributes.get("aws.xray.in_progress")
    size = (len(span.attributes), len(span.events), len(span.links), span.status_code)
    return (finished, span.end_ns, *size, -span.start_ns, span.name, span.parent_span_id, str(span.attributes))


def log_identity(log: Log) -> tuple[object, ...]:
    """Return what two copies of a log record have in common: CloudWatch's event id, else all that it says."""
    event_id = log.attributes.get("aws.log.event.id")
    said = (event_id,) if event_id else (str(log.body), log.trace_id, str(log.attributes))
    return (log.time_ns, *said, log.span_id, log.event_name, log.resource.service)


def distinct_logs(logs: Iterable[Log]) -> list[Log]:
    """Return each log record once, in order of time; of copies the one with most attributes."""
    kept: dict[tuple[object, ...], Log] = {}
    for log in logs:
        identity = log_identity(log)
        other = kept.get(identity)
        if other is None or (other is not log and _log_rank(log) > _log_rank(other)):
            kept[identity] = log
    return sorted(kept.values(), key=lambda log: (log.time_ns, str(log.body), log.event_name, log.resource.service))


def _log_rank(log: Log) -> tuple[object, ...]:
    return (len(log.attributes), -log.observed_time_ns, str(log.body), str(log.attributes))
