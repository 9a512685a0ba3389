"""One invocation from all that speaks of it: spans, X-Ray segments, Lambda's platform lines, its own logs.

Where sources differ, Lambda's own word goes first: its REPORT line for durations and memory, its START line
for the beginning; spans fill in what is missing. Source: AWS Lambda Developer Guide, "Lambda Telemetry API
event schema reference".
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, field

from coldtrail.model.signals import MOST_MEASURE, Attributes, Log, Span
from coldtrail.model.trails import FAILED, Failure, Node, NodeStatus
from coldtrail.trails.nodes.identity import node_id_of

REPORT_SLACK_NS = 2 * 10**9
"""How long after its REPORT line a signal of the same attempt may be stamped."""

_WORST_FIRST: tuple[NodeStatus, ...] = ("out_of_memory", "timeout", "throttled", "error", "ok", "open")
_STATUS: dict[str, NodeStatus] = {
    "success": "ok",
    "error": "error",
    "failure": "error",
    "timeout": "timeout",
    "out_of_memory": "out_of_memory",
}


class Attempt(Struct):
    """The signals of one attempt of one invocation."""

    number: int
    spans: list[Span] = field(default_factory=list)
    logs: list[Log] = field(default_factory=list)


def attempts_of(spans: Iterable[Span], logs: Iterable[Log]) -> list[Attempt]:
    """Tell the attempts of one request id apart: each ends with a REPORT line, signals belong to the next one."""
    ordered = sorted(logs, key=lambda log: log.time_ns)
    ends = sorted({log.time_ns for log in ordered if log.event_name == "platform.report"})
    later_start = bool(ends) and any(
        log.event_name == "platform.start" and log.time_ns > ends[-1] + REPORT_SLACK_NS for log in ordered
    )
    attempts = [Attempt(number) for number in range(1, max(1, len(ends) + later_start) + 1)]

    def of(time_ns: int) -> Attempt:
        for end_ns, attempt in zip(ends, attempts, strict=False):
            if time_ns <= end_ns + REPORT_SLACK_NS:
                return attempt
        return attempts[-1]

    for log in ordered:
        of(log.time_ns).logs.append(log)
    for span in spans:
        of(span.start_ns).spans.append(span)
    return [attempt for attempt in attempts if attempt.logs or attempt.spans]


def invocation(request_id: str, attempt: Attempt) -> Node:
    """Merge one attempt into its node."""
    report = _last(attempt.logs, "platform.report")
    start_line = _last(attempt.logs, "platform.start")
    facts: Attributes = report.attributes if report else {}
    start_ns, end_ns = _times(attempt, report, start_line)
    init_ms = _number(facts, "aws.lambda.init_duration_ms")
    status = _status(attempt, report)
    service = _service(attempt)
    if status == "open":
        end_ns = None
    return Node(
        node_id=node_id_of("request_id", request_id, attempt.number),
        kind="invocation",
        service=service,
        name=service,
        start_ns=start_ns,
        end_ns=end_ns,
        status=status,
        attempt=attempt.number,
        cold_start=_cold_start(attempt, report, init_ms),
        init_ms=init_ms,
        billed_ms=_number(facts, "aws.lambda.billed_duration_ms"),
        memory_mb=_whole(facts, "aws.lambda.memory_size_mb"),
        memory_used_mb=_whole(facts, "aws.lambda.max_memory_used_mb"),
        failure=_failure(attempt) if status in FAILED else None,
        keys=_keys(request_id, attempt),
        signals=len(attempt.spans) + len(attempt.logs),
    )


def _last(logs: list[Log], event_name: str) -> Log | None:
    return next((log for log in reversed(logs) if log.event_name == event_name), None)


def _number(attributes: Attributes, name: str) -> float | None:
    value = attributes.get(name)
    return float(value) if isinstance(value, int | float) and 0 <= value < MOST_MEASURE else None


def _whole(attributes: Attributes, name: str) -> int | None:
    value = _number(attributes, name)
    return None if value is None else int(value)


def _times(attempt: Attempt, report: Log | None, start_line: Log | None) -> tuple[int, int | None]:
    finished = [span for span in attempt.spans if not span.attributes.get("aws.xray.in_progress")]
    starts = [span.start_ns for span in attempt.spans]
    ends = [span.end_ns for span in finished]
    duration = _number(report.attributes, "aws.lambda.duration_ms") if report else None
    if start_line:
        starts.append(start_line.time_ns)
    if report:
        if duration is not None and not start_line:
            starts.append(report.time_ns - int(duration * 1e6))
        ends.append(start_line.time_ns + int(duration * 1e6) if start_line and duration is not None else report.time_ns)
    if not starts:
        starts = [log.time_ns for log in attempt.logs]
    # X-Ray's segment of the service begins before the sandbox does; Lambda's own START line is when the work began.
    start_ns = start_line.time_ns if start_line else min(starts)
    if not ends:
        return start_ns, max((log.time_ns for log in attempt.logs), default=start_ns)
    return start_ns, max(start_ns, *ends)


def _status(attempt: Attempt, report: Log | None) -> NodeStatus:
    said: set[NodeStatus] = set()
    for log in attempt.logs:
        status = _STATUS.get(str(log.attributes.get("aws.lambda.status", "")))
        if status:
            said.add(status)
        elif log.event_name == "platform.fault":
            said.add("error")
        elif log.event_name == "platform.report":
            said.add("ok")
    for span in attempt.spans:
        if span.attributes.get("aws.xray.throttle"):
            said.add("throttled")
        elif span.status_code == 2:
            said.add("error")
        elif not span.attributes.get("aws.xray.in_progress"):
            said.add("ok")
    if "error" in said and _killed_with_full_memory(attempt, report):
        said.add("out_of_memory")
    worst: NodeStatus = next((status for status in _WORST_FIRST if status in said), "open")
    return worst


def _killed_with_full_memory(attempt: Attempt, report: Log | None) -> bool:
    """Lambda kills a sandbox that runs out of memory; the REPORT line then shows all of it in use."""
    if not report:
        return False
    size, used = (_whole(report.attributes, f"aws.lambda.{name}") for name in ("memory_size_mb", "max_memory_used_mb"))
    killed = any("killed" in str(log.attributes.get("exception.message", "")) for log in attempt.logs)
    return killed and size is not None and used is not None and used >= size


def _service(attempt: Attempt) -> str:
    """The function's name: Lambda's logs know it best, then `faas.name`, then the span's service."""
    for log in attempt.logs:
        if name := log.resource.attributes.get("faas.name"):
            return str(name)
    for span in attempt.spans:
        if name := span.resource.attributes.get("faas.name") or span.attributes.get("faas.name"):
            return str(name)
    if attempt.spans:
        return min(span.resource.service for span in attempt.spans)
    return attempt.logs[0].resource.service


