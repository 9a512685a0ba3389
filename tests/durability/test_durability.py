"""What was acknowledged survives: kill -9, a full disk, and an engine that refuses a body."""

from __future__ import annotations

import os
import random
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

import stores
from coldtrail.store.engine import Engine
from coldtrail.wal.segment import varint
from otlp import span, traces
from running import Coldtrail, serving, start, wait_for

KILLS = {"chdb": 20, "clickhouse": 4}


class Sender(threading.Thread):
    """Sends bodies until told to stop; a body without an answer is sent again, to the next life of the server."""

    def __init__(self, seed: int) -> None:
        super().__init__(daemon=True)
        self.dice = random.Random(seed)
        self.server: Coldtrail | None = None
        self.stopping = threading.Event()
        self.acknowledged: list[str] = []

    def run(self) -> None:
        body, ids = self.make()
        while not self.stopping.is_set():
            server = self.server
            try:
                answer = server.post("/v1/traces", body) if server else None
            except httpx.HTTPError:
                answer = None
            if answer is not None and answer.status_code == 200:
                self.acknowledged += ids
                body, ids = self.make()
            else:
                self.stopping.wait(0.05)

    def make(self) -> tuple[bytes, list[str]]:
        spans = [span(f"n{number}", trace_id=self.dice.randbytes(16), span_id=self.dice.randbytes(8)) for number in range(20)]
        return traces(*spans), [(one["trace_id"] + one["span_id"]).hex() for one in spans]


def stored(data: Path) -> Counter[str]:
    """Every span in the store, as often as it is there."""
    engine = Engine(stores.dsn(data))
    try:
        return Counter(row[0] for row in engine.rows("SELECT lower(hex(concat(trace_id, span_id))) FROM spans"))
    finally:
        engine.close()


@pytest.mark.both_stores
def test_twenty_kills_lose_and_double_nothing(tmp_path: Path, store: str) -> None:
    data, dice = tmp_path / "data", random.Random(4711)
    senders = [Sender(seed) for seed in range(3)]
    for sender in senders:
        sender.start()
    for _ in range(KILLS[store]):
        server = start(data)
        for sender in senders:
            sender.server = server
        time.sleep(dice.uniform(0.05, 0.9))
        server.kill()
    with serving(data) as last:
        for sender in senders:
            sender.server = last
        before = [len(sender.acknowledged) for sender in senders]
        wait_for(lambda: [len(sender.acknowledged) for sender in senders], lambda now: all(n > b for n, b in zip(now, before, strict=True)))
        for sender in senders:
            sender.stopping.set()
            sender.join()
        last.eventually("/health", lambda answer: answer["wal"]["pending_bytes"] == 0)
        assert last.api("/health")["wal"]["quarantined"] == 0
    acknowledged = [one for sender in senders for one in sender.acknowledged]
    found = stored(data)
    assert len(acknowledged) > KILLS[store] * 5
    assert not [one for one in acknowledged if one not in found]
    assert {one: count for one, count in found.items() if count > 1} == {}


@pytest.mark.both_stores
def test_a_body_that_the_engine_refuses_is_set_aside_and_the_rest_is_loaded(tmp_path: Path) -> None:
    data = tmp_path / "data"
    good = [span(f"good {number}") for number in range(6)]
    bodies = [traces(one) for one in good]
    bodies.insert(3, b"\x0a\x05\x12\x03\xff\xff\xff")
    folder = data / "wal/traces"
    folder.mkdir(parents=True)
    frames = b"".join(varint(len(body)) + body for body in bodies)
    (folder / f"{time.time_ns():020d}.seg").write_bytes(frames + varint(1000) + b"torn")
    with serving(data) as running:
        segments = running.eventually("/quarantine", lambda answer: answer["segments"])["segments"]
        assert (len(segments), segments[0]["signal"], bool(segments[0]["reason"])) == (1, "traces", True)
        for one in good:
            running.eventually("/spans", lambda answer: len(answer["spans"]) == 1, trace_id=one["trace_id"].hex())
        left = {"pending_bytes": 0, "quarantined": 1}
        running.eventually("/health", lambda answer: answer["wal"].items() >= left.items())


def test_a_long_log_tells_senders_to_come_back(tmp_path: Path) -> None:
    with serving(tmp_path / "data", env={"COLDTRAIL_WAL_BOUND_BYTES": str(1 << 20)}) as running:
        # Each a little less than the log may hold, and faster than they are loaded.
        answer = wait_for(lambda: running.post("/v1/traces", traces(span(attributes={"filler": "x" * 900_000}))), lambda answer: answer.status_code != 200, most_pause_s=0.1)
        assert (answer.status_code, int(answer.headers["retry-after"]) >= 1) == (503, True)
        assert running.post("/v1/traces", traces(span())).status_code == 200
        assert any(one["refused_requests"] for one in running.api("/received")["protocols"])


def test_a_resent_body_adds_nothing(coldtrail: Coldtrail) -> None:
    one = span()
    for _ in range(3):
        assert coldtrail.post("/v1/traces", traces(one)).status_code == 200
    coldtrail.eventually("/trails", lambda answer: [row["node_count"] for row in answer["trails"] if row["trail_id"] == one["trace_id"].hex()] == [1], q=one["trace_id"].hex())


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system can be mounted by root alone")
def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path, store: str) -> None:
    if store != "chdb":
        pytest.skip("a server has a disk of its own, so the log on this one is soon empty again")
    data = tmp_path / "data"
    data.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", data], capture_output=True).returncode:
        pytest.skip("this machine does not let root mount a tmpfs")
    try:
        acknowledged, refused = [], None
        with serving(data, env={"COLDTRAIL_DISK_FLOOR_BYTES": str(8 << 20)}) as running:
            (data / "ballast").write_bytes(b"x" * (34 << 20))
            for _ in range(200):
                one = span(attributes={"noise": os.urandom(100_000).hex()})
                answer = running.post("/v1/traces", traces(one))
                if answer.status_code != 200:
                    refused = answer
                    break
                acknowledged.append(one["trace_id"].hex())
            assert refused is not None
            assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
            (data / "ballast").unlink()
            for trace_id in acknowledged:
                running.eventually("/spans", lambda answer: len(answer["spans"]) == 1, trace_id=trace_id)
            running.eventually("/health", lambda answer: answer["status"] == "ok")
            late = span()
            wait_for(lambda: running.post("/v1/traces", traces(late)).status_code, lambda status: status == 200)
    finally:
        subprocess.run(["umount", "-l", data], check=False)
