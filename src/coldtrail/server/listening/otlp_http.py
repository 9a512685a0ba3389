"""The OTLP/HTTP listener, with AWS's deliveries beside it on the same port.

Source: OpenTelemetry Protocol specification, "OTLP/HTTP Response"; AWS "Amazon Data Firehose HTTP endpoint
delivery request and response specifications".
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import msgspec
from google.protobuf import json_format
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from coldtrail.model.exports import Malformed, TooLarge, Translation
from coldtrail.model.signals import Signal
from coldtrail.receivers import cloudevents, cloudwatch_logs, firehose, otlp, remote_write, telemetry_api
from coldtrail.receivers.content_encoding import UnknownEncoding, decode
from coldtrail.server.listening.asgi import Disconnected, Receive, Scope, Send, answer, read_body
from coldtrail.server.listening.guard import Guard
from coldtrail.server.listening.intake import Intake
from coldtrail.wal import Busy

PROTOBUF, JSON = b"application/x-protobuf", b"application/json"
FIREHOSE, REMOTE_WRITE = "/aws/firehose", "/api/v1/write"
INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED, UNAVAILABLE, UNIMPLEMENTED, NOT_FOUND = 3, 16, 7, 14, 12, 5

_SIGNALS: dict[str, Signal] = {"/v1/traces": "traces", "/v1/logs": "logs", "/v1/metrics": "metrics"}
_RESPONSE: dict[Signal, Any] = {
    "traces": (ExportTraceServiceResponse, "rejected_spans"),
    "logs": (ExportLogsServiceResponse, "rejected_log_records"),
    "metrics": (ExportMetricsServiceResponse, "rejected_data_points"),
}


class _Refused(Exception):
    def __init__(self, status: int, code: int, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.status, self.code, self.reason, self.retry_after_s = status, code, reason, retry_after_s


class OtlpHttp:
    """The ASGI application on port 4318."""

    def __init__(self, intake: Intake, guard: Guard, *, max_body_bytes: int, max_inflated_bytes: int) -> None:
        self._intake = intake
        self._guard = guard
        self._max_body_bytes = max_body_bytes
        self._max_inflated_bytes = max_inflated_bytes
        self._deliveries: dict[str, tuple[str, Callable[[Scope, dict[bytes, bytes], bytes], Translation]]] = {
            "/aws/logs": ("cloudwatch-logs", self._logs),
            "/aws/telemetry": ("lambda-telemetry", self._telemetry),
            "/cloudevents": ("cloudevents", self._cloudevents),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        path = scope["path"]
        kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        try:
            if path in _SIGNALS:
                await self._otlp(scope, headers, kind, receive, send)
            elif path == FIREHOSE:
                await self._firehose(scope, headers, receive, send)
            elif path == REMOTE_WRITE:
                await self._remote_write(scope, headers, receive, send)
            elif path in self._deliveries:
                await self._delivery(scope, headers, receive, send)
            else:
                paths = ", ".join((*_SIGNALS, FIREHOSE, *self._deliveries, REMOTE_WRITE))
                raise _Refused(404, NOT_FOUND, f"nothing here; send to {paths}")
        except _Refused as refused:
            await self._refuse(send, refused, kind)
        except Disconnected:
            return

    async def _refuse(self, send: Send, refused: _Refused, kind: bytes) -> None:
        status = Status(code=refused.code, message=refused.reason)
        body = (
            json_format.MessageToJson(status, indent=None).encode() if kind != PROTOBUF else status.SerializeToString()
        )
        headers: tuple[tuple[bytes, bytes], ...] = ()
        if refused.retry_after_s is not None:
            headers = ((b"retry-after", str(int(refused.retry_after_s)).encode()),)
        if refused.status == 401:
            headers = ((b"www-authenticate", b"Bearer"),)
        await answer(send, refused.status, body, PROTOBUF if kind == PROTOBUF else JSON, headers)

    async def _body(
        self,
        scope: Scope,
        headers: dict[bytes, bytes],
        receive: Receive,
        protocol: str,
        inflate: Callable[[bytes, str, int], bytes] = decode,
    ) -> bytes:
        """Check the sender, read and inflate."""
        refusal = self._guard.refusal(headers)
        if refusal:
            self._intake.received.refused(protocol, refusal[1])
            raise _Refused(refusal[0], UNAUTHENTICATED if refusal[0] == 401 else PERMISSION_DENIED, refusal[1])
        if scope["method"] != "POST":
            raise _Refused(405, UNIMPLEMENTED, "send with POST")
        with self._refusing(protocol):
            raw = await read_body(receive, self._max_body_bytes)
            return inflate(raw, headers.get(b"content-encoding", b"").decode("latin-1"), self._max_inflated_bytes)

    @contextlib.contextmanager
    def _refusing(self, protocol: str) -> Iterator[None]:
        """Count what a receiver cannot take, and refuse it with the status that says why."""
        try:
            yield
        except UnknownEncoding as error:
            raise self._counted(protocol, 415, str(error)) from None
        except TooLarge as error:
            raise self._counted(protocol, 413, str(error)) from None
        except Malformed as error:
            raise self._counted(protocol, 400, str(error)) from None

    def _counted(self, protocol: str, status: int, reason: str) -> _Refused:
        self._intake.received.refused(protocol, reason)
        return _Refused(status, INVALID_ARGUMENT, reason)

    async def _keep(self, protocol: str, translation: Translation) -> None:
        try:
            with self._refusing(protocol):
                await self._intake.keep(protocol, translation)
        except Busy as busy:
            self._intake.received.refused(protocol, busy.reason)
            raise _Refused(503, UNAVAILABLE, busy.reason, busy.retry_after_s) from None

    async def _otlp(self, scope: Scope, headers: dict[bytes, bytes], kind: bytes, receive: Receive, send: Send) -> None:
        signal = _SIGNALS[scope["path"]]
        if scope["method"] == "POST" and kind not in (PROTOBUF, JSON):
            reason = f'content type "{kind.decode("latin-1")[:60]}" is not application/x-protobuf or application/json'
            raise self._counted("otlp/http", 415, reason)
        body = await self._body(scope, headers, receive, "otlp/http")
        with self._refusing("otlp/http"):
            translation = otlp.accept(signal, body, json=kind == JSON)
        await self._keep("otlp/http", translation)
        await answer(send, 200, export_response(signal, translation, kind), kind)

    async def _firehose(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: Send) -> None:
        """Firehose wants its request id back, in a failure too."""
        request_id = headers.get(b"x-amz-firehose-request-id", b"").decode("latin-1")
        try:
            body = await self._body(scope, headers, receive, "firehose")
            with self._refusing("firehose"):
                delivery = firehose.parse_delivery(body, request_id)
                translation = firehose.translate(delivery, self._max_inflated_bytes)
            await self._keep("firehose", translation)
        except _Refused as refused:
            failed = firehose.response(request_id, time.time_ns() // 10**6, refused.reason)
            await answer(send, refused.status, failed, JSON)
            return
        await answer(send, 200, firehose.response(delivery.request_id, time.time_ns() // 10**6), JSON)

    async def _remote_write(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: Send) -> None:
        """Prometheus wants 2xx where all is kept, 400 where some never can be (it does not send again), 415 for version 2.

        Source: "Prometheus Remote-Write 1.0 specification: Retries & Backoff", "2.0: Content negotiation".
        """
        protocol = "remote-write"
        kind = headers.get(b"content-type", PROTOBUF).decode("latin-1").replace(" ", "").lower()
        if scope["method"] == "POST" and kind not in remote_write.CONTENT_TYPES:
            raise self._counted(protocol, 415, f'content type "{kind[:80]}" is not that of remote write 1.0')
        body = await self._body(scope, headers, receive, protocol, remote_write.inflate)
        with self._refusing(protocol):
            translation = remote_write.translate(body)
        await self._keep(protocol, translation)
        if translation.rejected_items:
            said = f"{translation.rejected_items} refused, the rest is kept: {'; '.join(translation.reasons)}"[:1000]
            await answer(send, 400, said.encode(), b"text/plain; charset=utf-8")
            return
        await answer(send, 204, b"", b"text/plain; charset=utf-8")

    async def _delivery(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: Send) -> None:
        protocol, translate = self._deliveries[scope["path"]]
        body = await self._body(scope, headers, receive, protocol)
        with self._refusing(protocol):
            translation = translate(scope, headers, body)
        await self._keep(protocol, translation)
        refused = {"rejected": translation.rejected_items, "reasons": translation.reasons}
        await answer(send, 200, msgspec.json.encode(refused) if translation.rejected_items else b"{}", JSON)

    def _logs(self, _scope: Scope, _headers: dict[bytes, bytes], body: bytes) -> Translation:
        return cloudwatch_logs.translate_payload(body, self._max_inflated_bytes)

    def _telemetry(self, scope: Scope, _headers: dict[bytes, bytes], body: bytes) -> Translation:
        function = parse_qs(scope["query_string"].decode("latin-1")).get("function", [""])[0]
        return telemetry_api.translate(body, function[:256])

    def _cloudevents(self, _scope: Scope, headers: dict[bytes, bytes], body: bytes) -> Translation:
        kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower().decode("latin-1")
        return cloudevents.translate(body, kind, headers, time.time_ns())


def export_response(signal: Signal, translation: Translation, kind: bytes) -> bytes:
    """The export response: empty when all is kept, else how many were refused and why."""
    if not translation.rejected_items:
        return b"{}" if kind == JSON else b""
    response, field = _RESPONSE[signal]
    message = response()
    setattr(message.partial_success, field, translation.rejected_items)
    message.partial_success.error_message = "; ".join(translation.reasons)[:1000]
    encoded: bytes = (
        json_format.MessageToJson(message, indent=None).encode() if kind == JSON else message.SerializeToString()
    )
    return encoded
