"""The X-Ray daemon's place: datagrams over UDP, and the API as boto3 and the SDKs call it, on one port number.

Source: AWS X-Ray Developer Guide, "AWS X-Ray daemon"; AWS X-Ray API reference.
"""

from __future__ import annotations

import asyncio
import time

import msgspec
import structlog

from coldtrail.model.exports import Export, Malformed, TooLarge, Translation
from coldtrail.receivers.content_encoding import UnknownEncoding, decode
from coldtrail.receivers.xray import put_trace_segments, sampling_rules, sampling_targets, translate_datagram
from coldtrail.server.listening.asgi import Disconnected, Receive, Scope, Send, answer, read_body
from coldtrail.server.listening.guard import Guard
from coldtrail.server.listening.intake import Intake
from coldtrail.wal import Busy

log = structlog.get_logger(__name__)

JSON = b"application/json"
COLLECT_S = 0.01
MOST_WAITING = 50_000


class XrayDatagrams(asyncio.DatagramProtocol):
    """Collects datagrams for a moment and appends them as one request; nobody is there to be answered."""

    def __init__(self, intake: Intake, guard: Guard) -> None:
        self._intake = intake
        self._guard = guard
        self._waiting: list[bytes] = []
        self._task: asyncio.Task[None] | None = None

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        """Take one datagram."""
        if not self._guard.takes_datagrams_of(address[0]):
            reason = "a datagram cannot show the token: send from this machine, or segments over TCP with the token"
            self._intake.received.refused("xray/udp", reason, items=1)
            return
        if len(self._waiting) >= MOST_WAITING:
            self._intake.received.refused("xray/udp", "more datagrams than can be written", items=1)
            return
        self._waiting.append(data)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._flush())

    async def _flush(self) -> None:
        while self._waiting:
            await asyncio.sleep(COLLECT_S)
            batch, self._waiting = self._waiting, []
            translation = self._merged(batch)
            try:
                await self._intake.keep("xray/udp", translation)
            except Busy as busy:
                spans = sum(export.items for export in translation.exports)
                self._intake.received.refused("xray/udp", busy.reason, items=spans)

    def _merged(self, batch: list[bytes]) -> Translation:
        """Serialised messages that follow each other are one message with the fields of both (protobuf encoding)."""
        bodies, items = [], 0
        for datagram in batch:
            try:
                export = translate_datagram(datagram).exports[0]
            except Malformed as error:
                self._intake.received.refused("xray/udp", str(error), items=1)
                continue
            except Exception:  # the outermost edge: one datagram must not cost the others of its batch
                self._intake.received.refused("xray/udp", "a datagram could not be translated, see the log", items=1)
                log.exception("a datagram could not be translated", datagram=datagram[:2_000])
                continue
            bodies.append(export.body)
            items += export.items
        return Translation((Export("traces", b"".join(bodies), items),) if items else ())

    async def close(self) -> None:
        """Write what was collected."""
        if self._task:
            await self._task


class XrayApi:
    """The ASGI application on TCP port 2000."""

    def __init__(self, intake: Intake, guard: Guard, *, max_body_bytes: int, max_inflated_bytes: int) -> None:
        self._intake = intake
        self._guard = guard
        self._max_body_bytes = max_body_bytes
        self._max_inflated_bytes = max_inflated_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        refusal = self._guard.refusal(headers)
        if refusal:
            await self._fail(send, refusal[0], "AccessDeniedException", refusal[1])
            return
        try:
            raw = await read_body(receive, self._max_body_bytes)
            body = decode(raw, headers.get(b"content-encoding", b"").decode("latin-1"), self._max_inflated_bytes)
            await self._answer(scope, body, send)
        except Disconnected:
            return
        except TooLarge as error:
            await self._fail(send, 413, "InvalidRequestException", str(error))
        except (Malformed, UnknownEncoding) as error:
            await self._fail(send, 400, "InvalidRequestException", str(error))
        except Busy as busy:
            await self._fail(send, 429, "ThrottledException", busy.reason, busy.retry_after_s)

    async def _answer(self, scope: Scope, body: bytes, send: Send) -> None:
        path = scope["path"]
        if scope["method"] != "POST":
            await self._fail(send, 405, "InvalidRequestException", "send with POST")
        elif path == "/TraceSegments":
            result = put_trace_segments(body)
            await self._intake.keep("xray/http", result.translation)
            await answer(send, 200, result.answer, JSON)
        elif path == "/TelemetryRecords":
            await answer(send, 200, b"{}", JSON)
        elif path in ("/SamplingRules", "/GetSamplingRules"):
            await answer(send, 200, sampling_rules(), JSON)
        elif path == "/SamplingTargets":
            await answer(send, 200, sampling_targets(time.time()), JSON)
        else:
            await self._fail(send, 404, "UnknownOperationException", f"{path[:100]} is not there")

    async def _fail(self, send: Send, status: int, kind: str, message: str, retry_after_s: float | None = None) -> None:
        self._intake.received.refused("xray/http", message)
        headers: tuple[tuple[bytes, bytes], ...] = ((b"x-amzn-errortype", kind.encode()),)
        if retry_after_s is not None:
            headers += ((b"retry-after", str(int(retry_after_s)).encode()),)
        await answer(send, status, msgspec.json.encode({"__type": kind, "Message": message}), JSON, headers)
