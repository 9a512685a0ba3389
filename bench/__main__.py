"""`python -m bench`: measure and print one table."""

from __future__ import annotations

import argparse
import gzip
import json
import random
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import httpx

from bench import bodies, loading
from bench.loading import HOUR_NS, Say, ingest
from bench.server import Server
from coldtrail.store.engine import Engine

Row = tuple[str, str, str]

PACE, PACED = 20_000, 1_000_000
"""Spans a second of a server that is not filled to the brim, and how many."""


def percentiles(ask: Callable[[int], Any], times: int) -> tuple[float, float]:
    """Return p50 and p95 in ms of calls through the API."""
    for number in range(3):
        ask(number)
    took = []
    for number in range(times):
        began = time.perf_counter()
        ask(number + 3)
        took.append((time.perf_counter() - began) * 1e3)
    took.sort()
    return statistics.median(took), took[int(len(took) * 0.95)]


def queries(server: Server, sample: list[str]) -> list[Row]:
    """Measure the reads at the size that is loaded."""
    pick = random.Random(2).choices(sample, k=250)
    service = bodies.SERVICES[3]
    cases: list[tuple[str, str, Callable[[int], Any], int]] = [
        ("trace by id", "p50 <= 5, p95 <= 15 ms", lambda n: server.get("/spans", trace_id=pick[n]), 200),
        ("whole trail", "p50 <= 10 ms", lambda n: server.get(f"/trails/{pick[n]}"), 200),
        (
            "search newest 20: service, attribute, duration",
            "<= 50 ms",
            lambda n: server.get(
                "/trails", service=service, q=f"http.route={bodies.ROUTES[n % 40]}", min_ms=50, limit=20
            ),
            20,
        ),
        (
            "search newest 20: attribute, duration",
            "<= 150 ms",
            lambda n: server.get("/trails", q=bodies.ROUTES[n % 40], min_ms=50, limit=20),
            20,
        ),
        ("newest 20 trails", "", lambda n: server.get("/trails", limit=20), 20),
        ("find a user id", "", lambda n: server.get("/find", q=f"user-{n * 37:05d}"), 20),
        ("RED over an hour, by service", "<= 150 ms", lambda n: server.get("/red", since="now-1h", step="60s"), 20),
    ]
    rows = []
    for name, goal, ask, times in cases:
        p50, p95 = percentiles(ask, times)
        rows.append((name, f"p50 {p50:.1f} / p95 {p95:.1f} ms", goal))
    return rows


def visible_after_ack(server: Server) -> float:
    """Return the median time in ms from the answer until the span is given by the API."""
    dice, took = random.Random(3), []
    for _ in range(10):
        body, ids = bodies.traces(dice, time.time_ns(), 10**9)
        httpx.post(f"{server.otlp_http}/v1/traces", content=body, headers={"content-type": "application/x-protobuf"})
        began = time.perf_counter()
        while not server.get("/spans", trace_id=ids[0])["spans"]:
            time.sleep(0.01)
        took.append((time.perf_counter() - began) * 1e3)
    return max(took)


