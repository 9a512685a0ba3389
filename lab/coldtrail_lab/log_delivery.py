"""Log groups and their subscription: lines go to CloudWatch Logs (moto) and, as Firehose delivers them, to coldtrail."""

from __future__ import annotations

import contextlib
import gzip
import json
import queue
import threading
import time
from typing import Any

from botocore.exceptions import ClientError

from coldtrail_lab.firehose import Firehose

ACCOUNT = "123456789012"
REGION = "eu-central-1"
BUFFER_S = 0.5
MOST_EVENTS = 500


class LogDelivery:
    """Takes lines from any thread; one thread writes and delivers them, keeping each stream's order."""

    def __init__(self, logs: Any, firehose: Firehose) -> None:
        self._logs = logs
        self._firehose = firehose
        self._queue: queue.Queue[tuple[str, str, int, str] | None] = queue.Queue()
        self._streams: set[tuple[str, str]] = set()
        self._number = 0
        self._pending = 0
        self._idle = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="log-delivery", daemon=True)
        self._thread.start()

    def put(self, group: str, stream: str, message: str, timestamp_ms: int | None = None) -> None:
        """Write one log event."""
        with self._idle:
            self._pending += 1
        self._queue.put((group, stream, timestamp_ms or time.time_ns() // 10**6, message))

    def drain(self, deadline_s: float) -> bool:
        """Wait until everything written is delivered; False when it is not by the deadline (monotonic seconds)."""
        with self._idle:
            return self._idle.wait_for(lambda: self._pending == 0, max(0.0, deadline_s - time.monotonic()))

    def close(self) -> None:
        """Deliver what is left."""
        self._queue.put(None)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        stop = False
        while not stop:
            batch = []
            entry = self._queue.get()
            end = time.monotonic() + BUFFER_S
            while entry is not None:
                batch.append(entry)
                if len(batch) >= MOST_EVENTS:
                    break
                try:
                    entry = self._queue.get(timeout=max(0.0, end - time.monotonic()))
                except queue.Empty:
                    break
            stop = entry is None
            if batch:
                self._deliver(batch)
                with self._idle:
                    self._pending -= len(batch)
                    self._idle.notify_all()

    def _deliver(self, batch: list[tuple[str, str, int, str]]) -> None:
        by_stream: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for group, stream, timestamp_ms, message in batch:
            self._number += 1
            event = {"id": f"{timestamp_ms:014d}{self._number:042d}", "timestamp": timestamp_ms, "message": message}
            by_stream.setdefault((group, stream), []).append(event)
        records = []
        for (group, stream), events in by_stream.items():
            self._write(group, stream, events)
            records.append(self._subscription(group, stream, events))
        self._firehose.send(records)

    def _write(self, group: str, stream: str, events: list[dict[str, Any]]) -> None:
        if (group, stream) not in self._streams:
            with contextlib.suppress(ClientError):
                self._logs.create_log_group(logGroupName=group)
            with contextlib.suppress(ClientError):
                self._logs.create_log_stream(logGroupName=group, logStreamName=stream)
            self._streams.add((group, stream))
        entries = [{"timestamp": event["timestamp"], "message": event["message"]} for event in events]
        entries.sort(key=lambda entry: entry["timestamp"])
        with contextlib.suppress(ClientError):
            self._logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=entries)

    def _subscription(self, group: str, stream: str, events: list[dict[str, Any]]) -> bytes:
        document = {
            "messageType": "DATA_MESSAGE",
            "owner": ACCOUNT,
            "logGroup": group,
            "logStream": stream,
            "subscriptionFilters": ["coldtrail"],
            "logEvents": events,
        }
        return gzip.compress(json.dumps(document).encode(), 1)
