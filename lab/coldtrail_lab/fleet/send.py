"""Sends bodies over real sockets, a few at a time, and measures itself."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from coldtrail_lab.fleet.fleet import Body

SENDERS = 2
MOST_WAITING = 8
"""Bodies that are made and not yet taken: what bounds the memory."""
TIMEOUT_S = 120.0
BUSY = (429, 503)


class Refused(RuntimeError):
    """The receiver does not want a body, and would not want it later either."""


@dataclass
class Sent:
    """What was sent, and what it took. ``waits``: how often the receiver asked to come again later."""

    items: Counter[str] = field(default_factory=Counter)
    bodies: int = 0
    sent_bytes: int = 0
    waits: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0

    def as_json(self) -> dict[str, object]:
        """Return the figures, and the rates by the clock and by this process's own CPU seconds."""
        spans = self.items["/v1/traces"]
        return {
            "spans": spans,
            "lines": self.items["/v1/logs"],
            "metric_points": self.items["/v1/metrics"],
            "bodies": self.bodies,
            "bytes": self.sent_bytes,
            "waits": self.waits,
            "seconds": round(self.seconds, 2),
            "cpu_s": round(self.cpu_s, 2),
            "items_per_s": round(self.items.total() / max(self.seconds, 1e-9)),
            "items_per_cpu_s": round(self.items.total() / max(self.cpu_s, 1e-9)),
        }


def send(bodies: Iterable[Body], otlp_http: str, token: str = "") -> Sent:
    """Post all bodies to a receiver (URL); with no URL they are only made.

    Raises:
        Refused: the receiver does not want one of them.
    """
    sent, began, cpu = Sent(), time.perf_counter(), time.process_time()
    room, lock = threading.Semaphore(MOST_WAITING), threading.Lock()
    local = threading.local()
    failed: list[BaseException] = []

    def post(body: Body) -> None:
        try:
            waits = _post(local, otlp_http, token, body) if otlp_http else 0
            with lock:
                sent.items[body.path] += body.items
                sent.bodies += 1
                sent.sent_bytes += len(body.data)
                sent.waits += waits
        except (OSError, http.client.HTTPException, Refused) as error:
            failed.append(error)
        finally:
            room.release()

    with ThreadPoolExecutor(SENDERS, "fleet") as pool:
        for body in bodies:
            room.acquire()
            if failed:
                break
            pool.submit(post, body)
    if failed:
        raise failed[0]
    sent.seconds, sent.cpu_s = time.perf_counter() - began, time.process_time() - cpu
    return sent


def _post(local: threading.local, otlp_http: str, token: str, body: Body) -> int:
    """Post one body until it is taken; return how often the receiver was too busy."""
    address = urlsplit(otlp_http)
    if not hasattr(local, "connection"):
        local.connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=TIMEOUT_S)
    headers = {"Content-Type": "application/x-protobuf"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    waits = 0
    while True:
        local.connection.request("POST", body.path, body.data, headers)
        answer = local.connection.getresponse()
        text = answer.read()
        if answer.status == 200:
            return waits
        if answer.status not in BUSY:
            raise Refused(f"{otlp_http}{body.path} answered {answer.status}: {text[:300]!r}")
        waits += 1
        local.connection.close()  # the receiver would, were it idle for so long
        time.sleep(min(5.0, float(answer.headers.get("Retry-After") or 0.5)))
