"""Spans by OTLP/HTTP gzip: bodies made before anything is measured, sent as fast as the server takes them or at a pace."""

from __future__ import annotations

import gzip
import random
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from msgspec import Struct

from bench import bodies
from bench.server import Server

HOUR_NS = 3600 * 10**9
SENDERS = 4
Say = Callable[[str], None]


class Made(Struct, frozen=True):
    """Bodies in files, of 500 spans each, and one trace id (hex) of each."""

    files: list[Path]
    trace_ids: list[str]


def make(folder: Path, spans: int, say: Say) -> Made:
    """Write bodies of ``spans`` spans over the last hour to ``folder``.

    Apart from sending: making them takes as much CPU as taking them in, on the cores that the server needs.
    """
    folder.mkdir()
    count = spans // bodies.SPANS_A_BODY
    files, trace_ids = [], []
    with ProcessPoolExecutor() as pool:
        one = partial(_write, folder, time.time_ns() - HOUR_NS, count)
        for number, (file, trace_id) in enumerate(pool.map(one, range(count), chunksize=20), 1):
            files.append(file)
            trace_ids.append(trace_id)
            if number % 1_000 == 0:
                say(f"{number * bodies.SPANS_A_BODY:,} of {spans:,} spans made")
    return Made(files, trace_ids)


def _write(folder: Path, first_ns: int, count: int, number: int) -> tuple[Path, str]:
    at_ns = first_ns + HOUR_NS * number // count
    body, ids = bodies.traces(random.Random(number), at_ns, HOUR_NS // count)
    file = folder / f"{number:06}.gz"
    file.write_bytes(gzip.compress(body, 1))
    return file, ids[0]


def ingest(server: Server, send: Callable[[Any], Any], batches: Iterable[Any], items: int) -> float:
    """Send all batches and return items per CPU-second of the server, 10 s of settling counted."""
    before = server.cpu_s()
    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(send, batches))
    server.settle()
    return items / (server.cpu_s() - before)


def send(server: Server, files: list[Path], say: Say, *, pace: float = 0.0) -> float:
    """Send files, ``pace`` spans a second where it is given, and return spans per CPU-second."""
    headers = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
    began, spans = time.monotonic(), len(files) * bodies.SPANS_A_BODY

    def one(number: int) -> None:
        if pace:
            time.sleep(max(0.0, began + number * bodies.SPANS_A_BODY / pace - time.monotonic()))
        body = files[number].read_bytes()
        while client.post(f"{server.otlp_http}/v1/traces", content=body, headers=headers).status_code != 200:
            time.sleep(0.2)
        if number % 1_000 == 999:
            say(f"{(number + 1) * bodies.SPANS_A_BODY:,} of {spans:,} spans sent")

    with httpx.Client(timeout=120) as client:
        return ingest(server, one, range(len(files)), spans)
