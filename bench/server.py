"""The server under measure: a real `coldtrail up`, its CPU seconds and memory."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import httpx
import psutil


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """Started on entering, stopped by its own pid on leaving."""

    def __init__(self, data: Path, command: list[str] | None = None) -> None:
        self.data = data
        ports = [free_port() for _ in range(4)]
        self.url, self.otlp_http = f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}"
        self.grpc, self.xray = f"127.0.0.1:{ports[2]}", ("127.0.0.1", ports[3])
        names = ("--port", "--otlp-http-port", "--otlp-grpc-port", "--xray-port")
        flags = [str(part) for pair in zip(names, ports, strict=True) for part in pair]
        command = command or [str(Path(sys.executable).with_name("coldtrail")), "up"]
        self._command = [*command, "--data", str(data), *flags]
        self.api = httpx.Client(base_url=f"{self.url}/api/v1", timeout=120)
        self._plain = HTTPConnection("127.0.0.1", ports[0], timeout=120)
        self.peak_rss_bytes = 0

    def __enter__(self) -> Self:
        """Start, and note how long it takes until the API answers."""
        began = time.monotonic()
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        self.watched = psutil.Process(self.process.pid)
        while True:
            try:
                if self.api.get("/health").status_code == 200:
                    break
            except httpx.HTTPError:
                if self.process.poll() is not None:
                    raise RuntimeError("the server ended before it answered") from None
                time.sleep(0.02)
        self.ready_s = time.monotonic() - began
        self._stop = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop it."""
        self._stop.set()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def cpu_s(self) -> float:
        """CPU seconds of the process so far, user and system."""
        times = self.watched.cpu_times()
        return float(times.user + times.system)

    def get(self, path: str, **params: Any) -> Any:
        """Return the API's answer."""
        return self.ask(f"/api/v1{path}?{urlencode(params)}")

    def ask(self, target: str) -> Any:
        """Return the answer to a path with its query; over one plain connection: a client with comforts costs 0.4 ms itself."""
        try:
            return self._once(target)
        except ConnectionError:
            # The server closes a connection that was idle for some seconds.
            self._plain.close()
            return self._once(target)

    def _once(self, target: str) -> Any:
        self._plain.request("GET", target)
        answer = self._plain.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{target}: {answer.status} {body[:300]!r}")
        return json.loads(body)

    def settle(self, seconds: float = 10.0) -> None:
        """Wait until the log is empty, and then for merges."""
        while self.get("/health")["wal"]["pending_bytes"]:
            time.sleep(0.1)
        time.sleep(seconds)

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            try:
                self.peak_rss_bytes = max(self.peak_rss_bytes, self.watched.memory_info().rss)
            except psutil.Error:
                return
