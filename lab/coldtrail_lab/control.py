"""The control address of a running lab: faults and deployments, switched from outside."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from coldtrail_lab.faults import KNOWN, Faults


def control_server(faults: Faults, deploy: Callable[[], bool]) -> ThreadingHTTPServer:
    """`GET /faults` lists, `POST /faults` {"name", "share"} switches, `POST /deploy` rolls the next version out."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            """List."""
            self._answer(200, {name: {"share": faults.share(name), "does": does} for name, does in KNOWN.items()})

        def do_POST(self) -> None:
            """Switch, or deploy."""
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                if self.path == "/deploy":
                    self._answer(200, {"deployed": deploy()})
                    return
                wanted = json.loads(body)
                faults.switch(wanted["name"], float(wanted["share"]))
                self._answer(200, {"name": wanted["name"], "share": faults.share(wanted["name"])})
            except (KeyError, ValueError, TypeError) as error:
                self._answer(400, {"error": str(error)})

        def _answer(self, status: int, body: object) -> None:
            encoded = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    return server
