"""From a translation to the log, counted: what all listeners do with what a receiver made."""

from __future__ import annotations

from coldtrail.model.exports import Translation
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
            Busy: part of it may be kept; the sender should send all of it again, copies are dropped.
        """
        for export in translation.exports:
            await self.sink.append(export.signal, export.body, export.items)
            self.received.accepted(protocol, export.signal, export.items)
        if translation.rejected_items:
            self.received.refused(protocol, "; ".join(translation.reasons), items=translation.rejected_items)