def _cold_start(attempt: Attempt, report: Log | None, init_ms: float | None) -> bool | None:
    said = [span.attributes.get("faas.coldstart") for span in attempt.spans]
    said += [log.attributes.get("faas.coldstart") for log in attempt.logs]
    if init_ms is not None or True in said:
        return True
    return False if report or False in said else None


def _failure(attempt: Attempt) -> Failure | None:
    """The failure that says most: one with a stack before one with a message before a bare type."""
    found = [failure for span in attempt.spans if (failure := failure_of_span(span))]
    found += [failure for log in attempt.logs if (failure := failure_of_log(log))]
    if not found:
        return None
    return max(
        found, key=lambda failure: (bool(failure.stacktrace), bool(failure.message), failure.type, failure.message)
    )


def failure_of_span(span: Span) -> Failure | None:
    """Return why a span failed: its exception event, else its status message."""
    if span.status_code != 2:
        return None
    for event in span.events:
        if event.name == "exception":
            return _exception(event.attributes)
    kind = span.attributes.get("error.type") or span.attributes.get("exception.type") or "error"
    return Failure(str(kind), span.status_message)


def failure_of_log(log: Log) -> Failure | None:
    """Return the failure that a log record tells of, if any."""
    if "exception.type" in log.attributes or "exception.message" in log.attributes:
        return _exception(log.attributes)
    if kind := log.attributes.get("error.type"):
        return Failure(str(kind), "")
    return None


def _exception(attributes: Attributes) -> Failure:
    return Failure(
        str(attributes.get("exception.type") or attributes.get("error.type") or "error"),
        str(attributes.get("exception.message") or ""),
        str(attributes.get("exception.stacktrace") or ""),
    )


def _keys(request_id: str, attempt: Attempt) -> dict[str, str]:
    keys = {"request_id": request_id}
    first = min(attempt.spans, key=lambda span: (span.start_ns, span.span_id), default=None)
    if first:
        keys |= {"trace_id": first.trace_id, "span_id": first.span_id}
    for log in attempt.logs:
        if log.trace_id:
            keys.setdefault("trace_id", log.trace_id)
        for name, attribute in (("xray_trace_id", "aws.xray.trace_id"), ("correlation_id", "correlation_id")):
            value = log.attributes.get(attribute)
            if isinstance(value, str) and value:
                keys.setdefault(name, value)
    return keys
