"""What one pane costs: a fleet of functions in one store, then every screen in a real browser and each of its requests.

    python -m bench.pane [--functions 200] [--spans 5000000] [--metric-points 10000000] [--store FOLDER] [--only SCREEN]

`coldtrail_lab fleet` sends an hour of telemetry over real sockets. Then each screen is opened in Chromium, cold, and the
table tells: milliseconds until it can be worked with (what stands in the window is drawn with its figures, and a pressed key was
answered), milliseconds until nothing is loading any more, and of each request that the screen made the p50 and p95 of
ten answers, one after the other, with the CPU of the server; the goal stands beside. At last the server is stopped, and the
figures that it told are compared with the spans themselves. With ``--store`` the folder is kept; one that was filled before
is measured over the hour that it was filled with.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from msgspec import Struct
from playwright.sync_api import Browser, Page, Request, sync_playwright
from rich.console import Console
from rich.table import Table

from bench.agreement import Agreement, compare
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

OVERVIEW_MS, RESOURCE_MS, INTERACTIVE_MS, PEAK_MIB = 300, 500, 1_000, 1_229
"""What it should come to: answers of the overview, answers of a resource's page, the overview in the browser, resident memory."""

HOUR_S = 3_600


class Filled(Struct):
    """The hour that a store was filled with, in Unix seconds, and what the lab said of it."""

    until_s: int
    told: dict[str, Any]

    @property
    def range(self) -> tuple[str, str]:
        """Its beginning and end, as the page writes them."""
        return tuple(_text(at) for at in (self.until_s - HOUR_S, self.until_s))  # type: ignore[return-value]


