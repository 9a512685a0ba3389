"""Signals: one piece of raw telemetry each, with every field that OTLP gives it.

Source: opentelemetry-proto `trace.proto`, `logs.proto`, `common.proto`, `resource.proto`.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

Signal = Literal["traces", "logs", "metrics"]

AttributeValue = str | bool | int | float | bytes | None | list["AttributeValue"] | dict[str, "AttributeValue"]
"""An OTLP AnyValue: kvlists are dicts, arrays are lists, an unset value is None."""

Attributes = dict[str, AttributeValue]

MOST_MEASURE = 2**40
"""No duration in milliseconds (34 years) and no size in megabytes reaches this; what does, is a mistake."""


class Resource(Struct, frozen=True):
    """Who emitted the signal. ``service`` is `service.name`, or `faas.name`, or ``"unknown_service"``."""

    attributes: Attributes = field(default_factory=dict)
    dropped_attributes_count: int = 0
    schema_url: str = ""

    @property
    def service(self) -> str:
        """The name under which the page lists this resource."""
        name = self.attributes.get("service.name") or self.attributes.get("faas.name")
        return str(name) if name else "unknown_service"


class Scope(Struct, frozen=True):
    """Which library emitted the signal."""

    name: str = ""
    version: str = ""
    attributes: Attributes = field(default_factory=dict)
    dropped_attributes_count: int = 0
    schema_url: str = ""


class Event(Struct, frozen=True):
    """A timed event inside a span; `exception` is the one that matters most."""

    name: str
    time_ns: int
    attributes: Attributes = field(default_factory=dict)
    dropped_attributes_count: int = 0


class Link(Struct, frozen=True):
    """A pointer from a span to another span, often in another trace."""

    trace_id: str
    span_id: str
    trace_state: str = ""
    attributes: Attributes = field(default_factory=dict)
    dropped_attributes_count: int = 0
    flags: int = 0


class Span(Struct, frozen=True):
    """One span. Ids are lower-case hex ("" where absent), times are Unix nanoseconds.

    ``kind`` is OTLP's number: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    ``status_code``: 0 unset, 1 ok, 2 error.
    """

    trace_id: str
    span_id: str
    name: str
    start_ns: int
    end_ns: int
    parent_span_id: str = ""
    trace_state: str = ""
    flags: int = 0
    kind: int = 0
    status_code: int = 0
    status_message: str = ""
    attributes: Attributes = field(default_factory=dict)
    dropped_attributes_count: int = 0
    events: tuple[Event, ...] = ()
    dropped_events_count: int = 0
    links: tuple[Link, ...] = ()
    dropped_links_count: int = 0
    resource: Resource = field(default_factory=Resource)
    scope: Scope = field(default_factory=Scope)


class Log(Struct, frozen=True):
    """One log record. Ids are lower-case hex ("" where absent), times are Unix nanoseconds."""

    time_ns: int
    observed_time_ns: int = 0
    severity_number: int = 0
    severity_text: str = ""
    event_name: str = ""
    body: AttributeValue = None
    attributes: Attributes = field(default_factory=dict)
    dropped_attributes_count: int = 0
    flags: int = 0
    trace_id: str = ""
    span_id: str = ""
    resource: Resource = field(default_factory=Resource)
    scope: Scope = field(default_factory=Scope)
