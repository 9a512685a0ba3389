"""Spans as Jaeger's query API gives them to its UI and to Grafana.

Sources: Jaeger, "APIs" (internal HTTP JSON API) with the UI's model (`traceID`, `processes`, `references`, times in Unix
microseconds, numbers beyond 2^53 as strings); the OpenTelemetry Collector's translation to Jaeger (scope, status, kind
and events as tags and logs; links as FOLLOWS_FROM references).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import msgspec

from coldtrail.model.signals import Attributes, AttributeValue, Event, Resource, Span

KINDS = ("", "internal", "server", "client", "producer", "consumer")
STATUSES = ("", "OK", "ERROR")
MOST_SAFE = 2**53 - 1

Json = dict[str, Any]


def envelope(data: Any, *, total: int = 0, errors: list[Json] | None = None) -> Json:
    """Return an answer's body; Jaeger leaves limit and offset at 0."""
    return {"data": data, "total": total, "limit": 0, "offset": 0, "errors": errors}


def failure(status: int, message: str) -> Json:
    """Return the body of an answer that says what went wrong."""
    return envelope(None, errors=[{"code": status, "msg": message}])


def trace(trace_id: str, spans: Iterable[Span]) -> Json:
    """Return one trace; spans that come from the same resource share a process."""
    processes: dict[str, str] = {}
    shown: dict[str, Json] = {}
    found = []
    for span in spans:
        process = _process(span.resource)
        identity = msgspec.json.encode(process).decode()
        key = processes.setdefault(identity, f"p{len(processes) + 1}")
        shown[key] = process
        found.append(_span(span, key))
    return {"traceID": trace_id, "spans": found, "processes": shown, "warnings": None}


def _span(span: Span, process_id: str) -> Json:
    flags = {"flags": span.flags & 1} if span.flags & 1 else {}
    return {
        "traceID": span.trace_id,
        "spanID": span.span_id,
        **flags,
        "operationName": span.name,
        "references": _references(span),
        "startTime": span.start_ns // 1_000,
        "duration": max(0, span.end_ns - span.start_ns) // 1_000,
        "tags": _tags(span),
        "logs": [_log(event) for event in span.events],
        "processID": process_id,
        "warnings": None,
    }


def _references(span: Span) -> list[Json]:
    """The parent first, since clients take the first CHILD_OF for it."""
    parent = [("CHILD_OF", span.trace_id, span.parent_span_id)] if span.parent_span_id else []
    links = [("FOLLOWS_FROM", link.trace_id, link.span_id) for link in span.links]
    return [{"refType": kind, "traceID": trace_id, "spanID": span_id} for kind, trace_id, span_id in parent + links]


def _tags(span: Span) -> list[Json]:
    scope = {"otel.scope.name": span.scope.name, "otel.scope.version": span.scope.version}
    told: Attributes = {
        "span.kind": KINDS[span.kind] if span.kind < len(KINDS) else "",
        "otel.status_code": STATUSES[span.status_code] if span.status_code < len(STATUSES) else "",
        "error": True if span.status_code == 2 else None,
        "otel.status_description": span.status_message,
        "w3c.tracestate": span.trace_state,
    }
    return [
        *(tag(name, value) for name, value in scope.items() if value),
        *(tag(name, value) for name, value in span.attributes.items()),
        *(tag(name, value) for name, value in told.items() if value),
    ]


def _log(event: Event) -> Json:
    name = [tag("event", event.name)] if event.name else []
    return {
        "timestamp": event.time_ns // 1_000,
        "fields": [*name, *(tag(key, value) for key, value in event.attributes.items())],
    }


def _process(resource: Resource) -> Json:
    tags = [tag(name, value) for name, value in resource.attributes.items() if name != "service.name"]
    return {"serviceName": resource.service, "tags": tags}


def tag(key: str, value: AttributeValue) -> Json:
    """Return one attribute with its type; lists and maps are JSON text, bytes base64."""
    if isinstance(value, bool):
        return {"key": key, "type": "bool", "value": value}
    if isinstance(value, int):
        return {"key": key, "type": "int64", "value": value if abs(value) <= MOST_SAFE else str(value)}
    if isinstance(value, float):
        return {"key": key, "type": "float64", "value": value}
    if isinstance(value, bytes):
        return {"key": key, "type": "binary", "value": base64.b64encode(value).decode()}
    if isinstance(value, list | dict):
        return {"key": key, "type": "string", "value": msgspec.json.encode(value).decode()}
    return {"key": key, "type": "string", "value": value or ""}
