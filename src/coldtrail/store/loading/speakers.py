"""Which emitters a segment holds, told without the engine: those that were kept of late need not be read again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import xxhash
from google.protobuf.message import DecodeError

from coldtrail.receivers.otlp_lean import OUTLINE
from coldtrail.wal.segment import bodies, varint

KEPT_S = 600
"""An emitter is written again after so long, so that its row tells when it was last heard of."""

MOST = 100_000


class Speakers:
    """Remembers which emitters were kept when, by a hash of their bytes."""

    def __init__(self) -> None:
        self._kept: dict[bytes, float] = {}

    def new(self, path: Path, now_s: float) -> dict[bytes, bytes] | None:
        """Return those of a segment's emitters that were not kept of late, each as a frame; None where that cannot be told.

        A frame is a request of that emitter which says nothing; frames one after the other are a segment.
        """
        try:
            return dict(_speakers(path, lambda told: now_s - self._kept.get(told, 0.0) > KEPT_S))
        except DecodeError:
            return None

    def kept(self, speakers: Iterable[bytes], now_s: float) -> None:
        """Remember that they were written."""
        if len(self._kept) > MOST:
            self._kept.clear()
        self._kept |= dict.fromkeys(speakers, now_s)

    def forget(self) -> None:
        """Remember none: the tables may be empty."""
        self._kept.clear()


def _speakers(path: Path, wanted: Callable[[bytes], bool]) -> Iterator[tuple[bytes, bytes]]:
    """Yield (digest, frame) of each emitter that is wanted, once."""
    met: set[bytes] = set()
    for body in bodies(path):
        outline: Any = OUTLINE.FromString(body)
        for group in outline.groups:
            resource = b"\0".join((*group.resource, b"", *group.schema_url))
            for scope in group.scopes:
                told = xxhash.xxh3_128_digest(b"\0".join((resource, *scope.scope, b"", *scope.schema_url)))
                if told not in met and wanted(told):
                    yield told, _frame(group, scope)
                met.add(told)


def _frame(group: Any, scope: Any) -> bytes:
    """Return the emitter alone: what the outline skipped would come along in a copy."""
    request: Any = OUTLINE()
    made = request.groups.add(resource=group.resource, schema_url=group.schema_url)
    made.scopes.add(scope=scope.scope, schema_url=scope.schema_url)
    body: bytes = request.SerializeToString()
    return varint(len(body)) + body
