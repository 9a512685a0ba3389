"""The OTLP/gRPC listener: bytes pass through, nothing is decoded twice.

Source: OpenTelemetry Protocol specification, "OTLP/gRPC", "OTLP/gRPC Throttling".
"""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from coldtrail.model.exports import Malformed, TooLarge
from coldtrail.model.signals import Signal
from coldtrail.receivers import otlp
from coldtrail.server.listening.guard import Guard
from coldtrail.server.listening.intake import Intake
from coldtrail.server.listening.otlp_http import PROTOBUF, export_response
from coldtrail.wal import Busy

UNAUTHORIZED = 401

_METHODS: dict[str, Signal] = {
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export": "traces",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export": "logs",
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": "metrics",
}


class _Handler(grpc.GenericRpcHandler):  # type: ignore[misc]
    def __init__(self, intake: Intake, guard: Guard) -> None:
        self._intake = intake
        self._guard = guard
        self._handlers = {
            path: grpc.unary_unary_rpc_method_handler(self._export(signal)) for path, signal in _METHODS.items()
        }

    def service(self, details: Any) -> Any:
        return self._handlers.get(details.method)

    def _export(self, signal: Signal) -> Any:
        async def export(body: bytes, context: Any) -> bytes:
            await self._check(context)
            try:
                translation = otlp.accept(signal, body)
                await self._intake.keep("otlp/grpc", translation)
            except (Malformed, TooLarge) as error:
                self._intake.received.refused("otlp/grpc", str(error))
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
            except Busy as busy:
                self._intake.received.refused("otlp/grpc", busy.reason)
                context.set_trailing_metadata((("grpc-status-details-bin", _retry_details(busy)),))
                await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, busy.reason)
            return export_response(signal, translation, PROTOBUF)

        return export

    async def _check(self, context: Any) -> None:
        """Check origin and token. `:authority` cannot be checked: grpcio does not hand it to a server. It need not be:
        what a page elsewhere can make a browser send to a plain port is HTTP/1.1, which this one refuses (docs/decisions/0021).
        """
        headers = {
            str(key).encode(): value.encode() if isinstance(value, str) else bytes(value)
            for key, value in context.invocation_metadata() or ()
            if key in ("authorization", "origin")
        }
        refusal = self._guard.refusal(headers)
        if refusal:
            self._intake.received.refused("otlp/grpc", refusal[1])
            unknown = refusal[0] == UNAUTHORIZED
            await context.abort(
                grpc.StatusCode.UNAUTHENTICATED if unknown else grpc.StatusCode.PERMISSION_DENIED, refusal[1]
            )


def _retry_details(busy: Busy) -> bytes:
    delay = Duration(seconds=int(busy.retry_after_s), nanos=int(busy.retry_after_s % 1 * 1e9))
    detail = AnyMessage()
    detail.Pack(RetryInfo(retry_delay=delay))
    status = Status(code=grpc.StatusCode.RESOURCE_EXHAUSTED.value[0], message=busy.reason, details=[detail])
    return bytes(status.SerializeToString())


async def start_grpc(intake: Intake, guard: Guard, host: str, port: int, most_bytes: int) -> tuple[Any, int]:
    """Start the listener and return the server and the port that it got.

    Raises:
        OSError: the port cannot be bound.
    """
    server = grpc.aio.server(
        options=[("grpc.max_receive_message_length", most_bytes), ("grpc.so_reuseport", 0)],
    )
    server.add_generic_rpc_handlers((_Handler(intake, guard),))
    try:
        bound = server.add_insecure_port(f"{host}:{port}")
    except RuntimeError as error:
        raise OSError(str(error)) from None
    await server.start()
    return server, bound
