"""The loader: sealed segments into the engine, about once a second, each exactly once."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog
from msgspec import Struct

from coldtrail.model.signals import Signal
from coldtrail.store.engine import Engine, EngineError
from coldtrail.store.load_sql import LOAD
from coldtrail.wal import Segment, WriteAheadLog
from coldtrail.wal.log import SIGNALS
from coldtrail.wal.segment import frames, sync_directory

log = structlog.get_logger(__name__)

MEMORY_LIMIT_EXCEEDED = 241
NOT_ENOUGH_SPACE = 243
_PASSING = {NOT_ENOUGH_SPACE, 74, 75, 76, 159, 209, 210, 242, 252, 319}
"""Codes that say nothing about the segment (disk, network, too many parts, ...): the load is tried again."""

PERIOD_S = 1.0
"""At most one load a second: fewer and larger inserts cost half as much a span as many small ones."""
RETRY_S = 2.0


class Quarantined(Struct, frozen=True):
    """A body that the engine refused: kept beside the log with the reason, and out of the way."""

    name: str
    signal: Signal
    size_bytes: int
    reason: str
    time_s: float


class Loader:
    """Moves segments of a write-ahead log into an engine; one thread, started with `start`.

    ``loaded`` is called after every load with the segment's signal, so that readers follow the newest.
    """

    def __init__(
        self,
        wal: WriteAheadLog,
        engine: Engine,
        quarantine: Path,
        loaded: Callable[[Segment], None] = lambda segment: None,
    ) -> None:
        self.wal = wal
        self.engine = engine
        self.quarantine = quarantine
        self.loaded = loaded
        self.failing: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="loader", daemon=True)
        quarantine.mkdir(parents=True, exist_ok=True)

    @property
    def started(self) -> bool:
        """Whether `start` was called."""
        return self._thread.ident is not None

    def start(self) -> None:
        """Begin to load."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the load under way and stop; what is not loaded stays in the log."""
        self._stop.set()
        self.wal.loadable.set()
        self._thread.join()

    def drain(self) -> None:
        """Load all that is committed now, in the calling thread."""
        for signal in SIGNALS:
            while segment := self.wal.seal(signal):
                self.load(segment)

    def load(self, segment: Segment) -> None:
        """Load one segment, quarantine what the engine refuses of it, and drop it from the log.

        Raises:
            EngineError: a passing fault; the segment stays where it is.
        """
        self._load_part(segment, segment.path, segment.name)
        self.wal.forget(segment)
        self.loaded(segment)

    def quarantined(self) -> list[Quarantined]:
        """Return what was refused so far, newest first."""
        found = []
        for path in sorted(self.quarantine.glob("*.json"), reverse=True):
            with contextlib.suppress(OSError, ValueError):
                found.append(Quarantined(**json.loads(path.read_text())))
        return found

    def _run(self) -> None:
        while not self._stop.is_set():
            self.wal.loadable.wait()
            started = time.monotonic()
            self.wal.loadable.clear()
            try:
                self.drain()
                self.failing = None
            except EngineError as error:
                self.failing = str(error)
                log.warning("load failed, will be tried again", reason=str(error)[:500])
                self.wal.loadable.set()
                self._stop.wait(RETRY_S)
            self._stop.wait(max(0.05, PERIOD_S - (time.monotonic() - started)))

    def _load_part(self, segment: Segment, path: Path, token: str) -> None:
        try:
            for table, statement in LOAD[segment.signal]:
                self.engine.load(statement, segment.signal, path, segment.created_s, f"{token}-{table}")
        except EngineError as error:
            if error.code in _PASSING:
                raise
            self._halve(segment, path, token, error)

    def _halve(self, segment: Segment, path: Path, token: str, error: EngineError) -> None:
        """Load both halves by themselves; a single body that still fails is the culprit."""
        data = path.read_bytes()
        bodies = frames(data)
        if len(bodies) == 1:
            if error.code == MEMORY_LIMIT_EXCEEDED and not self._stop.wait(RETRY_S):
                log.warning("a single body needs more memory than the engine may use", segment=token)
            self._set_aside(segment, data, token, str(error))
            return
        middle = bodies[len(bodies) // 2][0]
        for half, part in (("a", data[:middle]), ("b", data[middle:])):
            name = f"{token}{half}" if "-" in token else f"{token}-{half}"
            piece = segment.path.with_name(f"{name}.part")
            piece.write_bytes(part)
            try:
                self._load_part(segment, piece, name)
            finally:
                piece.unlink(missing_ok=True)

    def _set_aside(self, segment: Segment, data: bytes, token: str, reason: str) -> None:
        note = {
            "name": token,
            "signal": segment.signal,
            "size_bytes": len(data),
            "reason": reason[:2000],
            "time_s": time.time(),
        }
        (self.quarantine / f"{token}.bin").write_bytes(data)
        (self.quarantine / f"{token}.json").write_text(json.dumps(note))
        sync_directory(self.quarantine)
        log.error("a body was refused by the engine and set aside", segment=token, reason=reason[:300])
