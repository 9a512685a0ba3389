"""A segment: one file of length-delimited OTLP requests of one signal.

The framing is protobuf's own (a varint length before each message), because that is what the engine
reads (ClickHouse "Protobuf" input format), so a segment is loaded as it lies.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from mmap import ACCESS_READ, mmap
from pathlib import Path

from msgspec import Struct

from coldtrail.model.signals import Signal
from coldtrail.model.wire import varint as varint


class Segment(Struct, frozen=True):
    """A sealed segment, ready to be loaded. ``created_s`` is Unix seconds, part of its name."""

    path: Path
    signal: Signal
    size_bytes: int

    @property
    def name(self) -> str:
        """Unique for ever: its creation time in nanoseconds; also the deduplication token of its load."""
        return self.path.stem

    @property
    def opened_ns(self) -> int:
        """When it was opened, Unix nanoseconds, as its name says."""
        return int(self.name.split("-")[0])

    @property
    def created_s(self) -> int:
        """When its first byte was written; retention counts from here."""
        return self.opened_ns // 1_000_000_000


def frames(data: bytes | memoryview | mmap) -> list[tuple[int, int]]:
    """Return the (start, end) offsets of every whole frame, its length prefix included."""
    found = []
    position, end = 0, len(data)
    while position < end:
        cursor, length, shift = position, 0, 0
        while cursor < end:
            byte = data[cursor]
            length |= (byte & 0x7F) << shift
            cursor, shift = cursor + 1, shift + 7
            if byte < 0x80:
                break
        else:
            break
        if cursor + length > end:
            break
        found.append((position, cursor + length))
        position = cursor + length
    return found


def body_of(frame: bytes | memoryview) -> bytes:
    """Return a frame's message without its length prefix."""
    start = 0
    while frame[start] >= 0x80:
        start += 1
    return bytes(frame[start + 1 :])


def bodies(path: Path) -> Iterator[bytes]:
    """Yield each message of a segment, one at a time in memory: a copy of it all costs three times as much as looking into it."""
    if not path.stat().st_size:
        return
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        for start, end in frames(data):
            yield body_of(data[start:end])


def cut_torn_tail(path: Path) -> int:
    """Cut an incomplete last frame, which nobody was told is kept; return the bytes that remain."""
    data = path.read_bytes()
    whole = frames(data)
    keep = whole[-1][1] if whole else 0
    if keep < len(data):
        with path.open("r+b") as file:
            file.truncate(keep)
            os.fsync(file.fileno())
    return keep


def sync_directory(path: Path) -> None:
    """Make creations, renames and deletions in a directory durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
