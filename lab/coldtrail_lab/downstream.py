"""What functions call besides AWS: a profile API that can drop connections, a ledger API that can hang."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from coldtrail_lab.faults import Faults

HANGS_S = 15.0


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
                if faults.hits("retry-storm", activity):
                    self.send_response(503)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
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


class LedgerApi:
    """Answers `POST /entries/{invoice}`; the fault `ledger-timeouts` lets it hang, for some invoices it always does.

    Half of the invoices that the fault hits are taken at the third try.
    """

    def __init__(self, faults: Faults) -> None:
        self.never_answers: set[str] = set()
        self._closing = threading.Event()
        tries: dict[str, int] = {}
        ledger = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: object) -> None:
                """Say nothing."""

            def do_POST(self) -> None:
                """Take an entry, or hang until the caller gives up."""
                invoice = self.path.rpartition("/")[2]
                tries[invoice] = tries.get(invoice, 0) + 1
                recovers = invoice[-1:] in "02468" and tries[invoice] > 2
                if invoice in ledger.never_answers or (faults.hits("ledger-timeouts", invoice) and not recovers):
                    ledger._closing.wait(HANGS_S)
                with contextlib.suppress(OSError):
                    self.send_response(201)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
