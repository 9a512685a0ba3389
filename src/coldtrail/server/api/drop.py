"""A file dropped on the page: what it holds is recognised, translated by its receiver and kept like any delivery."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, Router, post
from litestar.datastructures import State
from litestar.exceptions import ClientException
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from coldtrail.model.exports import Malformed, TooLarge, Translation
from coldtrail.model.signals import Signal
from coldtrail.receivers import cloudwatch_logs, otlp
from coldtrail.receivers.content_encoding import gunzip
from coldtrail.receivers.xray import put_trace_segments
from coldtrail.server.api.service import Service, json
from coldtrail.wal import Busy

MOST_BYTES = 64 << 20
MOST_IDS = 50
GZIP = b"\x1f\x8b"

_OTLP_JSON: dict[str, Signal] = {"resourceSpans": "traces", "resourceLogs": "logs", "resourceMetrics": "metrics"}
_SIGNALS: tuple[Signal, ...] = ("traces", "logs", "metrics")


@post("/drop", status_code=200, request_max_body_size=MOST_BYTES)
async def drop(request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """Take in a file: OTLP as JSON (also one request a line) or protobuf, X-Ray documents, a CloudWatch Logs payload."""
    service: Service = state.service
    try:
        kind, translation = recognise(await request.body())
    except (Malformed, TooLarge) as error:
        raise ClientException(str(error)) from None
    try:
        await service.intake.keep(_protocol(kind), translation)
    except TooLarge as error:
        raise ClientException(str(error), status_code=413) from None
    except Busy as busy:
        return json({"title": "Busy", "status": 503, "detail": busy.reason}, 503)
    return json(
        {
            "kind": kind,
            "accepted": sum(export.items for export in translation.exports),
            "refused": translation.rejected_items,
            "reasons": list(translation.reasons),
            "trace_ids": _trace_ids(translation),
        }
    )


def _protocol(kind: str) -> str:
    """Counted with the deliveries of its kind."""
    return "otlp/http" if kind.startswith("OTLP") else "xray/http" if kind.startswith("X-Ray") else "cloudwatch-logs"


def recognise(body: bytes) -> tuple[str, Translation]:
    """Return what a file is and its translation.

    Raises:
        Malformed: it is nothing that coldtrail takes in; says what it takes.
        TooLarge: it inflates to more than ``MOST_BYTES``.
    """
    if body.startswith(GZIP):
        body = gunzip(body, MOST_BYTES)
    start = body.lstrip()[:1]
    if start in (b"{", b"["):
        return _json(body)
    best: tuple[int, str, Translation] | None = None
    for signal in _SIGNALS:
        try:
            found = otlp.accept(signal, body)
        except Malformed:
            continue
        kept = sum(export.items for export in found.exports)
        if kept and (best is None or kept > best[0]):
            best = (kept, f"OTLP {signal}, protobuf", found)
    if best is None:
        raise Malformed(
            "this is no OTLP request (JSON or protobuf), X-Ray segment document or CloudWatch Logs payload; "
            "drop one of these, gzipped or not"
        )
    return best[1], best[2]


def _json(body: bytes) -> tuple[str, Translation]:
    try:
        parsed = [msgspec.json.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        parsed = _lines(body, str(error))
    found: list[tuple[str, Translation]] = []
    documents: list[Any] = []
    for one in parsed:
        signal = next((_OTLP_JSON[name] for name in _OTLP_JSON if isinstance(one, dict) and name in one), None)
        if signal:
            found.append((f"OTLP {signal}, JSON", otlp.accept(signal, msgspec.json.encode(one), json=True)))
        elif isinstance(one, dict) and "logGroup" in one:
            translated = cloudwatch_logs.translate_payload(msgspec.json.encode(one), MOST_BYTES)
            found.append(("CloudWatch Logs payload", translated))
        else:
            documents += _documents(one)
    if documents:
        encoded = [msgspec.json.encode(document).decode() for document in documents]
        put = put_trace_segments(msgspec.json.encode({"TraceSegmentDocuments": encoded}))
        found.append(("X-Ray segment documents", put.translation))
    if not found:
        raise Malformed("this JSON has no resourceSpans, resourceLogs, resourceMetrics, logGroup or X-Ray trace_id")
    return found[0][0], _together([translation for _, translation in found])


def _lines(body: bytes, why: str) -> list[Any]:
    """One JSON value a line, as the OpenTelemetry collector's file exporter writes them."""
    try:
        return [msgspec.json.decode(line) for line in body.splitlines() if line.strip() and not _is_header(line)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed(f"this is not JSON: {why}") from None


def _is_header(line: bytes) -> bool:
    """The line before a document in a datagram of the X-Ray daemon's protocol."""
    return b'"format"' in line and b'"trace_id"' not in line and len(line) < 100


def _documents(value: Any) -> list[Any]:
    """Segment documents: themselves, in a list, or as BatchGetTraces answers them."""
    if isinstance(value, list):
        return [document for one in value for document in _documents(one)]
    if not isinstance(value, dict):
        return []
    if "trace_id" in value and "id" in value:
        return [value]
    if isinstance(inner := value.get("Document"), str):
        try:
            return _documents(msgspec.json.decode(inner))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return []
    return [document for name in ("Traces", "Segments") for document in _documents(value.get(name))]


def _together(found: list[Translation]) -> Translation:
    return Translation(
        tuple(export for one in found for export in one.exports),
        sum(one.rejected_items for one in found),
        tuple(reason for one in found for reason in one.reasons)[:20],
    )


def _trace_ids(translation: Translation) -> list[str]:
    found: dict[str, None] = {}
    for export in translation.exports:
        items: list[bytes] = []
        if export.signal == "traces":
            spans = ExportTraceServiceRequest.FromString(export.body).resource_spans
            items = [span.trace_id for group in spans for scope in group.scope_spans for span in scope.spans]
        elif export.signal == "logs":
            logs = ExportLogsServiceRequest.FromString(export.body).resource_logs
            items = [record.trace_id for group in logs for scope in group.scope_logs for record in scope.log_records]
        found |= dict.fromkeys(item.hex() for item in items if item)
    return list(found)[:MOST_IDS]


router = Router(path="/", route_handlers=[drop], tags=["drop"])
