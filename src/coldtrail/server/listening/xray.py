"""The X-Ray daemon's place: datagrams over UDP, and the API as boto3 and the SDKs call it, on one port number.

Source: AWS X-Ray Developer Guide, "AWS X-Ray daemon"; AWS X-Ray API reference.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence

import msgspec
import structlog

from coldtrail.model.exports import Malformed, TooLarge, Translation
from coldtrail.receivers.content_encoding import UnknownEncoding, decode
from coldtrail.receivers.xray import (
    Senders,
    name_subsegments,
    put_trace_segments,
    read_datagram,
    sampling_rules,
    sampling_targets,
    together,
)
from coldtrail.server.listening.asgi import Disconnected, Receive, Scope, Send, answer, read_body
from coldtrail.server.listening.guard import Guard
from coldtrail.server.listening.intake import Intake
from coldtrail.wal import Busy

log = structlog.get_logger(__name__)

JSON = b"application/json"
COLLECT_S = 0.01
MOST_WAITING = 50_000
MOST_AT_ONCE_BYTES = 256 << 10
"""Datagrams of so many bytes are one request; what becomes of them is well below the least bound of the log, 1 MiB."""


Datagram = tuple[bytes, tuple[str, int]]
"""What was sent, and from which host and port."""


class XrayDatagrams(asyncio.DatagramProtocol):
    """Collects datagrams for a moment and appends them as one request; nobody is there to be answered."""

    def __init__(self, intake: Intake, guard: Guard) -> None:
        self._intake = intake
        self._guard = guard
        self._waiting: list[Datagram] = []
        self._senders = Senders()
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
        self._waiting.append((data, address))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._flush())

    async def _flush(self) -> None:
        while self._waiting:
            await asyncio.sleep(COLLECT_S)
            waiting, self._waiting = self._waiting, []
            for batch in _batches(waiting):
                await self._keep(self._merged(batch))

    async def _keep(self, translation: Translation) -> None:
        try:
            await self._intake.keep("xray/udp", translation)
        except (Busy, TooLarge) as error:
            spans = sum(export.items for export in translation.exports)
            self._intake.received.refused("xray/udp", str(error), items=spans)

    def _merged(self, batch: Sequence[Datagram]) -> Translation:
        documents, addresses = [], []
        for datagram, address in batch:
            try:
                documents.append(read_datagram(datagram))
            except Malformed as error:
                self._intake.received.refused("xray/udp", str(error), items=1)
                continue
            except Exception:  # the outermost edge: one datagram must not cost the others of its batch
                self._intake.received.refused("xray/udp", "a datagram could not be translated, see the log", items=1)
                log.exception("a datagram could not be translated", datagram=datagram[:2_000])
                continue
            addresses.append(address)
        name_subsegments(documents, self._senders, addresses)
        return Translation(together(documents))

    async def close(self) -> None:
        """Write what was collected."""
        if self._task:
            await self._task


def _batches(datagrams: Sequence[Datagram]) -> Iterator[list[Datagram]]:
    batch, size = list[Datagram](), 0
    for one in datagrams:
        if batch and size + len(one[0]) > MOST_AT_ONCE_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += len(one[0])
    if batch:
        yield batch


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
