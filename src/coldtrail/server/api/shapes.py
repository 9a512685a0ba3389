"""The JSON of section 7 of the design, made from our words; msgspec encodes what these return."""

from __future__ import annotations

import base64
from typing import Any

from coldtrail.model.signals import AttributeValue, Event, Link, Log, Resource, Scope, Span
from coldtrail.model.times import rfc3339
from coldtrail.model.trails import Edge, Node, Sentence, Share, Trail, Wait

Json = dict[str, Any]


def attributes(values: dict[str, AttributeValue]) -> Json:
    """Attributes under their own names, with JSON's types; bytes as base64."""
    return {name: _value(value) for name, value in values.items()}


def _value(value: AttributeValue) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list):
        return [_value(element) for element in value]
    if isinstance(value, dict):
        return attributes(value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value


def resource(value: Resource) -> Json:
    """A resource with its schema URL."""
    return {
        "attributes": attributes(value.attributes),
        "dropped_attributes_count": value.dropped_attributes_count,
        "schema_url": value.schema_url,
    }


def scope(value: Scope) -> Json:
    """An instrumentation scope."""
    return {
        "name": value.name,
        "version": value.version,
        "attributes": attributes(value.attributes),
        "dropped_attributes_count": value.dropped_attributes_count,
        "schema_url": value.schema_url,
    }


def _event(event: Event) -> Json:
    return {
        "name": event.name,
        "time": rfc3339(event.time_ns),
        "time_unix_nano": event.time_ns,
        "attributes": attributes(event.attributes),
        "dropped_attributes_count": event.dropped_attributes_count,
    }


def _link(link: Link) -> Json:
    return {
        "trace_id": link.trace_id,
        "span_id": link.span_id,
        "trace_state": link.trace_state,
        "attributes": attributes(link.attributes),
        "dropped_attributes_count": link.dropped_attributes_count,
        "flags": link.flags,
    }


def span(value: Span) -> Json:
    """A span with every field of OTLP's."""
    return {
        "trace_id": value.trace_id,
        "span_id": value.span_id,
        "parent_span_id": value.parent_span_id,
        "trace_state": value.trace_state,
        "flags": value.flags,
        "name": value.name,
        "kind": value.kind,
        "service": value.resource.service,
        "start": rfc3339(value.start_ns),
        "end": rfc3339(value.end_ns),
        "start_time_unix_nano": value.start_ns,
        "end_time_unix_nano": value.end_ns,
        "duration_ms": (value.end_ns - value.start_ns) / 1e6,
        "status": {"code": value.status_code, "message": value.status_message},
        "attributes": attributes(value.attributes),
        "dropped_attributes_count": value.dropped_attributes_count,
        "events": [_event(event) for event in value.events],
        "dropped_events_count": value.dropped_events_count,
        "links": [_link(link) for link in value.links],
        "dropped_links_count": value.dropped_links_count,
        "resource": resource(value.resource),
        "scope": scope(value.scope),
    }


def log(value: Log) -> Json:
    """A log record with every field of OTLP's; ``severity`` and ``message`` are there to be read by people."""
    return {
        "time": rfc3339(value.time_ns),
        "observed_time": rfc3339(value.observed_time_ns),
        "time_unix_nano": value.time_ns,
        "observed_time_unix_nano": value.observed_time_ns,
        "severity_number": value.severity_number,
        "severity_text": value.severity_text,
        "event_name": value.event_name,
        "body": _value(value.body),
        "attributes": attributes(value.attributes),
        "dropped_attributes_count": value.dropped_attributes_count,
        "flags": value.flags,
        "trace_id": value.trace_id,
        "span_id": value.span_id,
        "request_id": str(value.attributes.get("faas.invocation_id", "")),
        "service": value.resource.service,
        "resource": resource(value.resource),
        "scope": scope(value.scope),
    }


def duration_ms(node: Node) -> float | None:
    """How long a node took, None while it is open."""
    return None if node.end_ns is None else (node.end_ns - node.start_ns) / 1e6


def node(value: Node) -> Json:
    """A node of a trail."""
    failure = value.failure
    return {
        "node_id": value.node_id,
        "kind": value.kind,
        "service": value.service,
        "name": value.name,
        "start": rfc3339(value.start_ns),
        "duration_ms": duration_ms(value),
        "status": value.status,
        "attempt": value.attempt,
        "cold_start": value.cold_start,
        "init_ms": value.init_ms,
        "wait_ms": value.wait_ms,
        "waits": [wait(one) for one in value.waits],
        "clock_offset_ms": value.clock_offset_ms,
        "billed_ms": value.billed_ms,
        "memory_mb": value.memory_mb,
        "memory_used_mb": value.memory_used_mb,
        "failure": failure and {"type": failure.type, "message": failure.message, "stacktrace": failure.stacktrace},
        "keys": value.keys,
        "signals": value.signals,
    }


def wait(value: Wait) -> Json:
    """What was waited for, and for how long."""
    return {"kind": value.kind, "ms": value.ms}


def edge(value: Edge) -> Json:
    """An edge, from cause to effect."""
    return {
        "from": value.cause,
        "to": value.effect,
        "kind": value.kind,
        "evidence": value.evidence,
        "confidence": value.confidence,
        "waits": [wait(one) for one in value.waits],
    }


def share(value: Share) -> Json:
    """How much of a trail's duration one node accounts for, by cause."""
    told = {"node_id": value.node_id, "cause": value.cause, "ms": value.ms, "share": value.share}
    return told | {"place": value.place or None}


def sentence(value: Sentence) -> Json:
    """A line of the story."""
    return {
        "time": rfc3339(value.time_ns),
        "text": value.text,
        "node_id": value.node_id,
        "shows_at": value.shows_at or None,
    }


def trail(value: Trail) -> Json:
    """A whole trail."""
    return {
        "trail_id": value.trail_id,
        "status": value.status,
        "outcome": value.outcome,
        "start": rfc3339(value.start_ns),
        "duration_ms": (value.end_ns - value.start_ns) / 1e6,
        "nodes": [node(one) for one in value.nodes],
        "edges": [edge(one) for one in value.edges],
        "critical_path": value.critical_path,
        "critical_shares": [share(one) for one in value.critical_shares],
        "story": [sentence(one) for one in value.story],
    }
