"""OTLP/JSON to protobuf.

Source: OpenTelemetry Protocol specification, "JSON Protobuf Encoding": ids are hex (not base64), enums are
numbers, 64-bit integers are strings, keys are lowerCamelCase, unknown fields are ignored.
"""

from __future__ import annotations

import base64
from typing import Any, TypeVar

import msgspec
from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from coldtrail.model.exports import Malformed
from coldtrail.model.hex_ids import is_hex
from coldtrail.model.signals import Signal

Request = TypeVar("Request", bound=Message)

_IDS = frozenset(("traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"))
_REQUEST: dict[Signal, type[Message]] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
MOST_DEPTH = 100


def parse(signal: Signal, body: bytes) -> Message:
    """Return the export request of an OTLP/JSON body.

    Raises:
        Malformed: not JSON, or not of the schema; says where.
    """
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"the body is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise Malformed("the body is not a JSON object")
    try:
        _ids_to_base64(document, 0)
        return json_format.ParseDict(document, _REQUEST[signal](), ignore_unknown_fields=True, max_recursion_depth=300)
    except (json_format.ParseError, RecursionError, ValueError, TypeError, AttributeError) as error:
        raise Malformed(f"the body is not an OTLP {signal} request: {str(error)[:300]}") from None


def _ids_to_base64(value: Any, depth: int) -> None:
    """Rewrite hex ids in place, since the protobuf library reads bytes as base64.

    What is not hex becomes one byte, no id at all, so that its item alone is refused for it.
    """
    if depth > MOST_DEPTH:
        raise Malformed(f"the body nests deeper than {MOST_DEPTH} levels")
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in _IDS and isinstance(inner, str):
                is_bytes = not inner or is_hex(inner, len(inner) // 2 * 2)
                value[key] = base64.b64encode(bytes.fromhex(inner) if is_bytes else b"?").decode()
            elif key != "attributes" or isinstance(inner, list):
                _ids_to_base64(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _ids_to_base64(inner, depth + 1)
