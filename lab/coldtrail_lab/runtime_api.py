"""A Lambda Runtime API server for one sandbox.

Source: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".
"""

from __future__ import annotations

import json
import queue
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PREFIX = "/2018-06-01/runtime"


@dataclass
class Invocation:
    """One event on its way through a sandbox; ``outcome`` is filled with (kind, payload)."""

    request_id: str
    event: bytes
    deadline_ms: int
    arn: str
    trace_header: str
    outcome: queue.Queue[tuple[str, dict[str, Any] | Any]] = field(default_factory=lambda: queue.Queue(1))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sandbox that is killed leaves its connection; that is no news."""


class RuntimeApi:
    """Hands events to the runtime client of one sandbox and takes its answers."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.init_error: dict[str, Any] | None = None
        self._next: queue.Queue[Invocation | None] = queue.Queue()
        self._current: Invocation | None = None
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def give(self, invocation: Invocation) -> None:
        """Hand an event to the sandbox."""
        self._current = invocation
        self._next.put(invocation)

    def close(self) -> None:
        """Stop serving."""
        self._next.put(None)
        self._server.shutdown()
        self._server.server_close()

    def _finish(self, kind: str, payload: Any) -> None:
        if self._current and self._current.outcome.empty():
            self._current.outcome.put((kind, payload))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                """`/invocation/next`: wait for an event."""
                if self.path != f"{PREFIX}/invocation/next":
                    self._answer(404, b"{}")
                    return
                api.ready.set()
                invocation = api._next.get()
                if invocation is None:
                    self.close_connection = True
                    return
                headers = {
                    "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                    "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
                    "Lambda-Runtime-Invoked-Function-Arn": invocation.arn,
                    "Lambda-Runtime-Trace-Id": invocation.trace_header,
                }
                self._answer(200, invocation.event, headers)

            def do_POST(self) -> None:
                """`/invocation/{id}/response|error` and `/init/error`."""
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                payload = _json(body)
                if self.path == f"{PREFIX}/init/error":
                    api.init_error = payload if isinstance(payload, dict) else {}
                    api.ready.set()
                elif self.path.endswith("/response"):
                    api._finish("ok", payload)
                elif self.path.endswith("/error"):
                    api._finish("error", payload)
                self._answer(202, b'{"status":"OK"}')

            def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
                self.send_response(status)
                for name, value in (headers or {}).items():
                    if value:
                        self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return Handler


def _json(body: bytes) -> Any:
    try:
        return json.loads(body or b"null")
    except ValueError:
        return None