def other_protocols(server: Server, spans: int) -> list[Row]:
    """Measure gRPC, logs and X-Ray."""
    dice, now_ns = random.Random(4), time.time_ns()
    count = max(20, spans // 25 // bodies.SPANS_A_BODY)
    made = [bodies.traces(dice, now_ns - HOUR_NS, HOUR_NS)[0] for _ in range(count)]
    channel = grpc.insecure_channel(server.grpc, options=[("grpc.default_compression_algorithm", 2)])
    export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
    by_grpc = ingest(server, lambda body: export(body), made, count * bodies.SPANS_A_BODY)
    records = [gzip.compress(bodies.logs(dice, now_ns), 1) for _ in range(count)]
    headers = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
    client = httpx.Client(timeout=60)
    by_logs = ingest(
        server,
        lambda body: client.post(f"{server.otlp_http}/v1/logs", content=body, headers=headers),
        records,
        count * 500,
    )
    datagrams = [bodies.segment(time.time()) for _ in range(20_000)]
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    before = server.get("/received")["spans"]

    def paced(batch: list[bytes]) -> None:
        for datagram in batch:
            sender.sendto(datagram, server.xray)
        time.sleep(0.02)

    batches = [datagrams[start : start + 100] for start in range(0, len(datagrams), 100)]
    began = server.cpu_s()
    for batch in batches:
        paced(batch)
    server.settle()
    arrived = server.get("/received")["spans"] - before
    by_xray = arrived / (server.cpu_s() - began)
    return [
        ("ingest OTLP/gRPC gzip, spans per CPU-s", f"{by_grpc:,.0f}", ""),
        ("ingest OTLP/HTTP logs gzip, records per CPU-s", f"{by_logs:,.0f}", ""),
        ("ingest X-Ray UDP, segments per CPU-s", f"{by_xray:,.0f} ({arrived:,} of {len(datagrams):,} arrived)", ""),
    ]


def disk(data: Path) -> list[Row]:
    """Return bytes a span: all tables that spans fill, and the columns of `spans`."""
    engine = Engine(f"chdb://{data / 'store'}")
    try:
        spans = engine.rows("SELECT count() FROM spans")[0][0]
        tables = engine.rows(
            "SELECT table, sum(bytes_on_disk) AS b FROM system.parts WHERE active AND table != 'logs' AND NOT startsWith(table, 'metric') "
            "GROUP BY table ORDER BY b DESC"
        )
        columns = _by_column(engine)
    finally:
        engine.close()
    total = sum(row[1] for row in tables) / spans
    by_table = ", ".join(f"{name} {size / spans:.1f}" for name, size in tables if size / spans >= 0.05)
    by_column = ", ".join(f"{name} {size:.1f}" for name, size in columns)
    return [("bytes a span on disk", f"{total:.1f} ({by_table})", "<= 100"), ("  columns of spans", by_column, "")]


def _by_column(engine: Engine, sample: int = 1_000_000) -> list[tuple[str, float]]:
    """Bytes a span of each column. Parts keep their columns together, so a copy of some spans is kept apart for it."""
    engine.command("CREATE TABLE by_column AS spans SETTINGS min_bytes_for_wide_part = 0, min_rows_for_wide_part = 0")
    engine.command(f"INSERT INTO by_column SELECT * FROM spans LIMIT {sample}")
    rows = engine.rows(
        "SELECT column, sum(column_data_compressed_bytes) / sum(rows) AS b FROM system.parts_columns "
        "WHERE active AND table = 'by_column' GROUP BY column ORDER BY b DESC LIMIT 8"
    )
    return [(name, size) for name, size in rows]


def measure(spans: int, folder: Path, say: Say) -> list[Row]:
    """Run everything and return the rows of the table."""
    data = folder / "data"
    made = loading.make(folder / "bodies", spans, say)
    rows: list[Row] = []
    with Server(data) as server:
        rows.append(("start-up, empty store", f"{server.ready_s:.2f} s", "<= 3 s"))
        rate = loading.send(server, made.files, say)
        rows.append(("ingest OTLP/HTTP gzip, spans per CPU-s", f"{rate:,.0f}", ">= 60,000"))
        rows.append(("peak resident memory under load", f"{server.peak_rss_bytes / 2**20:,.0f} MiB", "<= 1,229 MiB"))
        say("reading")
        rows += queries(server, made.trace_ids)
        rows.append(("visible after the answer, worst of 10", f"{visible_after_ack(server):,.0f} ms", "<= 2,000 ms"))
        say("other protocols")
        rows += other_protocols(server, spans)
    with Server(data) as server:
        rows.append((f"start-up, {spans:,} spans", f"{server.ready_s:.2f} s", "<= 3 s"))
    say(f"sending, {PACE:,} a second")
    with Server(folder / "paced") as server:
        rate = loading.send(server, made.files[: PACED // bodies.SPANS_A_BODY], say, pace=PACE)
        rows.append((f"ingest OTLP/HTTP gzip at {PACE:,} spans a second, spans per CPU-s", f"{rate:,.0f}", ""))
    return rows + disk(data)


def main() -> int:
    """Parse flags, measure, print."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--spans", type=int, default=5_000_000)
    parser.add_argument("--json", type=Path, help="also write the rows here")
    arguments = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="coldtrail-bench-") as folder:
        rows = measure(arguments.spans, Path(folder), lambda text: print(f"bench: {text}", file=sys.stderr, flush=True))
    width = max(len(row[0]) for row in rows)
    for name, value, goal in rows:
        print(f"{name:<{width}}  {value}" + (f"   (goal {goal})" if goal else ""))
    print(f"{arguments.spans:,} spans over one hour; {time.monotonic() - began:.0f} s")
    if arguments.json:
        arguments.json.write_text(
            json.dumps([dict(zip(("name", "value", "goal"), row, strict=True)) for row in rows], indent=2)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
