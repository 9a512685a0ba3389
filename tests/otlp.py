"""OTLP requests for tests, small and explicit."""

from __future__ import annotations

import os
import time
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from coldtrail.receivers.attributes import key_value


def span(name: str = "work", *, service: str = "svc", **fields: Any) -> dict[str, Any]:
    return {"name": name, "service": service, "trace_id": os.urandom(16), "span_id": os.urandom(8), "start_ns": time.time_ns(), "duration_ms": 5.0, "kind": 1, "attributes": {}, **fields}


def traces(*spans: dict[str, Any]) -> bytes:
    request = ExportTraceServiceRequest()
    for one in spans:
        group = request.resource_spans.add()
        group.resource.attributes.append(key_value("service.name", one["service"]))
        out = group.scope_spans.add().spans.add(
            name=one["name"],
            trace_id=one["trace_id"],
            span_id=one["span_id"],
            parent_span_id=one.get("parent", b""),
            kind=one["kind"],
            start_time_unix_nano=one["start_ns"],
            end_time_unix_nano=one["start_ns"] + int(one["duration_ms"] * 1e6),
        )
        out.attributes.extend(key_value(name, value) for name, value in one["attributes"].items())
        if one.get("error"):
            out.status.code = 2
            event = out.events.add(name="exception", time_unix_nano=out.end_time_unix_nano)
            event.attributes.append(key_value("exception.type", one["error"]))
            event.attributes.append(key_value("exception.message", "it broke"))
        for trace_id, span_id in one.get("links", []):
            out.links.add(trace_id=trace_id, span_id=span_id)
    return request.SerializeToString()


def logs(*records: dict[str, Any], service: str = "svc") -> bytes:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.append(key_value("service.name", service))
    scope = group.scope_logs.add()
    for one in records:
        out = scope.log_records.add(time_unix_nano=one.get("time_ns", time.time_ns()), event_name=one.get("event_name", ""))
        out.body.string_value = one.get("body", "")
        out.trace_id = one.get("trace_id", b"")
        out.attributes.extend(key_value(name, value) for name, value in one.get("attributes", {}).items())
    return request.SerializeToString()
