"""Group commit: many senders, one fsync, and only then the answers."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import queue
import shutil
import threading
import time
from collections import OrderedDict
from pathlib import Path

import xxhash
from msgspec import Struct

from coldtrail.model.signals import Signal
from coldtrail.wal.contract import Busy
from coldtrail.wal.segment import Segment, bodies, cut_torn_tail, sync_directory, varint

SIGNALS: tuple[Signal, ...] = ("traces", "logs", "metrics")
SEGMENT_BYTES: dict[Signal, int] = {"traces": 64 << 20, "logs": 32 << 20, "metrics": 32 << 20}
"""A segment is sealed at this size: large enough to batch well, small enough for a 1 GiB engine. Two of spans of half the size
would cost a fifth more CPU; of logs and metrics they cost no more, and such a load takes some 250 MB as well.
"""

REMEMBERED_BODIES = 100_000
"""How many recent bodies are remembered, so that a sender's retry after a lost answer adds nothing."""

COMMIT_BYTES = 8 << 20
"""The most that one group commit writes before it syncs."""

MOST_PARTS = 1_000
"""The most that one call writes: Linux takes 1,024 (`man 2 writev`, "IOV_MAX")."""


class _Append(Struct):
    signal: Signal
    body: bytes
    digest: bytes
    done: asyncio.Future[None]


class _Active(Struct):
    file: io.RawIOBase
    path: Path
    size_bytes: int = 0


def _write_all(file: io.RawIOBase, parts: list[bytes]) -> int:
    """Write the parts one after the other, as they lie in memory, and return how many bytes that was."""
    all_bytes = 0
    for start in range(0, len(parts), MOST_PARTS):
        some = parts[start : start + MOST_PARTS]
        size_bytes = sum(map(len, some))
        written_bytes = os.writev(file.fileno(), some)
        if written_bytes < size_bytes:
            rest = memoryview(b"".join(some))[written_bytes:]
            while rest:
                rest = rest[file.write(rest) or 0 :]
        all_bytes += size_bytes
    return all_bytes


