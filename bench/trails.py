"""`python -m bench.trails`: what reconstruction costs, without a store: nodes per CPU-second and one large trail."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from coldtrail.model.signals import Attributes, Log, Resource, Span
from coldtrail.trails.assemble import assemble, assemble_all

MS = 10**6
T0 = 1_795_239_132 * 10**9


def _span(
    trace: int, number: int, parent: int, at_ms: float, took_ms: float, kind: int, service: str, **more: str
) -> Span:
    attributes: Attributes = {f"app.attribute.{index}": f"value {index}" for index in range(10)}
    attributes |= {name.replace("__", "."): value for name, value in more.items()}
    return Span(
        trace_id=f"{trace:032x}",
        span_id=f"{number:016x}",
        parent_span_id=f"{parent:016x}" if parent else "",
        name=f"work {number % 7}",
        kind=kind,
        start_ns=T0 + int(at_ms * MS),
        end_ns=T0 + int((at_ms + took_ms) * MS),
        attributes=attributes,
        resource=Resource({"service.name": service}),
    )


def _lines(request: str, at_ms: float, took_ms: float, function: str, **inside: str) -> list[Log]:
    resource = Resource({"faas.name": function, "cloud.platform": "aws_lambda"})

    def line(offset_ms: float, event: str, **attributes: str | float) -> Log:
        named: Attributes = {"faas.invocation_id": request}
        named |= {name.replace("__", "."): value for name, value in attributes.items()}
        at_ns = T0 + int((at_ms + offset_ms) * MS)
        return Log(time_ns=at_ns, event_name=event, body=f"{event} {at_ms}", attributes=named, resource=resource)

    report = line(took_ms, "platform.report", aws__lambda__duration_ms=took_ms, aws__lambda__status="success")
    return [line(0, "platform.start"), line(1, "", **inside), report]


def fan_out(width: int) -> tuple[list[Span], list[Log]]:
    """One request whose function sends ``width`` messages to functions known from their lines: 3 nodes each."""
    spans = [
        _span(1, 1, 0, 0, 5_000, 2, "api"),
        _span(1, 2, 1, 1, 4_990, 2, "split", faas__invocation_id="r-split"),
    ]
    logs: list[Log] = []
    for number in range(width):
        spans.append(_span(1, 10 + number, 2, 2 + number, 1, 4, "split", messaging__message__id=f"m-{number}"))
        logs += _lines(f"r-{number}", 10 + number, 20, "work", message_id=f"m-{number}")
    return spans, logs


def many(origins: int) -> tuple[list[Span], list[Log]]:
    """``origins`` short trails in one graph: request, invocation, operation, record, invocation in batches of ten."""
    spans: list[Span] = []
    logs: list[Log] = []
    for number in range(origins):
        at_ms, trace = number * 10.0, number + 1
        spans.append(_span(trace, 1, 0, at_ms, 20, 2, "api"))
        spans.append(_span(trace, 2, 1, at_ms + 1, 18, 2, "post", faas__invocation_id=f"p-{number}"))
        spans.append(_span(trace, 3, 2, at_ms + 5, 3, 3, "post", aws__kinesis__sequence_number=f"s-{number}"))
        if number % 10 == 0:
            logs += _lines(f"i-{number}", at_ms + 150, 60, "ingest", sequence_number=f"s-{number}")
        else:
            first = number - number % 10
            taken: Attributes = {"faas.invocation_id": f"i-{first}", "sequence_number": f"s-{number}"}
            at_ns = T0 + int((first * 10 + 151 + number % 10) * MS)
            resource = Resource({"faas.name": "ingest", "cloud.platform": "aws_lambda"})
            logs.append(Log(time_ns=at_ns, body=f"received {number}", attributes=taken, resource=resource))
    return spans, logs


def timed(work: Callable[[], int], repeats: int = 5) -> tuple[float, int]:
    """Return the best CPU milliseconds of some runs, and what the work counted."""
    best, counted = float("inf"), 0
    for _ in range(repeats):
        before = time.process_time()
        counted = work()
        best = min(best, (time.process_time() - before) * 1e3)
    return best, counted


def main() -> None:
    """Print the table."""
    for width in (33, 333, 1_666):
        spans, logs = fan_out(width)
        random.Random(1).shuffle(logs)

        def one(spans: list[Span] = spans, logs: list[Log] = logs) -> int:
            trail = assemble(spans, logs, f"{1:032x}")
            return len(trail.nodes) if trail else 0

        ms, nodes = timed(one)
        print(f"one trail of {nodes:,} nodes: {ms:.1f} ms of CPU, {nodes / ms * 1e3:,.0f} nodes per CPU-second")
    for origins in (100, 400, 1_600):
        spans, logs = many(origins)
        ms, nodes = timed(lambda: sum(len(trail.nodes) for trail in assemble_all(spans, logs)), 2)  # noqa: B023
        print(f"{origins:,} origins in one graph: {ms:.0f} ms of CPU, {nodes / ms * 1e3:,.0f} nodes per CPU-second")


if __name__ == "__main__":
    main()
