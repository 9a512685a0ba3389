"""Bodies of spans, and of the `REPORT` lines of their invocations: many trails of one shape at a time.

Attribute names: OpenTelemetry semantic conventions ("FaaS", "Messaging", "AWS SDK"); the lines as a collector that has
read Lambda's log groups would hand them on (ARCHITECTURE.md, "Attribute names that receivers agree on").
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from coldtrail_lab.fleet.plan import Shape, Step, Value
from coldtrail_lab.fleet.template import (
    Bytes,
    Columns,
    Template,
    choice,
    decimals,
    field,
    little_endian,
    right_aligned,
    uuids,
)
from coldtrail_lab.log_delivery import ACCOUNT, REGION

Floats = NDArray[np.float64]
ERROR_SHARE, COLD_SHARE = 0.01, 0.02
SEQUENCE_PREFIX = "4959033827149025660855969253836157109"
SEQUENCE_DIGITS = 56
MEMORY_MB = 512
_UUID = "0" * 36


def any_value(value: Value | float | bool) -> AnyValue:
    """Return an attribute's value."""
    if isinstance(value, tuple):
        return AnyValue(array_value=ArrayValue(values=[any_value(one) for one in value]))
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(double_value=value) if isinstance(value, float) else AnyValue(string_value=value)


def pairs(attributes: dict[str, Any]) -> list[KeyValue]:
    """Return attributes as OTLP has them."""
    return [KeyValue(key=name, value=any_value(value)) for name, value in attributes.items()]


def resource_of(step: Step) -> bytes:
    """Return the resource of a step's service, with the application that it is tagged with."""
    attributes: dict[str, Any] = {
        "service.name": step.service,
        "service.namespace": step.application,
        "application": step.application,
        "cloud.provider": "aws",
        "cloud.region": REGION,
        "cloud.account.id": ACCOUNT,
    }
    if step.function or step.kind != 2:
        attributes |= {"cloud.platform": "aws_lambda", "faas.name": step.service, "faas.version": "12"}
    return Resource(attributes=pairs(attributes)).SerializeToString()


def scope_of(name: str) -> bytes:
    """Return an instrumentation scope."""
    return InstrumentationScope(name=name, version="0.54b0").SerializeToString()


def grouped(resource: bytes, scope: bytes, items: bytes) -> bytes:
    """Return one resource's part of a body: resource (1), then scope (1) and items in their group (2)."""
    return field(1, field(1, resource) + field(2, field(1, scope) + items))


@dataclass
class Times:
    """Of one step in every trail: when it starts (Unix ns) and how long it takes (ms)."""

    start_ns: NDArray[np.int64]
    duration_ms: Floats


