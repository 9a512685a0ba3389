"""`coldtrail demo`: this coldtrail and a real pipeline beside it, until Ctrl-C; nothing is left running."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import typer

STORIES = ("activity-history", "invoice-close", "onboarding", "mirage", "costs-moved")
FAULTS = (
    "connection-errors=0.12",
    "malformed-records=0.04",
    "ledger-timeouts=0.15",
    "profile-overtakes=0.15",
    "busy-bus=0.2",
)
DEPLOY_AFTER_S = 180
"""Late enough for a before, soon enough for an after to be watched."""
START_S = 60.0
FIRST_TRAIL_S = 120.0
END_S = 20.0


def run_demo(
    data: Path, ports: Mapping[str, int], *, rate: float, seed: int, seconds: float | None, as_json: bool
) -> int:
    """Run both processes and return the exit code; 0 after Ctrl-C or ``seconds``."""
    if importlib.util.find_spec("coldtrail_lab") is None or importlib.util.find_spec("moto") is None:
        typer.secho("the demo needs the lab: run 'make setup', or pip install 'coldtrail[lab]'", fg="red", err=True)
        return 1
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    url = f"http://127.0.0.1:{ports['port']}"
    processes: list[subprocess.Popen[bytes]] = []
    try:
        return _run(processes, stop, data, ports, url, rate=rate, seed=seed, seconds=seconds, as_json=as_json)
    finally:
        _end(processes)
        if not as_json:
            typer.echo("demo: stopped; its data stays in " + str(data.resolve()))


def _run(
    processes: list[subprocess.Popen[bytes]],
    stop: threading.Event,
    data: Path,
    ports: Mapping[str, int],
    url: str,
    *,
    rate: float,
    seed: int,
    seconds: float | None,
    as_json: bool,
) -> int:
    up = [sys.executable, "-m", "coldtrail", "up", "--data", str(data)]
    up += [part for name, port in ports.items() for part in (f"--{name}", str(port))]
    processes.append(_start(up, quiet=as_json))
    if not _answers(url, processes[0], stop):
        return 0 if stop.is_set() else 1
    lab = [sys.executable, "-m", "coldtrail_lab", "run", "--rate", str(rate), "--seed", str(seed)]
    lab += ["--otlp-http", f"http://127.0.0.1:{ports['otlp-http-port']}", "--xray", f"127.0.0.1:{ports['xray-port']}"]
    lab += ["--api", url, "--deploy-after", str(DEPLOY_AFTER_S)]
    lab += [part for story in STORIES for part in ("--story", story)]
    lab += [part for fault in FAULTS for part in ("--fault", fault)]
    processes.append(_start(lab, quiet=as_json))
    trail = _first_trail(url, processes, stop)
    if trail:
        _announce(url, trail, as_json=as_json)
    elif not stop.is_set():
        typer.secho("demo: no trail arrived within two minutes; see the messages above", fg="red", err=True)
        return 1
    deadline = time.monotonic() + seconds if seconds else None
    while not stop.wait(0.5):
        for name, process in zip(("coldtrail", "the lab"), processes, strict=True):
            if process.poll() is not None:
                typer.secho(f"demo: {name} ended with {process.returncode}", fg="red", err=True)
                return 1
        if deadline and time.monotonic() > deadline:
            break
    return 0


def _start(command: list[str], *, quiet: bool) -> subprocess.Popen[bytes]:
    """Start a child in a group of its own, so that Ctrl-C reaches it once and through us."""
    return subprocess.Popen(command, stdout=sys.stderr if quiet else None, start_new_session=True)


def _answers(url: str, process: subprocess.Popen[bytes], stop: threading.Event) -> bool:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None and not stop.is_set():
        try:
            if httpx.get(f"{url}/api/v1/health", timeout=2).status_code == 200:
                return True
        except httpx.HTTPError:
            pass
        stop.wait(0.2)
    return False


def _first_trail(url: str, processes: list[subprocess.Popen[bytes]], stop: threading.Event) -> dict[str, Any] | None:
    """Wait for the first trail of this run that crossed the stream."""
    began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    deadline = time.monotonic() + FIRST_TRAIL_S
    while time.monotonic() < deadline and not stop.wait(0.5):
        if any(process.poll() is not None for process in processes):
            return None
        try:
            answer = httpx.get(f"{url}/api/v1/trails", params={"since": began, "service": "activity-ingest"}, timeout=5)
            if answer.status_code == 200 and answer.json()["trails"]:
                trail: dict[str, Any] = answer.json()["trails"][0]
                return trail
        except httpx.HTTPError:
            continue
    return None


def _announce(url: str, trail: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"url": url, "trail_id": trail["trail_id"]}))
        return
    typer.secho(f"\ndemo: a real pipeline is running; look at it on {url}/", fg="green", bold=True)
    typer.echo(f"demo: its first trail across the stream: {url}/trails/{trail['trail_id']}")
    typer.echo("demo: switch faults with 'python -m coldtrail_lab faults list'; Ctrl-C ends everything.")


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """Stop the lab first, then the server it sends to; kill what does not end."""
    for process in reversed(processes):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
