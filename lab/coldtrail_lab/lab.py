"""The lab: all stories running, as one context manager."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from coldtrail_lab.aws import Aws
from coldtrail_lab.aws_road import AwsRoad
from coldtrail_lab.faults import KNOWN, Faults
from coldtrail_lab.log_delivery import LogDelivery
from coldtrail_lab.pollers import wait_for
from coldtrail_lab.stage import Stage
from coldtrail_lab.stories.activity_history.story import ActivityHistory
from coldtrail_lab.stories.invoice_close.story import InvoiceClose
from coldtrail_lab.stories.onboarding.story import Onboarding
from coldtrail_lab.truth import Truth
from coldtrail_lab.xray_service import XrayService

STORIES = ("activity-history", "invoice-close", "onboarding")
SHARES = {"activity-history": 6, "invoice-close": 2, "onboarding": 2}
"""How often each story is called, of ten calls."""


class Lab:
    """Runs stories against a coldtrail at ``otlp_http`` (URL) and ``xray`` (host:port).

    ``contexts``: function name to how much context it keeps (`context.LEVELS`), "" for all others.
    """

    def __init__(
        self,
        *,
        otlp_http: str,
        xray: str,
        faults: dict[str, float] | None = None,
        truth: Path | None = None,
        access_key: str = "",
        contexts: dict[str, str] | None = None,
        stories: Sequence[str] = STORIES,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.faults = Faults(faults)
        self.truth = Truth(truth)
        say("starting AWS (moto)")
        self.aws = Aws()
        self.logs = LogDelivery(self.aws.client("logs"), f"{otlp_http}/aws/firehose", access_key)
        self.xray = XrayService(xray)
        self.road = AwsRoad(self.aws.port, self.faults, self.truth)
        self.stage = Stage(
            self.aws, self.road, self.logs, self.xray, otlp_http, self.truth, self.faults, contexts or {}
        )
        say(f"creating functions, streams, topics, queues and tables of {', '.join(stories)}")
        self.story = ActivityHistory(self.stage)
        self.invoices = InvoiceClose(self.stage) if "invoice-close" in stories else None
        self.onboarding = Onboarding(self.stage) if "onboarding" in stories else None
        self.stories = {
            name: story
            for name, story in zip(STORIES, (self.story, self.invoices, self.onboarding), strict=True)
            if story is not None
        }
        self.faults.changed = self._fault_changed
        for name in faults or {}:
            self._fault_changed(name)
        self._control = _control_server(self.faults)
        self.control_url = f"http://127.0.0.1:{self._control.server_address[1]}"

    def __enter__(self) -> Self:
        """Already running."""
        return self

    def __exit__(self, *error: object) -> None:
        """Stop everything; no process is left."""
        for story in self.stories.values():
            story.close()
        self.logs.close()
        self._control.shutdown()
        self._control.server_close()
        self.road.close()
        self.aws.close()
        self.xray.close()
        self.truth.close()

    def _fault_changed(self, name: str) -> None:
        for story in self.stories.values():
            story.fault_changed(name)

    def post_activity(self, user: str, activity: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """POST one activity."""
        return self.story.post_activity(user, activity)

    def get_history(self, user: str) -> tuple[int, dict[str, Any]]:
        """GET one history."""
        return self.story.get_history(user)

    def drain(self, timeout_s: float = 60.0) -> bool:
        """Wait until everything accepted is processed and every log line delivered; False when it is not in time."""
        deadline = time.monotonic() + timeout_s
        return all(wait_for(story.idle, deadline) for story in self.stories.values()) and self.logs.drain(deadline)

    def run_traffic(self, seed: int, rate_per_s: float, stop: threading.Event, say: Callable[[str], None]) -> int:
        """Send the seeded traffic of all stories at a rate until ``stop``; return how many calls were made."""
        dice = random.Random(seed)
        calls = {name: story.traffic(seed) for name, story in self.stories.items()}
        weights = [SHARES[name] for name in calls]
        made, began = 0, time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            while not stop.is_set():
                name = dice.choices(list(calls), weights)[0]
                pool.submit(next(calls[name]))
                made += 1
                if made % 100 == 0:
                    say(f"{made} calls sent")
                for story in self.stories.values():
                    for function in story.functions:
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
