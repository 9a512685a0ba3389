"""How soon the list of trails follows: a recording is sent again at the pace of the lab, and the list is asked meanwhile."""

from __future__ import annotations

import json
import socket
import statistics
import threading
import time

import httpx

from bench.reconstruction.groups import Groups, place
from bench.reconstruction.levels import spans_of
from bench.reconstruction.recording import Delivery, ExportTraceServiceRequest, LogEvents, Recording, Signal
from bench.reconstruction.truth import read_truth
from bench.server import Server

Row = tuple[str, str, str]

ASK_S = 0.25
LISTED = 300
"""Rows of the newest trails that are looked at."""

SETTLES_S = 15.0
GOAL_S = 5.0


class Watcher:
    """Asks for the list again and again; remembers when each trail was first there, and when it last changed."""

    def __init__(self, server: Server) -> None:
        self.first: dict[str, float] = {}
        self.changed: dict[str, float] = {}
        self._client = httpx.Client(base_url=f"{server.url}/api/v1", timeout=60)
        self._stop = threading.Event()
        self._known: dict[str, tuple[int, str]] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(ASK_S):
            rows = self._client.get("/trails", params={"limit": LISTED}).json()["trails"]
            now = time.monotonic()
            for row in rows:
                told = (row["node_count"], row["status"])
                self.first.setdefault(row["trail_id"], now)
                if self._known.get(row["trail_id"]) != told:
                    self._known[row["trail_id"]] = told
                    self.changed[row["trail_id"]] = now


class Sent:
    """When what was acknowledged: by trace the first of it, by group of trails that belong together the last."""

    def __init__(self, recording: Recording) -> None:
        self.first: dict[str, float] = {}
        self.last: dict[str, float] = {}
        self.group_of: dict[str, str] = {}
        self._groups = Groups(read_truth(recording.truth))
        for signal, group in place(list(recording.signals()), self._groups):
            for trace_id in _traces(signal):
                self.group_of[trace_id] = group

    def note(self, signals: list[Signal]) -> None:
        """Note what was acknowledged just now."""
        now = time.monotonic()
        for signal in signals:
            groups = {self.group_of.get(trace_id, "") for trace_id in _traces(signal)}
            if isinstance(signal, LogEvents):
                groups = {group for _, group in place([signal], self._groups)}
            for trace_id in _traces(signal):
                self.first.setdefault(trace_id, now)
            self.last |= dict.fromkeys(groups, now)


def _traces(signal: Signal) -> set[str]:
    if isinstance(signal, dict):
        return {signal["trace_id"].replace("-", "")[1:]}
    if isinstance(signal, ExportTraceServiceRequest):
        return {span.trace_id.hex() for _, span in spans_of(signal)}
    return set()


def _headers(delivery: Delivery) -> dict[str, str]:
    if delivery.path == "/v1/traces":
        return {"content-type": "application/x-protobuf"}
    request_id = json.loads(delivery.body)["requestId"]
    return {"content-type": "application/json", "x-amz-firehose-request-id": request_id}


def follow(server: Server, recording: Recording, trails: int) -> list[Row]:
    """Send a recording at its own pace until the list shows so many trails, and say how soon it did."""
    sent, watcher = Sent(recording), Watcher(server)
    begins_ns, began = recording.deliveries[0].time_ns, time.monotonic()
    with (
        httpx.Client(base_url=server.otlp_http, timeout=60) as client,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
    ):
        for delivery in recording.deliveries:
            if len(watcher.first) >= trails:
                break
            signals = list(Recording(0, [delivery], []).signals())
            time.sleep(max(0.0, began + (delivery.time_ns - begins_ns) / 1e9 - time.monotonic()))
            if delivery.path == "xray":
                datagrams.sendto(delivery.body, server.xray)
            else:
                client.post(delivery.path, content=delivery.body, headers=_headers(delivery)).raise_for_status()
            sent.note(signals)
    time.sleep(SETTLES_S)
    watcher.stop()
    shown = [watcher.first[one] - at for one, at in sent.first.items() if one in watcher.first]
    whole = [watcher.changed[one] - sent.last[group] for one, group in sent.group_of.items() if one in watcher.changed]
    return [
        ("a signal to its trail in the list", _spread(shown), f"<= {GOAL_S:.0f} s"),
        ("the last signal to the trail's last change", _spread([max(0.0, one) for one in whole]), f"<= {GOAL_S:.0f} s"),
    ]


def _spread(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p95 = ordered[int(0.95 * (len(ordered) - 1))]
    return f"p50 {statistics.median(ordered):.1f} / p95 {p95:.1f} / worst {ordered[-1]:.1f} s (of {len(ordered):,})"