def _text(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def fill(server: Server, arguments: argparse.Namespace) -> Filled:
    """Send a fleet's hour, ending with the last whole minute; return what was sent, and the CPU of the server."""
    before, until_s = server.cpu_s(), int(time.time()) // 60 * 60
    command = [
        sys.executable,
        "-m",
        "coldtrail_lab",
        "fleet",
        "--otlp-http",
        server.otlp_http,
        "--until",
        _text(until_s),
    ]
    for name in ("functions", "spans", "metric_points"):
        command += [f"--{name.replace('_', '-')}", str(getattr(arguments, name))]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    server.settle(arguments.settle)
    cpu_s = round(server.cpu_s() - before, 1)
    return Filled(until_s, {**told, "server_cpu_s": cpu_s, "peak_rss_mib": server.peak_rss_bytes >> 20})


def resources(server: Server, filled: Filled) -> dict[str, str]:
    """Return the page of the busiest resource of each kind, and of the busiest function."""
    since, until = filled.range
    found: dict[str, str] = {}
    for one in server.get("/resources", since=since, until=until)["resources"]:
        found.setdefault(one["kind"], f"/resource/{quote(one['name'], safe='')}?kind={one['kind']}")
    groups = server.get("/red", group="function", since=since, until=until)["groups"]
    function = max(groups, key=lambda one: int(one["count"]))["name"]
    return {f"resource: {kind}": path for kind, path in found.items()} | {"function": f"/function/{quote(function)}"}


class Opened(Struct):
    """A screen that was opened: milliseconds until it could be worked with and until all was there, what it asked the API for,
    and its requests and bytes in all.
    """

    ready_ms: float
    took_ms: float
    asked: list[str]
    requests: int
    kib: float


def open_screen(browser: Browser, url: str, range_: str) -> Opened:
    """Open a screen in a new tab with an empty cache."""
    asked: dict[str, None] = {}
    open_: set[Request] = set()
    loaded: list[Request] = []
    tab = browser.new_page()

    def ended(request: Request) -> None:
        open_.discard(request)
        parts = urlsplit(request.url)
        if parts.path not in LIVE:
            loaded.append(request)
            if parts.path.startswith("/api/") and request.method == "GET":
                asked[f"{parts.path}?{parts.query}"] = None

    tab.on("request", lambda request: open_.add(request))
    tab.on("requestfinished", ended)
    tab.on("requestfailed", lambda request: open_.discard(request))
    began = time.monotonic()
    tab.goto(f"{url}{'&' if '?' in url else '?'}{range_}", wait_until="commit")
    _until(tab, _IN_VIEW, open_, FIRST)
    tab.keyboard.press("?")
    tab.wait_for_selector("dialog.help[open]", timeout=60_000)
    ready_ms = (time.monotonic() - began) * 1e3
    tab.keyboard.press("Escape")
    _until(tab, _ANYWHERE, open_, ("/api/",))
    took_ms = (time.monotonic() - began) * 1e3
    sizes = [request.sizes() for request in loaded]
    opened = Opened(ready_ms, took_ms, list(asked), len(sizes), sum(one["responseBodySize"] for one in sizes) / 1024)
    tab.close()
    return opened


FIRST = ("/api/v1/red", "/api/v1/entries", "/api/v1/capabilities", "/api/v1/functions")
"""Asked for what stands on top, some of it without a sign of it before the answer is there."""

_ANYWHERE = """() => document.querySelector('main h1, main h2') && !document.querySelector('.verdict:not([role])')
  && !document.querySelector('main :is(.skeleton, .loading, [aria-busy=true])')"""
_IN_VIEW = """() => document.querySelector('main h1, main h2') && !document.querySelector('.verdict:not([role])')
  && ![...document.querySelectorAll('main :is(.skeleton, .loading, [aria-busy=true])')]
    .some(one => one.getBoundingClientRect().top < innerHeight)"""


def _until(tab: Page, holds: str, open_: set[Request], waited_for: tuple[str, ...]) -> None:
    """Wait until something holds of the page while none of the requests is open whose paths begin so."""
    while True:
        tab.wait_for_function(holds, timeout=60_000)
        paths = [urlsplit(request.url).path for request in open_]
        if not any(path.startswith(waited_for) for path in paths if path not in LIVE):
            return
        tab.wait_for_timeout(1)


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


def goal_ms(screen: str) -> int | None:
    """Return what an answer of a screen may take at most."""
    if screen == "overview":
        return OVERVIEW_MS
    return RESOURCE_MS if screen == "function" or screen.startswith("resource") else None


def measure(server: Server, filled: Filled, console: Console, only: str) -> None:
    """Open every screen, ask each of its questions, print the tables."""
    table = Table(
        "screen", "ready, all: 1st / 2nd ms", "requests, KiB", "request", "p50 ms", "p95 ms", "goal", "CPU ms"
    )
    range_ = f"t={'..'.join(filled.range)}"
    screens = {**SCREENS, **resources(server, filled)}
    missed = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for name, path in screens.items():
            if only and only not in name:
                continue
            first = open_screen(browser, server.url + path, range_)
            second = open_screen(browser, server.url + path, range_)
            shown, times, sizes = (
                name,
                f"{first.ready_ms:,.0f}, {first.took_ms:,.0f} / {second.ready_ms:,.0f}, {second.took_ms:,.0f}",
                f"{first.requests}, {first.kib:,.0f}",
            )
            if name == "overview" and second.ready_ms > INTERACTIVE_MS:
                missed.append(f"overview in the browser: {second.ready_ms:,.0f} ms (goal {INTERACTIVE_MS:,})")
            for target in first.asked:
                p50, p95, cpu = ask(server, target)
                goal, asked = goal_ms(name), target.partition("?")[0][7:]
                if goal and p50 > goal:
                    missed.append(f"{name}: {asked} {p50:,.0f} ms (goal {goal})")
                table.add_row(
                    shown,
                    times,
                    sizes,
                    asked,
                    f"{p50:,.0f}",
                    f"{p95:,.0f}",
                    f"<= {goal}" if goal else "",
                    f"{cpu:,.0f}",
                )
                shown = times = sizes = ""
        browser.close()
    console.print(table)
    console.print("missed: " + ("; ".join(missed) or "nothing"))


def print_agreement(console: Console, found: list[Agreement]) -> None:
    """Print how the figures told agree with the spans."""
    table = Table(
        "figures", "groups", "count told / of spans", "groups that differ", "worst p99", "beyond its neighbours"
    )
    for one in found:
        table.add_row(
            one.of,
            f"{one.groups:,}",
            f"{one.told:,} / {one.counted:,}",
            f"{one.differing} (goal 0)",
            f"{one.worst_p99:.2%}",
            f"{one.beyond:.2%} (goal <= 2 %)",
        )
    console.print(table)


def main() -> int:
    """Parse flags, fill, measure, print."""
    parser = argparse.ArgumentParser(prog="bench.pane", description=__doc__)
    parser.add_argument("--functions", type=int, default=200)
    parser.add_argument("--spans", type=int, default=5_000_000)
    parser.add_argument("--metric-points", type=int, default=10_000_000)
    parser.add_argument(
        "--store", type=Path, help="a data folder; filled where it is new, else measured as it is; kept"
    )
    parser.add_argument("--settle", type=float, default=60.0, help="seconds to wait after filling")
    parser.add_argument("--only", default="", help="only screens with this in their name")
    parser.add_argument("--fill-only", action="store_true")
    arguments = parser.parse_args()
    console = Console(width=160)
    with tempfile.TemporaryDirectory(prefix="coldtrail-pane-") as folder:
        data = arguments.store or Path(folder) / "data"
        note = data / "pane.json"
        with Server(data) as server:
            if not note.exists():
                filled = fill(server, arguments)
                note.write_text(json.dumps({"until_s": filled.until_s, "told": filled.told}))
            else:
                filled = Filled(**json.loads(note.read_text()))
                server.settle(20)  # what a start looks at once is over then
            console.print(filled.told)
            if arguments.fill_only:
                return 0
            measure(server, filled, console, arguments.only)
            peak_mib = server.peak_rss_bytes / 2**20
            console.print(f"peak resident memory {peak_mib:,.0f} MiB (goal <= {PEAK_MIB:,} MiB)")
            since, until = filled.range
            told = {
                group: server.get("/red", group=group, since=since, until=until, step="1m")["groups"]
                for group in ("service", "function", "route")
            }
        print_agreement(console, compare(data, told, filled.until_s - HOUR_S, filled.until_s))
    return 0


if __name__ == "__main__":
    sys.exit(main())
