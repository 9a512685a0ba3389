"""What functions call besides AWS: a profile API that can drop connections."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from coldtrail_lab.faults import Faults


class ProfileApi:
    """Answers `GET /profiles/{user}?activity=ID`; the fault `connection-errors` drops the connection instead."""

    def __init__(self, faults: Faults) -> None:
        tries: dict[str, int] = {}

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                """Answer, or hang up: half of the activities that are hit recover on the next try, the others never."""
                activity = self.path.rpartition("=")[2]
                tries[activity] = tries.get(activity, 0) + 1
                recovers = activity[-1:] in "02468"
                if faults.hits("connection-errors", activity) and not (recovers and tries[activity] > 1):
                    self.close_connection = True
                    with contextlib.suppress(OSError):
                        self.connection.shutdown(socket.SHUT_RDWR)
                    return
                body = json.dumps({"user": self.path.split("/")[2].split("?")[0], "plan": "free"}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
