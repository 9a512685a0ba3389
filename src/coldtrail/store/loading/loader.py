"""The loader: sealed segments into the engine, about once a second, each exactly once."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog
from msgspec import Struct

from coldtrail.model.signals import Signal
from coldtrail.store.engine import Engine
from coldtrail.store.engine_errors import (
    MEMORY_LIMIT_EXCEEDED,
    UNKNOWN_DATABASE,
    UNKNOWN_TABLE,
    EngineError,
    Unreachable,
)
from coldtrail.store.loading.speakers import Speakers
from coldtrail.store.loading.statements import EMITTERS, LOAD
from coldtrail.store.schema.migrate import TooNew
from coldtrail.wal import Segment, WriteAheadLog
from coldtrail.wal.log import SIGNALS
from coldtrail.wal.segment import frames, sync_directory, varint

log = structlog.get_logger(__name__)

PERIOD_S = 1.0
"""At most one load a second: fewer and larger inserts cost half as much a span as many small ones."""

BUSY = 4.0
"""The next load begins after so many times what the last one took: each costs 0.2 s of CPU and writes twenty parts to be merged,
however little it brings, so few and large ones leave more of the machine to all else."""

MUCH_BYTES, MOST_PERIOD_S, SLOW_PERIOD_S = 4 << 20, 4.0, 1.5
"""But after so long at the latest: the first where a load brought so much (ten thousand spans), the second where less comes, which
is seen within two seconds on a slow machine as well."""
RETRY_S = 2.0
MEMORY_TRIES = 5
"""How often a segment for which memory is short is tried as a whole: what else runs will end, and what the tries before wrote of it
is known by its token. Its halves have other tokens, so what was written of it would be there twice.
"""
SMALL_BODY_BYTES = 1 << 20
"""Loads of this size fit into the least memory that the engine may be given, so another query has it all."""


class Quarantined(Struct, frozen=True):
    """A body that the engine refused: kept beside the log with the reason, and out of the way."""

    name: str
    signal: Signal
    size_bytes: int
    reason: str
    time_s: float


class Loader:
    """Moves segments of a write-ahead log into an engine; one thread, started with `start`.

    ``prepare`` is run before the first load until it succeeds, and again where the tables are gone: a server may be
    away when we start, or come back empty. ``loaded`` is called after every load, so that readers follow the newest.
    """

    def __init__(
        self,
        wal: WriteAheadLog,
        engine: Engine,
        quarantine: Path,
        loaded: Callable[[Segment], None] = lambda segment: None,
        prepare: Callable[[], object] = lambda: None,
    ) -> None:
        self.wal = wal
        self.engine = engine
        self.quarantine = quarantine
        self.loaded = loaded
        self.failing: str | None = None
        self._prepare = prepare
        self._speakers = Speakers()
        self._prepared = False
        self._short_of_memory: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="loader", daemon=True)
        quarantine.mkdir(parents=True, exist_ok=True)

    def prepare(self) -> None:
        """Bring the store to the state that loading needs, unless that was done.

        Raises:
            EngineError: the engine refused, or does not answer.
            TooNew: the store is of a newer coldtrail.
        """
        if not self._prepared:
            self._prepare()
            self._prepared = True
            self._speakers.forget()

    def start(self) -> None:
        """Begin to load."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the load under way and stop; what is not loaded stays in the log."""
        self._stop.set()
        self.wal.loadable.set()
        if self._thread.ident is not None:
            self._thread.join()

    def drain(self) -> int:
        """Load all that is committed now, in the calling thread; a signal that fails does not hold up the others.

        Returns how many bytes that was.

        What comes meanwhile is for the next time: under load it never ends, and small loads cost as much as large ones.

        Raises:
            EngineError: a passing fault; its segments stay where they are.
        """
        failure: EngineError | None = None
        loaded_bytes = 0
        newest_ns = self.wal.newest_ns
        for signal in SIGNALS:
            try:
                while segment := self.wal.seal(signal, newest_ns):
                    self.load(segment)
                    loaded_bytes += segment.size_bytes
            except Unreachable:
                raise
            except EngineError as error:
                failure = error
        if failure:
            raise failure
        return loaded_bytes

    def load(self, segment: Segment) -> None:
        """Load one segment, quarantine what the engine refuses of it, and drop it from the log.

        Raises:
            EngineError: a passing fault; the segment stays where it is.
        """
        self._load_part(segment, segment.path, segment.name)
        self.wal.forget(segment)
        self._short_of_memory.pop(segment.name, None)
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
            if self._prepared:
                self.wal.loadable.wait()
            started, loaded_bytes = time.monotonic(), 0
            self.wal.loadable.clear()
            try:
                self.prepare()
                loaded_bytes = self.drain()
                self.failing = None
            except (EngineError, TooNew, OSError) as error:
                self._will_retry(error)
            took_s = time.monotonic() - started
            most_s = MOST_PERIOD_S if loaded_bytes > MUCH_BYTES else SLOW_PERIOD_S
            period_s = min(max(PERIOD_S, BUSY * took_s), most_s)
            self._stop.wait(max(0.05, period_s - took_s))

    def _will_retry(self, error: EngineError | TooNew | OSError) -> None:
        if str(error) != self.failing:
            log.warning("load failed, will be tried again", reason=str(error)[:500])
        self.failing = str(error)
        if isinstance(error, EngineError) and error.code in (UNKNOWN_TABLE, UNKNOWN_DATABASE):
            self._prepared = False
        self.wal.loadable.set()
        self._stop.wait(RETRY_S)

    def _load_part(self, segment: Segment, path: Path, token: str) -> None:
        try:
            self._insert(segment, path, token)
        except EngineError as error:
            if error.passing:
                raise
            if path == segment.path:
                if error.code == MEMORY_LIMIT_EXCEEDED and self._is_tried_again(segment):
                    raise
                self._prove_engine(segment)
            self._halve(segment, path, token, error)

    def _is_tried_again(self, segment: Segment) -> bool:
        """Whether a segment for which memory was short is tried as a whole once more."""
        tries = self._short_of_memory.get(segment.name, 0) + 1
        self._short_of_memory[segment.name] = tries
        return tries < MEMORY_TRIES

    def _insert(self, segment: Segment, path: Path, token: str) -> None:
        now_s = time.time()
        speakers = self._speakers.new(path, now_s)
        for table, statement in LOAD[segment.signal]:
            if statement != EMITTERS or speakers is None:
                self.engine.load(statement, segment.signal, path, segment.created_s, f"{token}-{table}")
            elif speakers:
                with self._part(segment, f"{token}-speakers", b"".join(speakers.values())) as part:
                    self.engine.load(statement, segment.signal, part, segment.created_s, f"{token}-{table}")
        self._speakers.kept(speakers or (), now_s)

    @contextlib.contextmanager
    def _part(self, segment: Segment, name: str, data: bytes) -> Iterator[Path]:
        """A file beside the segment, for as long as it is loaded."""
        part = segment.path.with_name(f"{name}.part")
        part.write_bytes(data)
        try:
            yield part
        finally:
            part.unlink(missing_ok=True)

    def _prove_engine(self, segment: Segment) -> None:
        """Load an empty request; an engine that refuses even that has a fault of its own, and the segment has none.

        Raises:
            EngineError: it does.
        """
        with self._part(segment, f"{segment.name}-empty", varint(0)) as empty:
            self._insert(segment, empty, empty.stem)

    def _halve(self, segment: Segment, path: Path, token: str, error: EngineError) -> None:
        """Load both halves by themselves; a single body that still fails is the culprit."""
        data = path.read_bytes()
        bodies = frames(data)
        if len(bodies) == 1:
            self._give_up(segment, data, path, token, error)
            return
        middle = bodies[len(bodies) // 2][0]
        for half, part in (("a", data[:middle]), ("b", data[middle:])):
            name = f"{token}{half}" if "-" in token else f"{token}-{half}"
            with self._part(segment, name, part) as piece:
                self._load_part(segment, piece, name)

    def _give_up(self, segment: Segment, data: bytes, path: Path, token: str, error: EngineError) -> None:
        """Set a single body aside; where memory was short it gets one more try, after what else ran has ended.

        Raises:
            EngineError: it is not the body that needs so much memory, or a passing fault.
        """
        if error.code == MEMORY_LIMIT_EXCEEDED:
            if len(data) < SMALL_BODY_BYTES or self._stop.wait(RETRY_S):
                raise error
            try:
                self._insert(segment, path, token)
                return
            except EngineError as again:
                if again.passing:
                    raise
        self._set_aside(segment, data, token, str(error))

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
