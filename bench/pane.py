"""What one pane costs: a fleet of functions in one store, then every screen in a real browser and each of its requests.

    python -m bench.pane [--functions 200] [--spans 5000000] [--metric-points 10000000] [--store FOLDER]

`coldtrail_lab fleet` sends an hour of telemetry over real sockets. Then each screen is opened in Chromium, cold, and the
table tells: milliseconds until nothing is loading any more, and of each request that the screen made the p50 and p95 of
ten answers, one after the other, with the CPU seconds of the server. With ``--store`` a folder filled before is measured.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from playwright.sync_api import Browser, Page, Request, sync_playwright
from rich.console import Console
from rich.table import Table

from bench.server import Server

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ASKED = 10
SCREENS = {
    "overview": "/",
    "map": "/map",
    "trails": "/trails",
    "event sources": "/event-sources",
    "cold starts": "/cold-starts",
    "limits": "/limits",
    "costs": "/costs",
    "deployments": "/deployments",
    "metrics": "/metrics",
    "findings": "/findings",
}
LIVE = ("/api/v1/live", "/api/v1/health")
"""Asked by every screen all the time, whatever it shows."""


def fill(server: Server, arguments: argparse.Namespace) -> dict[str, Any]:
    """Send a fleet's hour and return what was sent, and the CPU of the server by item."""
    before = server.cpu_s()
    command = [sys.executable, "-m", "coldtrail_lab", "fleet", "--otlp-http", server.otlp_http]
    for name in ("functions", "spans", "metric_points"):
        command += [f"--{name.replace('_', '-')}", str(getattr(arguments, name))]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    server.settle(30)
    return {**told, "server_cpu_s": round(server.cpu_s() - before, 1), "peak_rss_mib": server.peak_rss_bytes >> 20}


def resources(server: Server) -> dict[str, str]:
    """Return the page of the busiest resource of each kind, and of one function."""
    found: dict[str, str] = {}
    for one in server.get("/resources")["resources"]:
        found.setdefault(one["kind"], f"/resource/{quote(one['name'], safe='')}?kind={one['kind']}")
    function = server.get("/red", by="service")["groups"][0]["name"]
    return {f"resource: {kind}": path for kind, path in found.items()} | {"function": f"/function/{quote(function)}"}


def open_screen(browser: Browser, url: str, range_: str) -> tuple[float, list[str]]:
    """Open a screen in a new tab with an empty cache; return milliseconds until all is there, and what it asked for."""
    asked: dict[str, None] = {}
    tab = browser.new_page()

    def note(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.path.startswith("/api/") and parts.path not in LIVE and request.method == "GET":
            asked[f"{parts.path}?{parts.query}"] = None

    tab.on("request", note)
    began = time.monotonic()
    tab.goto(f"{url}{'&' if '?' in url else '?'}{range_}")
    _wait(tab)
    took_ms = (time.monotonic() - began) * 1e3
    tab.close()
    return took_ms, list(asked)


def _wait(tab: Page) -> None:
    tab.wait_for_selector("main h1, main h2", timeout=60_000)
    tab.wait_for_function("() => !document.querySelector('.skeleton, [aria-busy=true]')", timeout=60_000)


def ask(server: Server, target: str) -> tuple[float, float, float]:
    """Return p50 and p95 of an answer in milliseconds, and the CPU milliseconds of one."""
    times = []
    before = server.cpu_s()
    for _ in range(ASKED):
        began = time.monotonic()
        server.ask(target)
        times.append((time.monotonic() - began) * 1e3)
    cpu_ms = (server.cpu_s() - before) / ASKED * 1e3
    return statistics.median(times), sorted(times)[int(0.95 * ASKED)], cpu_ms


def measure(server: Server, console: Console) -> None:
    """Open every screen, ask each of its questions, print the tables."""
    table = Table("screen", "browser, first / second ms", "request", "p50 ms", "p95 ms", "CPU ms")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for name, path in {**SCREENS, **resources(server)}.items():
            first_ms, asked = open_screen(browser, server.url + path, "t=now-1h")
            second_ms, _ = open_screen(browser, server.url + path, "t=now-1h")
            times = f"{first_ms:,.0f} / {second_ms:,.0f}"
            for target in asked:
                p50, p95, cpu = ask(server, target)
                table.add_row(name, times, target.partition("?")[0][7:], f"{p50:,.0f}", f"{p95:,.0f}", f"{cpu:,.0f}")
                name = times = ""
        browser.close()
    console.print(table)


def main() -> int:
    """Parse flags, fill, measure, print."""
    parser = argparse.ArgumentParser(prog="bench.pane", description=__doc__)
    parser.add_argument("--functions", type=int, default=200)
    parser.add_argument("--spans", type=int, default=5_000_000)
    parser.add_argument("--metric-points", type=int, default=10_000_000)
    parser.add_argument("--store", type=Path, help="a data folder; filled where it is new, else measured as it is")
    arguments = parser.parse_args()
    console = Console(width=140)
    with tempfile.TemporaryDirectory(prefix="coldtrail-pane-") as folder:
        data = arguments.store or Path(folder) / "data"
        known = (data / "store").is_dir()
        with Server(data) as server:
            if not known:
                console.print(fill(server, arguments))
            measure(server, console)
            console.print(f"peak resident memory {server.peak_rss_bytes / 2**20:,.0f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
