"""Signals by hand, short: spans, platform lines, and one story with everything that asynchronous systems do."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from coldtrail.model.signals import Link, Log, Resource, Span

T0 = 1_795_239_132 * 10**9
MS = 10**6


def span(number: int, at_ms: float, *, trace: str = "a", parent: int | None = None, kind: int = 1, service: str = "svc", took_ms: float = 5, name: str = "", host: str = "", links: tuple[tuple[str, int], ...] = (), failed: str = "", **attributes: Any) -> Span:
    named = {key.replace("__", "."): value for key, value in attributes.items()}
    resource: dict[str, Any] = {"service.name": service} | ({"host.name": host} if host else {})
    if failed:
        named["error.type"] = failed
    return Span(
        trace_id=trace * 32, span_id=f"{number:016x}", parent_span_id="" if parent is None else f"{parent:016x}",
        name=name or f"span {number}", kind=kind, start_ns=T0 + int(at_ms * MS), end_ns=T0 + int((at_ms + took_ms) * MS),
        status_code=2 if failed else 0, attributes=named, resource=Resource(resource), links=tuple(Link(one * 32, f"{other:016x}") for one, other in links),
    )


def log(request: str, at_ms: float, event: str = "", function: str = "ingest", **attributes: Any) -> Log:
    named = {key.replace("__", "."): value for key, value in attributes.items()}
    if request:
        named["faas.invocation_id"] = request
    return Log(time_ns=T0 + int(at_ms * MS), event_name=event, body=f"{event or 'line'} {at_ms} {sorted(map(str, named.items()))}", attributes=named, resource=Resource({"faas.name": function}))


def lines(request: str, at_ms: float, took_ms: float = 10, function: str = "ingest", status: str = "success", init_ms: float = 0, **inside: Any) -> list[Log]:
    """START, one line of the function's own, REPORT."""
    found = [log(request, at_ms, "platform.start", function)]
    if inside:
        found.append(log(request, at_ms + 1, "", function, **inside))
    facts: dict[str, Any] = {"aws.lambda.duration_ms": float(took_ms), "aws.lambda.status": status}
    if init_ms:
        facts["aws.lambda.init_duration_ms"] = float(init_ms)
    return [*found, log(request, at_ms + took_ms, "platform.report", function, **facts)]


def moved(signal: Span | Log, by_ns: int) -> Span | Log:
    """The same signal by a clock that is ahead."""
    if isinstance(signal, Log):
        return structs.replace(signal, time_ns=signal.time_ns + by_ns)
    return structs.replace(signal, start_ns=signal.start_ns + by_ns, end_ns=signal.end_ns + by_ns)


def machine(signal: Span | Log) -> str:
    """Whose clock a signal was stamped by."""
    return signal.resource.service


def everything() -> tuple[list[Span], list[Log]]:
    """Three requests put records on a stream; a batch takes two of them, fails, and is halved; one is poison.

    What goes through sends a message to a queue that a function without instrumentation takes, once more by mistake; a
    topic's notification comes inside a queue's message; a link joins another trace; one request comes back to its beginning.
    """
    spans: list[Span] = []
    logs: list[Log] = []
    for number in range(3):
        trace, base = "abc"[number], number * 20
        spans += [
            span(base + 1, number, trace=trace, kind=2, service="api", took_ms=60),
            span(base + 2, number + 4, trace=trace, parent=base + 1, kind=3, service="api", took_ms=50, name="invoke"),
            span(base + 3, number + 6, trace=trace, parent=base + 2, kind=2, service="post", took_ms=40, faas__invocation_id=f"post-{number}", correlation_id=f"corr-{number:04d}"),
            span(base + 4, number + 12, trace=trace, parent=base + 3, kind=4, service="post", aws__kinesis__sequence_number=f"seq-{number}", aws__kinesis__stream_name="activities"),
        ]
    for number in (0, 1):
        logs.append(log("batch", 301 + number, sequence_number=f"seq-{number}"))
    logs += lines("batch", 300, 20, status="error")
    logs += lines("half-0", 400, 20, sequence_number="seq-0", sent_message_id="m-0", correlation_id="corr-0000")
    logs += lines("half-1", 500, 20, status="error", sequence_number="seq-1") + lines("half-1b", 900, 20, status="error", sequence_number="seq-1")
    logs += lines("third", 1_000, 20, sequence_number="seq-2", sent_message_id="m-2")
    logs += lines("notify-0", 700, 15, function="notify", status="error", message_id="m-0", receive_count=1) + lines("notify-0b", 31_000, 15, function="notify", message_id="m-0", receive_count=2)
    logs += lines("notify-2", 1_400, 15, function="notify", message_id="m-2")
    logs += lines("retried", 2_000, 10, function="mail", status="error", message_id="m-9") + lines("retried", 62_000, 10, function="mail")
    spans.append(span(90, 710, trace="d", kind=4, service="notify", messaging__message__id="m-9", correlation_id="corr-0000"))
    spans += [
        span(70, 30, trace="a", parent=3, kind=4, service="post", messaging__message__id="sns-1"),
        span(71, 130, trace="e", kind=5, service="audit", faas__invocation_id="audit-1", faas__trigger="pubsub"),
        span(72, 132, trace="e", parent=71, kind=5, service="audit", messaging__system="aws_sqs", messaging__message__id="sqs-1"),
        span(73, 200, trace="f", kind=2, service="report", links=(("e", 72),)),
    ]
    logs.append(log("audit-1", 133, "", "audit", message_id="sqs-1", sns_message_id="sns-1"))
    return spans, logs