class WriteAheadLog:
    """Segments below ``folder``, one file in writing per signal, sealed ones waiting to be loaded.

    ``bound_bytes``: pending bytes above which senders are told to come back; ``disk_floor_bytes``:
    free space below which the same happens, so that the engine keeps room to merge; ``segment_bytes``: seal at this size
    already; one group commit may go beyond it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        bound_bytes: int = 2 << 30,
        disk_floor_bytes: int = 512 << 20,
        segment_bytes: int = max(SEGMENT_BYTES.values()),
    ) -> None:
        self.folder = folder
        self.bound_bytes = bound_bytes
        self.disk_floor_bytes = disk_floor_bytes
        self.segment_bytes = segment_bytes
        self.pending_bytes = 0
        self._queue: queue.SimpleQueue[_Append | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._active: dict[Signal, _Active] = {}
        self._sealed: dict[Signal, list[Segment]] = {signal: [] for signal in SIGNALS}
        self._recent: OrderedDict[bytes, asyncio.Future[None] | None] = OrderedDict()
        self._last_name_ns = 0
        self._disk_checked_s = 0.0
        self._disk_low = False
        self.loadable = threading.Event()
        self._recover()
        self._thread = threading.Thread(target=self._run, name="wal-commit", daemon=True)
        self._thread.start()

    async def append(self, signal: Signal, body: bytes, items: int) -> None:
        """Return when ``body`` is on disk; a body that is already there is not written again.

        Raises:
            Busy: nothing was kept.
        """
        if not items:
            return
        self._check_room(len(body))
        digest = xxhash.xxh3_128_digest(body)
        if digest in self._recent:
            earlier = self._recent[digest]
            if earlier is not None:
                await asyncio.shield(earlier)
            return
        done = asyncio.get_running_loop().create_future()
        self._recent[digest] = done
        self._queue.put(_Append(signal, body, digest, done))
        await asyncio.shield(done)

    @property
    def newest_ns(self) -> int:
        """The name of the segment that was opened last; what is committed from now on may be in it, or in later ones."""
        return self._last_name_ns

    def seal(self, signal: Signal, newest_ns: int) -> Segment | None:
        """Return the oldest sealed segment named up to ``newest_ns``; where there is none, close the one in writing for it."""
        with self._lock:
            active = self._active.get(signal)
            if active and active.size_bytes and not self._sealed[signal] and int(active.path.stem) <= newest_ns:
                self._seal_active(signal)
            sealed = self._sealed[signal]
            return sealed[0] if sealed and sealed[0].opened_ns <= newest_ns else None

    def forget(self, segment: Segment) -> None:
        """Delete a segment whose content the store has made durable."""
        with self._lock:
            self._sealed[segment.signal] = [s for s in self._sealed[segment.signal] if s.path != segment.path]
            self.pending_bytes -= segment.size_bytes
        segment.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Commit what is queued, seal and stop."""
        self._queue.put(None)
        self._thread.join()
        with self._lock:
            for signal in list(self._active):
                self._seal_active(signal)

    def _check_room(self, body_bytes: int) -> None:
        if self.pending_bytes + body_bytes > self.bound_bytes:
            raise Busy(f"the write-ahead log holds {self.pending_bytes} bytes that wait to be loaded")
        now = time.monotonic()
        if now - self._disk_checked_s > 0.5:
            self._disk_checked_s = now
            self._disk_low = shutil.disk_usage(self.folder).free < self.disk_floor_bytes
        if self._disk_low:
            raise Busy("the disk is nearly full", retry_after_s=30.0)

    def _recover(self) -> None:
        for signal in SIGNALS:
            folder = self.folder / signal
            folder.mkdir(parents=True, exist_ok=True)
            for path in sorted(folder.glob("*.seg")):
                size = cut_torn_tail(path)
                if not size:
                    path.unlink()
                    continue
                segment = Segment(path, signal, size)
                self._sealed[signal].append(segment)
                self._last_name_ns = max(self._last_name_ns, segment.opened_ns)
                self.pending_bytes += size
                for body in bodies(path):
                    self._recent[xxhash.xxh3_128_digest(body)] = None
        if self.pending_bytes:
            self.loadable.set()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            batch = [self._queue.get()]
            size = 0
            while size < COMMIT_BYTES:
                try:
                    batch.append(self._queue.get_nowait())
                except queue.Empty:
                    break
                size += len(batch[-1].body) if batch[-1] else 0
            stopping = None in batch
            appends = [append for append in batch if append is not None]
            if appends:
                self._commit(appends)

    def _commit(self, appends: list[_Append]) -> None:
        for signal in SIGNALS:
            group = [append for append in appends if append.signal == signal]
            if not group:
                continue
            with self._lock:
                failure = self._write(signal, group)
            self._answer(group, failure)
        self.loadable.set()

    def _write(self, signal: Signal, group: list[_Append]) -> Busy | None:
        parts = [part for append in group for part in (varint(len(append.body)), append.body)]
        active = None
        try:
            active = self._active.get(signal) or self._open(signal)
            written_bytes = _write_all(active.file, parts)
            os.fdatasync(active.file.fileno())
        except OSError as error:
            if active is not None:
                self._take_back(active)
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            reason = "the disk is full" if full else f"the write-ahead log cannot be written: {error.strerror}"
            return Busy(reason, retry_after_s=30.0)
        active.size_bytes += written_bytes
        self.pending_bytes += written_bytes
        if active.size_bytes >= min(SEGMENT_BYTES[signal], self.segment_bytes):
            self._seal_active(signal)
        return None

    def _take_back(self, active: _Active) -> None:
        """Cut what a failed write left, so that nothing unacknowledged is loaded later."""
        os.ftruncate(active.file.fileno(), active.size_bytes)
        active.file.seek(active.size_bytes)

    def _open(self, signal: Signal) -> _Active:
        self._last_name_ns = max(time.time_ns(), self._last_name_ns + 1)
        path = self.folder / signal / f"{self._last_name_ns:020d}.seg"
        active = _Active(path.open("xb", buffering=0), path)
        sync_directory(path.parent)
        self._active[signal] = active
        return active

    def _seal_active(self, signal: Signal) -> None:
        active = self._active.pop(signal)
        active.file.close()
        if active.size_bytes:
            self._sealed[signal].append(Segment(active.path, signal, active.size_bytes))
        else:
            active.path.unlink(missing_ok=True)

    def _answer(self, group: list[_Append], failure: Busy | None) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[_Append]] = {}
        for append in group:
            by_loop.setdefault(append.done.get_loop(), []).append(append)
        for loop, appends in by_loop.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._resolve, appends, failure)

    def _resolve(self, appends: list[_Append], failure: Busy | None) -> None:
        for append in appends:
            if failure is None:
                self._recent[append.digest] = None
            else:
                self._recent.pop(append.digest, None)
            if not append.done.done():
                append.done.set_exception(failure) if failure else append.done.set_result(None)
        while len(self._recent) > REMEMBERED_BODIES:
            self._recent.popitem(last=False)
