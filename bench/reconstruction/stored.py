"""`python -m bench.reconstruction.stored FOLDER`: what a large trail's detail costs beside all that a store has already.

The folder is what `bench.pane --store FOLDER` left; it is copied, and the copy is served. Trails of a known size are sent so
that they lie in the midst of its telemetry, each is asked for again and again, and the milliseconds and the CPU of an
answer are printed.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from bench.reconstruction.cost import SIZES, Row, idle, wide_trail
from bench.server import Server

GOAL_MS, GOAL_NODES = 150, 1_000
APART_NS = 10**9


def ask(server: Server, trail_id: str, nodes: int, times: int) -> Row:
    """Ask for a trail so often and return the row; the first answer, for which nothing was read yet, stands apart.

    How many nodes it has is told: a walk is bounded in the traces that it reads.
    """
    took_ms, found, before_s = [], 0, server.cpu_s()
    for _ in range(times):
        began = time.perf_counter()
        found = len(server.get(f"/trails/{trail_id}")["nodes"])
        took_ms.append((time.perf_counter() - began) * 1e3)
    cpu_ms = (server.cpu_s() - before_s) / times * 1e3
    ordered = sorted(took_ms)
    p95 = ordered[int(0.95 * (len(ordered) - 1))]
    told = f"p50 {statistics.median(ordered):.0f} / p95 {p95:.0f} / first {took_ms[0]:.0f} ms, CPU {cpu_ms:.0f} ms, {found:,} found"
    return f"a trail of {nodes:,} nodes", told, f"p50 <= {GOAL_MS} ms" if nodes == GOAL_NODES else ""


def measure(server: Server, times: int) -> Iterator[Row]:
    """Yield the rows of all sizes."""
    stored = server.get("/health")["store"]
    yield "stored", f"{stored['spans']:,} spans, {stored['logs']:,} log records", ""
    newest = server.get("/trails", limit=1)["trails"][0]["start"]
    midst_ns = int(datetime.fromisoformat(newest).timestamp() - 1_800) * 10**9
    sent = {size: wide_trail(server, size, midst_ns + place * APART_NS) for place, size in enumerate(SIZES)}
    server.settle(3)
    idle(server)
    for size, trail_id in sent.items():
        yield ask(server, trail_id, size, times)


def main() -> int:
    """Copy, serve, measure, print."""
    parser = argparse.ArgumentParser(prog="bench.reconstruction.stored", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--times", type=int, default=25)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coldtrail-bench-", dir=arguments.folder.resolve().parent) as copies:
        data = Path(copies) / "data"
        subprocess.run(["cp", "-r", "--reflink=auto", str(arguments.folder), str(data)], check=True)
        with Server(data) as server:
            idle(server)
            for name, value, goal in measure(server, arguments.times):
                print(f"{name:<40} {value}" + (f"   (goal {goal})" if goal else ""), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
