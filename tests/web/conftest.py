"""A running coldtrail with story 1 inside, and a real browser."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parent))

from activity import Activity, Sender, refused

CHROMIUM = "/usr/bin/chromium"
COMMAND = Path(sys.executable).with_name("coldtrail")
PAGE = Path(__file__).parents[2] / "src/coldtrail/server/page/index.html"
START_S = 60
VISIBLE_S = 20


@dataclass
class Running:
    """One server: where its page and its receivers are."""

    url: str
    otlp_http: str

    def get(self, path: str) -> dict:
        answer = httpx.get(f"{self.url}/api/v1{path}", timeout=20)
        answer.raise_for_status()
        return answer.json()


@dataclass
class Told(Running):
    """A server that was told story 1: some activities went well, the latest ones failed."""

    well: list[Activity]
    failed: list[Activity]
    large: str


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(data: Path) -> Iterator[Running]:
    ports = {"--port": free_port(), "--otlp-http-port": free_port(), "--otlp-grpc-port": 0, "--xray-port": 0}
    arguments = [part for name, port in ports.items() for part in (name, str(port))]
    log = (data / "server.log").open("wb")
    process = subprocess.Popen(
        [COMMAND, "up", "--data", str(data / "store"), "--json", *arguments],
        stdout=log,
        stderr=log,
        cwd=data,
        env={name: value for name, value in os.environ.items() if not name.startswith("COLDTRAIL_")},
    )
    running = Running(f"http://127.0.0.1:{ports['--port']}", f"127.0.0.1:{ports['--otlp-http-port']}")
    try:
        await_answer(running, process, data / "server.log")
        yield running
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        log.close()


def await_answer(running: Running, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"coldtrail up ended: {log.read_text()[-2000:]}")
        try:
            httpx.get(f"{running.url}/api/v1/health", timeout=5).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError(f"coldtrail up did not answer: {log.read_text()[-2000:]}")


def until(what: str, true) -> None:
    """Ask until something is so; the server promises two seconds, a busy machine gets more."""
    end = time.monotonic() + VISIBLE_S
    while not true():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.2)


@pytest.fixture(scope="session", autouse=True)
def built_page() -> None:
    if not PAGE.is_file():
        pytest.fail("the page is not built: run `npm ci && npm run build` in web/")


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that nothing was ever sent to."""
    yield from start(tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    for running in start(tmp_path_factory.mktemp("told")):
        yield tell(running)


def tell(running: Running) -> Told:
    sender = Sender(running.otlp_http)
    now = time.time_ns()
    minute = 60 * 10**9
    well = [sender.activity(now - 55 * minute + i * 45 * 10**9, failed=False) for i in range(60)]
    failed = [sender.activity(now - 9 * minute + i * minute, failed=True) for i in range(6)]
    sender.flush()
    large = sender.large(20_000)
    refused(running.otlp_http)
    last = failed[-1].ingest_request_id
    until("the last log line is visible", lambda: running.get(f"/logs?request_id={last}")["logs"])
    until("the last span is visible", lambda: running.get(f"/find?q={failed[-1].api_request_id}")["matches"])
    until("the large trail is whole", lambda: whole(running, large))
    return Told(running.url, running.otlp_http, well, failed, large)


def whole(running: Running, trace_id: str) -> bool:
    answer = httpx.get(f"{running.url}/api/v1/trails/{trace_id}/columns", timeout=20)
    return answer.status_code == 200 and answer.json()["node_count"] >= 20_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1440, "height": 900}, permissions=["clipboard-read", "clipboard-write"])
    made.set_default_timeout(15_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab whose errors fail the test: exceptions, CSP violations, requests to another origin."""
    tab = context.new_page()
    wrong: list[str] = []
    tab.on("pageerror", lambda error: wrong.append(f"exception: {error}"))
    tab.on("console", lambda message: wrong.append(message.text) if "Content Security Policy" in message.text else None)
    tab.on("request", lambda request: wrong.append(request.url) if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")) else None)
    yield tab
    assert wrong == []


