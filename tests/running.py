"""A real `coldtrail up`, started on free ports and stopped by its own pid."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

import stores

COMMAND = Path(sys.executable).with_name("coldtrail")

CERTIFICATES = httpx.create_ssl_context()


SLOW_S = 90.0
"""What is waited for is there within two seconds; a machine that is busy with other tests may take so much longer."""


FIRST_PAUSE_S, MOST_PAUSE_S = 0.1, 1.0
"""What was sent is loaded within a second or so, and each look costs the server as much as a user's: a few are enough."""


class HTTP:
    """httpx's calls by themselves, patient; each would read all certificates anew, 30 ms of CPU, and a test that waits asks often."""

    get, post, put, patch, delete, options, head, request = (
        functools.partial(call, verify=CERTIFICATES, timeout=SLOW_S)
        for call in (httpx.get, httpx.post, httpx.put, httpx.patch, httpx.delete, httpx.options, httpx.head, httpx.request)
    )


TAKEN = "is taken by another program"
STARTS = 5


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on just now, all different: each is held until all are known."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def free_port() -> int:
    """One port that nobody listens on just now."""
    return free_ports(1)[0]


def wait_for(ask: Callable[[], Any], good: Callable[[Any], bool], timeout_s: float = SLOW_S, most_pause_s: float = MOST_PAUSE_S) -> Any:
    """Ask until the answer is good; fail with the last answer."""
    deadline, pause_s = time.monotonic() + timeout_s, FIRST_PAUSE_S
    while True:
        answer = ask()
        if good(answer):
            return answer
        assert time.monotonic() < deadline, f"not in time, last answer: {answer}"
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, most_pause_s)


@dataclass
class Coldtrail:
    """One running server and how to reach it."""

    process: subprocess.Popen[bytes]
    data: Path
    url: str
    otlp_http: str
    otlp_grpc: str
    xray: str
    log: Path
    headers: dict[str, str]

    def get(self, path: str, **params: Any) -> httpx.Response:
        return HTTP.get(f"{self.url}/api/v1{path}", params=params, headers=self.headers)

    def api(self, path: str, **params: Any) -> dict[str, Any]:
        answer = self.get(path, **params)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def eventually(self, path: str, good: Callable[[dict[str, Any]], bool], timeout_s: float = SLOW_S, **params: Any) -> dict[str, Any]:
        def ask() -> dict[str, Any]:
            answer = self.get(path, **params)
            return answer.json() if answer.status_code == 200 else {}

        return wait_for(ask, lambda answer: bool(answer) and good(answer), timeout_s)

    def settle(self) -> None:
        """Wait until all that was sent is loaded, or set aside: for who compares counts of the whole server, on which others have sent too."""
        self.eventually("/health", lambda answer: not answer["wal"]["pending_bytes"])

    def post(self, path: str, body: bytes, content_type: str = "application/x-protobuf", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return HTTP.post(f"{self.otlp_http}{path}", content=body, headers={"content-type": content_type, **self.headers, **named})

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SLOW_S)


def start(data: Path, *flags: str, env: dict[str, str] | None = None, token: str = "") -> Coldtrail:
    """Start a server on ``data`` and wait until it answers."""
    if not data.exists() and not stores.flags(data) and "--store" not in flags:
        shutil.copytree(_first_start(), data, symlinks=True)
    return _start(data, flags, env or {}, token)


def _start(data: Path, flags: tuple[str, ...], env: dict[str, str], token: str) -> Coldtrail:
    """A free port is known only until somebody else takes it, so a start that finds one taken is made again."""
    for _ in range(STARTS):
        running = _launch(data, flags, env, token)
        try:
            if _answers(running):
                return running
        except AssertionError:
            running.process.kill()
            raise
    raise AssertionError(f"a port was taken {STARTS} times: {running.log.read_text()}")


@functools.cache
def _first_start() -> Path:
    """A data folder as a first start leaves it; copies of it save each test the making of a hundred tables."""
    data = Path(tempfile.mkdtemp(prefix="coldtrail-first-start-")) / "data"
    atexit.register(shutil.rmtree, data.parent, ignore_errors=True)
    _start(data, (), {}, "").stop()
    return data


def _launch(data: Path, flags: tuple[str, ...], env: dict[str, str], token: str) -> Coldtrail:
    names = ("--port", "--otlp-http-port", "--otlp-grpc-port", "--xray-port")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    address = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    log = data.parent / f"{data.name}.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [COMMAND, "up", "--data", data, *stores.flags(data), *(str(part) for pair in ports.items() for part in pair), *flags],
            stdout=out,
            stderr=out,
            cwd=data.parent,
            env={**os.environ, **env},
        )
    return Coldtrail(
        process,
        data,
        f"http://{address['--port']}",
        f"http://{address['--otlp-http-port']}",
        address["--otlp-grpc-port"],
        address["--xray-port"],
        log,
        {"authorization": f"Bearer {token}"} if token else {},
    )


def _answers(running: Coldtrail) -> bool:
    """Wait until this very server answers and all of it listens; False if it ended because one of its ports was taken meanwhile."""

    def state() -> str:
        if running.process.poll() is not None:
            said = running.log.read_text()
            assert TAKEN in said.rpartition("coldtrail is up")[2], f"coldtrail ended with {running.process.returncode}: {said}"
            return "taken"
        try:
            answer = running.get("/health")
        except httpx.HTTPError:
            return ""
        health = answer.json() if answer.status_code == 200 else {}
        ours = health.get("data_dir") == str(running.data.resolve())
        return "up" if ours and all(health["listeners"].values()) else ""

    return wait_for(state, bool, 2 * SLOW_S) == "up"


@contextlib.contextmanager
def serving(data: Path, *flags: str, env: dict[str, str] | None = None, token: str = "") -> Iterator[Coldtrail]:
    """A server for the length of a block."""
    running = start(data, *flags, env=env, token=token)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.stop()
