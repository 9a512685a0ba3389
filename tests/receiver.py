"""A real HTTP server on loopback that takes what alerts send, and answers as a test wants it to."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Told:
    """One request: its path, headers in lower case, and body."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


@dataclass
class Receiver:
    """What came so far; ``answer`` says status and headers of each answer, and may take its time."""

    url: str
    told: list[Told] = field(default_factory=list)
    answer: Callable[[Told], tuple[int, dict[str, str]]] = lambda told: (200, {})

    def events(self, alert: str = "") -> list[str]:
        return [one.body["event"] for one in list(self.told) if alert in ("", one.body["alert"])]


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length", 0)))
            one = Told(self.path, {name.lower(): value for name, value in self.headers.items()}, raw)
            receiver.told.append(one)
            status, headers = receiver.answer(one)
            with contextlib.suppress(OSError):
                self.send_response(status)
                for name, value in {**headers, "Content-Length": "0"}.items():
                    self.send_header(name, value)
                self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver = Receiver(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
