"""AWS on this machine: moto in server mode, a process of its own, spoken to with boto3 like the real thing."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from typing import Any

import boto3
from botocore.config import Config

from coldtrail_lab.sandbox import die_with_parent


class Aws:
    """A moto server and clients of it."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "coldtrail_lab.moto_server", str(self.port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
        )
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.1)
        raise RuntimeError("moto's server did not start; is moto[server] installed? ('make setup' installs it)")

    def client(self, service: str) -> Any:
        """Return the client of a service (clients are thread-safe)."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = boto3.client(
                    service,
                    endpoint_url=self.url,
                    region_name="eu-central-1",
                    aws_access_key_id="lab",
                    aws_secret_access_key="lab",
                    config=Config(retries={"max_attempts": 2}, max_pool_connections=20),
                )
            return self._clients[service]

    def close(self) -> None:
        """End the server."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
