"""What a listener needs of the log, and the one way in which it can be refused."""

from __future__ import annotations

from typing import Protocol

from coldtrail.model.signals import Signal


class Busy(Exception):
    """The log takes no more for now; nothing was kept, and the sender should try again.

    ``reason`` is for people, ``retry_after_s`` for the protocol's own way of saying it.
    """

    def __init__(self, reason: str, retry_after_s: float = 5.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


class Sink(Protocol):
    """Where a listener puts what it accepted."""

    bound_bytes: int
    """A body that is larger is never taken, however often it is sent."""

    async def append(self, signal: Signal, body: bytes, items: int) -> None:
        """Return when the OTLP request ``body`` of ``items`` items is on disk.

        Raises:
            Busy: nothing was kept.
        """