class ShapeMaker:
    """Makes bodies of one shape; without ``ids`` nothing but trace and span ids tells one trail from another."""

    def __init__(self, shape: Shape, *, ids: bool = True) -> None:
        self.shape = shape
        self._ids = ids
        self._templates = [self._template(step) for step in shape.steps]
        self._runs = [at for at, step in enumerate(shape.steps) if step.function]
        self._reports = {ended: _report_template(*ended) for ended in itertools.product((False, True), repeat=2)}
        self._scope = scope_of("opentelemetry.instrumentation.aws_lambda")
        self._resources = [resource_of(step) for step in shape.steps]

    @property
    def spans_a_trail(self) -> int:
        """How many spans one trail has."""
        return len(self.shape.steps)

    @property
    def lines_a_trail(self) -> int:
        """How many `REPORT` lines one trail has."""
        return len(self._runs)

    def bodies(self, dice: np.random.Generator, count: int, since_ns: int, spread_ns: int) -> tuple[bytes, bytes]:
        """Return the spans and the lines of ``count`` trails that begin within ``spread_ns`` after ``since_ns``."""
        steps = self.shape.steps
        failed, cold = (dice.random((len(steps), count)) < share for share in (ERROR_SHARE, COLD_SHARE))
        times = self._times(dice, count, since_ns, spread_ns, cold)
        ids = {name: _ids(dice, name, count) for name in sorted({name for step in steps for name in step.ids.values()})}
        trace_ids: list[Bytes] = []
        span_ids = [dice.integers(0, 256, (count, 8), np.uint8) for _ in steps]
        spans, lines = [], []
        for at, step in enumerate(steps):
            own = step.after is None or step.carried
            trace_ids.append(dice.integers(0, 256, (count, 16), np.uint8) if own else trace_ids[step.after or 0])
            columns: Columns = {
                "trace_id": trace_ids[at],
                "span_id": span_ids[at],
                "start": little_endian(times[at].start_ns, "<u8"),
                "end": little_endian(times[at].start_ns + (times[at].duration_ms * 1e6).astype(np.int64), "<u8"),
                "status": choice(failed[at], 1, 2),
                "cold": choice(cold[at], 0, 1),
                **{attribute: ids[name] for attribute, name in step.ids.items()},
            }
            if step.after is not None:
                linked = {"link_trace_id": trace_ids[step.after], "link_span_id": span_ids[step.after]}
                columns |= linked if step.carried else {"parent": span_ids[step.after]}
            made = self._templates[at].copies(count, columns)
            spans.append(grouped(self._resources[at], self._scope, made))
            if step.function and self._ids:
                made = self._lines(dice, times[at], cold[at], failed[at], ids[step.ids["faas.invocation_id"]])
                lines.append(grouped(self._resources[at], self._scope, made))
        return b"".join(spans), b"".join(lines)

    def _times(
        self, dice: np.random.Generator, count: int, since_ns: int, spread_ns: int, cold: NDArray[np.bool_]
    ) -> list[Times]:
        """Children begin after their parents and end before them; what was carried begins after a wait."""
        steps = self.shape.steps
        durations = [dice.lognormal(np.log(step.typical_ms), 0.5, count) for step in steps]
        before = [dice.exponential(1.0, count) for _ in steps]
        for at in range(len(steps) - 1, 0, -1):
            after = steps[at].after
            if after is not None and not steps[at].carried:
                durations[after] = durations[after] + durations[at] + before[at]
        starts: list[NDArray[np.int64]] = []
        for at, step in enumerate(steps):
            if step.after is None:
                starts.append(since_ns + dice.integers(0, max(1, spread_ns), count))
                continue
            wait_ms = before[at] * 1.0
            if step.carried:
                wait_ms = durations[step.after] + dice.exponential(60.0, count) + cold[at] * 400.0
            starts.append(starts[step.after] + (wait_ms * 1e6).astype(np.int64))
        return [Times(start, duration) for start, duration in zip(starts, durations, strict=True)]

    def _template(self, step: Step) -> Template:
        parts: dict[str, tuple[Any, Any]] = {
            "trace_id": (b"\1" * 16, b"\2" * 16),
            "span_id": (b"\1" * 8, b"\2" * 8),
            "start": (0x1111111111111111, 0x2222222222222222),
            "end": (0x1111111111111111, 0x2222222222222222),
            "status": (1, 2),
        }
        if step.function:
            parts["cold"] = (True, False)
        if step.after is not None and step.carried:
            parts |= {"link_trace_id": (b"\1" * 16, b"\2" * 16), "link_span_id": (b"\1" * 8, b"\2" * 8)}
        elif step.after is not None:
            parts["parent"] = (b"\1" * 8, b"\2" * 8)
        named = step.ids if self._ids else {}
        for attribute, name in named.items():
            digits = SEQUENCE_DIGITS if name == "record" else 36
            parts[attribute] = ("1" * digits, "2" * digits)

        def make(one: dict[str, Any]) -> Span:
            span = Span(
                trace_id=one["trace_id"],
                span_id=one["span_id"],
                parent_span_id=one.get("parent", b""),
                name=step.name,
                kind=Span.SpanKind.ValueType(step.kind),
                start_time_unix_nano=one["start"],
                end_time_unix_nano=one["end"],
                attributes=pairs({**step.attributes, **{name: one[name] for name in named}}),
            )
            span.status.code = one["status"]
            if "cold" in one:
                span.attributes.extend(pairs({"faas.coldstart": one["cold"]}))
            if "link_span_id" in one:
                span.links.add(trace_id=one["link_trace_id"], span_id=one["link_span_id"])
            return span

        return Template(make, parts, 2)

    def _lines(
        self,
        dice: np.random.Generator,
        times: Times,
        cold: NDArray[np.bool_],
        failed: NDArray[np.bool_],
        request_ids: Bytes,
    ) -> bytes:
        count = len(request_ids)
        init_ms = np.where(cold, dice.lognormal(np.log(380.0), 0.3, count), 0.0)
        billed_ms = np.ceil(times.duration_ms + init_ms)
        used_mb = dice.integers(28, 128, count)
        end_ns = times.start_ns + (times.duration_ms * 1e6).astype(np.int64)
        columns: Columns = {
            "time": little_endian(end_ns, "<u8"),
            "request_id": request_ids,
            "duration": little_endian(times.duration_ms, "<f8"),
            "billed": little_endian(billed_ms, "<f8"),
            "init": little_endian(init_ms, "<f8"),
            "duration_text": right_aligned(times.duration_ms.astype(np.int64), 9),
            "billed_text": right_aligned(billed_ms.astype(np.int64), 9),
            "used": used_mb.astype(np.uint8).reshape(-1, 1),
            "used_text": right_aligned(used_mb, 4),
        }
        lines = []
        for (is_cold, is_failed), template in self._reports.items():
            chosen = np.flatnonzero((cold == is_cold) & (failed == is_failed))
            lines.append(template.copies(len(chosen), {name: column[chosen] for name, column in columns.items()}))
        return b"".join(lines)


