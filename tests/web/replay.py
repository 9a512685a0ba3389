"""Sends recorded telemetry again, at another time: `data/invoice_close.json` is what the lab's second story once emitted.

Each record has OTLP's fields with plain JSON values and times relative to the recording's beginning.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from running import HTTP

DATA = Path(__file__).parent / "data"


def _value(plain: Any) -> dict[str, Any]:
    if isinstance(plain, bool):
        return {"boolValue": plain}
    if isinstance(plain, int):
        return {"intValue": str(plain)}
    if isinstance(plain, float):
        return {"doubleValue": plain}
    if isinstance(plain, list):
        return {"arrayValue": {"values": [_value(one) for one in plain]}}
    if isinstance(plain, dict):
        return {"kvlistValue": {"values": _attributes(plain)}}
    return {"stringValue": str(plain)}


def _attributes(plain: dict[str, Any] | None) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(one)} for name, one in (plain or {}).items()]


def _span(one: dict[str, Any], base_ns: int) -> dict[str, Any]:
    return {
        "traceId": one["trace_id"],
        "spanId": one["span_id"],
        "parentSpanId": one.get("parent_span_id", ""),
        "name": one["name"],
        "kind": one["kind"],
        "startTimeUnixNano": str(base_ns + one.get("start_ns", 0)),
        "endTimeUnixNano": str(base_ns + one.get("end_ns", 0)),
        "status": {"code": one.get("status", 0)},
        "attributes": _attributes(one.get("attributes")),
        "links": [{"traceId": link["trace_id"], "spanId": link["span_id"]} for link in one.get("links", [])],
    }


def _log(one: dict[str, Any], base_ns: int) -> dict[str, Any]:
    return {
        "timeUnixNano": str(base_ns + one.get("at_ns", 0)),
        "severityNumber": one.get("severity", 0),
        "eventName": one.get("event_name", ""),
        "body": _value(one["body"]),
        "attributes": _attributes(one.get("attributes")),
        "traceId": one.get("trace_id", ""),
        "spanId": one.get("span_id", ""),
    }


def replay(name: str, otlp_http: str, base_ns: int) -> None:
    """Send a recording as if it had begun at ``base_ns``."""
    recorded = json.loads((DATA / f"{name}.json").read_text())
    spans = [
        {"resource": {"attributes": _attributes(one.get("resource"))}, "scopeSpans": [{"spans": [_span(one, base_ns)]}]}
        for one in recorded["spans"]
    ]
    logs = [
        {"resource": {"attributes": _attributes(one.get("resource"))}, "scopeLogs": [{"logRecords": [_log(one, base_ns)]}]}
        for one in recorded["logs"]
    ]
    for path, body in (("/v1/traces", {"resourceSpans": spans}), ("/v1/logs", {"resourceLogs": logs})):
        HTTP.post(f"{otlp_http}{path}", json=body, timeout=30).raise_for_status()
