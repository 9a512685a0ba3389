"""The lab: everything of a story running, as one context manager."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from coldtrail_lab.aws import Aws
from coldtrail_lab.faults import KNOWN, Faults
from coldtrail_lab.log_delivery import LogDelivery
from coldtrail_lab.pollers import wait_for
from coldtrail_lab.stories.activity_history.story import ActivityHistory
from coldtrail_lab.truth import Truth
from coldtrail_lab.xray_service import XrayService


class Lab:
    """Runs a story against a coldtrail at ``otlp_http`` (URL) and ``xray`` (host:port)."""

    def __init__(
        self,
        *,
        otlp_http: str,
        xray: str,
        faults: dict[str, float] | None = None,
        truth: Path | None = None,
        access_key: str = "",
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.faults = Faults(faults)
        self.truth = Truth(truth)
        say("starting AWS (moto)")
        self.aws = Aws()
        self.logs = LogDelivery(self.aws.client("logs"), f"{otlp_http}/aws/firehose", access_key)
        self.xray = XrayService(xray)
        say("creating stream, table, queues and functions")
        self.story = ActivityHistory(self.aws, self.logs, self.xray, otlp_http, self.truth, self.faults)
        for name in faults or {}:
            self.faults.changed(name)
        self._control = _control_server(self.faults)
        self.control_url = f"http://127.0.0.1:{self._control.server_address[1]}"
        self.accepted = 0

    def __enter__(self) -> Self:
        """Already running."""
        return self

    def __exit__(self, *error: object) -> None:
        """Stop everything; no process is left."""
        self.story.close()
        self.logs.close()
        self._control.shutdown()
        self._control.server_close()
        self.aws.close()
        self.xray.close()
        self.truth.close()

    def post_activity(self, user: str, activity: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """POST one activity and count it."""
        status, answer = self.story.post_activity(user, activity)
        if status == 202:
            self.accepted += 1
        return status, answer

    def get_history(self, user: str) -> tuple[int, dict[str, Any]]:
        """GET one history."""
        return self.story.get_history(user)

    def drain(self, timeout_s: float = 60.0) -> bool:
        """Wait until everything accepted is processed and every log line delivered; False when it is not in time."""
        deadline = time.monotonic() + timeout_s
        return (
            wait_for(lambda: self.story.kinesis_poller.done >= self.accepted, deadline)
            and wait_for(lambda: self.story.waiting() == 0, deadline)
            and self.logs.drain(deadline)
        )

    def run_traffic(self, seed: int, rate_per_s: float, stop: threading.Event, say: Callable[[str], None]) -> int:
        """Send the seeded traffic at a rate until ``stop``; return how many calls were made."""
        calls = self.story.traffic(seed)
        made, began = 0, time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            while not stop.is_set():
                pool.submit(next(calls))
                made += 1
                if made % 100 == 0:
                    say(f"{made} calls sent")
                for function in self.story.functions:
                    function.expire()
                stop.wait(max(0.0, began + made / rate_per_s - time.monotonic()))
        return made


def _control_server(faults: Faults) -> ThreadingHTTPServer:
    """`GET /faults` lists, `POST /faults` {"name", "share"} switches."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            """List."""
            self._answer(200, {name: {"share": faults.share(name), "does": does} for name, does in KNOWN.items()})

        def do_POST(self) -> None:
            """Switch."""
            try:
                wanted = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
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