def _ids(dice: np.random.Generator, name: str, count: int) -> Bytes:
    """Return ids: a stream's are sequence numbers, all others are UUIDs."""
    if name != "record":
        return uuids(dice, count)
    prefix = np.frombuffer(SEQUENCE_PREFIX.encode(), np.uint8)
    return np.hstack([np.tile(prefix, (count, 1)), decimals(dice, count, SEQUENCE_DIGITS - len(prefix))])


def _report_template(cold: bool, failed: bool) -> Template:
    """A `REPORT` line of a text log group; its numbers are whole milliseconds in the text."""
    parts: dict[str, tuple[Any, Any]] = {
        "time": (0x1111111111111111, 0x2222222222222222),
        "request_id": ("1" * 36, "2" * 36),
        "duration": (double_of(0x11), double_of(0x22)),
        "billed": (double_of(0x11), double_of(0x22)),
        "duration_text": ("1" * 9, "2" * 9),
        "billed_text": ("1" * 9, "2" * 9),
        "used": (64, 65),
        "used_text": ("1" * 4, "2" * 4),
    }
    if cold:
        parts["init"] = (double_of(0x11), double_of(0x22))

    def make(one: dict[str, Any]) -> LogRecord:
        text = (
            f"REPORT RequestId: {one['request_id']}\tDuration: {one['duration_text']} ms\tBilled Duration: "
            f"{one['billed_text']} ms\tMemory Size: {MEMORY_MB} MB\tMax Memory Used: {one['used_text']} MB\t"
        )
        attributes = {
            "faas.invocation_id": one["request_id"],
            "faas.coldstart": cold,
            "aws.lambda.duration_ms": one["duration"],
            "aws.lambda.billed_duration_ms": one["billed"],
            "aws.lambda.memory_size_mb": MEMORY_MB,
            "aws.lambda.max_memory_used_mb": one["used"],
            "aws.lambda.status": "error" if failed else "success",
        }
        if cold:
            attributes["aws.lambda.init_duration_ms"] = one["init"]
        return LogRecord(
            time_unix_nano=one["time"],
            severity_number=SeverityNumber.SEVERITY_NUMBER_ERROR if failed else SeverityNumber.SEVERITY_NUMBER_INFO,
            severity_text="ERROR" if failed else "INFO",
            event_name="platform.report",
            body=any_value(text),
            attributes=pairs(attributes),
        )

    return Template(make, parts, 2)


def double_of(byte: int) -> float:
    """A double whose eight bytes all differ from those of another such."""
    return float(np.frombuffer(bytes([byte]) * 8, "<f8")[0])
