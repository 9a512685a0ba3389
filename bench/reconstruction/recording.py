"""What the lab emits, kept as a file: a relay takes it as coldtrail would, and writes it down delivery by delivery.

The lab runs once; every level of context is then made from the recording by pure transformations (`levels`), so
that levels differ in nothing but their context, and a run can be repeated.
"""

from __future__ import annotations

import base64
import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import msgspec
from msgspec import Struct
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

XRAY_HEADER = b'{"format": "json", "version": 1}\n'


class Delivery(Struct):
    """One request or datagram. ``path``: `/v1/traces`, `/v1/logs`, `/aws/firehose` or `xray`; ``body`` is not compressed."""

    time_ns: int
    path: str
    body: bytes


class LogEvents(Struct):
    """Log events of one stream, as a subscription delivers them."""

    group: str
    stream: str
    events: list[dict[str, Any]]


Signal = ExportTraceServiceRequest | dict[str, Any] | LogEvents
"""An OTLP body, an X-Ray document, or log events."""


class Relay:
    """Stands where coldtrail would: OTLP/HTTP and Firehose at ``url``, X-Ray datagrams at ``xray``."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.2)
        self.xray = f"127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        """Begin to take."""
        self._stop = threading.Event()
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        self._datagrams = threading.Thread(target=self._take_datagrams, daemon=True)
        self._datagrams.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop."""
        self._stop.set()
        self._datagrams.join()
        self._server.shutdown()
        self._server.server_close()
        self._socket.close()

    def _take(self, path: str, body: bytes) -> None:
        self.deliveries.append(Delivery(time.time_ns(), path, body))

    def _take_datagrams(self) -> None:
        while not self._stop.is_set():
            try:
                self._take("xray", self._socket.recv(65_535))
            except TimeoutError:
                continue

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *args: object) -> None:
                """Say nothing."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                relay._take(self.path, body)
                answer, kind = b"", "application/x-protobuf"
                if self.path == "/aws/firehose":
                    request_id = self.headers.get("X-Amz-Firehose-Request-Id", "")
                    answer = json.dumps({"requestId": request_id, "timestamp": time.time_ns() // 10**6}).encode()
                    kind = "application/json"
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        return Handler


class Recording(Struct):
    """All deliveries of one run of the lab, and its truth."""

    seed: int
    deliveries: list[Delivery]
    truth: list[dict[str, Any]]

    def save(self, path: Path) -> None:
        """Write it, gzipped MessagePack."""
        path.write_bytes(gzip.compress(msgspec.msgpack.encode(self), 3))

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Read what `save` wrote."""
        return msgspec.msgpack.decode(gzip.decompress(path.read_bytes()), type=cls)

    def signals(self) -> Iterator[Signal]:
        """Decode every delivery."""
        for delivery in self.deliveries:
            if delivery.path == "xray":
                header, _, document = delivery.body.partition(b"\n")
                yield json.loads(document or header)
            elif delivery.path == "/aws/firehose":
                for record in json.loads(delivery.body)["records"]:
                    document = json.loads(gzip.decompress(base64.b64decode(record["data"])))
                    yield LogEvents(document["logGroup"], document["logStream"], document["logEvents"])
            elif delivery.path == "/v1/traces":
                yield ExportTraceServiceRequest.FromString(delivery.body)
            else:
                raise ValueError(f"the lab sends nothing to {delivery.path}")
