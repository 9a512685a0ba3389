"""From a translation to the log, counted: what all listeners do with what a receiver made."""

from __future__ import annotations

from coldtrail.model.exports import TooLarge, Translation
from coldtrail.server.listening.received import Received
from coldtrail.wal import Sink


class Intake:
    """Appends translations to a sink and counts them per protocol."""

    def __init__(self, sink: Sink, received: Received) -> None:
        self.sink = sink
        self.received = received

    async def keep(self, protocol: str, translation: Translation) -> None:
        """Return when everything accepted is on disk.

        Raises:
            TooLarge: the log could never hold a part of it; nothing is kept, and to send it again is in vain.
            Busy: part of it may be kept; the sender should send all of it again, copies are dropped.
        """
        largest_bytes = max((len(export.body) for export in translation.exports), default=0)
        if largest_bytes > self.sink.bound_bytes:
            bound = f"{self.sink.bound_bytes} bytes, all that the write-ahead log may hold (wal_bound_bytes)"
            raise TooLarge(f"{largest_bytes} bytes are more than {bound}: send smaller batches, or raise it")
        for export in translation.exports:
            await self.sink.append(export.signal, export.body, export.items)
            self.received.accepted(protocol, export.signal, export.items)
        if translation.rejected_items:
            self.received.refused(protocol, "; ".join(translation.reasons), items=translation.rejected_items)
