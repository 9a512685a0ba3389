"""Memory is short while a segment is loaded: what was written of it by then is not written again."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from coldtrail.model.signals import Signal
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import MEMORY_LIMIT_EXCEEDED, EngineError
from coldtrail.store.loading.loader import MEMORY_TRIES, Loader
from coldtrail.store.loading.statements import EMITTERS
from coldtrail.store.schema.migrate import migrate
from coldtrail.wal import WriteAheadLog
from otlp import span, traces


class Short(Engine):
    """Has written all of a load when memory runs out, some times: a stand-in, since when it really does is chance."""

    times = 0

    def load(self, statement: str, signal: Signal, segment: Path, received_s: int, token: str) -> None:
        super().load(statement, signal, segment, received_s, token)
        if statement != EMITTERS and self.times > 0:
            self.times -= 1
            raise EngineError("Code: 241. DB::Exception: (total) memory limit exceeded", MEMORY_LIMIT_EXCEEDED)


@pytest.mark.parametrize("times", [1, MEMORY_TRIES - 1])
def test_a_segment_that_is_tried_again_is_there_once(tmp_path: Path, times: int) -> None:
    engine = Short(f"chdb://{tmp_path}/store")
    engine.times = times
    wal = WriteAheadLog(tmp_path / "wal")
    kept_s = {"spans": 86_400, "logs": 86_400, "metrics": 86_400}
    loader = Loader(wal, engine, tmp_path / "quarantine", prepare=lambda: migrate(engine, kept_s))
    try:
        loader.prepare()
        with ThreadPoolExecutor(1) as aside:  # where a browser is open, this thread has a loop already
            for number in range(4):
                aside.submit(asyncio.run, wal.append("traces", traces(span(f"one {number}", kind=2)), 1)).result()
        for left in reversed(range(times)):
            with pytest.raises(EngineError, match="memory limit"):
                loader.drain()
            assert (engine.times, wal.pending_bytes > 0) == (left, True)
        assert loader.drain() > 0
        assert (wal.pending_bytes, loader.quarantined()) == (0, [])
        assert engine.rows("SELECT (SELECT count() FROM spans), (SELECT sum(count) FROM red), (SELECT sum(span_count) FROM traces)") == [(4, 4, 4)]
    finally:
        wal.close()
        engine.close()


def test_a_load_brings_less_where_the_engine_has_little_memory() -> None:
    assert Engine("chdb:///nowhere", memory_bytes=300_000_000).segment_bytes == 27_272_727
    assert Engine("clickhouse://localhost", memory_bytes=300_000_000).segment_bytes == Engine("chdb:///nowhere").segment_bytes == 64 << 20


def test_memory_that_the_allocator_keeps_is_given_back(tmp_path: Path) -> None:
    engine = Engine(f"chdb://{tmp_path}/store", memory_bytes=300_000_000)
    try:
        engine.rows("SELECT length(groupArray(toString(number))) FROM numbers(2000000)", settings={"max_threads": 1})
        kept = psutil.Process().memory_info().rss
        engine.spare_memory()
        assert kept - psutil.Process().memory_info().rss > 30_000_000
    finally:
        engine.close()
